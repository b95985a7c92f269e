//! What keys and loops may give to whom, over the memory store.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    AccessError, Caller, Ctx, Effective, LoopKind, LoopStatus, Plan, Scope, Scopes,
    issue::{self, Wanted},
    key::{self, Minted},
    loops::{self, Loop, NewLoop, Patch},
};
use crate::{
    base::{
        Risk, Seed, TenantId, Time,
        id::LoopId,
        secret::{MasterKey, TokenHash},
    },
    engine::CATALOG,
    store::{Lane, Store, StoreError, StoreExt, Tx, memory::MemoryStore, wait},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

struct World {
    store: Arc<dyn Store>,
    drawn: u8,
}

impl World {
    fn new() -> Self {
        Self { store: Arc::new(MemoryStore::new(CATALOG)), drawn: 0 }
    }

    /// Runs a use case in a transaction of its own.
    fn run<T: Send + 'static>(
        &mut self,
        caller: &Caller,
        work: impl Fn(&mut dyn Tx, &Ctx) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        self.drawn += 1;
        let (caller, seed) = (caller.clone(), [self.drawn; 32]);
        wait(self.store.transact("test", Lane::Normal, move |tx| {
            let cx = Ctx::new(caller.clone(), NOW, Seed::new(seed));
            work(tx, &cx)
        }))
    }

    fn loop_of(&mut self, caller: &Caller, parent: Option<LoopId>, permissions: Scopes) -> Result<Loop, AccessError> {
        let new = new_loop(parent, permissions);
        self.run(caller, move |tx, cx| loops::create(tx, cx, &new))
    }

    fn key_of(&mut self, caller: &Caller, loop_id: Option<LoopId>, scopes: Scopes) -> Result<Minted, AccessError> {
        let wanted = Wanted { name: "k".into(), scopes, loop_id, expires_at: None, sandboxed: false };
        self.run(caller, move |tx, cx| issue::create(tx, cx, &wanted))
    }

    fn who(&mut self, minted: &Minted) -> Result<Caller, AccessError> {
        let hash = TokenHash::of(minted.token.expose());
        self.run(&admin(), move |tx, _| key::authenticate(tx, hash, NOW))
    }

    fn patch(&mut self, caller: &Caller, id: LoopId, patch: Patch) -> Result<Loop, AccessError> {
        self.run(caller, move |tx, cx| loops::patch(tx, cx, id, &patch))
    }
}

fn new_loop(parent: Option<LoopId>, permissions: Scopes) -> NewLoop {
    NewLoop {
        tag: None,
        kind: if parent.is_some() { LoopKind::Sub } else { LoopKind::Developer },
        owner_id: None,
        parent,
        skills: Vec::new(),
        permissions: Some(permissions),
        plan: None,
        risk_ceiling: None,
        spend_limit: None,
    }
}

fn admin() -> Caller {
    Caller { scopes: Scopes::all(), ..Caller::system(TenantId::default_tenant(), "admin") }
}

fn set(scopes: &[Scope]) -> Scopes {
    scopes.iter().copied().collect()
}

#[test]
fn a_loops_key_holds_what_the_whole_line_allows_at_that_moment() {
    let mut world = World::new();
    let both = set(&[Scope::TrustRead, Scope::AapRead]);
    let root = world.loop_of(&admin(), None, both).unwrap();
    let sub = world.loop_of(&admin(), Some(root.id), Scopes::all()).unwrap();
    let key = world.key_of(&admin(), Some(sub.id), set(&[Scope::TrustRead, Scope::AapSend])).unwrap();
    assert_eq!(world.who(&key).unwrap().scopes, set(&[Scope::TrustRead]));
    world.patch(&admin(), root.id, Patch { permissions: Some(Scopes::NONE), ..Patch::default() }).unwrap();
    assert_eq!(world.who(&key).unwrap().scopes, Scopes::NONE);
    world.patch(&admin(), root.id, Patch { permissions: Some(Scopes::all()), ..Patch::default() }).unwrap();
    assert_eq!(world.who(&key).unwrap().scopes, set(&[Scope::TrustRead, Scope::AapSend]));
    let asleep = Patch { status: Some(LoopStatus::Suspended), ..Patch::default() };
    world.patch(&admin(), root.id, asleep).unwrap();
    let caller = world.who(&key).unwrap();
    assert!(caller.suspended && matches!(caller.awake(), Err(AccessError::Suspended)));
}

#[test]
fn a_call_under_way_notices_that_its_loop_may_do_less() {
    let mut world = World::new();
    let root = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let key = world.key_of(&admin(), Some(root.id), set(&[Scope::TrustRead])).unwrap();
    let caller = world.who(&key).unwrap();
    let check = |world: &mut World| world.run(&caller, |tx, cx| cx.caller.recheck(tx, NOW));
    world.patch(&admin(), root.id, Patch { plan: Some(Plan::Pro), ..Patch::default() }).unwrap();
    assert_eq!(check(&mut world), Ok(()));
    world.patch(&admin(), root.id, Patch { status: Some(LoopStatus::Suspended), ..Patch::default() }).unwrap();
    assert_eq!(check(&mut world), Err(AccessError::Moved));
}

#[test]
fn no_key_gives_more_than_it_holds() {
    let mut world = World::new();
    let own = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let other = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let under = world.loop_of(&admin(), Some(own.id), Scopes::all()).unwrap();
    let managing = set(&[Scope::KeysManage, Scope::TrustRead, Scope::LoopsWrite]);
    let key = world.key_of(&admin(), Some(own.id), managing).unwrap();
    let manager = world.who(&key).unwrap();
    let wider = world.key_of(&manager, None, set(&[Scope::ToolsInvoke]));
    assert_eq!(wider.unwrap_err(), AccessError::Wider(Scope::ToolsInvoke));
    assert_eq!(world.key_of(&manager, Some(other.id), Scopes::NONE).unwrap_err(), AccessError::Foreign);
    let given = world.key_of(&manager, None, set(&[Scope::TrustRead])).unwrap();
    assert_eq!(given.key.loop_id, Some(own.id), "a loop's key never makes one of the tenant itself");
    assert_eq!(world.key_of(&manager, Some(under.id), Scopes::NONE).unwrap().key.loop_id, Some(under.id));

    // Rotating hands the new key over, so it is giving too.
    let wide = world.key_of(&admin(), Some(own.id), set(&[Scope::ToolsInvoke])).unwrap();
    let foreign = world.key_of(&admin(), Some(other.id), Scopes::NONE).unwrap();
    let rotate = |world: &mut World, id: String| world.run(&manager, move |tx, cx| issue::rotate(tx, cx, &id, 0));
    assert_eq!(rotate(&mut world, wide.key.id.to_string()).unwrap_err(), AccessError::Wider(Scope::ToolsInvoke));
    assert_eq!(rotate(&mut world, foreign.key.id.to_string()).unwrap_err(), AccessError::NotFound);
    assert!(world.who(&wide).is_ok() && world.who(&foreign).is_ok());

    // Nor does it change its own loop. One beside it is its owner's, and not its own to command.
    assert_eq!(world.patch(&manager, own.id, Patch::default()).unwrap_err(), AccessError::Foreign);
    assert!(world.patch(&manager, under.id, Patch::default()).is_ok());
    let beside = world.loop_of(&manager, None, Scopes::NONE).unwrap();
    let better = NewLoop { plan: Some(Plan::Pro), ..new_loop(None, Scopes::NONE) };
    let better = world.run(&manager, move |tx, cx| loops::create(tx, cx, &better));
    assert!(matches!(better.unwrap_err(), AccessError::Invalid(_)));
    assert_eq!(beside.owner_id, own.owner_id);
    assert_eq!(world.key_of(&manager, Some(beside.id), Scopes::NONE).unwrap_err(), AccessError::Foreign);
    assert_eq!(world.patch(&manager, beside.id, Patch::default()).unwrap_err(), AccessError::Foreign);
    assert_eq!(world.loop_of(&manager, Some(other.id), Scopes::NONE).unwrap_err(), AccessError::Foreign);
    assert!(world.loop_of(&manager, Some(under.id), Scopes::NONE).is_ok());
}

#[test]
fn what_a_loop_and_all_that_came_of_it_make_is_bounded_and_others_go_on() {
    let mut world = World::new();
    let own = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let other = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let [own_key, other_key] = [own.id, other.id].map(|id| world.key_of(&admin(), Some(id), Scopes::all()).unwrap());
    let (maker, stranger) = (world.who(&own_key).unwrap(), world.who(&other_key).unwrap());
    let child = world.loop_of(&maker, Some(own.id), Scopes::all()).unwrap();
    let child_key = world.key_of(&maker, Some(child.id), Scopes::all()).unwrap();
    let heir = world.who(&child_key).unwrap();
    assert_eq!((maker.sponsor, child.sponsor, heir.sponsor), (Some(own.id), Some(own.id), Some(own.id)));

    let new = new_loop(None, Scopes::NONE);
    let made = world.run(&maker, move |tx, cx| {
        let mut made = 0;
        while made < 2 * loops::MAX_LOOPS_BY_LOOP && loops::create(tx, cx, &new).is_ok() {
            made += 1;
        }
        Ok(made)
    });
    assert_eq!(made.unwrap(), loops::MAX_LOOPS_BY_LOOP - 1);
    for who in [&maker, &heir] {
        let refused = world.loop_of(who, None, Scopes::NONE).unwrap_err();
        assert_eq!(refused, AccessError::TooManyLoopsByLoop(loops::MAX_LOOPS_BY_LOOP));
    }
    assert!(
        world.loop_of(&stranger, None, Scopes::NONE).is_ok() && world.loop_of(&admin(), None, Scopes::NONE).is_ok()
    );

    let made = world.run(&heir, |tx, cx| {
        let wanted =
            Wanted { name: "k".into(), scopes: Scopes::NONE, loop_id: None, expires_at: None, sandboxed: false };
        let mut made = 0;
        while made < 2 * key::MAX_KEYS_BY_LOOP && issue::create(tx, cx, &wanted).is_ok() {
            made += 1;
        }
        Ok(made)
    });
    assert_eq!(made.unwrap(), key::MAX_KEYS_BY_LOOP - 1);
    let full = AccessError::TooManyByLoop(key::MAX_KEYS_BY_LOOP);
    assert_eq!(world.key_of(&maker, None, Scopes::NONE).unwrap_err(), full);
    assert!(world.key_of(&stranger, None, Scopes::NONE).is_ok() && world.key_of(&admin(), None, Scopes::NONE).is_ok());
    let id = child_key.key.id.to_string();
    world.run(&maker, move |tx, cx| issue::revoke(tx, cx, &id).map(drop)).unwrap();
    assert!(world.key_of(&maker, None, Scopes::NONE).is_ok(), "what was revoked makes room");
}

#[test]
fn idempotency_keys_of_a_loop_are_bounded_and_others_go_on() {
    use super::idempotency::{CLAIM_COUNTS, Claimed, KEEP_SECONDS, MAX_CLAIMS_BY_LOOP, Request, claim, purge, release};
    let mut world = World::new();
    let ids = [1, 2].map(|_| world.loop_of(&admin(), None, Scopes::all()).unwrap().id);
    let [maker, stranger] = ids.map(|id| {
        let minted = world.key_of(&admin(), Some(id), Scopes::all()).unwrap();
        world.who(&minted).unwrap()
    });
    let ask = |world: &mut World, who: &Caller, name: &'static str| {
        world.run(who, move |tx, cx| {
            let request = Request::of(&MasterKey::new([1; 32]), cx, "loop.create", name, "/p", b"{}");
            claim(tx, cx, &request)
        })
    };
    // One more fits.
    let account = format!("claims/{}", ids[0]);
    world
        .run(&admin(), move |tx, cx| Ok(tx.add(&CLAIM_COUNTS, cx.tenant(), &account, 1 - MAX_CLAIMS_BY_LOOP, None)?))
        .unwrap();
    let Claimed::Fresh(held) = ask(&mut world, &maker, "a").unwrap() else { panic!("fresh") };
    assert_eq!(ask(&mut world, &maker, "b").unwrap_err(), AccessError::TooManyClaims);
    assert!(matches!(ask(&mut world, &maker, "a"), Ok(Claimed::InFlight)));
    assert!(ask(&mut world, &stranger, "b").is_ok() && ask(&mut world, &admin(), "b").is_ok());
    world.run(&maker, move |tx, cx| release(tx, cx.tenant(), &held).map(drop)).unwrap();
    assert!(matches!(ask(&mut world, &maker, "b"), Ok(Claimed::Fresh(_))), "what was given up makes room");
    assert_eq!(ask(&mut world, &maker, "c").unwrap_err(), AccessError::TooManyClaims);
    let ended = NOW.plus_seconds(KEEP_SECONDS + 1);
    assert_eq!(world.run(&admin(), move |tx, cx| purge(tx, cx.tenant(), ended, 100)), Ok(3));
    assert!(ask(&mut world, &maker, "c").is_ok(), "what ended makes room");
}

#[test]
fn a_sandbox_key_begets_sandbox_keys() {
    let mut world = World::new();
    let caller = Caller { sandboxed: true, ..admin() };
    assert_eq!(world.key_of(&caller, None, Scopes::NONE).unwrap_err(), AccessError::Sandboxed);
    let live = world.key_of(&admin(), None, Scopes::NONE).unwrap();
    let id = live.key.id.to_string();
    let taken = world.run(&caller, move |tx, cx| issue::rotate(tx, cx, &id, 0));
    assert_eq!(taken.unwrap_err(), AccessError::Sandboxed);
    let id = live.key.id.to_string();
    let ended = world.run(&caller, move |tx, cx| issue::revoke(tx, cx, &id).map(|_| ()));
    assert_eq!(ended.unwrap_err(), AccessError::Sandboxed);
    assert!(world.who(&live).is_ok());
    let wanted = Wanted { name: "t".into(), scopes: Scopes::all(), loop_id: None, expires_at: None, sandboxed: true };
    let test = world.run(&caller, move |tx, cx| issue::create(tx, cx, &wanted)).unwrap();
    let who = world.who(&test).unwrap();
    assert!(test.token.expose().starts_with("lk_test_") && who.sandboxed);
    for real in [Scope::ApprovalsDecide, Scope::RulesWrite, Scope::ToolsBlock, Scope::CreditsGrant, Scope::LoopsWrite] {
        assert!(!who.scopes.has(real), "{real}");
    }
    assert!(who.scopes.has(Scope::ToolsInvoke) && who.scopes.has(Scope::TasksWrite));
}

#[test]
fn a_key_is_rotated_once() {
    let mut world = World::new();
    let old = world.key_of(&admin(), None, set(&[Scope::TrustRead])).unwrap();
    let rotate =
        |world: &mut World, id: String, grace| world.run(&admin(), move |tx, cx| issue::rotate(tx, cx, &id, grace));
    let new = rotate(&mut world, old.key.id.to_string(), 0).unwrap();
    assert_eq!((new.key.scopes, new.token.expose().len()), (old.key.scopes, 56));
    assert_eq!(world.who(&old).unwrap_err(), AccessError::Unauthenticated);
    assert!(world.who(&new).is_ok());
    assert_eq!(rotate(&mut world, old.key.id.to_string(), 0).unwrap_err(), AccessError::Retired);

    let newest = rotate(&mut world, new.key.id.to_string(), 60).unwrap();
    assert!(world.who(&new).is_ok() && world.who(&newest).is_ok(), "both work while grace lasts");
    assert_eq!(rotate(&mut world, new.key.id.to_string(), 60).unwrap_err(), AccessError::Retired);
    let hash = TokenHash::of(new.token.expose());
    let later = world.run(&admin(), move |tx, _| key::authenticate(tx, hash, NOW.plus_seconds(60)));
    assert_eq!(later.unwrap_err(), AccessError::Unauthenticated);
    assert!(matches!(rotate(&mut world, newest.key.id.to_string(), 86_401), Err(AccessError::Invalid(_))));
}

#[test]
fn lines_end_at_five_and_tags_are_one_name_in_every_case() {
    let mut world = World::new();
    let mut above = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    for _ in 1..super::MAX_LINE {
        above = world.loop_of(&admin(), Some(above.id), Scopes::all()).unwrap();
    }
    assert_eq!(world.loop_of(&admin(), Some(above.id), Scopes::all()).unwrap_err(), AccessError::TooDeep);
    let line = world.run(&admin(), move |tx, cx| loops::lineage(tx, cx.tenant(), above.id)).unwrap();
    assert_eq!((line.len(), line[0].id, line[4].parent), (5, above.id, None));

    let named = |tag: &str| NewLoop { tag: Some(tag.to_owned()), ..new_loop(None, Scopes::all()) };
    let acme = named("Acme_Business");
    let acme = world.run(&admin(), move |tx, cx| loops::create(tx, cx, &acme)).unwrap();
    let again = named("@acme_business");
    let again = world.run(&admin(), move |tx, cx| loops::create(tx, cx, &again));
    assert_eq!(again.unwrap_err(), AccessError::TagTaken);
    for (name, found) in
        [("@ACME_business", true), (&*acme.id.to_string(), true), ("acme_business", false), ("@", false)]
    {
        let name = name.to_owned();
        let got = world.run(&admin(), move |tx, cx| loops::resolve(tx, cx.tenant(), &name));
        assert_eq!(got.map(|one| one.id).ok(), found.then_some(acme.id));
    }
    for bad in ["", "a", "1a", "a b", "ä_b", &"a".repeat(65)] {
        let bad = named(bad);
        assert_eq!(world.run(&admin(), move |tx, cx| loops::create(tx, cx, &bad)).unwrap_err(), AccessError::Tag);
    }
}

#[test]
fn what_changed_is_told_by_epoch() {
    let mut world = World::new();
    let first = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let second = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let changed = |world: &mut World, after: u64| {
        let all = world.run(&admin(), move |tx, cx| loops::changed_after(tx, cx.tenant(), after)).unwrap();
        all.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(changed(&mut world, 0), [first.id, second.id]);
    assert_eq!(changed(&mut world, first.epoch), [second.id]);
    let first = world.patch(&admin(), first.id, Patch { plan: Some(Plan::Pro), ..Patch::default() }).unwrap();
    assert_eq!(changed(&mut world, second.epoch), [first.id]);
    assert_eq!(changed(&mut world, first.epoch), []);
}

#[test]
fn a_line_that_is_broken_lets_nothing_through() {
    let nothing = Effective::of(&[]);
    assert!(nothing.suspended && nothing.permissions == Scopes::NONE && nothing.plan == Plan::Free);
    let mut world = World::new();
    let root = world.loop_of(&admin(), None, Scopes::all()).unwrap();
    let key = world.key_of(&admin(), Some(root.id), set(&[Scope::TrustRead])).unwrap();
    world
        .run(&admin(), move |tx, cx| {
            tx.delete(&loops::LOOPS, cx.tenant(), &root.id.to_string())?;
            Ok::<_, StoreError>(()).map_err(AccessError::from)
        })
        .unwrap();
    assert!(world.who(&key).is_err());
}

fn some_loop() -> impl Strategy<Value = (u64, bool, usize, Option<usize>, Option<u64>, u8)> {
    (any::<u64>(), any::<bool>(), 0..3_usize, prop::option::of(0..4_usize), prop::option::of(0..100_u64), any::<u8>())
}

proptest! {
    #[test]
    fn what_holds_for_a_loop_is_never_wider_than_any_loop_above_it(parts in prop::collection::vec(some_loop(), 1..6)) {
        let mut seed = Seed::new([9; 32]);
        let line: Vec<Loop> = parts.into_iter().map(|(bits, asleep, plan, ceiling, limit, skills)| Loop {
            id: LoopId::draw(NOW, &mut seed),
            tag: "t".into(),
            kind: LoopKind::Sub,
            status: if asleep { LoopStatus::Suspended } else { LoopStatus::Active },
            owner_id: "o".into(),
            parent: None,
            sponsor: None,
            verified: false,
            skills: (0..8).filter(|n| skills >> n & 1 == 1).map(|n| format!("s{n}")).collect(),
            permissions: Scope::ALL.into_iter().filter(|scope| bits >> (*scope as u8) & 1 == 1).collect(),
            plan: Plan::ALL[plan],
            risk_ceiling: ceiling.map(|at| Risk::ALL[at]),
            spend_limit: limit,
            signing_keys: Vec::new(),
            epoch: 1,
            created_at: NOW,
            updated_at: NOW,
        }).collect();
        let held = Effective::of(&line);
        for one in &line {
            prop_assert!(one.permissions.covers(held.permissions));
            prop_assert!(held.suspended || one.status == LoopStatus::Active);
            prop_assert!(held.plan <= one.plan);
            prop_assert!(one.risk_ceiling.is_none_or(|top| held.risk_ceiling.is_some_and(|held| held <= top)));
            prop_assert!(one.spend_limit.is_none_or(|top| held.spend_limit.is_some_and(|held| held <= top)));
        }
        for one in line.iter().filter(|one| !one.skills.is_empty()) {
            let skills = held.skills.as_ref().expect("narrowed");
            prop_assert!(skills.iter().all(|skill| one.skills.contains(skill)));
        }
        for scope in Scope::ALL {
            prop_assert_eq!(held.permissions.has(scope), line.iter().all(|one| one.permissions.has(scope)));
        }
    }
}
