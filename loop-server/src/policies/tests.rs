//! What stands in a file, and where it is wrong.

use std::path::Path;

use loop_core::{
    base::{Decimal, Seed, Time, id::RuleId},
    policy::{
        Form as Kept, Rule, RuleAction, RuleMode,
        condition::{Condition, Deed, Limit, Range, TimeTest, Whom},
        document::Document,
        facts::Counted,
        lexicon::Concepts,
        money::Currency,
    },
};
use proptest::prelude::*;

use super::{FileError, Form, Sources, parse, write};

fn place(text: &str, form: Form) -> (usize, usize, String) {
    match parse(Path::new("p"), text, form) {
        Err(FileError::Place { line, column, problem, .. }) => (line, column, problem),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let head = "version = 1\n\n[[rule]]\nname = \"a\"\n";
    let (line, _, problem) =
        place(&format!("{head}text = \"refunds need approval\"\naction = \"aprove\"\n"), Form::Toml);
    assert_eq!((line, problem.contains("aprove")), (6, true), "{problem}");
    let (line, column, problem) =
        place(&format!("{head}action = \"block\"\ncondition = {{ deed = {{ doez = [] }} }}\n"), Form::Toml);
    assert_eq!((line, problem.contains("doez")), (6, true), "{problem}");
    assert!(column > 10, "{column}");
    let twice =
        format!("{head}text = \"x y\"\naction = \"block\"\n[[rule]]\nname = \"a\"\ntext = \"z\"\naction = \"block\"\n");
    assert!(place(&twice, Form::Toml).2.contains("another rule has the name `a`"));
    let (line, _, problem) = place("{\"version\": 1,\n \"rule\": [\n  {\"action\": \"block\"}\n ]}", Form::Json);
    // JSON is read on to the end of what holds the rule.
    assert_eq!((line, problem.contains("neither `text` nor `condition`")), (4, true), "{problem}");
    assert!(place("version = 2\n", Form::Toml).2.contains("version `2` is not known"));
    assert!(place("version = 1\nrules = []\n", Form::Toml).2.contains("rules"), "a misspelt member is not passed over");
    let empty = r#"{"version":1,"rule":[{"action":"block","condition":{"agent":[]}}]}"#;
    assert!(place(empty, Form::Json).2.contains("a list is empty"), "a test that nothing passes is refused");
    let never = "action = \"block\"\napprover_email = \"fay@acme.org\"\ncondition = { place = [\"#random\"] }\n";
    let (line, column, problem) = place(&format!("{head}{never}"), Form::Toml);
    assert_eq!((line, column), (7, 13), "{problem}");
    assert!(problem.contains("leave the `#` out"), "{problem}");
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-zA-Z\"'\\\\ é#=-]{0,8}[a-z]", 1..4)
}

fn decimal(least: i64) -> impl Strategy<Value = Decimal> {
    (least..9_999_999_i64, 0..4_i32)
        .prop_map(|(value, digits)| Decimal::whole(value).shifted(-digits).unwrap_or(Decimal::ZERO))
}

fn range(least: i64) -> impl Strategy<Value = Range> {
    (decimal(least), any::<bool>(), any::<bool>()).prop_map(|(value, inclusive, upper)| {
        let inclusive = inclusive || value == Decimal::ZERO;
        let limit = Some(Limit { value, inclusive });
        if upper { Range { from: None, to: limit } } else { Range { from: limit, to: None } }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let concepts =
        prop::collection::vec(prop::sample::select(vec!["refund", "send", "delete", "deploy", "file"]), 0..3)
            .prop_map(|names| Concepts::named(&names));
    let leaf = prop_oneof![
        Just(Condition::Risky),
        Just(Condition::Money),
        Just(Condition::Attachment),
        "[a-z_]{1,9}".prop_map(Condition::Tool),
        (concepts.clone(), concepts).prop_map(|(does, things)| Condition::Deed(Deed::of(does, things))),
        (range(0), prop::option::of(prop::sample::select(vec!["GBP", "USD"])))
            .prop_map(|(range, code)| Condition::Amount { range, currency: code.and_then(Currency::parse) }),
        range(-9_999_999).prop_map(Condition::Percent),
        range(0).prop_map(|range| Condition::Count { of: Counted::Recipients, noun: None, range }),
        prop::collection::vec("[a-zA-Zé-]{1,8}\\.[a-z]{2,3}", 1..4)
            .prop_map(|domains| Condition::Recipient(Whom::Outside(domains))),
        texts().prop_map(Condition::Text),
        texts().prop_map(Condition::Agent),
        (prop::collection::vec(1..8_u8, 0..4), prop::option::of(0..1_440_u16))
            .prop_map(|(days, from)| Condition::Time(vec![TimeTest { days, from, ..TimeTest::default() }])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
            inner.prop_map(|one| if one == Condition::ALWAYS { one } else { Condition::Not(Box::new(one)) }),
        ]
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let form = (prop::option::of(condition()), prop::option::of("[a-zA-Z0-9._-]{1,12}"))
        .prop_map(|(condition, name)| Kept { condition: condition.map(Box::new), name, file: None });
    (
        any::<[u8; 32]>(),
        "\\PC{0,20}[a-z]",
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(0..4_000_000_000_i64),
        form,
    )
        .prop_map(|(seed, rule_text, block, shadow, mail, expires, form)| Rule {
            id: RuleId::draw(Time::EPOCH, &mut Seed::new(seed)),
            rule_text,
            action: if block { RuleAction::Block } else { RuleAction::Approve },
            approver_email: mail.then(|| "fay@acme.org".to_owned()),
            mode: if shadow { RuleMode::Shadow } else { RuleMode::Enforce },
            expires_at: expires.map(|seconds| Time::EPOCH.plus_seconds(seconds)),
            revision: 0,
            epoch: 0,
            form,
            deleted_at: None,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_was_written_reads_back_the_same(rules in prop::collection::vec(rule(), 0..4)) {
        let mut rules = rules;
        let mut names = std::collections::BTreeSet::new();
        rules.retain(|rule| rule.form.name.as_ref().is_none_or(|name| names.insert(name.clone())));
        let document = Document::of(rules);
        for form in [Form::Toml, Form::Json] {
            let text = write(&document, form).unwrap();
            let read = parse(Path::new("p"), &text, form).unwrap_or_else(|error| panic!("{error}\n{text}"));
            prop_assert_eq!(&read, &document, "{}", text);
        }
    }

    #[test]
    fn no_file_breaks_the_reader(text in "\\PC{0,200}|(version = 1\n)?(\\[\\[rule\\]\\]\n|[a-z]{1,6} = [\\[\\]{}\"a-z0-9,=]{0,9}\n){0,6}") {
        for form in [Form::Toml, Form::Json] {
            if let Err(error) = parse(Path::new("p"), &text, form) {
                let placed = matches!(error, FileError::Place { line, column, .. } if line > 0 && column > 0);
                prop_assert!(placed);
            }
        }
    }
}

#[test]
fn a_folder_is_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Sources::read(folder.path()), Err(FileError::Empty(_))));
    assert!(matches!(Sources::read(&folder.path().join("none")), Err(FileError::Read { .. })));
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put(".hidden.toml", "nonsense");
    put("README.md", "nonsense");
    put("b.toml", "version = 1\n[[rule]]\nname = \"x\"\ntext = \"refunds need approval\"\naction = \"approve\"\n");
    put("a.json", r#"{"version":1,"rule":[{"text":"block emails","action":"block"}]}"#);
    let sources = Sources::read(folder.path()).unwrap();
    let wanted = sources.wanted().unwrap();
    let told: Vec<_> = wanted.iter().map(|one| (one.file.as_str(), one.entry.text.as_str())).collect();
    assert_eq!(told, [("a.json", "block emails"), ("b.toml", "refunds need approval")]);
    put("c.toml", "version = 1\n[[rule]]\ntext = \"t\"\naction = \"block\"\nname = \"x\"\n");
    let other = Sources::read(folder.path()).unwrap();
    assert_ne!(other.print, sources.print);
    let Err(FileError::Place { path, line, column, .. }) = other.wanted() else { panic!("the name stands twice") };
    assert_eq!((path.file_name().and_then(|name| name.to_str()), line, column), (Some("c.toml"), 5, 9));
}
