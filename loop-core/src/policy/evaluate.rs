//! The decision itself.

use smallvec::SmallVec;

use super::{
    Action, Outcome, PolicySnapshot, Reason, ReasonCode, RuleMode, Stage, Verdict,
    deed::Class,
    facts::{self, Amounts},
    index::{Heard, Plan, Sorted, survey},
    snapshot::DefaultVerdict,
    stage::Setting,
    truth::{Call, Source},
};
use crate::base::Time;

/// Decides one action. Pure: same snapshot, action and time, same verdict. Reads no storage, cannot fail:
/// whatever cannot be judged tightens the verdict.
#[must_use]
pub fn evaluate(snapshot: &PolicySnapshot, action: &Action<'_>, now: Time) -> Verdict {
    let Some(stage) = &action.stage else {
        return read(snapshot, action, |name| {
            let risk = action.claimed_risk.map_or(name.plan.risk, |claimed| claimed.max(name.plan.risk));
            let mut verdict = Verdict::allowing(risk);
            judge(snapshot, &[name], now, &mut verdict);
            verdict
        });
    };
    let setting = Setting::of(snapshot, action, stage);
    let tool = Action { agent: action.agent.or(setting.agent()), ..*action };
    let under = |names: &[Name<'_>]| {
        let risk = setting.risk(action.claimed_risk, names.iter().filter_map(|name| name.plan.told).max());
        let mut verdict = Verdict::allowing(risk);
        setting.judge(risk, &mut verdict);
        // The tenant's default asks whether a rule objected, whatever the mode says.
        let by_stage = std::mem::replace(&mut verdict.outcome, Outcome::Allow);
        judge(snapshot, names, now, &mut verdict);
        verdict.outcome = verdict.outcome.max(by_stage);
        if verdict.reasons.len() > 1 {
            verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.outcome));
        }
        verdict
    };
    if stage.action == action.tool {
        return read(snapshot, &tool, |name| under(&[name]));
    }
    let deed = Action { tool: stage.action, ..tool };
    read(snapshot, &tool, |first| read(snapshot, &deed, |second| under(&[first, second])))
}

/// A call under one of its names, with what the policy knows of that name and read in the arguments.
#[derive(Clone, Copy)]
struct Name<'a> {
    action: &'a Action<'a>,
    plan: &'a Plan,
    amounts: &'a Amounts,
    heard: &'a Heard,
}

/// Reads a call under the name of its tool.
fn read<T>(snapshot: &PolicySnapshot, action: &Action<'_>, with: impl FnOnce(Name<'_>) -> T) -> T {
    snapshot.index().with_plan(action.tool, |plan| {
        let (mut amounts, mut heard) = (Amounts::new(), Heard::default());
        let index = snapshot.index();
        let common = index.common(&plan.class);
        let reads = plan.rules.reads_amounts() || common.reads_amounts() || index.reads_deeds();
        if !reads {
            return with(Name { action, plan, amounts: &amounts, heard: &heard });
        }
        let said = survey([&plan.rules, common], action, &plan.class, &mut amounts, &mut heard);
        if said == facts::Said::default() {
            return with(Name { action, plan, amounts: &amounts, heard: &heard });
        }
        let class = &plan.class;
        index.with_said(action.tool, class, said, |plan| with(Name { action, plan, amounts: &amounts, heard: &heard }))
    })
}

/// Who asks, as rules see it.
pub(super) fn agent<'a>(snapshot: &'a PolicySnapshot, action: &Action<'a>) -> Option<&'a str> {
    let loops = |stage: &Stage<'a>| snapshot.loops().standing(stage.loop_id?).map(|standing| standing.tag);
    action.agent.or_else(|| action.stage.as_ref().and_then(loops).filter(|tag| !tag.is_empty()))
}

/// What a call does, as it is decided.
pub(super) fn class(snapshot: &PolicySnapshot, action: &Action<'_>) -> Class {
    read(snapshot, action, |name| name.plan.class.clone())
}

/// What kill switch, rules and the tenant's default make of a call.
fn judge(snapshot: &PolicySnapshot, names: &[Name<'_>], now: Time, verdict: &mut Verdict) {
    let mut matched: SmallVec<[u32; 8]> = SmallVec::new();
    for Name { action, plan, amounts, heard } in names {
        let common = snapshot.index().common(&plan.class);
        if plan.rules.is_empty() && common.is_empty() {
            continue;
        }
        let call = Call {
            tool: action.tool,
            class: &plan.class,
            agent: action.agent,
            risk: verdict.risk,
            now,
            zone: snapshot.zone(),
            source: Source::Live(action),
        };
        Sorted::matching([&plan.rules, common], &call, amounts, heard, snapshot.rules(), &mut matched);
    }
    if names.iter().any(|name| name.plan.blocked) {
        tighten(verdict, Reason { code: ReasonCode::ToolBlocked, outcome: Outcome::Deny, rule: None });
    }
    if !matched.is_empty() {
        rules(snapshot, &mut matched, now, verdict);
    }
    if verdict.outcome == Outcome::RequireApproval && verdict.unlisted > 0 {
        verdict.outcome = Outcome::Deny;
        verdict.reasons.pop();
        verdict.unlisted = verdict.unlisted.saturating_add(1);
        verdict.reasons.insert(0, Reason { code: ReasonCode::TooManyRules, outcome: Outcome::Deny, rule: None });
    }
    if verdict.outcome == Outcome::Allow {
        let outcome = match snapshot.settings().default_verdict {
            DefaultVerdict::Allow => return,
            DefaultVerdict::Ask => Outcome::RequireApproval,
            DefaultVerdict::Deny => Outcome::Deny,
        };
        tighten(verdict, Reason { code: ReasonCode::DefaultVerdict, outcome, rule: None });
    }
}

/// Turns matched rules into reasons, strictest first, then by id.
fn rules(snapshot: &PolicySnapshot, matched: &mut SmallVec<[u32; 8]>, now: Time, verdict: &mut Verdict) {
    matched.sort_unstable();
    // A rule can match under both names.
    matched.dedup();
    for strictest in [Outcome::Deny, Outcome::RequireApproval] {
        for at in matched.iter() {
            let Some(rule) = snapshot.index().rule(*at) else {
                if strictest == Outcome::Deny {
                    tighten(verdict, Reason { code: ReasonCode::EvaluationError, outcome: Outcome::Deny, rule: None });
                }
                continue;
            };
            let outcome = rule.outcome();
            if outcome != strictest || !rule.is_live(now) {
                continue;
            }
            if rule.rule.mode == RuleMode::Shadow {
                if verdict.shadow.len() < Verdict::REASONS_MAX {
                    verdict.shadow.push(rule.clone());
                }
                continue;
            }
            let code = if outcome == Outcome::Deny { ReasonCode::RuleDeny } else { ReasonCode::RuleAsk };
            tighten(verdict, Reason { code, outcome, rule: Some(rule.clone()) });
        }
    }
}

pub(super) fn tighten(verdict: &mut Verdict, reason: Reason) {
    verdict.outcome = verdict.outcome.max(reason.outcome);
    if verdict.reasons.len() < Verdict::REASONS_MAX {
        verdict.reasons.push(reason);
    } else {
        verdict.unlisted = verdict.unlisted.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{evaluate, rules};
    use crate::{
        base::{Decimal, Seed, Time, id::RuleId, json::Doc},
        policy::{
            Action, CompiledRule, DefaultVerdict, Outcome, PolicySettings, PolicySnapshot, ReasonCode, Rule,
            RuleAction, RuleMode, Verdict,
            condition::{Condition, PathTest, Range},
            facts::Counted,
            rule::Form,
        },
        tool::Risk,
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn rule(text: &str, action: RuleAction, seed: u8) -> Rule {
        Rule::new(RuleId::draw(NOW, &mut Seed::new([seed; 32])), text, action)
    }

    fn snapshot(rules: Vec<Rule>, blocked: &[&str], default_verdict: DefaultVerdict) -> PolicySnapshot {
        let rules = rules.into_iter().map(|rule| Arc::new(CompiledRule::compile(rule))).collect();
        let blocked = blocked.iter().map(|name| (*name).to_owned()).collect();
        PolicySnapshot::build(7, rules, blocked, PolicySettings { default_verdict, ..PolicySettings::default() })
    }

    fn decide(snapshot: &PolicySnapshot, tool: &str, arguments: &str) -> Verdict {
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        let action =
            Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        evaluate(snapshot, &action, NOW)
    }

    fn codes(verdict: &Verdict) -> Vec<ReasonCode> {
        verdict.reasons.iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn the_kill_switch_denies_exact_names_only_and_wins() {
        let policy = snapshot(
            vec![rule("refunds need approval", RuleAction::Approve, 1)],
            &["create_refund", "Ünïcode"],
            DefaultVerdict::Allow,
        );
        let verdict = decide(&policy, "create_refund", "{}");
        assert_eq!(verdict.outcome, Outcome::Deny);
        assert_eq!(codes(&verdict), [ReasonCode::ToolBlocked, ReasonCode::RuleAsk]);
        assert_eq!(decide(&policy, "Ünïcode", "{}").outcome, Outcome::Deny);
        assert_eq!(decide(&policy, "Unicode", "{}").outcome, Outcome::Allow);
        assert_eq!(decide(&policy, "create_refund2", "{}").outcome, Outcome::RequireApproval);
        assert!(policy.is_blocked("create_refund") && !policy.is_blocked("create_refund2"));
    }

    #[test]
    fn a_block_rule_denies_and_an_approve_rule_asks() {
        let policy = snapshot(
            vec![
                rule("refunds need approval", RuleAction::Approve, 1),
                rule("block refunds over £50", RuleAction::Block, 2),
            ],
            &[],
            DefaultVerdict::Allow,
        );
        let small = decide(&policy, "create_refund", r#"{"amount":5}"#);
        assert_eq!((small.outcome, codes(&small)), (Outcome::RequireApproval, vec![ReasonCode::RuleAsk]));
        let large = decide(&policy, "create_refund", r#"{"amount":51}"#);
        assert_eq!((large.outcome, codes(&large)), (Outcome::Deny, vec![ReasonCode::RuleDeny, ReasonCode::RuleAsk]));
        assert_eq!(decide(&policy, "list_refunds", "{}").outcome, Outcome::Allow);
    }

    #[test]
    fn a_shadow_rule_changes_no_verdict_of_another() {
        let shadow = Rule { mode: RuleMode::Shadow, ..rule("refunds need approval", RuleAction::Approve, 1) };
        let path = PathTest::Tail("*.pem".to_owned());
        for condition in [Condition::Mentions(vec!["playlist".to_owned()]), Condition::Path(vec![path])] {
            let form = Form { condition: Some(Box::new(condition.clone())), ..Form::default() };
            let given = Rule { form, ..rule("given", RuleAction::Block, 2) };
            let alone = snapshot(vec![given.clone()], &[], DefaultVerdict::Allow);
            let beside = snapshot(vec![given, shadow.clone()], &[], DefaultVerdict::Allow);
            for (tool, arguments) in
                [("delete_item", r#"{"type":"file"}"#), ("run", r#"{"command":"cat a.pem"}"#), ("item", "{}")]
            {
                let outcomes = [&alone, &beside].map(|policy| decide(policy, tool, arguments).outcome);
                assert_eq!(outcomes[0], outcomes[1], "{tool} {condition:?}");
            }
        }
    }

    #[test]
    fn the_default_verdict_applies_where_no_rule_objects() {
        for (default, outcome) in
            [(DefaultVerdict::Ask, Outcome::RequireApproval), (DefaultVerdict::Deny, Outcome::Deny)]
        {
            let verdict = decide(&snapshot(Vec::new(), &[], default), "read_file", "{}");
            assert_eq!((verdict.outcome, codes(&verdict)), (outcome, vec![ReasonCode::DefaultVerdict]));
        }
        assert_eq!(
            decide(&snapshot(Vec::new(), &[], DefaultVerdict::Allow), "read_file", "{}").outcome,
            Outcome::Allow
        );
    }

    #[test]
    fn what_cannot_be_judged_tightens() {
        let policy = snapshot(vec![rule("block refunds over £50", RuleAction::Block, 2)], &[], DefaultVerdict::Allow);
        for arguments in [
            "{}",
            "null",
            "[]",
            r#"{"amount":null}"#,
            r#"{"amount":"lots"}"#,
            r#"{"amount":"NaN"}"#,
            r#"{"amount":5,"currency":"USD"}"#,
            r#"{"amount":"$5"}"#,
            r#"{"amount":1e999}"#,
            r#"{"amount":-60}"#,
            r#"{"amount":true}"#,
            r#"{"a":{"amount":5},"b":[{"amount":51}]}"#,
            r#"{"amount":5,"total":51}"#,
        ] {
            assert_eq!(decide(&policy, "create_refund", arguments).outcome, Outcome::Deny, "{arguments}");
        }
        assert_eq!(decide(&policy, "create_refund", r#"{"amount":50}"#).outcome, Outcome::Allow);
    }

    #[test]
    fn a_rule_that_cannot_be_found_denies() {
        let policy = snapshot(Vec::new(), &[], DefaultVerdict::Allow);
        let mut verdict = decide(&policy, "read_file", "{}");
        rules(&policy, &mut smallvec::smallvec![9], NOW, &mut verdict);
        assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Deny, vec![ReasonCode::EvaluationError]));
    }

    #[test]
    fn unresolved_words_soften_a_block_to_a_question() {
        let policy = snapshot(vec![rule("block sketchy refunds", RuleAction::Block, 1)], &[], DefaultVerdict::Allow);
        assert_eq!(policy.rules()[0].unresolved, ["sketchy"]);
        assert_eq!(decide(&policy, "create_refund", "{}").outcome, Outcome::RequireApproval);
        assert_eq!(decide(&policy, "delete_file", "{}").outcome, Outcome::Allow);
    }

    #[test]
    fn shadow_rules_are_reported_and_expired_ones_are_not() {
        let mut shadow = rule("block refunds", RuleAction::Block, 1);
        shadow.mode = RuleMode::Shadow;
        let mut expired = rule("block refunds", RuleAction::Block, 2);
        expired.expires_at = Some(NOW);
        let mut living = rule("block refunds", RuleAction::Block, 3);
        living.expires_at = Some(NOW.plus_micros(1));
        let policy = snapshot(vec![shadow.clone(), expired.clone()], &[], DefaultVerdict::Allow);
        let verdict = decide(&policy, "create_refund", "{}");
        assert_eq!((verdict.outcome, verdict.shadow.len(), verdict.reasons.len()), (Outcome::Allow, 1, 0));
        let policy = snapshot(vec![shadow, expired, living], &[], DefaultVerdict::Allow);
        assert_eq!(decide(&policy, "create_refund", "{}").outcome, Outcome::Deny);
    }

    #[test]
    fn a_claim_raises_the_risk_and_never_lowers_it() {
        let policy = snapshot(Vec::new(), &[], DefaultVerdict::Allow);
        let doc = Doc::empty_object();
        let mut action = Action {
            tool: "frobnicate",
            agent: None,
            arguments: doc.root(),
            forward: None,
            claimed_risk: Some(Risk::Low),
            stage: None,
        };
        assert!(evaluate(&policy, &action, NOW).risk >= Risk::Medium);
        action.claimed_risk = Some(Risk::Critical);
        assert_eq!(evaluate(&policy, &action, NOW).risk, Risk::Critical);
    }

    #[test]
    fn a_rule_about_numbers_says_the_same_whatever_rules_stand_beside_it() {
        let count = || rule("block changing more than 5 records", RuleAction::Block, 1);
        let range = Range::over(Decimal::whole(5));
        let given = Condition::Count { of: Counted::Items, noun: None, range };
        let counting = Rule { form: Form { condition: Some(Box::new(given)), ..Form::default() }, ..count() };
        let beside = rule("merges need approval", RuleAction::Approve, 2);
        for arguments in [r#"{"policy_id":7}"#, r#"{"policy_id":7,"table":"customers"}"#] {
            let alone = snapshot(vec![counting.clone()], &[], DefaultVerdict::Allow);
            let both = snapshot(vec![counting.clone(), beside.clone()], &[], DefaultVerdict::Allow);
            let of = |policy: &PolicySnapshot| decide(policy, "update_policy", arguments).outcome;
            assert_eq!(of(&alone), of(&both), "{arguments}");
        }
    }

    #[test]
    fn the_order_of_rules_is_nothing() {
        let texts = ["refunds need approval", "block refunds over £50", "block destructive database operations"];
        let all: Vec<Rule> = (0..).zip(texts).map(|(seed, text)| rule(text, RuleAction::Block, seed)).collect();
        let one = snapshot(all.clone(), &["a", "b"], DefaultVerdict::Allow);
        let other = snapshot(all.into_iter().rev().collect(), &["b", "a", "a"], DefaultVerdict::Allow);
        assert_eq!(one.hash(), other.hash());
        let ids = |verdict: Verdict| {
            verdict.reasons.iter().map(|reason| reason.rule.as_ref().map(|rule| rule.rule.id)).collect::<Vec<_>>()
        };
        let call = |policy: &PolicySnapshot| ids(decide(policy, "create_refund", r#"{"amount":99}"#));
        assert_eq!(call(&one), call(&other));
        assert_ne!(one.hash(), snapshot(Vec::new(), &["a", "b"], DefaultVerdict::Allow).hash());
        assert_ne!(
            one.hash(),
            snapshot(one.rules().iter().map(|r| r.rule.clone()).collect(), &["a"], DefaultVerdict::Allow).hash()
        );
    }

    #[test]
    fn a_rule_about_paths_guards_file_tools_without_a_path_and_leaves_others_alone() {
        let policy =
            snapshot(vec![rule("block any write under /etc", RuleAction::Block, 1)], &[], DefaultVerdict::Allow);
        for (tool, arguments, outcome) in [
            ("write_file", "{}", Outcome::Deny),
            ("save", r#"{"path":"/etc/a"}"#, Outcome::Deny),
            ("write_file", r#"{"path":"notes/a"}"#, Outcome::Allow),
            ("create_event", r#"{"title":"lunch"}"#, Outcome::Allow),
        ] {
            assert_eq!(decide(&policy, tool, arguments).outcome, outcome, "{tool} {arguments}");
        }
    }

    #[test]
    fn plans_of_many_tools_are_asked_for_within_one_another() {
        let policy = snapshot(
            vec![rule("block destructive database operations", RuleAction::Block, 1)],
            &[],
            DefaultVerdict::Allow,
        );
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..2000 {
                        let tool = format!("run_{n}");
                        assert_eq!(decide(&policy, &tool, r#"{"sql":"DROP TABLE t"}"#).outcome, Outcome::Deny);
                        assert_eq!(decide(&policy, &tool, r#"{"sql":"SELECT 1"}"#).outcome, Outcome::Allow);
                    }
                });
            }
        });
    }

    #[test]
    fn more_rules_than_an_approval_can_cover_deny() {
        let asking = |count| {
            let rules = (0..count).map(|seed| rule("refunds need approval", RuleAction::Approve, seed));
            decide(&snapshot(rules.collect(), &[], DefaultVerdict::Allow), "create_refund", "{}")
        };
        let most = asking(64);
        assert_eq!((most.outcome, most.reasons.len(), most.unlisted), (Outcome::RequireApproval, 64, 0));
        let more = asking(65);
        assert_eq!((more.outcome, more.reasons.len(), more.unlisted), (Outcome::Deny, 64, 2));
        assert_eq!(codes(&more).first(), Some(&ReasonCode::TooManyRules));
        assert!(Verdict::TOO_MANY_RULES.contains(&format!(" {} ", Verdict::REASONS_MAX)));
    }

    #[test]
    fn more_rules_than_are_listed_are_counted() {
        let all = (0..100).map(|seed| rule("refunds need approval", RuleAction::Approve, seed));
        let block = rule("block refunds", RuleAction::Block, 200);
        let policy = snapshot(all.chain([block]).collect(), &[], DefaultVerdict::Allow);
        let verdict = decide(&policy, "create_refund", "{}");
        assert_eq!(
            (verdict.outcome, verdict.reasons.len(), verdict.unlisted),
            (Outcome::Deny, Verdict::REASONS_MAX, 37)
        );
        assert_eq!(verdict.reasons.first().map(|reason| reason.code), Some(ReasonCode::RuleDeny));
    }
}
