//! Forgetting calls. What they were about is in the log and in their proofs; what they cost is in the wallet.

use super::{INVOCATIONS, Invocation};
use crate::{
    access::Ctx,
    audit,
    base::Time,
    store::{Cond, RecordQuery, Repo, StoreError, Stored, Tx, Value},
};

/// Removes a chunk of the calls that are not under way; answers how many.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32, why: &str) -> Result<u64, StoreError> {
    remove(tx, cx, Cond::AtLeast("rests_since", Value::Int(i64::MIN)), limit, why)
}

/// Removes a chunk of the calls that came to an end, or were put before a human, before `before`; answers how many.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, StoreError> {
    remove(tx, cx, Cond::Below("rests_since", before.into()), limit, audit::RETENTION_WHY)
}

fn remove(tx: &mut dyn Tx, cx: &Ctx, which: Cond, limit: u32, why: &str) -> Result<u64, StoreError> {
    let query = RecordQuery { conds: vec![which], by: Some("rests_since"), limit, ..RecordQuery::default() };
    let page: Vec<Stored<Invocation>> = Repo::new(tx, cx.tenant()).list(&query)?;
    for stored in &page {
        Repo::<Invocation>::new(tx, cx.tenant()).delete(&stored.value.id.to_string())?;
    }
    audit::removed(tx, cx, INVOCATIONS.name, page.len() as u64, why)?;
    Ok(page.len() as u64)
}
