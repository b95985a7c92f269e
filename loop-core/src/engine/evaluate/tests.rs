use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::Evaluated;
use crate::{
    access::{
        AccessError, Caller, Mode, Plan, Scopes,
        key::{self, Form, NewKey},
        loops::{self, LoopKind, LoopStatus, NewLoop, Patch},
    },
    base::{
        Host, Risk,
        id::LoopId,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, DecideError, Engine, bootstrap, tests::TestHost},
    policy::{Action, Outcome, ReasonCode, Stage, kill_switch},
    store::{Job, Lane, Store, memory::MemoryStore, wait},
    trust::{self, EventKind},
};

/// A store that must not be asked once it is sealed.
struct Sealable {
    inner: Arc<MemoryStore>,
    sealed: AtomicBool,
}

impl Store for Sealable {
    fn submit(&self, job: Job) {
        assert!(!self.sealed.load(Ordering::SeqCst), "`{}` asked the store", job.name);
        self.inner.submit(job);
    }
}

struct World {
    store: Arc<Sealable>,
    host: Arc<TestHost>,
    engine: Engine,
    /// Another process on the same store.
    other: Engine,
    admin: Caller,
}

impl World {
    fn new() -> Self {
        let inner = Arc::new(MemoryStore::new(CATALOG));
        let host = Arc::new(TestHost::default());
        let store = Arc::new(Sealable { inner: Arc::clone(&inner), sealed: AtomicBool::new(false) });
        let clock = || Arc::clone(&host) as Arc<dyn Host>;
        let engine = Engine::new(Arc::clone(&store) as Arc<dyn Store>, clock(), MasterKey::new([9; 32]));
        let other = Engine::new(inner, clock(), MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let admin = wait(engine.authenticate("tl_test")).unwrap();
        Self { store, host, engine, other, admin }
    }

    fn make(&self, tag: &str, parent: Option<LoopId>) -> LoopId {
        let new = NewLoop {
            tag: Some(tag.to_owned()),
            kind: if parent.is_some() { LoopKind::Sub } else { LoopKind::Developer },
            owner_id: None,
            parent,
            skills: Vec::new(),
            permissions: None,
            plan: Some(Plan::Pro),
            risk_ceiling: None,
            spend_limit: None,
        };
        let cx = self.engine.context(self.admin.clone()).unwrap();
        wait(self.engine.write(cx, "t", move |tx, cx| loops::create(tx, cx, &new))).unwrap().id
    }

    fn patch(&self, engine: &Engine, id: LoopId, patch: Patch) {
        let cx = engine.context(wait(engine.authenticate("tl_test")).unwrap()).unwrap();
        wait(engine.write(cx, "t", move |tx, cx| loops::patch(tx, cx, id, &patch))).unwrap();
    }

    fn penalise(&self, engine: &Engine, id: LoopId) {
        let cx = engine.context(wait(engine.authenticate("tl_test")).unwrap()).unwrap();
        let event = engine.write(cx, "t", move |tx, cx| {
            trust::penalise(tx, cx, id, EventKind::AbuseConfirmed, "r", "spam").map_err(|error| {
                assert_eq!(error.to_string(), "", "no other error");
                AccessError::NoLoop
            })
        });
        wait(event).unwrap();
    }

    fn caller(&self, loop_id: LoopId, form: Form) -> Caller {
        let new = NewKey { loop_id: Some(loop_id), form, ..NewKey::operator("k", Scopes::all()) };
        let (tenant, now, seed) = (self.admin.tenant.clone(), self.engine.now(), self.engine.seed().unwrap());
        let subject = tenant.clone();
        let minted = wait(self.engine.write_as_system(&subject, "t", Lane::Normal, move |tx| {
            key::mint(tx, &tenant, &new, now, &mut seed.clone())
        }));
        wait(self.engine.authenticate(minted.unwrap().token.expose())).unwrap()
    }

    fn at_hand(&self, caller: &Caller, step: Step) -> Option<Result<Evaluated, AccessError>> {
        let doc = Doc::empty_object();
        self.engine.evaluate_at_hand(caller, &step.action(&doc))
    }

    fn evaluate(&self, caller: &Caller, step: Step) -> Result<Evaluated, DecideError> {
        let doc = Doc::empty_object();
        wait(self.engine.evaluate(caller, &step.action(&doc)))
    }

    fn outcome(&self, caller: &Caller, step: Step) -> Outcome {
        self.evaluate(caller, step).unwrap().verdict.outcome
    }
}

#[derive(Clone, Copy)]
struct Step {
    mode: Mode,
    risk: Risk,
    loop_id: Option<LoopId>,
}

const AUTOPILOT: Step = Step { mode: Mode::Autopilot, risk: Risk::Low, loop_id: None };

impl Step {
    fn of(self, id: LoopId) -> Self {
        Self { loop_id: Some(id), ..self }
    }

    fn action<'a>(self, doc: &'a Doc<'a>) -> Action<'a> {
        let stage = Stage {
            mode: self.mode,
            loop_id: self.loop_id,
            action: "find_leads",
            domain: Some("sales_revenue_ops"),
            tool: None,
            trust: 0,
            sandboxed: false,
            least_risk: Risk::Low,
            credits: None,
        };
        Action {
            tool: "find_leads",
            agent: None,
            arguments: doc.root(),
            forward: None,
            claimed_risk: Some(self.risk),
            stage: Some(stage),
        }
    }
}

#[test]
fn once_all_is_at_hand_the_store_is_not_asked() {
    let world = World::new();
    let root = world.make("acme", None);
    let sub = world.make("acme_leads", Some(root));
    let caller = world.caller(sub, Form::Live);
    assert!(world.at_hand(&caller, AUTOPILOT).is_none(), "nobody read the scores yet");
    assert_eq!(world.outcome(&caller, AUTOPILOT), Outcome::Allow);
    let admin = wait(world.engine.authenticate("tl_test")).unwrap();
    world.store.sealed.store(true, Ordering::SeqCst);
    for mode in Mode::ALL.iter().copied() {
        for risk in Risk::ALL {
            for step in [Step { mode, risk, loop_id: None }, Step { mode, risk, loop_id: Some(sub) }] {
                let evaluated = world.at_hand(&caller, step).expect("all is at hand").expect("it may ask");
                assert_eq!(evaluated.trust, Some(50));
                assert_eq!(evaluated.verdict.mode, Some(mode));
                let again = world.evaluate(&caller, step).unwrap();
                assert_eq!(again.verdict.outcome, evaluated.verdict.outcome);
            }
        }
    }
    assert_eq!(world.at_hand(&admin, AUTOPILOT).unwrap().unwrap().trust, None);
    assert_eq!(wait(world.engine.authenticate("tl_test")).map(|caller| caller.key), Ok(admin.key));
}

#[test]
fn a_key_acts_for_its_own_loop_and_those_under_it() {
    let world = World::new();
    let root = world.make("acme", None);
    let (sub, sibling) = (world.make("acme_leads", Some(root)), world.make("acme_mail", Some(root)));
    let of_sub = world.caller(sub, Form::Live);
    let of_root = world.caller(root, Form::Live);
    for id in [root, sub, sibling] {
        assert_eq!(world.outcome(&world.admin, AUTOPILOT.of(id)), Outcome::Allow);
        assert_eq!(world.outcome(&of_root, AUTOPILOT.of(id)), Outcome::Allow);
    }
    assert_eq!(world.outcome(&of_sub, AUTOPILOT.of(sub)), Outcome::Allow);
    for id in [root, sibling] {
        let refused = world.evaluate(&of_sub, AUTOPILOT.of(id));
        assert!(matches!(refused, Err(DecideError::Access(AccessError::Foreign))), "{refused:?}");
    }
    let nobody = LoopId::draw(world.engine.now(), &mut world.engine.seed().unwrap());
    let refused = world.evaluate(&world.admin, AUTOPILOT.of(nobody));
    assert!(matches!(refused, Err(DecideError::Access(AccessError::NoLoop))), "{refused:?}");
}

#[test]
fn a_change_of_a_loop_above_counts_with_the_next_step() {
    let world = World::new();
    let root = world.make("acme", None);
    let sub = world.make("acme_leads", Some(root));
    let caller = world.caller(sub, Form::Live);
    assert_eq!(world.outcome(&caller, AUTOPILOT), Outcome::Allow);
    let before = wait(world.engine.policy(&world.admin.tenant)).unwrap();
    world.patch(&world.engine, root, Patch { status: Some(LoopStatus::Suspended), ..Patch::default() });
    let evaluated = world.at_hand(&caller, AUTOPILOT).expect("at hand").unwrap();
    assert_eq!(evaluated.verdict.outcome, Outcome::Deny);
    assert_eq!(evaluated.verdict.reasons[0].code, ReasonCode::LoopSuspended);
    assert_eq!(evaluated.policy.hash(), before.hash(), "the rules are the same");
    // From another process, once the change was noticed.
    world.patch(&world.other, root, Patch { status: Some(LoopStatus::Active), ..Patch::default() });
    wait(world.engine.watch(before.epoch())).unwrap();
    assert_eq!(world.outcome(&caller, AUTOPILOT), Outcome::Allow);
    world.patch(&world.engine, root, Patch { plan: Some(Plan::Free), ..Patch::default() });
    let evaluated = world.evaluate(&caller, AUTOPILOT).unwrap();
    assert_eq!(evaluated.verdict.mode, Some(Mode::Guided));
    world.patch(&world.engine, root, Patch { risk_ceiling: Some(Some(Risk::Low)), ..Patch::default() });
    assert_eq!(world.outcome(&caller, Step { risk: Risk::Medium, ..AUTOPILOT }), Outcome::Deny);
    assert_eq!(world.outcome(&caller, AUTOPILOT), Outcome::Allow);
}

#[test]
fn rules_and_kill_switch_still_hold_after_loops_changed() {
    let world = World::new();
    let root = world.make("acme", None);
    assert_eq!(world.outcome(&world.admin, AUTOPILOT.of(root)), Outcome::Allow);
    let block =
        |engine: &Engine| {
            let cx = engine.context(world.admin.clone()).unwrap();
            wait(engine.write(cx, "t", |tx, cx| {
                kill_switch::block(tx, cx, "find_leads", "").map(drop).map_err(DecideError::from)
            }))
        };
    block(&world.engine).unwrap();
    world.make("other", None);
    world.patch(&world.engine, root, Patch { verified: Some(true), ..Patch::default() });
    let evaluated = world.evaluate(&world.admin, AUTOPILOT.of(root)).unwrap();
    assert_eq!(evaluated.verdict.reasons[0].code, ReasonCode::ToolBlocked);
}

#[test]
fn the_least_trust_of_the_line_counts_and_is_never_older_than_a_second() {
    let world = World::new();
    let root = world.make("acme", None);
    let sub = world.make("acme_leads", Some(root));
    let caller = world.caller(sub, Form::Live);
    assert_eq!(world.evaluate(&caller, AUTOPILOT).unwrap().trust, Some(50));
    world.penalise(&world.engine, root);
    world.penalise(&world.engine, root);
    let evaluated = world.at_hand(&caller, AUTOPILOT).expect("told before the change was answered").unwrap();
    assert_eq!((evaluated.trust, evaluated.verdict.outcome), (Some(30), Outcome::RequireApproval));
    assert_eq!(evaluated.verdict.reasons[0].code, ReasonCode::TrustTooLow);
    // Another process takes more: this one looks again within a second.
    world.penalise(&world.other, sub);
    world.penalise(&world.other, sub);
    world.penalise(&world.other, sub);
    world.host.forward(2);
    assert!(world.at_hand(&caller, AUTOPILOT).is_none(), "too old");
    assert_eq!(world.evaluate(&caller, AUTOPILOT).unwrap().trust, Some(20));
}

#[test]
fn a_sandbox_key_simulates_whatever_mode_it_asks_for() {
    let world = World::new();
    let root = world.make("acme", None);
    let caller = world.caller(root, Form::Test);
    for mode in Mode::ALL.iter().copied() {
        let evaluated = world.evaluate(&caller, Step { mode, ..AUTOPILOT }).unwrap();
        assert_eq!(evaluated.verdict.outcome, Outcome::Simulate);
        assert_eq!(evaluated.verdict.mode, Some(Mode::Sandbox));
    }
    assert_eq!(world.outcome(&caller, Step { risk: Risk::Critical, ..AUTOPILOT }), Outcome::Deny);
}
