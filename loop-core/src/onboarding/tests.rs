//! Projects from their making to their end, on the reference store.

use super::{
    OnboardingError, Project,
    code::{self, Purpose},
    expire, keep,
    project::{self, DEFAULT, Pair, agent_scopes, producer_scopes},
    provision::{self, Asker, Grants, Provisioned, Wanted, Way},
    quota,
};
use crate::{
    access::{AccessError, Caller, Ctx, Scope, Scopes, key, tenant},
    base::{
        Seed, TenantId, Time,
        secret::{MasterKey, Secret, TokenHash},
    },
    engine::CATALOG,
    store::{Lane, StoreExt, Tx, memory::MemoryStore},
};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);
const WEEK: i64 = 7 * 86_400;

fn sandbox() -> TenantId {
    TenantId::parse("sandbox").unwrap()
}

fn grants() -> Grants {
    Grants { sandbox: sandbox(), most: 100, quota_spans: 10, life: WEEK, graduates: false, tenant_quota: None }
}

fn secret() -> Secret {
    Secret::new("test-secret")
}

fn named(name: &str) -> Wanted {
    Wanted { name: Some(name.to_owned()), ..Wanted::default() }
}

/// A context of its own randomness.
fn cx(caller: Caller, now: Time, byte: u8) -> Ctx {
    Ctx::new(caller, now, Seed::new([byte; 32])).tagging(std::sync::Arc::new(MasterKey::new([5; 32])))
}

fn stranger(now: Time, byte: u8) -> Ctx {
    cx(Caller::system(sandbox(), "test"), now, byte)
}

fn run<T: Send + 'static>(
    store: &MemoryStore,
    work: impl FnMut(&mut dyn Tx) -> Result<T, OnboardingError> + Send + 'static,
) -> Result<T, OnboardingError> {
    store.transact("test", Lane::Normal, work).wait()
}

fn ask(
    store: &MemoryStore,
    cx: Ctx,
    grants: Grants,
    asker: Asker,
    wanted: Wanted,
) -> Result<Provisioned, OnboardingError> {
    run(store, move |tx| provision::provision(tx, &cx, &grants, &asker, &wanted))
}

fn made(provisioned: Result<Provisioned, OnboardingError>) -> (Project, Pair) {
    match provisioned.unwrap() {
        Provisioned::Made(project, pair) => (project, pair),
        Provisioned::Resumed(project) => panic!("{project:?} was there"),
    }
}

fn holder(store: &MemoryStore, token: &Secret, now: Time) -> Result<Caller, OnboardingError> {
    let hash = TokenHash::of(token.expose());
    run(store, move |tx| Ok(key::authenticate(tx, hash, now)?))
}

fn works(store: &MemoryStore, pair: &Pair, now: Time) -> [bool; 2] {
    [&pair.producer, &pair.agent].map(|token| holder(store, token, now).is_ok())
}

fn take(store: &MemoryStore, id: &str, spans: u64, now: Time) -> Result<(), OnboardingError> {
    let (cx, id) = (stranger(now, 90), id.to_owned());
    run(store, move |tx| quota::take(tx, &cx, &id, spans))
}

#[test]
fn a_name_makes_one_project_and_its_own_keys_find_it_again() {
    let store = MemoryStore::new(CATALOG);
    let (project, pair) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("My App")));
    assert!(project.id.starts_with("my-app-"));
    assert_eq!((project.quota_spans, project.expires_at), (Some(10), Some(NOW.plus_seconds(WEEK))));
    let [producer, agent] = [&pair.producer, &pair.agent].map(|token| holder(&store, token, NOW).unwrap());
    assert_eq!((producer.scopes, agent.scopes), (producer_scopes(), agent_scopes()));
    assert_eq!(producer.project.as_deref(), Some(&*project.id));
    assert_eq!((agent.project.as_deref(), agent.tenant.clone()), (Some(&*project.id), sandbox()));

    let (other, _) = made(ask(&store, stranger(NOW, 2), grants(), Asker::Stranger, named("other")));
    let looked = |asker: Asker| {
        run(&store, move |tx| provision::look(tx, &stranger(NOW, 3), &grants(), &asker, &named("My App")))
            .map(|found| found.map(|stored| stored.value))
    };
    assert_eq!(looked(Asker::Stranger), Err(OnboardingError::Owned));
    assert_eq!(looked(Asker::Member(other.id)), Err(OnboardingError::Foreign));
    assert_eq!(looked(Asker::Member(project.id.clone())), Ok(Some(project.clone())));
    // Who finds the name free and comes second is told so.
    let second = ask(&store, stranger(NOW, 4), grants(), Asker::Stranger, named("My App"));
    assert_eq!(second.unwrap_err(), OnboardingError::Claimed);
    let operator = Wanted { operator: Some("ops".to_owned()), ..named("My App") };
    let (under, _) = made(ask(&store, stranger(NOW, 5), grants(), Asker::Stranger, operator));
    assert_ne!(under.id, project.id);
    assert_eq!(works(&store, &pair, NOW), [true, true]);
}

#[test]
fn who_may_make_projects_where() {
    let caller = |scopes: Scopes, project: Option<&str>| Caller {
        scopes,
        project: project.map(Box::from),
        ..Caller::system(TenantId::default_tenant(), "key")
    };
    assert_eq!(Asker::of(None), Ok(Asker::Stranger));
    assert_eq!(Asker::of(Some(&caller(Scopes::all(), Some("a-00000000")))), Ok(Asker::Member("a-00000000".into())));
    assert_eq!(Asker::of(Some(&caller(Scopes::all(), None))), Ok(Asker::Tenant));
    let suspended = Caller { suspended: true, ..caller(Scopes::all(), None) };
    assert_eq!(Asker::of(Some(&suspended)), Err(AccessError::Suspended));
    let lacks = Asker::of(Some(&caller(agent_scopes(), None)));
    assert_eq!(lacks, Err(AccessError::Scope(Scope::ProjectsWrite)));

    let store = MemoryStore::new(CATALOG);
    let tenant = |byte| cx(Caller::system(TenantId::default_tenant(), "key"), NOW, byte);
    let (own, _) = made(ask(&store, tenant(1), grants(), Asker::Tenant, named("ours")));
    assert_eq!((own.tenant, own.quota_spans, own.expires_at), (TenantId::default_tenant(), None, None));
    // A key of a tenant's project makes no other there.
    let member = Asker::Member(own.id.clone());
    let error = ask(&store, tenant(2), grants(), member, named("more")).unwrap_err();
    assert_eq!(error, OnboardingError::Foreign);
    // A stranger's name is not a tenant's to take.
    made(ask(&store, stranger(NOW, 3), grants(), Asker::Stranger, named("theirs")));
    assert_eq!(ask(&store, tenant(4), grants(), Asker::Tenant, named("theirs")).unwrap_err(), OnboardingError::Claimed);
    // And a tenant's name does not keep strangers from theirs.
    made(ask(&store, stranger(NOW, 5), grants(), Asker::Stranger, named("ours")));
}

#[test]
fn there_is_room_for_so_many_projects_of_strangers_and_for_none_when_closed() {
    let store = MemoryStore::new(CATALOG);
    let two = Grants { most: 2, ..grants() };
    for byte in [1, 2] {
        let name = named(&format!("app {byte}"));
        made(ask(&store, stranger(NOW, byte), two.clone(), Asker::Stranger, name));
    }
    let third = ask(&store, stranger(NOW, 3), two.clone(), Asker::Stranger, named("app 3"));
    assert_eq!(third.unwrap_err(), OnboardingError::TooMany(2));
    let closed = Grants { most: 0, ..grants() };
    let none = ask(&store, stranger(NOW, 4), closed.clone(), Asker::Stranger, named("app 4"));
    assert_eq!(none.unwrap_err(), OnboardingError::Closed);
    // A tenant's own projects are not strangers'.
    let tenant = cx(Caller::system(TenantId::default_tenant(), "key"), NOW, 5);
    made(ask(&store, tenant, closed, Asker::Tenant, named("ours")));
}

#[test]
fn texts_are_bounded() {
    let store = MemoryStore::new(CATALOG);
    let operated = |operator: &str| Wanted { operator: Some(operator.to_owned()), ..named("a") };
    for bad in [named(""), named(" \n"), named(&"n".repeat(201)), operated(""), operated(&"o".repeat(101))] {
        let refused = ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, bad.clone());
        assert!(matches!(refused, Err(OnboardingError::Length { .. })), "{bad:?}");
    }
    made(ask(&store, stranger(NOW, 2), grants(), Asker::Stranger, named(&"ü".repeat(200))));
}

#[test]
fn signing_up_makes_a_new_project_every_time_which_ends_and_has_no_name_to_be_found_by() {
    let store = MemoryStore::new(CATALOG);
    let graduates = Grants { graduates: true, ..grants() };
    let mut ids = Vec::new();
    for byte in [1, 2] {
        let granted = graduates.clone();
        let (project, _) = run(&store, move |tx| {
            let asker = Asker::Stranger;
            provision::mint(tx, &stranger(NOW, byte), &granted, &asker, &named("app"), Way::SignedUp)
        })
        .unwrap();
        assert_eq!(project.expires_at, Some(NOW.plus_seconds(WEEK)));
        ids.push(project.id);
    }
    assert_ne!(ids[0], ids[1]);
    let (project, _) = made(ask(&store, stranger(NOW, 3), graduates, Asker::Stranger, named("app")));
    assert_eq!((project.expires_at, project.plan), (None, None));
}

#[test]
fn a_quota_is_taken_whole_or_not_at_all() {
    let store = MemoryStore::new(CATALOG);
    let (project, _) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("app")));
    let id = &*project.id;
    take(&store, id, 8, NOW).unwrap();
    assert_eq!(take(&store, id, 3, NOW), Err(OnboardingError::Quota(10)));
    take(&store, id, 2, NOW).unwrap();
    assert_eq!(take(&store, id, 1, NOW), Err(OnboardingError::Quota(10)));
    // What was there before counts no second time.
    take(&store, id, 0, NOW).unwrap();
    assert_eq!(take(&store, id, u64::MAX, NOW), Err(OnboardingError::Quota(10)));
    take(&store, DEFAULT, u64::MAX, NOW).unwrap();
    for nobody in ["", "app-00000000", "Default"] {
        assert_eq!(take(&store, nobody, 0, NOW), Err(OnboardingError::NoProject), "{nobody}");
    }
}

#[test]
fn lost_keys_are_made_anew_and_the_old_ones_stop() {
    let store = MemoryStore::new(CATALOG);
    let (project, first) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("app")));
    let id = project.id.to_string();
    let recover = |secret: Option<Secret>, id: &str, told: &str, byte| {
        let (id, told) = (id.to_owned(), told.to_owned());
        run(&store, move |tx| keep::recover(tx, &stranger(NOW, byte), secret.as_ref(), &id, &told))
    };
    let right = code::make(&secret(), Purpose::Recover, &id);
    let upgrade = code::make(&secret(), Purpose::Upgrade, &id);
    for wrong in ["", &"0".repeat(64), upgrade.expose()] {
        let error = recover(Some(secret()), &id, wrong, 2).unwrap_err();
        assert_eq!(error, OnboardingError::RecoveryCode, "{wrong}");
    }
    assert_eq!(recover(None, &id, right.expose(), 2).unwrap_err(), OnboardingError::NoSecret);
    let ghost = code::make(&secret(), Purpose::Recover, "ghost-00000000");
    let error = recover(Some(secret()), "ghost-00000000", ghost.expose(), 2).unwrap_err();
    assert_eq!(error, OnboardingError::NoProject);
    assert_eq!(works(&store, &first, NOW), [true, true]);

    // Who came in with the old key before is noticed too: the tenant's epoch moves.
    let inside = holder(&store, &first.agent, NOW).unwrap();
    let (after, second) = recover(Some(secret()), &id, right.expose(), 3).unwrap();
    assert_eq!((works(&store, &first, NOW), works(&store, &second, NOW)), ([false, false], [true, true]));
    let checked = run(&store, move |tx| Ok(inside.recheck(tx, NOW)?));
    assert_eq!(checked, Err(OnboardingError::Access(AccessError::Unauthenticated)));
    assert_eq!((&after.id, after.expires_at, after.quota_spans), (&project.id, project.expires_at, Some(10)));
    let (_, third) = recover(Some(secret()), &id, right.expose(), 4).unwrap();
    assert_eq!((works(&store, &second, NOW), works(&store, &third, NOW)), ([false, false], [true, true]));
    // Nothing is left of the old pairs.
    let kept = run(&store, |tx| Ok(key::list(tx, &sandbox())?)).unwrap();
    assert_eq!(kept.len(), 2);
}

#[test]
fn a_code_of_its_own_makes_a_project_permanent_and_keeps_its_quota() {
    let store = MemoryStore::new(CATALOG);
    let (project, pair) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("app")));
    let (other, _) = made(ask(&store, stranger(NOW, 2), grants(), Asker::Stranger, named("other")));
    let caller = holder(&store, &pair.agent, NOW).unwrap();
    let upgrade = |told: &Secret, given: Option<Secret>| {
        let (caller, told) = (caller.clone(), told.clone());
        run(&store, move |tx| keep::upgrade(tx, &cx(caller.clone(), NOW, 9), given.as_ref(), told.expose()))
    };
    let of = |purpose, id: &str| code::make(&secret(), purpose, id);
    for wrong in [of(Purpose::Recover, &project.id), of(Purpose::Upgrade, &other.id), Secret::new("")] {
        assert_eq!(upgrade(&wrong, Some(secret())).unwrap_err(), OnboardingError::UpgradeCode);
    }
    let right = of(Purpose::Upgrade, &project.id);
    assert_eq!(upgrade(&right, None).unwrap_err(), OnboardingError::UpgradeCode);
    let late = NOW.plus_seconds(WEEK);
    assert_eq!(works(&store, &pair, late), [false, false]);
    for _ in 0..2 {
        let upgraded = upgrade(&right, Some(secret())).unwrap();
        assert_eq!((upgraded.expires_at, upgraded.plan, upgraded.quota_spans), (None, None, Some(10)));
    }
    assert_eq!(works(&store, &pair, late), [true, true]);
    // A key that is bound to no project has none to upgrade.
    let unbound = Caller { project: None, ..caller.clone() };
    let told = right.clone();
    let none = run(&store, move |tx| keep::upgrade(tx, &cx(unbound.clone(), NOW, 9), Some(&secret()), told.expose()));
    assert_eq!(none.unwrap_err(), OnboardingError::UpgradeCode);
}

#[test]
fn a_project_that_comes_again_becomes_permanent_where_the_operator_says_so() {
    let store = MemoryStore::new(CATALOG);
    let (project, pair) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("app")));
    let graduates = Grants { graduates: true, ..grants() };
    let again = ask(&store, stranger(NOW, 2), graduates, Asker::Member(project.id), named("app")).unwrap();
    let Provisioned::Resumed(resumed) = again else { panic!("a second project") };
    assert_eq!(resumed.expires_at, None);
    assert_eq!(works(&store, &pair, NOW.plus_seconds(WEEK)), [true, true]);
}

#[test]
fn a_project_ends_with_its_keys_and_gives_up_its_name() {
    let store = MemoryStore::new(CATALOG);
    let (project, pair) = made(ask(&store, stranger(NOW, 1), grants(), Asker::Stranger, named("app")));
    let (signed, before) = (project.id.clone(), NOW.plus_seconds(WEEK - 1));
    let late = NOW.plus_seconds(WEEK);
    let sweep = |now| run(&store, move |tx| expire::sweep(tx, &stranger(now, 9), 10));
    assert_eq!((works(&store, &pair, before), sweep(before)), ([true, true], Ok(false)));
    assert_eq!(works(&store, &pair, late), [false, false]);
    assert_eq!(take(&store, &project.id, 1, late), Err(OnboardingError::NoProject));
    let code = code::make(&secret(), Purpose::Recover, &project.id);
    let recovered = run(&store, move |tx| {
        keep::recover(tx, &stranger(late, 8), Some(&secret()), &signed, code.expose()).map(|_| ())
    });
    assert_eq!(recovered, Err(OnboardingError::NoProject));
    let (heir, new) = made(ask(&store, stranger(late, 2), grants(), Asker::Stranger, named("app")));
    assert_ne!(heir.id, project.id);

    assert_eq!((sweep(late), sweep(late)), (Ok(true), Ok(false)));
    let left = run(&store, |tx| project::page(tx, &sandbox(), None, 10)).unwrap();
    assert_eq!(left.iter().map(|stored| &stored.value.id).collect::<Vec<_>>(), [&heir.id]);
    assert_eq!(run(&store, |tx| Ok(key::list(tx, &sandbox())?)).unwrap().len(), 2);
    assert_eq!(works(&store, &new, late), [true, true]);
}

#[test]
fn the_first_stranger_makes_the_sandbox_with_what_every_tenant_has() {
    let store = MemoryStore::new(CATALOG);
    let there = |store: &MemoryStore| run(store, |tx| Ok(tenant::get(tx, &sandbox())?.is_some())).unwrap();
    assert!(!there(&store));
    for byte in [1, 2] {
        made(ask(&store, stranger(NOW, byte), grants(), Asker::Stranger, named(&format!("app {byte}"))));
        assert!(there(&store));
    }
}
