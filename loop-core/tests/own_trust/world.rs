//! The loops of two hands on the memory store, and the use cases that they try.
//!
//! - [`dealing`]: messages, contracts, and amounts held.
//! - [`proving`]: claims, acknowledgements and audits.

mod dealing;
mod proving;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use loop_core::{
    access::{
        Caller, Ctx, LoopKind, Mode, Scopes,
        loops::{self, NewLoop},
    },
    base::{
        Risk, Seed, TenantId, Time,
        id::{InvocationId, LoopId, ToolId},
        json::Doc,
        secret::Secret,
    },
    engine::CATALOG,
    invoke::{self, CallError, Captured, Start},
    message::Kind,
    proof::{Level, Proof, ProofKind},
    store::{Lane, StoreError, StoreExt, Tx, memory::MemoryStore},
    task::{
        contract::Contract,
        tasks::{self, NewTask},
        transaction::Transaction,
    },
    tool::manifest::Content,
    trust,
};
use serde_json::{Map, json};

use crate::{
    step::Step,
    vouched::{Hand, Vouched},
};

/// The first loop of one hand; the second is its sub-loop.
pub const ANN: usize = 0;
/// A loop of the same hand beside it.
pub const TWIN: usize = 2;
/// The first loop of the other hand.
pub const BOB: usize = 3;
/// The most loops of a history.
const MAX_LOOPS: usize = 9;

#[derive(Debug, Clone, Copy)]
struct Member {
    id: LoopId,
    hand: Hand,
}

/// A tool and the connector secret that its owner's hand knows.
#[derive(Debug, Clone, Copy)]
struct Tool {
    id: ToolId,
    hand: Hand,
}

/// A task, or a call with its tool.
#[derive(Debug, Clone)]
struct Outcome {
    subject: String,
    of: usize,
    tool: Option<Tool>,
}

pub struct World {
    store: MemoryStore,
    now: Time,
    drawn: u64,
    members: Vec<Member>,
    tools: Vec<Tool>,
    contracts: Vec<Contract>,
    deals: Vec<Transaction>,
    outcomes: Vec<Outcome>,
    proofs: Vec<Proof>,
    vouched: Vouched,
    /// How many events of each loop were judged.
    judged: BTreeMap<LoopId, u64>,
    /// What was reached, and how often.
    pub reached: BTreeMap<String, u32>,
}

fn acknowledge(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(Proof, bool), CallError> {
    Ok(trust::acknowledge(tx, cx, id)?)
}

const fn owner(hand: Hand) -> &'static str {
    match hand {
        Hand::Ann => "ann",
        Hand::Bob => "bob",
    }
}

const fn other(hand: Hand) -> Hand {
    match hand {
        Hand::Ann => Hand::Bob,
        Hand::Bob => Hand::Ann,
    }
}

fn signing_key(hand: Hand) -> SigningKey {
    SigningKey::from_bytes(&[hand as u8 + 1; 32])
}

fn connector_secret(owner: &str) -> Option<Secret> {
    match owner {
        "ann" => Some(Secret::new("whsec_AAECAwQFBgcICQoLDA0ODw==")),
        "bob" => Some(Secret::new("whsec_AQECAwQFBgcICQoLDA0ODw==")),
        _ => None,
    }
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            store: MemoryStore::new(CATALOG),
            now: Time::from_micros(1_763_800_000_000_000),
            drawn: 0,
            members: Vec::new(),
            tools: Vec::new(),
            contracts: Vec::new(),
            deals: Vec::new(),
            outcomes: Vec::new(),
            proofs: Vec::new(),
            vouched: Vouched::default(),
            judged: BTreeMap::new(),
            reached: BTreeMap::new(),
        };
        for (hand, under) in
            [(Hand::Ann, None), (Hand::Ann, Some(0)), (Hand::Ann, None), (Hand::Bob, None), (Hand::Bob, None)]
        {
            let parent = under.map(|at: usize| world.members[at].id);
            world.make(None, hand, parent, owner(hand)).unwrap();
        }
        for at in 0..world.members.len() {
            world.register(at, at).unwrap();
        }
        for (at, hand) in [(ANN, Hand::Ann), (BOB, Hand::Bob)] {
            let id = world.publish(at, hand);
            world.tools.push(Tool { id, hand });
        }
        world
    }

    fn cx(&mut self, of: Option<usize>, sandboxed: bool) -> Ctx {
        self.drawn += 1;
        let mut key = [7; 32];
        key[..8].copy_from_slice(&self.drawn.to_be_bytes());
        let mut caller = Caller::system(TenantId::default_tenant(), "test");
        caller.scopes = Scopes::all();
        caller.loop_id = of.map(|at| self.members[at].id);
        caller.sandboxed = sandboxed;
        Ctx::new(caller, self.now, Seed::new(key))
    }

    fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        cx: Ctx,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.store.transact("test", Lane::Normal, move |tx| work(tx, &cx)).wait()
    }

    fn reach(&mut self, place: impl Into<String>) {
        *self.reached.entry(place.into()).or_default() += 1;
    }

    /// The place that a number names, counted round; `None` when there is nothing yet.
    const fn at(number: usize, of: usize) -> Option<usize> {
        number.checked_rem(of)
    }

    fn who(&self, number: usize) -> usize {
        number % self.members.len()
    }

    fn hand(&self, of: LoopId) -> Hand {
        self.members.iter().find(|member| member.id == of).unwrap().hand
    }

    fn place(&self, of: LoopId) -> usize {
        self.members.iter().position(|member| member.id == of).unwrap()
    }

    fn between(&self, one: LoopId, two: LoopId) -> &'static str {
        if self.hand(one) == self.hand(two) { "within" } else { "across" }
    }

    pub const fn outcomes(&self) -> usize {
        self.outcomes.len()
    }

    pub const fn deals(&self) -> usize {
        self.deals.len()
    }

    pub fn score(&mut self, of: usize) -> u8 {
        let (cx, id) = (self.cx(None, false), self.members[of].id);
        self.run(cx, move |tx, cx| trust::score(tx, cx.tenant(), id)).unwrap()
    }

    /// Holds every new trust event against what stands behind it.
    pub fn check(&mut self) -> Result<(), String> {
        for member in self.members.clone() {
            let cx = self.cx(None, false);
            let events = self.run(cx, move |tx, cx| trust::page(tx, cx.tenant(), member.id, None, 300)).unwrap();
            let seen = self.judged.get(&member.id).copied().unwrap_or(0);
            for event in events.iter().rev().filter(|event| event.seq > seen) {
                self.vouched.judge(event)?;
                if event.delta > 0 {
                    self.reach(format!("paid {}", event.level.unwrap_or_default().as_str()));
                }
                self.judged.insert(member.id, event.seq);
            }
        }
        Ok(())
    }

    /// Tries a step. Whether it is refused is not asked here: what matters is what was paid.
    pub fn attempt(&mut self, step: &Step) {
        match step {
            Step::Say { by, to, kind, contract, nonce, sandbox } => {
                let (by, to) = (self.who(*by), self.members[self.who(*to)].id);
                let mut body = json!({"type": kind, "to": to, "amountCents": 9000, "currency": "USD"});
                match (kind, Self::at(*contract, self.contracts.len())) {
                    (Kind::TaskRequest, _) => body["task"] = "t".into(),
                    (_, Some(at)) => body["contractId"] = self.contracts[at].id.to_string().into(),
                    (_, None) => return,
                }
                if let Some(nonce) = nonce {
                    body["nonce"] = format!("n{nonce}").into();
                }
                self.send(by, *sandbox, &body);
            }
            Step::Ack { contract, buyer, proof } => {
                let (contract, proof) =
                    (Self::at(*contract, self.contracts.len()), Self::at(*proof, self.proofs.len()));
                let (Some(contract), Some(proof)) = (contract, proof) else { return };
                let (contract, proof) = (&self.contracts[contract], self.proofs[proof].clone());
                let (from, to) =
                    if *buyer { (contract.buyer, contract.seller) } else { (contract.seller, contract.buyer) };
                let body = json!({"type": Kind::Ack, "to": to, "contractId": contract.id, "proofId": proof.id});
                let by = self.place(from);
                if self.send(by, false, &body) {
                    self.reach("acknowledged by message");
                    self.vouch(Some(by), &proof, false, Level::V4);
                }
            }
            Step::Advance { contract, pick } => self.advance(*contract, *pick),
            Step::Hold { by, seller, real, contract } => self.hold(*by, *seller, *real, *contract),
            Step::Act { by, act, deal } => self.act(*by, *act, *deal),
            Step::Task { by, sandbox } => self.task(*by, *sandbox),
            Step::Call { by, tool, capture, fails } => self.call(*by, *tool, *capture, *fails),
            Step::Claim(claim) => self.claim(claim),
            Step::Acknowledge { by, proof, sandbox } => {
                let by = self.who(*by);
                self.say_of(Some(by), *proof, *sandbox, Level::V4, "refused acknowledge", acknowledge);
            }
            Step::Audit { by, proof } => {
                let by = by.map(|by| self.who(by));
                self.say_of(by, *proof, false, Level::V5, "refused audit", invoke::audit_proof);
            }
            Step::Fetch { proof, ok } => self.fetch(*proof, *ok),
            Step::Loop { by, under, other: foreign } => {
                let by = self.who(*by);
                let Member { id, hand } = self.members[by];
                let named = owner(if *foreign { other(hand) } else { hand });
                if self.members.len() < MAX_LOOPS
                    && self.make(Some(by), hand, under.then_some(id), named).is_err()
                    && *foreign
                {
                    self.reach("refused loop of another");
                }
            }
            Step::Register { by, on } => {
                let (by, on) = (self.who(*by), self.who(*on));
                if self.register(by, on).is_err() && self.members[by].hand != self.members[on].hand {
                    self.reach("refused key for another");
                }
            }
            Step::Reverse { of } => {
                let Some(at) = Self::at(*of, self.outcomes.len()) else { return };
                let (cx, subject) = (self.cx(None, false), self.outcomes[at].subject.clone());
                self.run(cx, move |tx, cx| trust::reverse(tx, cx, &subject, "reversed")).unwrap();
            }
            Step::Wait { days } => self.now = self.now.plus_seconds(i64::from(*days) * 86_400),
        }
    }

    /// A loop's keys are whoever's key made it, whatever owner it names.
    fn make(&mut self, by: Option<usize>, hand: Hand, parent: Option<LoopId>, owner: &str) -> Result<(), ()> {
        let new = NewLoop {
            tag: Some(format!("loop-{}", self.members.len())),
            kind: if parent.is_some() { LoopKind::Sub } else { LoopKind::Developer },
            owner_id: Some(owner.to_owned()),
            parent,
            skills: Vec::new(),
            permissions: None,
            plan: None,
            risk_ceiling: None,
            spend_limit: None,
        };
        let cx = self.cx(by, false);
        let made = self.run(cx, move |tx, cx| loops::create(tx, cx, &new)).map_err(drop)?;
        self.members.push(Member { id: made.id, hand });
        Ok(())
    }

    fn register(&mut self, by: usize, on: usize) -> Result<(), ()> {
        let key = *signing_key(self.members[by].hand).verifying_key().as_bytes();
        let (cx, on) = (self.cx(Some(by), false), self.members[on].id);
        self.run(cx, move |tx, cx| loops::add_signing_key(tx, cx, on, &key)).map(drop).map_err(drop)
    }

    fn publish(&mut self, by: usize, hand: Hand) -> ToolId {
        let content: Content = serde_json::from_value(json!({
            "name": format!("tool_of_{}", owner(hand)), "description": "x", "category": "sales", "riskLevel": "low",
            "expectedProofs": ["message_id"], "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"},
            "providerType": "native", "visibility": "marketplace", "version": "1.0.0",
        }))
        .unwrap();
        let (cx, id) = (self.cx(Some(by), false), self.members[by].id);
        self.run(cx, move |tx, cx| invoke::publish(tx, cx, id, &content, owner(hand))).unwrap().0.id
    }

    fn task(&mut self, by: usize, sandbox: bool) {
        let by = self.who(by);
        let new = NewTask {
            of: None,
            title: "t".into(),
            domain: None,
            mode: Mode::Guided,
            plan: Vec::new(),
            jobs: Vec::new(),
        };
        let cx = self.cx(Some(by), sandbox);
        if let Ok(task) = self.run(cx, move |tx, cx| tasks::create(tx, cx, &new)) {
            self.came_out(task.id.to_string(), by, None);
        }
    }

    fn came_out(&mut self, subject: String, of: usize, tool: Option<Tool>) {
        self.vouched.outcome(&subject, self.members[of].id);
        self.outcomes.push(Outcome { subject, of, tool });
    }

    fn call(&mut self, by: usize, tool: usize, capture: bool, fails: bool) {
        let by = self.who(by);
        let tool = self.tools[tool % self.tools.len()];
        let loop_id = self.members[by].id;
        let cx = self.cx(Some(by), false);
        let begun = self.run(cx, move |tx, cx| {
            let root = loops::root(tx, cx.tenant(), loop_id)?.id;
            let (tool_name, version) = ("tool".to_owned(), "1.0.0".to_owned());
            let start =
                Start { loop_id, root, tool: tool.id, tool_name, version, cost: 0, mode: Mode::Guided, task: None };
            invoke::run(tx, cx, &start, None)
        });
        let id: InvocationId = begun.unwrap().id;
        let cx = self.cx(Some(by), false);
        let ended: Result<_, CallError> = self.run(cx, move |tx, cx| {
            if fails {
                return invoke::fail(tx, cx, id, "failed", Risk::Medium);
            }
            let data = Map::from_iter([("message_id".to_owned(), json!("m-1"))]);
            let captured = capture.then_some(Captured { kind: ProofKind::MessageId, data });
            invoke::succeed(tx, cx, id, Doc::empty_object().root(), captured.as_ref())
        });
        self.came_out(id.to_string(), by, Some(tool));
        if let Some(proof) = ended.unwrap().unwrap().call.proofs.first() {
            self.vouched.raise(&id.to_string(), loop_id, if capture { Level::V2 } else { Level::V1 });
            let (cx, proof) = (self.cx(None, false), proof.to_string());
            let proof = self.run(cx, move |tx, cx| loop_core::proof::get(tx, cx.tenant(), &proof));
            self.proofs.push(proof.unwrap());
        }
    }
}
