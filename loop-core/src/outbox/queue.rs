//! The queue of deliveries: at least once, bounded attempts, safe to kill at any point.
//!
//! The queue's items stand in the tenantless directory so that one worker serves all tenants; an item is
//! `tenant/notice`, its key the time it is due. The notice itself is a record of its tenant.

use super::{
    back_off,
    notice::{Notice, NoticeState},
};
use crate::{
    base::{Seed, TenantId, Time, id::ApprovalId},
    store::{Cond, Queue, RecordQuery, Repo, StoreError, Stored, Tx},
};

/// Deliveries waiting or under way.
pub static OUTBOX: Queue = Queue { name: "outbox" };

/// After so many attempts, over about six hours, a notice is given up.
pub const ATTEMPTS_MAX: u32 = 8;

/// How long a worker may take for one attempt before another repeats it, in seconds.
pub const LEASE_SECONDS: i64 = 120;

/// The most a stored error keeps, in characters.
const ERROR_MAX: usize = 200;

/// A notice to deliver now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose notice it is.
    pub tenant: TenantId,
    /// The notice; its `attempts` count this one already.
    pub notice: Notice,
}

/// What a claim found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// What to deliver.
    pub due: Vec<Due>,
    /// Notices given up because every attempt at them was cut short.
    pub exhausted: Vec<Due>,
    /// Queue items that were dropped because their record cannot be read; the record stays where it is.
    pub unreadable: Vec<String>,
}

/// Whether a failed delivery is worth repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, and after how many seconds if the other side said so.
    After(Option<u32>),
    /// No: it will fail again.
    Never,
}

/// What became of a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again.
    Again {
        /// When.
        due: Time,
    },
    /// It was given up.
    GivenUp,
}

/// Stores a notice and queues its first attempt for `due`.
///
/// # Errors
/// [`StoreError::Duplicate`] when the notice is stored already.
pub fn enqueue(tx: &mut dyn Tx, tenant: &TenantId, notice: &Notice, due: Time, now: Time) -> Result<(), StoreError> {
    Repo::new(tx, tenant).insert(notice, now)?;
    tx.push(&OUTBOX, &TenantId::directory(), &key(due), &item_id(tenant, notice))
}

/// Leases up to `limit` notices that are due to `holder` and counts the attempt, so that one which kills its
/// worker is not tried for ever. Leases that ended are taken back first.
pub fn claim(tx: &mut dyn Tx, now: Time, limit: u32, holder: &[u8; 16]) -> Result<Claimed, StoreError> {
    let directory = TenantId::directory();
    reclaim(tx, now, limit)?;
    let until = now.plus_seconds(LEASE_SECONDS);
    let mut claimed = Claimed::default();
    for item in tx.claim(&OUTBOX, &directory, Some(&key(now)), until, holder, limit)? {
        let found = match find(tx, &item.id) {
            Ok(found) => found,
            Err(StoreError::Corrupt(_)) => {
                tx.settle(&OUTBOX, &directory, &item.id, holder, None)?;
                claimed.unreadable.push(item.id);
                continue;
            }
            Err(error) => return Err(error),
        };
        // A notice erased with its tenant's data, or withdrawn, leaves the queue without a word.
        let Some((tenant, old)) = found.filter(|(_, old)| old.value.state == NoticeState::Queued) else {
            tx.settle(&OUTBOX, &directory, &item.id, holder, None)?;
            continue;
        };
        let mut notice = old.value.clone();
        if notice.attempts >= ATTEMPTS_MAX {
            tx.settle(&OUTBOX, &directory, &item.id, holder, None)?;
            end(&mut notice, NoticeState::Failed, now);
            Repo::new(tx, &tenant).update(&old, &notice, now)?;
            claimed.exhausted.push(Due { tenant, notice });
        } else {
            notice.attempts = notice.attempts.saturating_add(1);
            Repo::new(tx, &tenant).update(&old, &notice, now)?;
            claimed.due.push(Due { tenant, notice });
        }
    }
    Ok(claimed)
}

/// Makes deliveries whose lease ended ready again; answers how many.
pub fn reclaim(tx: &mut dyn Tx, now: Time, limit: u32) -> Result<usize, StoreError> {
    Ok(tx.reclaim(&OUTBOX, &TenantId::directory(), now, limit)?.len())
}

/// When the first waiting delivery is due; `None` when none waits. Deliveries under way do not count.
pub fn next_due(tx: &mut dyn Tx) -> Result<Option<Time>, StoreError> {
    let first = tx.ready(&OUTBOX, &TenantId::directory(), None, 1)?.into_iter().next();
    Ok(first.and_then(|item| <[u8; 8]>::try_from(item.key.as_slice()).ok()).map(|key| {
        let micros = i64::try_from(u64::from_be_bytes(key)).unwrap_or(i64::MAX);
        Time::from_micros(micros)
    }))
}

/// Records that the channel took the notice; `false`, and nothing happens, when `holder` lost its lease.
pub fn delivered(tx: &mut dyn Tx, due: &Due, holder: &[u8; 16], now: Time) -> Result<bool, StoreError> {
    settle(tx, due, holder, None, now, |notice| {
        end(notice, NoticeState::Sent, now);
        notice.last_error = None;
    })
}

/// Records a failed delivery and plans the next; `None`, and nothing happens, when `holder` lost its lease.
///
/// `error` must not hold a secret or the other side's text.
pub fn failed(
    tx: &mut dyn Tx,
    due: &Due,
    holder: &[u8; 16],
    error: &str,
    retry: Retry,
    now: Time,
    seed: &mut Seed,
) -> Result<Option<Fate>, StoreError> {
    let fate = match retry {
        Retry::After(asked) if due.notice.attempts < ATTEMPTS_MAX => {
            Fate::Again { due: now.plus_micros(back_off::wait(due.notice.attempts, asked, seed)) }
        }
        Retry::After(_) | Retry::Never => Fate::GivenUp,
    };
    let again = if let Fate::Again { due } = fate { Some(due) } else { None };
    let kept = settle(tx, due, holder, again, now, |notice| {
        notice.last_error = Some(error.chars().take(ERROR_MAX).collect());
        if fate == Fate::GivenUp {
            end(notice, NoticeState::Failed, now);
        }
    })?;
    Ok(kept.then_some(fate))
}

/// Gives a claimed notice back untried, to be claimed again from `until` on; `false`, and nothing happens, when
/// `holder` lost its lease.
pub fn defer(tx: &mut dyn Tx, due: &Due, holder: &[u8; 16], until: Time, now: Time) -> Result<bool, StoreError> {
    settle(tx, due, holder, Some(until), now, |notice| notice.attempts = notice.attempts.saturating_sub(1))
}

/// Takes back what still waits to be said about an approval, once it is decided; answers how many notices.
pub fn withdraw(tx: &mut dyn Tx, tenant: &TenantId, approval: ApprovalId, now: Time) -> Result<u32, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("approval", approval.to_string().into())],
        limit: NOTICES_PER_APPROVAL_MAX,
        ..RecordQuery::default()
    };
    let mut taken = 0_u32;
    for old in Repo::<Notice>::new(tx, tenant).list(&query)? {
        if old.value.state != NoticeState::Queued {
            continue;
        }
        let mut notice = old.value.clone();
        end(&mut notice, NoticeState::Withdrawn, now);
        tx.remove(&OUTBOX, &TenantId::directory(), &item_id(tenant, &notice))?;
        Repo::new(tx, tenant).update(&old, &notice, now)?;
        taken = taken.saturating_add(1);
    }
    Ok(taken)
}

/// More notices than one approval ever causes: a few channels and approvers, asked once and told once.
const NOTICES_PER_APPROVAL_MAX: u32 = 1_000;

/// Removes every notice of an approval, delivered or not; answers how many.
pub fn forget(tx: &mut dyn Tx, tenant: &TenantId, approval: ApprovalId) -> Result<u32, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("approval", approval.to_string().into())],
        limit: NOTICES_PER_APPROVAL_MAX,
        ..RecordQuery::default()
    };
    let mut gone = 0_u32;
    for stored in Repo::<Notice>::new(tx, tenant).list(&query)? {
        let id = stored.value.id.to_string();
        gone = gone.saturating_add(u32::from(Repo::<Notice>::new(tx, tenant).delete(&id)?));
    }
    Ok(gone)
}

/// Removes up to `limit` of the tenant's notices that were settled before `before`; answers how many.
pub fn purge(tx: &mut dyn Tx, tenant: &TenantId, before: Time, limit: u32) -> Result<u32, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("settled_at", before.into())],
        by: Some("settled_at"),
        limit,
        ..RecordQuery::default()
    };
    let mut notices = Repo::<Notice>::new(tx, tenant);
    let mut gone = 0_u32;
    for old in notices.list(&query)? {
        gone = gone.saturating_add(u32::from(notices.delete(&old.value.id.to_string())?));
    }
    Ok(gone)
}

fn settle(
    tx: &mut dyn Tx,
    due: &Due,
    holder: &[u8; 16],
    again: Option<Time>,
    now: Time,
    change: impl FnOnce(&mut Notice),
) -> Result<bool, StoreError> {
    let id = item_id(&due.tenant, &due.notice);
    let again = again.map(key);
    if !tx.settle(&OUTBOX, &TenantId::directory(), &id, holder, again.as_ref().map(<[u8; 8]>::as_slice))? {
        return Ok(false);
    }
    let mut notices = Repo::<Notice>::new(tx, &due.tenant);
    if let Some(old) = notices.get(&due.notice.id.to_string())? {
        let mut notice = old.value.clone();
        change(&mut notice);
        notices.update(&old, &notice, now)?;
    }
    Ok(true)
}

fn end(notice: &mut Notice, state: NoticeState, now: Time) {
    notice.state = state;
    notice.settled_at = Some(now);
}

fn find(tx: &mut dyn Tx, item: &str) -> Result<Option<(TenantId, Stored<Notice>)>, StoreError> {
    let Some((tenant, id)) = item.split_once('/') else {
        return Err(StoreError::Corrupt(format!("`outbox` holds `{item}`")));
    };
    let tenant = TenantId::from_storage(tenant);
    let found = Repo::<Notice>::new(tx, &tenant).get(id)?;
    Ok(found.map(|stored| (tenant, stored)))
}

fn item_id(tenant: &TenantId, notice: &Notice) -> String {
    format!("{tenant}/{}", notice.id)
}

/// Times as bytes that sort like them. Times before 1970 are due as early as can be.
fn key(due: Time) -> [u8; 8] {
    u64::try_from(due.as_micros()).unwrap_or(0).to_be_bytes()
}
