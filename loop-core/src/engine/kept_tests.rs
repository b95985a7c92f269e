//! Completions that wait with their approvals: who gets them, once, and when nobody does any more.

use std::sync::Arc;

use super::{
    Call, DecideError, Engine, Keep, Turn,
    fault_tests::{World, block},
    turn_tests::{PAY, PAY_MORE, READ, Said, WIPE},
};
use crate::{
    access::{AccessError, Caller, Scopes, key},
    approval::{Answer, State},
    audit::{self, Filter, Status},
    base::{Host, TenantId, json::Doc, secret::MasterKey},
    kept::{self, Kept, KeptKey, MAX_COMPLETION, MAX_KEPT},
    policy::rulebook,
    store::{Lane, RecordQuery, StoreError, wait},
};

const DOOR: &str = "proxy.chat";
const BODY: &[u8] = br#"{"model":"m","messages":[{"role":"user","content":"pay acme"}]}"#;
/// The same request in other words.
const SAME: &[u8] = br#"{ "messages" : [{"content":"pay acme","role":"user"}], "model":"m" }"#;
const COMPLETION: &[u8] = b"{\"choices\": [1.50],\n \"x\":\"\xc3\xa9\"}";

impl World {
    fn key_now(&self) -> KeptKey {
        self.engine.key_of(&self.caller, DOOR, BODY).unwrap()
    }

    fn keep(&self, said: &[Said<'_>], completion: &[u8]) -> Turn {
        let keep = Keep::IfPending { key: self.key_now(), completion };
        self.turn_as(&self.caller, said, keep).unwrap()
    }

    fn known(&self) -> Option<KeptKey> {
        known(&self.engine, &self.caller)
    }

    fn kept(&self) -> Option<Kept> {
        wait(self.engine.kept(&self.caller, &self.key_now())).unwrap()
    }

    fn again(&self, said: &[Said<'_>], kept: &Kept) -> Result<Turn, DecideError> {
        self.turn_as(&self.caller, said, Keep::Again(kept))
    }

    /// How many completions, keys and timers the store holds.
    fn held(&self) -> [usize; 3] {
        let tenant = self.caller.tenant.clone();
        let read = self.engine.write_as_system(&self.caller.tenant, "t", Lane::Normal, move |tx| {
            let query = RecordQuery { limit: 10_000, ..RecordQuery::default() };
            let completions = tx.list(&kept::COMPLETIONS, &tenant, &query)?.len();
            let timers = tx.ready(&kept::TIMERS, &TenantId::directory(), None, 10_000)?.len();
            Ok::<_, StoreError>([completions, kept::keys(tx, &tenant)?.len(), timers])
        });
        wait(read).unwrap()
    }
}

fn known(engine: &Engine, caller: &Caller) -> Option<KeptKey> {
    wait(engine.kept_key(caller, DOOR, SAME)).unwrap()
}

#[test]
fn a_completion_that_waits_is_handed_on_verbatim_once_its_turn_may_go() {
    let world = World::ruled();
    assert_eq!(world.known(), None);
    let turn = world.keep(&[READ, PAY], COMPLETION);
    assert!(turn.kept && turn.status == Status::Pending);
    assert_eq!(world.known(), Some(world.key_now()));
    let kept = world.kept().unwrap();
    assert_eq!(kept.completion(), COMPLETION);
    let waits = world.again(&[READ, PAY], &kept).unwrap();
    assert!(waits.kept && waits.status == Status::Pending);
    assert_eq!(waits.calls[1].decision.approval, turn.calls[1].decision.approval);
    world.answer(&turn, 1, Answer::Approve);
    let kept = world.kept().unwrap();
    assert_eq!(kept.completion(), COMPLETION);
    let gone = world.again(&[READ, PAY], &kept).unwrap();
    assert!(gone.allowed() && !gone.kept);
    assert_eq!((world.known(), world.kept()), (None, None));
    assert_eq!(world.held(), [0, 0, 0]);
}

#[test]
fn only_a_turn_that_waits_is_kept() {
    let world = World::ruled();
    for said in [&[READ][..], &[WIPE], &[PAY, WIPE]] {
        assert!(!world.keep(said, COMPLETION).kept);
    }
    let turn = world.turn(&[PAY]);
    world.answer(&turn, 0, Answer::Deny);
    assert!(!world.keep(&[PAY], COMPLETION).kept, "a human said no");
    assert_eq!(world.held(), [0, 0, 0]);
    assert_eq!(world.known(), None);
}

#[test]
fn of_two_who_resume_at_once_exactly_one_gets_the_completion() {
    let world = World::ruled();
    let turn = world.keep(&[READ, PAY], COMPLETION);
    world.answer(&turn, 1, Answer::Approve);
    let before = world.statuses().len();
    let kept = world.kept().unwrap();
    let world = Arc::new(world);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let (world, kept) = (Arc::clone(&world), kept.clone());
            std::thread::spawn(move || world.again(&[READ, PAY], &kept).map(|turn| turn.status))
        })
        .collect();
    let ended: Vec<_> = both.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(ended.contains(&Ok(Status::Allowed)) && ended.contains(&Err(DecideError::KeptGone)), "{ended:?}");
    assert_eq!(world.statuses().len(), before + 2, "who came too late is not in the log");
}

#[test]
fn a_completion_goes_once_also_when_no_rule_asks_any_more() {
    let world = World::ruled();
    world.keep(&[PAY], COMPLETION);
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let deleted = world.engine.write(cx, "rule.delete", |tx, cx| {
        let rule = rulebook::page(tx, cx.tenant(), 1, 0)?.remove(0);
        rulebook::delete(tx, cx, &rule.value.id.to_string()).map(drop).map_err(DecideError::from)
    });
    wait(deleted).unwrap();
    let kept = world.kept().unwrap();
    assert!(world.again(&[PAY], &kept).unwrap().allowed());
    assert_eq!(world.again(&[PAY], &kept).unwrap_err(), DecideError::KeptGone);
}

#[test]
fn a_completion_that_another_replaced_is_gone() {
    let world = World::ruled();
    world.keep(&[PAY], COMPLETION);
    let old = world.kept().unwrap();
    let turn = world.keep(&[PAY], b"a later sample");
    world.answer(&turn, 0, Answer::Approve);
    assert_eq!(world.again(&[PAY], &old).unwrap_err(), DecideError::KeptGone);
    let kept = world.kept().unwrap();
    assert_eq!(kept.completion(), b"a later sample");
    assert!(world.again(&[PAY], &kept).unwrap().allowed());
}

#[test]
fn the_kill_switch_thrown_meanwhile_wins() {
    let world = World::ruled();
    let turn = world.keep(&[READ, PAY], COMPLETION);
    world.answer(&turn, 1, Answer::Approve);
    let kept = world.kept().unwrap();
    block(&world.other, &world.caller, READ.0).unwrap();
    let stopped = world.again(&[READ, PAY], &kept).unwrap();
    assert_eq!((stopped.status, stopped.decisive, stopped.kept), (Status::Blocked, 0, false));
    assert_eq!(world.approvals()[0].state, State::Approved, "the yes is not used up");
    assert_eq!((world.kept(), world.held()), (None, [0, 0, 0]));
}

#[test]
fn a_no_ends_what_waits() {
    let world = World::ruled();
    let turn = world.keep(&[READ, PAY, PAY_MORE], COMPLETION);
    world.answer(&turn, 1, Answer::Approve);
    world.answer(&turn, 2, Answer::Deny);
    let kept = world.kept().unwrap();
    let stopped = world.again(&[READ, PAY, PAY_MORE], &kept).unwrap();
    assert_eq!((stopped.status, stopped.decisive, stopped.kept), (Status::Blocked, 2, false));
    assert_eq!(world.held(), [0, 0, 0]);
}

#[test]
fn a_completion_is_kept_as_long_as_the_last_approval_it_waits_for() {
    let world = World::ruled();
    world.turn(&[PAY]);
    world.host.forward(3_600);
    world.keep(&[PAY, PAY_MORE], COMPLETION);
    world.host.forward(86_399);
    let kept = world.kept().unwrap();
    // The first approval ended meanwhile: it is asked for again, and the completion waits for that one too.
    assert_eq!(world.again(&[PAY, PAY_MORE], &kept).unwrap().status, Status::Pending);
    world.host.forward(1);
    assert_eq!(wait(world.engine.sweep_kept(10)), Ok(0));
    assert!(world.kept().is_some());
    world.host.forward(86_398);
    assert!(world.kept().is_some());
    world.host.forward(1);
    assert_eq!(world.kept(), None);
    assert_eq!(world.again(&[READ], &kept).unwrap_err(), DecideError::KeptGone);
    assert_eq!(world.held(), [1, 1, 1]);
    assert_eq!((wait(world.engine.sweep_kept(10)), wait(world.engine.sweep_kept(10))), (Ok(1), Ok(0)));
    assert_eq!((world.held(), world.known()), ([0, 0, 0], None));
}

#[test]
fn a_yes_that_was_not_used_in_time_is_asked_for_again() {
    let world = World::ruled();
    let turn = world.keep(&[PAY], COMPLETION);
    world.answer(&turn, 0, Answer::Approve);
    let kept = world.kept().unwrap();
    world.host.forward(86_400);
    assert_eq!(world.again(&[PAY], &kept).unwrap_err(), DecideError::KeptGone);
    assert_eq!(world.keep(&[PAY], COMPLETION).status, Status::Pending);
}

#[test]
fn sweeping_takes_no_more_than_it_is_told_to() {
    let world = World::ruled();
    for n in 0..5 {
        let key = world.engine.key_of(&world.caller, DOOR, n.to_string().as_bytes()).unwrap();
        world.turn_as(&world.caller, &[PAY], Keep::IfPending { key, completion: COMPLETION }).unwrap();
    }
    world.host.forward(86_400);
    let swept: Vec<u32> = (0..4).map(|_| wait(world.engine.sweep_kept(2)).unwrap()).collect();
    assert_eq!(swept, [2, 2, 1, 0]);
    assert_eq!(world.held(), [0, 0, 0]);
}

#[test]
fn what_fails_to_be_committed_is_neither_kept_nor_handed_on() {
    let world = World::ruled();
    let keep = Keep::IfPending { key: world.key_now(), completion: COMPLETION };
    world.fail(Some("turn.record"));
    assert!(world.turn_as(&world.caller, &[PAY], keep).is_err());
    world.fail(None);
    assert_eq!((world.known(), world.kept(), world.held()), (None, None, [0, 0, 0]));
    assert_eq!((world.approvals().len(), world.statuses().len()), (0, 0));
    let turn = world.turn_as(&world.caller, &[PAY], keep).unwrap();
    world.answer(&turn, 0, Answer::Approve);
    let kept = world.kept().unwrap();
    world.fail(Some("turn.record"));
    assert_eq!(world.again(&[PAY], &kept).unwrap_err(), DecideError::Store(StoreError::Full));
    world.fail(None);
    assert_eq!((world.known(), world.approvals()[0].state), (Some(world.key_now()), State::Approved));
    assert!(world.again(&[PAY], &world.kept().unwrap()).unwrap().allowed());
}

#[test]
fn a_transaction_that_runs_twice_keeps_and_hands_on_once() {
    let world = World::ruled();
    *world.store.twice.lock().unwrap() = Some("turn.record");
    let turn = world.keep(&[PAY], COMPLETION);
    assert_eq!(world.held(), [1, 1, 1]);
    world.answer(&turn, 0, Answer::Approve);
    assert!(world.again(&[PAY], &world.kept().unwrap()).unwrap().allowed());
    assert_eq!(world.held(), [0, 0, 0]);
}

#[test]
fn a_request_costs_nothing_while_nothing_is_kept() {
    let world = World::ruled();
    assert_eq!(world.known(), None);
    let jobs = || world.store.jobs.lock().unwrap().len();
    let before = jobs();
    assert_eq!(wait(world.engine.kept_key(&world.caller, DOOR, b"no JSON")), Ok(None));
    assert_eq!(world.known(), None);
    assert_eq!(jobs(), before);
    world.keep(&[PAY], COMPLETION);
    let before = jobs();
    assert_eq!(wait(world.engine.kept_key(&world.caller, DOOR, b"{}")), Ok(None), "another request");
    assert_eq!(wait(world.engine.kept_key(&world.caller, "proxy.messages", BODY)), Ok(None), "another door");
    assert_eq!(world.known(), Some(world.key_now()));
    assert_eq!(jobs(), before);
}

#[test]
fn what_one_process_keeps_another_knows_a_few_seconds_later() {
    let world = World::ruled();
    assert_eq!(known(&world.other, &world.caller), None);
    let turn = world.keep(&[PAY], COMPLETION);
    world.answer(&turn, 0, Answer::Approve);
    world.host.forward(5);
    for engine in [&world.engine, &world.other] {
        assert_eq!(known(engine, &world.caller), Some(world.key_now()));
    }
    let kept = wait(world.other.kept(&world.caller, &world.key_now())).unwrap().unwrap();
    assert_eq!(kept.completion(), COMPLETION);
    let doc = Doc::parse(PAY.1.as_bytes()).unwrap();
    let call = Call { door: "proxy.chat", ..Call::new(PAY.0, doc.root()) };
    let gone = wait(world.other.intercept_turn(&world.caller, &[call.into()], Keep::Again(&kept))).unwrap();
    assert!(gone.allowed());
    assert_eq!(known(&world.other, &world.caller), None);
    assert_eq!(world.known(), Some(world.key_now()), "not known yet");
    assert_eq!(world.kept(), None, "but gone");
    world.host.forward(5);
    assert_eq!(world.known(), None);
}

#[test]
fn a_store_that_does_not_answer_is_an_error_only_while_nothing_is_known() {
    let world = World::ruled();
    world.fail(Some("kept.keys"));
    let read = wait(world.engine.kept_key(&world.caller, DOOR, BODY));
    assert_eq!(read, Err(DecideError::Store(StoreError::Full)));
    world.fail(None);
    world.keep(&[PAY], COMPLETION);
    assert_eq!(world.known(), Some(world.key_now()));
    world.host.forward(5);
    world.fail(Some("kept.keys"));
    assert_eq!(world.known(), Some(world.key_now()), "what was known is good enough");
}

#[test]
fn a_completion_is_sealed_for_its_tenant_its_key_and_this_installation() {
    let world = World::ruled();
    world.keep(&[PAY], COMPLETION);
    let (tenant, key) = (world.caller.tenant.clone(), world.key_now());
    let read = world.engine.write_as_system(&world.caller.tenant, "t", Lane::Normal, move |tx| {
        let record = tx.get(&kept::COMPLETIONS, &tenant, &key.to_hex())?.unwrap();
        // As if it were another request's, and another tenant's.
        let other = "00".repeat(32);
        let body = record.body.replace(&key.to_hex(), &other);
        tx.insert(&kept::COMPLETIONS, &tenant, &crate::store::Record { id: other, body, ..record.clone() })?;
        tx.insert(&kept::COMPLETIONS, &TenantId::parse("other").unwrap(), &record)?;
        Ok::<_, StoreError>(record.body)
    });
    let body = wait(read).unwrap();
    assert!(!body.contains("choices") && body.contains("\"b1."), "{body}");
    let clock = Arc::clone(&world.host) as Arc<dyn Host>;
    let lost = Engine::new(Arc::clone(&world.store.inner) as _, clock, MasterKey::new([8; 32]));
    assert_eq!(wait(lost.kept(&world.caller, &key)).unwrap(), None);
    let stranger = Caller { tenant: TenantId::parse("other").unwrap(), ..world.caller.clone() };
    assert!(wait(world.engine.kept(&stranger, &key)).is_err(), "the key is no key of that tenant");
    assert!(world.kept().is_some());
}

#[test]
fn tenants_have_nothing_of_each_other() {
    let world = World::ruled();
    let other = TenantId::parse("other").unwrap();
    let (space, seed, now) = (other.clone(), world.engine.seed().unwrap(), world.engine.now());
    let minted = world.engine.write_as_system(&other, "t", Lane::Normal, move |tx| {
        key::mint(tx, &space, &key::NewKey::operator("first", Scopes::all()), now, &mut seed.clone())
    });
    let stranger = wait(world.engine.authenticate(wait(minted).unwrap().token.expose())).unwrap();
    world.keep(&[PAY], COMPLETION);
    let kept = world.kept().unwrap();
    assert_eq!(known(&world.engine, &stranger), None);
    assert_ne!(world.engine.key_of(&stranger, DOOR, BODY), Some(world.key_now()));
    assert_eq!(wait(world.engine.kept(&stranger, &world.key_now())).unwrap(), None);
    assert_eq!(world.turn_as(&stranger, &[PAY], Keep::Again(&kept)).unwrap_err(), DecideError::KeptGone);
    assert_eq!(wait(world.engine.erase_kept(&stranger, 10, "subject")), Ok(0));
    assert!(world.kept().is_some());
}

#[test]
fn what_is_too_long_is_not_kept_and_its_call_is_approved_all_the_same() {
    let world = World::ruled();
    let long = vec![b'x'; MAX_COMPLETION + 1];
    let turn = world.keep(&[PAY], &long);
    assert!(!turn.kept && turn.status == Status::Pending);
    assert_eq!((world.known(), world.held()), (None, [0, 0, 0]));
    world.answer(&turn, 0, Answer::Approve);
    assert!(world.turn(&[PAY]).allowed());
    let turn = world.keep(&[PAY], &long[1..]);
    assert!(turn.kept);
    assert_eq!(world.kept().unwrap().completion().len(), MAX_COMPLETION);
}

#[test]
fn no_more_is_kept_of_a_tenant_than_the_most() {
    let world = World::ruled();
    let (cx, until) = (world.engine.context(world.caller.clone()).unwrap(), world.engine.now().plus_seconds(60));
    let (engine, caller) = (world.engine.clone(), world.caller.clone());
    let filled = world.engine.write(cx, "t", move |tx, cx| {
        for n in 0..MAX_KEPT {
            let key = engine.key_of(&caller, DOOR, n.to_string().as_bytes()).unwrap();
            let sealed = kept::seal(engine.master(), cx.tenant(), key, b"x", &mut cx.seed()).unwrap();
            assert!(kept::put(tx, cx, key, &sealed, until)?);
        }
        Ok::<_, DecideError>(())
    });
    wait(filled).unwrap();
    let turn = world.keep(&[PAY], COMPLETION);
    assert!(!turn.kept && turn.status == Status::Pending);
    let one = world.engine.key_of(&world.caller, DOOR, b"7").unwrap();
    let turn = world.turn_as(&world.caller, &[PAY], Keep::IfPending { key: one, completion: COMPLETION }).unwrap();
    assert!(turn.kept, "another takes the place of one under the same key");
    assert_eq!(world.held(), [1_000, 1_000, 1_000]);
    assert_eq!(wait(world.other.kept_key(&world.caller, DOOR, b"7")), Ok(Some(one)));
}

#[test]
fn what_is_erased_is_asked_for_again_and_its_approvals_hold() {
    let world = World::ruled();
    let turn = world.keep(&[PAY], COMPLETION);
    let kept = world.kept().unwrap();
    assert_eq!(wait(world.engine.erase_kept(&world.caller, 10, "subject")), Ok(1));
    assert_eq!(wait(world.engine.erase_kept(&world.caller, 10, "subject")), Ok(0));
    assert_eq!((world.known(), world.kept(), world.held()), (None, None, [0, 0, 0]));
    assert_eq!(world.again(&[PAY], &kept).unwrap_err(), DecideError::KeptGone);
    world.answer(&turn, 0, Answer::Approve);
    assert!(world.turn(&[PAY]).allowed());
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let read = world.engine.read(cx, "t", |tx, cx| {
        let page = audit::page(tx, cx.tenant(), audit::CHANGES, &Filter::default(), 100, 0)?;
        Ok::<_, DecideError>(page.into_iter().filter(|entry| entry.op.as_deref() == Some("data.remove")).count())
    });
    assert_eq!(wait(read), Ok(1));
}

#[test]
fn a_revoked_key_takes_nothing_out() {
    let world = World::ruled();
    let stale = world.key("ci", Scopes::all(), None);
    world.keep(&[PAY], COMPLETION);
    let (id, tenant, now) = (stale.key.to_string(), stale.tenant.clone(), world.engine.now());
    let revoked = world
        .other
        .write_as_system(&stale.tenant, "key.revoke", Lane::Normal, move |tx| key::revoke(tx, &tenant, &id, now));
    wait(revoked).unwrap();
    let refused = Some(DecideError::Access(AccessError::Unauthenticated));
    assert_eq!(wait(world.engine.kept(&stale, &world.key_now())).err(), refused);
    let kept = world.kept().unwrap();
    assert_eq!(world.turn_as(&stale, &[PAY], Keep::Again(&kept)).err(), refused);
}
