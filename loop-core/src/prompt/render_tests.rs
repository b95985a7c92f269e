//! What templates render to. The expected texts are those of Handlebars 4.7.8 without escaping and without strictness.

use serde_json::{Value as Json, json};

use super::{
    evaluate::{self, MAX_OUTPUT, RenderError},
    program::Program,
    syntax,
};

fn program(template: &str) -> Program {
    syntax::compile(template).unwrap_or_else(|error| panic!("{template}: {error}"))
}

fn render(template: &str) -> String {
    evaluate::run(&program(template), &data()).unwrap()
}

fn data() -> Json {
    json!({
        "t": "title", "n": 7, "nul": null, "yes": true, "no": false, "zero": 0, "one": 1.0, "neg": -2.5, "empty": "",
        "html": "<b>a & b</b> \"q\" 'x' `y` =",
        "list": ["a", "b", "c"], "none": [], "obj": {"a": 1, "b": [1, "two"], "c": {"d": null}}, "hollow": {},
        "objs": [{"n": "x", "v": 1}, {"n": "y", "v": 0}], "deep": {"er": {"est": "bottom"}, "a b": 3},
        "nested": [{"items": ["p", "q"]}, {"items": ["r"]}, {"items": []}],
        "prios": [0, 1, 2, 3, 4, 7], "uni": "żółć 🚀", "tpl": "{{t}}", "key": "er",
    })
}

#[test]
fn templates_render_as_handlebars_does() {
    for (template, want) in [
        ("Just text: ż <b> } { $1 \\ end", "Just text: ż <b> } { $1 \\ end"),
        ("{{t}}|{{  t  }}|{{n}}", "title|title|7"),
        ("{{deep.er.est}}{{deep/er/est}}{{deep.[a b]}}", "bottombottom3"),
        ("[{{nope}}][{{nope.deep.path}}][{{nul}}][{{deep.no.pe}}][{{t.x}}]", "[][][][][]"),
        ("{{html}}", "<b>a & b</b> \"q\" 'x' `y` ="),
        ("{{zero}} {{one}} {{neg}} {{yes}} {{no}}", "0 1 -2.5 true false"),
        ("{{tpl}}{{uni}}", "{{t}}żółć 🚀"),
        ("{{list}}|{{obj}}|{{none}}", "a,b,c|[object Object]|"),
        ("{{list.[1]}}{{list.1}}{{list.9}}", "bb"),
        (r"\{{t}} \\{{t}}", r"{{t}} \title"),
        // Choices.
        ("{{#if yes}}y{{else}}n{{/if}}{{#if no}}y{{else}}n{{/if}}{{#if zero}}y{{else}}n{{/if}}", "ynn"),
        ("{{#if one}}y{{else}}n{{/if}}{{#if empty}}y{{else}}n{{/if}}{{#if hollow}}y{{else}}n{{/if}}", "yny"),
        ("{{#if list}}y{{else}}n{{/if}}{{#if none}}y{{else}}n{{/if}}{{#if nope}}y{{else}}n{{/if}}", "ynn"),
        ("{{#if zero includeZero=true}}y{{else}}n{{/if}}{{#if nul includeZero=true}}y{{else}}n{{/if}}", "yn"),
        ("[{{#if nope}}y{{/if}}]", "[]"),
        ("{{#if yes}}{{#if no}}a{{else}}b{{/if}}{{else}}c{{/if}}", "b"),
        ("{{#if nope}}a{{else if t}}b{{else}}c{{/if}}{{#if nope}}a{{else if nul}}b{{else}}c{{/if}}", "bc"),
        ("{{#if nope}}a{{^}}b{{/if}}", "b"),
        ("{{#unless nope}}u{{/unless}}{{#unless t}}u{{else}}v{{/unless}}", "uv"),
        // Loops.
        ("{{#each list}}{{this}},{{/each}}", "a,b,c,"),
        ("{{#each objs}}{{this.n}}={{v}};{{/each}}", "x=1;y=0;"),
        ("{{#each objs}}{{n}}{{#if this.v}}+{{else}}-{{/if}}{{/each}}", "x+y-"),
        ("[{{#each none}}x{{/each}}][{{#each nope}}x{{else}}none{{/each}}][{{#each t}}x{{/each}}]", "[][none][]"),
        ("{{#each nested}}{{#each this.items}}{{this}}{{/each}};{{/each}}", "pq;r;;"),
        ("{{#each list}}{{@index}}{{#if @first}}<{{/if}}{{#if @last}}>{{/if}}{{/each}}", "0<12>"),
        ("{{#each obj}}{{@key}} {{/each}}", "a b c "),
        ("{{#each list}}{{../t}}{{@root.n}}{{/each}}", "title7title7title7"),
        ("{{#each nested}}{{#each items}}{{@../index}}{{../../n}}{{/each}}{{/each}}", "070717"),
        ("{{#each list as |item at|}}{{at}}{{item}}{{/each}}{{#each objs as |o|}}{{o.n}}{{/each}}", "0a1b2cxy"),
        ("{{#each list}}{{t}}{{/each}}", ""),
        ("{{#with deep.er}}{{est}}{{/with}}{{#with nope}}x{{else}}y{{/with}}", "bottomy"),
        // Lengths and helpers.
        ("{{list.length}} {{none.length}} {{uni.length}} {{nope.length}}", "3 0 7 "),
        ("{{#each nested}}{{this.items.length}}{{/each}}", "210"),
        ("{{#if list.length}}y{{else}}n{{/if}}{{#if none.length}}y{{else}}n{{/if}}", "yn"),
        (
            "{{json uni}} {{json yes}} {{json nul}} {{json one}} {{json none}} {{json hollow}}",
            "\"żółć 🚀\" true null 1 [] {}",
        ),
        ("{{json list}}", "[\n  \"a\",\n  \"b\",\n  \"c\"\n]"),
        (
            "{{priority_label 2}} {{#each prios}}{{priority_label this}} {{/each}}",
            "high none urgent high medium low unknown ",
        ),
        ("{{#if (lookup deep key)}}{{lookup list 1}}{{/if}}{{json (priority_label n)}}", "b\"unknown\""),
        // Lines that hold nothing but a tag.
        ("A\n{{#if t}}\nB\n{{else}}\nC\n{{/if}}\nD\n", "A\nB\nD\n"),
        ("A\n{{#if nope}}\nB\n{{else}}\nC\n{{/if}}\nD", "A\nC\nD"),
        ("A\n{{#if nope}}\nB\n{{/if}}\nD\n", "A\nD\n"),
        ("L:\n{{#each list}}\n- {{this}}\n{{/each}}\nend\n", "L:\n- a\n- b\n- c\nend\n"),
        ("L:\n  {{#each list}}\n  - {{this}}\n  {{/each}}\nend\n", "L:\n  - a\n  - b\n  - c\nend\n"),
        ("{{#if t}}\n{{#each list}}\n* {{this}}\n{{/each}}\n{{/if}}\nend", "* a\n* b\n* c\nend"),
        ("A\n\n{{#if t}}\n\nB\n\n{{/if}}\n\nD\n", "A\n\n\nB\n\n\nD\n"),
        ("A {{#if t}} B {{/if}} C\nD", "A  B  C\nD"),
        ("A\n{{t}}\nB\n{{nope}}\nC\n", "A\ntitle\nB\n\nC\n"),
        ("A\n{{! said }}\nB {{!-- }} --}}C", "A\nB C"),
        ("a {{~t~}} b", "atitleb"),
    ] {
        assert_eq!(render(template), want, "{template}");
    }
    assert_eq!(render("{{json obj}}"), serde_json::to_string_pretty(&data()["obj"]).unwrap());
}

#[test]
fn a_partial_alone_on_its_line_is_indented_and_leaves_no_line() {
    let of = |template: &str| evaluate::run(&program(template), &json!({ "siblings": [{}] })).unwrap();
    let plain = of("{{> sibling_context}}");
    assert!(plain.starts_with("## ") && plain.ends_with(".\n"), "{plain}");
    assert_eq!(of("a\n{{> sibling_context}}\nb"), format!("a\n{plain}b"));
    assert_eq!(of("<<{{> sibling_context}}>>"), format!("<<{plain}>>"));
    let indented = of("a\n  {{> sibling_context}}\nb");
    assert!(indented.starts_with("a\n  ## ") && indented.ends_with("\nb"), "{indented}");
    assert!(indented.contains("\n  - #") && !indented.contains("\n  \n"), "{indented}");
}

#[test]
fn what_the_evaluator_does_not_know_is_refused() {
    for bad in [
        "{{no_such_helper issue.title 1}}",
        "{{> no_such_partial}}",
        "{{#nope a}}x{{/nope}}",
        "{{#*inline \"a\"}}x{{/inline}}",
        "{{#> parent_context}}x{{/parent_context}}",
        "{{* a}}",
        "{{> (lookup . 'x')}}",
        "{{> parent_context a=1}}",
        "{{#if a b}}x{{/if}}",
        "{{#each a b=1}}x{{/each}}",
        "{{@nope}}",
        "{{json}}{{json a b}}",
    ] {
        assert!(syntax::compile(bad).is_err(), "{bad}");
    }
}

#[test]
fn no_template_takes_more_than_its_share() {
    let long: Vec<String> = vec!["x".repeat(60); 1_500];
    let data = json!({ "l": long, "o": { "l": vec![0; 1_500] } });
    let outcome = |template: &str| evaluate::run(&program(template), &data);
    assert_eq!(outcome(&"{{#each l}}{{this}}{{/each}}".repeat(1_500)), Err(RenderError::TooLong));
    assert_eq!(outcome(&"{{json l}}".repeat(400)), Err(RenderError::TooLong));
    assert_eq!(outcome(&"{{l}}".repeat(400)), Err(RenderError::TooLong));
    let empty = format!("{}{}", "{{#each @root.o.l}}".repeat(4), "{{/each}}".repeat(4));
    assert_eq!(outcome(&empty), Err(RenderError::TooManySteps));
    let partials = format!("{}{{{{> api_reference}}}}{}", "{{#each @root.l}}".repeat(2), "{{/each}}".repeat(2));
    assert!(outcome(&partials).is_err());
    assert!(outcome("{{#each l}}{{this}}{{/each}}").unwrap().len() < MAX_OUTPUT);
}
