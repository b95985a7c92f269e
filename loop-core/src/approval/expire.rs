//! What happens when nobody answers: silence is a no.

use super::{Approval, ApprovalError, State, settle};
use crate::{
    access::{Caller, Ctx},
    audit::{self, Event},
    base::{Seed, TenantId, Time},
    outbox::{self, NoticeKind},
    store::{Queue, Repo, StoreError, Stored, Tx},
};

/// When approvals end, for all tenants: in the directory, item `tenant/approval`, key the time in microseconds.
pub static TIMERS: Queue = Queue { name: "approval_timers" };

/// How long a worker may take for a batch before another takes it over, in seconds.
const LEASE_SECONDS: i64 = 60;

/// The timer of an approval.
pub(super) fn timer(tenant: &TenantId, approval: &Approval) -> ([u8; 8], String) {
    (key(approval.expires_at), format!("{tenant}/{}", approval.id))
}

fn key(at: Time) -> [u8; 8] {
    u64::try_from(at.as_micros()).unwrap_or(0).to_be_bytes()
}

/// Ends the approvals whose time is over, `limit` at most: those that wait are denied and their approvers
/// told, those approved but unused are void. Answers how many timers were handled.
///
/// # Errors
/// Storage failures; the timers then fire again.
pub fn expire_due(tx: &mut dyn Tx, now: Time, limit: u32, seed: &mut Seed) -> Result<u32, ApprovalError> {
    let directory = TenantId::directory();
    tx.reclaim(&TIMERS, &directory, now, limit)?;
    let holder = seed.draw16();
    let due = tx.claim(&TIMERS, &directory, Some(&key(now)), now.plus_seconds(LEASE_SECONDS), &holder, limit)?;
    let mut handled = 0;
    for item in due {
        if let Some((tenant, id)) = item.id.split_once('/') {
            let tenant = TenantId::from_storage(tenant);
            let cx = Ctx::new(Caller::system(tenant, "timeout"), now, seed.fork());
            match Repo::<Approval>::new(tx, cx.tenant()).get(id) {
                Ok(Some(stored)) => end(tx, &cx, &stored)?,
                // A record that cannot be read must not keep all others from ending; it lets nothing through.
                Ok(None) | Err(StoreError::Corrupt(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        tx.settle(&TIMERS, &directory, &item.id, &holder, None)?;
        handled += 1;
    }
    Ok(handled)
}

/// Ends one approval whose time is over; does nothing to others.
pub(super) fn end(tx: &mut dyn Tx, cx: &Ctx, stored: &Stored<Approval>) -> Result<(), ApprovalError> {
    let state = stored.value.state_at(cx.now);
    if state == stored.value.state {
        return Ok(());
    }
    let mut ended = Approval { state, ..stored.value.clone() };
    if state == State::Expired {
        ended.decided_at = Some(cx.now);
        ended.decided_by = Some("timeout".to_owned());
    }
    Repo::new(tx, cx.tenant()).update(stored, &ended, cx.now)?;
    outbox::links::kill(tx, cx.tenant(), ended.id)?;
    outbox::withdraw(tx, cx.tenant(), ended.id, cx.now)?;
    let body = serde_json::json!({ "approval_id": ended.id, "state": ended.state, "tool_name": ended.tool_name });
    let event = Event { tool_name: Some(&ended.tool_name), ..Event::change("approval.expire", "") };
    audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    if state == State::Expired {
        settle::notify(tx, cx, &ended, NoticeKind::ApprovalExpired)?;
    }
    Ok(())
}
