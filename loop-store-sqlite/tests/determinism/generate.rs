//! Rules and calls of every kind.

use std::ops::Range;

use loop_core::{
    base::{Decimal, Seed, Time, id::RuleId},
    policy::{
        Form, Rule, RuleAction, RuleMode,
        condition::{ArgumentTest, Condition, PathTest, Range as Within, TimeTest, Whom},
        facts::{Counted, DataKind, Environment},
        money::Currency,
    },
};
use proptest::prelude::*;

/// A call as an agent proposes it.
#[derive(Debug, Clone)]
pub struct Proposed {
    pub tool: String,
    pub agent: Option<String>,
    pub arguments: String,
}

/// Sentences: what is done, and under which circumstances.
fn sentence() -> impl Strategy<Value = String> {
    let deed = prop::sample::select(vec![
        "refunds",
        "wire transfers",
        "emails",
        "deployments",
        "file deletions",
        "exports",
        "payments",
        "database writes",
        "anything",
    ]);
    let tail = prop::sample::select(vec![
        "",
        " over £500",
        " between $10 and $700",
        " to anyone outside acme.org",
        " to more than 3 recipients",
        " in production",
        " under /srv",
        " containing personal data",
        " on weekends",
        " by intern-bot",
        " with an attachment",
        " that look wobbly",
        " except to Kite",
        " unless they are in staging",
        " of 20% or more",
    ]);
    let second = prop::sample::select(vec!["", " or after 18:00", " and mentioning payroll", " over €50"]);
    let asks = prop::bool::ANY;
    (deed, tail, second, asks).prop_map(|(deed, tail, second, asks)| {
        if asks { format!("{deed}{tail}{second} need approval") } else { format!("block {deed}{tail}{second}") }
    })
}

fn limit() -> impl Strategy<Value = Within> {
    (0..900_i64).prop_map(|value| Within::over(Decimal::whole(value)))
}

/// Conditions that are given as such.
fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (limit(), prop::sample::select(vec![None, Some("GBP"), Some("USD")])).prop_map(|(range, currency)| {
            Condition::Amount { range, currency: currency.and_then(Currency::parse) }
        }),
        limit().prop_map(Condition::Percent),
        limit().prop_map(|range| Condition::Count { of: Counted::Items, noun: None, range }),
        Just(Condition::Money),
        Just(Condition::Risky),
        Just(Condition::Attachment),
        Just(Condition::Recipient(Whom::Outside(vec!["acme.org".into(), "kite.net".into()]))),
        Just(Condition::Recipient(Whom::Address(vec!["bea@acme.org".into()]))),
        Just(Condition::Data(vec![DataKind::Email, DataKind::Card, DataKind::Secret])),
        Just(Condition::Environment(vec![Environment::Production, Environment::Staging])),
        Just(Condition::Path(vec![PathTest::Under("/srv".into()), PathTest::File("*.pem".into())])),
        Just(Condition::Time(vec![TimeTest { days: vec![6, 7], ..TimeTest::default() }])),
        Just(Condition::Agent(vec!["intern-bot".into()])),
        Just(Condition::Mentions(vec!["payroll".into(), "gift_card".into()])),
        Just(Condition::Text(vec!["wire".into()])),
        Just(Condition::Tool("send_email".into())),
        Just(Condition::ToolLike("*_refund".into())),
        Just(Condition::Argument { name: "note".into(), test: ArgumentTest::Present }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

/// So many rules with ids of their own, in the order of no id.
pub fn rules(count: Range<usize>) -> impl Strategy<Value = Vec<Rule>> {
    let one = (
        sentence(),
        prop::option::weighted(0.4, condition()),
        prop::bool::ANY,
        prop::bool::weighted(0.2),
        any::<[u8; 32]>(),
    );
    prop::collection::vec(one, count).prop_map(|rules| {
        let rule =
            |(at, (rule_text, condition, blocks, shadow, seed)): (i64, (String, Option<Condition>, bool, bool, _))| {
                Rule {
                    mode: if shadow { RuleMode::Shadow } else { RuleMode::Enforce },
                    form: Form { condition: condition.map(Box::new), ..Form::default() },
                    ..Rule::new(
                        RuleId::draw(Time::from_micros(1_763_000_000_000_000 - at), &mut Seed::new(seed)),
                        rule_text,
                        if blocks { RuleAction::Block } else { RuleAction::Approve },
                    )
                }
            };
        (0..).zip(rules).map(rule).collect()
    })
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let texts = vec![
        "£600",
        "900 USD",
        "NaN",
        "GBP",
        "bea@acme.org",
        "x@other.net, bea@acme.org",
        "/srv/a.pem",
        "prod",
        "staging",
        "DELETE FROM t",
        "git push",
        "rm -rf x",
        "payroll",
        "Kite",
        "4111 1111 1111 1111",
        "",
        "2025-11-22T10:00:00Z",
        "25%",
        "wire it",
    ];
    prop_oneof![
        (0..1200_i64).prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        prop::sample::select(texts).prop_map(serde_json::Value::from),
        prop::collection::vec(prop::sample::select(vec!["a@acme.org", "c@x.net", "file", "bea@acme.org"]), 0..6)
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
        "discount_percent",
        "items",
    ];
    prop::collection::vec((prop::sample::select(keys), value()), 0..6)
        .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// So many calls.
pub fn calls(count: Range<usize>) -> impl Strategy<Value = Vec<Proposed>> {
    let tool = prop::sample::select(vec![
        "send_email",
        "wire_transfer",
        "create_refund",
        "run_sql",
        "bash",
        "deploy_service",
        "export_rows",
        "write_file",
        "post_message",
        "mcp__pay__send_payment",
        "deleteFile",
        "get_rows",
        "frobnicate",
        "drop_everything",
    ]);
    let agent = prop::option::of(prop::sample::select(vec!["intern-bot", "other"]));
    let one = (tool, agent, members(), members()).prop_map(|(tool, agent, mut arguments, inner)| {
        arguments.insert("inner".into(), serde_json::Value::Object(inner));
        let arguments = serde_json::Value::Object(arguments).to_string();
        Proposed { tool: tool.to_owned(), agent: agent.map(str::to_owned), arguments }
    });
    prop::collection::vec(one, count)
}
