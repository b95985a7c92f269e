//! Decision links: random tokens of which only the hash is stored.
//!
//! Tokens are minted for each delivery attempt, in the transaction that claims it, so that a hash is durable
//! before its token leaves the process. Who holds a token may decide one approval, one way.

use crate::{
    base::{
        Seed, TenantId, Time,
        id::ApprovalId,
        secret::{Secret, TokenHash, token},
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Table, Tx, Value},
};

/// Where links are kept, in the tenantless directory: a link is followed before its tenant is known.
pub static APPROVAL_LINKS: Table = Table {
    name: "approval_links",
    columns: &[
        Column::plain("owner", Kind::Text),
        Column::indexed("approval", Kind::Text),
        Column::plain("verb", Kind::Text),
        Column::indexed("expires_at", Kind::Int),
    ],
};

/// What following a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Approve the call.
    Approve,
    /// Deny it.
    Deny,
}

impl Verb {
    /// The spelling in paths and storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// A stored link.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// SHA-256 of the token, in hexadecimal.
    pub hash: String,
    /// Whose approval it decides.
    pub tenant: TenantId,
    /// Which approval.
    pub approval: ApprovalId,
    /// Which way.
    pub verb: Verb,
    /// When the approval, and the link with it, ends by itself. Callers check it.
    pub expires_at: Time,
}

impl Entity for Link {
    const TABLE: &'static Table = &APPROVAL_LINKS;

    fn id(&self) -> String {
        self.hash.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.tenant.as_str().into(),
            self.approval.to_string().into(),
            self.verb.as_str().into(),
            self.expires_at.into(),
        ]
    }
}

/// The two tokens of one delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Approves.
    pub approve: Secret,
    /// Denies.
    pub deny: Secret,
}

/// How many links are handled per storage call.
const CHUNK: u32 = 256;

/// Makes the links for one delivery attempt. They may be handed out only once the transaction is durable.
pub fn mint(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    approval: ApprovalId,
    expires_at: Time,
    now: Time,
    seed: &mut Seed,
) -> Result<Links, StoreError> {
    let links = Links { approve: token("", seed), deny: token("", seed) };
    let directory = TenantId::directory();
    let mut repo = Repo::new(tx, &directory);
    for (verb, token) in [(Verb::Approve, &links.approve), (Verb::Deny, &links.deny)] {
        let hash = TokenHash::of(token.expose()).to_hex();
        repo.insert(&Link { hash, tenant: tenant.clone(), approval, verb, expires_at }, now)?;
    }
    Ok(links)
}

/// The link of a token, if it was minted and is not dead. It may have expired.
pub fn find(tx: &mut dyn Tx, hash: TokenHash) -> Result<Option<Link>, StoreError> {
    let found = Repo::<Link>::new(tx, &TenantId::directory()).get(&hash.to_hex())?;
    Ok(found.map(|stored| stored.value))
}

/// Kills every link of an approval; called in the transaction that decides it. Answers how many.
pub fn kill(tx: &mut dyn Tx, tenant: &TenantId, approval: ApprovalId) -> Result<u32, StoreError> {
    // Two links per attempt, a few attempts per notice: the rounds are bounded far above what there can be.
    let cond = Cond::Eq("approval", approval.to_string().into());
    let mut after = None;
    let mut killed = 0_u32;
    for _ in 0..64 {
        let query =
            RecordQuery { conds: vec![cond.clone()], after: after.take(), limit: CHUNK, ..RecordQuery::default() };
        let directory = TenantId::directory();
        let mut repo = Repo::<Link>::new(tx, &directory);
        let page = repo.list(&query)?;
        for link in page.iter().map(|stored| &stored.value).filter(|link| link.tenant == *tenant) {
            killed = killed.saturating_add(u32::from(repo.delete(&link.hash)?));
        }
        match page.last() {
            Some(last) if page.len() >= CHUNK as usize => after = Some((Value::Null, last.value.hash.clone())),
            _ => break,
        }
    }
    Ok(killed)
}

/// Removes up to `limit` links that expired before `before`; answers how many.
pub fn purge(tx: &mut dyn Tx, before: Time, limit: u32) -> Result<u32, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("expires_at", before.into())],
        by: Some("expires_at"),
        limit,
        ..RecordQuery::default()
    };
    let directory = TenantId::directory();
    let mut repo = Repo::<Link>::new(tx, &directory);
    let mut gone = 0_u32;
    for old in repo.list(&query)? {
        gone = gone.saturating_add(u32::from(repo.delete(&old.value.hash)?));
    }
    Ok(gone)
}
