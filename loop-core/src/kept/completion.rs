//! A completion as stored. Nobody reads it there: it is sealed under the master key, for its tenant and its key.

use super::{KeptKey, sweep};
use crate::{
    access::Ctx,
    base::{
        Seed, TenantId, Time,
        secret::{MasterKey, hex},
    },
    store::{Entity, Repo, StoreError, Stored, Table, Terms, Tx, Value},
};

/// The longest completion that is kept, in bytes.
pub const MAX_COMPLETION: usize = 1024 * 1024;
/// The most completions that are kept for a tenant at a time.
pub const MAX_KEPT: u64 = 1_000;
/// What completions are sealed for.
const PURPOSE: &str = "kept.completion";
/// The one set of [`KEYS`].
const ALL: &str = "kept";

/// Where completions are kept, by the hexadecimal form of their key.
pub static COMPLETIONS: Table = Table { name: "kept_completions", columns: &[] };

/// The keys of what is kept, to be read and counted without what stands under them.
pub static KEYS: Terms = Terms { name: "kept_keys" };

/// A completion as stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Completion {
    key: String,
    stamp: String,
    sealed: String,
    expires_at: Time,
}

impl Entity for Completion {
    const TABLE: &'static Table = &COMPLETIONS;

    fn id(&self) -> String {
        self.key.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// A completion that is ready to be stored.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Tells it from another that is kept under the same key later.
    stamp: String,
    text: String,
}

/// A completion taken out again, and what it takes to decide its calls again.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    key: KeptKey,
    stamp: String,
    completion: Vec<u8>,
}

impl Kept {
    /// What the upstream answered, as it was given to be kept.
    #[must_use]
    pub fn completion(&self) -> &[u8] {
        &self.completion
    }

    /// What it is kept under.
    #[must_use]
    pub const fn key(&self) -> KeptKey {
        self.key
    }

    /// Which of the completions that were kept under the key it is.
    #[must_use]
    pub fn stamp(&self) -> &str {
        &self.stamp
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

/// Seals a completion for storage; `None` when it is longer than [`MAX_COMPLETION`].
#[must_use]
pub fn seal(master: &MasterKey, tenant: &TenantId, key: KeptKey, completion: &[u8], seed: &mut Seed) -> Option<Sealed> {
    if completion.len() > MAX_COMPLETION {
        return None;
    }
    let text = master.seal_bytes(PURPOSE, &subject(tenant, key), completion, seed)?;
    Some(Sealed { stamp: hex(&seed.draw16()), text })
}

/// Opens what [`read`] found; `None` when it was not sealed here, for this tenant and key.
#[must_use]
pub fn open(master: &MasterKey, tenant: &TenantId, key: KeptKey, found: &Completion) -> Option<Kept> {
    let completion = master.open_bytes(PURPOSE, &subject(tenant, key), &found.sealed)?;
    Some(Kept { key, stamp: found.stamp.clone(), completion })
}

fn subject(tenant: &TenantId, key: KeptKey) -> String {
    format!("{tenant}/{}", key.to_hex())
}

/// Keeps a completion until `expires_at`, in place of another under its key. `false` when the tenant has
/// [`MAX_KEPT`] already; then nothing is kept.
///
/// # Errors
/// Storage failures.
pub fn put(tx: &mut dyn Tx, cx: &Ctx, key: KeptKey, sealed: &Sealed, expires_at: Time) -> Result<bool, StoreError> {
    let id = key.to_hex();
    let replaced = Repo::<Completion>::new(tx, cx.tenant()).delete(&id)?;
    if !replaced && tx.count_holders(&KEYS, cx.tenant(), ALL)? >= MAX_KEPT {
        return Ok(false);
    }
    let completion =
        Completion { key: id.clone(), stamp: sealed.stamp.clone(), sealed: sealed.text.clone(), expires_at };
    Repo::new(tx, cx.tenant()).insert(&completion, cx.now)?;
    tx.put_terms(&KEYS, cx.tenant(), &id, &[ALL])?;
    sweep::push(tx, cx.tenant(), &id, expires_at)?;
    Ok(true)
}

/// What is kept under a key; `None` when there is nothing or its time is over. A record that cannot be read is none:
/// its request is asked of the upstream again.
///
/// # Errors
/// Storage failures.
pub fn read(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    key: KeptKey,
    now: Time,
) -> Result<Option<Stored<Completion>>, StoreError> {
    match Repo::<Completion>::new(tx, tenant).get(&key.to_hex()) {
        Ok(found) => Ok(found.filter(|found| now < found.value.expires_at)),
        Err(StoreError::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The record of a completion that was taken out, while it stands: `None` when it was handed on, replaced or removed
/// meanwhile, or its time is over.
///
/// # Errors
/// Storage failures.
pub fn standing(
    tx: &mut dyn Tx,
    cx: &Ctx,
    key: KeptKey,
    stamp: &str,
) -> Result<Option<Stored<Completion>>, StoreError> {
    Ok(read(tx, cx.tenant(), key, cx.now)?.filter(|found| found.value.stamp == stamp))
}

/// Keeps on what is kept, until another time.
///
/// # Errors
/// Storage failures.
pub fn stay(tx: &mut dyn Tx, cx: &Ctx, found: &Stored<Completion>, expires_at: Time) -> Result<(), StoreError> {
    if found.value.expires_at == expires_at {
        return Ok(());
    }
    let moved = Completion { expires_at, ..found.value.clone() };
    Repo::new(tx, cx.tenant()).update(found, &moved, cx.now)?;
    sweep::push(tx, cx.tenant(), &moved.key, expires_at)
}

/// Removes what is kept under a key.
///
/// # Errors
/// Storage failures.
pub fn remove(tx: &mut dyn Tx, tenant: &TenantId, key: KeptKey) -> Result<(), StoreError> {
    let id = key.to_hex();
    delete(tx, tenant, &id)?;
    sweep::cancel(tx, tenant, &id)
}

/// The keys of everything that is kept for a tenant.
///
/// # Errors
/// Storage failures.
pub fn keys(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<KeptKey>, StoreError> {
    const MAX: u32 = 1_000;
    let ids = tx.holders(&KEYS, tenant, ALL, None, MAX, 0)?;
    Ok(ids.iter().filter_map(|id| KeptKey::from_hex(id)).collect())
}

/// The ids of the first completions of a tenant.
pub(super) fn first(tx: &mut dyn Tx, tenant: &TenantId, limit: u32) -> Result<Vec<String>, StoreError> {
    tx.holders(&KEYS, tenant, ALL, None, limit, 0)
}

/// Removes a completion but not its timer.
pub(super) fn delete(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
    Repo::<Completion>::new(tx, tenant).delete(id)?;
    tx.drop_terms(&KEYS, tenant, id, &[ALL]).map(drop)
}
