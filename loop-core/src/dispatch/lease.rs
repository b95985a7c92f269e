//! Claims with a lease: signs of life, their end, and leases that ran out.

use super::{DispatchError, next::check_lease};
use crate::{
    access::{Caller, Ctx},
    base::{Seed, Time, id::IssueId},
    prompt,
    store::{Repo, Stored, Tx},
    work::{
        Issue, IssueStatus, check_length,
        claim::{self, By, Claim, End, Holding, Outcome},
        history::Changes,
        issue::{self, bounds::MAX_TEXT},
    },
};

/// The longest reason for giving an issue back, in characters.
pub const MAX_REASON: usize = 1_000;

/// How an issue is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Whether it was called off rather than done.
    pub canceled: bool,
    /// What the agent did.
    pub summary: Option<String>,
}

impl Completion {
    const fn outcome(&self) -> Outcome {
        if self.canceled { Outcome::Canceled } else { Outcome::Done }
    }

    const fn status(&self) -> IssueStatus {
        if self.canceled { IssueStatus::Canceled } else { IssueStatus::Done }
    }
}

/// Lengthens a claim from now on, by `lease_seconds` or by as long as it was asked for at last; answers when it ends.
///
/// A sign of life changes nothing of the issue and is not written down.
///
/// # Errors
/// [`crate::work::WorkError::NoIssue`], [`DispatchError::Spent`], a lease out of bounds, storage failures.
pub fn heartbeat(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &str,
    token: &str,
    lease_seconds: Option<u32>,
) -> Result<Time, DispatchError> {
    lease_seconds.map_or(Ok(()), check_lease)?;
    let (_, held) = held(tx, cx, id, token)?;
    Ok(claim::extend(tx, cx.tenant(), &held, lease_seconds, cx.now)?)
}

/// Gives an issue back: it is in `todo` again.
///
/// # Errors
/// [`crate::work::WorkError::NoIssue`], [`DispatchError::Spent`], a reason that is too long, storage failures.
pub fn release(tx: &mut dyn Tx, cx: &Ctx, id: &str, token: &str, reason: Option<&str>) -> Result<Issue, DispatchError> {
    reason.map_or(Ok(()), |reason| check_length("reason", reason, MAX_REASON))?;
    let (old, held) = held(tx, cx, id, token)?;
    end(tx, cx, &held.value.issue, End { outcome: Outcome::Released, by: By::Holder })?;
    let wanted = Issue { status: IssueStatus::Todo, ..old.value.clone() };
    let mut noted = Changes::new();
    noted.text("reason", None, reason);
    Ok(issue::save_noting(tx, cx, "dispatch.release", &old, wanted, noted)?)
}

/// Ends work on an issue. Saying so again with the same token is answered as the first time, as long as the issue
/// stands where it was left.
///
/// # Errors
/// [`crate::work::WorkError::NoIssue`], [`DispatchError::Spent`], a summary that is too long, storage failures.
pub fn complete(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &str,
    token: &str,
    completion: &Completion,
) -> Result<Issue, DispatchError> {
    completion.summary.as_ref().map_or(Ok(()), |summary| check_length("agentSummary", summary, MAX_TEXT))?;
    let old = issue::get(tx, cx.tenant(), id)?;
    let end_of = End { outcome: completion.outcome(), by: By::Holder };
    match claim::holding(tx, cx.tenant(), &old.value.id, token, cx.now)? {
        Holding::Held(_) => {}
        Holding::Ended(ended) if ended == end_of && old.value.status == completion.status() => return Ok(old.value),
        Holding::Ended(_) | Holding::Lost => return Err(DispatchError::Spent),
    }
    end(tx, cx, &old.value.id, end_of)?;
    let agent_summary = completion.summary.clone().or_else(|| old.value.agent_summary.clone());
    let wanted = Issue { status: completion.status(), agent_summary, ..old.value.clone() };
    Ok(issue::save(tx, cx, "dispatch.complete", &old, wanted)?)
}

/// Puts issues whose lease is over back into `todo`, `limit` at most; answers how many timers were handled.
///
/// # Errors
/// Storage failures; the leases then end the next time.
pub fn sweep(tx: &mut dyn Tx, now: Time, limit: u32, seed: &mut Seed) -> Result<u32, DispatchError> {
    let overdue = claim::overdue(tx, now, limit)?;
    for (tenant, id) in &overdue.issues {
        let cx = Ctx::new(Caller::system(tenant.clone(), "lease"), now, seed.fork());
        end(tx, &cx, id, End { outcome: Outcome::Expired, by: By::Other })?;
        let old: Option<Stored<Issue>> = Repo::new(tx, tenant).get(id.as_str())?;
        // Whatever else moved it on ended its claim too.
        if let Some(old) = old.filter(|old| old.value.is_live() && old.value.status == IssueStatus::InProgress) {
            let wanted = Issue { status: IssueStatus::Todo, ..old.value.clone() };
            issue::save(tx, &cx, "dispatch.expire", &old, wanted)?;
        }
    }
    Ok(overdue.handled)
}

/// When the first lease of all ends.
///
/// # Errors
/// Storage failures.
pub fn next_end(tx: &mut dyn Tx) -> Result<Option<Time>, DispatchError> {
    Ok(claim::next_end(tx)?)
}

/// Ends an issue's claim, when it has one, and tells its prompt what became of it.
pub(super) fn end(tx: &mut dyn Tx, cx: &Ctx, id: &IssueId, end: End) -> Result<(), DispatchError> {
    let Some(ended) = claim::end(tx, cx.tenant(), id, end, cx.now)? else { return Ok(()) };
    if let Some(version) = ended.version_id {
        let outcome = if ended.outcome == Outcome::Done { prompt::Outcome::Done } else { prompt::Outcome::Failed };
        prompt::record_outcome(tx, cx.tenant(), version, outcome, ended.duration_micros, cx.now)?;
    }
    Ok(())
}

/// The issue and the claim that `token` holds on it.
fn held(tx: &mut dyn Tx, cx: &Ctx, id: &str, token: &str) -> Result<(Stored<Issue>, Stored<Claim>), DispatchError> {
    let issue = issue::get(tx, cx.tenant(), id)?;
    match claim::holding(tx, cx.tenant(), &issue.value.id, token, cx.now)? {
        Holding::Held(claim) => Ok((issue, *claim)),
        Holding::Ended(_) | Holding::Lost => Err(DispatchError::Spent),
    }
}
