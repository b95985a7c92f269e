//! Calls of tools through every gate, on the memory store.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Waker},
};

use serde_json::{Value, json};

use super::{
    CATALOG, Engine, InvokeError, Invoked, Request, bootstrap,
    hearing_tests::{Told, found},
};
use crate::{
    access::{Caller, Mode, Plan, Scope, Scopes, key, loops},
    approval::{self, Answer, ApprovalError, Via},
    base::{
        Code, Host, Seed, Time,
        host::NoEntropy,
        id::LoopId,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    credit::{self, CreditError, RESERVED_SECONDS, Wallet},
    invoke::{self, Answering, CallError, Fault, InvocationStatus, Job, Natives, Provider},
    policy::{
        ReasonCode, RuleAction,
        judge::{Finding, Judge},
        kill_switch, rulebook,
    },
    proof::{self, Level, ProofKind},
    store::{memory::MemoryStore, wait},
    tool::manifest::{self, Content, ToolStatus},
    trust::{self, TrustError},
};

/// A clock that is moved by hand, and seeds that never repeat.
#[derive(Default)]
struct TestHost {
    micros: AtomicI64,
    seeds: AtomicU64,
}

impl Host for TestHost {
    fn now(&self) -> Time {
        Time::from_micros(1_763_800_000_000_000 + self.micros.load(Ordering::SeqCst))
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        let mut key = [1; 32];
        let drawn = self.seeds.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        key.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        Ok(Seed::new(key))
    }
}

struct World {
    engine: Engine,
    host: Arc<TestHost>,
    admin: Caller,
}

/// A loop and a key of its own.
#[derive(Clone)]
struct Actor {
    id: LoopId,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        let host = Arc::new(TestHost::default());
        let store = Arc::new(MemoryStore::new(CATALOG));
        let engine = Engine::new(store, Arc::clone(&host) as Arc<dyn Host>, MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let admin = wait(engine.authenticate("tl_test")).unwrap();
        Self { engine, host, admin }
    }

    fn admin<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn crate::store::Tx, &crate::access::Ctx) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let cx = self.engine.context(self.admin.clone()).unwrap();
        wait(self.engine.write(cx, "test", move |tx, cx| work(tx, cx)))
    }

    fn actor(&self, tag: &str, owner: &str) -> Actor {
        let new = loops::NewLoop {
            tag: Some(tag.to_owned()),
            kind: crate::access::LoopKind::Developer,
            owner_id: Some(owner.to_owned()),
            parent: None,
            skills: Vec::new(),
            permissions: None,
            plan: Some(Plan::Pro),
            risk_ceiling: None,
            spend_limit: None,
        };
        let scopes: Scopes =
            [Scope::ToolsInvoke, Scope::ToolsPublish, Scope::ProofCreate, Scope::TrustRead].into_iter().collect();
        let (id, token) = self
            .admin(move |tx, cx| {
                let made = loops::create(tx, cx, &new)?;
                let new =
                    key::NewKey { loop_id: Some(made.id), form: key::Form::Live, ..key::NewKey::operator("k", scopes) };
                Ok((made.id, key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?.token))
            })
            .unwrap();
        let caller = wait(self.engine.authenticate(token.expose())).unwrap();
        Actor { id, caller }
    }

    fn publish(&self, by: &Actor, changes: &Value) -> String {
        let mut manifest = json!({
            "name": "find_leads", "description": "x", "category": "sales", "riskLevel": "low",
            "requiresApprovalDefault": false, "expectedProofs": [],
            "inputSchema": {"type": "object", "required": ["city"]}, "outputSchema": {"type": "object"},
            "providerType": "native", "visibility": "private", "version": "1.0.0",
        });
        for (name, value) in changes.as_object().unwrap() {
            manifest[name] = value.clone();
        }
        let content: Content = serde_json::from_value(manifest).unwrap();
        wait(self.engine.publish_tool(&by.caller, content)).unwrap().0.content.name
    }

    fn invoke_with(
        &self,
        by: &Actor,
        tool: &str,
        mode: Mode,
        approval: Option<&str>,
        provider: &dyn Provider,
    ) -> Result<Invoked, InvokeError> {
        let doc = Doc::parse(br#"{"city":"Rome"}"#).unwrap();
        let request = Request { tool, version: None, input: doc.root(), mode, task: None, approval, reason: None };
        wait(self.engine.invoke(&by.caller, &request, provider))
    }

    fn invoke(&self, by: &Actor, tool: &str) -> Result<Invoked, InvokeError> {
        self.invoke_with(by, tool, Mode::Guided, None, &works(tool))
    }

    fn score(&self, of: &Actor) -> u8 {
        let id = of.id;
        self.admin(move |tx, cx| Ok(trust::score(tx, cx.tenant(), id)?)).unwrap()
    }

    fn grant(&self, to: &Actor, amount: u64) {
        let id = to.id;
        self.admin(move |tx, cx| Ok(credit::grant(tx, cx, id, amount)?)).unwrap();
    }

    fn wallet(&self, of: &Actor) -> Wallet {
        let id = of.id;
        self.admin(move |tx, cx| Ok(credit::balance(tx, cx.tenant(), id)?.unwrap_or_default())).unwrap()
    }

    fn forward(&self, seconds: i64) {
        self.host.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn sweep(&self) -> u32 {
        wait(self.engine.sweep_invocations(100)).unwrap()
    }

    fn decide(&self, id: &str, answer: Answer) {
        let cx = self.engine.context(self.admin.clone()).unwrap();
        let id = id.to_owned();
        wait(self.engine.write(cx, "decide", move |tx, cx| approval::decide(tx, cx, &id, answer, None, Via::Key)))
            .map(|_| ())
            .map_err(|error: ApprovalError| error.to_string())
            .unwrap();
    }
}

fn works(tool: &str) -> Natives {
    Natives::default().with(tool, |input| Ok(json!({ "echo": input })))
}

fn code(outcome: Result<Invoked, InvokeError>) -> Code {
    outcome.map(|_| ()).unwrap_err().code()
}

/// A provider that must not be reached.
struct Unreached;

impl Provider for Unreached {
    fn call<'a>(&'a self, _: &'a Job) -> Answering<'a> {
        panic!("a gate let a call through that it must stop")
    }
}

/// A provider that never answers.
struct Silent;

impl Provider for Silent {
    fn call<'a>(&'a self, _: &'a Job) -> Answering<'a> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_call_that_passes_every_gate_is_executed_proved_and_paid() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"creditCost": 7}));
    world.grant(&a, 10);
    let invoked = world.invoke(&a, &tool).unwrap();
    assert_eq!(invoked.call.status, InvocationStatus::Succeeded);
    assert_eq!((invoked.call.estimated, invoked.call.reserved, invoked.call.charged), (7, 7, 7));
    assert_eq!(invoked.output.unwrap().get(), r#"{"echo":{"city":"Rome"}}"#);
    assert_eq!(invoked.remaining, Some(3));
    assert_eq!(world.wallet(&a), Wallet { balance: 3, reserved: 0 });
    assert_eq!(world.score(&a), 51);
    let id = invoked.call.proofs[0].to_string();
    let proof = world.admin(move |tx, cx| Ok(proof::get(tx, cx.tenant(), &id)?)).unwrap();
    assert_eq!((proof.level, proof.kind, proof.simulated), (Level::V1, ProofKind::ExecutionTrace, false));
}

#[test]
fn every_gate_stops_a_call_before_the_provider() {
    let world = World::new();
    let (a, b) = (world.actor("ann", "one"), world.actor("bob", "two"));
    let tool = world.publish(&a, &json!({}));
    let dear = world.publish(&a, &json!({"name": "dear", "creditCost": 1}));
    let grave = world.publish(&a, &json!({"name": "grave", "riskLevel": "critical"}));
    let waits = world.publish(&a, &json!({"name": "waits", "riskLevel": "high"}));
    let shelved = world.publish(&a, &json!({"name": "shelved", "visibility": "marketplace"}));
    let call = |by, tool: &str, mode| world.invoke_with(by, tool, mode, None, &Unreached);
    assert_eq!(code(call(&a, "unknown", Mode::Guided)), Code::NotFound);
    assert_eq!(code(call(&b, &tool, Mode::Guided)), Code::NotFound, "private");
    assert_eq!(code(call(&a, &shelved, Mode::Guided)), Code::NotFound, "not reviewed");
    assert_eq!(code(call(&a, &grave, Mode::Sandbox)), Code::PolicyDenied);
    assert_eq!(code(call(&a, &dear, Mode::Guided)), Code::InsufficientCredits);
    assert_eq!(call(&a, &waits, Mode::Guided).unwrap().call.status, InvocationStatus::PendingApproval);
    assert_eq!(call(&a, &tool, Mode::Sandbox).unwrap().call.status, InvocationStatus::Simulated);
    let mut lame = a.clone();
    lame.caller.scopes = Scopes::NONE;
    assert_eq!(code(call(&lame, &tool, Mode::Guided)), Code::InsufficientScope);
    let doc = Doc::parse(br#"{"town":"Rome"}"#).unwrap();
    let request = Request {
        tool: &tool,
        version: None,
        input: doc.root(),
        mode: Mode::Guided,
        task: None,
        approval: None,
        reason: None,
    };
    assert_eq!(code(wait(world.engine.invoke(&a.caller, &request, &Unreached))), Code::SchemaMismatch);
    // Each of them would have gone through without its gate.
    let owner = a.id;
    let reviewed = world.admin(move |tx, cx| {
        let shelved = manifest::exact(tx, cx.tenant(), owner, "shelved", "1.0.0")?.ok_or(CallError::NoTool)?;
        invoke::review(tx, cx, &shelved.id.to_string(), ToolStatus::Approved)
    });
    assert!(reviewed.is_ok());
    world.grant(&a, 1);
    for tool in [&tool, &dear, &shelved] {
        assert_eq!(world.invoke(&a, tool).unwrap().call.status, InvocationStatus::Succeeded, "{tool}");
    }
    let blocked = tool.clone();
    world
        .admin(move |tx, cx| {
            kill_switch::block(tx, cx, &blocked, "").map_err(|_| CallError::NoTool)?;
            Ok(())
        })
        .unwrap();
    match call(&a, &tool, Mode::Guided) {
        Err(InvokeError::Denied(decision)) => {
            assert!(decision.verdict.reasons.iter().any(|reason| reason.code == ReasonCode::ToolBlocked));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.score(&a), 53, "being refused costs no trust");
}

#[test]
fn an_approval_lets_exactly_its_call_through_once() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"riskLevel": "high"}));
    let other = world.publish(&a, &json!({"name": "other", "riskLevel": "high"}));
    let pending = world.invoke(&a, &tool).unwrap();
    let id = pending.call.approval.unwrap().to_string();
    let named = |tool: &str, provider: &dyn Provider| world.invoke_with(&a, tool, Mode::Guided, Some(&id), provider);
    let waiting = named(&tool, &Unreached).unwrap().call;
    assert_eq!((waiting.status, waiting.id), (InvocationStatus::PendingApproval, pending.call.id));
    assert_eq!(code(named(&other, &Unreached)), Code::ApprovalMismatch);
    world.decide(&id, Answer::Approve);
    assert_eq!(code(named(&other, &Unreached)), Code::ApprovalMismatch);
    let done = named(&tool, &works(&tool)).unwrap().call;
    assert_eq!((done.status, done.id), (InvocationStatus::Succeeded, pending.call.id));
    assert_eq!(code(named(&tool, &Unreached)), Code::ApprovalUsed);
    let again = world.invoke(&a, &tool).unwrap().call.approval.unwrap().to_string();
    assert_ne!(again, id);
    world.decide(&again, Answer::Deny);
    assert_eq!(code(world.invoke_with(&a, &tool, Mode::Guided, Some(&again), &Unreached)), Code::PolicyDenied);
}

#[test]
fn an_approval_outlives_a_call_that_lacked_the_credits() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"riskLevel": "high", "creditCost": 5}));
    let id = world.invoke(&a, &tool).unwrap().call.approval.unwrap().to_string();
    world.decide(&id, Answer::Approve);
    let named = |provider: &dyn Provider| world.invoke_with(&a, &tool, Mode::Guided, Some(&id), provider);
    assert_eq!(code(named(&Unreached)), Code::InsufficientCredits);
    world.grant(&a, 5);
    assert_eq!(named(&works(&tool)).unwrap().call.charged, 5);
}

#[test]
fn a_failed_call_costs_trust_and_no_credits() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"creditCost": 4, "outputSchema": {"type": "object", "required": ["x"]}}));
    world.grant(&a, 4);
    let fails = Natives::default().with(tool.clone(), |_| Err(Fault::new("boom", "boom")));
    assert_eq!(code(world.invoke_with(&a, &tool, Mode::Guided, None, &fails)), Code::ProviderFailed);
    // Its output has no `x`.
    assert_eq!(code(world.invoke(&a, &tool)), Code::ProviderFailed);
    assert_eq!((world.score(&a), world.wallet(&a)), (46, Wallet { balance: 4, reserved: 0 }));
}

#[test]
fn a_call_that_never_ends_is_swept_and_its_credits_go_back() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"creditCost": 4}));
    world.grant(&a, 4);
    let doc = Doc::parse(br#"{"city":"Rome"}"#).unwrap();
    let request = Request {
        tool: &tool,
        version: None,
        input: doc.root(),
        mode: Mode::Guided,
        task: None,
        approval: None,
        reason: None,
    };
    {
        // The process dies while the provider works.
        let mut work = pin!(world.engine.invoke(&a.caller, &request, &Silent));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(world.wallet(&a), Wallet { balance: 4, reserved: 4 });
    assert_eq!(world.sweep(), 0);
    world.forward(RESERVED_SECONDS);
    let known = wait(world.engine.trust(&world.admin.tenant, &[a.id]));
    assert_eq!((known, world.sweep()), (Ok(50), 1));
    assert_eq!(world.engine.trust_at_hand([a.id]), Some(48), "the next decision counts with what was lost");
    assert_eq!((world.wallet(&a), world.score(&a)), (Wallet { balance: 4, reserved: 0 }, 48));
    assert_eq!(world.sweep(), 0);
}

#[test]
fn credits_neither_leak_nor_go_below_zero_under_many_callers() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"creditCost": 3}));
    world.grant(&a, 300);
    let calls = AtomicU64::new(0);
    let charged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let n = calls.fetch_add(1, Ordering::SeqCst);
                    let provider = Natives::default().with(tool.clone(), move |_| {
                        if n.is_multiple_of(3) { Err(Fault::new("boom", "boom")) } else { Ok(json!({})) }
                    });
                    match world.invoke_with(&a, &tool, Mode::Guided, None, &provider) {
                        Ok(invoked) => {
                            charged.fetch_add(invoked.call.charged, Ordering::SeqCst);
                        }
                        Err(InvokeError::Provider { call, .. }) => assert_eq!(call.charged, 0),
                        Err(InvokeError::Call(CallError::Credit(CreditError::Insufficient { .. }))) => {}
                        Err(other) => panic!("{other}"),
                    }
                    let wallet = world.wallet(&a);
                    assert!(wallet.balance >= 0 && wallet.reserved >= 0 && wallet.available() >= 0, "{wallet:?}");
                }
            });
        }
    });
    let left = i64::try_from(charged.load(Ordering::SeqCst)).unwrap();
    assert_eq!(world.wallet(&a), Wallet { balance: 300 - left, reserved: 0 });
}

#[test]
fn nobody_proves_or_acknowledges_for_themselves() {
    let world = World::new();
    let (a, twin, other) = (world.actor("ann", "one"), world.actor("twin", "one"), world.actor("other", "two"));
    let tool = world.publish(&a, &json!({}));
    let call = world.invoke(&a, &tool).unwrap().call;
    let (invocation, proof) = (call.id.to_string(), call.proofs[0].to_string());
    for kind in [
        "execution_trace",
        "connector_receipt",
        "message_id",
        "source",
        "payment_reference",
        "counterparty_ack",
        "signed_record",
        "audit",
        "summary",
    ] {
        let claim = invoke::Claim {
            task: None,
            invocation: Some(invocation.clone()),
            transaction: None,
            kind: serde_json::from_value(json!(kind)).unwrap(),
            simulated: false,
            data: json!({"receipt": 1, "hmac": "00", "signer": "@twin", "record": {}, "signature": "AAAA",
                "source_url": "https://x.example", "retrieved_at": "2025-01-01T00:00:00Z"})
            .as_object()
            .cloned()
            .unwrap(),
            claimed_level: Some(Level::V5),
        };
        let cx = world.engine.context(a.caller.clone()).unwrap();
        let made = wait(world.engine.write(cx, "proof", move |tx, cx| {
            invoke::attach(tx, cx, claim.clone(), &|_| Some(Secret::new("whsec_AAAA")))
        }));
        assert_eq!(made.unwrap().level, Level::V0, "{kind}");
    }
    let acknowledge = |by: &Actor| {
        let (cx, id) = (world.engine.context(by.caller.clone()).unwrap(), proof.clone());
        wait(world.engine.write(cx, "ack", move |tx, cx| trust::acknowledge(tx, cx, &id))).unwrap()
    };
    for own in [&a, &twin] {
        let (proof, ok) = acknowledge(own);
        assert_eq!((proof.level, ok), (Level::V1, false));
    }
    assert_eq!(world.score(&a), 51);
    for _ in 0..3 {
        assert_eq!(acknowledge(&other).0.level, Level::V4);
        assert_eq!(world.score(&a), 56, "an upgrade pays the difference, once");
    }
}

#[test]
fn what_was_reversed_never_pays_again() {
    let world = World::new();
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({}));
    let call = world.invoke(&a, &tool).unwrap().call;
    let (subject, id, proof) = (call.id.to_string(), a.id, call.proofs[0]);
    world
        .admin(move |tx, cx| {
            trust::reverse(tx, cx, &subject, "it was not so")?;
            trust::reward(tx, cx, &subject, id, proof, Level::V5).map_err(|error: TrustError| error.into())
        })
        .unwrap();
    assert_eq!(world.score(&a), 50);
}

#[test]
fn a_model_is_heard_before_a_tool_is_called_and_not_once_a_human_was_asked() {
    let world = World::new();
    let model = Arc::new(Told::default());
    assert!(world.engine.connect_judge(Arc::clone(&model) as Arc<dyn Judge>));
    let a = world.actor("ann", "one");
    let tool = world.publish(&a, &json!({"name": "issue_refund"}));
    let new = rulebook::NewRule::new("block sketchy refunds", RuleAction::Block);
    let cx = world.engine.context(world.admin.clone()).unwrap();
    let made = world
        .engine
        .write(cx, "rule.create", move |tx, cx| rulebook::create(tx, cx, &new).map(drop).map_err(ApprovalError::from));
    wait(made).unwrap();
    model.say(&[found(Finding::Covered)]);
    let refused = world.invoke_with(&a, &tool, Mode::Guided, None, &Unreached);
    let Err(InvokeError::Denied(decision)) = refused else { panic!("{refused:?}") };
    assert_eq!(decision.verdict.reasons[0].code, ReasonCode::RuleJudged);
    model.say(&[found(Finding::NotCovered)]);
    let asked = world.invoke_with(&a, &tool, Mode::Guided, None, &Unreached).unwrap();
    assert_eq!((asked.call.status, model.asked()), (InvocationStatus::PendingApproval, 2));
    let id = asked.call.approval.unwrap().to_string();
    world.decide(&id, Answer::Approve);
    model.say(&[found(Finding::Covered)]);
    let called = world.invoke_with(&a, &tool, Mode::Guided, Some(&id), &works(&tool)).unwrap();
    assert_eq!((called.call.status, model.asked()), (InvocationStatus::Succeeded, 2));
}
