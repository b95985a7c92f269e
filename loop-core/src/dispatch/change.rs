//! Changes of an issue that somebody may be working on: another status ends the claim.

use super::{DispatchError, lease};
use crate::{
    access::Ctx,
    store::Tx,
    work::{
        Issue, IssueStatus,
        claim::{By, End, Outcome},
        issue::{self, Patch},
    },
};

/// How a claim ends when its issue is put into this status.
const fn outcome(status: IssueStatus) -> Outcome {
    match status {
        IssueStatus::Done => Outcome::Done,
        IssueStatus::Canceled => Outcome::Canceled,
        IssueStatus::Triage | IssueStatus::Backlog | IssueStatus::Todo | IssueStatus::InProgress => Outcome::Released,
    }
}

/// Changes an issue.
///
/// # Errors
/// Those of [`issue::patch`].
pub fn change_issue(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &Patch) -> Result<Issue, DispatchError> {
    let changed = issue::patch(tx, cx, id, patch)?;
    if changed.before.status != changed.after.status {
        let end = End { outcome: outcome(changed.after.status), by: By::Other };
        lease::end(tx, cx, &changed.after.id, end)?;
    }
    Ok(changed.after)
}

/// Deletes an issue.
///
/// # Errors
/// Those of [`issue::delete`].
pub fn delete_issue(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), DispatchError> {
    let changed = issue::delete(tx, cx, id)?;
    lease::end(tx, cx, &changed.after.id, End { outcome: Outcome::Canceled, by: By::Other })
}
