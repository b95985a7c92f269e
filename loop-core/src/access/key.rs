//! API keys: made once, shown once, stored as a hash.

use super::{AccessError, Caller, Effective, Scopes, loops};
use crate::{
    base::{
        Seed, TenantId, Time,
        id::{KeyId, LoopId},
        secret::{self, Secret, TokenHash},
    },
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, Stored, Table, Tx, Value},
};

/// The most live keys a tenant may have.
pub const MAX_KEYS: u64 = 20_000;
/// The most live keys that one loop, and all that came of it, may have made.
pub const MAX_KEYS_BY_LOOP: u64 = 1_000;
/// The longest name of a key, in characters.
pub const MAX_NAME: usize = 100;
/// The name under which the key of the server's environment is stored.
pub const ENV_NAME: &str = "env";

/// How a key looks, and whether what it does is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `tl_` and 64 hexadecimal digits: an operator's.
    Operator,
    /// `lk_live_` and 48 hexadecimal digits.
    Live,
    /// `lk_test_` and 48 hexadecimal digits: everything it does is simulated.
    Test,
    /// `lk_ingest_` and 48 hexadecimal digits: it sends the telemetry of one project.
    Ingest,
    /// `lk_agent_` and 48 hexadecimal digits: it reads the telemetry of one project.
    Agent,
}

impl Form {
    /// A fresh token of this form, and how much of it is kept to recognise it by.
    fn mint(self, seed: &mut Seed) -> (Secret, usize) {
        match self {
            Self::Operator => (secret::token("tl_", seed), 9),
            Self::Live => (secret::short_token("lk_live_", seed), 12),
            Self::Test => (secret::short_token("lk_test_", seed), 12),
            Self::Ingest => (secret::short_token("lk_ingest_", seed), 14),
            Self::Agent => (secret::short_token("lk_agent_", seed), 13),
        }
    }
}

/// What the forms begin with.
const PREFIXES: [&[u8]; 5] = [b"tl_", b"lk_live_", b"lk_test_", b"lk_ingest_", b"lk_agent_"];
/// How many letters and digits follow at least, in every form.
const TAIL_MIN: usize = 32;

/// Whether a text begins as keys do. Keys given from outside may begin otherwise.
#[must_use]
pub fn begins_as_key(text: &[u8]) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Whether a word in a text has the form of a key.
#[must_use]
pub fn holds_key(text: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let key = |prefix: &[u8], at: usize| {
        let begins = at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|before| !word(before));
        let tail = text.get(at.saturating_add(prefix.len())..).unwrap_or_default();
        begins && tail.iter().take(TAIL_MIN).filter(|byte| byte.is_ascii_alphanumeric()).count() == TAIL_MIN
    };
    text.len() > TAIL_MIN
        && PREFIXES.iter().any(|prefix| memchr::memmem::find_iter(text, prefix).any(|at| key(prefix, at)))
}

/// A key as stored. Keys live in the directory, because they are found before the tenant is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal.
    pub hash: String,
    /// The first characters of a minted key, to recognise it by; empty for keys given from outside.
    pub prefix: String,
    /// What it may do, as far as its loop's line allows it.
    pub scopes: Scopes,
    /// The loop it belongs to; `None` for the tenant's own.
    pub loop_id: Option<LoopId>,
    /// The loop on whose account a loop made it; `None` when the tenant did.
    #[serde(default)]
    pub sponsor: Option<LoopId>,
    /// The only project of telemetry that it reaches; `None` when it is not bound to one.
    #[serde(default)]
    pub project: Option<Box<str>>,
    /// Whether everything it does is simulated.
    pub sandboxed: bool,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// The key that took its place.
    pub replaced_by: Option<KeyId>,
}

/// Where keys are kept.
pub static KEYS: Table = Table {
    name: "keys",
    columns: &[
        Column::unique("hash", Kind::Text),
        Column::indexed("owner", Kind::Text),
        Column::indexed("live", Kind::Text),
        Column::indexed("live_by", Kind::Text),
    ],
};

impl Entity for Key {
    const TABLE: &'static Table = &KEYS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let owner = self.tenant.as_str();
        let live = self.revoked_at.is_none().then_some(owner);
        let sponsor = live.and(self.sponsor).map(|sponsor| sponsor.to_string());
        vec![self.hash.as_str().into(), owner.into(), live.into(), sponsor.into()]
    }
}

/// A new key and the secret that is shown this once.
#[derive(Debug)]
pub struct Minted {
    /// The key as stored.
    pub key: Key,
    /// The key itself.
    pub token: Secret,
}

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its name, 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// The loop it belongs to; `None` for the tenant's own.
    pub loop_id: Option<LoopId>,
    /// How it looks, and whether what it does is real.
    pub form: Form,
    /// The loop on whose account a loop makes it; `None` when the tenant does.
    pub sponsor: Option<LoopId>,
    /// The only project of telemetry that it reaches; `None` when it is not bound to one.
    pub project: Option<Box<str>>,
}

impl NewKey {
    /// An operator's key of the tenant itself, without an end.
    #[must_use]
    pub fn operator(name: impl Into<String>, scopes: Scopes) -> Self {
        Self {
            name: name.into(),
            scopes,
            expires_at: None,
            loop_id: None,
            form: Form::Operator,
            sponsor: None,
            project: None,
        }
    }
}

/// Finds who presents a key.
///
/// # Errors
/// [`AccessError::Unauthenticated`] for an unknown, revoked or expired key.
pub fn authenticate(tx: &mut dyn Tx, hash: TokenHash, now: Time) -> Result<Caller, AccessError> {
    let found = keys(tx, &TenantId::directory()).find("hash", &hash.to_hex().into())?;
    caller(tx, found.ok_or(AccessError::Unauthenticated)?.value, hash, now)
}

/// Who holds the key with this id.
///
/// # Errors
/// As [`authenticate`].
pub(super) fn holder(tx: &mut dyn Tx, id: KeyId, now: Time) -> Result<Caller, AccessError> {
    let found = keys(tx, &TenantId::directory()).get(&id.to_string())?;
    caller(tx, found.ok_or(AccessError::Unauthenticated)?.value, TokenHash::NONE, now)
}

fn caller(tx: &mut dyn Tx, key: Key, hash: TokenHash, now: Time) -> Result<Caller, AccessError> {
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
        return Err(AccessError::Unauthenticated);
    }
    let epoch = tx.epoch(&key.tenant)?;
    let given = if key.sandboxed { key.scopes.in_sandbox() } else { key.scopes };
    let (scopes, suspended, sponsor) = match key.loop_id {
        None => (given, false, None),
        Some(id) => {
            let line = loops::lineage(tx, &key.tenant, id)?;
            let sponsor = line.first().and_then(|own| own.sponsor).unwrap_or(id);
            let line = Effective::of(&line);
            (given.within(line.permissions), line.suspended, Some(sponsor))
        }
    };
    Ok(Caller {
        tenant: key.tenant,
        key: key.id,
        hash,
        name: key.name.into(),
        scopes,
        loop_id: key.loop_id,
        sponsor,
        sandboxed: key.sandboxed,
        suspended,
        expires_at: key.expires_at,
        project: key.project,
        claimed: None,
        epoch,
        once: None,
    })
}

/// The loop a key of the tenant belongs to; `None` for the tenant's own keys and for those it does not have.
///
/// # Errors
/// Storage failures.
pub fn loop_of(tx: &mut dyn Tx, tenant: &TenantId, id: KeyId) -> Result<Option<LoopId>, AccessError> {
    let stored = keys(tx, &TenantId::directory()).get(&id.to_string())?;
    Ok(stored.filter(|stored| stored.value.tenant == *tenant).and_then(|stored| stored.value.loop_id))
}

/// Makes a key without asking who wants it: for the operator's command line and a tenant's first key.
///
/// # Errors
/// A bad name, or too many keys.
pub fn mint(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    new: &NewKey,
    now: Time,
    seed: &mut Seed,
) -> Result<Minted, AccessError> {
    let (token, shown) = new.form.mint(seed);
    let prefix = token.expose().chars().take(shown).collect();
    let key = store(tx, tenant, new, TokenHash::of(token.expose()), prefix, now, seed)?;
    Ok(Minted { key, token })
}

fn store(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    new: &NewKey,
    hash: TokenHash,
    prefix: String,
    now: Time,
    seed: &mut Seed,
) -> Result<Key, AccessError> {
    if new.name.is_empty() || new.name.chars().count() > MAX_NAME {
        return Err(AccessError::Length { field: "name", max: MAX_NAME });
    }
    let directory = TenantId::directory();
    if keys(tx, &directory).count(&[Cond::Eq("live", tenant.as_str().into())])? >= MAX_KEYS {
        return Err(AccessError::TooMany(MAX_KEYS));
    }
    if let Some(sponsor) = new.sponsor
        && keys(tx, &directory).count(&[Cond::Eq("live_by", sponsor.to_string().into())])? >= MAX_KEYS_BY_LOOP
    {
        return Err(AccessError::TooManyByLoop(MAX_KEYS_BY_LOOP));
    }
    let key = Key {
        id: KeyId::draw(now, seed),
        tenant: tenant.clone(),
        name: new.name.clone(),
        hash: hash.to_hex(),
        prefix,
        scopes: new.scopes,
        loop_id: new.loop_id,
        sponsor: new.sponsor,
        project: new.project.clone(),
        sandboxed: new.form == Form::Test,
        expires_at: new.expires_at,
        revoked_at: None,
        replaced_by: None,
    };
    keys(tx, &directory).insert(&key, now)?;
    Ok(key)
}

/// Makes the environment's key the only live key called [`ENV_NAME`] of the tenant, with every scope.
///
/// Answers whether anything changed.
///
/// # Errors
/// Storage failures, or a key that another tenant already has.
pub fn put_env(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    token: &Secret,
    now: Time,
    seed: &mut Seed,
) -> Result<bool, AccessError> {
    let hash = TokenHash::of(token.expose());
    let mut present = false;
    let mut changed = false;
    for old in list(tx, tenant)? {
        if old.value.name == ENV_NAME && old.value.revoked_at.is_none() {
            if old.value.hash == hash.to_hex() && old.value.scopes == Scopes::all() && old.value.loop_id.is_none() {
                present = true;
            } else {
                retire(tx, &old, now)?;
                changed = true;
            }
        }
    }
    if !present {
        // A hash that was revoked once stays taken: its row is given back to the same tenant.
        let directory = TenantId::directory();
        let revoked = keys(tx, &directory).find("hash", &hash.to_hex().into())?;
        if let Some(row) = revoked {
            if row.value.tenant != *tenant {
                return Err(AccessError::Unauthenticated);
            }
            let value = Key {
                revoked_at: None,
                expires_at: None,
                scopes: Scopes::all(),
                loop_id: None,
                sponsor: None,
                project: None,
                sandboxed: false,
                replaced_by: None,
                name: ENV_NAME.to_owned(),
                ..row.value.clone()
            };
            keys(tx, &directory).update(&row, &value, now)?;
        } else {
            let new = NewKey::operator(ENV_NAME, Scopes::all());
            store(tx, tenant, &new, hash, String::new(), now, seed)?;
        }
        changed = true;
    }
    if changed {
        tx.bump_epoch(tenant)?;
    }
    Ok(changed)
}

/// The keys of a tenant, newest first, revoked ones included.
///
/// # Errors
/// Storage failures.
pub fn list(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<Stored<Key>>, AccessError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("owner", tenant.as_str().into())],
        order: Order::Descending,
        limit: 10_000,
        ..RecordQuery::default()
    };
    Ok(keys(tx, &TenantId::directory()).list(&query)?)
}

/// Revokes a key of the tenant. From the moment this commits no request with it is served, in any process.
///
/// # Errors
/// [`AccessError::NotFound`] for another tenant's key too.
pub fn revoke(tx: &mut dyn Tx, tenant: &TenantId, id: &str, now: Time) -> Result<Key, AccessError> {
    let stored = keys(tx, &TenantId::directory()).get(id)?.ok_or(AccessError::NotFound)?;
    if stored.value.tenant != *tenant {
        return Err(AccessError::NotFound);
    }
    if stored.value.revoked_at.is_none() {
        retire(tx, &stored, now)?;
        tx.bump_epoch(tenant)?;
    }
    Ok(Key { revoked_at: Some(now), ..stored.value })
}

/// Removes a key of the tenant for good; a key that it does not have is no error. Whoever removes one that could still
/// work gives the tenant a new epoch.
///
/// # Errors
/// Storage failures.
pub(crate) fn remove(tx: &mut dyn Tx, tenant: &TenantId, id: KeyId) -> Result<(), AccessError> {
    let directory = TenantId::directory();
    let found = keys(tx, &directory).get(&id.to_string())?;
    if found.is_some_and(|stored| stored.value.tenant == *tenant) {
        keys(tx, &directory).delete(&id.to_string())?;
    }
    Ok(())
}

/// Takes the end from a key of the tenant that still works. Whoever does gives the tenant a new epoch.
///
/// # Errors
/// [`AccessError::NotFound`] for a key that it does not have or that stopped, storage failures.
pub(crate) fn make_endless(tx: &mut dyn Tx, tenant: &TenantId, id: KeyId, now: Time) -> Result<(), AccessError> {
    let directory = TenantId::directory();
    let stored = keys(tx, &directory).get(&id.to_string())?.ok_or(AccessError::NotFound)?;
    let stopped = stored.value.revoked_at.is_some() || stored.value.expires_at.is_some_and(|at| at <= now);
    if stored.value.tenant != *tenant || stopped {
        return Err(AccessError::NotFound);
    }
    let value = Key { expires_at: None, ..stored.value.clone() };
    Ok(keys(tx, &directory).update(&stored, &value, now)?)
}

pub(super) fn retire(tx: &mut dyn Tx, old: &Stored<Key>, now: Time) -> Result<(), AccessError> {
    let value = Key { revoked_at: Some(now), ..old.value.clone() };
    Ok(keys(tx, &TenantId::directory()).update(old, &value, now)?)
}

pub(super) fn keys<'t>(tx: &'t mut dyn Tx, directory: &'t TenantId) -> Repo<'t, Key> {
    Repo::new(tx, directory)
}
