//! What happens to completions whose time is over, and to all of them when something is to be forgotten.

use super::{
    KeptKey,
    completion::{COMPLETIONS, delete, first},
};
use crate::{
    access::Ctx,
    audit,
    base::{Seed, TenantId, Time},
    store::{Queue, StoreError, Tx},
};

/// When completions end, for all tenants: in the directory, item `tenant/key`, key the time in microseconds.
pub static TIMERS: Queue = Queue { name: "kept_timers" };

/// How long a worker may take for a batch before another takes it over, in seconds.
const LEASE_SECONDS: i64 = 60;

/// Sets the timer of a completion, or moves it.
pub(super) fn push(tx: &mut dyn Tx, tenant: &TenantId, id: &str, at: Time) -> Result<(), StoreError> {
    tx.push(&TIMERS, &TenantId::directory(), &key(at), &format!("{tenant}/{id}"))
}

/// Takes the timer of a completion away.
pub(super) fn cancel(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
    tx.remove(&TIMERS, &TenantId::directory(), &format!("{tenant}/{id}")).map(drop)
}

fn key(at: Time) -> [u8; 8] {
    u64::try_from(at.as_micros()).unwrap_or(0).to_be_bytes()
}

/// Removes completions whose time is over, of all tenants, `limit` at most; answers which.
///
/// # Errors
/// Storage failures; the timers then fire again.
pub fn sweep(tx: &mut dyn Tx, now: Time, limit: u32, seed: &mut Seed) -> Result<Vec<(TenantId, KeptKey)>, StoreError> {
    let directory = TenantId::directory();
    tx.reclaim(&TIMERS, &directory, now, limit)?;
    let holder = seed.draw16();
    let due = tx.claim(&TIMERS, &directory, Some(&key(now)), now.plus_seconds(LEASE_SECONDS), &holder, limit)?;
    let mut swept = Vec::with_capacity(due.len());
    for item in due {
        // A timer is set with its completion and moves with it: what is due is over.
        if let Some((tenant, id)) = item.id.split_once('/') {
            let tenant = TenantId::from_storage(tenant);
            delete(tx, &tenant, id)?;
            swept.extend(KeptKey::from_hex(id).map(|key| (tenant, key)));
        }
        tx.settle(&TIMERS, &directory, &item.id, &holder, None)?;
    }
    Ok(swept)
}

/// Removes the tenant's first completions, `limit` at most, and writes that down; answers how many.
///
/// Nobody can tell from a sealed completion of whom it speaks, so whoever erases a person erases them all: their
/// requests are then asked of the upstream again, and approvals of calls hold as before.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32, why: &str) -> Result<u64, StoreError> {
    let ids = first(tx, cx.tenant(), limit)?;
    for id in &ids {
        delete(tx, cx.tenant(), id)?;
        cancel(tx, cx.tenant(), id)?;
    }
    let count = ids.len() as u64;
    audit::removed(tx, cx, COMPLETIONS.name, count, why)?;
    Ok(count)
}
