//! Rules that are found are those that judging every rule finds.

use std::sync::Arc;

use proptest::prelude::*;
use smallvec::SmallVec;

use super::super::{Heard, Index, Plan, Sorted, survey};
use crate::{
    base::{Decimal, Seed, Time, id::RuleId, json::Doc},
    policy::{
        Action, CompiledRule, Form, Forward, Rule, RuleAction,
        condition::{Condition, Deed, Limit, PathTest, Range, TimeTest, Whom},
        deed::{classify, combined},
        facts::{Amounts, Counted, DataKind, Environment, Said},
        lexicon::Concepts,
        money::Currency,
        truth::{Call, Source, Truth},
    },
    tool::Risk,
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);
/// How many calls are made up of labelled ones.
const ROUNDS: usize = 60;

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

/// A call as a decision reads it: what it says, its amounts, and what is heard in the same walk.
fn surveyed(index: &Index, action: &Action<'_>) -> (Said, Amounts, Heard) {
    let (mut amounts, mut heard) = (Amounts::new(), Heard::default());
    let said = index.with_plan(action.tool, |plan| {
        let both = [&plan.rules, index.common(&plan.class)];
        survey(both, action, &plan.class, &mut amounts, &mut heard)
    });
    (said, amounts, heard)
}

/// The places of the rules that an index finds for a call.
fn found(index: &Index, call: &Call<'_>, said: Said, amounts: &Amounts, heard: &Heard) -> Vec<u32> {
    let mut found: SmallVec<[u32; 8]> = SmallVec::new();
    let mut of = |plan: &Plan| {
        let both = [&plan.rules, index.common(&plan.class)];
        Sorted::matching(both, call, amounts, heard, index.rules(), &mut found);
    };
    match said == Said::default() {
        true => index.with_plan(call.tool, of),
        false => index.with_said(call.tool, &classify(call.tool), said, |plan| of(plan)),
    }
    found.sort_unstable();
    found.dedup();
    found.into_vec()
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
            let (said, amounts, heard) = surveyed(&index, &action);
            let class = if said == Said::default() { classify(tool) } else { combined(&classify(tool), said) };
            let call = Call { tool, class: &class, agent: *agent, risk, now: NOW, zone: Some(&zone), source: Source::Live(&action) };
            let found = found(&index, &call, said, &amounts, &heard);
            prop_assert_eq!(&found, &self::found(&index, &call, said, &amounts, &Heard::default()));
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
    let (class, zone) = (classify(tool), jiff::tz::TimeZone::UTC);
    let (said, amounts, heard) = surveyed(&index, &action);
    let source = Source::Live(&action);
    let call = Call { tool, class: &class, agent: None, risk: Risk::Low, now: NOW, zone: Some(&zone), source };
    assert!(index.rules().iter().all(|rule| call.judge(&rule.condition).most == Truth::Unclear));
    assert_eq!(found(&index, &call, said, &amounts, &heard).len(), index.rules().len());
}

#[derive(serde::Deserialize)]
struct Labelled {
    rules: Vec<Sentence>,
}

#[derive(serde::Deserialize)]
struct Sentence {
    text: String,
    calls: Vec<Called>,
}

#[derive(serde::Deserialize)]
struct Called {
    tool_name: String,
    #[serde(default)]
    arguments: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    agent_name: Option<String>,
}

/// The labelled sentences as one large policy, each many times over, and calls whose parts are those of labelled ones.
#[test]
fn labelled_rules_are_found_as_judging_all_finds_them() {
    const COPIES: usize = 10;
    let (mut conditions, mut calls) = (Vec::new(), Vec::new());
    for name in ["dev", "further"] {
        let path = format!("{}/tests/english/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let set: Labelled = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for sentence in set.rules {
            conditions.push(crate::policy::english::read(&sentence.text).condition);
            calls.extend(sentence.calls);
        }
    }
    conditions.sort_by_key(|condition| format!("{condition:?}"));
    conditions.dedup();
    let all = conditions.len();
    let rules = (0..COPIES * all).map(|seed| rule(seed, conditions[seed % all].clone()));
    let index = Index::build(rules.collect(), Vec::new());
    let mut state = 12_345_u64;
    let mut next = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound.max(1)
    };
    let long = "word ".repeat(30);
    for _ in 0..ROUNDS {
        let tool = &calls[next(calls.len())].tool_name;
        let agent = calls[next(calls.len())].agent_name.as_deref();
        let mut texts = [0, 1].map(|_| {
            let mut arguments = serde_json::Map::new();
            for _ in 0..next(4) {
                let from = &calls[next(calls.len())].arguments;
                let Some((key, value)) = from.iter().nth(next(from.len())) else { continue };
                let text = value.as_str();
                let changed = match next(8) {
                    0 => text.map_or(long.clone(), |text| format!("{text} {long}")).into(),
                    1 => text.map_or(long.clone(), |text| format!("{}/{text}.{text}", long.replace(' ', "/"))).into(),
                    2 => serde_json::json!({ "wrapped": { key: value } }),
                    3 => serde_json::json!([value, value]),
                    4 => text.map(str::to_uppercase).into(),
                    _ => value.clone(),
                };
                let other = calls[next(calls.len())].arguments.keys().next();
                let renamed = match next(6) {
                    0 => other.unwrap_or(key).clone(),
                    1 => key.to_uppercase(),
                    2 => text.map_or_else(|| key.clone(), |text| text.chars().take(40).collect()),
                    _ => key.clone(),
                };
                arguments.insert(renamed, changed);
            }
            serde_json::Value::Object(arguments).to_string()
        });
        let [arguments, body] = texts.each_mut().map(|text| Doc::parse(text.as_bytes()).unwrap());
        let forward = Forward { method: "POST", url: "https://api.example/x", body: Some(body.root()) };
        let forward = (next(3) == 0).then_some(forward);
        let action = Action { tool, agent, arguments: arguments.root(), forward, claimed_risk: None, stage: None };
        let (said, amounts, heard) = surveyed(&index, &action);
        let class = if said == Said::default() { classify(tool) } else { combined(&classify(tool), said) };
        let (zone, source) = (jiff::tz::TimeZone::UTC, Source::Live(&action));
        let call = Call { tool, class: &class, agent, risk: Risk::Medium, now: NOW, zone: Some(&zone), source };
        let found = found(&index, &call, said, &amounts, &heard);
        let one = |at: &usize| call.judge(&index.rules()[*at].condition).most != Truth::No;
        let judged: Vec<usize> = (0..all).filter(one).collect();
        let wanted: Vec<u32> =
            (0..COPIES).flat_map(|copy| judged.iter().map(move |at| (copy * all + at) as u32)).collect();
        let missed: Vec<_> = wanted.iter().filter(|at| !found.contains(at)).map(|at| *at as usize % all).collect();
        let more: Vec<_> = found.iter().filter(|at| !wanted.contains(at)).map(|at| *at as usize % all).collect();
        let of = |places: &[usize]| places.first().map(|at| conditions[*at].clone());
        assert_eq!((of(&missed), of(&more)), (None, None), "{tool} {texts:?}");
    }
}
