//! An engine on a store that fails when it is told to, and another process beside it.

use std::sync::{Arc, Mutex};

use crate::{
    access::{Caller, Ctx, Scopes, key},
    approval::{self, Answer, ApprovalError, Decided, Via},
    audit::{self, Filter, Status, Verified},
    base::{
        Host,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Call, DecideError, Decision, Engine, bootstrap, tests::TestHost},
    policy::{Action, Outcome, RuleAction, RuleMode, kill_switch, rulebook, settings},
    store::{Access, Job, JobEnd, Lane, Store, StoreError, memory::MemoryStore, wait},
};

type Hook = Box<dyn Fn() + Send + Sync>;

/// A store whose COMMIT fails, whose jobs panic, or before whose jobs something else happens, by the job's name.
pub(in crate::engine) struct Faulty {
    pub(in crate::engine) inner: Arc<MemoryStore>,
    fails: Mutex<Option<&'static str>>,
    pub(super) panics: Mutex<Option<&'static str>>,
    /// The job of this name is run, undone, and run once more.
    pub(in crate::engine) twice: Mutex<Option<&'static str>>,
    /// The names of all jobs so far.
    pub(in crate::engine) jobs: Mutex<Vec<&'static str>>,
    before: Mutex<Option<(&'static str, Hook)>>,
    /// Jobs that are held back instead of run, once asked for.
    pub(super) held: Mutex<Option<Vec<Job>>>,
}

impl Store for Faulty {
    fn submit(&self, mut job: Job) {
        self.jobs.lock().unwrap().push(job.name);
        if *self.twice.lock().unwrap() == Some(job.name) {
            let (mut run, mut first) = (job.run, true);
            job.run = Box::new(move |tx| {
                let end = run(tx);
                if std::mem::take(&mut first) { JobEnd::Retry } else { end }
            });
        }
        if let Some((name, hook)) = &*self.before.lock().unwrap()
            && *name == job.name
        {
            hook();
        }
        if *self.panics.lock().unwrap() == Some(job.name) {
            job.run = Box::new(|_| panic!("a defect"));
        }
        if *self.fails.lock().unwrap() == Some(job.name) {
            let (mut run, done) = (job.run, job.done);
            job.run = Box::new(move |tx| {
                run(tx);
                JobEnd::Rollback
            });
            job.done = Box::new(move |outcome| done(outcome.and(Err(StoreError::Full))));
        }
        if let (Some(held), Access::Write) = (&mut *self.held.lock().unwrap(), job.access) {
            held.push(job);
            return;
        }
        self.inner.submit(job);
    }
}

pub(in crate::engine) struct World {
    pub(in crate::engine) store: Arc<Faulty>,
    pub(in crate::engine) host: Arc<TestHost>,
    pub(in crate::engine) engine: Engine,
    /// Another process on the same store.
    pub(in crate::engine) other: Engine,
    pub(in crate::engine) caller: Caller,
}

const MONEY: &str = r#"{"amount":5000}"#;

impl World {
    pub(in crate::engine) fn new() -> Self {
        let inner = Arc::new(MemoryStore::new(CATALOG));
        let host = Arc::new(TestHost::default());
        let store = Arc::new(Faulty {
            inner: Arc::clone(&inner),
            fails: Mutex::default(),
            panics: Mutex::default(),
            twice: Mutex::default(),
            jobs: Mutex::default(),
            before: Mutex::default(),
            held: Mutex::default(),
        });
        let clock = || Arc::clone(&host) as Arc<dyn Host>;
        let engine = Engine::new(Arc::clone(&store) as Arc<dyn Store>, clock(), MasterKey::new([9; 32]));
        let other = Engine::new(inner, clock(), MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let caller = wait(engine.authenticate("tl_test")).unwrap();
        Self { store, host, engine, other, caller }
    }

    /// Wire transfers wait for an approval that nobody gives to a call of their own.
    pub(in crate::engine) fn without_self_approval() -> Self {
        let world = Self::new();
        world.rule("Any wire transfer over £1,000 needs approval").unwrap();
        let strict = settings::SettingsPatch { allow_self_approval: Some(false), ..Default::default() };
        let cx = world.engine.context(world.caller.clone()).unwrap();
        let set = wait(world.engine.write(cx, "settings.update", move |tx, cx| {
            settings::update(tx, cx, &strict).map(drop).map_err(DecideError::from)
        }));
        set.unwrap();
        world
    }

    pub(in crate::engine) fn fail(&self, job: Option<&'static str>) {
        *self.store.fails.lock().unwrap() = job;
    }

    pub(in crate::engine) fn before(&self, job: &'static str, hook: impl Fn() + Send + Sync + 'static) {
        *self.store.before.lock().unwrap() = Some((job, Box::new(hook)));
    }

    pub(super) fn call_as(&self, caller: &Caller, tool: &str) -> Result<Decision, DecideError> {
        let doc = Doc::parse(MONEY.as_bytes()).unwrap();
        let action =
            Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        wait(self.engine.intercept(caller, &Call { action, reason: None, session: None, door: "test" }))
    }

    pub(in crate::engine) fn call(&self, tool: &str) -> Result<Decision, DecideError> {
        self.call_as(&self.caller, tool)
    }

    pub(super) fn status(&self, tool: &str) -> Status {
        self.call(tool).unwrap().status
    }

    pub(super) fn at_hand(&self, tool: &str) -> Option<Outcome> {
        at_hand(&self.engine, &self.caller, tool)
    }

    pub(super) fn evaluate(&self, tool: &str) -> Outcome {
        let doc = Doc::empty_object();
        let action =
            Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        wait(self.engine.evaluate(&self.caller, &action)).unwrap().verdict.outcome
    }

    pub(in crate::engine) fn rule(&self, text: &'static str) -> Result<(), DecideError> {
        let new = rulebook::NewRule {
            rule_text: text.to_owned(),
            action: RuleAction::Approve,
            approver_email: None,
            mode: RuleMode::Enforce,
            expires_at: None,
            form: Default::default(),
        };
        let cx = self.engine.context(self.caller.clone()).unwrap();
        wait(self.engine.write(cx, "rule.create", move |tx, cx| {
            rulebook::create(tx, cx, &new).map(drop).map_err(DecideError::from)
        }))
    }

    pub(in crate::engine) fn decide_as(
        &self,
        caller: &Caller,
        id: &str,
        answer: Answer,
    ) -> Result<Decided, ApprovalError> {
        let cx = self.engine.context(caller.clone()).unwrap();
        let id = id.to_owned();
        let work = move |tx: &mut dyn crate::store::Tx, cx: &Ctx| approval::decide(tx, cx, &id, answer, None, Via::Key);
        wait(self.engine.write(cx, "approval.decide", work))
    }

    /// Asks for a call and has it approved.
    pub(super) fn approved(&self, tool: &str) -> String {
        let id = self.call(tool).unwrap().approval.unwrap().to_string();
        self.decide_as(&self.caller, &id, Answer::Approve).unwrap();
        id
    }

    pub(in crate::engine) fn key(&self, name: &str, scopes: Scopes, lives: Option<i64>) -> Caller {
        let (now, seed) = (self.engine.now(), self.engine.seed().unwrap());
        let new = key::NewKey {
            expires_at: lives.map(|lives| now.plus_seconds(lives)),
            ..key::NewKey::operator(name, scopes)
        };
        let tenant = self.caller.tenant.clone();
        let minted = wait(self.other.write_as_system(&self.caller.tenant, "t", Lane::Normal, move |tx| {
            key::mint(tx, &tenant, &new, now, &mut seed.clone())
        }));
        wait(self.engine.authenticate(minted.unwrap().token.expose())).unwrap()
    }

    /// Status of every decision in the log, the latest first, and whether the log verifies.
    pub(in crate::engine) fn log(&self) -> (Vec<String>, Verified) {
        let cx = self.other.context(wait(self.other.authenticate("tl_test")).unwrap()).unwrap();
        let read = wait(self.other.read(cx, "t", |tx, cx| {
            let page = audit::page(tx, cx.tenant(), audit::DECISIONS, &Filter::default(), 100, 0)?;
            Ok::<_, DecideError>((page, audit::verify(tx, cx.tenant(), Vec::new())?))
        }));
        let (page, verified) = read.unwrap();
        (page.into_iter().filter_map(|entry| entry.status).collect(), verified)
    }
}

pub(super) fn at_hand(engine: &Engine, caller: &Caller, tool: &str) -> Option<Outcome> {
    let doc = Doc::empty_object();
    let action = Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
    engine.evaluate_at_hand(caller, &action).map(|evaluated| evaluated.unwrap().verdict.outcome)
}

pub(in crate::engine) fn block(engine: &Engine, caller: &Caller, tool: &'static str) -> Result<(), DecideError> {
    let cx = engine.context(caller.clone()).unwrap();
    wait(engine.write(cx, "tool.block", move |tx, cx| {
        kill_switch::block(tx, cx, tool, "").map(drop).map_err(DecideError::from)
    }))
}
