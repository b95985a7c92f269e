//! The whole path on the memory store: propose, decide, approve, use once, find it all in the log.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU8, Ordering},
};

use super::{CATALOG, Call, DecideError, Decision, Engine, Failed, bootstrap};
use crate::{
    access::Caller,
    approval::{self, Answer, ApprovalError, Decided, State, Via},
    audit::{self, Filter, Status},
    base::{
        Host, Seed, TenantId, Time,
        host::NoEntropy,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    policy::{Action, RuleAction, RuleMode, Verdict, kill_switch, rulebook, settings},
    store::{Lane, StoreExt, Tx, memory::MemoryStore, wait},
    tool::{Risk, redact},
};

/// A machine whose clock stands still until it is moved.
#[derive(Default)]
pub(super) struct TestHost {
    micros: AtomicI64,
    seeds: AtomicU8,
}

impl TestHost {
    pub(super) fn forward(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Host for TestHost {
    fn now(&self) -> Time {
        Time::from_micros(1_700_000_000_000_000 + self.micros.load(Ordering::SeqCst))
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        let mut key = [1; 32];
        key[0] = self.seeds.fetch_add(1, Ordering::SeqCst);
        Ok(Seed::new(key))
    }
}

struct World {
    engine: Engine,
    host: Arc<TestHost>,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        let host = Arc::new(TestHost::default());
        let store = Arc::new(MemoryStore::new(CATALOG));
        let engine = Engine::new(store, Arc::clone(&host) as Arc<dyn Host>, MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let caller = wait(engine.authenticate("tl_test")).unwrap();
        Self { engine, host, caller }
    }

    fn call(&self, tool: &str, arguments: &str) -> Decision {
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        let action =
            Action { tool, agent: Some("bot"), arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        let call = Call { action, reason: None, session: None, door: "test" };
        wait(self.engine.intercept(&self.caller, &call)).unwrap()
    }

    fn rule(&self, text: &'static str, action: RuleAction) -> String {
        let new = rulebook::NewRule {
            rule_text: text.to_owned(),
            action,
            approver_email: None,
            mode: RuleMode::Enforce,
            expires_at: None,
            form: Default::default(),
        };
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let stored = wait(
            self.engine
                .write(cx, "rule.create", move |tx, cx| rulebook::create(tx, cx, &new).map_err(ApprovalError::from)),
        );
        stored.unwrap().value.id.to_string()
    }

    fn block(&self, tool: &'static str) {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        wait(
            self.engine.write(cx, "tool.block", move |tx, cx| {
                kill_switch::block(tx, cx, tool, "").map_err(ApprovalError::from)
            }),
        )
        .unwrap();
    }

    fn settings(&self, patch: settings::SettingsPatch) {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let changed = self
            .engine
            .write(cx, "settings.update", move |tx, cx| settings::update(tx, cx, &patch).map_err(ApprovalError::from));
        wait(changed).unwrap();
    }

    fn decide(&self, id: &str, answer: Answer) -> Result<Decided, ApprovalError> {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let id = id.to_owned();
        wait(
            self.engine.write(cx, "approval.decide", move |tx, cx| {
                approval::decide(tx, cx, &id, answer, Some("fine"), Via::Key)
            }),
        )
    }
}

const TRANSFER: &str = "Any wire transfer over £1,000 needs approval";

#[test]
fn an_approved_call_goes_through_once_and_only_as_approved() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let asked = world.call("wire_transfer", r#"{"amount":5000,"to":"acme"}"#);
    assert_eq!(asked.status, Status::Pending);
    let id = asked.approval.unwrap().to_string();
    let again = world.call("wire_transfer", r#"{"to":"acme","amount":5e3}"#);
    assert_eq!((again.status, again.approval), (Status::Pending, asked.approval));
    assert!(matches!(world.decide(&id, Answer::Approve), Ok(Decided::Now(_))));
    assert_eq!(world.call("wire_transfer", r#"{"amount":5001,"to":"acme"}"#).status, Status::Pending);
    assert_eq!(world.call("wire_transfer", r#"{"amount":5000,"to":"acme","x":1}"#).status, Status::Pending);
    assert_eq!(world.call("wire_transfer", r#"{"amount":5000,"to":"acme"}"#).status, Status::Allowed);
    let third = world.call("wire_transfer", r#"{"amount":5000,"to":"acme"}"#);
    assert_eq!(third.status, Status::Pending);
    assert_ne!(third.approval, asked.approval);
    assert_eq!(world.decide(&id, Answer::Deny), Err(ApprovalError::Settled(State::Used)));
}

#[test]
fn a_denial_sticks_for_a_day_however_long_approvals_wait() {
    for approval_ttl_seconds in [60, 86_400, 2_592_000] {
        let world = World::new();
        world.rule(TRANSFER, RuleAction::Approve);
        world.settings(settings::SettingsPatch {
            approval_ttl_seconds: Some(approval_ttl_seconds),
            ..settings::SettingsPatch::default()
        });
        let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
        world.decide(&id, Answer::Deny).unwrap();
        assert_eq!(world.call("wire_transfer", r#"{"amount":5000}"#).status, Status::Blocked);
        world.host.forward(86_399);
        assert_eq!(world.call("wire_transfer", r#"{"amount":5000}"#).status, Status::Blocked);
        world.host.forward(1);
        assert_eq!(world.call("wire_transfer", r#"{"amount":5000}"#).status, Status::Pending);
    }
}

#[test]
fn silence_is_a_no_and_a_late_answer_does_not_count() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
    world.host.forward(86_400);
    let Ok(Decided::Late(late)) = world.decide(&id, Answer::Approve) else { panic!("a late answer counted") };
    assert_eq!(late.state, State::Expired);
    let anew = world.call("wire_transfer", r#"{"amount":5000}"#);
    assert_eq!(anew.status, Status::Pending);
    assert_ne!(anew.approval.unwrap().to_string(), id);
}

#[test]
fn an_unused_yes_is_void_after_its_time() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
    world.decide(&id, Answer::Approve).unwrap();
    world.host.forward(86_400);
    assert_eq!(world.call("wire_transfer", r#"{"amount":5000}"#).status, Status::Pending);
}

#[test]
fn the_kill_switch_and_new_rules_win_over_a_given_yes() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
    world.decide(&id, Answer::Approve).unwrap();
    world.rule("Any wire transfer over £2,000 needs approval", RuleAction::Approve);
    let asked = world.call("wire_transfer", r#"{"amount":5000}"#);
    assert_eq!(asked.status, Status::Pending);
    world.decide(&asked.approval.unwrap().to_string(), Answer::Approve).unwrap();
    world.block("wire_transfer");
    assert_eq!(world.call("wire_transfer", r#"{"amount":5000}"#).status, Status::Blocked);
}

#[test]
fn a_yes_never_covers_more_rules_than_an_approval_holds() {
    let world = World::new();
    for _ in 0..Verdict::REASONS_MAX {
        world.rule(TRANSFER, RuleAction::Approve);
    }
    let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
    world.decide(&id, Answer::Approve).unwrap();
    world.rule(TRANSFER, RuleAction::Approve);
    let asked = world.call("wire_transfer", r#"{"amount":5000}"#);
    assert_eq!((asked.status, asked.approval), (Status::Blocked, None));
    assert_eq!(
        asked.message,
        "more than 64 rules ask about this call, which is more than one approval can cover: narrow or merge them"
    );
}

#[test]
fn timers_expire_what_nobody_answered() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let id = world.call("wire_transfer", r#"{"amount":5000}"#).approval.unwrap().to_string();
    world.host.forward(86_399);
    let expire = || {
        let (now, seed) = (world.engine.now(), world.engine.seed().unwrap());
        let tenant = TenantId::directory();
        wait(world.engine.write_as_system(&tenant, "approval.expire", Lane::Normal, move |tx| {
            approval::expire_due(tx, now, 100, &mut seed.clone())
        }))
        .unwrap()
    };
    assert_eq!(expire(), 0);
    world.host.forward(1);
    assert_eq!(expire(), 1);
    assert_eq!(expire(), 0);
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let stored = wait(world.engine.read(cx, "t", move |tx, cx| approval::get(tx, cx.tenant(), &id))).unwrap();
    assert_eq!((stored.state, stored.decided_by.as_deref()), (State::Expired, Some("timeout")));
}

#[test]
fn what_waits_is_counted_exactly_also_before_a_worker_came_by() {
    let world = World::new();
    world.rule(TRANSFER, RuleAction::Approve);
    let waiting = || {
        let cx = world.engine.context(world.caller.clone()).unwrap();
        let read = world.engine.read(cx, "t", |tx, cx| {
            let listed = approval::pending(tx, cx.tenant(), cx.now, 10, 0)?;
            let amounts = listed.into_iter().map(|approval| approval.arguments).collect::<Vec<_>>();
            assert_eq!(approval::pending(tx, cx.tenant(), cx.now, 1, 0)?.len(), amounts.len().min(1));
            Ok::<_, ApprovalError>((approval::pending_count(tx, cx.tenant(), cx.now)?, amounts))
        });
        wait(read).unwrap()
    };
    let ask = |arguments| world.call("wire_transfer", arguments).approval.unwrap().to_string();
    ask(r#"{"amount":2000}"#);
    world.host.forward(1);
    ask(r#"{"amount":3000}"#);
    let decided = ask(r#"{"amount":4000}"#);
    assert_eq!(waiting().0, 3);
    world.decide(&decided, Answer::Approve).unwrap();
    assert_eq!(waiting(), (2, vec![r#"{"amount":3000}"#.to_owned(), r#"{"amount":2000}"#.to_owned()]));
    world.host.forward(86_398);
    assert_eq!(waiting().0, 2);
    world.host.forward(1);
    assert_eq!(waiting(), (1, vec![r#"{"amount":3000}"#.to_owned()]));
    world.host.forward(1);
    assert_eq!(waiting(), (0, vec![]));
}

#[test]
fn every_decision_is_counted_and_stands_in_a_log_that_verifies() {
    let world = World::new();
    world.rule("Block all file deletions", RuleAction::Block);
    world.call("read_file", r#"{"path":"a"}"#);
    world.call("delete_file", r#"{"path":"a"}"#);
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let (page, stats, verified) = wait(world.engine.read(cx, "t", |tx, cx| {
        let page = audit::page(tx, cx.tenant(), audit::DECISIONS, &Filter::default(), 10, 0).unwrap();
        let stats = audit::stats(tx, cx.tenant(), cx.now)?;
        Ok::<_, ApprovalError>((page, stats, audit::verify(tx, cx.tenant(), Vec::new())?))
    }))
    .unwrap();
    let seen: Vec<_> = page.iter().map(|entry| (entry.tool_name.as_deref(), entry.status.as_deref())).collect();
    assert_eq!(seen, [(Some("delete_file"), Some("BLOCKED")), (Some("read_file"), Some("ALLOWED"))]);
    assert_eq!((stats.total, stats.allowed, stats.blocked, stats.month_usage), (2, 1, 1, 2));
    assert!(verified.valid, "{verified:?}");
    assert!(verified.entries >= 5);
}

#[test]
fn a_revoked_key_is_not_remembered_even_by_an_engine_that_never_decided() {
    let world = World::new();
    assert!(world.engine.known_caller("tl_test").is_some());
    let (now, id) = (world.engine.now(), world.caller.key.to_string());
    let tenant = world.caller.tenant.clone();
    wait(world.engine.write_as_system(&tenant.clone(), "key.revoke", Lane::Normal, move |tx| {
        crate::access::key::revoke(tx, &tenant, &id, now)
    }))
    .unwrap();
    assert!(world.engine.known_caller("tl_test").is_none());
    assert!(wait(world.engine.authenticate("tl_test")).is_err());
}

#[test]
fn the_end_of_a_call_is_written_down_though_its_key_was_revoked_meanwhile() {
    let world = World::new();
    world.call("read_file", "{}");
    let (now, id) = (world.engine.now(), world.caller.key.to_string());
    let tenant = world.caller.tenant.clone();
    wait(world.engine.write_as_system(&tenant.clone(), "key.revoke", Lane::Normal, move |tx| {
        crate::access::key::revoke(tx, &tenant, &id, now)
    }))
    .unwrap();
    let failed = Failed {
        op: "forward",
        tool_name: Some("read_file".to_owned()),
        agent_name: None,
        risk: Risk::Low,
        body: r#"{"arguments":{},"message":"lost"}"#.to_owned(),
    };
    wait(world.engine.note_failed(&world.caller, "t", failed)).unwrap();
    let tenant = world.caller.tenant.clone();
    let read = world.engine.store().read("t", move |tx: &mut dyn Tx| {
        let page = audit::page(tx, &tenant, audit::DECISIONS, &Filter::default(), 10, 0)?;
        Ok::<_, DecideError>((page, audit::verify(tx, &tenant, Vec::new())?))
    });
    let (page, verified) = wait(read).unwrap();
    let seen: Vec<_> = page.iter().map(|entry| entry.status.as_deref()).collect();
    assert_eq!(seen, [Some("ERROR"), Some("ALLOWED")]);
    assert!(verified.valid, "{verified:?}");
}

#[test]
fn a_person_named_beside_the_arguments_is_masked_and_found_again() {
    let world = World::new();
    let doc = Doc::empty_object();
    let mut call = Call::new("read_file", doc.root()).by("jane.roe@example.com");
    call.reason = Some("asked by bob@example.org");
    wait(world.engine.intercept(&world.caller, &call)).unwrap();
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let master = world.engine.master().clone();
    let (entry, found) = wait(world.engine.read(cx, "t", move |tx, cx| {
        let entry = audit::page(tx, cx.tenant(), audit::DECISIONS, &Filter::default(), 1, 0).unwrap().remove(0);
        let subjects = redact::text("bob@example.org").subjects;
        let tag = crate::audit::subject_tags(&master, cx.tenant(), &subjects).remove(0);
        Ok::<_, ApprovalError>((entry, audit::subject_entries(tx, cx.tenant(), &tag, None)?.0.decisions))
    }))
    .unwrap();
    assert!(!entry.agent_name.unwrap().contains("jane.roe"));
    assert!(!entry.body.unwrap().contains("bob@example"));
    assert_eq!(found, [1]);
}
