//! Reading approvals.

use super::{APPROVALS, Approval, ApprovalError, State};
use crate::{
    base::{TenantId, Time, id::ApprovalId},
    store::{Cond, Order, RecordQuery, Repo, Stored, Tx},
};

/// One approval of the tenant.
///
/// # Errors
/// [`ApprovalError::NotFound`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Approval, ApprovalError> {
    stored(tx, tenant, id).map(|stored| stored.value)
}

pub(super) fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Approval>, ApprovalError> {
    let id = ApprovalId::parse(id).ok_or(ApprovalError::NotFound)?;
    Repo::new(tx, tenant).get(&id.to_string())?.ok_or(ApprovalError::NotFound)
}

/// Approvals that wait at `now`, newest first.
///
/// # Errors
/// Storage failures.
pub fn pending(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    now: Time,
    limit: u32,
    offset: u32,
) -> Result<Vec<Approval>, ApprovalError> {
    let conds = vec![unsettled(), waits_after(now)];
    list(tx, tenant, &RecordQuery { conds, order: Order::Descending, limit, offset, ..RecordQuery::default() })
}

/// How many approvals wait at `now`.
///
/// # Errors
/// Storage failures.
pub fn pending_count(tx: &mut dyn Tx, tenant: &TenantId, now: Time) -> Result<u64, ApprovalError> {
    Ok(tx.count(&APPROVALS, tenant, &[waits_after(now)])?)
}

/// How many approvals are stored as waiting, those included whose time ended since the last round of the worker.
pub(super) fn unsettled_count(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, ApprovalError> {
    Ok(tx.count(&APPROVALS, tenant, &[unsettled()])?)
}

/// Approvals that were decided or expired, the latest first.
///
/// # Errors
/// Storage failures.
pub fn history(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<Vec<Approval>, ApprovalError> {
    let query =
        RecordQuery { by: Some("decided_at"), order: Order::Descending, limit, offset, ..RecordQuery::default() };
    list(tx, tenant, &query)
}

/// Every approval, newest first.
///
/// # Errors
/// Storage failures.
pub fn all(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<Vec<Approval>, ApprovalError> {
    list(tx, tenant, &RecordQuery { order: Order::Descending, limit, offset, ..RecordQuery::default() })
}

/// How many approvals were decided or expired.
///
/// # Errors
/// Storage failures.
pub fn history_count(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, ApprovalError> {
    Ok(tx.count(&APPROVALS, tenant, &[Cond::AtLeast("decided_at", crate::store::Value::Int(i64::MIN))])?)
}

fn list(tx: &mut dyn Tx, tenant: &TenantId, query: &RecordQuery) -> Result<Vec<Approval>, ApprovalError> {
    Ok(Repo::new(tx, tenant).list(query)?.into_iter().map(|stored: Stored<Approval>| stored.value).collect())
}

fn unsettled() -> Cond {
    Cond::Eq("state", State::Pending.as_str().into())
}

fn waits_after(now: Time) -> Cond {
    Cond::AtLeast("waits_until", now.plus_micros(1).into())
}
