//! What is known of kept completions, and how they are taken out.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{HashMap, HashSet};

use super::{DecideError, Engine};
use crate::{
    access::{AccessError, Caller},
    base::{TenantId, Time},
    kept::{self, Kept, KeptKey},
    store::{Access, Lane, StoreError, StoreExt, Tx},
};

/// How many tenants are remembered. Past it the memory starts anew.
const MAX_TENANTS: usize = 4_096;
/// How many keys of a tenant are remembered; past it, which only other processes can bring about, they are read anew.
const MAX_KEYS: usize = 4_096;

/// How long what was read is good for, in seconds. A human needs longer to say yes, so what another process kept is known
/// when it matters.
const FRESH_SECONDS: i64 = 5;

/// Which requests something is kept for, as far as known: read now and then for each tenant, and moved by what this
/// process does. Where it is behind, a request is asked of the upstream again; nothing is handed on because of it.
#[derive(Default)]
pub(super) struct KeptKeys {
    tenants: RwLock<HashMap<TenantId, Known, foldhash::fast::RandomState>>,
}

#[derive(Default)]
struct Known {
    /// When the store was read.
    read_at: Option<Time>,
    /// How often this process changed what is known.
    changes: u64,
    keys: HashSet<KeptKey, foldhash::fast::RandomState>,
}

impl KeptKeys {
    /// Whether anything is kept for the tenant, when that was read lately.
    fn any(&self, tenant: &TenantId, now: Time) -> Option<bool> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let known = tenants.get(tenant)?;
        let fresh = known.read_at.is_some_and(|at| at <= now && now < at.plus_seconds(FRESH_SECONDS));
        fresh.then_some(!known.keys.is_empty())
    }

    /// Whether anything was kept for the tenant when that was read last, if it ever was.
    fn any_once(&self, tenant: &TenantId) -> Option<bool> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).filter(|known| known.read_at.is_some()).map(|known| !known.keys.is_empty())
    }

    /// How often this process changed what is known of the tenant.
    fn changes(&self, tenant: &TenantId) -> u64 {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).map_or(0, |known| known.changes)
    }

    fn has(&self, tenant: &TenantId, key: &KeptKey) -> bool {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).is_some_and(|known| known.keys.contains(key))
    }

    fn change(&self, tenant: &TenantId, change: impl FnOnce(&mut Known)) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= MAX_TENANTS && !tenants.contains_key(tenant) {
            tenants.clear();
        }
        let known = tenants.entry(tenant.clone()).or_default();
        change(known);
        if known.keys.len() > MAX_KEYS {
            *known = Known::default();
        }
    }

    /// Takes in what the store was found to hold. What this process did since it was read, `changes` ago, is not in it.
    fn load(&self, tenant: &TenantId, keys: Vec<KeptKey>, changes: u64, now: Time) {
        self.change(tenant, |known| {
            if known.changes == changes {
                known.keys.clear();
            }
            known.read_at = Some(now);
            known.keys.extend(keys);
        });
    }

    /// Learns that something is kept. To be called once that is durable.
    pub(super) fn add(&self, tenant: &TenantId, key: KeptKey) {
        self.change(tenant, |known| {
            known.changes = known.changes.wrapping_add(1);
            known.keys.insert(key);
        });
    }

    /// Learns that something is kept no longer.
    pub(super) fn remove(&self, tenant: &TenantId, key: &KeptKey) {
        self.change(tenant, |known| {
            known.changes = known.changes.wrapping_add(1);
            known.keys.remove(key);
        });
    }

    fn forget(&self, tenant: &TenantId) {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

impl Engine {
    /// Whether anything is kept for the tenant; read from the store every few seconds at most.
    ///
    /// # Errors
    /// Storage failures, when the tenant was never read before.
    pub async fn keeps_any(&self, tenant: &TenantId) -> Result<bool, DecideError> {
        let now = self.now();
        if let Some(any) = self.inner.kept.any(tenant, now) {
            return Ok(any);
        }
        let changes = self.inner.kept.changes(tenant);
        let space = tenant.clone();
        match self.inner.store.read("kept.keys", move |tx| kept::keys(tx, &space)).await {
            Ok(keys) => {
                let any = !keys.is_empty();
                self.inner.kept.load(tenant, keys, changes, now);
                Ok(any)
            }
            // What lags behind is good enough while the store is busy: at worst the upstream is asked again.
            Err(error) => Ok(self.inner.kept.any_once(tenant).ok_or(error)?),
        }
    }

    /// Whether something is known to be kept under a key, once [`Engine::keeps_any`] was asked.
    #[must_use]
    pub fn keeps(&self, tenant: &TenantId, key: &KeptKey) -> bool {
        self.inner.kept.has(tenant, key)
    }

    /// The key under which something may be kept for this request. `None`, without a look at the body, while the
    /// tenant has nothing kept. Making a key takes as long as the body is: a server that must not stand still asks
    /// [`Engine::keeps_any`], and makes the key of a long body elsewhere.
    ///
    /// # Errors
    /// As [`Engine::keeps_any`].
    pub async fn kept_key(&self, caller: &Caller, door: &str, body: &[u8]) -> Result<Option<KeptKey>, DecideError> {
        let tenant = &caller.tenant;
        if !self.keeps_any(tenant).await? {
            return Ok(None);
        }
        Ok(self.key_of(caller, door, body).filter(|key| self.keeps(tenant, key)))
    }

    /// The key of a request, whether or not anything is kept under it: equal for the same door, the same loop and a
    /// body that means the same. A body that is no sound JSON, or longer than [`kept::MAX_REQUEST`], has none.
    #[must_use]
    pub fn key_of(&self, caller: &Caller, door: &str, body: &[u8]) -> Option<KeptKey> {
        KeptKey::of(self.master(), caller, door, body)
    }

    /// What is kept under a key; `None` when there is nothing or its time is over. It may go to the caller only when
    /// [`Engine::intercept_turn`] allowed its calls again.
    ///
    /// # Errors
    /// A revoked key, storage failures.
    pub async fn kept(&self, caller: &Caller, key: &KeptKey) -> Result<Option<Kept>, DecideError> {
        let cx = self.context(caller.clone())?;
        let wanted = *key;
        let read = self.read(cx, "kept.read", move |tx, cx| {
            Ok::<_, DecideError>(kept::read(tx, cx.tenant(), wanted, cx.now)?.map(|found| found.value))
        });
        let found = read.await?;
        Ok(found.and_then(|found| kept::open(self.master(), &caller.tenant, wanted, &found)))
    }

    /// Removes kept completions whose time is over, for all tenants, `limit` at most; answers how many.
    ///
    /// # Errors
    /// Storage failures; the timers then fire again.
    pub async fn sweep_kept(&self, limit: u32) -> Result<u32, DecideError> {
        let (now, seed) = (self.now(), self.seed().map_err(AccessError::from)?);
        let inner = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| kept::sweep(tx, now, limit, &mut seed.clone());
        let swept = self.inner.store.run_job("kept.sweep", Access::Write, Lane::Bulk, work, move |outcome| {
            let swept: Vec<(TenantId, KeptKey)> = outcome?;
            for (tenant, key) in &swept {
                inner.kept.remove(tenant, key);
            }
            Ok::<_, StoreError>(u32::try_from(swept.len()).unwrap_or(u32::MAX))
        });
        Ok(swept.await?)
    }

    /// Removes the first of the tenant's kept completions, `limit` at most, and writes down why; answers how many.
    /// Whoever erases a person's data calls it until it answers 0.
    ///
    /// # Errors
    /// A revoked key, storage failures.
    pub async fn erase_kept(&self, caller: &Caller, limit: u32, why: &'static str) -> Result<u64, DecideError> {
        let cx = self.context(caller.clone())?;
        let work = move |tx: &mut dyn Tx, cx: &crate::access::Ctx| Ok(kept::erase_chunk(tx, cx, limit, why)?);
        let erased: Result<u64, DecideError> = self.write(cx, "kept.erase", work).await;
        // What is known may only be too much now; it is read again.
        self.inner.kept.forget(&caller.tenant);
        erased
    }
}
