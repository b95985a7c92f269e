//! A whole turn of a model: all of its calls decided together, in one transaction. It goes out whole or not at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    DecideError, Engine,
    decide::{ATTEMPTS, Call, Decision, check, mask},
    hearing::{Hearing, Opened},
    planned::{Keeping, Part, Planned, Recorded},
};
use crate::{
    access::{Caller, Ctx},
    audit::Status,
    base::json::Doc,
    kept::{self, Kept, KeptKey},
    policy::{Action, Outcome, PolicySnapshot, ReasonCode, evaluate, kill_switch::MAX_TOOL_NAME},
    store::{Access, Lane, StoreExt, Tx},
};

/// The most calls of a turn.
pub const MAX_CALLS: usize = 128;
/// How a tool is called that has no name.
pub(super) const NAMELESS: &str = "(nameless)";

/// One call of a turn.
#[derive(Debug, Clone, Copy)]
pub enum TurnInput<'a> {
    /// A call as it was read.
    Call(Call<'a>),
    /// A call that could not be read, and is refused.
    Unreadable(Unreadable<'a>),
}

/// What is known of a call that could not be read. Nothing of its raw text is stored.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable<'a> {
    /// The tool, as far as it has a name. A name that is too long is cut, one that is missing replaced.
    pub tool: &'a str,
    /// The agent.
    pub agent: Option<&'a str>,
    /// The conversation it belongs to.
    pub session: Option<&'a str>,
    /// The door it came through.
    pub door: &'static str,
    /// What is wrong with it, for people: a phrase such as `the arguments are no JSON object`.
    pub why: &'static str,
}

impl<'a> From<Call<'a>> for TurnInput<'a> {
    fn from(call: Call<'a>) -> Self {
        Self::Call(call)
    }
}

/// What becomes of the upstream's completion beside the decision.
#[derive(Debug, Clone, Copy)]
pub enum Keep<'a> {
    /// Nothing is kept.
    Nothing,
    /// If the turn has to wait, the completion is kept, sealed, in place of another under the same key.
    IfPending {
        /// The key of the request.
        key: KeptKey,
        /// What the upstream answered. One of more than [`kept::MAX_COMPLETION`] bytes is not kept.
        completion: &'a [u8],
    },
    /// The completion was taken out: once its turn may go or is refused it is kept no longer, while it waits it stays.
    Again(&'a Kept),
}

/// What was decided of one call of a turn.
#[derive(Debug, Clone)]
pub struct TurnCall {
    /// What was recorded. A call that is withheld has the status [`Status::Blocked`] here, whatever its own verdict.
    pub decision: Decision,
    /// What would have become of the call alone.
    pub own: Status,
    /// Whether the call does not go because of another of its turn.
    pub withheld: bool,
}

/// What was decided of a turn. It is durable.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The calls, in their order.
    pub calls: Vec<TurnCall>,
    /// The worst that became of any: blocked, else pending, else allowed.
    pub status: Status,
    /// Where in `calls` the first stands that this is due to.
    pub decisive: usize,
    /// Whether the completion is kept now, so that the same request finds it again.
    pub kept: bool,
}

impl Turn {
    /// Whether the turn may go out, now and once. Otherwise no call of it may.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.status == Status::Allowed
    }

    /// The call that decided.
    #[must_use]
    pub fn decisive(&self) -> Option<&TurnCall> {
        self.calls.get(self.decisive)
    }
}

impl Engine {
    /// Decides all calls of a turn together and records the decisions, in one transaction. The worst wins: one call
    /// that is refused or has to wait withholds all others, whose approvals are then not used up. Nobody is asked
    /// about any while one is refused. When this answers a turn that is [`Turn::allowed`], the records are durable and
    /// each call may be made once; every error means that none may.
    ///
    /// # Errors
    /// No calls or more than [`MAX_CALLS`], texts out of bounds, a revoked key, too many open approvals,
    /// [`DecideError::KeptGone`] for a completion that is kept no longer, storage failures.
    pub async fn intercept_turn(
        &self,
        caller: &Caller,
        calls: &[TurnInput<'_>],
        keep: Keep<'_>,
    ) -> Result<Turn, DecideError> {
        if calls.is_empty() || calls.len() > MAX_CALLS {
            return Err(DecideError::Calls { max: MAX_CALLS });
        }
        for input in calls {
            with_call(input, |call, _| check(call))?;
        }
        let started = self.noticed();
        let mut hearing = Hearing::default();
        for _ in 0..ATTEMPTS {
            let snapshot = self.policy(&caller.tenant).await?;
            let cx = self.context(caller.clone())?;
            if self.may_hear(&hearing) {
                let opened = self.opened_in(&cx, calls, &snapshot);
                if !opened.is_empty() {
                    Box::pin(self.hear(&mut hearing, cx, opened)).await?;
                    continue;
                }
            }
            let planned = self.plan(&cx, calls, snapshot, keep, &hearing)?;
            match self.record_turn(cx, planned).await {
                Err(DecideError::Moved) => {}
                settled => {
                    for (input, decided) in calls.iter().zip(settled.iter().flat_map(|turn| &turn.calls)) {
                        with_call(input, |call, _| self.witness(started, caller, call, &decided.decision));
                    }
                    return settled;
                }
            }
        }
        Err(DecideError::Moved)
    }

    /// What is to be asked of a model about a turn: nothing when a call of it is refused anyway.
    fn opened_in(&self, cx: &Ctx, calls: &[TurnInput<'_>], snapshot: &PolicySnapshot) -> Vec<Opened> {
        let mut opened = Vec::new();
        for input in calls {
            let TurnInput::Call(call) = input else { return Vec::new() };
            let verdict = evaluate(snapshot, &call.action, cx.now);
            if !matches!(verdict.outcome, Outcome::Allow | Outcome::RequireApproval) {
                return Vec::new();
            }
            opened.extend(self.opened(cx, call, snapshot, &verdict));
        }
        opened
    }

    /// Everything that can be done about a turn before its transaction.
    fn plan(
        &self,
        cx: &Ctx,
        calls: &[TurnInput<'_>],
        snapshot: Arc<PolicySnapshot>,
        keep: Keep<'_>,
        hearing: &Hearing,
    ) -> Result<Planned, DecideError> {
        let parts: Vec<Part> = calls.iter().map(|input| self.part(cx, input, &snapshot, hearing)).collect();
        let planned = Planned::new(snapshot, parts);
        let keeping = match keep {
            Keep::IfPending { key, completion } if planned.waits() => {
                match kept::seal(self.master(), cx.tenant(), key, completion, &mut cx.seed()) {
                    Some(sealed) => Keeping::IfPending { key, sealed },
                    None => Keeping::Nothing,
                }
            }
            Keep::Nothing | Keep::IfPending { .. } => Keeping::Nothing,
            Keep::Again(kept) => Keeping::Again { key: kept.key(), stamp: kept.stamp().to_owned() },
        };
        planned.ready(cx, keeping)
    }

    fn part(&self, cx: &Ctx, input: &TurnInput<'_>, snapshot: &PolicySnapshot, hearing: &Hearing) -> Part {
        with_call(input, |call, unreadable| {
            let mut verdict = evaluate(snapshot, &call.action, cx.now);
            self.harden(hearing, cx, snapshot, &call.action, &mut verdict);
            if unreadable.is_some() {
                // Rules that ask, or nothing at all, were found for a call without arguments: only refusals count.
                verdict.reasons.retain(|reason| reason.outcome == Outcome::Deny);
                verdict = verdict.refused(ReasonCode::CallUnreadable);
            }
            let new_tool = !self.inner.tools.has(cx.tenant(), call.action.tool);
            let masked = mask(self.master(), cx, call, snapshot, &verdict);
            Part::new(masked, verdict, unreadable, new_tool)
        })
    }

    async fn record_turn(&self, cx: Ctx, planned: Planned) -> Result<Turn, DecideError> {
        let inner = Arc::clone(&self.inner);
        let planned = Arc::new(Mutex::new(planned));
        let shared = Arc::clone(&planned);
        let tenant = cx.tenant().clone();
        let policies = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| {
            let mut planned = lock(&shared);
            cx.caller.recheck(tx, cx.now)?;
            let epoch = tx.epoch(cx.tenant())?;
            if epoch != planned.epoch() {
                policies.policies.require(cx.tenant(), epoch);
                return Err(DecideError::Moved);
            }
            planned.settle(tx, &cx)
        };
        let store = &self.inner.store;
        let space = tenant.clone();
        let finish = move |outcome: Result<Recorded, DecideError>| {
            let Recorded { audit_ids, knowledge } = outcome?;
            // What is durable is learnt here, whether or not anybody waits for the answer any more.
            match knowledge {
                Some((key, true)) => inner.kept.add(&space, key),
                Some((key, false)) => inner.kept.remove(&space, &key),
                None => {}
            }
            Ok::<_, DecideError>(audit_ids)
        };
        let recorded = store.run_job("turn.record", Access::Write, Lane::Decision, work, finish);
        let audit_ids = recorded.await?;
        let mut planned = lock(&planned);
        planned.new_tools().for_each(|tool| self.inner.tools.add(&tenant, tool));
        planned.decided(audit_ids)
    }
}

/// Hands over the call; for one that could not be read a call without arguments, and why it could not.
fn with_call<T>(input: &TurnInput<'_>, f: impl FnOnce(&Call<'_>, Option<&'static str>) -> T) -> T {
    match input {
        TurnInput::Call(call) => f(call, None),
        TurnInput::Unreadable(unreadable) => {
            let Unreadable { tool, agent, session, door, why } = *unreadable;
            let nothing = Doc::empty_object();
            let action = Action {
                tool: cut(tool),
                agent,
                arguments: nothing.root(),
                forward: None,
                claimed_risk: None,
                stage: None,
            };
            f(&Call { action, reason: None, session, door }, Some(why))
        }
    }
}

/// A tool's name within its bounds.
fn cut(name: &str) -> &str {
    if name.is_empty() {
        return NAMELESS;
    }
    let end = (0..=MAX_TOOL_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    end.and_then(|end| name.split_at_checked(end)).map_or(NAMELESS, |(kept, _)| kept)
}

fn lock(planned: &Mutex<Planned>) -> MutexGuard<'_, Planned> {
    planned.lock().unwrap_or_else(PoisonError::into_inner)
}
