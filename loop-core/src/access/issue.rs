//! Keys made, rotated and revoked on somebody's behalf. Nobody can give what they do not hold: a key's scopes are
//! among its maker's, a loop's key makes keys for its own loop and those under it only, and a sandbox key makes
//! sandbox keys.

use super::{
    AccessError, Ctx, Scopes,
    key::{self, Form, Key, Minted, NewKey, keys},
    loops,
};
use crate::{
    base::{
        TenantId, Time,
        id::{KeyId, LoopId},
    },
    store::{Cond, Order, RecordQuery, Stored, Tx, Value},
};

/// The longest time for which a rotated key goes on working, in seconds.
pub const MAX_GRACE: u32 = 86_400;

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name, 1 to [`key::MAX_NAME`] characters.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The loop it belongs to; the maker's own when absent.
    pub loop_id: Option<LoopId>,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// Whether everything it does is simulated.
    pub sandboxed: bool,
}

/// Makes a key for the caller's tenant.
///
/// # Errors
/// A bad name, an end in the past, a wider scope, another's loop, too many keys.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, wanted: &Wanted) -> Result<Minted, AccessError> {
    if wanted.expires_at.is_some_and(|at| at <= cx.now) {
        return Err(AccessError::Invalid("`expiresAt` is in the past"));
    }
    let loop_id = wanted.loop_id.or(cx.caller.loop_id);
    give(tx, cx, wanted.scopes, loop_id, wanted.sandboxed)?;
    let new = NewKey {
        name: wanted.name.clone(),
        scopes: wanted.scopes,
        expires_at: wanted.expires_at,
        loop_id,
        form: if wanted.sandboxed { Form::Test } else { Form::Live },
        sponsor: cx.caller.sponsor,
        project: None,
    };
    key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())
}

/// Puts a new key in the place of an old one, which stops at once, or after `grace` seconds. However many try, one
/// new key comes of it.
///
/// # Errors
/// [`AccessError::NotFound`] for another's key too, [`AccessError::Retired`] for one that was revoked or rotated, a key
/// with scopes that the caller does not hold.
pub fn rotate(tx: &mut dyn Tx, cx: &Ctx, id: &str, grace: u32) -> Result<Minted, AccessError> {
    if grace > MAX_GRACE {
        return Err(AccessError::Invalid("`graceSeconds` is more than 86400"));
    }
    let old = find(tx, cx, id)?;
    let spent = old.value.revoked_at.is_some() || old.value.replaced_by.is_some();
    if spent || old.value.expires_at.is_some_and(|at| at <= cx.now) {
        return Err(AccessError::Retired);
    }
    // Whoever rotates a key holds the new one: it must not be more than their own.
    give(tx, cx, old.value.scopes, old.value.loop_id, old.value.sandboxed)?;
    let new = NewKey {
        name: old.value.name.clone(),
        scopes: old.value.scopes,
        expires_at: old.value.expires_at,
        loop_id: old.value.loop_id,
        form: if old.value.sandboxed { Form::Test } else { Form::Live },
        sponsor: old.value.sponsor,
        project: old.value.project.clone(),
    };
    let minted = key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?;
    let end = cx.now.plus_seconds(i64::from(grace));
    let value = Key {
        replaced_by: Some(minted.key.id),
        revoked_at: (grace == 0).then_some(cx.now),
        expires_at: Some(old.value.expires_at.map_or(end, |at| at.min(end))),
        ..old.value.clone()
    };
    keys(tx, &TenantId::directory()).update(&old, &value, cx.now)?;
    tx.bump_epoch(cx.tenant())?;
    Ok(minted)
}

/// Revokes a key and answers it with when it was made. From the moment this commits no request with it is served, in any process.
///
/// # Errors
/// [`AccessError::NotFound`] for another's key too, [`AccessError::Sandboxed`] for a sandbox key that would revoke a live
/// one.
pub fn revoke(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(Key, Time), AccessError> {
    let stored = find(tx, cx, id)?;
    if cx.caller.sandboxed && !stored.value.sandboxed {
        return Err(AccessError::Sandboxed);
    }
    if stored.value.revoked_at.is_none() {
        key::retire(tx, &stored, cx.now)?;
        tx.bump_epoch(cx.tenant())?;
    }
    let created_at = stored.created_at;
    Ok((Key { revoked_at: stored.value.revoked_at.or(Some(cx.now)), ..stored.value }, created_at))
}

/// A page of keys, newest first, revoked ones included.
#[derive(Debug)]
pub struct Page {
    /// The keys that the caller may see.
    pub keys: Vec<Stored<Key>>,
    /// Where the next page begins, when there is more.
    pub next: Option<KeyId>,
}

/// The keys that the caller may manage, after `after`. A loop's key sees those of its own loop and of those under it,
/// so that its pages may be shorter than `limit`.
///
/// # Errors
/// Storage failures.
pub fn page(tx: &mut dyn Tx, cx: &Ctx, after: Option<KeyId>, limit: u32) -> Result<Page, AccessError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("owner", cx.tenant().as_str().into())],
        order: Order::Descending,
        after: after.map(|id| (Value::Null, id.to_string())),
        limit,
        ..RecordQuery::default()
    };
    let rows: Vec<Stored<Key>> = keys(tx, &TenantId::directory()).list(&query)?;
    let next = rows.last().filter(|_| rows.len() >= limit as usize).map(|last| last.value.id);
    let mut mine = Vec::new();
    for stored in rows {
        if may_manage(tx, cx, stored.value.loop_id)? {
            mine.push(stored);
        }
    }
    Ok(Page { keys: mine, next })
}

/// The key with this id, provided that the caller may manage it.
fn find(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Stored<Key>, AccessError> {
    let id = KeyId::parse(id).ok_or(AccessError::NotFound)?;
    let stored = keys(tx, &TenantId::directory()).get(&id.to_string())?.ok_or(AccessError::NotFound)?;
    if stored.value.tenant != *cx.tenant() || !may_manage(tx, cx, stored.value.loop_id)? {
        return Err(AccessError::NotFound);
    }
    Ok(stored)
}

fn may_manage(tx: &mut dyn Tx, cx: &Ctx, loop_id: Option<LoopId>) -> Result<bool, AccessError> {
    match (cx.caller.loop_id, loop_id) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(own), Some(id)) if own == id => Ok(true),
        (Some(_), Some(id)) => Ok(cx.caller.stands_above(&loops::lineage(tx, cx.tenant(), id)?)),
    }
}

/// Refuses to give what the caller does not hold.
fn give(
    tx: &mut dyn Tx,
    cx: &Ctx,
    scopes: Scopes,
    loop_id: Option<LoopId>,
    sandboxed: bool,
) -> Result<(), AccessError> {
    if let Some(wider) = scopes.iter().find(|scope| !cx.caller.scopes.has(*scope)) {
        return Err(AccessError::Wider(wider));
    }
    if cx.caller.sandboxed && !sandboxed {
        return Err(AccessError::Sandboxed);
    }
    match loop_id {
        Some(id) => cx.caller.commands(&loops::lineage(tx, cx.tenant(), id)?),
        // A loop's key never makes one of the tenant itself.
        None => cx.caller.commands(&[]),
    }
}
