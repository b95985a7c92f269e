//! What a call that needs approval finds.

use super::{
    Approval, ApprovalError, Asking, State, UsedBy,
    expire::{self, TIMERS},
    query,
};
use crate::{
    access::Ctx,
    base::{Time, id::ApprovalId},
    outbox::{self, Notice, NoticeKind, targets},
    policy::settings,
    store::{Cond, Order, RecordQuery, Repo, Stored, Tx},
    tool::Risk,
};

/// The most approvals of a tenant that may wait at a time.
pub const MAX_PENDING: u64 = 10_000;
/// How long a human's no holds for the very same call, in seconds. It is no setting: a short time to answer must not
/// make a no short.
pub const DENIAL_SECONDS: i64 = 24 * 60 * 60;

/// A call that the policy wants approved, masked for storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What the approval is bound to.
    pub binding: String,
    /// The tool.
    pub tool_name: String,
    /// The agent.
    pub agent_name: Option<String>,
    /// The masked arguments as JSON text.
    pub arguments: String,
    /// The agent's reason, masked.
    pub reason: Option<String>,
    /// Method and masked URL of the forward.
    pub forward: Option<String>,
    /// The effective risk.
    pub risk: Risk,
    /// The rules that ask, under the current policy. Never empty.
    pub asking: Vec<Asking>,
    /// The content hash of the current policy.
    pub policy_hash: String,
}

/// What it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A human had said yes to exactly this, for every rule that asks now; that yes is used up.
    Approved(ApprovalId),
    /// A human is asked.
    Pending {
        /// The approval.
        id: ApprovalId,
        /// When it ends by itself.
        expires_at: Time,
    },
    /// A human said no, less than [`DENIAL_SECONDS`] ago.
    Denied(ApprovalId),
}

/// What a call that needs approval would find, while nothing is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A human had said yes to exactly this, for every rule that asks now.
    Approved {
        /// The approval.
        id: ApprovalId,
        /// When the yes ends.
        expires_at: Time,
    },
    /// A human is asked already.
    Pending {
        /// The approval.
        id: ApprovalId,
        /// When it ends by itself.
        expires_at: Time,
    },
    /// A human said no, less than [`DENIAL_SECONDS`] ago.
    Denied(ApprovalId),
    /// A human is to be asked.
    Unasked,
}

fn standing(latest: &Approval, proposal: &Proposal, now: Time) -> Standing {
    let Approval { id, expires_at, .. } = *latest;
    let covered = proposal.asking.iter().all(|now| latest.asking.iter().any(|then| then.same(now)));
    match latest.state_at(now) {
        State::Approved if covered => Standing::Approved { id, expires_at },
        State::Pending if covered => Standing::Pending { id, expires_at },
        State::Denied if latest.decided_at.is_some_and(|at| now < at.plus_seconds(DENIAL_SECONDS)) => {
            Standing::Denied(id)
        }
        _ => Standing::Unasked,
    }
}

/// Tells what [`settle`] would find, and changes nothing: no yes is used up, and nobody is asked.
///
/// # Errors
/// Storage failures.
pub fn look(tx: &mut dyn Tx, cx: &Ctx, proposal: &Proposal) -> Result<Standing, ApprovalError> {
    let latest = latest(tx, cx, &proposal.binding)?;
    Ok(latest.map_or(Standing::Unasked, |latest| standing(&latest.value, proposal, cx.now)))
}

/// Finds what became of the approval of this very call, or asks for one.
///
/// # Errors
/// Too many open approvals, storage failures. None of them may let the call through.
pub fn settle(tx: &mut dyn Tx, cx: &Ctx, proposal: &Proposal) -> Result<Settled, ApprovalError> {
    let settings = settings::get(tx, cx.tenant())?;
    let ttl = i64::from(settings.approval_ttl_seconds);
    if let Some(latest) = latest(tx, cx, &proposal.binding)? {
        match standing(&latest.value, proposal, cx.now) {
            Standing::Approved { id, .. } => {
                let used = Approval { state: State::Used, used_by: Some(UsedBy::Call), ..latest.value.clone() };
                Repo::new(tx, cx.tenant()).update(&latest, &used, cx.now)?;
                return Ok(Settled::Approved(id));
            }
            Standing::Pending { id, expires_at } => return Ok(Settled::Pending { id, expires_at }),
            Standing::Denied(id) => return Ok(Settled::Denied(id)),
            Standing::Unasked => match latest.value.state_at(cx.now) {
                // A rule asks that did not ask then: whoever would have answered saw another question.
                State::Pending | State::Approved => replace(tx, cx, &latest)?,
                State::Expired if latest.value.state == State::Pending => expire::end(tx, cx, &latest)?,
                _ => {}
            },
        }
    }
    request(tx, cx, proposal, cx.now.plus_seconds(ttl))
}

pub(super) fn latest(tx: &mut dyn Tx, cx: &Ctx, binding: &str) -> Result<Option<Stored<Approval>>, ApprovalError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("binding", binding.into())],
        order: Order::Descending,
        limit: 1,
        ..RecordQuery::default()
    };
    Ok(Repo::new(tx, cx.tenant()).list(&query)?.pop())
}

/// Ends an approval in whose place another is asked for.
pub(super) fn replace(tx: &mut dyn Tx, cx: &Ctx, old: &Stored<Approval>) -> Result<(), ApprovalError> {
    let void = Approval {
        state: State::Void,
        decided_at: Some(cx.now),
        decided_by: Some("replaced".to_owned()),
        ..old.value.clone()
    };
    Repo::new(tx, cx.tenant()).update(old, &void, cx.now)?;
    outbox::links::kill(tx, cx.tenant(), void.id)?;
    outbox::withdraw(tx, cx.tenant(), void.id, cx.now)?;
    Ok(())
}

fn request(tx: &mut dyn Tx, cx: &Ctx, proposal: &Proposal, expires_at: Time) -> Result<Settled, ApprovalError> {
    if query::unsettled_count(tx, cx.tenant())? >= MAX_PENDING {
        return Err(ApprovalError::TooMany(MAX_PENDING));
    }
    let approval = Approval {
        id: ApprovalId::draw(cx.now, &mut cx.seed()),
        binding: proposal.binding.clone(),
        state: State::Pending,
        tool_name: proposal.tool_name.clone(),
        agent_name: proposal.agent_name.clone(),
        arguments: proposal.arguments.clone(),
        reason: proposal.reason.clone(),
        forward: proposal.forward.clone(),
        risk: proposal.risk,
        asking: proposal.asking.clone(),
        policy_hash: proposal.policy_hash.clone(),
        requested_by: cx.caller.key,
        created_at: cx.now,
        expires_at,
        decided_at: None,
        decided_by: None,
        comment: None,
        used_by: None,
    };
    Repo::new(tx, cx.tenant()).insert(&approval, cx.now)?;
    let (key, item) = expire::timer(cx.tenant(), &approval);
    tx.push(&TIMERS, &crate::base::TenantId::directory(), &key, &item)?;
    notify(tx, cx, &approval, NoticeKind::ApprovalRequested)?;
    Ok(Settled::Pending { id: approval.id, expires_at })
}

/// Tells everybody whom an approval concerns.
pub(super) fn notify(tx: &mut dyn Tx, cx: &Ctx, approval: &Approval, kind: NoticeKind) -> Result<(), ApprovalError> {
    let targets = targets::get(tx, cx.tenant())?;
    for target in targets.all(approval.asking.iter().map(|asking| asking.approver_email.as_deref())) {
        let notice = Notice::new(kind, target, approval.summary(), cx.now, &mut cx.seed());
        outbox::enqueue(tx, cx.tenant(), &notice, cx.now, cx.now)?;
    }
    Ok(())
}
