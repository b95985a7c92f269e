//! A decision that allows takes no memory.

use std::sync::Arc;

use loop_core::{
    access::{Mode, Plan},
    base::{
        Risk, Seed, Time,
        id::{LoopId, RuleId, ToolId},
        json::Doc,
    },
    policy::{
        Action, CompiledRule, Loops, Member, Outcome, PolicySettings, PolicySnapshot, Published, Rule, RuleAction,
        Stage, Terms, evaluate, explain,
    },
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn policy(texts: &[&str]) -> PolicySnapshot {
    let mut seed = Seed::new([7; 32]);
    let compiled = texts
        .iter()
        .map(|text| Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut seed), *text, RuleAction::Block))));
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
        ("write_file", r#"{"path":"notes/x","content":"y"}"#),
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
            let verdict = evaluate(&policy, &action, NOW);
            assert_eq!(verdict.outcome, Outcome::Allow);
            // Where no rule matched there is nothing to explain.
            drop(explain(&policy, &action, &verdict, NOW));
        });
        assert_eq!(used.count_total, 0, "{tool}: {used:?}");
    }
}

#[test]
fn an_allowed_step_of_a_sub_loop_allocates_nothing() {
    let mut seed = Seed::new([8; 32]);
    let [root, sub] = std::array::from_fn(|_| LoopId::draw(NOW, &mut seed));
    let mut loops = Loops::default();
    for (id, parent) in [(root, None), (sub, Some(root))] {
        let member = Member {
            tag: "acme".into(),
            parent,
            plan: Plan::Free,
            suspended: false,
            ceiling: Some(Risk::High),
            spend_limit: Some(10),
        };
        loops.put(id, member);
    }
    let terms = Terms {
        id: ToolId::draw(NOW, &mut seed),
        name: "find_leads".into(),
        owner: root,
        version: semver::Version::new(1, 0, 0),
        category: "sales_revenue_ops".into(),
        risk: Risk::Low,
        asks: false,
        private: false,
        approved: true,
        cost: 1,
    };
    let mut tools = Published::default();
    tools.put(vec![terms]);
    let settings = PolicySettings { domain_floors: [("health".to_owned(), Risk::High)].into(), ..Default::default() };
    let policy = PolicySnapshot::build(1, Vec::new(), vec!["drop_everything".into()], settings).with(1, loops, tools);
    let doc = Doc::parse(br#"{"city":"Atlanta","amount":12}"#).unwrap();
    // Autopilot on a free plan is judged as guided, and told.
    for (mode, action) in [(Mode::Guided, "find_leads"), (Mode::Guided, "list_leads"), (Mode::Autopilot, "find_leads")]
    {
        let stage = Stage {
            mode,
            loop_id: Some(sub),
            action,
            domain: Some("sales_revenue_ops"),
            tool: None,
            trust: 50,
            sandboxed: false,
            least_risk: Risk::Low,
            credits: Some(3),
        };
        let action = Action {
            tool: "find_leads",
            agent: None,
            arguments: doc.root(),
            forward: None,
            claimed_risk: Some(Risk::Low),
            stage: Some(stage),
        };
        assert_eq!(evaluate(&policy, &action, NOW).outcome, Outcome::Allow, "{mode:?}");
        let used = allocation_counter::measure(|| {
            assert_eq!(evaluate(&policy, &action, NOW).outcome, Outcome::Allow);
        });
        assert_eq!(used.count_total, 0, "{mode:?}: {used:?}");
    }
}
