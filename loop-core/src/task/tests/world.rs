//! A store with the loops of two owners, and what they may do.

use std::cell::Cell;

use serde_json::{Value as Json, json};

use super::super::{
    NewJob, TaskError, TaskStatus,
    contract::{Contract, Party},
    exchange::{self, Sent},
    tasks::{self, NewTask, Patch},
    transaction::{self, Act, Deal, DisputeReason, NewTransaction, Transaction},
};
use crate::{
    access::{
        Caller, Ctx, LoopKind, LoopStatus, Mode, Scopes,
        loops::{self, NewLoop},
    },
    base::{Seed, TenantId, Time, id::LoopId, json::Doc},
    engine::CATALOG,
    message::{self, Draft, InboxQuery, Kind, Message},
    proof::{self, Level, NewProof, Proof, ProofKind, Subject},
    store::{Lane, StoreError, StoreExt, Tx, memory::MemoryStore},
    trust,
};

pub(super) const START: Time = Time::from_micros(1_700_000_000_000_000);

pub(super) struct World {
    store: MemoryStore,
    pub(super) now: Cell<Time>,
    seeds: Cell<u64>,
}

/// A buyer, a seller of another owner, a second loop of the buyer's owner, and a loop under the buyer.
pub(super) struct Team {
    pub(super) buyer: LoopId,
    pub(super) seller: LoopId,
    pub(super) sibling: LoopId,
    pub(super) child: LoopId,
}

impl World {
    pub(super) fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG), now: Cell::new(START), seeds: Cell::new(0) }
    }

    pub(super) fn cx(&self, of: Option<LoopId>) -> Ctx {
        let mut key = [7; 32];
        self.seeds.set(self.seeds.get() + 1);
        key[..8].copy_from_slice(&self.seeds.get().to_be_bytes());
        let mut caller = Caller::system(TenantId::default_tenant(), "test");
        caller.loop_id = of;
        Ctx::new(caller, self.now.get(), Seed::new(key))
    }

    pub(super) fn sandbox(&self, of: LoopId) -> Ctx {
        let mut cx = self.cx(Some(of));
        cx.caller.sandboxed = true;
        cx
    }

    pub(super) fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        cx: Ctx,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.store.transact("test", Lane::Normal, move |tx| work(tx, &cx)).wait()
    }

    pub(super) fn make(&self, tag: &str, owner: &str, parent: Option<LoopId>) -> LoopId {
        let kind = if parent.is_some() { LoopKind::Sub } else { LoopKind::Business };
        let new = NewLoop {
            tag: Some(tag.into()),
            kind,
            owner_id: parent.is_none().then(|| owner.into()),
            parent,
            skills: Vec::new(),
            permissions: Some(Scopes::all()),
            plan: None,
            risk_ceiling: None,
            spend_limit: None,
        };
        self.run(self.cx(None), move |tx, cx| loops::create(tx, cx, &new)).unwrap().id
    }

    pub(super) fn team(&self) -> Team {
        let buyer = self.make("buyer", "ann", None);
        Team {
            buyer,
            seller: self.make("seller", "bob", None),
            sibling: self.make("sibling", "ann", None),
            child: self.make("child", "ann", Some(buyer)),
        }
    }

    pub(super) fn send_with(&self, cx: Ctx, body: Json) -> Result<Sent, TaskError> {
        let draft = Draft::read(Doc::from_value(&body).root())?;
        self.run(cx, move |tx, cx| exchange::send(tx, cx, &draft))
    }

    pub(super) fn send(&self, from: LoopId, body: Json) -> Result<(Message, Contract), TaskError> {
        match self.send_with(self.cx(Some(from)), body)? {
            Sent::Now(message, contract) | Sent::Before(message, contract) => Ok((*message, *contract)),
            refused => panic!("{refused:?}"),
        }
    }

    pub(super) fn request(&self, team: &Team) -> Contract {
        self.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "roof"})).unwrap().1
    }

    pub(super) fn say(&self, from: LoopId, to: LoopId, kind: Kind, contract: &Contract) -> Result<Contract, TaskError> {
        let body = json!({"type": kind, "to": to, "contractId": contract.id, "amountCents": 9000, "currency": "USD"});
        self.send(from, body).map(|(_, contract)| contract)
    }

    /// A contract moved by these messages, each from the side named.
    pub(super) fn contract_after(&self, team: &Team, path: &[(Party, Kind)]) -> Contract {
        path.iter().fold(self.request(team), |contract, (side, kind)| {
            let (from, to) = match side {
                Party::Buyer => (team.buyer, team.seller),
                Party::Seller => (team.seller, team.buyer),
            };
            self.say(from, to, *kind, &contract).unwrap()
        })
    }

    pub(super) fn inbox(&self, of: LoopId, query: InboxQuery) -> message::Page {
        self.run(self.cx(None), move |tx, cx| message::inbox(tx, cx.tenant(), of, &query)).unwrap()
    }

    pub(super) fn score(&self, of: LoopId) -> u8 {
        self.run(self.cx(None), move |tx, cx| trust::score(tx, cx.tenant(), of)).unwrap()
    }

    pub(super) fn suspend(&self, of: LoopId) {
        let patch = loops::Patch { status: Some(LoopStatus::Suspended), ..loops::Patch::default() };
        self.run(self.cx(None), move |tx, cx| loops::patch(tx, cx, of, &patch)).unwrap();
    }

    pub(super) fn pay(
        &self,
        cx: Ctx,
        seller: &str,
        kind: Deal,
        contract: Option<String>,
    ) -> Result<Transaction, TaskError> {
        let new = NewTransaction {
            buyer: None,
            seller: seller.into(),
            amount_cents: 4200,
            currency: "USD".into(),
            kind,
            contract,
        };
        self.run(cx, move |tx, cx| transaction::create(tx, cx, &new))
    }

    pub(super) fn act(&self, by: Option<LoopId>, of: &Transaction, act: Act) -> Result<Transaction, TaskError> {
        let id = of.id.to_string();
        let reason = (act == Act::Dispute).then_some((DisputeReason::Timeout, None));
        let cx = self.cx(by);
        self.run(cx, move |tx, cx| transaction::act(tx, cx, &id, act, reason.clone())).map(|(done, _)| done)
    }

    pub(super) fn task(&self, of: LoopId, mode: Mode, jobs: Vec<NewJob>) -> tasks::Task {
        let new = NewTask { of: None, title: "t".into(), domain: None, mode, plan: Vec::new(), jobs };
        self.run(self.cx(Some(of)), move |tx, cx| tasks::create(tx, cx, &new)).unwrap()
    }

    pub(super) fn move_task(
        &self,
        of: LoopId,
        task: &tasks::Task,
        patch: Patch,
        proofs: Vec<Proof>,
    ) -> Result<tasks::Task, TaskError> {
        let id = task.id.to_string();
        self.run(self.cx(Some(of)), move |tx, cx| tasks::update(tx, cx, &id, &patch, &proofs))
    }

    pub(super) fn prove(&self, of: LoopId, task: &tasks::Task, deal: Option<&Transaction>, simulated: bool) -> Proof {
        let new = NewProof {
            loop_id: of,
            subject: Subject::Task(task.id),
            transaction: deal.map(|deal| deal.id),
            kind: ProofKind::PaymentReference,
            simulated,
            data: serde_json::Map::new(),
            claimed_level: Some(Level::V5),
            verifications: Vec::new(),
        };
        self.run(self.cx(Some(of)), move |tx, cx| proof::attach(tx, cx, new.clone())).unwrap()
    }

    pub(super) fn level(&self, of: &Proof) -> Level {
        let id = of.id.to_string();
        self.run(self.cx(None), move |tx, cx| proof::get(tx, cx.tenant(), &id)).unwrap().level
    }
}

pub(super) fn to(status: TaskStatus) -> Patch {
    Patch { status: Some(status), jobs: Vec::new() }
}
