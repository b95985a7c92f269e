//! What rules would have done to the calls of the past.
//!
//! The log is walked newest first, a bounded number of entries per transaction, so that a long back-test pins no
//! snapshot and can be given up between two steps. Of an entry only the facts are read that were stored with it, its
//! arguments only where the facts leave a rule open; and calls that differ in nothing that the rules read are judged
//! once ([`judge`]).

mod judge;
mod tally;

use std::sync::Arc;

pub use tally::{Approvals, BackTest, Day, PerRule, Sample};

use judge::{Judge, Judged};
use tally::Tally;

use super::{DecideError, body::marks};
use crate::{
    audit::{self, LentDecision},
    base::{TenantId, Time},
    policy::{CompiledRule, Found, PolicyError, Trial, settings, zone},
    store::Tx,
};

/// How many entries are judged per transaction.
pub const CHUNK: u32 = 10_000;
/// The most calls that are judged unless told otherwise.
pub const DEFAULT_CALLS: u64 = 1_000_000;
/// The most calls that may be asked for.
pub const MAX_CALLS: u64 = 100_000_000;
/// The most rules that are tried together.
pub const MAX_RULES: usize = 20_000;

/// Which calls are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Only calls at or after this time.
    pub since: Option<Time>,
    /// At most so many, the newest.
    pub calls: u64,
}

impl Default for Scope {
    fn default() -> Self {
        Self { since: None, calls: DEFAULT_CALLS }
    }
}

/// A back-test under way.
#[derive(Debug)]
pub struct Run {
    scope: Scope,
    state: State,
    tally: Tally,
    /// The number of the entry where the next step goes on.
    below: Option<u64>,
}

#[derive(Debug)]
enum State {
    /// The tenant's zone is not read yet.
    New(Vec<Arc<CompiledRule>>, bool),
    Judging(Box<Judge>),
    /// What a rule in shadow mode was seen to match is counted instead.
    Recorded(Box<Trial>),
}

/// How far a back-test came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Progress {
    /// Calls judged.
    pub scanned: u64,
    /// Calls that may still be judged, at most.
    pub left: u64,
}

impl Run {
    /// A back-test of rules together: the strictest that matches a call counts. Their mode and expiry are nothing.
    ///
    /// # Errors
    /// No rule, or more than [`MAX_RULES`].
    pub fn new(rules: Vec<Arc<CompiledRule>>, scope: Scope) -> Result<Self, PolicyError> {
        if rules.is_empty() || rules.len() > MAX_RULES {
            return Err(PolicyError::TooMany { what: "rules in a back-test", max: MAX_RULES as u64 });
        }
        let scope = Scope { calls: scope.calls.min(MAX_CALLS), ..scope };
        Ok(Self { scope, tally: Tally::new(rules.len()), state: State::New(rules, false), below: None })
    }

    /// What a rule in shadow mode would have done, by what was recorded of it at its present revision.
    #[must_use]
    pub fn recorded(rule: Arc<CompiledRule>, scope: Scope) -> Self {
        let scope = Scope { calls: scope.calls.min(MAX_CALLS), ..scope };
        Self { scope, tally: Tally::new(1), state: State::New(vec![rule], true), below: None }
    }

    /// Judges the next chunk of decisions. `false` when nothing is left to judge.
    ///
    /// # Errors
    /// Storage failures.
    pub fn step(&mut self, tx: &mut dyn Tx, tenant: &TenantId) -> Result<bool, DecideError> {
        if let State::New(rules, recorded) = &mut self.state {
            let zone = zone(&settings::get(tx, tenant)?.timezone);
            let trial = Trial::new(std::mem::take(rules), zone);
            self.state =
                if *recorded { State::Recorded(Box::new(trial)) } else { State::Judging(Box::new(Judge::new(trial))) };
        }
        let Self { scope, tally, below, state } = self;
        let limit = scope.calls.saturating_sub(tally.scanned()).min(u64::from(CHUNK));
        let limit = u32::try_from(limit).unwrap_or(CHUNK);
        let (mut seen, start) = (0, *below);
        let mut past = false;
        let mut each = |call: &LentDecision<'_>| {
            seen += 1;
            *below = Some(call.seq);
            // The log only moves forward.
            past = scope.since.is_some_and(|since| call.at < since);
            // What became of a call that was decided is no call of its own; nobody knows of an entry that was erased.
            if !past && call.op.is_none_or(|op| op == audit::DECISION) {
                match state {
                    State::New(..) => {}
                    State::Judging(judge) => {
                        let judged = judge.judge(call);
                        tally.add(judge.trial(), call, &judged);
                    }
                    State::Recorded(trial) => tally.add(trial, call, &recorded(trial, call)),
                }
            }
            !past
        };
        audit::walk(tx, tenant, start, limit, &mut each)?;
        let more = !past && seen == limit && *below != Some(1) && tally.scanned() < scope.calls;
        tally.truncated = !past && seen == limit && *below != Some(1) && !more;
        Ok(more)
    }

    /// How far it came.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let scanned = self.tally.scanned();
        let behind = self.below.map_or(u64::MAX, |below| below.saturating_sub(1));
        Progress { scanned, left: behind.min(self.scope.calls.saturating_sub(scanned)) }
    }

    /// What was found so far.
    #[must_use]
    pub fn result(&self) -> BackTest {
        match &self.state {
            State::New(..) => BackTest::default(),
            State::Judging(judge) => self.tally.result(judge.trial()),
            State::Recorded(trial) => self.tally.result(trial),
        }
    }
}

/// What was recorded of the rule in shadow mode.
fn recorded(trial: &Trial, call: &LentDecision<'_>) -> Judged {
    let rule = trial.rules().first().map(|rule| (rule.rule.id, rule.rule.revision));
    let marked = rule.zip(call.body).and_then(|((id, revision), body)| marks(body, id, revision));
    match marked {
        None => Judged::Unknown,
        Some(false) => Judged::Nothing,
        Some(true) => Judged::Some(Found { matched: smallvec::smallvec![0], ..Found::default() }),
    }
}

#[cfg(test)]
mod tests;
