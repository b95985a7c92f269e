//! The outbox over the memory store.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    APPROVAL_LINKS, ATTEMPTS_MAX, CallSummary, Claimed, Due, Fate, LEASE_SECONDS, NOTICES, Notice, NoticeKind,
    NoticeState, OUTBOX, Retry, Target, links, queue,
};
use crate::{
    base::{Seed, TenantId, Time, id::ApprovalId, secret::TokenHash},
    store::{Catalog, Lane, Repo, StoreError, StoreExt, Tx, memory::MemoryStore},
    tool::Risk,
};

static CATALOG: Catalog = Catalog {
    tables: &[&NOTICES, &APPROVAL_LINKS],
    journals: &[],
    queues: &[&OUTBOX],
    spans: &[],
    blocks: &[],
    ledgers: &[],
    terms: &[],
};

const ONE: [u8; 16] = [1; 16];
const TWO: [u8; 16] = [2; 16];

struct World {
    store: Arc<MemoryStore>,
    seed: Seed,
    now: Time,
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

impl World {
    fn new() -> Self {
        let now = Time::from_micros(1_700_000_000_000_000);
        Self { store: Arc::new(MemoryStore::new(CATALOG)), seed: Seed::new([5; 32]), now }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.transact("test", Lane::Normal, work).wait()
    }

    fn enqueue(&mut self, tenant: &TenantId) -> Notice {
        let call = CallSummary {
            approval: ApprovalId::draw(self.now, &mut self.seed),
            tool: "wire_transfer".into(),
            agent: None,
            arguments: "{}".into(),
            reason: None,
            forward: None,
            rules: vec!["Ask before transfers".into()],
            why: Vec::new(),
            risk: Risk::Medium,
            expires_at: self.now.plus_seconds(86_400),
        };
        let notice = Notice::new(NoticeKind::ApprovalRequested, Target::Slack, call, self.now, &mut self.seed);
        let (kept, tenant, now) = (notice.clone(), tenant.clone(), self.now);
        self.run(move |tx| queue::enqueue(tx, &tenant, &kept, now, now)).unwrap();
        notice
    }

    fn claim(&self, holder: [u8; 16]) -> Claimed {
        let now = self.now;
        self.run(move |tx| queue::claim(tx, now, 10, &holder)).unwrap()
    }

    fn one(&self, holder: [u8; 16]) -> Option<Due> {
        let mut due = self.claim(holder).due;
        assert!(due.len() <= 1);
        due.pop()
    }

    fn fail(&mut self, due: &Due, holder: [u8; 16], retry: Retry) -> Option<Fate> {
        let (due, now, seed) = (due.clone(), self.now, self.seed.fork());
        self.run(move |tx| queue::failed(tx, &due, &holder, "the webhook answered 500", retry, now, &mut seed.clone()))
            .unwrap()
    }

    fn deliver(&self, due: &Due, holder: [u8; 16]) -> bool {
        let (due, now) = (due.clone(), self.now);
        self.run(move |tx| queue::delivered(tx, &due, &holder, now)).unwrap()
    }

    fn stored(&self, tenant: &TenantId, notice: &Notice) -> Option<Notice> {
        let (tenant, id) = (tenant.clone(), notice.id.to_string());
        self.run(move |tx| Repo::<Notice>::new(tx, &tenant).get(&id)).unwrap().map(|stored| stored.value)
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }
}

#[test]
fn a_notice_is_claimed_once_when_due_and_sent_once() {
    let mut world = World::new();
    let home = tenant("default");
    let notice = world.enqueue(&home);
    let due = world.one(ONE).unwrap();
    assert_eq!((&due.tenant, due.notice.id, due.notice.attempts), (&home, notice.id, 1));
    assert_eq!(world.one(TWO), None);
    assert!(world.deliver(&due, ONE));
    assert!(!world.deliver(&due, ONE), "a settled delivery cannot be settled again");
    world.pass(86_400);
    assert_eq!(world.one(TWO), None);
    let stored = world.stored(&home, &notice).unwrap();
    assert_eq!((stored.state, stored.attempts, stored.last_error), (NoticeState::Sent, 1, None));
}

#[test]
fn a_notice_is_not_claimed_before_it_is_due() {
    let mut world = World::new();
    world.enqueue(&tenant("default"));
    assert_eq!(world.run(queue::next_due).unwrap(), Some(world.now));
    world.pass(-1);
    assert_eq!(world.one(ONE), None);
    world.pass(1);
    assert!(world.one(ONE).is_some());
    assert_eq!(world.run(queue::next_due).unwrap(), None);
}

#[test]
fn a_worker_that_dies_loses_its_lease_and_another_delivers() {
    let mut world = World::new();
    let home = tenant("default");
    let notice = world.enqueue(&home);
    let lost = world.one(ONE).unwrap();
    world.pass(LEASE_SECONDS - 1);
    assert_eq!(world.one(TWO), None);
    world.pass(1);
    let again = world.one(TWO).unwrap();
    assert_eq!((again.notice.id, again.notice.attempts), (notice.id, 2));
    assert!(!world.deliver(&lost, ONE), "the first worker may not settle what it no longer holds");
    assert_eq!(world.fail(&lost, ONE, Retry::Never), None);
    assert_eq!(world.stored(&home, &notice).unwrap().state, NoticeState::Queued);
    assert!(world.deliver(&again, TWO));
}

#[test]
fn a_failing_notice_is_tried_eight_times_and_given_up() {
    let mut world = World::new();
    let home = tenant("default");
    let notice = world.enqueue(&home);
    let start = world.now;
    for attempt in 1..=ATTEMPTS_MAX {
        let due = world.one(ONE).unwrap();
        assert_eq!(due.notice.attempts, attempt);
        match world.fail(&due, ONE, Retry::After(None)).unwrap() {
            Fate::Again { due } => {
                assert!(due > world.now && attempt < ATTEMPTS_MAX);
                assert_eq!(world.one(ONE), None);
                world.now = due;
            }
            Fate::GivenUp => assert_eq!(attempt, ATTEMPTS_MAX),
        }
    }
    assert!((4 * 3_600..8 * 3_600).contains(&(world.now.micros_since(start) / 1_000_000)));
    let stored = world.stored(&home, &notice).unwrap();
    assert_eq!(stored.state, NoticeState::Failed);
    assert_eq!(stored.last_error.as_deref(), Some("the webhook answered 500"));
    assert_eq!(stored.settled_at, Some(world.now));
    world.pass(86_400);
    assert_eq!(world.one(ONE), None);
}

#[test]
fn a_hopeless_failure_is_given_up_at_once_and_an_asked_wait_is_kept() {
    let mut world = World::new();
    let home = tenant("default");
    world.enqueue(&home);
    let due = world.one(ONE).unwrap();
    let later = world.now.plus_seconds(1_800);
    assert_eq!(world.fail(&due, ONE, Retry::After(Some(1_800))), Some(Fate::Again { due: later }));
    world.now = later;
    let due = world.one(ONE).unwrap();
    assert_eq!(world.fail(&due, ONE, Retry::Never), Some(Fate::GivenUp));
    world.pass(86_400);
    assert_eq!(world.one(ONE), None);
}

#[test]
fn a_deferred_notice_waits_and_loses_no_attempt() {
    let mut world = World::new();
    world.enqueue(&tenant("default"));
    let due = world.one(ONE).unwrap();
    let (now, until) = (world.now, world.now.plus_seconds(5));
    let defer = |holder: [u8; 16]| {
        let due = due.clone();
        world.run(move |tx| queue::defer(tx, &due, &holder, until, now)).unwrap()
    };
    assert!(!defer(TWO), "only the holder gives it back");
    assert!(defer(ONE));
    world.pass(4);
    assert_eq!(world.one(TWO), None);
    world.pass(1);
    assert_eq!(world.one(TWO).unwrap().notice.attempts, 1);
}

#[test]
fn a_notice_that_kills_its_worker_every_time_is_given_up() {
    let mut world = World::new();
    let home = tenant("default");
    let notice = world.enqueue(&home);
    for _ in 0..ATTEMPTS_MAX {
        assert!(world.one(ONE).is_some());
        world.pass(LEASE_SECONDS);
    }
    let claimed = world.claim(ONE);
    assert!(claimed.due.is_empty());
    assert_eq!(claimed.exhausted.len(), 1);
    assert_eq!(world.stored(&home, &notice).unwrap().state, NoticeState::Failed);
    world.pass(LEASE_SECONDS);
    assert_eq!(world.claim(ONE), Claimed::default());
}

#[test]
fn an_unreadable_notice_does_not_hold_up_the_others() {
    let mut world = World::new();
    let home = tenant("default");
    let bad = world.enqueue(&home);
    let good = world.enqueue(&home);
    let id = bad.id.to_string();
    let space = home.clone();
    world
        .run(move |tx| {
            let mut record = tx.get(&NOTICES, &space, &id)?.unwrap();
            record.body = "{}".into();
            tx.update(&NOTICES, &space, &record).map(drop)
        })
        .unwrap();
    let claimed = world.claim(ONE);
    assert_eq!(claimed.due.iter().map(|due| due.notice.id).collect::<Vec<_>>(), [good.id]);
    assert_eq!(claimed.unreadable, [format!("default/{}", bad.id)]);
    world.pass(LEASE_SECONDS);
    assert!(world.claim(TWO).unreadable.is_empty());
}

#[test]
fn withdrawing_ends_only_what_waits_for_that_approval() {
    let mut world = World::new();
    let (home, other) = (tenant("default"), tenant("other"));
    let decided = world.enqueue(&home);
    let waiting = world.enqueue(&home);
    let foreign = world.enqueue(&other);
    let (now, approval) = (world.now, decided.call.approval);
    let space = home.clone();
    assert_eq!(world.run(move |tx| queue::withdraw(tx, &space, approval, now)).unwrap(), 1);
    // Another tenant cannot withdraw it.
    let approval = foreign.call.approval;
    let space = home.clone();
    assert_eq!(world.run(move |tx| queue::withdraw(tx, &space, approval, now)).unwrap(), 0);
    let mut left: Vec<_> = world.claim(ONE).due.into_iter().map(|due| due.notice.id).collect();
    left.sort();
    assert_eq!(left, [waiting.id, foreign.id]);
    assert_eq!(world.stored(&home, &decided).unwrap().state, NoticeState::Withdrawn);
}

#[test]
fn withdrawing_while_a_delivery_is_under_way_wins() {
    let mut world = World::new();
    let home = tenant("default");
    let notice = world.enqueue(&home);
    let due = world.one(ONE).unwrap();
    let (now, approval, space) = (world.now, notice.call.approval, home.clone());
    assert_eq!(world.run(move |tx| queue::withdraw(tx, &space, approval, now)).unwrap(), 1);
    assert!(!world.deliver(&due, ONE));
    assert_eq!(world.fail(&due, ONE, Retry::After(None)), None);
    world.pass(86_400);
    assert_eq!(world.claim(TWO), Claimed::default());
    assert_eq!(world.stored(&home, &notice).unwrap().state, NoticeState::Withdrawn);
}

#[test]
fn purging_takes_settled_notices_only_and_keeps_to_its_limit() {
    let mut world = World::new();
    let home = tenant("default");
    let sent: Vec<Notice> = (0..3).map(|_| world.enqueue(&home)).collect();
    for due in world.claim(ONE).due {
        assert!(world.deliver(&due, ONE));
    }
    world.pass(10);
    let waiting = world.enqueue(&home);
    let before = world.now;
    let purge = |limit| {
        let space = home.clone();
        world.run(move |tx| queue::purge(tx, &space, before, limit)).unwrap()
    };
    assert_eq!((purge(2), purge(2), purge(2)), (2, 1, 0));
    assert!(sent.iter().all(|notice| world.stored(&home, notice).is_none()));
    assert!(world.stored(&home, &waiting).is_some());
}

#[test]
fn links_are_found_by_token_until_the_approval_is_decided() {
    let mut world = World::new();
    let (home, other) = (tenant("default"), tenant("other"));
    let approval = world.enqueue(&home).call.approval;
    let (now, until, seed) = (world.now, world.now.plus_seconds(60), world.seed.fork());
    let space = home.clone();
    let minted = world.run(move |tx| links::mint(tx, &space, approval, until, now, &mut seed.clone())).unwrap();
    assert!(minted.approve != minted.deny && minted.approve.expose().len() >= 32);
    let find = |token: &str| {
        let hash = TokenHash::of(token);
        world.run(move |tx| links::find(tx, hash)).unwrap()
    };
    let link = find(minted.approve.expose()).unwrap();
    assert_eq!(
        (link.tenant, link.approval, link.verb, link.expires_at),
        (home.clone(), approval, links::Verb::Approve, until)
    );
    assert_eq!(find(minted.deny.expose()).unwrap().verb, links::Verb::Deny);
    assert_eq!(find("").map(drop), None);
    // The stored hash is no token.
    assert_eq!(find(&link.hash).map(drop), None);

    let kill = |space: &TenantId| {
        let space = space.clone();
        world.run(move |tx| links::kill(tx, &space, approval)).unwrap()
    };
    assert_eq!(kill(&other), 0);
    assert_eq!(kill(&home), 2);
    assert_eq!(find(minted.approve.expose()).map(drop), None);
    assert_eq!(find(minted.deny.expose()).map(drop), None);
}

#[test]
fn killing_takes_every_link_of_many_attempts() {
    let mut world = World::new();
    let home = tenant("default");
    let approval = world.enqueue(&home).call.approval;
    let (now, seed, space) = (world.now, world.seed.fork(), home.clone());
    world
        .run(move |tx| {
            let mut seed = seed.clone();
            (0..300).try_for_each(|_| links::mint(tx, &space, approval, now, now, &mut seed).map(drop))
        })
        .unwrap();
    let space = home.clone();
    assert_eq!(world.run(move |tx| links::kill(tx, &space, approval)).unwrap(), 600);
    let before = world.now.plus_seconds(1);
    assert_eq!(world.run(move |tx| links::purge(tx, before, 100)).unwrap(), 0);
}

#[test]
fn no_token_reaches_storage() {
    let mut world = World::new();
    let home = tenant("default");
    let approval = world.enqueue(&home).call.approval;
    let (now, seed) = (world.now, world.seed.fork());
    let (minted, bodies) = world
        .run(move |tx| {
            let minted = links::mint(tx, &home, approval, now, now, &mut seed.clone())?;
            let query = crate::store::RecordQuery { limit: 10, ..Default::default() };
            Ok((minted, tx.list(&APPROVAL_LINKS, &TenantId::directory(), &query)?))
        })
        .unwrap();
    let text = format!("{bodies:?} {minted:?}");
    assert!(bodies.len() == 2 && !text.contains(minted.approve.expose()) && !text.contains(minted.deny.expose()));
}

#[derive(Debug, Clone)]
enum Step {
    Enqueue,
    Claim(u8),
    Deliver(usize),
    Fail(usize, bool),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Enqueue),
        4 => (0_u8..3).prop_map(Step::Claim),
        2 => (0_usize..8).prop_map(Step::Deliver),
        3 => (0_usize..8, any::<bool>()).prop_map(|(at, again)| Step::Fail(at, again)),
        3 => any::<u16>().prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the workers do, every notice ends sent or failed, within its attempts, and none is lost.
    #[test]
    fn every_notice_ends_settled(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        let home = tenant("default");
        let mut all = Vec::new();
        let mut held: Vec<(Due, [u8; 16])> = Vec::new();
        for step in steps {
            match step {
                Step::Enqueue => all.push(world.enqueue(&home)),
                Step::Claim(holder) => held.extend(world.claim([holder; 16]).due.into_iter().map(|due| (due, [holder; 16]))),
                Step::Deliver(at) if at < held.len() => {
                    let (due, holder) = held.swap_remove(at);
                    world.deliver(&due, holder);
                }
                Step::Fail(at, again) if at < held.len() => {
                    let (due, holder) = held.swap_remove(at);
                    let retry = if again { Retry::After(None) } else { Retry::Never };
                    world.fail(&due, holder, retry);
                }
                Step::Pass(seconds) => world.pass(i64::from(seconds)),
                Step::Deliver(..) | Step::Fail(..) => {}
            }
        }
        // From here on nobody dies and everything succeeds: all must settle, within the attempts left.
        for _ in 0..=ATTEMPTS_MAX {
            world.pass(12 * 3_600);
            for due in world.claim([9; 16]).due {
                prop_assert!(world.deliver(&due, [9; 16]));
            }
        }
        for notice in &all {
            let stored = world.stored(&home, notice).unwrap();
            prop_assert!(matches!(stored.state, NoticeState::Sent | NoticeState::Failed));
            prop_assert!((1..=ATTEMPTS_MAX).contains(&stored.attempts) && stored.settled_at.is_some());
        }
    }
}
