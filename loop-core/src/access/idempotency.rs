//! Requests that are carried out once however often they are sent: the first is claimed under its key, its answer is
//! kept for a day, and every later one with the same key and body is given that answer.
//!
//! The transaction that carries a request out marks its claim, so that what was done is never done again, also when the
//! process died before its answer was kept: the answer is lost then, the deed is not repeated.
//!
//! Names and digests are keyed hashes, because a body may hold what could be guessed; answers are sealed.

use hmac::Mac;

use super::{AccessError, Ctx};
use crate::{
    base::{
        Seed, TenantId, Time,
        host::keyed,
        id::LoopId,
        json::{Doc, canonical},
        secret::{MasterKey, Secret, hex},
    },
    store::{Column, Cond, Entity, Kind, Ledger, RecordQuery, Repo, Stored, Table, Tx, Value},
};

/// How long a claim stands without an answer, in seconds: whoever made it is gone then. Nothing is carried out under it
/// any more once another has taken it over.
pub const CLAIM_SECONDS: i64 = 15 * 60;
/// How long an answer is kept, in seconds.
pub const KEEP_SECONDS: i64 = 24 * 3_600;
/// The most claims and answers of a tenant.
pub const MAX_CLAIMS: i64 = 1_000_000;
/// The most claims and answers of one loop and all that came of it.
pub const MAX_CLAIMS_BY_LOOP: i64 = 50_000;
/// The longest answer that is kept, in bytes.
pub const MAX_ANSWER: usize = 256 << 10;

/// What answers are sealed for.
const PURPOSE: &str = "idempotency.answer";
/// The account that counts claims, downwards from 0.
const ACCOUNT: &str = "claims";

/// The account that counts the claims made on a loop's account.
fn account_of(sponsor: LoopId) -> String {
    format!("claims/{sponsor}")
}

/// A claim as stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Claim {
    name: String,
    digest: String,
    /// Who may answer it: a claim that was left and taken over is no longer its first holder's.
    holder: String,
    /// The sealed answer; `None` while the request is under way.
    answer: Option<String>,
    /// When a transaction that carries the request out was committed under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_at: Option<Time>,
    ends_at: Time,
    /// The loop on whose account it was made.
    #[serde(default)]
    sponsor: Option<LoopId>,
}

/// Where claims are kept.
pub static CLAIMS: Table = Table { name: "idempotency", columns: &[Column::indexed("ends_at", Kind::Int)] };
/// How many there are.
pub static CLAIM_COUNTS: Ledger = Ledger { name: "idempotency_counts" };

impl Entity for Claim {
    const TABLE: &'static Table = &CLAIMS;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.ends_at.into()]
    }
}

/// What a request is known by: whose key, which operation, under which idempotency key, and with what body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    name: String,
    digest: String,
}

impl Request {
    /// The request of the caller of `cx`. `path` is as sent; a body that is JSON is compared by what it means.
    #[must_use]
    pub fn of(master: &MasterKey, cx: &Ctx, operation: &str, key: &str, path: &str, body: &[u8]) -> Self {
        let secret = master.derive("idempotency", cx.tenant().as_str());
        let caller = cx.caller.key.to_string();
        let meaning = Doc::parse(body).map(|doc| canonical(doc.root()));
        let body = meaning.as_ref().map_or(body, |text| text.as_bytes());
        Self {
            name: tagged(&secret, &[caller.as_bytes(), operation.as_bytes(), key.as_bytes()]),
            digest: tagged(&secret, &[path.as_bytes(), body]),
        }
    }
}

/// A keyed hash of parts that cannot run into each other.
fn tagged(secret: &[u8; 32], parts: &[&[u8]]) -> String {
    let mut mac = keyed(secret);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    hex(&full)
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is the first: carry it out and answer it as this holder.
    Fresh(Holder),
    /// The same request is under way.
    InFlight,
    /// The key was used with another body.
    Mismatch,
    /// It was carried out; this was answered, sealed.
    Answered(Sealed),
    /// It was carried out, and whoever did so is gone: nobody knows what was answered.
    Lost,
}

/// Who carries a request out. A caller holds it ([`super::Caller::once`]) while its request is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    name: String,
    token: String,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    name: String,
    text: String,
}

impl Sealed {
    /// The answer as it was kept; `None` when it was not sealed here.
    #[must_use]
    pub fn open(&self, master: &MasterKey) -> Option<Secret> {
        master.open(PURPOSE, &self.name, &self.text)
    }
}

/// Claims a request.
///
/// # Errors
/// [`AccessError::TooManyClaims`], storage failures.
pub fn claim(tx: &mut dyn Tx, cx: &Ctx, request: &Request) -> Result<Claimed, AccessError> {
    let token = hex(&cx.draw());
    let fresh = Claim {
        name: request.name.clone(),
        digest: request.digest.clone(),
        holder: token.clone(),
        answer: None,
        begun_at: None,
        ends_at: cx.now.plus_seconds(CLAIM_SECONDS),
        sponsor: cx.caller.sponsor,
    };
    let holder = Holder { name: request.name.clone(), token };
    let found: Option<Stored<Claim>> = Repo::new(tx, cx.tenant()).get(&request.name)?;
    match found {
        None => {
            if tx.add(&CLAIM_COUNTS, cx.tenant(), ACCOUNT, -1, Some(-MAX_CLAIMS))?.is_none() {
                return Err(AccessError::TooManyClaims);
            }
            if let Some(sponsor) = cx.caller.sponsor {
                let account = account_of(sponsor);
                if tx.add(&CLAIM_COUNTS, cx.tenant(), &account, -1, Some(-MAX_CLAIMS_BY_LOOP))?.is_none() {
                    return Err(AccessError::TooManyClaims);
                }
            }
            Repo::new(tx, cx.tenant()).insert(&fresh, cx.now)?;
            Ok(Claimed::Fresh(holder))
        }
        Some(old) if old.value.ends_at <= cx.now => {
            // It counts where it counted.
            let fresh = Claim { sponsor: old.value.sponsor, ..fresh };
            Repo::new(tx, cx.tenant()).update(&old, &fresh, cx.now)?;
            Ok(Claimed::Fresh(holder))
        }
        Some(old) if old.value.digest != request.digest => Ok(Claimed::Mismatch),
        Some(Stored { value: Claim { name, answer: Some(text), .. }, .. }) => {
            Ok(Claimed::Answered(Sealed { name, text }))
        }
        Some(old) if old.value.begun_at.is_some_and(|at| at.plus_seconds(CLAIM_SECONDS) <= cx.now) => Ok(Claimed::Lost),
        Some(_) => Ok(Claimed::InFlight),
    }
}

/// Marks a request as carried out, in the transaction that does so: from then on nobody else carries it out.
///
/// # Errors
/// [`AccessError::ClaimGone`] when another has taken it over; storage failures.
pub fn begin(tx: &mut dyn Tx, tenant: &TenantId, holder: &Holder, now: Time) -> Result<(), AccessError> {
    let old = held(tx, tenant, holder)?.ok_or(AccessError::ClaimGone)?;
    if old.value.begun_at.is_some() {
        return Ok(());
    }
    let value = Claim { begun_at: Some(now), ends_at: now.plus_seconds(KEEP_SECONDS), ..old.value.clone() };
    Ok(Repo::new(tx, tenant).update(&old, &value, now)?)
}

/// Keeps the answer of a request that was carried out. Nothing happens when somebody else holds it by now.
///
/// # Errors
/// Storage failures: the request may then be carried out again once its claim ends.
pub fn answer(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    holder: &Holder,
    text: &str,
    master: &MasterKey,
    now: Time,
    seed: &mut Seed,
) -> Result<(), AccessError> {
    let Some(old) = held(tx, tenant, holder)? else { return Ok(()) };
    let value = Claim {
        answer: Some(master.seal(PURPOSE, &holder.name, text, seed)),
        ends_at: now.plus_seconds(KEEP_SECONDS),
        ..old.value.clone()
    };
    Ok(Repo::new(tx, tenant).update(&old, &value, now)?)
}

/// Gives a request up that changed nothing, so that it may be sent again. `false` for one that was carried out: it must
/// be answered.
///
/// # Errors
/// Storage failures: the request may then be sent again once its claim ends.
pub fn release(tx: &mut dyn Tx, tenant: &TenantId, holder: &Holder) -> Result<bool, AccessError> {
    match held(tx, tenant, holder)? {
        Some(stored) if stored.value.begun_at.is_some() => Ok(false),
        Some(stored) => forget(tx, tenant, &stored.value).map(|()| true),
        None => Ok(true),
    }
}

/// Forgets claims and answers that ended, `limit` at most; answers how many.
///
/// # Errors
/// Storage failures.
pub fn purge(tx: &mut dyn Tx, tenant: &TenantId, now: Time, limit: u32) -> Result<u64, AccessError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("ends_at", now.into())],
        by: Some("ends_at"),
        limit,
        ..RecordQuery::default()
    };
    let ended: Vec<Stored<Claim>> = Repo::new(tx, tenant).list(&query)?;
    for stored in &ended {
        forget(tx, tenant, &stored.value)?;
    }
    Ok(ended.len() as u64)
}

fn held(tx: &mut dyn Tx, tenant: &TenantId, holder: &Holder) -> Result<Option<Stored<Claim>>, AccessError> {
    let found: Option<Stored<Claim>> = Repo::new(tx, tenant).get(&holder.name)?;
    Ok(found.filter(|stored| stored.value.holder == holder.token && stored.value.answer.is_none()))
}

fn forget(tx: &mut dyn Tx, tenant: &TenantId, claim: &Claim) -> Result<(), AccessError> {
    if Repo::<Claim>::new(tx, tenant).delete(&claim.name)? {
        tx.add(&CLAIM_COUNTS, tenant, ACCOUNT, 1, None)?;
        if let Some(sponsor) = claim.sponsor {
            tx.add(&CLAIM_COUNTS, tenant, &account_of(sponsor), 1, None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CLAIM_SECONDS, Claimed, KEEP_SECONDS, Request, answer, begin, claim, purge, release};
    use crate::{
        access::{AccessError, Caller, Ctx},
        base::{Seed, TenantId, Time, id::KeyId, secret::MasterKey},
        engine::CATALOG,
        store::{Lane, StoreExt, Tx, memory::MemoryStore, wait},
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn master() -> MasterKey {
        MasterKey::new([7; 32])
    }

    fn cx(drawn: u8, now: Time) -> Ctx {
        Ctx::new(Caller::system(TenantId::default_tenant(), "test"), now, Seed::new([drawn; 32]))
    }

    fn request(key: &str, body: &str) -> Request {
        Request::of(&master(), &cx(0, NOW), "loop.create", key, "/api/v1/loops", body.as_bytes())
    }

    fn run<T: Send + 'static>(
        store: &MemoryStore,
        work: impl Fn(&mut dyn Tx) -> Result<T, AccessError> + Send + 'static,
    ) -> T {
        wait(store.transact("test", Lane::Normal, work)).unwrap()
    }

    fn try_claim(store: &MemoryStore, drawn: u8, request: &Request, now: Time) -> Claimed {
        let request = request.clone();
        run(store, move |tx| claim(tx, &cx(drawn, now), &request))
    }

    #[test]
    fn the_same_request_is_carried_out_once_and_then_answered_alike() {
        let store = MemoryStore::new(CATALOG);
        let first = request("k", r#"{"a":1,"b":"x"}"#);
        let Claimed::Fresh(holder) = try_claim(&store, 1, &first, NOW) else { panic!("fresh") };
        assert_eq!(try_claim(&store, 2, &first, NOW), Claimed::InFlight);
        let held = holder.clone();
        run(&store, move |tx| {
            answer(tx, &TenantId::default_tenant(), &held, "done", &master(), NOW, &mut Seed::new([5; 32]))
        });
        // Spelt otherwise and meaning the same.
        let Claimed::Answered(kept) = try_claim(&store, 3, &request("k", r#"{ "b":"x", "a":1.0 }"#), NOW) else {
            panic!("answered")
        };
        assert_eq!(kept.open(&master()).unwrap().expose(), "done");
        assert!(kept.open(&MasterKey::new([8; 32])).is_none());
        assert_eq!(try_claim(&store, 4, &request("k", r#"{"a":2,"b":"x"}"#), NOW), Claimed::Mismatch);
        assert!(matches!(try_claim(&store, 5, &request("other", r#"{"a":2,"b":"x"}"#), NOW), Claimed::Fresh(_)));
        let later = NOW.plus_seconds(KEEP_SECONDS);
        assert!(matches!(try_claim(&store, 6, &request("k", r#"{"a":2,"b":"x"}"#), later), Claimed::Fresh(_)));
    }

    #[test]
    fn requests_of_two_keys_or_operations_never_meet() {
        let body = b"{}";
        let of = |cx: &Ctx, operation: &str, key: &str| Request::of(&master(), cx, operation, key, "/p", body);
        let other = Caller { key: KeyId::draw(NOW, &mut Seed::new([2; 32])), ..cx(0, NOW).caller };
        let other = Ctx::new(other, NOW, Seed::new([0; 32]));
        let base = of(&cx(0, NOW), "a", "k");
        assert_ne!(base.name, of(&other, "a", "k").name);
        assert_ne!(base.name, of(&cx(0, NOW), "ak", "").name);
        assert_ne!(base.name, of(&cx(0, NOW), "b", "k").name);
    }

    #[test]
    fn a_claim_that_was_left_is_taken_over_and_no_longer_its_holders() {
        let store = MemoryStore::new(CATALOG);
        let one = request("k", "{}");
        let Claimed::Fresh(gone) = try_claim(&store, 1, &one, NOW) else { panic!("fresh") };
        let just_before = Time::from_micros(NOW.plus_seconds(CLAIM_SECONDS).as_micros() - 1);
        assert_eq!(try_claim(&store, 2, &one, just_before), Claimed::InFlight);
        let later = NOW.plus_seconds(CLAIM_SECONDS);
        let Claimed::Fresh(new) = try_claim(&store, 3, &one, later) else { panic!("taken over") };
        let tenant = TenantId::default_tenant();
        let late = gone.clone();
        run(&store, move |tx| answer(tx, &tenant, &late, "late", &master(), later, &mut Seed::new([5; 32])));
        run(&store, move |tx| release(tx, &TenantId::default_tenant(), &gone));
        assert_eq!(try_claim(&store, 4, &one, later), Claimed::InFlight);
        run(&store, move |tx| release(tx, &TenantId::default_tenant(), &new));
        assert!(matches!(try_claim(&store, 5, &one, later), Claimed::Fresh(_)));
    }

    #[test]
    fn what_was_carried_out_is_not_carried_out_again_though_its_answer_was_lost() {
        let store = MemoryStore::new(CATALOG);
        let one = request("k", "{}");
        let Claimed::Fresh(holder) = try_claim(&store, 1, &one, NOW) else { panic!("fresh") };
        let held = holder.clone();
        run(&store, move |tx| begin(tx, &TenantId::default_tenant(), &held, NOW));
        let held = holder.clone();
        assert!(!run(&store, move |tx| release(tx, &TenantId::default_tenant(), &held)), "it must be answered");
        assert_eq!(try_claim(&store, 2, &one, NOW), Claimed::InFlight);
        let later = NOW.plus_seconds(CLAIM_SECONDS);
        assert_eq!(run(&store, move |tx| purge(tx, &TenantId::default_tenant(), later.plus_seconds(1), 9)), 0);
        assert_eq!(try_claim(&store, 3, &one, later), Claimed::Lost);
        assert_eq!(try_claim(&store, 3, &request("k", "[]"), later), Claimed::Mismatch);
        let held = holder.clone();
        run(&store, move |tx| {
            answer(tx, &TenantId::default_tenant(), &held, "late", &master(), later, &mut Seed::new([5; 32]))
        });
        assert!(matches!(try_claim(&store, 4, &one, later), Claimed::Answered(_)), "a slow answer still counts");
    }

    #[test]
    fn who_was_taken_over_carries_nothing_out() {
        let store = MemoryStore::new(CATALOG);
        let one = request("k", "{}");
        let Claimed::Fresh(slow) = try_claim(&store, 1, &one, NOW) else { panic!("fresh") };
        let later = NOW.plus_seconds(CLAIM_SECONDS);
        let Claimed::Fresh(quick) = try_claim(&store, 2, &one, later) else { panic!("taken over") };
        run(&store, move |tx| {
            assert_eq!(begin(tx, &TenantId::default_tenant(), &slow, later), Err(AccessError::ClaimGone));
            begin(tx, &TenantId::default_tenant(), &quick, later)
        });
    }

    #[test]
    fn what_ended_is_purged_and_counted_back() {
        let store = MemoryStore::new(CATALOG);
        for n in 0..5 {
            try_claim(&store, n, &request(&n.to_string(), "{}"), NOW);
        }
        let total = |store: &MemoryStore| {
            run(store, |tx| {
                let all = tx.balances(&super::CLAIM_COUNTS, &TenantId::default_tenant(), "", 10)?;
                Ok(all.iter().map(|(_, balance)| balance.total).sum::<i64>())
            })
        };
        assert_eq!(total(&store), -5);
        let gone = |store: &MemoryStore, now| run(store, move |tx| purge(tx, &TenantId::default_tenant(), now, 3));
        assert_eq!(gone(&store, NOW), 0);
        let later = NOW.plus_seconds(CLAIM_SECONDS + 1);
        assert_eq!((gone(&store, later), gone(&store, later), gone(&store, later)), (3, 2, 0));
        assert_eq!(total(&store), 0);
    }
}
