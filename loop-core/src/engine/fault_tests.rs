//! What fails, comes in between, or changed meanwhile: nothing of it may let a call through.
//!
//! - [`world`]: the engine and its faulty store.

mod world;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use super::{Call, DecideError, Engine};
use crate::{
    access::{
        AccessError, Caller, Ctx, Scope, Scopes,
        key::{self, NewKey},
        loops,
    },
    approval::{Answer, ApprovalError, Decided, Polled},
    audit::{self, Status},
    base::{TenantId, json::Doc},
    policy::{Outcome, kill_switch},
    store::{Lane, Store, StoreError, wait},
};
use world::at_hand;
pub(super) use world::{World, block};

#[test]
fn a_block_whose_commit_fails_is_told_and_changes_no_verdict() {
    let world = World::new();
    assert_eq!(world.status("send_mail"), Status::Allowed);
    world.fail(Some("tool.block"));
    assert_eq!(block(&world.engine, &world.caller, "send_mail"), Err(DecideError::Store(StoreError::Full)));
    assert_eq!(world.at_hand("send_mail"), Some(Outcome::Allow));
    assert_eq!(world.status("send_mail"), Status::Allowed);
    world.fail(None);
    assert_eq!(block(&world.engine, &world.caller, "send_mail"), Ok(()));
    assert_eq!(world.evaluate("send_mail"), Outcome::Deny);
    assert_eq!(world.status("send_mail"), Status::Blocked);
    assert!(world.log().1.valid);
}

#[test]
fn an_unblock_whose_commit_fails_leaves_the_tool_blocked() {
    let world = World::new();
    block(&world.engine, &world.caller, "send_mail").unwrap();
    world.fail(Some("tool.unblock"));
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let unblocked = wait(world.engine.write(cx, "tool.unblock", |tx, cx| {
        kill_switch::unblock(tx, cx, "send_mail").map(drop).map_err(DecideError::from)
    }));
    assert!(unblocked.is_err());
    assert_eq!(world.evaluate("send_mail"), Outcome::Deny);
    assert_eq!(world.status("send_mail"), Status::Blocked);
    assert_eq!((world.evaluate("read_mail"), world.status("read_mail")), (Outcome::Allow, Status::Allowed));
}

#[test]
fn a_decision_whose_record_cannot_be_committed_is_an_error_and_leaves_no_trace() {
    let world = World::new();
    world.fail(Some("decision.record"));
    assert_eq!(world.call("read_file").err(), Some(DecideError::Store(StoreError::Full)));
    assert_eq!(world.log().0, [""; 0]);
    world.fail(None);
    assert_eq!(world.status("read_file"), Status::Allowed);
    let (log, verified) = world.log();
    assert_eq!(log, ["ALLOWED"]);
    assert!(verified.valid, "{verified:?}");
}

#[test]
fn a_yes_whose_use_cannot_be_committed_is_neither_given_nor_lost() {
    let world = World::new();
    world.rule("Any wire transfer over £1,000 needs approval").unwrap();
    let id = world.approved("wire_transfer");
    for job in ["decision.record", "approval.poll"] {
        world.fail(Some(job));
        if job == "approval.poll" {
            assert!(wait(world.engine.poll(&world.caller, &id)).is_err());
        } else {
            assert!(world.call("wire_transfer").is_err());
        }
    }
    world.fail(None);
    assert_eq!(world.status("wire_transfer"), Status::Allowed);
    assert_eq!(world.status("wire_transfer"), Status::Pending);
}

#[test]
fn a_policy_that_moves_under_a_decision_has_it_decided_again() {
    let world = World::new();
    assert_eq!(world.status("send_mail"), Status::Allowed);
    let (other, once) = (world.other.clone(), AtomicBool::new(true));
    let caller = wait(other.authenticate("tl_test")).unwrap();
    world.before("decision.record", move || {
        if once.swap(false, Ordering::SeqCst) {
            block(&other, &caller, "send_mail").unwrap();
        }
    });
    assert_eq!(world.status("send_mail"), Status::Blocked);
    assert_eq!(world.log().0, ["BLOCKED", "ALLOWED"]);
    assert_eq!(world.at_hand("send_mail"), Some(Outcome::Deny));
}

#[test]
fn a_policy_that_never_stands_still_ends_in_an_error() {
    let world = World::new();
    let other = world.other.clone();
    world.before("decision.record", move || {
        let bumped = wait(other.write_as_system(&TenantId::default_tenant(), "t", Lane::Normal, |tx| {
            tx.bump_epoch(&TenantId::default_tenant())
        }));
        bumped.unwrap();
    });
    assert_eq!(world.call("read_file").err(), Some(DecideError::Moved));
    assert_eq!(world.log().0, [""; 0]);
}

/// Looks, at the moment an answer arrives, whether the old policy can still be reached.
struct Look {
    engine: Engine,
    caller: Caller,
    seen: Mutex<Vec<Option<Outcome>>>,
}

impl std::task::Wake for Look {
    fn wake(self: Arc<Self>) {
        let now = at_hand(&self.engine, &self.caller, "send_mail");
        self.seen.lock().unwrap().push(now);
    }
}

#[test]
fn the_old_policy_ends_before_the_change_is_acknowledged() {
    let world = World::new();
    assert_eq!(world.status("send_mail"), Status::Allowed);
    assert_eq!(world.at_hand("send_mail"), Some(Outcome::Allow));
    *world.store.held.lock().unwrap() = Some(Vec::new());
    let look = Arc::new(Look { engine: world.engine.clone(), caller: world.caller.clone(), seen: Mutex::default() });
    let waker = std::task::Waker::from(Arc::clone(&look));
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let mut blocking = Box::pin(world.engine.write(cx, "tool.block", |tx, cx| {
        kill_switch::block(tx, cx, "send_mail", "").map(drop).map_err(DecideError::from)
    }));
    let mut polled = std::task::Context::from_waker(&waker);
    assert!(Future::poll(blocking.as_mut(), &mut polled).is_pending());
    assert_eq!(world.at_hand("send_mail"), Some(Outcome::Allow), "not before it is durable");
    let held = world.store.held.lock().unwrap().take().unwrap();
    for job in held {
        world.store.inner.submit(job);
    }
    assert_eq!(*look.seen.lock().unwrap(), [None], "when the answer comes, nothing old is at hand");
    assert_eq!(wait(blocking), Ok(()));
    assert_eq!(world.at_hand("send_mail"), Some(Outcome::Deny));
}

#[test]
fn a_policy_that_cannot_be_loaded_allows_nothing_and_keeps_nobody_waiting() {
    let world = World::new();
    assert_eq!(world.status("send_mail"), Status::Allowed);
    *world.store.panics.lock().unwrap() = Some("policy.load");
    block(&world.engine, &world.caller, "send_mail").expect("the block itself is durable");
    assert_eq!(world.at_hand("send_mail"), None);
    for tool in ["send_mail", "read_file"] {
        assert!(matches!(world.call(tool), Err(DecideError::Store(StoreError::Internal(_)))));
    }
    *world.store.panics.lock().unwrap() = None;
    assert_eq!(world.status("send_mail"), Status::Blocked);
    assert_eq!(world.status("read_file"), Status::Allowed);
}

#[test]
fn a_key_revoked_elsewhere_is_refused_by_the_next_transaction() {
    let world = World::new();
    let stale = world.key("ci", Scopes::all(), None);
    assert_eq!(world.call_as(&stale, "read_file").unwrap().status, Status::Allowed);
    let (id, tenant, now) = (stale.key.to_string(), stale.tenant.clone(), world.engine.now());
    let revoked = wait(
        world
            .other
            .write_as_system(&stale.tenant, "key.revoke", Lane::Normal, move |tx| key::revoke(tx, &tenant, &id, now)),
    );
    revoked.unwrap();
    let refused = DecideError::Access(AccessError::Unauthenticated);
    assert_eq!(world.call_as(&stale, "read_file").err(), Some(refused.clone()));
    assert_eq!(block(&world.engine, &stale, "read_file"), Err(refused.clone()));
    assert_eq!(wait(world.engine.poll(&stale, "nothing")).err(), Some(refused));
    assert_eq!(world.log().0, ["ALLOWED"]);
}

#[test]
fn a_key_past_its_time_is_refused_although_it_is_known() {
    let world = World::new();
    let short = world.key("short", Scopes::all(), Some(60));
    assert_eq!(world.call_as(&short, "read_file").unwrap().status, Status::Allowed);
    world.host.forward(60);
    let refused = Err(DecideError::Access(AccessError::Unauthenticated));
    assert_eq!(world.call_as(&short, "read_file").map(|decision| decision.status), refused);
    assert!(world.engine.known_caller("tl_test").is_some());
    assert_eq!(world.log().0, ["ALLOWED"]);
}

#[test]
fn a_key_that_lost_scopes_must_come_in_again() {
    let world = World::new();
    let mut wide = world.key("narrow", [Scope::PolicyEvaluate].into_iter().collect(), None);
    // What a process would remember that saw the key before it was narrowed.
    wide.scopes = Scopes::all();
    block(&world.other, &wait(world.other.authenticate("tl_test")).unwrap(), "x").unwrap();
    assert_eq!(block(&world.engine, &wide, "read_file"), Err(DecideError::Access(AccessError::Unauthenticated)));
}

#[test]
fn who_proposed_a_call_decides_it_only_where_the_tenant_allows_that() {
    let world = World::without_self_approval();
    let id = world.call("wire_transfer").unwrap().approval.unwrap().to_string();
    for answer in [Answer::Approve, Answer::Deny] {
        assert_eq!(world.decide_as(&world.caller, &id, answer), Err(ApprovalError::OwnCall));
    }
    assert_eq!(world.status("wire_transfer"), Status::Pending);
    let second = world.key("second", Scopes::all(), None);
    assert!(matches!(world.decide_as(&second, &id, Answer::Approve), Ok(Decided::Now(_))));
    assert_eq!(world.status("wire_transfer"), Status::Allowed);
}

#[test]
fn a_loop_does_not_approve_its_own_call_with_another_of_its_keys() {
    let world = World::without_self_approval();
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let made = wait(world.engine.write(cx, "loop.create", |tx, cx| {
        let mut new = || {
            let new = loops::NewLoop {
                tag: None,
                kind: loops::LoopKind::Developer,
                owner_id: None,
                parent: None,
                skills: Vec::new(),
                permissions: None,
                plan: None,
                risk_ceiling: None,
                spend_limit: None,
            };
            loops::create(tx, cx, &new)
        };
        let (one, other) = (new()?.id, new()?.id);
        let mut key = |loop_id| {
            let new = NewKey { loop_id: Some(loop_id), ..NewKey::operator("of a loop", Scopes::all()) };
            let minted = key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?;
            key::authenticate(tx, crate::base::secret::TokenHash::of(minted.token.expose()), cx.now)
        };
        Ok::<_, AccessError>([key(one)?, key(one)?, key(other)?])
    }));
    let [first, second, stranger] = made.unwrap();
    let doc = Doc::parse(br#"{"amount":5000}"#).unwrap();
    let id = wait(world.engine.intercept(&first, &Call::new("wire_transfer", doc.root()))).unwrap().approval.unwrap();
    for caller in [&first, &second] {
        let decided = world.decide_as(caller, &id.to_string(), Answer::Approve);
        assert_eq!(decided, Err(ApprovalError::OwnCall));
    }
    assert!(matches!(world.decide_as(&stranger, &id.to_string(), Answer::Approve), Ok(Decided::Now(_))));
}

#[test]
fn a_polled_yes_is_repeated_only_while_the_policy_stands() {
    let world = World::new();
    world.rule("Any wire transfer over £1,000 needs approval").unwrap();
    let id = world.approved("wire_transfer");
    let poll = || wait(world.engine.poll(&world.caller, &id)).unwrap();
    assert!(matches!(poll(), Polled::Allowed { first: true, .. }));
    assert!(matches!(poll(), Polled::Allowed { first: false, .. }));
    assert_eq!(world.status("wire_transfer"), Status::Pending, "the yes was used up by the poll");
    block(&world.engine, &world.caller, "wire_transfer").unwrap();
    assert!(matches!(poll(), Polled::Refused { .. }));
    let (log, verified) = world.log();
    assert_eq!(log, ["PENDING", "ALLOWED", "PENDING"]);
    assert!(verified.valid);
}

#[test]
fn a_yes_that_was_not_polled_before_the_tool_was_blocked_is_refused() {
    let world = World::new();
    world.rule("Any wire transfer over £1,000 needs approval").unwrap();
    let id = world.approved("wire_transfer");
    block(&world.engine, &world.caller, "wire_transfer").unwrap();
    assert!(matches!(wait(world.engine.poll(&world.caller, &id)).unwrap(), Polled::Refused { .. }));
}

#[test]
fn a_purge_of_the_entry_that_told_of_an_erasure_keeps_the_log_valid() {
    let world = World::new();
    for _ in 0..8 {
        world.call("read_file").unwrap();
    }
    let write = |work: fn(&mut dyn crate::store::Tx, &Ctx) -> Result<u64, StoreError>| {
        let cx = world.engine.context(world.caller.clone()).unwrap();
        wait(world.engine.write(cx, "t", move |tx, cx| work(tx, cx).map_err(DecideError::from))).unwrap()
    };
    assert_eq!(write(|tx, cx| audit::erase_entries(tx, cx, &[1, 2, 3, 4, 5, 6, 7, 8], "subject")), 8);
    block(&world.engine, &world.caller, "x").unwrap();
    assert!(world.log().1.valid);
    world.host.forward(40 * 86_400);
    // One entry at a time, so that the order in which the streams are purged matters.
    while write(|tx, cx| audit::purge_before(tx, cx, cx.now, 1)) > 0 {
        let verified = world.log().1;
        assert!(verified.valid, "{verified:?}");
    }
    let verified = world.log().1;
    assert!(verified.valid && verified.erased == 1, "{verified:?}");
}
