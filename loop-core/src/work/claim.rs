//! Who works on an issue: one claim at most, numbered, with or without a lease.
//!
//! A claim's token is its fence: it is drawn anew for each claim and only the latest one is stored, as a hash. Who comes
//! late, because the lease ended or a person took the issue back, presents a token that is nobody's.

use crate::{
    access::Ctx,
    base::{
        Seed, TenantId, Time,
        id::{IssueId, VersionId},
        secret::{self, Secret, TokenHash},
    },
    store::{Column, Entity, Kind, Ledger, Queue, Repo, StoreError, Stored, Table, Tx, Value},
};

/// The shortest lease, in seconds.
pub const MIN_LEASE: u32 = 1;
/// The longest lease, in seconds.
pub const MAX_LEASE: u32 = 86_400;
/// The longest name of an agent or of its session, in characters.
pub const MAX_NAME: usize = 200;

/// What a claim's token begins with.
const PREFIX: &str = "lc_";

/// Where claims are kept: an issue's last one.
pub static CLAIMS: Table = Table { name: "claims", columns: &[Column::plain("number", Kind::Int)] };
/// When leases end, for all tenants: in the directory, item `tenant/issue`, key the time in microseconds.
pub static TIMERS: Queue = Queue { name: "claim_timers" };
/// How many claims ended how: an account for each [`Outcome`].
pub static OUTCOMES: Ledger = Ledger { name: "claim_outcomes" };

/// How a claim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The issue is done.
    Done,
    /// The issue was called off.
    Canceled,
    /// It was given back, or a person took it back.
    Released,
    /// Its lease ended.
    Expired,
}

impl Outcome {
    /// The spelling in the log and in accounts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Canceled => "canceled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// An issue's last claim.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// The issue.
    pub issue: IssueId,
    /// How many claims the issue has had, this one included.
    pub number: u64,
    /// When it was made.
    pub claimed_at: Time,
    /// The prompt that it was handed out with.
    pub version_id: Option<VersionId>,
    /// Who claimed it, in its own words.
    pub agent: Option<String>,
    /// The session it is worked on in.
    pub session: Option<String>,
    /// How it ended; `None` while it is held.
    pub ended: Option<End>,
    /// Its lease; `None` for a claim without end.
    pub lease: Option<Lease>,
}

/// The end of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Who ended it.
    pub by: By,
}

/// Who ends a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Whoever presented its token.
    Holder,
    /// Somebody who changed the issue, or time.
    Other,
}

/// How long a claim is held without a sign of life.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lease {
    /// The hash of its token, in hexadecimal.
    token: String,
    /// How long it lasts from a sign of life on, in seconds.
    pub seconds: u32,
    /// When it ends.
    pub until: Time,
}

impl Entity for Claim {
    const TABLE: &'static Table = &CLAIMS;

    fn id(&self) -> String {
        self.issue.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![i64::try_from(self.number).unwrap_or(i64::MAX).into()]
    }
}

/// A claim to make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// The lease, [`MIN_LEASE`] to [`MAX_LEASE`] seconds; `None` for a claim without end.
    pub lease_seconds: Option<u32>,
    /// Who claims, [`MAX_NAME`] characters at most.
    pub agent: Option<String>,
    /// The session, [`MAX_NAME`] characters at most.
    pub session: Option<String>,
}

/// What a claim with a lease is held by.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token, shown once.
    pub secret: Secret,
    /// When the lease ends.
    pub expires_at: Time,
}

/// A claim that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub number: u64,
    /// The prompt that it was handed out with.
    pub version_id: Option<VersionId>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it was held, in microseconds.
    pub duration_micros: i64,
}

/// An issue's last claim, held or not.
///
/// # Errors
/// Storage failures.
pub fn last(tx: &mut dyn Tx, tenant: &TenantId, issue: &IssueId) -> Result<Option<Stored<Claim>>, StoreError> {
    Repo::new(tx, tenant).get(&issue.to_string())
}

/// Claims an issue, which the caller has made sure is nobody's.
///
/// # Errors
/// Storage failures.
pub fn take(
    tx: &mut dyn Tx,
    cx: &Ctx,
    issue: &IssueId,
    terms: &Terms,
    version_id: Option<VersionId>,
) -> Result<(Claim, Option<Token>), StoreError> {
    let old = last(tx, cx.tenant(), issue)?;
    let (lease, token) = match terms.lease_seconds {
        Some(seconds) => {
            let (lease, token) = fresh(cx.now, seconds, &mut cx.seed());
            tx.push(&TIMERS, &TenantId::directory(), &timer_key(lease.until), &timer(cx.tenant(), issue))?;
            (Some(lease), Some(token))
        }
        None => (None, None),
    };
    let claim = Claim {
        issue: *issue,
        number: old.as_ref().map_or(0, |old| old.value.number).saturating_add(1),
        claimed_at: cx.now,
        version_id,
        agent: terms.agent.clone(),
        session: terms.session.clone(),
        ended: None,
        lease,
    };
    match old {
        Some(old) => Repo::new(tx, cx.tenant()).update(&old, &claim, cx.now)?,
        None => Repo::new(tx, cx.tenant()).insert(&claim, cx.now)?,
    }
    Ok((claim, token))
}

fn fresh(now: Time, seconds: u32, seed: &mut Seed) -> (Lease, Token) {
    let secret = secret::token(PREFIX, seed);
    let until = now.plus_seconds(i64::from(seconds));
    let lease = Lease { token: TokenHash::of(secret.expose()).to_hex(), seconds, until };
    (lease, Token { secret, expires_at: until })
}

/// What a token says of an issue's last claim.
#[derive(Debug, Clone)]
pub enum Holding {
    /// It holds the claim.
    Held(Box<Stored<Claim>>),
    /// It held the last claim, which ended like this.
    Ended(End),
    /// It is none of the last claim, or its lease is over.
    Lost,
}

/// What `token` says of an issue's last claim.
///
/// # Errors
/// Storage failures.
pub fn holding(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    issue: &IssueId,
    token: &str,
    now: Time,
) -> Result<Holding, StoreError> {
    let Some(stored) = last(tx, tenant, issue)? else { return Ok(Holding::Lost) };
    let hash = TokenHash::of(token).to_hex();
    Ok(match (&stored.value.lease, stored.value.ended) {
        (Some(lease), ended) if secret::same(lease.token.as_bytes(), hash.as_bytes()) => match ended {
            Some(end) => Holding::Ended(end),
            None if now < lease.until => Holding::Held(Box::new(stored)),
            None => Holding::Lost,
        },
        _ => Holding::Lost,
    })
}

/// Lengthens a held claim's lease from now on, by `seconds` or by as long as it was asked for; answers its end.
///
/// # Errors
/// Storage failures; [`StoreError::Misuse`] for a claim without a lease.
pub fn extend(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    held: &Stored<Claim>,
    seconds: Option<u32>,
    now: Time,
) -> Result<Time, StoreError> {
    let lease = held.value.lease.as_ref().ok_or_else(|| StoreError::Misuse("a claim without a lease".to_owned()))?;
    let seconds = seconds.unwrap_or(lease.seconds);
    let until = now.plus_seconds(i64::from(seconds));
    let claim = Claim { lease: Some(Lease { seconds, until, ..lease.clone() }), ..held.value.clone() };
    Repo::new(tx, tenant).update(held, &claim, now)?;
    tx.push(&TIMERS, &TenantId::directory(), &timer_key(until), &timer(tenant, &claim.issue))?;
    Ok(until)
}

/// Ends an issue's claim, when there is one; what its token can still do ends with it.
///
/// # Errors
/// Storage failures.
pub fn end(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    issue: &IssueId,
    end: End,
    now: Time,
) -> Result<Option<Ended>, StoreError> {
    let Some(stored) = last(tx, tenant, issue)?.filter(|stored| stored.value.ended.is_none()) else { return Ok(None) };
    let claim = Claim { ended: Some(end), ..stored.value.clone() };
    Repo::new(tx, tenant).update(&stored, &claim, now)?;
    if claim.lease.is_some() {
        tx.remove(&TIMERS, &TenantId::directory(), &timer(tenant, issue))?;
    }
    tx.add(&OUTCOMES, tenant, end.outcome.as_str(), 1, None)?;
    Ok(Some(Ended {
        number: claim.number,
        version_id: claim.version_id,
        outcome: end.outcome,
        duration_micros: now.micros_since(claim.claimed_at).max(0),
    }))
}

/// Whether the caller may touch this issue: every caller but one with a claim's key, which may touch the issue that was
/// claimed for as long as the claim is its last one and was not taken back.
///
/// # Errors
/// Storage failures.
pub fn admits(tx: &mut dyn Tx, cx: &Ctx, issue: &IssueId) -> Result<bool, StoreError> {
    let Some(claimed) = cx.caller.claimed else { return Ok(true) };
    if claimed.issue != *issue {
        return Ok(false);
    }
    let last = last(tx, cx.tenant(), issue)?;
    Ok(last.is_some_and(|last| {
        let kept = last.value.ended.is_none_or(|end| matches!(end.outcome, Outcome::Done | Outcome::Canceled));
        last.value.number == claimed.number && kept
    }))
}

/// How many claims ended like this.
///
/// # Errors
/// Storage failures.
pub fn count(tx: &mut dyn Tx, tenant: &TenantId, outcome: Outcome) -> Result<u64, StoreError> {
    let found = tx.balances(&OUTCOMES, tenant, outcome.as_str(), 1)?;
    let total = found.first().filter(|(name, _)| name == outcome.as_str()).map_or(0, |(_, balance)| balance.total);
    Ok(u64::try_from(total).unwrap_or(0))
}

/// When the first lease of all tenants ends.
///
/// # Errors
/// Storage failures.
pub fn next_end(tx: &mut dyn Tx) -> Result<Option<Time>, StoreError> {
    let first = tx.ready(&TIMERS, &TenantId::directory(), None, 1)?.pop();
    Ok(first.and_then(|item| timer_end(&item.key)))
}

/// Leases that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overdue {
    /// How many timers were looked at.
    pub handled: u32,
    /// The issues whose claim is still held, the earliest end first.
    pub issues: Vec<(TenantId, IssueId)>,
}

/// Leases that ended at or before `now`, `limit` at most. Their timers are taken away.
///
/// # Errors
/// Storage failures.
pub fn overdue(tx: &mut dyn Tx, now: Time, limit: u32) -> Result<Overdue, StoreError> {
    let directory = TenantId::directory();
    let mut found = Overdue::default();
    for item in tx.ready(&TIMERS, &directory, None, limit)? {
        // A key that cannot be read is due: it must not stand before all others for ever.
        if timer_end(&item.key).is_some_and(|end| now < end) {
            break;
        }
        tx.remove(&TIMERS, &directory, &item.id)?;
        found.handled = found.handled.saturating_add(1);
        let named = item.id.split_once('/');
        let named = named.and_then(|(tenant, issue)| Some((TenantId::from_storage(tenant), IssueId::parse(issue)?)));
        let Some((tenant, issue)) = named else { continue };
        let held = last(tx, &tenant, &issue)?.filter(|stored| stored.value.ended.is_none());
        if held.is_some_and(|stored| stored.value.lease.is_some_and(|lease| lease.until <= now)) {
            found.issues.push((tenant, issue));
        }
    }
    Ok(found)
}

fn timer(tenant: &TenantId, issue: &IssueId) -> String {
    format!("{tenant}/{issue}")
}

fn timer_key(until: Time) -> [u8; 8] {
    u64::try_from(until.as_micros()).unwrap_or(0).to_be_bytes()
}

fn timer_end(key: &[u8]) -> Option<Time> {
    let micros = u64::from_be_bytes(key.try_into().ok()?);
    Some(Time::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
}
