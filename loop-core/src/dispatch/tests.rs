//! Claims and leases on the memory store, with a clock moved by hand.

use std::{cell::Cell, sync::LazyLock};

use super::{
    DispatchError, change_issue, delete_issue,
    lease::{self, Completion},
    next::{self, Dispatched, Means},
    queue::{self, Among},
};
use crate::{
    access::{Caller, Ctx, claim_key::Claimed},
    base::{Code, Seed, TenantId, Time, id::IssueId, secret::MasterKey},
    engine::CATALOG,
    store::{Lane, StoreError, StoreExt, Tx, memory::MemoryStore},
    work::{
        Issue, IssueStatus, IssueType, WorkError,
        claim::{self, Outcome, Terms},
        issue::{self, NewIssue, Patch},
    },
};

const START: Time = Time::from_micros(1_800_000_000_000_000);

static MASTER: LazyLock<MasterKey> = LazyLock::new(|| MasterKey::new([3; 32]));

fn means(master: &MasterKey) -> Means<'_> {
    Means { master, loop_url: "http://localhost" }
}

struct World {
    store: MemoryStore,
    now: Cell<Time>,
    seeds: Cell<u8>,
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG), now: Cell::new(START), seeds: Cell::new(0) }
    }

    fn seed(&self) -> Seed {
        self.seeds.set(self.seeds.get() + 1);
        Seed::new([self.seeds.get(); 32])
    }

    fn pass(&self, seconds: i64) {
        self.now.set(self.now.get().plus_seconds(seconds));
    }

    /// Runs a use case a millisecond after the one before.
    fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, DispatchError> + Send + 'static,
    ) -> Result<T, DispatchError> {
        self.now.set(self.now.get().plus_micros(1_000));
        let (now, seed) = (self.now.get(), self.seed());
        self.store
            .transact("test", Lane::Normal, move |tx| {
                work(tx, &Ctx::new(Caller::system(TenantId::default_tenant(), "test"), now, seed.clone()))
            })
            .wait()
    }

    fn todo(&self, priority: u8) -> Issue {
        let new = NewIssue { status: IssueStatus::Todo, priority, ..NewIssue::titled("t", IssueType::Task) };
        self.run(move |tx, cx| Ok(issue::create(tx, cx, &new)?)).unwrap()
    }

    fn claim(&self, lease_seconds: Option<u32>) -> Option<Dispatched> {
        let terms = Terms { lease_seconds, agent: Some("worker".to_owned()), session: Some("s-1".to_owned()) };
        self.run(move |tx, cx| next::next(tx, cx, Among::All, &terms, means(&MASTER))).unwrap()
    }

    /// Claims the one ready issue with a lease; its id and its token.
    fn lease(&self, seconds: u32) -> (String, String) {
        let dispatched = self.claim(Some(seconds)).unwrap();
        (dispatched.issue.id.to_string(), dispatched.token.unwrap().secret.expose().to_owned())
    }

    fn beat(&self, id: &str, token: &str) -> Result<Time, DispatchError> {
        let (id, token) = (id.to_owned(), token.to_owned());
        self.run(move |tx, cx| lease::heartbeat(tx, cx, &id, &token, None))
    }

    fn release(&self, id: &str, token: &str) -> Result<Issue, DispatchError> {
        let (id, token) = (id.to_owned(), token.to_owned());
        self.run(move |tx, cx| lease::release(tx, cx, &id, &token, Some("out of ideas")))
    }

    fn complete(&self, id: &str, token: &str, canceled: bool) -> Result<Issue, DispatchError> {
        let (id, token) = (id.to_owned(), token.to_owned());
        let completion = Completion { canceled, summary: Some("did it".to_owned()) };
        self.run(move |tx, cx| lease::complete(tx, cx, &id, &token, &completion))
    }

    fn put(&self, id: &str, status: IssueStatus) -> Issue {
        let (id, patch) = (id.to_owned(), Patch { status: Some(status), ..Patch::default() });
        self.run(move |tx, cx| change_issue(tx, cx, &id, &patch)).unwrap()
    }

    fn sweep(&self) -> u32 {
        let seed = self.seed();
        self.run(move |tx, cx| lease::sweep(tx, cx.now, 100, &mut seed.clone())).unwrap()
    }

    fn issue(&self, id: &str) -> Issue {
        let id = id.to_owned();
        self.run(move |tx, cx| Ok(issue::get(tx, cx.tenant(), &id)?.value)).unwrap()
    }

    fn ready(&self) -> Vec<String> {
        let page = self.run(|tx, cx| queue::page(tx, cx.tenant(), Among::All, 0, 200, cx.now)).unwrap();
        assert_eq!(page.0.len() as u64, page.1);
        page.0.into_iter().map(|row| row.issue.id.to_string()).collect()
    }

    fn ended(&self, outcome: Outcome) -> u64 {
        self.run(move |tx, cx| Ok(claim::count(tx, cx.tenant(), outcome)?)).unwrap()
    }

    /// Nothing that a token can do is done.
    fn refuses(&self, id: &str, token: &str) {
        let before = self.issue(id);
        assert_eq!(self.beat(id, token), Err(DispatchError::Spent));
        assert_eq!(self.release(id, token), Err(DispatchError::Spent));
        assert_eq!(self.complete(id, token, false), Err(DispatchError::Spent));
        assert_eq!(self.issue(id), before);
    }
}

#[test]
fn the_best_issue_is_handed_out_once() {
    let world = World::new();
    let (low, urgent) = (world.todo(4), world.todo(1));
    assert_eq!(world.ready(), [urgent.id.to_string(), low.id.to_string()]);
    let first = world.claim(None).unwrap();
    assert_eq!((first.issue.id, first.issue.status), (urgent.id, IssueStatus::InProgress));
    assert_eq!(first.issue.agent_session_id.as_deref(), Some("s-1"));
    assert!(first.token.is_none());
    assert_eq!(world.claim(None).unwrap().issue.id, low.id);
    assert!(world.claim(None).is_none());
    assert!(world.ready().is_empty());
}

#[test]
fn a_claim_without_a_lease_has_no_end() {
    let world = World::new();
    let id = world.todo(1).id.to_string();
    world.claim(None);
    world.pass(10 * 365 * 86_400);
    assert_eq!((world.sweep(), world.issue(&id).status), (0, IssueStatus::InProgress));
}

#[test]
fn a_lease_that_ends_gives_the_issue_back_and_its_token_is_worth_nothing() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    assert_eq!(world.sweep(), 0);
    world.pass(10);
    // Even before anybody has looked.
    world.refuses(&id, &token);
    assert_eq!((world.sweep(), world.issue(&id).status), (1, IssueStatus::Todo));
    assert_eq!(world.ready(), std::slice::from_ref(&id));
    world.refuses(&id, &token);
    let (again, fresh) = world.lease(10);
    assert_eq!(again, id);
    assert_ne!(fresh, token);
    world.refuses(&id, &token);
    assert!(world.beat(&id, &fresh).is_ok());
    assert_eq!((world.ended(Outcome::Expired), world.sweep()), (1, 0));
}

#[test]
fn signs_of_life_keep_a_claim() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    for _ in 0..5 {
        world.pass(9);
        assert!(world.beat(&id, &token).unwrap() > world.now.get().plus_seconds(9));
        assert_eq!(world.sweep(), 0);
    }
    world.pass(11);
    assert_eq!(world.sweep(), 1);
    let longer = {
        let (id, token) = world.lease(10);
        world.run(move |tx, cx| lease::heartbeat(tx, cx, &id, &token, Some(100)))
    };
    assert!(longer.unwrap() > world.now.get().plus_seconds(99));
    world.pass(99);
    assert_eq!(world.sweep(), 0);
}

#[test]
fn an_issue_that_is_given_back_is_ready_again() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    assert_eq!(world.release(&id, &token).unwrap().status, IssueStatus::Todo);
    world.refuses(&id, &token);
    assert_eq!(world.ready(), [id]);
    world.pass(60);
    assert_eq!((world.sweep(), world.ended(Outcome::Released), world.ended(Outcome::Expired)), (0, 1, 0));
}

#[test]
fn completing_again_is_answered_as_the_first_time_and_nothing_else_is() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    let done = world.complete(&id, &token, false).unwrap();
    assert_eq!((done.status, done.agent_summary.as_deref()), (IssueStatus::Done, Some("did it")));
    assert!(done.completed_at.is_some());
    world.pass(3_600);
    assert_eq!(world.complete(&id, &token, false), Ok(done.clone()));
    assert_eq!(world.complete(&id, &token, true), Err(DispatchError::Spent));
    assert_eq!(world.release(&id, &token), Err(DispatchError::Spent));
    assert_eq!(world.beat(&id, &token), Err(DispatchError::Spent));
    assert_eq!(world.issue(&id), done);
    // Somebody disagreed: the work is not done any more, and the token does not do it again.
    world.put(&id, IssueStatus::Todo);
    world.refuses(&id, &token);
    assert_eq!((world.ended(Outcome::Done), world.sweep()), (1, 0));
}

#[test]
fn whoever_puts_an_issue_elsewhere_ends_its_claim() {
    for (status, outcome) in [
        (IssueStatus::Todo, Outcome::Released),
        (IssueStatus::Backlog, Outcome::Released),
        (IssueStatus::Done, Outcome::Done),
        (IssueStatus::Canceled, Outcome::Canceled),
    ] {
        let world = World::new();
        world.todo(1);
        let (id, token) = world.lease(10);
        world.put(&id, status);
        world.refuses(&id, &token);
        assert_eq!(world.ended(outcome), 1, "{status}");
        world.pass(60);
        assert_eq!((world.sweep(), world.issue(&id).status), (0, status));
    }
}

#[test]
fn a_change_that_leaves_the_status_leaves_the_claim() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    let patch = Patch { title: Some("clearer".to_owned()), status: Some(IssueStatus::InProgress), ..Patch::default() };
    let named = id.clone();
    world.run(move |tx, cx| change_issue(tx, cx, &named, &patch)).unwrap();
    assert!(world.beat(&id, &token).is_ok());
}

#[test]
fn a_deleted_issue_is_nobodys() {
    let world = World::new();
    world.todo(1);
    let (id, token) = world.lease(10);
    let named = id.clone();
    world.run(move |tx, cx| delete_issue(tx, cx, &named)).unwrap();
    assert_eq!(world.beat(&id, &token), Err(WorkError::NoIssue.into()));
    world.pass(60);
    assert_eq!((world.sweep(), world.ready().len()), (0, 0));
}

#[test]
fn terms_out_of_bounds_claim_nothing() {
    let world = World::new();
    let id = world.todo(1).id.to_string();
    for (terms, field) in [
        (Terms { lease_seconds: Some(0), ..Terms::default() }, "leaseSeconds"),
        (Terms { lease_seconds: Some(86_401), ..Terms::default() }, "leaseSeconds"),
        (Terms { agent: Some("a".repeat(201)), ..Terms::default() }, "agent"),
        (Terms { session: Some(String::new()), ..Terms::default() }, "sessionId"),
    ] {
        let refused = world.run(move |tx, cx| next::next(tx, cx, Among::All, &terms, means(&MASTER))).unwrap_err();
        assert_eq!((refused.code(), refused.field()), (Code::InvalidRequest, Some(field)));
    }
    assert_eq!(world.ready(), [id]);
}

#[test]
fn a_token_opens_one_issue_only() {
    let world = World::new();
    let (a, b) = (world.todo(1).id.to_string(), world.todo(1).id.to_string());
    let (first, of_a) = world.lease(10);
    let (second, of_b) = world.lease(10);
    assert_eq!((&first, &second), (&a, &b));
    world.refuses(&a, &of_b);
    world.refuses(&b, &of_a);
    for other in ["", "x", &format!("{of_a}0"), &of_a.to_uppercase()] {
        world.refuses(&a, other);
    }
}

#[test]
fn the_key_in_a_prompt_works_as_long_as_its_claim_was_not_taken_back() {
    for (end, reached) in [
        (None, true),
        (Some(IssueStatus::Done), true),
        (Some(IssueStatus::Canceled), true),
        (Some(IssueStatus::Todo), false),
        (Some(IssueStatus::Backlog), false),
    ] {
        let world = World::new();
        world.todo(1);
        let dispatched = world.claim(Some(10)).unwrap();
        let (id, number) = (dispatched.issue.id, dispatched.claim.number);
        if let Some(status) = end {
            world.put(id.as_str(), status);
        }
        let found = world.run(move |tx, cx| {
            let mut caller = cx.caller.clone();
            caller.claimed = Some(Claimed { issue: id, number });
            let cx = Ctx::new(caller, cx.now, cx.seed());
            Ok(issue::reach(tx, &cx, id.as_str())?)
        });
        assert_eq!(found.is_ok(), reached, "{end:?}");
    }
}

#[test]
fn a_row_that_is_ready_and_not_there_is_told_and_not_handed_out() {
    let world = World::new();
    let id = world.todo(1).id;
    let gone = world.run(move |tx, cx| {
        tx.delete(&issue::ISSUES, cx.tenant(), IssueId::as_str(&id))?;
        next::next(tx, cx, Among::All, &Terms::default(), means(&MASTER))
    });
    assert!(matches!(gone, Err(DispatchError::Store(StoreError::Corrupt(_)))), "{gone:?}");
}
