//! Messages, contracts, tasks and transactions on the memory store.

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{
    JobStatus, NewJob, TaskError, TaskStatus,
    contract::{self, Contract, Party, State},
    exchange::{self, Sent},
    tasks::{self, NewTask, Patch},
    transaction::{self, Act, Deal, DisputeReason, Escrow, NewTransaction, Transaction, TransactionStatus},
};
use crate::{
    access::{
        Caller, Ctx, LoopKind, LoopStatus, Mode, Scopes,
        loops::{self, NewLoop},
    },
    base::{Code, Seed, TenantId, Time, id::LoopId, json::Doc},
    engine::CATALOG,
    message::{self, Draft, InboxQuery, Kind, Message, MessageError, Seen, Status},
    proof::{self, Level, NewProof, Proof, ProofKind, Subject},
    store::{Lane, StoreError, StoreExt, Tx, memory::MemoryStore},
    trust,
};

const START: Time = Time::from_micros(1_700_000_000_000_000);
const DAY: i64 = 86_400;

struct World {
    store: MemoryStore,
    now: Cell<Time>,
    seeds: Cell<u64>,
}

/// A buyer, a seller of another owner, a second loop of the buyer's owner, and a loop under the buyer.
struct Team {
    buyer: LoopId,
    seller: LoopId,
    sibling: LoopId,
    child: LoopId,
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG), now: Cell::new(START), seeds: Cell::new(0) }
    }

    fn cx(&self, of: Option<LoopId>) -> Ctx {
        let mut key = [7; 32];
        self.seeds.set(self.seeds.get() + 1);
        key[..8].copy_from_slice(&self.seeds.get().to_be_bytes());
        let mut caller = Caller::system(TenantId::default_tenant(), "test");
        caller.loop_id = of;
        Ctx::new(caller, self.now.get(), Seed::new(key))
    }

    fn sandbox(&self, of: LoopId) -> Ctx {
        let mut cx = self.cx(Some(of));
        cx.caller.sandboxed = true;
        cx
    }

    fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        cx: Ctx,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.store.transact("test", Lane::Normal, move |tx| work(tx, &cx)).wait()
    }

    fn make(&self, tag: &str, owner: &str, parent: Option<LoopId>) -> LoopId {
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

    fn team(&self) -> Team {
        let buyer = self.make("buyer", "ann", None);
        Team {
            buyer,
            seller: self.make("seller", "bob", None),
            sibling: self.make("sibling", "ann", None),
            child: self.make("child", "ann", Some(buyer)),
        }
    }

    fn send_with(&self, cx: Ctx, body: Json) -> Result<Sent, TaskError> {
        let draft = Draft::read(Doc::from_value(&body).root())?;
        self.run(cx, move |tx, cx| exchange::send(tx, cx, &draft))
    }

    fn send(&self, from: LoopId, body: Json) -> Result<(Message, Contract), TaskError> {
        match self.send_with(self.cx(Some(from)), body)? {
            Sent::Now(message, contract) | Sent::Before(message, contract) => Ok((*message, *contract)),
            refused => panic!("{refused:?}"),
        }
    }

    fn request(&self, team: &Team) -> Contract {
        self.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "roof"})).unwrap().1
    }

    fn say(&self, from: LoopId, to: LoopId, kind: Kind, contract: &Contract) -> Result<Contract, TaskError> {
        let body = json!({"type": kind, "to": to, "contractId": contract.id, "amountCents": 9000, "currency": "USD"});
        self.send(from, body).map(|(_, contract)| contract)
    }

    /// A contract moved by these messages, each from the side named.
    fn contract_after(&self, team: &Team, path: &[(Party, Kind)]) -> Contract {
        path.iter().fold(self.request(team), |contract, (side, kind)| {
            let (from, to) = match side {
                Party::Buyer => (team.buyer, team.seller),
                Party::Seller => (team.seller, team.buyer),
            };
            self.say(from, to, *kind, &contract).unwrap()
        })
    }

    fn inbox(&self, of: LoopId, query: InboxQuery) -> message::Page {
        self.run(self.cx(None), move |tx, cx| message::inbox(tx, cx.tenant(), of, &query)).unwrap()
    }

    fn score(&self, of: LoopId) -> u8 {
        self.run(self.cx(None), move |tx, cx| trust::score(tx, cx.tenant(), of)).unwrap()
    }

    fn suspend(&self, of: LoopId) {
        let patch = loops::Patch { status: Some(LoopStatus::Suspended), ..loops::Patch::default() };
        self.run(self.cx(None), move |tx, cx| loops::patch(tx, cx, of, &patch)).unwrap();
    }

    fn pay(&self, cx: Ctx, seller: &str, kind: Deal, contract: Option<String>) -> Result<Transaction, TaskError> {
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

    fn act(&self, by: Option<LoopId>, of: &Transaction, act: Act) -> Result<Transaction, TaskError> {
        let id = of.id.to_string();
        let reason = (act == Act::Dispute).then_some((DisputeReason::Timeout, None));
        let cx = self.cx(by);
        self.run(cx, move |tx, cx| transaction::act(tx, cx, &id, act, reason.clone())).map(|(done, _)| done)
    }

    fn task(&self, of: LoopId, mode: Mode, jobs: Vec<NewJob>) -> tasks::Task {
        let new = NewTask { of: None, title: "t".into(), domain: None, mode, plan: Vec::new(), jobs };
        self.run(self.cx(Some(of)), move |tx, cx| tasks::create(tx, cx, &new)).unwrap()
    }

    fn move_task(
        &self,
        of: LoopId,
        task: &tasks::Task,
        patch: Patch,
        proofs: Vec<Proof>,
    ) -> Result<tasks::Task, TaskError> {
        let id = task.id.to_string();
        self.run(self.cx(Some(of)), move |tx, cx| tasks::update(tx, cx, &id, &patch, &proofs))
    }

    fn prove(&self, of: LoopId, task: &tasks::Task, deal: Option<&Transaction>, simulated: bool) -> Proof {
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

    fn level(&self, of: &Proof) -> Level {
        let id = of.id.to_string();
        self.run(self.cx(None), move |tx, cx| proof::get(tx, cx.tenant(), &id)).unwrap().level
    }
}

fn to(status: TaskStatus) -> Patch {
    Patch { status: Some(status), jobs: Vec::new() }
}

#[test]
fn a_deal_goes_from_request_to_payment_and_every_answer_marks_what_it_answers() {
    let world = World::new();
    let team = world.team();
    use Party::{Buyer, Seller};
    let path = [
        (Seller, Kind::TaskOffer),
        (Buyer, Kind::CounterOffer),
        (Seller, Kind::TaskOffer),
        (Buyer, Kind::TaskAccept),
        (Seller, Kind::TaskExecute),
        (Seller, Kind::TaskComplete),
        (Seller, Kind::PaymentRequest),
        (Buyer, Kind::PaymentConfirm),
    ];
    let done = world.contract_after(&team, &path);
    assert_eq!((done.state, done.amount_cents, done.currency.as_deref()), (State::Paid, Some(9000), Some("USD")));
    let correlation = done.correlation_id.clone();
    let viewer = Some(team.seller);
    let thread = world
        .run(world.cx(None), move |tx, cx| message::thread(tx, cx.tenant(), viewer, &correlation, None, 100))
        .unwrap();
    let seen: Vec<_> = thread.messages.iter().map(|message| (message.kind, message.status)).collect();
    assert_eq!(
        seen,
        [
            (Kind::TaskRequest, Status::Replied),
            (Kind::TaskOffer, Status::Replied),
            (Kind::CounterOffer, Status::Replied),
            (Kind::TaskOffer, Status::Replied),
            (Kind::TaskAccept, Status::Replied),
            (Kind::TaskExecute, Status::Queued),
            (Kind::TaskComplete, Status::Queued),
            (Kind::PaymentRequest, Status::Replied),
            (Kind::PaymentConfirm, Status::Queued),
        ]
    );
}

#[test]
fn strangers_cannot_tell_a_contract_from_none_and_parties_are_told_why() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::TaskRequest) {
        for to in [team.buyer, team.seller] {
            assert_eq!(world.say(team.sibling, to, kind, &contract).unwrap_err(), TaskError::NoContract, "{kind}");
        }
    }
    let wrong = world.say(team.buyer, team.seller, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!((wrong.clone(), wrong.code()), (TaskError::Party(Party::Seller), Code::PolicyDenied));
    let early = world.say(team.buyer, team.seller, Kind::PaymentConfirm, &contract).unwrap_err();
    assert_eq!(early.code(), Code::InvalidTransition);
    let away = world.say(team.seller, team.sibling, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!(away.code(), Code::InvalidRequest);
}

#[test]
fn refused_messages_leave_nothing_behind() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    world.say(team.buyer, team.seller, Kind::TaskAccept, &contract).unwrap_err();
    world.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@nobody", "task": "t"})).unwrap_err();
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 1);
    let id = contract.id.to_string();
    let read = world.run(world.cx(None), move |tx, cx| contract::get(tx, cx.tenant(), &id)).unwrap().unwrap();
    assert_eq!((read.value, read.version), (contract, 1));
}

#[test]
fn a_loop_writes_to_itself_to_no_purpose_and_a_suspended_one_not_at_all() {
    let world = World::new();
    let team = world.team();
    let ask = |to: &str| json!({"type": "TASK_REQUEST", "to": to, "task": "t"});
    assert_eq!(world.send(team.buyer, ask("@buyer")).unwrap_err().code(), Code::PolicyDenied);
    assert!(world.send(team.buyer, ask("@child")).is_ok(), "work is handed down to a sub-loop");
    assert_eq!(world.send_with(world.cx(None), ask("@seller")).unwrap_err().code(), Code::InvalidRequest);
    world.suspend(team.buyer);
    for of in [team.buyer, team.child] {
        assert_eq!(world.send(of, ask("@seller")).unwrap_err().code(), Code::LoopSuspended);
    }
    assert_eq!(world.send(team.seller, ask("@child")).unwrap_err(), TaskError::OtherSuspended);
}

#[test]
fn what_was_proposed_ends_with_its_message() {
    let world = World::new();
    let team = world.team();
    let until = START.plus_seconds(60).to_string();
    let body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "expiresAt": until});
    let (message, contract) = world.send(team.buyer, body.clone()).unwrap();
    let (_, other) = world.send(team.buyer, body).unwrap();
    world.now.set(START.plus_seconds(60));
    assert_eq!(message.status_at(world.now.get()), Status::Expired);
    let late = world.say(team.seller, team.buyer, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!((late.clone(), late.code()), (TaskError::Expired, Code::MessageExpired));
    assert_eq!(world.say(team.seller, team.buyer, Kind::TaskReject, &contract).unwrap().state, State::Rejected);
    assert_eq!(world.say(team.buyer, team.seller, Kind::TaskCancel, &other).unwrap().state, State::Cancelled);
}

#[test]
fn work_under_way_outlasts_the_messages_about_it() {
    let world = World::new();
    let team = world.team();
    let path = [(Party::Seller, Kind::TaskOffer), (Party::Buyer, Kind::TaskAccept), (Party::Seller, Kind::TaskExecute)];
    let contract = world.contract_after(&team, &path);
    world.now.set(START.plus_seconds(60 * DAY));
    assert_eq!(world.say(team.seller, team.buyer, Kind::TaskComplete, &contract).unwrap().state, State::Delivered);
}

#[test]
fn a_message_lasts_seven_days_unless_told_and_thirty_at_most() {
    let world = World::new();
    let team = world.team();
    let ask = |at: i64| {
        let at = START.plus_seconds(at).to_string();
        json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "expiresAt": at})
    };
    let plain = world.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"})).unwrap().0;
    assert_eq!(plain.expires_at, START.plus_seconds(7 * DAY));
    assert_eq!(world.send(team.buyer, ask(30 * DAY)).unwrap().0.expires_at, START.plus_seconds(30 * DAY));
    assert_eq!(world.send(team.buyer, ask(30 * DAY + 1)).unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(world.send(team.buyer, ask(0)).unwrap_err().code(), Code::MessageExpired);
}

#[test]
fn the_same_message_again_is_the_same_message_and_another_under_its_name_is_refused() {
    let world = World::new();
    let team = world.team();
    let body = |n: i64, extra: Json| {
        let mut body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "inputs": {"n": n}});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let first = world.send(team.buyer, body(1, json!({"id": "m1"}))).unwrap().0;
    let again = world.send(team.buyer, body(1, json!({"id": "m1"}))).unwrap().0;
    assert_eq!(first.id, again.id);
    let other = world.send(team.buyer, body(2, json!({"id": "m1"}))).unwrap_err();
    assert_eq!((other.clone(), other.code()), (TaskError::IdTaken, Code::IdempotencyConflict));
    let theirs = world.send(team.sibling, body(2, json!({"id": "m1"}))).unwrap().0;
    assert_ne!(theirs.id, first.id);
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 2);
    assert_eq!(world.score(team.buyer), 50);
}

#[test]
fn a_nonce_used_for_another_message_sends_nothing_and_costs_trust_each_time() {
    let world = World::new();
    let team = world.team();
    let body =
        |n: i64| json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "nonce": "n1", "inputs": {"n": n}});
    let first = world.send(team.buyer, body(1)).unwrap().0;
    assert_eq!(world.send(team.buyer, body(1)).unwrap().0.id, first.id);
    assert_eq!(world.score(team.buyer), 50);
    for score in [48, 46] {
        assert!(matches!(world.send_with(world.cx(Some(team.buyer)), body(2)), Ok(Sent::Replayed)));
        assert_eq!(world.score(team.buyer), score);
    }
    assert!(world.send(team.sibling, body(2)).is_ok(), "a nonce is its sender's own");
    assert_eq!(world.score(team.sibling), 50);
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 2);
}

#[test]
fn a_thread_is_between_two_loops_and_its_name_lets_nobody_else_in() {
    let world = World::new();
    let team = world.team();
    let ask = |to: &str| json!({"type": "TASK_REQUEST", "to": to, "task": "t", "correlationId": "corr_shared"});
    world.send(team.buyer, ask("@seller")).unwrap();
    world.send(team.seller, ask("@buyer")).unwrap();
    assert_eq!(world.send(team.sibling, ask("@seller")).unwrap_err(), TaskError::ThreadTaken);
    let look = |viewer: Option<LoopId>, name: &'static str| {
        world.run(world.cx(None), move |tx, cx| message::thread(tx, cx.tenant(), viewer, name, None, 100))
    };
    assert_eq!(look(Some(team.seller), "corr_shared").unwrap().messages.len(), 2);
    assert_eq!(look(None, "corr_shared").unwrap().messages.len(), 2);
    for (viewer, name) in [(team.sibling, "corr_shared"), (team.buyer, "corr_none"), (team.buyer, "corr_shared/")] {
        assert_eq!(look(Some(viewer), name).unwrap_err(), MessageError::NoThread);
    }
}

#[test]
fn an_answer_names_a_message_that_its_sender_received_in_the_same_thread() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    let other = world.send(team.sibling, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"})).unwrap().0;
    let own = contract.standing.message;
    let offer = |from: LoopId, to: LoopId, answers: String| {
        world.send(from, json!({"type": "ACK", "to": to, "contractId": contract.id, "inReplyTo": answers}))
    };
    assert_eq!(offer(team.seller, team.buyer, other.id.to_string()).unwrap_err().code(), Code::NotFound);
    assert_eq!(offer(team.buyer, team.seller, own.to_string()).unwrap_err().code(), Code::NotFound);
    assert_eq!(offer(team.seller, team.buyer, "msg_none".into()).unwrap_err().code(), Code::NotFound);
    let acknowledged = offer(team.seller, team.buyer, own.to_string()).unwrap();
    assert_eq!((acknowledged.0.in_reply_to, acknowledged.1.state), (Some(own), State::Requested));
    let id = own.to_string();
    let read = world.run(world.cx(None), move |tx, cx| message::get(tx, cx.tenant(), &id)).unwrap();
    assert_eq!(read.status, Status::Read);
}

#[test]
fn payment_is_confirmed_as_it_was_asked_for() {
    let world = World::new();
    let team = world.team();
    let path = [
        (Party::Seller, Kind::TaskOffer),
        (Party::Buyer, Kind::TaskAccept),
        (Party::Seller, Kind::TaskExecute),
        (Party::Seller, Kind::TaskComplete),
        (Party::Seller, Kind::PaymentRequest),
    ];
    let contract = world.contract_after(&team, &path);
    let confirm = |cents: u64, currency: &str| {
        world.send(
            team.buyer,
            json!({"type": "PAYMENT_CONFIRM", "to": "@seller", "contractId": contract.id, "amountCents": cents,
                   "currency": currency}),
        )
    };
    assert_eq!(confirm(8999, "USD").unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(confirm(9000, "EUR").unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(confirm(9000, "USD").unwrap().1.state, State::Paid);
}

#[test]
fn a_sandbox_key_moves_simulated_contracts_only() {
    let world = World::new();
    let team = world.team();
    let live = world.request(&team);
    let offer = |contract: &Contract| json!({"type": "TASK_OFFER", "to": "@buyer", "contractId": contract.id});
    let refused = world.send_with(world.sandbox(team.seller), offer(&live)).unwrap_err();
    assert_eq!(refused, TaskError::Sandboxed);
    let body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"});
    let Sent::Now(message, play) = world.send_with(world.sandbox(team.buyer), body).unwrap() else { panic!() };
    assert!(message.simulated && play.simulated);
    assert!(world.send_with(world.sandbox(team.seller), offer(&play)).is_ok());
    assert_eq!(world.pay(world.sandbox(team.buyer), "@seller", Deal::Real, None).unwrap_err(), TaskError::Sandboxed);
    let linked = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(play.id.to_string()));
    assert_eq!(linked.unwrap_err(), TaskError::Sandboxed);
}

#[test]
fn an_inbox_is_paged_without_gap_or_repeat_and_told_apart_from_others() {
    let world = World::new();
    let team = world.team();
    let mut sent: Vec<_> = (0..23).map(|_| world.request(&team).standing.message).collect();
    world.send(team.seller, json!({"type": "TASK_REQUEST", "to": "@buyer", "task": "t"})).unwrap();
    sent.reverse();
    let mut seen = Vec::new();
    let mut before = None;
    for _ in 0..10 {
        let page = world.inbox(team.seller, InboxQuery { before, limit: 5, ..InboxQuery::default() });
        seen.extend(page.messages.iter().map(|message| message.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, sent);
    let times: Vec<Time> = world
        .inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() })
        .messages
        .iter()
        .map(|message| message.created_at)
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "no two messages have one time");
    let since = world.inbox(team.seller, InboxQuery { since: Some(times[3]), limit: 100, ..InboxQuery::default() });
    assert_eq!(since.messages.len(), 3);
    let none = InboxQuery { kinds: vec![Kind::TaskOffer], limit: 5, ..InboxQuery::default() };
    let none = world.inbox(team.seller, none);
    assert!(none.messages.is_empty() && none.next.is_none());
}

#[test]
fn looking_at_messages_is_noted_once_and_only_forward() {
    let world = World::new();
    let team = world.team();
    let id = world.request(&team).standing.message;
    let look = |seen: Seen| {
        world.run(world.cx(Some(team.seller)), move |tx, cx| message::see_all(tx, cx, &[id], seen)).unwrap();
        let id = id.to_string();
        world.run(world.cx(None), move |tx, cx| message::get(tx, cx.tenant(), &id)).unwrap().status
    };
    let seen = [Seen::Fetched, Seen::Fetched, Seen::Opened, Seen::Fetched].map(look);
    assert_eq!(seen, [Status::Delivered, Status::Delivered, Status::Read, Status::Read]);
}

#[test]
fn escrow_goes_to_the_seller_by_the_buyers_word_alone() {
    let world = World::new();
    let team = world.team();
    let held = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Sandbox, None).unwrap();
    assert_eq!((held.status, held.status.escrow()), (TransactionStatus::Pending, Escrow::Pending));
    assert_eq!(world.act(Some(team.seller), &held, Act::Release).unwrap_err(), TaskError::Party(Party::Buyer));
    assert_eq!(world.act(Some(team.buyer), &held, Act::Refund).unwrap_err(), TaskError::Party(Party::Seller));
    for stranger in [team.sibling, team.child] {
        for act in Act::ALL {
            assert_eq!(world.act(Some(stranger), &held, act).unwrap_err(), TaskError::NoTransaction);
        }
    }
    let paid = world.act(Some(team.buyer), &held, Act::Release).unwrap();
    assert_eq!((paid.status.escrow(), paid.ended_at), (Escrow::Released, Some(START)));
    for (by, act) in [(team.buyer, Act::Release), (team.seller, Act::Refund), (team.buyer, Act::Dispute)] {
        assert_eq!(world.act(Some(by), &paid, act).unwrap_err().code(), Code::InvalidTransition);
    }
}

#[test]
fn nobody_deals_with_themselves_or_in_anothers_name() {
    let world = World::new();
    let team = world.team();
    let by = |of: LoopId, seller: &str| world.pay(world.cx(Some(of)), seller, Deal::Real, None).map(|_| ());
    assert_eq!(by(team.buyer, "@buyer"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.buyer, "@child"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.child, "@buyer"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.sibling, "@buyer"), Ok(()));
    let named = NewTransaction {
        buyer: Some("@buyer".into()),
        seller: "@seller".into(),
        amount_cents: 1,
        currency: "USD".into(),
        kind: Deal::Sandbox,
        contract: None,
    };
    let claimed = named.clone();
    let claim = world.run(world.cx(Some(team.sibling)), move |tx, cx| transaction::create(tx, cx, &claimed));
    assert_eq!(claim.unwrap_err(), TaskError::Party(Party::Buyer));
    let made = world.run(world.cx(None), move |tx, cx| transaction::create(tx, cx, &named)).unwrap();
    assert_eq!(made.buyer, team.buyer);
}

#[test]
fn a_released_real_amount_settles_the_sellers_proofs_and_no_others() {
    let world = World::new();
    let team = world.team();
    let prove = |of: LoopId, deal: &Transaction| {
        let task = world.task(of, Mode::Guided, Vec::new());
        world.prove(of, &task, Some(deal), false)
    };
    let deal = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, None).unwrap();
    let (sold, bought) = (prove(team.seller, &deal), prove(team.buyer, &deal));
    world.act(Some(team.buyer), &deal, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.level(&bought)), (Level::V5, Level::V0));
    assert_eq!((world.score(team.seller), world.score(team.buyer)), (58, 50));

    let play = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Sandbox, None).unwrap();
    let sold = prove(team.seller, &play);
    world.act(Some(team.buyer), &play, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.score(team.seller)), (Level::V0, 58));

    let within = world.pay(world.cx(Some(team.buyer)), "@sibling", Deal::Real, None).unwrap();
    let sold = prove(team.sibling, &within);
    world.act(Some(team.buyer), &within, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.score(team.sibling)), (Level::V0, 50), "one owner on both sides");
}

#[test]
fn a_dispute_costs_the_side_that_the_administrator_decides_against_and_ends_the_contracts() {
    let world = World::new();
    let team = world.team();
    let path = [(Party::Seller, Kind::TaskOffer), (Party::Buyer, Kind::TaskAccept), (Party::Seller, Kind::TaskExecute)];
    for (act, by, scores, state) in [
        (Act::Refund, None, (50, 45), State::Cancelled),
        (Act::Release, None, (45, 45), State::Completed),
        (Act::Refund, Some(team.seller), (45, 45), State::Disputed),
    ] {
        let contract = world.contract_after(&team, &path);
        let deal = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(contract.id.to_string())).unwrap();
        world.say(team.buyer, team.seller, Kind::DisputeOpen, &contract).unwrap();
        let open = world.act(Some(team.buyer), &deal, Act::Dispute).unwrap();
        assert_eq!(open.dispute.unwrap().opened_by, Some(Party::Buyer));
        assert_eq!(world.act(Some(team.seller), &deal, Act::Dispute).unwrap_err().code(), Code::InvalidTransition);
        world.act(by, &deal, act).unwrap();
        let id = contract.id.to_string();
        let read = world.run(world.cx(None), move |tx, cx| contract::get(tx, cx.tenant(), &id)).unwrap().unwrap();
        assert_eq!((world.score(team.buyer), world.score(team.seller)), scores);
        assert_eq!(read.value.state, state);
    }
}

#[test]
fn a_transaction_pays_only_for_a_contract_of_the_same_two() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team).id.to_string();
    assert!(world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(contract.clone())).is_ok());
    for (of, seller, contract) in
        [(team.sibling, "@seller", &contract), (team.seller, "@buyer", &contract), (team.buyer, "@seller", &"x".into())]
    {
        let refused = world.pay(world.cx(Some(of)), seller, Deal::Real, Some(contract.clone()));
        assert_eq!(refused.unwrap_err(), TaskError::NoContract);
    }
}

#[test]
fn completion_counts_as_verified_only_with_a_real_proof_that_the_server_could_check() {
    let world = World::new();
    let team = world.team();
    let checked = |proof: Proof| Proof { level: Level::V1, ..proof };
    for (mode, make, end) in [
        (Mode::Guided, None, TaskStatus::CompletedUnverified),
        (Mode::Guided, Some((false, Level::V0)), TaskStatus::CompletedUnverified),
        (Mode::Autopilot, Some((true, Level::V1)), TaskStatus::CompletedUnverified),
        (Mode::Guided, Some((false, Level::V1)), TaskStatus::Completed),
        (Mode::Sandbox, None, TaskStatus::Completed),
    ] {
        let task = world.task(team.buyer, mode, Vec::new());
        let proofs = make.map(|(simulated, level)| {
            let proof = world.prove(team.buyer, &task, None, simulated);
            if level == Level::V1 { checked(proof) } else { proof }
        });
        world.move_task(team.buyer, &task, to(TaskStatus::Running), Vec::new()).unwrap();
        let ended =
            world.move_task(team.buyer, &task, to(TaskStatus::Completed), proofs.into_iter().collect()).unwrap();
        assert_eq!(ended.status, end, "{mode}");
    }
}

#[test]
fn tasks_are_seen_by_their_loop_those_above_it_and_the_administrator() {
    let world = World::new();
    let team = world.team();
    let task = world.task(team.child, Mode::Guided, Vec::new());
    for (viewer, sees) in [
        (Some(team.child), true),
        (Some(team.buyer), true),
        (None, true),
        (Some(team.sibling), false),
        (Some(team.seller), false),
    ] {
        let id = task.id.to_string();
        let read = world.run(world.cx(viewer), move |tx, cx| tasks::get(tx, cx, &id));
        assert_eq!(read.is_ok(), sees);
        assert!(sees || read.unwrap_err() == TaskError::NoTask);
    }
    let of = |by: Option<LoopId>, of: &str| {
        let new = NewTask {
            of: Some(of.into()),
            title: "t".into(),
            domain: None,
            mode: Mode::Guided,
            plan: Vec::new(),
            jobs: Vec::new(),
        };
        world.run(world.cx(by), move |tx, cx| tasks::create(tx, cx, &new)).map(|task| task.loop_id)
    };
    assert_eq!(of(Some(team.buyer), "@child"), Ok(team.child));
    assert_eq!(of(None, "@seller"), Ok(team.seller));
    assert_eq!(of(Some(team.child), "@buyer").unwrap_err().code(), Code::InsufficientScope);
}

#[test]
fn jobs_move_with_their_task() {
    let world = World::new();
    let team = world.team();
    let named = |name: &str, before: &[&str]| NewJob {
        name: name.into(),
        tool: None,
        depends_on: before.iter().map(|name| (*name).into()).collect(),
    };
    let task = world.task(team.buyer, Mode::Guided, vec![named("a", &[]), named("b", &["a"]), named("c", &[])]);
    let ids: Vec<String> = task.jobs.iter().map(|job| job.id.to_string()).collect();
    let jobs = |moves: &[(usize, JobStatus)], status: Option<TaskStatus>| Patch {
        status,
        jobs: moves.iter().map(|(at, status)| (ids[*at].clone(), *status)).collect(),
    };
    let idle = world.move_task(team.buyer, &task, jobs(&[(0, JobStatus::Running)], None), Vec::new());
    assert_eq!(idle.unwrap_err().code(), Code::InvalidTransition);
    world.move_task(team.buyer, &task, to(TaskStatus::Running), Vec::new()).unwrap();
    let blocked = world.move_task(team.buyer, &task, jobs(&[(1, JobStatus::Running)], None), Vec::new());
    assert_eq!(blocked.unwrap_err().code(), Code::InvalidTransition);
    let steps = [(0, JobStatus::Running), (0, JobStatus::Succeeded), (1, JobStatus::Running)];
    let moved = world.move_task(team.buyer, &task, jobs(&steps, None), Vec::new()).unwrap();
    let standing = |task: &tasks::Task| task.jobs.iter().map(|job| job.status.as_str()).collect::<Vec<_>>();
    assert_eq!(standing(&moved), ["succeeded", "running", "queued"]);
    let unknown = Patch { status: None, jobs: vec![("job_none".into(), JobStatus::Running)] };
    assert_eq!(world.move_task(team.buyer, &task, unknown, Vec::new()).unwrap_err().code(), Code::NotFound);
    let ended = world.move_task(team.buyer, &task, to(TaskStatus::Failed), Vec::new()).unwrap();
    assert_eq!(standing(&ended), ["succeeded", "cancelled", "cancelled"]);
}

/// What somebody may try in a random history.
#[derive(Debug, Clone)]
enum Step {
    Say(usize, usize, Kind, usize),
    Act(usize, Act, usize),
    Pay(usize, usize, bool),
    Prove(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let say = (0..2_usize, 0..2_usize, prop::sample::select(&Kind::ALL[..]), 0..6_usize);
    let act = (0..2_usize, prop::sample::select(&Act::ALL[..]), 0..6_usize);
    let step = prop_oneof![
        4 => say.prop_map(|(from, to, kind, at)| Step::Say(from, to, kind, at)),
        2 => act.prop_map(|(by, act, at)| Step::Act(by, act, at)),
        2 => (0..2_usize, 0..2_usize, any::<bool>()).prop_map(|(from, to, real)| Step::Pay(from, to, real)),
        2 => (0..2_usize, 0..6_usize).prop_map(|(by, at)| Step::Prove(by, at)),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Loops of one owner try everything among themselves, and nobody's trust rises.
    #[test]
    fn no_history_among_loops_of_one_owner_raises_trust(history in steps()) {
        let world = World::new();
        let team = world.team();
        let loops = [team.buyer, team.sibling];
        let mut contracts: Vec<String> = vec!["contract_none".into()];
        let mut deals: Vec<Transaction> = Vec::new();
        for step in history {
            match step {
                Step::Say(from, to, kind, at) => {
                    let mut body = json!({"type": kind, "to": loops[to], "amountCents": 5});
                    if kind == Kind::TaskRequest {
                        body["task"] = "t".into();
                    } else {
                        body["contractId"] = contracts[at % contracts.len()].clone().into();
                    }
                    if let Ok((_, contract)) = world.send(loops[from], body) {
                        contracts.push(contract.id.to_string());
                    }
                }
                Step::Act(by, act, at) if !deals.is_empty() => {
                    let deal = deals[at % deals.len()].clone();
                    let _ = world.act(Some(loops[by]), &deal, act);
                }
                Step::Pay(from, to, real) => {
                    let seller = if to == 0 { "@buyer" } else { "@sibling" };
                    let kind = if real { Deal::Real } else { Deal::Sandbox };
                    deals.extend(world.pay(world.cx(Some(loops[from])), seller, kind, None));
                }
                Step::Prove(by, at) if !deals.is_empty() => {
                    let task = world.task(loops[by], Mode::Guided, Vec::new());
                    world.prove(loops[by], &task, Some(&deals[at % deals.len()]), false);
                }
                Step::Act(..) | Step::Prove(..) => {}
            }
        }
        for of in loops {
            prop_assert!(world.score(of) <= 50);
        }
    }
}
