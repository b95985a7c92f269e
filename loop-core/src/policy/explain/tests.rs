//! What is told of a match is what the judge saw, masked and bounded.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::{Certainty, GROUNDS_MAX, Ground, VALUE_MAX, WORDS_MAX, explain, explain_stored};
use crate::{
    base::{Decimal, Seed, Time, id::RuleId, json::Doc},
    policy::{
        Action, CompiledRule, Forward, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, Tried,
        condition::{ArgumentTest, Condition, Deed, PathTest, Range, TimeTest, Whom},
        evaluate,
        facts::{Counted, DataKind, Environment},
        lexicon::Concepts,
        money::Currency,
        rule::Form,
    },
    tool::redact,
};

/// A Saturday.
const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn rule(condition: Condition) -> Rule {
    Rule {
        form: Form { condition: Some(Box::new(condition)), ..Form::default() },
        ..Rule::new(RuleId::draw(NOW, &mut Seed::new([3; 32])), "given", RuleAction::Block)
    }
}

fn policy(condition: Condition) -> PolicySnapshot {
    let rule = Arc::new(CompiledRule::compile(rule(condition)));
    PolicySnapshot::build(1, vec![rule], Vec::new(), PolicySettings::default())
}

fn call<'a>(tool: &'a str, doc: &'a Doc<'a>) -> Action<'a> {
    Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None }
}

/// Why a condition held; nothing when it did not.
fn grounds_of(condition: &Condition, action: &Action<'_>) -> Vec<Ground> {
    let policy = policy(condition.clone());
    let verdict = evaluate(&policy, action, NOW);
    let explained = explain(&policy, action, &verdict, NOW);
    match verdict.outcome {
        Outcome::Allow => {
            assert_eq!(explained, super::Explained::default());
            Vec::new()
        }
        _ => explained.of(policy.rules()[0].rule.id).to_vec(),
    }
}

fn grounds(condition: &Condition, tool: &str, arguments: &str) -> Vec<Ground> {
    let doc = Doc::parse(arguments.as_bytes()).unwrap();
    grounds_of(condition, &call(tool, &doc))
}

fn over(value: i64, currency: Option<&str>) -> Condition {
    let currency = currency.and_then(Currency::parse);
    Condition::Amount { range: Range::over(Decimal::whole(value)), currency }
}

fn doing(does: &[&str], things: &[&str]) -> Condition {
    Condition::Deed(Deed { does: Concepts::named(does), things: Concepts::named(things), ..Deed::default() })
}

/// The first ground as `held argument value why`.
fn first(grounds: &[Ground]) -> String {
    let Some(ground) = grounds.first() else { return "none".to_owned() };
    let held = if ground.held == Certainty::Yes { "yes" } else { "unclear" };
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!("{held} | {} | {} | {}", or(&ground.argument), or(&ground.value), or(&ground.why))
}

#[test]
fn an_amount_is_told_with_its_place_and_its_currency() {
    let condition = over(500, Some("USD"));
    for (arguments, told) in [
        (r#"{"amount":750,"currency":"USD"}"#, "yes | $.amount | 750 USD | -"),
        (r#"{"note":"x","order":{"lines":[{"total":"$1,200"}]}}"#, "yes | $.order.lines[0].total | 1200 USD | -"),
        (r#"{"amount_cents":75000}"#, "yes | $.amount_cents | 750 | -"),
        ("{}", "unclear | - | - | no amount in the call"),
        (r#"{"amount":null}"#, "unclear | $.amount | null | it cannot be read as an amount"),
        (r#"{"amount":750,"currency":"EUR"}"#, "unclear | $.amount | 750 EUR | it is in EUR, and the rule in USD"),
        (r#"{"amount":5,"fee":{"total":900}}"#, "unclear | $.fee.total | 900 | `$.amount` says otherwise"),
        (r#"{"amount":5}"#, "none"),
    ] {
        assert_eq!(first(&grounds(&condition, "pay", arguments)), told, "{arguments}");
    }
}

#[test]
fn the_words_of_the_tool_s_name_that_tell_are_told() {
    let condition = doing(&["refund"], &[]);
    assert_eq!(first(&grounds(&condition, "mcp__shop__createRefund", "{}")), "yes | tool_name | refund | -");
    let condition = doing(&["delete"], &["file"]);
    assert_eq!(first(&grounds(&condition, "nightly.delete-file", "{}")), "yes | tool_name | delete file | -");
    assert_eq!(
        first(&grounds(&condition, "delete", "{}")),
        "unclear | tool_name | delete | the tool's name does not say what it works on"
    );
    let told = grounds(&condition, "bash", r#"{"cwd":"/x","command":"rm -rf y"}"#);
    assert_eq!(first(&told), "yes | $.command | rm -rf y | -");
    let told = grounds(&Condition::Tool("frobnicate".to_owned()), "frobnicate", "{}");
    assert_eq!(first(&told), "yes | tool_name | frobnicate | -");
}

#[test]
fn an_exception_that_did_not_apply_is_told() {
    let staging = Condition::negated(Condition::Environment(vec![Environment::Staging]));
    let condition = Condition::all(vec![doing(&["deploy"], &[]), staging]);
    let told = grounds(&condition, "deploy", r#"{"environment":"prod"}"#);
    assert_eq!(told.len(), 2);
    assert!(told[1].condition.starts_with("does not "), "{}", told[1].condition);
    assert_eq!(first(&told[1..]), "yes | $.environment | production | -");
    let told = grounds(&condition, "deploy", "{}");
    assert_eq!(first(&told[1..]), "unclear | - | - | no environment in the call");
    assert!(grounds(&condition, "deploy", r#"{"environment":"staging"}"#).is_empty());
}

#[test]
fn of_alternatives_only_those_that_held_are_told() {
    let any = Condition::any(vec![over(500, None), Condition::Attachment, Condition::Data(vec![DataKind::Card])]);
    let told = grounds(&any, "send", r#"{"attachments":["a.pdf"],"amount":5}"#);
    assert_eq!((told.len(), first(&told).as_str()), (1, "yes | $.attachments[0] | a.pdf | -"));
    // Without one that held, what is unclear is why.
    let told = grounds(&any, "send", "{}");
    assert_eq!((told.len(), first(&told).as_str()), (1, "unclear | - | - | no amount in the call"));
}

#[test]
fn who_asks_when_and_at_which_risk_is_told() {
    let doc = Doc::empty_object();
    let action = Action { agent: Some("intern-bot"), ..call("send", &doc) };
    let agent = Condition::Agent(vec!["intern-bot".to_owned()]);
    assert_eq!(first(&grounds_of(&agent, &action)), "yes | agent_name | intern-bot | -");
    assert_eq!(first(&grounds(&agent, "send", "{}")), "unclear | - | - | the call names no agent");
    let weekend = Condition::Time(vec![TimeTest { days: vec![6, 7], ..TimeTest::default() }]);
    assert_eq!(first(&grounds(&weekend, "send", "{}")), "yes | time | Saturday 2025-11-22 08:26 | -");
    let told = grounds(&weekend, "send", r#"{"scheduled_at":"2025-11-23T10:00:00Z"}"#);
    assert_eq!(first(&told), "yes | $.scheduled_at | 2025-11-23T10:00:00.000000Z | -");
    assert_eq!(first(&grounds(&Condition::Risky, "wipe_disk", "{}")), "yes | risk | high | -");
}

#[test]
fn one_item_of_many_is_found() {
    let outside = Condition::Recipient(Whom::Outside(vec!["acme.org".to_owned()]));
    let told = grounds(&outside, "send_email", r#"{"to":["a@acme.org","b@else.net","c@acme.org"]}"#);
    assert_eq!(first(&told), "unclear | $.to[1] | [email @else.net] | `$.to[0]` says otherwise");
    let many = Condition::Count { of: Counted::Recipients, noun: None, range: Range::over(Decimal::whole(3)) };
    let told = grounds(&many, "send_email", r#"{"to":["a@x.org","b@x.org","c@x.org","d@x.org"]}"#);
    assert_eq!(first(&told), "yes | $.to | 4 recipients | -");
    // No list alone is long enough.
    let told = grounds(&many, "send_email", r#"{"to":["a@x.org","b@x.org"],"cc":["c@x.org","d@x.org"]}"#);
    assert_eq!(first(&told), "yes | - | 4 recipients | -");
}

#[test]
fn nothing_is_told_that_is_not_stored() {
    let secret = ["sk", "-proj-abcdefghijklmnopqrstuvwxyz012345"].concat();
    let condition = Condition::All(vec![
        Condition::Recipient(Whom::In(vec!["else.net".to_owned()])),
        Condition::Data(vec![DataKind::Card]),
        Condition::Text(vec!["wire".to_owned()]),
        Condition::Argument { name: "password".to_owned(), test: ArgumentTest::Present },
        Condition::Argument { name: "ssn".to_owned(), test: ArgumentTest::Present },
        Condition::Agent(vec!["joe@else.net".to_owned()]),
        Condition::Argument { name: "wire".to_owned(), test: ArgumentTest::Present },
    ]);
    let arguments = json!({
        "to": "Jane Roe <jane.roe@else.net>",
        "card": "4111 1111 1111 1111",
        "note": format!("wire it with {secret} to jane.roe@else.net"),
        "password": "hunter2hunter2",
        "ssn": "078051120",
        "jane.roe@else.net": {"wire": true},
    });
    let doc = Doc::from_value(&arguments);
    let action = Action { agent: Some("joe@else.net"), ..call("send_email", &doc) };
    let policy = policy(condition);
    let verdict = evaluate(&policy, &action, NOW);
    let explained = explain(&policy, &action, &verdict, NOW);
    let told = explained.of(policy.rules()[0].rule.id);
    assert_eq!(told.len(), 7);
    assert_eq!(told[6].argument.as_deref(), Some("$[\"[email @else.net]\"].wire"));
    // What the rule's author wrote stands in the rule; what the call holds is masked.
    let told: Vec<&str> =
        told.iter().flat_map(|ground| [&ground.argument, &ground.value]).filter_map(|text| text.as_deref()).collect();
    let all = told.join("\n");
    for raw in ["jane.roe", "joe@", "4111 1111", "hunter2", "078051120", &secret] {
        assert!(!all.contains(raw), "{raw}: {all}");
    }
    for kept in ["[email @else.net]", "[card …1111]", "[REDACTED]"] {
        assert!(all.contains(kept), "{kept}: {all}");
    }
    assert!(explained.subjects().iter().any(|subject| subject == "jane.roe@else.net"));
}

#[test]
fn of_a_forwarded_body_only_facts_are_told() {
    let body = json!({"order": {"total": 900}, "customer": "Jane Roe"});
    let (doc, body) = (Doc::empty_object(), Doc::from_value(&body));
    let forward = Forward { url: "https://api.example.org/x", method: "POST", body: Some(body.root()) };
    let action = Action { forward: Some(forward), ..call("pay", &doc) };
    assert_eq!(first(&grounds_of(&over(500, None), &action)), "yes | forward_to.body.order.total | 900 | -");
    let party = Condition::Party(vec!["jane roe".to_owned()]);
    assert_eq!(first(&grounds_of(&party, &action)), "yes | forward_to.body.customer | - | -");
}

#[test]
fn a_call_of_the_past_is_explained_by_what_was_stored() {
    let condition = Condition::all(vec![over(500, Some("GBP")), Condition::Recipient(Whom::In(vec!["x.org".into()]))]);
    let policy = policy(condition);
    let arguments = json!({"amount": 900, "currency": "GBP", "to": "bea@x.org", "note": "n"});
    let doc = Doc::from_value(&arguments);
    let action = call("pay", &doc);
    let facts = policy.facts(&action);
    let masked = redact::json(doc.root()).masked;
    let masked = Doc::parse(masked.as_bytes()).unwrap();
    let risk = evaluate(&policy, &action, NOW).risk;
    let stored = Tried { tool: "pay", agent: None, risk, at: NOW, facts: &facts, arguments: masked.root() };
    let told = explain_stored(&policy.rules()[0], &stored, Some(&jiff::tz::TimeZone::UTC));
    assert_eq!(first(&told), "yes | $.amount | 900 GBP | -");
    assert_eq!(first(&told[1..]), "yes | - | someone at x.org | -");
}

#[test]
fn a_call_of_any_size_is_explained_within_bounds() {
    let wide: serde_json::Map<String, serde_json::Value> =
        (0..2000).map(|n| (format!("k{n}"), json!({"a": [1, 2, {"b": "x".repeat(300)}]}))).collect();
    let doc = serde_json::Value::Object(wide);
    let doc = Doc::from_value(&doc);
    let parts = (0..40).map(|n| Condition::Text(vec![format!("absent{n}"), "x".repeat(300)])).collect();
    let told = grounds_of(&Condition::All(parts), &call("send", &doc));
    assert_eq!(told.len(), GROUNDS_MAX);
    for ground in &told {
        assert!(ground.condition.chars().count() <= WORDS_MAX);
        assert!(ground.value.as_deref().unwrap_or_default().chars().count() <= VALUE_MAX);
    }
}

const TEXTS: &[&str] = &[
    "transfers over £500 need approval",
    "block refunds between £10 and £700",
    "block emails to anyone outside acme.org",
    "ask before emailing bea@acme.org",
    "block any email to more than 3 recipients",
    "block exports containing personal data",
    "deployments to production need approval, staging is fine",
    "block any write under /srv",
    "block deletions unless they are in staging",
    "block DELETE statements without a WHERE clause",
    "ask before running `rm` or git push",
    "payments need approval except payments to Kite",
    "block posting in #random",
    "no deployments on weekends",
    "intern-bot may not send emails",
    "emails with an attachment need approval",
    "something utterly incomprehensible",
];

fn value() -> impl Strategy<Value = serde_json::Value> {
    let texts = vec![
        "£600",
        "900 USD",
        "NaN",
        "GBP",
        "bea@acme.org",
        "x@other.net, bea@acme.org",
        "/srv/a",
        "prod",
        "staging",
        "DELETE FROM t",
        "git push",
        "rm -rf x",
        "random",
        "Kite",
        "4111 1111 1111 1111",
        "",
        "2025-11-22T10:00:00Z",
    ];
    prop_oneof![
        (0..1200_i64).prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        prop::sample::select(texts).prop_map(serde_json::Value::from),
        prop::collection::vec(prop::sample::select(vec!["a@acme.org", "c@x.net", "file"]), 0..6)
            .prop_map(serde_json::Value::from),
    ]
}

fn members() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    let keys = vec![
        "amount",
        "total_cents",
        "currency",
        "to",
        "cc",
        "path",
        "environment",
        "sql",
        "command",
        "channel",
        "attachments",
        "payee",
        "note",
        "email",
        "scheduled_at",
        "count",
        "password",
        "unit_price",
        "quantity",
    ];
    prop::collection::vec((prop::sample::select(keys), value()), 0..6)
        .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_match_is_explained_the_same_way_each_time(
        tool in prop::sample::select(vec![
            "send_email", "wire_transfer", "create_refund", "run_sql", "bash", "deploy", "export_rows", "write_file",
            "post", "pay", "delete_rows",
        ]),
        text in prop::sample::select(TEXTS),
        outer in members(),
        inner in members(),
        agent in prop::option::of(prop::sample::select(vec!["intern-bot", "other"])),
        body in prop::option::of(members()),
    ) {
        let mut arguments = outer;
        arguments.insert("inner".into(), serde_json::Value::Array(vec![serde_json::Value::Object(inner)]));
        let arguments = serde_json::Value::Object(arguments);
        let doc = Doc::from_value(&arguments);
        let body = body.map(serde_json::Value::Object);
        let body_doc = body.as_ref().map(Doc::from_value);
        let forward = body_doc.as_ref().map(|doc| Forward { url: "https://example.org", method: "POST", body: Some(doc.root()) });
        let action = Action { agent, forward, ..call(tool, &doc) };
        let written = Rule { rule_text: text.into(), form: Form::default(), ..rule(Condition::ALWAYS) };
        let compiled = Arc::new(CompiledRule::compile(written));
        let policy = PolicySnapshot::build(1, vec![compiled], Vec::new(), PolicySettings::default());
        let verdict = evaluate(&policy, &action, NOW);
        let explained = explain(&policy, &action, &verdict, NOW);
        prop_assert_eq!(&explained, &explain(&policy, &action, &verdict, NOW));
        let told = explained.of(policy.rules()[0].rule.id);
        prop_assert_eq!(told.is_empty(), verdict.outcome == Outcome::Allow);
        prop_assert!(told.len() <= GROUNDS_MAX);
        for ground in told {
            prop_assert_eq!(ground.why.is_some(), ground.held == Certainty::Unclear, "{:?}", ground);
            let value = ground.value.as_deref().unwrap_or_default();
            prop_assert!(!value.contains("bea@") && !value.contains("4111 1"), "{:?}", ground);
            prop_assert!(ground.why.as_deref() != Some("it cannot be told apart which part held"), "{:?}", ground);
        }
    }
}

#[test]
fn what_a_name_around_a_value_makes_a_secret_is_not_told() {
    let path = |path: &str| Condition::Path(vec![PathTest::Under(path.to_owned())]);
    let many: String = (0..80).map(|n| format!("\"f{n}\":{n},")).collect();
    for (condition, arguments) in [
        (path("/srv"), r#"{"credentials":{"path":"/srv/canary/x"}}"#.to_owned()),
        (path("/srv"), r#"{"credentials":[{"path":"/srv/canary/x"}]}"#.to_owned()),
        (path("/srv"), format!(r#"{{"credentials":{{{many}"path":"/srv/canary/x"}}}}"#)),
        (Condition::Place(vec!["canary".to_owned()]), r#"{"credentials":{"channel":"canary"}}"#.to_owned()),
        (Condition::Recipient(Whom::Outside(vec!["acme.org".to_owned()])), r#"{"password_to":["canary"]}"#.to_owned()),
        (over(5, None), r#"{"credentials":{"amount":"77177"}}"#.to_owned()),
        (
            Condition::Recipient(Whom::Address(vec!["canary".to_owned()])),
            format!(r#"{{{many}"password_to":"canary"}}"#),
        ),
    ] {
        let (doc, nothing) = (Doc::parse(arguments.as_bytes()).unwrap(), Doc::empty_object());
        for body in [false, true] {
            let forward = body.then(|| Forward { url: "https://a.example", method: "POST", body: Some(doc.root()) });
            let arguments = if body { nothing.root() } else { doc.root() };
            let grounds = grounds_of(&condition, &Action { arguments, forward, ..call("write_file", &nothing) });
            let told: Vec<_> =
                grounds.iter().flat_map(|ground| [&ground.argument, &ground.value, &ground.why]).collect();
            let told = format!("{told:?}");
            assert!(!grounds.is_empty() && !told.contains("canary") && !told.contains("77177"), "{told}");
        }
    }
}
