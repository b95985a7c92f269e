//! What a model found, and the one thing it can do to a verdict.

use std::sync::Arc;

use super::{CallDigest, Finding, Question, Ruling};
use crate::{
    base::id::RuleId,
    policy::{CompiledRule, Outcome, Reason, ReasonCode, RuleAction, Verdict},
};

/// What a model was asked about a rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The rule.
    pub rule: RuleId,
    /// The rule's revision.
    pub revision: u64,
    /// The model.
    pub model: Arc<str>,
    /// What came of it.
    pub ruling: Ruling,
}

impl Judged {
    /// Whether the rule's author would want the call stopped.
    #[must_use]
    pub fn covers(&self) -> bool {
        self.ruling.as_ref().is_ok_and(|answer| answer.finding == Finding::Covered)
    }
}

/// The block rules that only ask about a call because not all of their words could be placed. None where the verdict
/// does not hang on a human's answer: there is nothing left to tighten.
pub fn open(verdict: &Verdict) -> impl Iterator<Item = &Arc<CompiledRule>> {
    let waits = verdict.outcome == Outcome::RequireApproval;
    verdict.reasons.iter().filter(move |_| waits).filter_map(softened)
}

/// The rule of a reason that is a question only because of unplaced words.
fn softened(reason: &Reason) -> Option<&Arc<CompiledRule>> {
    let rule = reason.rule.as_ref()?;
    let asks = reason.code == ReasonCode::RuleAsk && reason.outcome == Outcome::RequireApproval;
    (asks && rule.rule.action == RuleAction::Block && !rule.unresolved.is_empty()).then_some(rule)
}

/// What a model found while a decision is made, each for one rule as it reads at one revision and for one exact call.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    all: Vec<(CallDigest, Judged)>,
}

impl Findings {
    /// Whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds what came of a question.
    pub fn add(&mut self, question: &Question, model: &Arc<str>, ruling: Ruling) {
        let Question { rule, revision, call, .. } = question;
        self.all.push((*call, Judged { rule: *rule, revision: *revision, model: Arc::clone(model), ruling }));
    }

    /// Tightens a verdict on this call: a question of a rule that covers the call becomes a refusal. Nothing else can
    /// happen to a verdict here.
    pub fn harden(&self, call: CallDigest, verdict: &mut Verdict) {
        if verdict.outcome != Outcome::RequireApproval {
            return;
        }
        for reason in &mut verdict.reasons {
            let Some(rule) = softened(reason) else { continue };
            let (id, revision) = (rule.rule.id, rule.rule.revision);
            let about =
                |(of, judged): &&(CallDigest, Judged)| *of == call && (judged.rule, judged.revision) == (id, revision);
            let Some((_, judged)) = self.all.iter().find(about) else { continue };
            if judged.covers() {
                (reason.code, reason.outcome) = (ReasonCode::RuleJudged, Outcome::Deny);
                verdict.outcome = Outcome::Deny;
            }
            verdict.judged.push(judged.clone());
        }
        // Stable: rules of one outcome stay in the order of their ids.
        verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Findings, open};
    use crate::{
        base::{Seed, TenantId, Time, id::RuleId, json::Doc, secret::MasterKey},
        policy::{
            Action, CompiledRule, DefaultVerdict, Outcome, PolicySettings, PolicySnapshot, ReasonCode, Rule,
            RuleAction, RuleMode, Verdict, evaluate,
            judge::{Answer, CallDigest, Finding, Question, Ruling, Unjudged},
        },
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);
    const MASTER: MasterKey = MasterKey::new([4; 32]);

    fn rule(text: &str, action: RuleAction, seed: u8) -> Rule {
        Rule::new(RuleId::draw(NOW, &mut Seed::new([seed; 32])), text, action)
    }

    fn decide(rules: Vec<Rule>, blocked: &[&str], default_verdict: DefaultVerdict) -> Verdict {
        let rules = rules.into_iter().map(|rule| Arc::new(CompiledRule::compile(rule))).collect();
        let blocked = blocked.iter().map(|name| (*name).to_owned()).collect();
        let settings = PolicySettings { default_verdict, ..PolicySettings::default() };
        let policy = PolicySnapshot::build(7, rules, blocked, settings);
        let doc = Doc::empty_object();
        let action = Action {
            tool: "create_refund",
            agent: None,
            arguments: doc.root(),
            forward: None,
            claimed_risk: None,
            stage: None,
        };
        evaluate(&policy, &action, NOW)
    }

    fn call(n: u8) -> CallDigest {
        CallDigest::of(&MASTER, &TenantId::default_tenant(), &n.to_string(), None)
    }

    fn found(finding: Finding) -> Ruling {
        Ok(Answer { finding, note: "so it is".to_owned() })
    }

    /// Findings on a rule and a call.
    fn findings(of: &Rule, about: CallDigest, ruling: Ruling) -> Findings {
        let compiled = CompiledRule::compile(of.clone());
        let question = Question::of(&MASTER, &TenantId::default_tenant(), about, &compiled, "{}");
        let mut findings = Findings::default();
        findings.add(&question, &Arc::from("m"), ruling);
        findings
    }

    #[test]
    fn a_block_that_only_asks_becomes_a_block_when_the_call_is_covered() {
        let sketchy = rule("block sketchy refunds", RuleAction::Block, 1);
        let asks = rule("refunds need approval", RuleAction::Approve, 0);
        let before = decide(vec![sketchy.clone(), asks], &[], DefaultVerdict::Allow);
        assert_eq!(before.outcome, Outcome::RequireApproval);
        assert_eq!(open(&before).map(|rule| rule.rule.id).collect::<Vec<_>>(), [sketchy.id]);
        let mut verdict = before;
        findings(&sketchy, call(1), found(Finding::Covered)).harden(call(1), &mut verdict);
        assert_eq!(verdict.outcome, Outcome::Deny);
        let codes: Vec<ReasonCode> = verdict.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [ReasonCode::RuleJudged, ReasonCode::RuleAsk]);
        assert!(verdict.judged.iter().any(super::Judged::covers));
    }

    #[test]
    fn whatever_else_is_said_leaves_the_question_to_a_human() {
        let sketchy = rule("block sketchy refunds", RuleAction::Block, 1);
        let others = [found(Finding::NotCovered), found(Finding::Unsure)];
        for ruling in others.into_iter().chain(Unjudged::ALL.map(Err)) {
            let mut verdict = decide(vec![sketchy.clone()], &[], DefaultVerdict::Allow);
            findings(&sketchy, call(1), ruling.clone()).harden(call(1), &mut verdict);
            assert_eq!(verdict.outcome, Outcome::RequireApproval, "{ruling:?}");
            assert_eq!(verdict.reasons[0].code, ReasonCode::RuleAsk);
            assert_eq!(verdict.judged[0].ruling, ruling, "it is recorded");
        }
    }

    #[test]
    fn a_finding_counts_for_its_own_rule_revision_and_call_only() {
        let sketchy = rule("block sketchy refunds", RuleAction::Block, 1);
        let other = rule("block shady refunds", RuleAction::Block, 2);
        let newer = Rule { revision: 2, ..sketchy.clone() };
        for (about, of) in [(&other, call(1)), (&newer, call(1)), (&sketchy, call(2))] {
            let mut verdict = decide(vec![sketchy.clone()], &[], DefaultVerdict::Allow);
            findings(about, of, found(Finding::Covered)).harden(call(1), &mut verdict);
            assert_eq!((verdict.outcome, verdict.judged.len()), (Outcome::RequireApproval, 0));
        }
    }

    #[test]
    fn only_block_rules_with_unplaced_words_are_open() {
        for (rules, blocked, default, outcome) in [
            (vec![rule("block refunds", RuleAction::Block, 1)], &[][..], DefaultVerdict::Allow, Outcome::Deny),
            (
                vec![rule("sketchy refunds need approval", RuleAction::Approve, 1)],
                &[],
                DefaultVerdict::Allow,
                Outcome::RequireApproval,
            ),
            (
                vec![rule("block sketchy refunds", RuleAction::Block, 1)],
                &["create_refund"],
                DefaultVerdict::Allow,
                Outcome::Deny,
            ),
            (
                vec![Rule { mode: RuleMode::Shadow, ..rule("block sketchy refunds", RuleAction::Block, 1) }],
                &[],
                DefaultVerdict::Allow,
                Outcome::Allow,
            ),
            (vec![], &[], DefaultVerdict::Ask, Outcome::RequireApproval),
        ] {
            let mut verdict = decide(rules.clone(), blocked, default);
            assert_eq!((verdict.outcome, open(&verdict).count()), (outcome, 0), "{rules:?}");
            let codes: Vec<ReasonCode> = verdict.reasons.iter().map(|reason| reason.code).collect();
            for of in &rules {
                findings(of, call(1), found(Finding::Covered)).harden(call(1), &mut verdict);
            }
            let after: Vec<ReasonCode> = verdict.reasons.iter().map(|reason| reason.code).collect();
            assert_eq!((verdict.outcome, after), (outcome, codes), "nothing changes");
        }
    }

    /// Rules of every kind that match the call, or not.
    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let texts = prop::sample::select(vec![
            "block sketchy refunds",
            "block shady refunds over £5",
            "refunds need approval",
            "block refunds",
            "block deletions of flimsy files",
            "zorp the frobs",
        ]);
        let actions = prop::sample::select(vec![RuleAction::Block, RuleAction::Approve]);
        let modes = prop::sample::select(vec![RuleMode::Enforce, RuleMode::Enforce, RuleMode::Shadow]);
        let one = (texts, actions, modes, 1..3_u64);
        prop::collection::vec(one, 0..7).prop_map(|rules| {
            let made = (1_u8..).zip(rules);
            made.map(|(seed, (text, action, mode, revision))| Rule { mode, revision, ..rule(text, action, seed) })
                .collect()
        })
    }

    fn rulings() -> impl Strategy<Value = Ruling> {
        let found = Finding::ALL.map(found).into_iter();
        prop::sample::select(found.chain(Unjudged::ALL.map(Err)).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn no_finding_loosens_a_verdict(
            rules in rules(),
            said in prop::collection::vec((0..8_u8, 0..4_u64, 0..3_u8, rulings()), 0..12),
            blocked in any::<bool>(),
            default in prop::sample::select(vec![DefaultVerdict::Allow, DefaultVerdict::Ask, DefaultVerdict::Deny]),
        ) {
            let blocked: &[&str] = if blocked { &["create_refund"] } else { &[] };
            let before = decide(rules.clone(), blocked, default);
            let mut findings = Findings::default();
            for (at, revision, about, ruling) in said {
                let of = rules.get(usize::from(at)).cloned().unwrap_or_else(|| rule("block odd refunds", RuleAction::Block, 99));
                let compiled = CompiledRule::compile(Rule { revision, ..of });
                let question = Question::of(&MASTER, &TenantId::default_tenant(), call(about), &compiled, "{}");
                findings.add(&question, &Arc::from("m"), ruling);
            }
            let mut after = before.clone();
            findings.harden(call(1), &mut after);
            prop_assert!(after.outcome >= before.outcome);
            prop_assert_eq!(after.reasons.len(), before.reasons.len());
            prop_assert_eq!((after.risk, after.unlisted, after.shadow.len()), (before.risk, before.unlisted, before.shadow.len()));
            for reason in &before.reasons {
                let rule = reason.rule.as_ref().map(|rule| rule.rule.id);
                let same = after.reasons.iter().find(|other| other.rule.as_ref().map(|rule| rule.rule.id) == rule
                    && (other.code == reason.code || other.code == ReasonCode::RuleJudged));
                prop_assert!(same.is_some_and(|other| other.outcome >= reason.outcome));
            }
            // What was understood is never touched, and a refusal comes from a block rule's own unplaced words only.
            for reason in after.reasons.iter().filter(|reason| reason.code == ReasonCode::RuleJudged) {
                let rule = reason.rule.as_ref().unwrap();
                prop_assert!(rule.rule.action == RuleAction::Block && !rule.unresolved.is_empty());
            }
            prop_assert!(after.reasons.is_sorted_by_key(|reason| std::cmp::Reverse(reason.outcome)));
        }
    }
}
