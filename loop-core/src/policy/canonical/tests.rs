use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{normal, parse, parse::depth, read, render, vocabulary};
use crate::{
    base::Decimal,
    policy::{
        condition::{ArgumentTest, Condition, Deed, Limit, Measured, PathTest, Range, TimeTest, Whom},
        facts::{Counted, DataKind, Environment},
        lexicon::{Concept, Concepts},
        money::Currency,
    },
};

/// The kinds of conditions. A new one does not compile until it has its place here, and the test below fails until
/// the generator makes it.
const KINDS: usize = 27;

fn kind(condition: &Condition) -> usize {
    match condition {
        Condition::All(_) => 0,
        Condition::Any(_) => 1,
        Condition::Not(_) => 2,
        Condition::Tool(_) => 3,
        Condition::ToolLike(_) => 4,
        Condition::Deed(_) => 5,
        Condition::Named(_) => 6,
        Condition::Risky => 7,
        Condition::Money => 8,
        Condition::Amount { .. } => 9,
        Condition::Percent(_) => 10,
        Condition::Count { of: Counted::Recipients | Counted::Items, .. } => 11,
        Condition::Recipient(Whom::In(_) | Whom::Outside(_) | Whom::Address(_)) => 12,
        Condition::Data(_) => 13,
        Condition::Environment(_) => 14,
        Condition::Path(_) => 15,
        Condition::Place(_) => 16,
        Condition::Agent(_) => 17,
        Condition::Time(_) => 18,
        Condition::Attachment => 19,
        Condition::Unbounded(_) => 20,
        Condition::Command(_) => 21,
        Condition::Party(_) => 22,
        Condition::Branch(_) => 23,
        Condition::Mentions(_) | Condition::State(_) => 24,
        Condition::Text(_) => 25,
        Condition::Measure { of: Measured::Duration | Measured::Size, .. } | Condition::Argument { .. } => 26,
    }
}

fn all_concepts() -> Vec<Concept> {
    Concepts::ALL.iter().filter(|concept| Concept::named(concept.name()) == Some(*concept)).collect()
}

fn concepts() -> impl Strategy<Value = Concepts> {
    let one = || select(all_concepts());
    prop_oneof![
        4 => vec(one(), 1..3).prop_map(|some| some.into_iter().collect::<Concepts>().with_children()),
        2 => vec(one(), 0..5).prop_map(|some| some.into_iter().collect()),
        1 => (one(), one()).prop_map(|(one, other)| one.alone().with_children().without(other.alone())),
        1 => vec(one(), 0..200).prop_map(|some| some.into_iter().collect()),
        1 => Just(Concepts::ALL),
    ]
}

/// Texts, odd ones among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z][a-z_-]{0,11}",
        1 => "[a-z]{1,6}(s|es|ies|y|x|ch|z|e)",
        1 => r#"[ "\\“”_.,;:()a-z\n\u{202e}\u{200b}\u{e0041}é£]{0,12}"#,
        1 => select(vec!["it", "or", "nothing", "and that", "where", "x.", "a@b.c", "b.c", ".c", "b..c", "no@", "\\u{41}", "#x"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        3 => (0_i64..100_000).prop_map(Decimal::whole),
        1 => (any::<i64>(), -45_i32..45).prop_map(|(digits, power)| Decimal::whole(digits).shifted(power).unwrap()),
        1 => (1_i64..400, select(vec![60_i64, 3_600, 86_400, 1_000, 1_000_000])).prop_map(|(n, one)| Decimal::whole(n * one)),
    ]
}

fn range() -> impl Strategy<Value = Range> {
    let limit = || option::of((decimal(), any::<bool>()).prop_map(|(value, inclusive)| Limit { value, inclusive }));
    prop_oneof![
        4 => (limit(), limit()).prop_map(|(from, to)| Range { from, to }),
        1 => limit().prop_map(|one| Range { from: one, to: one }),
    ]
}

fn time() -> impl Strategy<Value = TimeTest> {
    let days = prop_oneof![vec(0_u8..9, 0..4), (1_u8..5).prop_map(|from| (from..=7).collect()), Just(vec![6, 7])];
    (days, option::of(0_u16..2_000), option::of(any::<u16>()), vec(any::<u8>(), 0..3), vec(0_u8..32, 0..3))
        .prop_map(|(days, from, to, months, month_days)| TimeTest { days, from, to, months, month_days })
}

fn leaf() -> BoxedStrategy<Condition> {
    let deed = (concepts(), texts(), concepts(), texts()).prop_map(|(does, verbs, things, nouns)| Deed {
        does,
        verbs,
        things,
        nouns,
    });
    let plain =
        (concepts(), prop_oneof![Just(Concepts::NONE), concepts()]).prop_map(|(does, things)| Deed::of(does, things));
    let path = (0..4_usize, text())
        .prop_map(|(which, text)| [PathTest::Under, PathTest::Folder, PathTest::File, PathTest::Tail][which](text));
    let currency = option::of("[A-Z]{3}".prop_map(|code| Currency::parse(&code).unwrap()));
    let kinds = select(vec![
        DataKind::Email,
        DataKind::Phone,
        DataKind::Card,
        DataKind::BankAccount,
        DataKind::SocialSecurity,
        DataKind::NationalInsurance,
        DataKind::Personal,
        DataKind::ApiKey,
        DataKind::Secret,
    ]);
    let data = (vec(kinds.clone(), 0..3), any::<bool>(), vec(kinds, 0..3)).prop_map(|(mut kinds, all, more)| {
        if all {
            kinds.extend(DataKind::PERSONAL);
        }
        kinds.extend(more);
        kinds
    });
    let environment = select(vec![
        Environment::Production,
        Environment::Staging,
        Environment::Development,
        Environment::Test,
        Environment::Preview,
    ]);
    let argument = prop_oneof![
        texts().prop_map(ArgumentTest::Is),
        texts().prop_map(ArgumentTest::Like),
        range().prop_map(ArgumentTest::Number),
        Just(ArgumentTest::Present),
    ];
    let domains = || vec(prop_oneof!["[a-z]{1,5}\\.[a-z]{2,3}", "[a-z.]{1,4}@[a-z]{1,4}\\.com", text()], 0..4);
    prop_oneof![
        prop_oneof![text().prop_map(Condition::Tool), text().prop_map(Condition::ToolLike)],
        prop_oneof![
            deed.prop_map(Condition::Deed),
            plain.prop_map(Condition::Deed),
            Just(Condition::Deed(Deed::default()))
        ],
        texts().prop_map(Condition::Named),
        prop_oneof![Just(Condition::Risky), Just(Condition::Money), Just(Condition::Attachment)],
        (range(), currency).prop_map(|(range, currency)| Condition::Amount { range, currency }),
        range().prop_map(Condition::Percent),
        (select(vec![Counted::Recipients, Counted::Items]), proptest::option::of(text()), range())
            .prop_map(|(of, noun, range)| Condition::Count { of, noun, range }),
        prop_oneof![
            domains().prop_map(|all| Condition::Recipient(Whom::In(all))),
            domains().prop_map(|all| Condition::Recipient(Whom::Outside(all))),
            domains().prop_map(|all| Condition::Recipient(Whom::Address(all))),
        ],
        data.prop_map(Condition::Data),
        vec(environment, 0..3).prop_map(Condition::Environment),
        vec(path, 0..3).prop_map(Condition::Path),
        prop_oneof![
            texts().prop_map(Condition::Place),
            texts().prop_map(Condition::Agent),
            texts().prop_map(Condition::Party)
        ],
        vec(time(), 0..3).prop_map(Condition::Time),
        concepts().prop_map(Condition::Unbounded),
        vec(texts(), 0..3).prop_map(Condition::Command),
        prop_oneof![texts().prop_map(Condition::Branch), texts().prop_map(Condition::Text)],
        prop_oneof![texts().prop_map(Condition::Mentions), texts().prop_map(Condition::State)],
        (select(vec![Measured::Duration, Measured::Size]), range())
            .prop_map(|(of, range)| Condition::Measure { of, range }),
        (text(), argument).prop_map(|(name, test)| Condition::Argument { name, test }),
    ]
    .boxed()
}

fn tree(depth: u32) -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(depth, 40, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Condition::All),
            vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

#[test]
fn the_generator_makes_every_kind() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = [false; KINDS];
    for _ in 0..2_000 {
        tree(3).new_tree(&mut runner).unwrap().current().each_part(&mut |part| seen[kind(part)] = true);
    }
    assert_eq!(seen.iter().position(|seen| !seen), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(condition in tree(4)) {
        let text = render(&condition);
        prop_assert_eq!(parse(&text), Ok(normal(&condition)), "{}", text);
    }

    #[test]
    fn lists_of_lists_read_back(condition in tree(12)) {
        let text = render(&condition);
        prop_assert_eq!(parse(&text), Ok(normal(&condition)), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(Block a|A) call (that |where |, unless )[ -~“”é\u{202e}]{0,80}\\.?") {
        if let Ok(condition) = parse(&text) {
            prop_assert_eq!(parse(&render(&condition)), Ok(condition));
        }
    }

    #[test]
    fn a_text_cut_short_is_refused(condition in tree(3), cut in any::<prop::sample::Index>()) {
        let text = render(&condition);
        let short: String = text.chars().take(cut.index(text.chars().count())).collect();
        // Only a full stop that stands in a name can be taken for the end.
        prop_assume!(!short.ends_with('.'));
        prop_assert!(parse(&short).is_err(), "{}", short);
    }
}

#[test]
fn every_word_beside_every_other_reads_back() {
    let concepts = all_concepts();
    let back = |condition: Condition| {
        let text = render(&condition);
        assert_eq!(parse(&text), Ok(condition), "{text}");
    };
    for does in &concepts {
        let deed = |things| Condition::Deed(Deed::of(vocabulary::whole(*does), things));
        concepts.iter().for_each(|things| back(deed(vocabulary::whole(*things))));
        back(Condition::negated(deed(does.alone())));
    }
}

#[test]
fn nearly_every_concept_has_a_word_of_its_own() {
    use vocabulary::{Place, spelling};
    let named = |place, listed: fn(Concept) -> bool| {
        all_concepts().into_iter().filter(|one| listed(*one) && spelling(*one, place).is_none()).collect::<Vec<_>>()
    };
    // The others go by their names, which always works and reads badly.
    for (place, listed) in [
        (Place::Does, (|one| one.verb().is_some()) as fn(Concept) -> bool),
        (Place::Do, |one| one.verb().is_some()),
        (Place::Things, |one| one.noun().is_some()),
    ] {
        let without = named(place, listed);
        assert!(without.len() <= 3, "{place:?}: {without:?}");
    }
}

fn condition(json: &str) -> Condition {
    serde_json::from_str(json).unwrap()
}

/// How conditions read that people write most.
#[test]
fn plain_conditions_read_plainly() {
    let pays = r#"{"deed":{"does":["pay","payroll","donate","transfer"]}}"#;
    let over = r#"{"amount":{"range":{"from":{"value":"10000"}},"currency":"GBP"}}"#;
    let inside = r#"{"recipient":{"in":["acme.com"]}}"#;
    for (json, text) in [
        (format!(r#"{{"all":[{pays},{over},{{"not":{inside}}}]}}"#),
         "A call that pays, where the amount is over 10,000 GBP, unless it goes to someone at acme.com."),
        (r#"{"deed":{}}"#.into(), "A call that does anything but look."),
        (r#"{"deed":{"things":["backup"]}}"#.into(), "A call that does anything to backups but look at them."),
        (r#"{"deed":{"does":["delete","void"],"verbs":["flush"],"things":["booking"],"nouns":["gift_box"]}}"#.into(),
         r#"A call that deletes, voids or "flushes" bookings or "gift boxes"."#),
        (r#"{"deed":{"does":["spend"]}}"#.into(), "A call that just spends."),
        (r#"{"not":{"agent":["night-bot"]}}"#.into(), r#"A call, unless it comes from the agent "night-bot"."#),
        (format!(r#"{{"any":[{{"all":[{pays},{over}]}},{{"deed":{{"does":["delete"]}}}}]}}"#),
         "A call where one of these holds: (1) it pays and the amount is over 10,000 GBP; (2) it deletes."),
        (format!(r#"{{"all":[{{"any":[{{"deed":{{"does":["export"]}}}},{{"deed":{{"does":["delete"]}}}}]}},{over}]}}"#),
         "A call that exports or that deletes, where the amount is over 10,000 GBP."),
        (r#"{"time":[{"days":[1,2,3,4,5],"from":1080,"to":480},{"month_days":[0],"months":[12]}]}"#.into(),
         "A call that happens on Monday to Friday from 18:00 to 08:00, or on the last day of the month in December."),
        (r#"{"measure":{"of":"duration","range":{"from":{"value":"7200"}}}}"#.into(), "A call where the duration is over 2 hours."),
        (r#"{"percent":{"from":{"value":"5","inclusive":true},"to":{"value":"20"}}}"#.into(),
         "A call where the percentage is from 5% to under 20%."),
        (format!(r#"{{"all":[{{"any":[{{"all":[{pays},{over}]}},{inside}]}},"risky",{{"not":"attachment"}}]}}"#),
         "A call where one of these holds: (1) it pays and the amount is over 10,000 GBP; (2) it goes to someone at acme.com; in each case where it is of more than low risk, unless it has an attachment."),
        (format!(r#"{{"all":[{inside},{{"any":[{over},{{"all":["risky",{{"not":{inside}}}]}}]}}]}}"#),
         "A call that goes to someone at acme.com, where the amount is over 10,000 GBP or (it is of more than low risk and it does not go to someone at acme.com)."),
        (r#"{"all":[]}"#.into(), "A call under all circumstances."),
        (r#"{"any":[]}"#.into(), "A call under no circumstances."),
        (r#"{"data":["email","phone","card","bank_account","social_security","national_insurance","personal","secret"]}"#.into(),
         "A call that contains any personal data or secrets."),
        (r#"{"argument":{"name":"account","test":{"is":["reserve","a\"b"]}}}"#.into(),
         r#"A call where the argument "account" is "reserve" or "a\"b"."#),
        (r#"{"all":[{"command":[["git","push"]]},{"branch":["main"]},{"environment":["production","staging"]}]}"#.into(),
         r#"A call that runs the command "git push" and that works on a branch named like "main" and that works in production or staging."#),
        (r#"{"path":[{"under":"/srv"},{"file":"*.pem"}]}"#.into(),
         r#"A call that touches a path under "/srv" or a file named like "*.pem"."#),
    ] {
        let wanted = condition(&json);
        assert_eq!(render(&wanted), text);
        assert_eq!(parse(text), Ok(wanted));
    }
}

#[test]
fn heads_spaces_and_curly_quotes_are_as_people_type_them() {
    let wanted = condition(r#"{"agent":["night-bot"]}"#);
    for text in [
        r#"A call that comes from the agent "night-bot"."#,
        "Block a call that comes from the agent “night-bot”.",
        "  ask about a call that  comes from\nthe agent \"night-bot\" .\n",
    ] {
        assert_eq!(parse(text), Ok(wanted.clone()), "{text}");
    }
}

#[test]
fn what_is_not_canonical_is_left_to_ordinary_reading() {
    for text in [
        "",
        ".",
        "A call.",
        "Block a call",
        "Block any call.",
        "A call that refunds",
        "A call that refunds customers who are angry.",
        "A call that flushes caches.",
        "A call that refunds, where the amount is over 50.",
        "A call that refunds, where the amount is over 5,0 GBP.",
        "A call that refunds and it deletes or it pays.",
        "A call where it refunds and it deletes or it pays.",
        "A call where one of these holds: (1) it refunds; (3) it pays.",
        "A call that says \"x.",
        "A call that says \"\\q\".",
        "A call that says \"a\u{202e}b\".",
        "A call that goes to someone at acme.",
        "A call that deletes\u{200b} files.",
        "A call that happens on Monday from 9:00 to 17:00.",
        "A call to the bank that pays.",
        "A call that deletes files and files.",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let error = parse("A call that refunds customers who are angry.").unwrap_err();
    assert_eq!(error.at, 30);
    assert_eq!(error.to_string(), "not in the canonical form from byte 30 on");
}

#[test]
fn what_makes_no_sense_is_read_and_not_taken() {
    for text in
        ["A call that mentions nothing.", "A call where the amount is from 9 to 5 GBP.", "A call that says \"\"."]
    {
        assert!(parse(text).is_ok(), "{text}");
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read("A call that refunds."), Some(condition(r#"{"deed":{"does":["refund"]}}"#)));
}

#[test]
fn depth_is_bounded_both_ways() {
    let nested = |depth: usize| {
        (1..depth).fold(Condition::Risky, |inner, at| {
            let both = vec![Condition::Money, inner];
            if at % 2 == 0 { Condition::All(both) } else { Condition::Any(both) }
        })
    };
    let deepest = nested(Condition::DEPTH_MAX);
    assert_eq!(depth(&deepest), Condition::DEPTH_MAX);
    assert_eq!(parse(&render(&deepest)), Ok(deepest));
    assert!(parse(&render(&nested(Condition::DEPTH_MAX + 1))).is_err());
    let brackets = format!("A call where {}it refunds{}.", "(".repeat(100_000), ")".repeat(100_000));
    assert!(parse(&brackets).is_err());
    let negations = format!("A call where {}it refunds{}.", "not (".repeat(20), ")".repeat(20));
    assert!(parse(&negations).is_ok());
    assert!(parse(&format!("A call that says \"{}\".", "x".repeat(super::TEXT_MAX))).is_err());
}

/// The examples of the guide.
#[test]
fn the_guide_s_examples_are_canonical() {
    let guide = include_str!("../../../../docs/english-rules.md");
    let section = guide.split("### The canonical form").nth(1).unwrap();
    let examples = section.split("```").nth(1).unwrap().replace("\n  ", " ");
    let examples: Vec<&str> = examples.lines().filter(|line| !line.is_empty()).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let condition = parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert_eq!(example.split_once(" a call").unwrap().1, render(&condition).strip_prefix("A call").unwrap());
    }
}
