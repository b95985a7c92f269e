//! How a rule stands to the rules that are there already.
//!
//! That one condition lies within another is proved from their shape ([`within`]); where the shapes tell nothing, so
//! does this. That two rules meet is shown by a call that both match.

use std::sync::Arc;

use super::{
    Action, Outcome, PolicySnapshot, RuleMode,
    condition::{ArgumentTest, Condition, Deed, Limit, Range, Whom},
    deed::known,
    evaluate, glob,
    interpret::Interpretation,
    snapshot::CompiledRule,
};
use crate::base::{Time, json::Doc};

/// How many overlaps are told.
const TOLD: usize = 20;
/// How many rules are compared by their shape.
const COMPARED: usize = 5_000;
/// How many steps all comparisons may take: parts and items of lists that are looked at.
const STEPS: usize = 4_000_000;

/// How a rule stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// It says the same as the other.
    Same,
    /// It changes nothing: the other does as much to every call that it matches.
    Dead,
    /// It asks about calls that the other blocks: no approval lets them through.
    Contradicted,
    /// The other changes nothing beside it.
    Shadows,
    /// It blocks every call that the other asks about.
    Overrules,
    /// Some calls match both; the stricter counts.
    Meets,
    /// A call that it leaves alone is stopped by the other all the same.
    StillStopped,
}

/// Another rule that matters to a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Overlap {
    /// The other rule.
    pub rule_id: String,
    /// Its sentence.
    pub rule_text: String,
    /// How the rule stands to it.
    pub stands: Stands,
    /// That in words.
    pub says: &'static str,
}

impl Stands {
    const fn says(self) -> &'static str {
        match self {
            Self::Same => "the other rule says the same",
            Self::Dead => "the rule changes nothing: the other one stops every call that it stops",
            Self::Contradicted => {
                "the rule asks about calls that the other one blocks, so no approval lets them through"
            }
            Self::Shadows => "the other rule changes nothing beside this one",
            Self::Overrules => "the rule blocks every call that the other one asks about",
            Self::Meets => "some calls match both rules; the stricter one counts",
            Self::StillStopped => "a call that the rule leaves alone is stopped by the other one all the same",
        }
    }
}

/// How a rule stands to the other rules of a policy that decide at `now`, the most telling first. `told` is what was
/// told of the rule.
#[must_use]
pub fn overlaps(rule: &CompiledRule, told: &Interpretation, policy: &PolicySnapshot, now: Time) -> Vec<Overlap> {
    let own = |other: &CompiledRule| {
        other.rule.id == rule.rule.id || other.rule.mode == RuleMode::Shadow || !other.is_live(now)
    };
    let mut steps = STEPS;
    let mut all: Vec<Overlap> = Vec::new();
    let mut add = |other: &Arc<CompiledRule>, stands: Stands| {
        let rule_id = other.rule.id.to_string();
        if !all.iter().any(|known| known.rule_id == rule_id) {
            all.push(Overlap { rule_id, rule_text: other.rule.rule_text.clone(), stands, says: stands.says() });
        }
    };
    let matched = |call: &Option<serde_json::Value>| call.as_ref().map(|call| stopped_by(policy, call, now));
    // What holds another rule's calls holds the example too, so only rules that match it need be looked at.
    let meeting = matched(&told.example_match).unwrap_or_default();
    for other in meeting.iter().filter(|other| !own(other)) {
        let inside = within(&rule.condition, &other.condition, &mut steps);
        let around = within(&other.condition, &rule.condition, &mut steps);
        let same_approver = rule.rule.approver_email == other.rule.approver_email;
        let stands = match (inside, around, rule.outcome(), other.outcome()) {
            (true, _, Outcome::RequireApproval, Outcome::Deny) => Stands::Contradicted,
            (true, true, own, others) if own == others && same_approver => Stands::Same,
            (true, _, own, others) if others >= own && (others == Outcome::Deny || same_approver) => Stands::Dead,
            (_, true, Outcome::Deny, Outcome::RequireApproval) => Stands::Overrules,
            (_, true, own, others) if own >= others && (own == Outcome::Deny || same_approver) => Stands::Shadows,
            (_, _, own, others) if own != others => Stands::Meets,
            _ => continue,
        };
        add(other, stands);
    }
    for other in policy.rules().iter().filter(|other| !own(other)).take(COMPARED) {
        if !within(&other.condition, &rule.condition, &mut steps) {
            continue;
        }
        let same_approver = rule.rule.approver_email == other.rule.approver_email;
        match (rule.outcome(), other.outcome()) {
            (Outcome::Deny, Outcome::RequireApproval) => add(other, Stands::Overrules),
            (own, others) if own >= others && (own == Outcome::Deny || same_approver) => add(other, Stands::Shadows),
            _ => {}
        }
    }
    let excepts = has_exception(&rule.condition);
    for other in matched(&told.example_miss).filter(|_| excepts).unwrap_or_default() {
        if !own(&other) {
            add(&other, Stands::StillStopped);
        }
    }
    all.sort_by_key(|overlap| overlap.stands as u8);
    all.truncate(TOLD);
    all
}

fn has_exception(condition: &Condition) -> bool {
    let mut found = false;
    condition.each_part(&mut |part| found |= matches!(part, Condition::Not(_)));
    found
}

/// The rules that stop a call of `{tool_name, arguments, agent_name?}`.
fn stopped_by(policy: &PolicySnapshot, call: &serde_json::Value, now: Time) -> Vec<Arc<CompiledRule>> {
    let Some(tool) = call.get("tool_name").and_then(serde_json::Value::as_str) else { return Vec::new() };
    let nothing = serde_json::json!({});
    let doc = Doc::from_value(call.get("arguments").unwrap_or(&nothing));
    let agent = call.get("agent_name").and_then(serde_json::Value::as_str);
    let action = Action { tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
    evaluate(policy, &action, now).reasons.into_iter().filter_map(|reason| reason.rule).collect()
}

/// Whether `a` is nowhere truer than `b`: every call that matches `a` matches `b`. `false` also where it cannot be
/// seen from their shape, or not in as many steps as are left.
fn within(a: &Condition, b: &Condition, steps: &mut usize) -> bool {
    // Comparing the two reads the smaller one at most.
    if !take(steps, size(a).saturating_add(size(b))) {
        return false;
    }
    if a == b || *b == Condition::ALWAYS || *a == Condition::NEVER {
        return true;
    }
    match (a, b) {
        (Condition::Any(any), _) => any.iter().all(|one| within(one, b, steps)),
        (_, Condition::All(all)) => all.iter().all(|one| within(a, one, steps)),
        (Condition::All(all), Condition::Any(any)) => {
            all.iter().any(|one| within(one, b, steps)) || any.iter().any(|one| within(a, one, steps))
        }
        (Condition::All(all), _) => all.iter().any(|one| within(one, b, steps)),
        (_, Condition::Any(any)) => any.iter().any(|one| within(a, one, steps)),
        (Condition::Not(a), Condition::Not(b)) => within(b, a, steps),
        (Condition::Tool(name), Condition::ToolLike(pattern)) => {
            take(steps, name.len().saturating_mul(pattern.len())) && glob::fits(pattern, name)
        }
        (Condition::Deed(a), Condition::Deed(b)) => deed_within(a, b, steps),
        (Condition::Amount { range: a, currency }, Condition::Amount { range: b, currency: other }) => {
            currency == other && range_within(a, b)
        }
        (Condition::Percent(a), Condition::Percent(b)) => range_within(a, b),
        (Condition::Count { of, noun: a_noun, range: a }, Condition::Count { of: other, noun: b_noun, range: b }) => {
            of == other && a_noun == b_noun && range_within(a, b)
        }
        (Condition::Measure { of, range: a }, Condition::Measure { of: other, range: b }) => {
            of == other && range_within(a, b)
        }
        (Condition::Recipient(a), Condition::Recipient(b)) => match (a, b) {
            (Whom::In(a), Whom::In(b))
            | (Whom::Address(a), Whom::Address(b))
            | (Whom::Outside(b), Whom::Outside(a)) => subset(a, b, steps),
            _ => false,
        },
        (Condition::Data(a), Condition::Data(b)) => subset(a, b, steps),
        (Condition::Environment(a), Condition::Environment(b)) => subset(a, b, steps),
        (Condition::Path(a), Condition::Path(b)) => subset(a, b, steps),
        (Condition::Time(a), Condition::Time(b)) => subset(a, b, steps),
        (Condition::Command(a), Condition::Command(b)) => subset(a, b, steps),
        (Condition::Unbounded(a), Condition::Unbounded(b)) => a.without(*b).is_empty(),
        (Condition::Named(a), Condition::Named(b))
        | (Condition::Place(a), Condition::Place(b))
        | (Condition::Agent(a), Condition::Agent(b))
        | (Condition::Party(a), Condition::Party(b))
        | (Condition::Branch(a), Condition::Branch(b))
        | (Condition::Text(a), Condition::Text(b)) => subset(a, b, steps),
        _ => false,
    }
}

/// Takes so many steps, if as many are left.
fn take(steps: &mut usize, wanted: usize) -> bool {
    let left = steps.checked_sub(wanted);
    *steps = left.unwrap_or(0);
    left.is_some()
}

/// How many parts and items of lists a condition has.
fn size(condition: &Condition) -> usize {
    let mut size = 0_usize;
    condition.each_part(&mut |part| {
        let items = match part {
            Condition::Named(list)
            | Condition::Place(list)
            | Condition::Agent(list)
            | Condition::Party(list)
            | Condition::Branch(list)
            | Condition::Mentions(list)
            | Condition::State(list)
            | Condition::Text(list)
            | Condition::Recipient(Whom::In(list) | Whom::Outside(list) | Whom::Address(list)) => list.len(),
            Condition::Deed(deed) => deed.verbs.len().saturating_add(deed.nouns.len()),
            Condition::Data(list) => list.len(),
            Condition::Environment(list) => list.len(),
            Condition::Path(list) => list.len(),
            Condition::Time(list) => list.len(),
            Condition::Command(list) => list.iter().map(Vec::len).sum(),
            Condition::Argument { test: ArgumentTest::Is(list) | ArgumentTest::Like(list), .. } => list.len(),
            _ => 0,
        };
        size = size.saturating_add(items).saturating_add(1);
    });
    size
}

fn subset<T: PartialEq>(a: &[T], b: &[T], steps: &mut usize) -> bool {
    take(steps, a.len().saturating_mul(b.len())) && a.iter().all(|one| b.contains(one))
}

fn deed_within(a: &Deed, b: &Deed, steps: &mut usize) -> bool {
    let looks = known().read.with(known().draft);
    let does = match (a.is_any_doing(), b.is_any_doing()) {
        (true, true) => true,
        // Whatever is done that is not looking is more than looking.
        (false, true) => !a.does.meets(looks),
        (false, false) => a.does.without(b.does).is_empty() && subset(&a.verbs, &b.verbs, steps),
        (true, false) => false,
    };
    does && (b.is_to_anything()
        || (!a.is_to_anything() && a.things.without(b.things).is_empty() && subset(&a.nouns, &b.nouns, steps)))
}

fn range_within(a: &Range, b: &Range) -> bool {
    let inclusive = |a: Limit, b: Limit| !a.inclusive || b.inclusive;
    let from = match (a.from, b.from) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => a.value > b.value || (a.value == b.value && inclusive(a, b)),
    };
    let to = match (a.to, b.to) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => a.value < b.value || (a.value == b.value && inclusive(a, b)),
    };
    from && to
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Condition, Stands, overlaps, within};
    use crate::{
        base::{Seed, Time, id::RuleId, json::Doc},
        policy::{
            Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate, interpret,
        },
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn rule(seed: u8, text: &str, action: RuleAction) -> Arc<CompiledRule> {
        Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([seed; 32])), text, action)))
    }

    fn stands(new: (&str, RuleAction), old: (&str, RuleAction)) -> Option<Stands> {
        let (new, old) = (rule(1, new.0, new.1), rule(2, old.0, old.1));
        let policy = PolicySnapshot::build(1, vec![old], Vec::new(), PolicySettings::default());
        overlaps(&new, &interpret(&new, &[]), &policy, NOW).first().map(|overlap| overlap.stands)
    }

    #[test]
    fn rules_are_told_how_they_stand_to_one_another() {
        use RuleAction::{Approve, Block};
        for (new, old, wanted) in [
            (
                ("refunds over £500 need approval", Approve),
                ("refunds over £50 need approval", Approve),
                Some(Stands::Dead),
            ),
            (
                ("refunds over £50 need approval", Approve),
                ("refunds over £500 need approval", Approve),
                Some(Stands::Shadows),
            ),
            (
                ("refunds over £50 need approval", Approve),
                ("refunds over £50 need approval", Approve),
                Some(Stands::Same),
            ),
            (("refunds over £50 need approval", Approve), ("block refunds", Block), Some(Stands::Contradicted)),
            (("block refunds", Block), ("refunds over £50 need approval", Approve), Some(Stands::Overrules)),
            (("block refunds over £500", Block), ("refunds over £50 need approval", Approve), Some(Stands::Meets)),
            (("refunds over £50 need approval", Approve), ("block emails to anyone outside acme.org", Block), None),
            (("refunds over €500 need approval", Approve), ("refunds over £50 need approval", Approve), None),
        ] {
            assert_eq!(stands(new, old), wanted, "{new:?} beside {old:?}");
        }
    }

    #[test]
    fn long_lists_take_as_many_steps_as_they_are_long() {
        let texts =
            |from: usize, count: usize| Condition::Text((from..from + count).map(|at| format!("text {at}")).collect());
        let mut steps = 30_000;
        assert!(within(&texts(0, 100), &texts(0, 200), &mut steps));
        assert!(steps < 10_000, "every item is compared with every other: {steps}");
        // Equal ones too, and there is nothing left for the next.
        assert!(!within(&texts(0, 3_000), &texts(0, 3_000), &mut 1_000));
        let mut steps = 100_000;
        assert!(!within(&texts(0, 999), &texts(1, 999), &mut steps));
        assert_eq!(steps, 0, "what cannot be paid for is given up");
    }

    #[test]
    fn an_exception_in_vain_is_told() {
        let found = stands(
            ("payments need approval except payments to Kite", RuleAction::Approve),
            ("payments over £0 need approval", RuleAction::Approve),
        );
        assert_eq!(found, Some(Stands::StillStopped));
    }

    #[test]
    fn what_is_said_to_lie_within_matches_no_call_more() {
        let texts = [
            "refunds need approval",
            "refunds over £50 need approval",
            "refunds of £50 or more need approval",
            "refunds between £60 and £90 need approval",
            "payments need approval",
            "block emails to anyone outside acme.org",
            "block emails",
            "block emails to bea@acme.org",
            "deployments to production need approval",
            "deployments need approval",
            "block destructive database operations",
            "be nice",
            "block any email to more than 3 recipients",
        ];
        let calls = [
            ("create_refund", r#"{"amount":50,"currency":"GBP"}"#),
            ("create_refund", r#"{"amount":75}"#),
            ("create_refund", "{}"),
            ("pay", r#"{"amount":"$75"}"#),
            ("send_email", r#"{"to":["bea@acme.org"]}"#),
            ("send_email", r#"{"to":"x@other.net"}"#),
            ("send_email", r#"{"to":["a@b.c","b@b.c","c@b.c","d@b.c"]}"#),
            ("deploy", r#"{"environment":"production"}"#),
            ("deploy", r#"{"environment":"staging"}"#),
            ("run_sql", r#"{"sql":"DROP TABLE t"}"#),
            ("get_refund", "{}"),
            ("frobnicate", "{}"),
        ];
        let rules: Vec<_> = (0..).zip(texts).map(|(seed, text)| rule(seed, text, RuleAction::Approve)).collect();
        let matches = |rule: &Arc<CompiledRule>, (tool, arguments): (&str, &str)| {
            let policy = PolicySnapshot::build(1, vec![Arc::clone(rule)], Vec::new(), PolicySettings::default());
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            let action =
                Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
            evaluate(&policy, &action, NOW).outcome != Outcome::Allow
        };
        let mut proved = 0;
        for a in &rules {
            for b in &rules {
                if within(&a.condition, &b.condition, &mut 10_000) {
                    proved += usize::from(a.rule.id != b.rule.id);
                    for call in calls {
                        assert!(
                            !matches(a, call) || matches(b, call),
                            "{} / {}: {call:?}",
                            a.rule.rule_text,
                            b.rule.rule_text
                        );
                    }
                }
            }
        }
        assert!(proved >= 8, "only {proved} were proved");
        assert!(!within(&rules[1].condition, &rules[0].condition, &mut 0), "no steps, no proof");
    }
}
