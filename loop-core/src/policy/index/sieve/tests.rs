//! Rules that are found are those that judging every rule finds.

use std::sync::Arc;

use proptest::prelude::*;
use smallvec::SmallVec;

use super::super::{Index, Sorted};
use crate::{
    base::{Decimal, Seed, Time, id::RuleId, json::Doc},
    policy::{
        Action, CompiledRule, Form, Forward, Rule, RuleAction,
        condition::{Condition, Deed, Limit, PathTest, Range, TimeTest, Whom},
        deed::{classify, combined},
        facts::{self, Amounts, Counted, DataKind, Environment},
        lexicon::Concepts,
        money::Currency,
        truth::{Call, Source, Truth},
    },
    tool::Risk,
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn rule(seed: usize, condition: Condition) -> Arc<CompiledRule> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    Arc::new(CompiledRule::compile(Rule {
        form: Form { condition: Some(Box::new(condition)), ..Form::default() },
        ..Rule::new(RuleId::draw(NOW, &mut Seed::new(bytes)), "given", RuleAction::Approve)
    }))
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(all.to_vec())
}

fn texts(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(one_of(all).prop_map(str::to_owned), 1..3)
}

fn range() -> impl Strategy<Value = Range> {
    let limit =
        (0..6_i64, any::<bool>()).prop_map(|(value, inclusive)| Limit { value: Decimal::whole(value * 10), inclusive });
    (prop::option::of(limit.clone()), prop::option::of(limit)).prop_map(|(from, to)| Range { from, to })
}

fn deed() -> impl Strategy<Value = Condition> {
    let concepts = |all: &'static [&'static str]| {
        prop::collection::vec(one_of(all), 0..2).prop_map(|names| Concepts::named(&names))
    };
    let words = |all: &'static [&'static str]| prop::collection::vec(one_of(all).prop_map(str::to_owned), 0..2);
    (
        concepts(&["pay", "delete", "send", "read"]),
        words(&["flange", "grommet"]),
        concepts(&["file", "record"]),
        words(&["sprocket", "widget_box", "sprocketcentre", "sprocket_code", "шестерня", "ärmel", "_"]),
    )
        .prop_map(|(does, verbs, things, nouns)| Condition::Deed(Deed { does, verbs, things, nouns }))
}

fn leaf() -> impl Strategy<Value = Condition> {
    let currency = prop::option::of(one_of(&["GBP", "USD"]).prop_map(|code| Currency::parse(code).unwrap()));
    prop_oneof![
        4 => deed(),
        4 => (range(), currency).prop_map(|(range, currency)| Condition::Amount { range, currency }),
        1 => range().prop_map(Condition::Percent),
        1 => (range(), any::<bool>(), prop::option::of(one_of(&["row", "policy", "record", "units"]))).prop_map(|(range, rows, noun)| Condition::Count {
            of: if rows { Counted::Items } else { Counted::Recipients },
            noun: noun.map(str::to_owned),
            range,
        }),
        2 => texts(&["acme.org", "Mail.acme.org", "org", "rival.example"]).prop_map(|all| Condition::Recipient(Whom::In(all))),
        1 => texts(&["acme.org", "rival.example"]).prop_map(|all| Condition::Recipient(Whom::Outside(all))),
        1 => texts(&["Bea@acme.org", "sam@rival.example"]).prop_map(|all| Condition::Recipient(Whom::Address(all))),
        2 => texts(&["night-bot", "Billing Agent", "agent", "агент"]).prop_map(Condition::Agent),
        1 => texts(&["general", "Random"]).prop_map(Condition::Place),
        2 => texts(&["kite", "Umbrella Corp"]).prop_map(Condition::Party),
        2 => texts(&["sprockets", "widget box", "policy", "x_", "vendor_7", "7", "colour_box", "шестерня", "ärmel box", "-"]).prop_map(Condition::Mentions),
        1 => texts(&["kite", "Kite flies", "-to", "a kite flies to b"]).prop_map(Condition::Text),
        1 => texts(&["kite", "widget", "kubernetes", "kite_cloud"]).prop_map(Condition::Named),
        2 => one_of(&[Environment::Production, Environment::Staging]).prop_map(|one| Condition::Environment(vec![one])),
        1 => one_of(&["pay_kite", "delete_file", "flange"]).prop_map(|name| Condition::Tool(name.to_owned())),
        1 => one_of(&["pay_*", "*e"]).prop_map(|pattern| Condition::ToolLike(pattern.to_owned())),
        1 => one_of(&[Condition::Money, Condition::Risky, Condition::Attachment, Condition::Data(vec![DataKind::Email])]),
        1 => one_of(&["/etc", "/srv"]).prop_map(|path| Condition::Path(vec![PathTest::Under(path.to_owned())])),
        1 => (1..8_u8).prop_map(|day| Condition::Time(vec![TimeTest { days: vec![day], ..TimeTest::default() }])),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let part = prop_oneof![
        5 => leaf(),
        1 => leaf().prop_map(|one| Condition::Not(Box::new(one))),
        1 => prop::collection::vec(leaf(), 1..3).prop_map(Condition::Any),
        1 => prop::collection::vec(leaf(), 1..3).prop_map(|all| Condition::Not(Box::new(Condition::Any(all)))),
        1 => prop::collection::vec(leaf(), 1..3).prop_map(|all| Condition::Not(Box::new(Condition::All(all)))),
    ];
    prop_oneof![
        8 => prop::collection::vec(part.clone(), 1..4).prop_map(Condition::All),
        1 => prop::collection::vec(prop::collection::vec(part.clone(), 1..3).prop_map(Condition::All), 1..4).prop_map(Condition::Any),
        1 => part,
    ]
}

fn arguments() -> impl Strategy<Value = String> {
    let member = one_of(&[
        r#""amount":5"#,
        r#""amount":10"#,
        r#""amount":"25.00""#,
        r#""amount":"lots""#,
        r#""amount":60"#,
        r#""total":{"amount":20,"currency":"USD"}"#,
        r#""price":30"#,
        r#""currency":"GBP""#,
        r#""currency":"USD""#,
        r#""discount_percent":20"#,
        r#""discount":"50%""#,
        r#""discount_percent":"some""#,
        r#""to":"BEA@acme.org""#,
        r#""to":["sam@rival.example","x@mail.acme.org"]"#,
        r#""recipients":[{"email":"a@deep.mail.acme.org."}]"#,
        r#""to":"Kite""#,
        r#""vendor":" umbrella corp ""#,
        r#""payee":"Somebody Else""#,
        r##""channel":"#random""##,
        r#""channel":"general""#,
        r#""environment":"staging""#,
        r#""environment":"production""#,
        r#""env":"nowhere""#,
        r#""rows":15"#,
        r#""limit":"30""#,
        r#""ids":[1,2,3]"#,
        r#""kind":"sprocket""#,
        r#""widgets":["box","other"]"#,
        r#""topic":"widget boxes""#,
        r#""policies":true"#,
        r#""body":"a kite flies to bea@acme.org""#,
        r#""path":"/etc/passwd""#,
        r#""sql":"DELETE FROM t""#,
        r#""attachment":"a.txt""#,
        r#""row_id":7"#,
        r#""command":"rm widgetbox sprocket""#,
        r#""file":"/a/widget-boxes.txt""#,
        r#""folder":"/a/widget-boxes/with/a/name/that/is/much/longer/than/what/names/anything/of/this/world/x""#,
        r#""platform":"Kite Cloud""#,
        r#""service":"kitecloud""#,
        r#""command":"kubectl get""#,
        r#""topic":"WIDGET-BOXES""#,
        r#""theme":"SprocketCenters""#,
        r#""subjectMatter":"ШЕСТЕРНЯ""#,
        r#""шестерня":true"#,
        r#""area":"Ärmel BOXES""#,
        r#""product":"wid\u200bget box""#,
        r#""item":"Vendor7""#,
        r#""partner":"VENDOR 7 and 8""#,
        r#""colorBoxes":[1]"#,
        r#""quote":"about colors of a box""#,
        r#""destination":"/aaaaaaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbbbbbbb/cccccccccccccccccccccccccccc/ddddddd/eeee""#,
        r#""summary_line":"one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen""#,
        r#""comment":"a long word about nothing that anyone would look for, as people write when they are asked why they did it""#,
        r#""args":["--sprockets","7"]"#,
        r#""records":"1200""#,
        r#""count":3"#,
        r#""members":["a@acme.org","b@rival.example","c"]"#,
        r#""cc":"a@acme.org; sam@RIVAL.example""#,
        r#""payee":"UMBRELLA CORP""#,
        r#""channel_name":"GENERAL""#,
    ]);
    prop::collection::vec(member, 0..6).prop_map(|mut members| {
        let mut names = std::collections::BTreeSet::new();
        members.retain(|member| names.insert(member.split(':').next().unwrap().to_owned()));
        format!("{{{}}}", members.join(","))
    })
}

const TOOLS: &[&str] = &[
    "pay_kite",
    "pay_vendor",
    "delete_file",
    "delete_record",
    "flange",
    "flanging_sprockets",
    "send_email",
    "get_file",
    "grommet_prod",
    "x",
    "send",
    "export_widget_boxes",
    "run_sql",
    "mcp__shop__create_refund",
    "delete_sprocket_center",
    "update_row",
    "box_send",
    "create_box",
];

fn forward() -> impl Strategy<Value = Option<(&'static str, String)>> {
    let url = one_of(&["https://api.acme.org/v1/items", "mailto:sam@rival.example", "https://prod.acme.org/"]);
    prop::option::weighted(0.2, (url, arguments()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_found_is_what_judging_all_finds(
        conditions in prop::collection::vec(condition(), 1..160),
        calls in prop::collection::vec((one_of(TOOLS), prop::option::of(one_of(&["night_bot", "billing", "Agent", "BILLING-agent", "Агент"])), arguments(), forward()), 1..8),
        risk in one_of(&[Risk::Low, Risk::High]),
    ) {
        let index = Index::build((0..).zip(conditions).map(|(seed, condition)| rule(seed, condition)).collect(), Vec::new());
        let zone = jiff::tz::TimeZone::UTC;
        for (tool, agent, arguments, forward) in &calls {
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            let body = forward.as_ref().map(|(_, body)| Doc::parse(body.as_bytes()).unwrap());
            let forward = forward.as_ref().map(|(url, _)| Forward { url, method: "POST", body: body.as_ref().map(Doc::root) });
            let action = Action { tool, agent: *agent, arguments: doc.root(), forward, claimed_risk: None, stage: None };
            let mut amounts = Amounts::new();
            let said = facts::survey(&action, &classify(tool), &mut amounts);
            let class = if said == facts::Said::default() { classify(tool) } else { combined(&classify(tool), said) };
            let call = Call { tool, class: &class, agent: *agent, risk, now: NOW, zone: Some(&zone), source: Source::Live(&action) };
            let mut found: SmallVec<[u32; 8]> = SmallVec::new();
            let mut of = |plan: &super::super::Plan| {
                Sorted::matching([&plan.rules, index.common(&plan.class)], &call, &amounts, index.rules(), &mut found);
            };
            if said == facts::Said::default() { index.with_plan(tool, of) } else { index.with_said(tool, &classify(tool), said, |plan| of(plan)) }
            found.sort_unstable();
            found.dedup();
            let all = (0..).zip(index.rules());
            let judged: Vec<u32> = all.filter(|(_, rule)| call.judge(&rule.condition).most != Truth::No).map(|(at, _)| at).collect();
            let told = |at: &u32| (*at, index.rules()[*at as usize].condition.clone());
            let missed: Vec<_> = judged.iter().filter(|at| !found.contains(at)).map(told).collect();
            prop_assert!(missed.is_empty(), "{tool} {agent:?} {arguments}: not found {missed:?}");
            let more: Vec<_> = found.iter().filter(|at| !judged.contains(at)).map(told).collect();
            prop_assert!(more.is_empty(), "{tool} {agent:?} {arguments}: found in vain {more:?}");
        }
    }
}

#[test]
fn a_place_too_long_to_be_looked_through_for_a_thing_finds_rules_about_things() {
    let deed = Deed { nouns: vec!["sprocket".to_owned()], ..Deed::default() };
    let of = |top| Range { from: Some(Limit { value: Decimal::whole(top), inclusive: true }), to: None };
    let rules = (0..20_usize)
        .map(|at| rule(at, Condition::All(vec![Condition::Deed(deed.clone()), Condition::Percent(of(at as i64))])));
    let index = Index::build(rules.collect(), Vec::new());
    let arguments = format!(r#"{{"folder":"/sprockets/{}/x","discount":"50%"}}"#, "a/".repeat(60));
    let doc = Doc::parse(arguments.as_bytes()).unwrap();
    let tool = "import_file";
    let action = Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
    let (class, zone, amounts) = (classify(tool), jiff::tz::TimeZone::UTC, Amounts::new());
    let source = Source::Live(&action);
    let call = Call { tool, class: &class, agent: None, risk: Risk::Low, now: NOW, zone: Some(&zone), source };
    assert!(index.rules().iter().all(|rule| call.judge(&rule.condition).most == Truth::Unclear));
    let mut found: SmallVec<[u32; 8]> = SmallVec::new();
    index.with_plan(tool, |plan| {
        let both = [&plan.rules, index.common(&plan.class)];
        Sorted::matching(both, &call, &amounts, index.rules(), &mut found);
    });
    assert_eq!(found.len(), index.rules().len());
}
