//! Forgetting what an approval was about.

use super::{Approval, ApprovalError, Asking, State};
use crate::{
    access::Ctx,
    base::Time,
    outbox,
    store::{Cond, RecordQuery, Repo, Stored, Tx},
};

/// What stands where arguments were.
const NOTHING: &str = "{}";

/// Erases what approvals tell of persons. One that waits is void: nobody could judge it any more. Answers how
/// many were erased.
///
/// # Errors
/// Storage failures.
pub fn erase(tx: &mut dyn Tx, cx: &Ctx, ids: &[String]) -> Result<u64, ApprovalError> {
    let mut erased = 0;
    for id in ids {
        let stored: Option<Stored<Approval>> = Repo::new(tx, cx.tenant()).get(id)?;
        if let Some(stored) = stored {
            erased += u64::from(forget(tx, cx, &stored)?);
        }
    }
    Ok(erased)
}

/// Removes the tenant's first approvals altogether, `limit` at most; answers how many.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32) -> Result<u64, ApprovalError> {
    let page: Vec<Stored<Approval>> =
        Repo::new(tx, cx.tenant()).list(&RecordQuery { limit, ..RecordQuery::default() })?;
    for stored in &page {
        end_notices(tx, cx, &stored.value)?;
        Repo::<Approval>::new(tx, cx.tenant()).delete(&stored.value.id.to_string())?;
    }
    Ok(page.len() as u64)
}

/// Removes a chunk of approvals that were settled before `before`; answers how many.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, ApprovalError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("decided_at", before.into())],
        by: Some("decided_at"),
        limit,
        ..RecordQuery::default()
    };
    let page: Vec<Stored<Approval>> = Repo::new(tx, cx.tenant()).list(&query)?;
    for stored in &page {
        end_notices(tx, cx, &stored.value)?;
        Repo::<Approval>::new(tx, cx.tenant()).delete(&stored.value.id.to_string())?;
    }
    Ok(page.len() as u64)
}

fn forget(tx: &mut dyn Tx, cx: &Ctx, stored: &Stored<Approval>) -> Result<bool, ApprovalError> {
    let bare = |asking: &Asking| asking.grounds.is_empty();
    if stored.value.arguments == NOTHING
        && stored.value.reason.is_none()
        && stored.value.forward.is_none()
        && stored.value.asking.iter().all(bare)
    {
        return Ok(false);
    }
    let mut bare =
        Approval { arguments: NOTHING.to_owned(), reason: None, forward: None, comment: None, ..stored.value.clone() };
    bare.asking.iter_mut().for_each(|asking| asking.grounds = Vec::new());
    if bare.state == State::Pending {
        bare.state = State::Void;
    }
    Repo::new(tx, cx.tenant()).update(stored, &bare, cx.now)?;
    end_notices(tx, cx, &bare)?;
    Ok(true)
}

fn end_notices(tx: &mut dyn Tx, cx: &Ctx, approval: &Approval) -> Result<(), ApprovalError> {
    outbox::links::kill(tx, cx.tenant(), approval.id)?;
    outbox::withdraw(tx, cx.tenant(), approval.id, cx.now)?;
    outbox::forget(tx, cx.tenant(), approval.id)?;
    Ok(())
}
