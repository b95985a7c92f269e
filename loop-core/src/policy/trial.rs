//! Rules tried on stored calls: which would have matched, found by the same index that decisions use.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    condition::{Condition, Range},
    facts::{Facts, Said},
    index::{Index, Plan},
    snapshot::CompiledRule,
    stored::{StoredCall, Would, would},
    verdict::Outcome,
};
use crate::{
    base::{Time, json::View},
    tool::Risk,
};

/// Rules to try together.
#[derive(Debug)]
pub struct Trial {
    index: Index,
    zone: Option<jiff::tz::TimeZone>,
    reads: Reads,
}

/// What rules read of a call besides its tool, risk, facts and arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Who asks.
    pub agent: bool,
    /// When.
    pub time: bool,
}

/// A stored call to try rules on.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// The tool's name.
    pub tool: &'a str,
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

/// What rules would have said of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that would have matched, by their place among the rules.
    pub matched: SmallVec<[u32; 4]>,
    /// Those of which it cannot be told.
    pub open: SmallVec<[u32; 4]>,
}

impl Trial {
    /// Tries these rules, whatever their mode and expiry. `zone` is the tenant's, of [`super::zone`]; without one,
    /// times are unclear.
    #[must_use]
    pub fn new(rules: Vec<Arc<CompiledRule>>, zone: Option<jiff::tz::TimeZone>) -> Self {
        let mut reads = Reads::default();
        for rule in &rules {
            rule.condition.each_part(&mut |part| reads.add(part));
        }
        Self { index: Index::build(rules, Vec::new()), zone, reads }
    }

    /// The rules, as they were given.
    #[must_use]
    pub fn rules(&self) -> &[Arc<CompiledRule>] {
        self.index.rules()
    }

    /// What they read of a call besides its tool, risk, facts and arguments: calls that differ in nothing of that are
    /// judged alike.
    #[must_use]
    pub const fn reads(&self) -> Reads {
        self.reads
    }

    /// The zone that times and days are meant in.
    #[must_use]
    pub const fn zone(&self) -> Option<&jiff::tz::TimeZone> {
        self.zone.as_ref()
    }

    /// Whether no rule can match a call of this tool whose facts name no deed and no thing ([`Facts::does`],
    /// [`Facts::things`]).
    #[must_use]
    pub fn is_silent_on(&self, tool: &str) -> bool {
        self.index.with_plan(tool, |plan| plan.rules.is_empty() && self.index.common(&plan.class).is_empty())
    }

    /// What the rules would have said of a call.
    #[must_use]
    pub fn judge(&self, call: &Tried<'_>) -> Found {
        let said = Said { does: call.facts.does, things: call.facts.things };
        let mut found = Found::default();
        self.index.with_plan(call.tool, |plan| {
            if said == Said::default() {
                self.judge_by(plan, call, &mut found);
            } else {
                self.index.with_said(call.tool, &plan.class, said, |plan| self.judge_by(plan, call, &mut found));
            }
        });
        found.matched.sort_unstable();
        found.open.sort_unstable();
        found
    }

    fn judge_by(&self, plan: &Plan, call: &Tried<'_>, found: &mut Found) {
        let Tried { tool, agent, risk, at, facts, arguments } = *call;
        let call = StoredCall { tool, class: &plan.class, agent, risk, at, facts, arguments };
        let mut take = |at: u32, condition: &Condition| match would(condition, &call, self.zone()) {
            Would::Match => found.matched.push(at),
            Would::Undecidable => found.open.push(at),
            Would::NoMatch => {}
        };
        for rules in [&plan.rules, self.index.common(&plan.class)] {
            for limits in &rules.limits {
                for (limit, at) in &limits.rising {
                    let range = Range { from: Some(*limit), to: None };
                    take(*at, &Condition::Amount { range, currency: limits.currency });
                }
            }
            // Nothing can be told of a rule that is not there.
            let unknown = Condition::ALWAYS;
            rules.rest(self.rules()).for_each(|(at, condition)| take(at, condition.unwrap_or(&unknown)));
        }
    }

    /// The strictest of what rules at these places do; [`Outcome::Allow`] without any.
    #[must_use]
    pub fn strictest(&self, places: &[u32]) -> Outcome {
        let of = |at: &u32| self.index.rule(*at).map_or(Outcome::Deny, |rule| rule.outcome());
        places.iter().map(of).max().unwrap_or(Outcome::Allow)
    }
}

impl Reads {
    /// Takes in what a part of a condition reads. Every kind stands here, so that a new one is thought of.
    const fn add(&mut self, part: &Condition) {
        match part {
            Condition::Agent(_) => self.agent = true,
            Condition::Time(_) => self.time = true,
            Condition::All(_)
            | Condition::Any(_)
            | Condition::Not(_)
            | Condition::Tool(_)
            | Condition::ToolLike(_)
            | Condition::Deed(_)
            | Condition::Named(_)
            | Condition::Risky
            | Condition::Money
            | Condition::Amount { .. }
            | Condition::Percent(_)
            | Condition::Count { .. }
            | Condition::Recipient(_)
            | Condition::Data(_)
            | Condition::Environment(_)
            | Condition::Path(_)
            | Condition::Place(_)
            | Condition::Attachment
            | Condition::Unbounded(_)
            | Condition::Command(_)
            | Condition::Party(_)
            | Condition::Branch(_)
            | Condition::Mentions(_)
            | Condition::State(_)
            | Condition::Text(_)
            | Condition::Measure { .. }
            | Condition::Argument { .. } => {}
        }
    }
}
