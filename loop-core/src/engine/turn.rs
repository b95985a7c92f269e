//! A whole turn of a model: all of its calls decided together, in one transaction. It goes out whole or not at all.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashMap;

use super::{
    DecideError, Engine,
    decide::{ATTEMPTS, Call, Decision, Masked, check, decision, enter, mask},
    written::Written,
};
use crate::{
    access::{Caller, Ctx},
    approval::{self, ApprovalError, Proposal, Settled, Standing},
    audit::Status,
    base::{Time, json::Doc},
    kept::{self, Completion, Kept, KeptKey, Sealed},
    policy::{Action, Outcome, PolicySnapshot, ReasonCode, Verdict, evaluate, kill_switch::MAX_TOOL_NAME},
    store::{Access, Lane, StoreError, StoreExt, Stored, Tx},
};

/// The most calls of a turn.
pub const MAX_CALLS: usize = 128;
/// How a tool is called that has no name.
const NAMELESS: &str = "(nameless)";

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

/// One call of a turn on its way into the log.
struct Part {
    masked: Masked,
    verdict: Verdict,
    unreadable: Option<&'static str>,
    new_tool: bool,
    own: Own,
    written: Option<Written>,
}

/// What would become of a call alone.
#[derive(Debug, Clone, Copy)]
enum Own {
    Allow,
    /// A human said yes; the yes lasts until then.
    Approved(Time),
    /// A human is to be asked, or is asked already: under this approval, until then.
    Ask(Option<(crate::base::id::ApprovalId, Time)>),
    Block(Option<Settled>),
}

impl Own {
    const fn status(self) -> Status {
        match self {
            Self::Allow | Self::Approved(_) => Status::Allowed,
            Self::Ask(_) => Status::Pending,
            Self::Block(_) => Status::Blocked,
        }
    }
}

/// What the transaction does with a completion.
enum Keeping {
    Nothing,
    IfPending { key: KeptKey, sealed: Sealed },
    Again { key: KeptKey, stamp: String },
}

/// Everything that the recording transaction needs. As with a single call, the caller keeps a hold on it.
struct Planned {
    snapshot: Arc<PolicySnapshot>,
    parts: Vec<Part>,
    keeping: Keeping,
    status: Status,
    decisive: usize,
    kept: bool,
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
        for _ in 0..ATTEMPTS {
            let snapshot = self.policy(&caller.tenant).await?;
            let cx = self.context(caller.clone())?;
            let planned = self.plan(&cx, calls, snapshot, keep)?;
            match self.record_turn(cx, planned).await {
                Err(DecideError::Moved) => {}
                settled => return settled,
            }
        }
        Err(DecideError::Moved)
    }

    /// Everything that can be done about a turn before its transaction.
    fn plan(
        &self,
        cx: &Ctx,
        calls: &[TurnInput<'_>],
        snapshot: Arc<PolicySnapshot>,
        keep: Keep<'_>,
    ) -> Result<Planned, DecideError> {
        let mut parts: Vec<Part> = calls.iter().map(|input| self.part(cx, input, &snapshot)).collect();
        number_repeats(&mut parts);
        // Whether humans have a say is known here; what they said is not.
        let (status, decisive) = worst(&parts);
        let keeping = match keep {
            Keep::IfPending { key, completion } if status == Status::Pending => {
                match kept::seal(self.master(), cx.tenant(), key, completion, &mut cx.seed()) {
                    Some(sealed) => Keeping::IfPending { key, sealed },
                    None => Keeping::Nothing,
                }
            }
            Keep::Nothing | Keep::IfPending { .. } => Keeping::Nothing,
            Keep::Again(kept) => Keeping::Again { key: kept.key(), stamp: kept.stamp().to_owned() },
        };
        let mut planned = Planned { snapshot, parts, keeping, status, decisive, kept: false };
        if status != Status::Pending {
            planned.write_known(cx)?;
        }
        Ok(planned)
    }

    fn part(&self, cx: &Ctx, input: &TurnInput<'_>, snapshot: &PolicySnapshot) -> Part {
        with_call(input, |call, unreadable| {
            let mut verdict = evaluate(snapshot, &call.action, cx.now);
            if unreadable.is_some() {
                // Rules that ask, or nothing at all, were found for a call without arguments: only refusals count.
                verdict.reasons.retain(|reason| reason.outcome == Outcome::Deny);
                verdict = verdict.refused(ReasonCode::CallUnreadable);
            }
            let own = match verdict.outcome {
                Outcome::Allow => Own::Allow,
                Outcome::RequireApproval => Own::Ask(None),
                Outcome::Simulate | Outcome::Deny => Own::Block(None),
            };
            let new_tool = !self.inner.tools.has(cx.tenant(), call.action.tool);
            let masked = mask(self.master(), cx, call, snapshot, &verdict);
            Part { masked, verdict, unreadable, new_tool, own, written: None }
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
            if epoch != planned.snapshot.epoch() {
                policies.policies.require(cx.tenant(), epoch);
                return Err(DecideError::Moved);
            }
            let audit_ids = planned.settle(tx, &cx)?;
            Ok((audit_ids, planned.knowledge()))
        };
        let store = &self.inner.store;
        let space = tenant.clone();
        let finish = move |outcome: Result<(Vec<String>, Option<(KeptKey, bool)>), DecideError>| {
            let (audit_ids, knowledge) = outcome?;
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
        for part in planned.parts.iter().filter(|part| part.new_tool) {
            self.inner.tools.add(&tenant, &part.masked.tool_name);
        }
        planned.decided(audit_ids)
    }
}

impl Planned {
    /// Writes down every call of a turn on which humans have no say.
    fn write_known(&mut self, cx: &Ctx) -> Result<(), DecideError> {
        let blocked = self.status == Status::Blocked;
        let why = self.why();
        for part in &mut self.parts {
            let written = match part.own {
                Own::Block(settled) => part.write(cx, &self.snapshot, settled)?,
                _ if blocked => part.withhold(cx, &self.snapshot, &why)?,
                Own::Allow => part.write(cx, &self.snapshot, None)?,
                Own::Approved(_) | Own::Ask(_) => return Err(unsettled()),
            };
            if written.status != self.status {
                return Err(unsettled());
            }
            part.written = Some(written);
        }
        Ok(())
    }

    /// Settles the turn with what humans said of it, records it, and answers the ids of its entries. It may run more
    /// than once; only the last run counts.
    fn settle(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<Vec<String>, DecideError> {
        self.kept = false;
        let found = match &self.keeping {
            Keeping::Again { key, stamp } => Some(kept::standing(tx, cx, *key, stamp)?.ok_or(DecideError::KeptGone)?),
            Keeping::Nothing | Keeping::IfPending { .. } => None,
        };
        let mut until = None;
        if self.parts.iter().any(|part| part.masked.proposal.is_some()) {
            for part in &mut self.parts {
                part.look(tx, cx)?;
            }
            (self.status, self.decisive) = worst(&self.parts);
            match self.status {
                Status::Allowed => self.use_up(tx, cx)?,
                Status::Pending => until = self.ask(tx, cx)?,
                Status::Blocked | Status::Error => self.write_known(cx)?,
            }
        }
        self.keep(tx, cx, found, until)?;
        let mut audit_ids = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            audit_ids.push(part.enter(tx, cx)?);
        }
        Ok(audit_ids)
    }

    /// Every call may go: the approvals of those that need one are used up.
    fn use_up(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<(), DecideError> {
        for part in &mut self.parts {
            let settled = match (&part.masked.proposal, part.own) {
                (None, Own::Allow) => None,
                (Some(proposal), Own::Approved(_)) => match approval::settle(tx, cx, proposal)? {
                    yes @ Settled::Approved(_) => Some(yes),
                    Settled::Pending { .. } | Settled::Denied(_) => return Err(unsettled()),
                },
                _ => return Err(unsettled()),
            };
            let written = part.write(cx, &self.snapshot, settled)?;
            if written.status != Status::Allowed {
                return Err(unsettled());
            }
            part.written = Some(written);
        }
        Ok(())
    }

    /// Some calls have to wait: humans are asked about them, and all others are withheld. Answers when the last of the
    /// approvals ends that the turn needs.
    fn ask(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<Option<Time>, DecideError> {
        let why = self.why();
        let mut until: Option<Time> = None;
        for part in &mut self.parts {
            let written = match (&part.masked.proposal, part.own) {
                (Some(proposal), Own::Ask(_)) => match approval::settle(tx, cx, proposal)? {
                    asked @ Settled::Pending { expires_at, .. } => {
                        until = until.max(Some(expires_at));
                        part.write(cx, &self.snapshot, Some(asked))?
                    }
                    Settled::Approved(_) | Settled::Denied(_) => return Err(unsettled()),
                },
                (_, own) => {
                    if let Own::Approved(expires_at) = own {
                        until = until.max(Some(expires_at));
                    }
                    part.withhold(cx, &self.snapshot, &why)?
                }
            };
            if written.status == Status::Allowed {
                return Err(unsettled());
            }
            part.written = Some(written);
        }
        Ok(until)
    }

    /// Does with the completion what is to be done.
    fn keep(
        &mut self,
        tx: &mut dyn Tx,
        cx: &Ctx,
        found: Option<Stored<Completion>>,
        until: Option<Time>,
    ) -> Result<(), DecideError> {
        self.kept = match (&self.keeping, found, until) {
            (Keeping::IfPending { key, sealed }, _, Some(until)) => kept::put(tx, cx, *key, sealed, until)?,
            (Keeping::Again { .. }, Some(found), Some(until)) => {
                kept::stay(tx, cx, &found, until)?;
                true
            }
            (Keeping::Again { key, .. }, ..) => {
                kept::remove(tx, cx.tenant(), *key)?;
                false
            }
            (Keeping::IfPending { .. } | Keeping::Nothing, ..) => false,
        };
        Ok(())
    }

    /// What the process learns of the completion once all is durable: its key, and whether it is kept.
    const fn knowledge(&self) -> Option<(KeptKey, bool)> {
        match &self.keeping {
            Keeping::Nothing => None,
            // What was not kept may be kept all the same, from an earlier request.
            Keeping::IfPending { .. } if !self.kept => None,
            Keeping::IfPending { key, .. } | Keeping::Again { key, .. } => Some((*key, self.kept)),
        }
    }

    /// Why the calls are withheld that could have gone, for people.
    fn why(&self) -> Cow<'static, str> {
        let tool = self.parts.get(self.decisive).map_or(NAMELESS, |part| part.masked.tool_name.as_str());
        match self.status {
            Status::Pending => format!("Withheld with its turn, which waits for approval of '{tool}'").into(),
            _ => format!("Withheld with its turn, in which '{tool}' is blocked").into(),
        }
    }

    /// The decisions, once they are durable.
    fn decided(&mut self, audit_ids: Vec<String>) -> Result<Turn, DecideError> {
        let mut calls = Vec::with_capacity(self.parts.len());
        for (part, audit_id) in self.parts.iter_mut().zip(audit_ids) {
            let own = part.own.status();
            let written = part.written.as_mut().ok_or_else(unsettled)?;
            if self.status == Status::Allowed && written.status != Status::Allowed {
                return Err(unsettled());
            }
            let withheld = own != written.status;
            let mut decision = decision(written, part.verdict.clone(), &self.snapshot, audit_id);
            if let Own::Ask(Some((id, expires_at))) = part.own {
                // Somebody was asked before and may still answer.
                decision.approval = decision.approval.or(Some(id));
                decision.expires_at = decision.expires_at.or(Some(expires_at));
            }
            calls.push(TurnCall { decision, own, withheld });
        }
        Ok(Turn { calls, status: self.status, decisive: self.decisive, kept: self.kept })
    }
}

impl Part {
    /// Finds out what humans said, and changes nothing.
    fn look(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<(), ApprovalError> {
        if let Some(proposal) = &self.masked.proposal {
            self.own = match approval::look(tx, cx, proposal)? {
                Standing::Approved { expires_at, .. } => Own::Approved(expires_at),
                Standing::Pending { id, expires_at } => Own::Ask(Some((id, expires_at))),
                Standing::Denied(id) => Own::Block(Some(Settled::Denied(id))),
                Standing::Unasked => Own::Ask(None),
            };
        }
        Ok(())
    }

    /// Puts into words what became of the call by itself.
    fn write(&self, cx: &Ctx, snapshot: &PolicySnapshot, settled: Option<Settled>) -> Result<Written, DecideError> {
        let Masked { tool_name, details, .. } = &self.masked;
        match self.unreadable {
            Some(why) => {
                let message = format!("The call could not be read: {why}").into();
                Written::refused(cx, snapshot, &self.verdict, tool_name, details, message)
            }
            None => Written::new(cx, snapshot, &self.verdict, tool_name, details, settled),
        }
    }

    /// Puts into words that the call was not handed on because of another.
    fn withhold(&self, cx: &Ctx, snapshot: &PolicySnapshot, why: &Cow<'static, str>) -> Result<Written, DecideError> {
        let Masked { tool_name, details, .. } = &self.masked;
        let verdict = self.verdict.clone().refused(ReasonCode::TurnWithheld);
        Written::refused(cx, snapshot, &verdict, tool_name, details, why.clone())
    }

    fn enter(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<String, DecideError> {
        let written = self.written.as_mut().ok_or_else(unsettled)?;
        let Masked { tool_name, counted, .. } = &self.masked;
        enter(tx, cx, written, self.verdict.risk, counted, self.new_tool.then_some(tool_name))
    }
}

/// The worst that becomes of any call alone, and the first call of which it does.
fn worst(parts: &[Part]) -> (Status, usize) {
    [Status::Blocked, Status::Pending]
        .into_iter()
        .find_map(|status| Some((status, parts.iter().position(|part| part.own.status() == status)?)))
        .unwrap_or((Status::Allowed, 0))
}

/// Gives each of several calls that are one and the same a question of its own.
fn number_repeats(parts: &mut [Part]) {
    let mut seen: HashMap<String, usize, foldhash::fast::RandomState> = HashMap::default();
    for part in parts {
        if let Some(Proposal { binding, .. }) = &mut part.masked.proposal {
            let n = seen.entry(binding.clone()).and_modify(|n| *n = n.saturating_add(1)).or_insert(1);
            *binding = approval::repeat_binding(binding, *n);
        }
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

fn unsettled() -> DecideError {
    StoreError::Internal("a turn was settled otherwise than it was looked at".to_owned()).into()
}

fn lock(planned: &Mutex<Planned>) -> MutexGuard<'_, Planned> {
    planned.lock().unwrap_or_else(PoisonError::into_inner)
}
