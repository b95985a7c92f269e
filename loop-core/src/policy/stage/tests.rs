use std::sync::Arc;

use proptest::prelude::*;

use super::{Stage, is_domain};
use crate::{
    access::{Mode, Plan},
    base::{
        Risk, Seed, Time,
        id::{LoopId, RuleId, ToolId},
        json::Doc,
    },
    policy::{
        Action, CompiledRule, DefaultVerdict, Loops, Member, Outcome, PolicySettings, PolicySnapshot, Published,
        ReasonCode, Rule, RuleAction, Terms, Verdict, evaluate,
    },
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn loop_id(seed: u8) -> LoopId {
    LoopId::draw(NOW, &mut Seed::new([seed; 32]))
}

fn tool_id(seed: u8) -> ToolId {
    ToolId::draw(NOW, &mut Seed::new([seed; 32]))
}

/// A policy with a root loop 1, a sub-loop 2 of it, and whatever else a test wants.
struct World {
    rules: Vec<(&'static str, RuleAction)>,
    blocked: Vec<&'static str>,
    settings: PolicySettings,
    root: Member,
    sub: Member,
    tools: Vec<Terms>,
}

fn member(tag: &str, parent: Option<LoopId>) -> Member {
    Member { tag: tag.into(), parent, plan: Plan::Pro, suspended: false, ceiling: None, spend_limit: None }
}

fn terms(seed: u8, name: &str, risk: Risk) -> Terms {
    Terms {
        id: tool_id(seed),
        name: name.into(),
        owner: loop_id(1),
        version: semver::Version::new(1, 0, 0),
        category: "sales_revenue_ops".into(),
        risk,
        asks: false,
        private: true,
        approved: true,
        cost: 0,
    }
}

impl World {
    fn new() -> Self {
        Self {
            rules: Vec::new(),
            blocked: Vec::new(),
            settings: PolicySettings::default(),
            root: member("acme", None),
            sub: member("acme_leads", Some(loop_id(1))),
            tools: Vec::new(),
        }
    }

    fn build(&self) -> PolicySnapshot {
        let rules = (1..).zip(&self.rules).map(|(seed, (text, action))| {
            Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([seed; 32])), *text, *action)))
        });
        let blocked = self.blocked.iter().map(|name| (*name).to_owned()).collect();
        let mut loops = Loops::default();
        loops.put(loop_id(1), self.root.clone());
        loops.put(loop_id(2), self.sub.clone());
        let mut tools = Published::default();
        tools.put(self.tools.clone());
        PolicySnapshot::build(7, rules.collect(), blocked, self.settings.clone()).with(7, loops, tools)
    }
}

/// A step as a test varies it.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    tool: &'a str,
    arguments: &'a str,
    claim: Option<Risk>,
    stage: Stage<'a>,
}

/// A low read by the root loop in guided mode, which is allowed.
fn step() -> Step<'static> {
    let stage = Stage {
        mode: Mode::Guided,
        loop_id: Some(loop_id(1)),
        action: "find_leads",
        domain: Some("sales_revenue_ops"),
        tool: None,
        trust: 50,
        sandboxed: false,
        least_risk: Risk::Low,
        credits: None,
    };
    Step { tool: "find_leads", arguments: "{}", claim: Some(Risk::Low), stage }
}

fn decide(world: &World, step: Step<'_>) -> Verdict {
    let doc = Doc::parse(step.arguments.as_bytes()).unwrap();
    let action = Action {
        tool: step.tool,
        agent: None,
        arguments: doc.root(),
        forward: None,
        claimed_risk: step.claim,
        stage: Some(step.stage),
    };
    evaluate(&world.build(), &action, NOW)
}

fn codes(verdict: &Verdict) -> Vec<ReasonCode> {
    verdict.reasons.iter().map(|reason| reason.code).collect()
}

fn says(world: &World, step: Step<'_>) -> (Outcome, Vec<ReasonCode>) {
    let verdict = decide(world, step);
    assert_eq!(verdict.outcome, verdict.reasons.iter().map(|one| one.outcome).max().unwrap_or(Outcome::Allow));
    assert!(verdict.reasons.windows(2).all(|pair| pair[0].outcome >= pair[1].outcome), "strictest first");
    (verdict.outcome, codes(&verdict))
}

#[test]
fn a_low_step_in_guided_mode_is_allowed_without_a_reason() {
    assert_eq!(says(&World::new(), step()), (Outcome::Allow, vec![]));
    assert_eq!(decide(&World::new(), step()).mode, Some(Mode::Guided));
}

#[test]
fn mode_risk_and_trust_meet_in_the_matrix() {
    let world = World::new();
    let at = |mode, claim, trust| {
        says(&world, Step { claim: Some(claim), stage: Stage { mode, trust, ..step().stage }, ..step() })
    };
    use ReasonCode::{ModeGuided, ModeSandbox, RiskTooHigh, TrustTooLow};
    for risk in [Risk::Low, Risk::Medium, Risk::High] {
        assert_eq!(at(Mode::Sandbox, risk, 100), (Outcome::Simulate, vec![ModeSandbox]));
    }
    assert_eq!(at(Mode::Sandbox, Risk::Critical, 100), (Outcome::Deny, vec![RiskTooHigh]));
    for risk in [Risk::Medium, Risk::High, Risk::Critical] {
        assert_eq!(at(Mode::Guided, risk, 100), (Outcome::RequireApproval, vec![ModeGuided]));
    }
    for (risk, needed) in [(Risk::Low, 40), (Risk::Medium, 60), (Risk::High, 80)] {
        assert_eq!(at(Mode::Autopilot, risk, needed), (Outcome::Allow, vec![]));
        assert_eq!(at(Mode::Autopilot, risk, needed - 1), (Outcome::RequireApproval, vec![TrustTooLow]));
    }
    assert_eq!(at(Mode::Autopilot, Risk::Critical, 100), (Outcome::RequireApproval, vec![RiskTooHigh]));
}

#[test]
fn a_plan_without_autopilot_is_judged_as_guided_and_told() {
    let mut world = World::new();
    world.root.plan = Plan::Free;
    let autopilot = Step { stage: Stage { mode: Mode::Autopilot, trust: 100, ..step().stage }, ..step() };
    assert_eq!(says(&world, autopilot), (Outcome::Allow, vec![ReasonCode::PlanRestricted]));
    assert_eq!(decide(&world, autopilot).mode, Some(Mode::Guided));
    let medium = Step { claim: Some(Risk::Medium), ..autopilot };
    let asked = (Outcome::RequireApproval, vec![ReasonCode::ModeGuided, ReasonCode::PlanRestricted]);
    assert_eq!(says(&world, medium), asked);
    // A sub-loop has no more than those above it, and a key without a loop has no plan.
    let sub = Step { stage: Stage { loop_id: Some(loop_id(2)), ..medium.stage }, ..medium };
    assert_eq!(says(&world, sub), asked);
    let nobody = Step { stage: Stage { loop_id: None, ..medium.stage }, ..medium };
    assert_eq!(says(&world, nobody), asked);
}

#[test]
fn a_sandboxed_key_only_simulates() {
    for mode in Mode::ALL.iter().copied() {
        let stage = Stage { mode, sandboxed: true, trust: 100, ..step().stage };
        let verdict = decide(&World::new(), Step { stage, ..step() });
        assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Simulate, vec![ReasonCode::ModeSandbox]));
        assert_eq!(verdict.mode, Some(Mode::Sandbox));
    }
}

#[test]
fn suspension_and_ceilings_hold_for_every_loop_below() {
    for mode in Mode::ALL.iter().copied() {
        for id in [loop_id(1), loop_id(2)] {
            let stage = Stage { mode, loop_id: Some(id), trust: 100, ..step().stage };
            let mut world = World::new();
            world.root.suspended = true;
            let (outcome, codes) = says(&world, Step { stage, ..step() });
            assert!(outcome == Outcome::Deny && codes.contains(&ReasonCode::LoopSuspended), "{mode:?}");
            let mut world = World::new();
            world.root.ceiling = Some(Risk::Low);
            for claim in [Risk::Medium, Risk::High, Risk::Critical] {
                let (outcome, codes) = says(&world, Step { claim: Some(claim), stage, ..step() });
                assert!(outcome == Outcome::Deny && codes.contains(&ReasonCode::SubloopCeiling), "{mode:?} {claim:?}");
            }
            assert_ne!(says(&world, Step { stage, ..step() }).0, Outcome::Deny, "at the ceiling");
        }
    }
}

#[test]
fn a_step_that_costs_more_than_the_loop_may_spend_is_denied() {
    let mut world = World::new();
    world.root.spend_limit = Some(10);
    let costs =
        |credits| says(&world, Step { stage: Stage { credits, loop_id: Some(loop_id(2)), ..step().stage }, ..step() });
    assert_eq!(costs(Some(10)).0, Outcome::Allow);
    assert_eq!(costs(Some(11)), (Outcome::Deny, vec![ReasonCode::SubloopCeiling]));
    assert_eq!(costs(None).0, Outcome::Allow);
    world.tools = vec![Terms { cost: 11, ..terms(1, "find_leads", Risk::Low) }];
    let verdict = decide(&world, Step { stage: Stage { credits: Some(2), ..step().stage }, ..step() });
    assert_eq!((verdict.outcome, verdict.credits), (Outcome::Deny, Some(11)), "the manifest's cost counts");
}

#[test]
fn a_loop_or_manifest_that_is_not_known_is_denied() {
    let unknown = Stage { loop_id: Some(loop_id(9)), ..step().stage };
    let refused = (Outcome::Deny, vec![ReasonCode::EvaluationError]);
    assert_eq!(says(&World::new(), Step { stage: unknown, ..step() }).0, Outcome::Deny);
    let exact = |tool| Step { stage: Stage { tool: Some(tool), ..step().stage }, ..step() };
    let mut world = World::new();
    world.tools = vec![
        terms(1, "find_leads", Risk::Low),
        Terms { approved: false, ..terms(2, "find_leads", Risk::Low) },
        Terms { owner: loop_id(2), ..terms(3, "find_leads", Risk::Low) },
    ];
    assert_eq!(says(&world, exact(tool_id(1))).0, Outcome::Allow);
    assert_eq!(says(&world, exact(tool_id(2))), refused, "not approved");
    assert_eq!(says(&world, exact(tool_id(3))), refused, "another loop's own");
    assert_eq!(says(&world, exact(tool_id(4))), refused, "unknown");
}

#[test]
fn the_risk_is_the_greatest_of_claim_manifest_names_and_field() {
    let risk = |world: &World, step: Step<'_>| decide(world, step).risk;
    let mut world = World::new();
    assert_eq!(risk(&world, Step { claim: None, ..step() }), Risk::High, "nobody says");
    for admitted in Risk::ALL {
        world.tools = vec![terms(1, "find_leads", admitted)];
        assert_eq!(risk(&world, Step { claim: None, ..step() }), admitted, "the manifest says");
        for claim in Risk::ALL {
            assert_eq!(risk(&world, Step { claim: Some(claim), ..step() }), admitted.max(claim));
            let by_id = Stage { tool: Some(tool_id(1)), ..step().stage };
            assert_eq!(risk(&world, Step { claim: Some(claim), stage: by_id, ..step() }), admitted.max(claim));
            // The tool's manifest counts too when it is only named as the action.
            assert_eq!(risk(&world, Step { claim: Some(claim), tool: "look_up", ..step() }), admitted.max(claim));
        }
    }
    world.tools.clear();
    for (tool, action, least) in [
        ("delete_customers", "find_leads", Risk::High),
        ("find_leads", "drop_all_tables", Risk::High),
        ("send_mail", "find_leads", Risk::Medium),
        ("frobnicate", "frobnicate", Risk::Low),
    ] {
        let named = Step { tool, stage: Stage { action, ..step().stage }, ..step() };
        assert_eq!(risk(&world, named), least, "{tool} {action}");
    }
}

#[test]
fn a_field_can_have_a_least_risk() {
    let mut world = World::new();
    world.settings.domain_floors = [("health".to_owned(), Risk::High), ("law".to_owned(), Risk::Medium)].into();
    let risk = |world: &World, domain| decide(world, Step { stage: Stage { domain, ..step().stage }, ..step() }).risk;
    assert_eq!(risk(&world, Some("health")), Risk::High);
    assert_eq!(risk(&world, Some("sales_revenue_ops")), Risk::Low);
    assert_eq!(risk(&world, None), Risk::High, "a step in no field could be in any");
    world.tools = vec![Terms { category: "law".into(), ..terms(1, "find_leads", Risk::Low) }];
    assert_eq!(risk(&world, Some("sales_revenue_ops")), Risk::Medium, "the manifest's field counts too");
    assert_eq!(risk(&world, None), Risk::Medium);
}

#[test]
fn a_manifest_can_want_each_call_approved() {
    let mut world = World::new();
    world.tools = vec![Terms { asks: true, ..terms(1, "find_leads", Risk::Low) }];
    assert_eq!(says(&world, step()), (Outcome::RequireApproval, vec![ReasonCode::ApprovalDefault]));
    let under_another_name = Step { tool: "look_up", ..step() };
    assert_eq!(says(&world, under_another_name).0, Outcome::RequireApproval);
    let critical = Step { claim: Some(Risk::Critical), stage: Stage { mode: Mode::Sandbox, ..step().stage }, ..step() };
    assert_eq!(says(&world, critical).0, Outcome::Deny);
}

#[test]
fn kill_switch_and_rules_see_both_names() {
    let mut world = World::new();
    world.blocked = vec!["bad"];
    for mode in Mode::ALL.iter().copied() {
        for (tool, action) in [("bad", "find_leads"), ("find_leads", "bad"), ("bad", "bad")] {
            let named = Step { tool, stage: Stage { action, mode, ..step().stage }, ..step() };
            let (outcome, codes) = says(&world, named);
            assert_eq!(outcome, Outcome::Deny, "{tool} {action} {mode:?}");
            assert_eq!(codes.iter().filter(|code| **code == ReasonCode::ToolBlocked).count(), 1);
        }
    }
    let mut world = World::new();
    world.rules = vec![("Block wire transfers over $5,000", RuleAction::Block)];
    let over = |tool, action| Step {
        tool,
        arguments: r#"{"amount":9000}"#,
        stage: Stage { action, mode: Mode::Autopilot, trust: 100, ..step().stage },
        ..step()
    };
    for (tool, action) in [("wire_transfer", "look_up"), ("look_up", "wire_transfer"), ("wire_transfer", "wire_money")]
    {
        assert_eq!(
            says(&world, over(tool, action)),
            (Outcome::Deny, vec![ReasonCode::RuleDeny]),
            "{tool} {action}: once, whichever name matched"
        );
    }
    assert_eq!(says(&world, over("look_up", "find_leads")).0, Outcome::Allow);
}

#[test]
fn rules_about_agents_see_the_loop_by_its_tag() {
    let mut world = World::new();
    world.root.tag = "intern-bot".into();
    world.rules = vec![("intern-bot may not send emails", RuleAction::Block)];
    let send = Stage { action: "send_email", mode: Mode::Autopilot, trust: 100, ..step().stage };
    assert_eq!(says(&world, Step { tool: "send_email", stage: send, ..step() }).0, Outcome::Deny);
    let other = Stage { loop_id: Some(loop_id(2)), ..send };
    assert_eq!(says(&world, Step { tool: "send_email", stage: other, ..step() }).0, Outcome::Allow);
}

#[test]
fn the_strictest_reason_wins() {
    let mut world = World::new();
    world.rules = vec![
        ("Block wire transfers over $5,000", RuleAction::Block),
        ("Any wire transfer over $1,000 needs approval", RuleAction::Approve),
    ];
    let wire = |arguments, mode, claim| Step {
        tool: "wire_transfer",
        arguments,
        claim: Some(claim),
        stage: Stage { action: "wire_transfer", mode, ..step().stage },
    };
    let (large, middling, small) = (r#"{"amount":9000}"#, r#"{"amount":2000}"#, r#"{"amount":10}"#);
    use ReasonCode::{ModeGuided, ModeSandbox, RiskTooHigh, RuleAsk, RuleDeny};
    let low = Risk::Low;
    assert_eq!(
        says(&world, wire(large, Mode::Guided, low)),
        (Outcome::Deny, vec![RuleDeny, ModeGuided, RuleAsk]),
        "deny over ask"
    );
    assert_eq!(
        says(&world, wire(middling, Mode::Sandbox, low)),
        (Outcome::RequireApproval, vec![RuleAsk, ModeSandbox]),
        "ask over simulate"
    );
    assert_eq!(says(&world, wire(small, Mode::Sandbox, low)), (Outcome::Simulate, vec![ModeSandbox]));
    assert_eq!(
        says(&world, wire(middling, Mode::Sandbox, Risk::Critical)),
        (Outcome::Deny, vec![RiskTooHigh, RuleAsk])
    );
}

#[test]
fn the_tenants_default_applies_whatever_the_mode_says() {
    let mut world = World::new();
    let with = |mode| Step { stage: Stage { mode, trust: 100, ..step().stage }, ..step() };
    for (default_verdict, outcome) in
        [(DefaultVerdict::Ask, Outcome::RequireApproval), (DefaultVerdict::Deny, Outcome::Deny)]
    {
        world.settings.default_verdict = default_verdict;
        for mode in Mode::ALL.iter().copied() {
            let (decided, codes) = says(&world, with(mode));
            assert!(decided == outcome && codes.contains(&ReasonCode::DefaultVerdict), "{mode:?}");
        }
    }
}

#[test]
fn only_slugs_are_fields() {
    for good in ["sales_revenue_ops", "a1", &"a".repeat(64)] {
        assert!(is_domain(good), "{good}");
    }
    for bad in ["", "s", "1sales", "_a", "Sales", "sales-ops", "sales ops", "sal\u{e9}s", &"a".repeat(65)] {
        assert!(!is_domain(bad), "{bad}");
    }
}

proptest! {
    /// Whatever the circumstances, they add to what the rules say and never take away from it.
    #[test]
    fn a_stage_never_loosens_what_the_rules_say(
        tool in prop::sample::select(vec!["wire_transfer", "find_leads", "bad", "delete_rows", "look_up"]),
        action in prop::sample::select(vec!["wire_transfer", "find_leads", "bad", "look_up"]),
        amount in 0..10_000_u32,
        claim in prop::sample::select(vec![None, Some(Risk::Low), Some(Risk::High), Some(Risk::Critical)]),
        mode in prop::sample::select(Mode::ALL.to_vec()),
        trust in 0..=100_u8,
        sandboxed: bool,
        (plan, suspended) in (prop::sample::select(vec![Plan::Free, Plan::Business]), prop::bool::weighted(0.1)),
        ceiling in prop::sample::select(vec![None, Some(Risk::Low), Some(Risk::High)]),
        id in 1..4_u8,
        default_verdict in prop::sample::select(vec![DefaultVerdict::Allow, DefaultVerdict::Ask]),
    ) {
        let mut world = World::new();
        world.rules = vec![
            ("Block wire transfers over $5,000", RuleAction::Block),
            ("Any wire transfer over $1,000 needs approval", RuleAction::Approve),
        ];
        world.blocked = vec!["bad"];
        world.settings.default_verdict = default_verdict;
        world.root = Member { plan, suspended, ceiling, ..world.root };
        let stage = Stage { mode, loop_id: Some(loop_id(id)), action, trust, sandboxed, ..step().stage };
        let arguments = format!(r#"{{"amount":{amount}}}"#);
        let policy = world.build();
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        let staged = Action {
            tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: claim, stage: Some(stage),
        };
        let verdict = evaluate(&policy, &staged, NOW);
        for name in [tool, action] {
            let plain = evaluate(&policy, &Action { tool: name, stage: None, ..staged }, NOW);
            prop_assert!(verdict.outcome >= plain.outcome, "{:?} under {:?}", verdict, plain);
        }
        prop_assert!(verdict.risk >= claim.unwrap_or(Risk::High));
        // Less trust and a sandboxed key never loosen it.
        let with = |stage| evaluate(&policy, &Action { stage: Some(stage), ..staged }, NOW).outcome;
        let wary = with(Stage { trust: trust / 2, ..stage });
        prop_assert!(wary >= verdict.outcome, "less trust");
        if verdict.outcome == Outcome::Allow {
            prop_assert_eq!(with(Stage { sandboxed: true, ..stage }), Outcome::Simulate);
        }
    }
}
