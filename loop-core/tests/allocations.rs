//! A decision that allows takes no memory.

use std::sync::Arc;

use loop_core::{
    base::{Seed, Time, id::RuleId, json::Doc},
    policy::{Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, RuleMode, evaluate},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn policy(texts: &[&str]) -> PolicySnapshot {
    let mut seed = Seed::new([7; 32]);
    let compiled = texts.iter().map(|text| {
        Arc::new(CompiledRule::compile(Rule {
            id: RuleId::draw(NOW, &mut seed),
            rule_text: (*text).into(),
            action: RuleAction::Block,
            approver_email: None,
            mode: RuleMode::Enforce,
            expires_at: None,
            revision: 1,
            epoch: 1,
            deleted_at: None,
        }))
    });
    let settings = PolicySettings::default();
    PolicySnapshot::build(1, compiled.collect(), vec!["drop_everything".into()], settings)
}

#[test]
fn an_allowing_decision_allocates_nothing() {
    let policy = policy(&[
        "calls to pay_vendor over £10,000 need approval",
        "any payment over £90,000 needs approval",
        "block refunds over £50",
        "block emails to more than 10 recipients",
        "block any write under /etc",
    ]);
    for (tool, arguments) in [
        (
            "pay_vendor",
            r#"{"amount":500,"currency":"GBP","payee":"Northwind","account":"****1199","ref":"INV-99210000","urgent":false}"#,
        ),
        ("make_payment", r#"{"amount":"500.25","currency":"GBP","lines":[{"sku":"a","n":1},{"sku":"b","n":2}]}"#),
        ("frobnicate", r#"{"note":"nothing to see"}"#),
        ("send_email", r#"{"to":["a@example.org"],"subject":"hello"}"#),
        ("write_file", r#"{"path":"/tmp/x","content":"y"}"#),
    ] {
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        let action = Action {
            tool,
            agent: Some("billing"),
            arguments: doc.root(),
            forward: None,
            claimed_risk: None,
            stage: None,
        };
        // The first decision over a tool works its plan out and keeps it.
        assert_eq!(evaluate(&policy, &action, NOW).outcome, Outcome::Allow, "{tool}");
        let used = allocation_counter::measure(|| {
            assert_eq!(evaluate(&policy, &action, NOW).outcome, Outcome::Allow);
        });
        assert_eq!(used.count_total, 0, "{tool}: {used:?}");
    }
}
