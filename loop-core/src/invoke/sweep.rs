//! Calls that never came to an end: the process died, or its store was away. They failed, and their credits go back.

use super::{CallError, end};
use crate::{
    access::{Caller, Ctx, Note},
    base::{Seed, TenantId, Time, id::InvocationId},
    credit::RESERVED_SECONDS,
    store::{Queue, Tx},
    tool::Risk,
};

/// When running calls are given up, for all tenants: in the directory, item `tenant/invocation`, key the time in
/// microseconds.
pub static TIMERS: Queue = Queue { name: "invocation_timers" };

/// How long a worker may take for a batch before another takes it over, in seconds.
const LEASE_SECONDS: i64 = 60;

fn item(tenant: &TenantId, id: InvocationId) -> String {
    format!("{tenant}/{id}")
}

fn key(at: Time) -> [u8; 8] {
    u64::try_from(at.as_micros()).unwrap_or(0).to_be_bytes()
}

/// Begins to wait for a call's end, as long as its credits are reserved.
pub(super) fn set(tx: &mut dyn Tx, cx: &Ctx, id: InvocationId) -> Result<(), CallError> {
    let until = cx.now.plus_seconds(RESERVED_SECONDS);
    Ok(tx.push(&TIMERS, &TenantId::directory(), &key(until), &item(cx.tenant(), id))?)
}

/// Waits no longer.
pub(super) fn clear(tx: &mut dyn Tx, cx: &Ctx, id: InvocationId) -> Result<(), CallError> {
    tx.remove(&TIMERS, &TenantId::directory(), &item(cx.tenant(), id))?;
    Ok(())
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many timers were handled.
    pub handled: u32,
    /// What it moved that the process keeps at hand, to be told once it is durable.
    pub notes: Vec<Note>,
}

/// Ends running calls whose time is over, `limit` at most.
///
/// # Errors
/// Storage failures; the timers then fire again.
pub fn sweep(tx: &mut dyn Tx, now: Time, limit: u32, seed: &mut Seed) -> Result<Swept, CallError> {
    let directory = TenantId::directory();
    tx.reclaim(&TIMERS, &directory, now, limit)?;
    let holder = seed.draw16();
    let due = tx.claim(&TIMERS, &directory, Some(&key(now)), now.plus_seconds(LEASE_SECONDS), &holder, limit)?;
    let mut swept = Swept::default();
    for item in due {
        // First, because ending a call takes its timer out.
        tx.settle(&TIMERS, &directory, &item.id, &holder, None)?;
        if let Some((tenant, id)) = item.id.split_once('/')
            && let Some(id) = InvocationId::parse(id)
        {
            let cx = Ctx::new(Caller::system(TenantId::from_storage(tenant), "timeout"), now, seed.fork());
            match end::fail(tx, &cx, id, "abandoned", Risk::Medium) {
                Ok(_) | Err(CallError::NoInvocation) => {}
                Err(error) => return Err(error),
            }
            swept.notes.extend(cx.take_notes());
        }
        swept.handled += 1;
    }
    Ok(swept)
}
