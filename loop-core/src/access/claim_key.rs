//! The key in a claim's prompt: it can read and change the one issue that was claimed, comment it and review the
//! prompt, and nothing else.
//!
//! It is not stored. Its text says whose it is, what for and until when, behind an HMAC-SHA256 under a key of the
//! tenant's own. It lives a day at most and never longer than the key that claimed: revoking that one, or taking
//! `dispatch:claim` from it, ends every claim key that came of it. Whether the claim is still the issue's newest is for
//! the use case to ask.

use hmac::Mac;

use super::{AccessError, Caller, Scope, key};
use crate::{
    base::{
        TenantId, Time,
        host::keyed,
        id::{IssueId, KeyId},
        secret::{MasterKey, Secret, TokenHash, hex, same, unhex},
    },
    store::Tx,
};

/// What every such key begins with.
pub const PREFIX: &str = "lk_claim_";
/// How long one works, in seconds.
pub const LIFE: i64 = 86_400;
/// What a prompt shows in its place when nothing was claimed. It opens nothing.
pub const PREVIEW: &str = "lk_claim_preview";

/// What a claim key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// The issue that was claimed.
    pub issue: IssueId,
    /// Which claim of that issue it was; a later one has a greater number.
    pub number: u64,
}

/// What a genuine claim key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimKey {
    tenant: TenantId,
    key: KeyId,
    claimed: Claimed,
    expires_at: Time,
    hash: TokenHash,
}

/// Makes the key of a claim by `caller`.
#[must_use]
pub fn mint(master: &MasterKey, caller: &Caller, claimed: Claimed, now: Time) -> Secret {
    let end = now.plus_seconds(LIFE);
    let expires_at = caller.expires_at.map_or(end, |own| own.min(end));
    let Claimed { issue, number } = claimed;
    let said = format!("{PREFIX}{}.{}.{issue}.{number}.{}", caller.tenant, caller.key, expires_at.as_micros());
    let mac = hex(&seal(master, &caller.tenant, &said));
    Secret::new(format!("{said}.{mac}"))
}

/// Reads a claim key; `None` for any text that [`mint`] did not make under this master key. It may have expired.
#[must_use]
pub fn read(master: &MasterKey, token: &str) -> Option<ClaimKey> {
    let (said, mac) = token.rsplit_once('.')?;
    let mut parts = said.strip_prefix(PREFIX)?.split('.');
    let tenant = TenantId::parse(parts.next()?)?;
    if !same(&unhex::<32>(mac)?, &seal(master, &tenant, said)) || mac.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let key = KeyId::parse(parts.next()?)?;
    let issue = IssueId::parse(parts.next()?)?;
    let number = parts.next()?.parse().ok()?;
    let expires_at = Time::from_micros(parts.next()?.parse().ok()?);
    let claimed = Claimed { issue, number };
    parts.next().is_none().then(|| ClaimKey { tenant, key, claimed, expires_at, hash: TokenHash::of(token) })
}

/// Who presents a claim key.
///
/// # Errors
/// [`AccessError::Unauthenticated`] once it has expired, or when the key that claimed was revoked, has expired or may no
/// longer claim.
pub fn authenticate(tx: &mut dyn Tx, claim: &ClaimKey, now: Time) -> Result<Caller, AccessError> {
    let ClaimKey { tenant, key, claimed, expires_at, hash } = claim;
    if *expires_at <= now {
        return Err(AccessError::Unauthenticated);
    }
    let caller = key::holder(tx, *key, now)?;
    if caller.tenant != *tenant || !caller.scopes.has(Scope::DispatchClaim) {
        return Err(AccessError::Unauthenticated);
    }
    Ok(Caller {
        hash: *hash,
        name: format!("claim by {}", caller.name).into(),
        scopes: [Scope::IssuesClaimed].into_iter().collect(),
        expires_at: Some(caller.expires_at.map_or(*expires_at, |own| own.min(*expires_at))),
        claimed: Some(*claimed),
        ..caller
    })
}

/// As [`authenticate`], for a caller that came in before.
pub(super) fn again(tx: &mut dyn Tx, caller: &Caller, claimed: Claimed, now: Time) -> Result<Caller, AccessError> {
    let expires_at = caller.expires_at.ok_or(AccessError::Unauthenticated)?;
    let Caller { tenant, key, hash, .. } = caller;
    authenticate(tx, &ClaimKey { tenant: tenant.clone(), key: *key, claimed, expires_at, hash: *hash }, now)
}

fn seal(master: &MasterKey, tenant: &TenantId, said: &str) -> [u8; 32] {
    let mut mac = keyed(&master.derive("claim.key", tenant.as_str()));
    mac.update(b"loop.claim_key.1");
    mac.update(said.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::{Claimed, PREVIEW, authenticate, mint, read};
    use crate::{
        access::{
            AccessError, Caller, Scope, Scopes,
            key::{self, Form, NewKey},
        },
        base::{
            Seed, TenantId, Time,
            id::IssueId,
            secret::{MasterKey, TokenHash},
        },
        engine::CATALOG,
        store::{Lane, StoreExt, Tx, memory::MemoryStore},
    };

    const NOW: Time = Time::from_micros(1_795_000_000_000_000);

    fn claimed() -> Claimed {
        Claimed { issue: IssueId::draw(NOW, &mut Seed::new([4; 32])), number: 7 }
    }

    /// A store with a key that may claim, and its caller.
    fn agent(scopes: &[Scope]) -> (MemoryStore, Caller) {
        let store = MemoryStore::new(CATALOG);
        let new = NewKey {
            name: "agent".into(),
            scopes: scopes.iter().copied().collect(),
            expires_at: None,
            loop_id: None,
            form: Form::Live,
            sponsor: None,
            project: None,
        };
        let caller = run(&store, move |tx| {
            let minted = key::mint(tx, &TenantId::default_tenant(), &new, NOW, &mut Seed::new([1; 32]))?;
            key::authenticate(tx, TokenHash::of(minted.token.expose()), NOW)
        });
        (store, caller.unwrap())
    }

    fn run<T: Send + 'static>(
        store: &MemoryStore,
        work: impl FnMut(&mut dyn Tx) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        store.transact("test", Lane::Normal, work).wait()
    }

    fn enter(store: &MemoryStore, master: &MasterKey, token: &str, now: Time) -> Result<Caller, AccessError> {
        let claim = read(master, token).ok_or(AccessError::Unauthenticated)?;
        run(store, move |tx| authenticate(tx, &claim, now))
    }

    #[test]
    fn it_opens_one_issue_and_nothing_else() {
        let (store, caller) = agent(&[Scope::DispatchClaim, Scope::IssuesWrite]);
        let master = MasterKey::new([5; 32]);
        let token = mint(&master, &caller, claimed(), NOW);
        assert!(token.expose().len() <= 256, "{}", token.expose().len());
        let inside = enter(&store, &master, token.expose(), NOW).unwrap();
        assert_eq!((inside.claimed, inside.key), (Some(claimed()), caller.key));
        assert_eq!(inside.scopes.iter().collect::<Vec<_>>(), [Scope::IssuesClaimed]);
        assert!(inside.may_touch(claimed().issue));
        assert!(!inside.may_touch(IssueId::draw(NOW, &mut Seed::new([9; 32]))));
        assert!(caller.may_touch(IssueId::draw(NOW, &mut Seed::new([9; 32]))));
    }

    #[test]
    fn any_change_to_it_makes_it_worthless() {
        let (_, caller) = agent(&[Scope::DispatchClaim]);
        let master = MasterKey::new([5; 32]);
        let token = mint(&master, &caller, claimed(), NOW);
        let text = token.expose();
        assert!(read(&master, text).is_some());
        assert!(read(&MasterKey::new([6; 32]), text).is_none());
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(read(&master, std::str::from_utf8(&bytes).unwrap()).is_none(), "byte {at}");
        }
        let shorter = text.strip_suffix(|_: char| true).unwrap();
        for other in [shorter, &format!("{text}0"), &text.to_uppercase(), "", PREVIEW, "lk_claim_."] {
            assert!(read(&master, other).is_none(), "{other}");
        }
        let mac = text.rsplit_once('.').unwrap().1;
        assert!(read(&master, &text.replace(mac, &mac.to_uppercase())).is_none());
    }

    #[test]
    fn it_ends_by_itself_and_with_the_key_that_claimed() {
        let (store, caller) = agent(&[Scope::DispatchClaim]);
        let master = MasterKey::new([5; 32]);
        let token = mint(&master, &caller, claimed(), NOW);
        let inside = enter(&store, &master, token.expose(), NOW.plus_seconds(super::LIFE - 1)).unwrap();
        let late = enter(&store, &master, token.expose(), NOW.plus_seconds(super::LIFE));
        assert_eq!(late.unwrap_err(), AccessError::Unauthenticated);
        let id = caller.key.to_string();
        run(&store, move |tx| key::revoke(tx, &TenantId::default_tenant(), &id, NOW)).unwrap();
        assert_eq!(enter(&store, &master, token.expose(), NOW).unwrap_err(), AccessError::Unauthenticated);
        let checked = run(&store, move |tx| inside.recheck(tx, NOW));
        assert_eq!(checked.unwrap_err(), AccessError::Unauthenticated);
    }

    #[test]
    fn whoever_may_not_claim_has_no_use_for_one() {
        let master = MasterKey::new([5; 32]);
        let (store, caller) = agent(&[Scope::IssuesWrite]);
        let token = mint(&master, &caller, claimed(), NOW);
        assert_eq!(enter(&store, &master, token.expose(), NOW).unwrap_err(), AccessError::Unauthenticated);
        let system = Caller { scopes: Scopes::all(), ..Caller::system(TenantId::default_tenant(), "worker") };
        let token = mint(&master, &system, claimed(), NOW);
        assert_eq!(enter(&store, &master, token.expose(), NOW).unwrap_err(), AccessError::Unauthenticated);
    }

    #[test]
    fn a_change_elsewhere_leaves_it_working() {
        let (store, caller) = agent(&[Scope::DispatchClaim]);
        let master = MasterKey::new([5; 32]);
        let token = mint(&master, &caller, claimed(), NOW);
        let inside = enter(&store, &master, token.expose(), NOW).unwrap();
        run(&store, |tx| Ok(tx.bump_epoch(&TenantId::default_tenant())?)).unwrap();
        run(&store, move |tx| inside.recheck(tx, NOW)).unwrap();
    }
}
