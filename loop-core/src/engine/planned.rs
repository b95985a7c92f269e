//! A turn on its way into the log: what would become of each call alone, and what does become of all of them.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{
    DecideError, Turn, TurnCall,
    decide::{Masked, decision, enter},
    turn::NAMELESS,
    written::Written,
};
use crate::{
    access::Ctx,
    approval::{self, ApprovalError, Proposal, Settled, Standing},
    audit::Status,
    base::{Time, id::ApprovalId},
    kept::{self, Completion, KeptKey, Sealed},
    policy::{Outcome, PolicySnapshot, ReasonCode, Verdict},
    store::{StoreError, Stored, Tx},
};

/// One call of a turn on its way into the log.
pub(super) struct Part {
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
    Ask(Option<(ApprovalId, Time)>),
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
pub(super) enum Keeping {
    /// Nothing.
    Nothing,
    /// Keeps it if the turn has to wait.
    IfPending { key: KeptKey, sealed: Sealed },
    /// Keeps it on while the turn waits, and no longer.
    Again { key: KeptKey, stamp: String },
}

/// What the transaction did.
pub(super) struct Recorded {
    /// The ids of the entries, in the order of the calls.
    pub(super) audit_ids: Vec<String>,
    /// The key of a completion, and whether it is kept now.
    pub(super) knowledge: Option<(KeptKey, bool)>,
}

/// Everything that the recording transaction needs. As with a single call, the caller keeps a hold on it.
pub(super) struct Planned {
    snapshot: Arc<PolicySnapshot>,
    parts: Vec<Part>,
    keeping: Keeping,
    /// The worst that becomes of any call alone, and the first call of which it does.
    status: Status,
    decisive: usize,
    kept: bool,
}

impl Planned {
    /// A turn as far as the policy alone decides it.
    pub(super) fn new(snapshot: Arc<PolicySnapshot>, mut parts: Vec<Part>) -> Self {
        number_repeats(&mut parts);
        let (status, decisive) = worst(&parts);
        Self { snapshot, parts, keeping: Keeping::Nothing, status, decisive, kept: false }
    }

    /// Whether only humans can still let it go. What they said is not known yet.
    pub(super) fn waits(&self) -> bool {
        self.status == Status::Pending
    }

    /// Says what is to become of the completion, and does what can be done before the transaction.
    pub(super) fn ready(mut self, cx: &Ctx, keeping: Keeping) -> Result<Self, DecideError> {
        self.keeping = keeping;
        if !self.waits() {
            self.write_known(cx)?;
        }
        Ok(self)
    }

    /// The epoch of the policy that decided.
    pub(super) fn epoch(&self) -> u64 {
        self.snapshot.epoch()
    }

    /// The tools whose names the store was not known to have.
    pub(super) fn new_tools(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|part| part.new_tool).map(|part| part.masked.tool_name.as_str())
    }

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

    /// Settles the turn with what humans said of it and records it. It may run more than once; only the last run counts.
    pub(super) fn settle(&mut self, tx: &mut dyn Tx, cx: &Ctx) -> Result<Recorded, DecideError> {
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
        Ok(Recorded { audit_ids, knowledge: self.knowledge() })
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
    fn why(&self) -> String {
        let tool = self.parts.get(self.decisive).map_or(NAMELESS, |part| part.masked.tool_name.as_str());
        match self.status {
            Status::Pending => format!("Withheld with its turn, which waits for approval of '{tool}'"),
            _ => format!("Withheld with its turn, in which '{tool}' is blocked"),
        }
    }

    /// The decisions, once they are durable.
    pub(super) fn decided(&mut self, audit_ids: Vec<String>) -> Result<Turn, DecideError> {
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
    /// A call as far as the policy alone decides it.
    pub(super) fn new(masked: Masked, verdict: Verdict, unreadable: Option<&'static str>, new_tool: bool) -> Self {
        let own = match verdict.outcome {
            Outcome::Allow => Own::Allow,
            Outcome::RequireApproval => Own::Ask(None),
            Outcome::Simulate | Outcome::Deny => Own::Block(None),
        };
        Self { masked, verdict, unreadable, new_tool, own, written: None }
    }

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
    fn withhold(&self, cx: &Ctx, snapshot: &PolicySnapshot, why: &str) -> Result<Written, DecideError> {
        let Masked { tool_name, details, .. } = &self.masked;
        let verdict = self.verdict.clone().refused(ReasonCode::TurnWithheld);
        Written::refused(cx, snapshot, &verdict, tool_name, details, why.to_owned().into())
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

fn unsettled() -> DecideError {
    StoreError::Internal("a turn was settled otherwise than it was looked at".to_owned()).into()
}
