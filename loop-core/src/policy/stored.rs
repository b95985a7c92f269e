//! Judging a rule over a call of the past, for back-tests.

use super::{
    action::Action,
    condition::Condition,
    deed::{Class, classify, combined},
    facts::{self, Facts, Said},
    snapshot::{CompiledRule, PolicySnapshot},
    truth::{Call, Source, Truth},
};
use crate::{
    base::{Time, json::View},
    tool::Risk,
};

/// A decided call as it was stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredCall<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// What it did: see [`stored_class`], which callers keep by tool.
    pub class: &'a Class,
    /// Who asked.
    pub agent: Option<&'a str>,
    /// The effective risk.
    pub risk: Risk,
    /// When it was decided.
    pub at: Time,
    /// The facts stored with it.
    pub facts: &'a Facts,
    /// The masked arguments stored with it.
    pub arguments: View<'a>,
}

/// What a rule would have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Would {
    /// It would have matched.
    Match,
    /// It would not have matched.
    NoMatch,
    /// What it needs to know was not stored.
    Undecidable,
}

/// What a stored call did, by its tool's name and what its arguments said.
#[must_use]
pub fn stored_class(tool: &str, facts: &Facts) -> Class {
    let class = classify(tool);
    let said = Said { does: facts.does, things: facts.things };
    if said == Said::default() { class } else { combined(&class, said) }
}

/// Whether a condition would have held for a stored call, or been unclear, which is as good.
pub(super) fn would(condition: &Condition, call: &StoredCall<'_>, zone: Option<&jiff::tz::TimeZone>) -> Would {
    let judged = Call {
        tool: call.tool,
        class: call.class,
        agent: call.agent,
        risk: call.risk,
        now: call.at,
        zone,
        source: Source::Stored(call.facts, call.arguments),
    };
    let span = judged.judge(condition);
    match (span.least, span.most) {
        (_, Truth::No) => Would::NoMatch,
        (Truth::No, _) => Would::Undecidable,
        _ => Would::Match,
    }
}

impl CompiledRule {
    /// Whether the rule would have matched a stored call, whatever its mode and expiry. It never answers other than
    /// the decision did or would have done: where it cannot know, it says so. `zone` is the tenant's, of
    /// [`super::zone`]; without one, times are unclear.
    #[must_use]
    pub fn would(&self, call: &StoredCall<'_>, zone: Option<&jiff::tz::TimeZone>) -> Would {
        would(&self.condition, call, zone)
    }

    /// Whether the rule can match calls of this tool at all, as far as its name tells.
    #[must_use]
    pub fn covers(&self, tool: &str) -> bool {
        super::index::resolve(&self.condition, tool, &classify(tool), Condition::DEPTH_MAX) != Condition::NEVER
    }
}

impl PolicySnapshot {
    /// What rules can read of a call, to be stored with its decision.
    #[must_use]
    pub fn facts(&self, action: &Action<'_>) -> Facts {
        self.index().with_plan(action.tool, |plan| facts::extract(action, &plan.class))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{StoredCall, Would, stored_class};
    use crate::{
        base::{Seed, Time, id::RuleId, json::Doc},
        policy::{
            Action, CompiledRule, Forward, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate,
            facts::Facts,
        },
        tool::redact,
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

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
        "block destructive database operations",
        "no deployments on weekends",
        "intern-bot may not send emails",
        "emails with an attachment need approval",
        "something utterly incomprehensible",
    ];

    const TOOLS: &[&str] = &[
        "send_email",
        "wire_transfer",
        "create_refund",
        "run_sql",
        "bash",
        "deploy",
        "export_rows",
        "write_file",
        "post",
        "get_x",
        "pay",
    ];

    fn compile(text: &str) -> CompiledRule {
        CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([3; 32])), text, RuleAction::Approve))
    }

    fn member() -> impl Strategy<Value = (String, serde_json::Value)> {
        let key = prop::sample::select(vec![
            "amount",
            "total_cents",
            "currency",
            "to",
            "cc",
            "recipients",
            "path",
            "environment",
            "host",
            "sql",
            "command",
            "channel",
            "attachments",
            "payee",
            "note",
            "email",
            "table",
            "scheduled_at",
            "count",
            "rows",
            "password",
            "unit_price",
            "quantity",
        ]);
        let value = prop_oneof![
            (0..1200_i64).prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
            prop::sample::select(vec![
                "£600",
                "900 USD",
                "NaN",
                "GBP",
                "usd",
                "bea@acme.org",
                "x@other.net, bea@acme.org",
                "/srv/a",
                "/srv/../x",
                "/srv/bea@acme.org/x",
                "/home/bea@acme.org",
                "a/b",
                "prod",
                "staging",
                "pre-prod",
                "DELETE FROM t",
                "SELECT 1",
                "DELETE FROM t WHERE a=1",
                "git push",
                "rm -rf x",
                "random",
                "Kite",
                "4111 1111 1111 1111",
                "",
                "2025-11-22T10:00:00Z",
                "2025-11-24T10:00:00Z",
                "call me on +44 20 7946 0958",
                "x",
            ])
            .prop_map(serde_json::Value::from),
            prop::collection::vec(prop::sample::select(vec!["a@acme.org", "b@acme.org", "c@x.net", "file"]), 0..6)
                .prop_map(serde_json::Value::from),
        ];
        (key.prop_map(str::to_owned), value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn a_stored_call_is_judged_as_the_live_one_or_not_at_all(
            tool in prop::sample::select(TOOLS),
            text in prop::sample::select(TEXTS),
            members in prop::collection::vec(member(), 0..6),
            nested in prop::collection::vec(member(), 0..3),
            around in prop::sample::select(vec!["inner", "credentials"]),
            agent in prop::option::of(prop::sample::select(vec!["intern-bot", "other"])),
            body in prop::option::of(prop::collection::vec(member(), 0..3)),
        ) {
            let mut object: serde_json::Map<String, serde_json::Value> = members.into_iter().collect();
            object.insert(around.into(), serde_json::Value::Object(nested.into_iter().collect()));
            let arguments = serde_json::Value::Object(object);
            let body = body.map(|members| serde_json::Value::Object(members.into_iter().collect()));
            let doc = Doc::from_value(&arguments);
            let body_doc = body.as_ref().map(Doc::from_value);
            let forward = body_doc.as_ref().map(|doc| Forward { url: "https://example.org/x", method: "POST", body: Some(doc.root()) });
            let action = Action { tool, agent, arguments: doc.root(), forward, claimed_risk: None, stage: None };
            let rule = Arc::new(compile(text));
            let settings = PolicySettings::default();
            let snapshot = PolicySnapshot::build(1, vec![rule.clone()], Vec::new(), settings);
            let live = evaluate(&snapshot, &action, NOW);
            // What is stored goes through JSON, and the arguments through the mask.
            let facts = serde_json::to_string(&snapshot.facts(&action)).unwrap();
            let facts: Facts = serde_json::from_str(&facts).unwrap();
            let masked = redact::json(doc.root()).masked;
            let masked = Doc::parse(masked.as_bytes()).unwrap();
            let class = stored_class(tool, &facts);
            let call = StoredCall { tool, class: &class, agent, risk: live.risk, at: NOW, facts: &facts, arguments: masked.root() };
            match rule.would(&call, Some(&jiff::tz::TimeZone::UTC)) {
                Would::Match => prop_assert_ne!(live.outcome, Outcome::Allow),
                Would::NoMatch => prop_assert_eq!(live.outcome, Outcome::Allow),
                Would::Undecidable => {}
            }
        }
    }

    #[test]
    fn facts_keep_nothing_that_masking_hides() {
        for arguments in [
            r#"{"path":"/srv/bea.canary@example.com/x","channel":"+44 20 7946 0958"}"#,
            r#"{"credentials":{"path":"/srv/canary","channel":"canary","to":"x@canary.example","amount":"7946095"}}"#,
            r#"{"credentials":[{"folder":"/srv/canary"}],"password_to":"x@canary.example","secret_amount":"7946095"}"#,
            r#"{"bea.canary@example.com":7,"rows":["a"]}"#,
            r#"{"count of bea.canary@example.com":7}"#,
        ] {
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            let nothing = Doc::empty_object();
            for body in [false, true] {
                let forward =
                    body.then(|| Forward { url: "https://example.org/x", method: "POST", body: Some(doc.root()) });
                let arguments = if body { nothing.root() } else { doc.root() };
                let action =
                    Action { tool: "write_file", agent: None, arguments, forward, claimed_risk: None, stage: None };
                let facts = PolicySnapshot::build(1, Vec::new(), Vec::new(), PolicySettings::default()).facts(&action);
                let text = serde_json::to_string(&facts).unwrap();
                assert!(!text.contains("canary") && !text.contains("7946"), "{text}");
            }
        }
    }

    #[test]
    fn facts_keep_no_address_and_stay_small() {
        let many: Vec<String> = (0..500).map(|n| format!("person{n}@d{n}.example.org")).collect();
        let arguments =
            serde_json::json!({"to": many, "amounts": (0..500).collect::<Vec<_>>(), "path": "x".repeat(5000)});
        let doc = Doc::from_value(&arguments);
        let action = Action {
            tool: "send_email",
            agent: None,
            arguments: doc.root(),
            forward: None,
            claimed_risk: None,
            stage: None,
        };
        let settings = PolicySettings::default();
        let facts = PolicySnapshot::build(1, Vec::new(), Vec::new(), settings).facts(&action);
        let text = serde_json::to_string(&facts).unwrap();
        assert!(facts.cut && text.len() < 8_000, "{} bytes", text.len());
        assert!(!text.contains("person1"));
    }
}
