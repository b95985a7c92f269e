//! What loops tell each other and prove: who signed it, who is forgotten in it, how long it is kept, and that the trust
//! it costs counts at once.

#![cfg(test)]

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use ed25519_dalek::{Signer, SigningKey};
use loop_core::{
    access::{
        AccessError, Caller, Ctx, LoopKind, Mode, Plan, Scopes,
        key::{self, NewKey},
        loops::{self, NewLoop},
    },
    audit,
    base::{
        Host, Seed, Time,
        host::NoEntropy,
        id::LoopId,
        json::{Doc, jcs},
        secret::{MasterKey, Secret, hex},
    },
    engine::{CATALOG, Engine, bootstrap},
    invoke::{self, CallError, Claim},
    message::{self, Draft, Message, MessageError},
    proof::{self, CHAIN, Level, Proof, ProofKind},
    store::{JournalQuery, Store, StoreError, Tx, Value as StoreValue, memory::MemoryStore, wait},
    task::{
        self, TaskError, TaskStatus,
        exchange::{self, Sent},
        tasks::{self, NewTask, Patch, Task},
        transaction::{self, Act, Deal, DisputeReason, NewTransaction},
    },
    tool::redact,
};
use serde_json::{Value, json};

const JANE: &str = "jane.canary@example.com";
const DAY: i64 = 86_400;

#[derive(Default)]
struct Machine {
    micros: AtomicI64,
    seeds: AtomicU64,
}

impl Host for Machine {
    fn now(&self) -> Time {
        Time::from_micros(1_763_800_000_000_000 + self.micros.load(Ordering::SeqCst))
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        let mut bytes = [5; 32];
        bytes[..8].copy_from_slice(&self.seeds.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        Ok(Seed::new(bytes))
    }
}

struct World {
    machine: Arc<Machine>,
    engine: Engine,
    /// Another process on the same store.
    other: Engine,
    admin: Caller,
}

struct Party {
    id: LoopId,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        let machine = Arc::new(Machine::default());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(CATALOG));
        let engine = |store| Engine::new(store, Arc::clone(&machine) as Arc<dyn Host>, MasterKey::new([9; 32]));
        let (engine, other) = (engine(Arc::clone(&store)), engine(store));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let admin = wait(engine.authenticate("tl_test")).unwrap();
        Self { machine, engine, other, admin }
    }

    fn pass(&self, seconds: i64) {
        self.machine.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn run<T, E>(
        &self,
        by: &Caller,
        work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<AccessError> + Send + 'static,
    {
        wait(self.engine.write(self.engine.context(by.clone()).unwrap(), "test", work))
    }

    fn party(&self, tag: &str, owner: &str) -> Party {
        let new = NewLoop {
            tag: Some(tag.to_owned()),
            kind: LoopKind::Business,
            owner_id: Some(owner.to_owned()),
            parent: None,
            skills: Vec::new(),
            permissions: None,
            plan: Some(Plan::Pro),
            risk_ceiling: None,
            spend_limit: None,
        };
        let made = self.run(&self.admin, move |tx, cx| {
            let made = loops::create(tx, cx, &new)?;
            let new = NewKey { loop_id: Some(made.id), ..NewKey::operator("k", Scopes::all()) };
            Ok::<_, AccessError>((made.id, key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?.token))
        });
        let (id, token) = made.unwrap();
        Party { id, caller: wait(self.engine.authenticate(token.expose())).unwrap() }
    }

    fn send_text(&self, by: &Party, text: &str) -> Result<Sent, TaskError> {
        let draft = Draft::read(Doc::parse(text.as_bytes()).unwrap().root())?;
        self.run(&by.caller, move |tx, cx| exchange::send(tx, cx, &draft))
    }

    fn send(&self, by: &Party, body: &Value) -> Result<Sent, TaskError> {
        self.send_text(by, &body.to_string())
    }

    fn sent(&self, by: &Party, body: &Value) -> Message {
        match self.send(by, body).unwrap() {
            Sent::Now(message, _) => *message,
            other => panic!("{other:?}"),
        }
    }

    fn register(&self, by: &Party, key: &SigningKey) {
        let (id, public) = (by.id, *key.verifying_key().as_bytes());
        self.run(&by.caller, move |tx, cx| loops::add_signing_key(tx, cx, id, &public).map(drop)).unwrap();
    }

    fn score(&self, of: &Party) -> u8 {
        wait(self.engine.trust(&self.admin.tenant, &[of.id])).unwrap()
    }

    fn task(&self, by: &Party, title: &str) -> Task {
        let new = NewTask {
            of: None,
            title: title.to_owned(),
            domain: None,
            mode: Mode::Guided,
            plan: vec![json!(format!("call {JANE}"))],
            jobs: Vec::new(),
        };
        self.run(&by.caller, move |tx, cx| tasks::create(tx, cx, &new)).unwrap()
    }

    fn move_task(&self, by: &Party, task: &Task, path: &[TaskStatus]) {
        for status in path.iter().copied() {
            let (id, patch) = (task.id.to_string(), Patch { status: Some(status), jobs: Vec::new() });
            self.run(&by.caller, move |tx, cx| tasks::update(tx, cx, &id, &patch, &[])).unwrap();
        }
    }

    fn prove(&self, by: &Party, task: &Task, data: &Value) -> Proof {
        let claim = Claim {
            task: Some(task.id.to_string()),
            invocation: None,
            transaction: None,
            kind: ProofKind::Source,
            simulated: false,
            data: data.as_object().cloned().unwrap(),
            claimed_level: None,
        };
        let attach = self.run(&by.caller, move |tx, cx| invoke::attach(tx, cx, claim.clone(), &|_| None));
        attach.unwrap()
    }

    fn proof(&self, id: &Proof) -> Proof {
        let id = id.id.to_string();
        self.run(&self.admin, move |tx, cx| Ok::<_, CallError>(proof::get(tx, cx.tenant(), &id)?)).unwrap()
    }

    /// The proofs of a loop as its chain names them, each sound and behind the one before it.
    fn chain(&self, of: &Party) -> usize {
        let stream = of.id.to_string();
        let walked = self.run(&self.admin, move |tx, cx| {
            let query = JournalQuery { limit: 100, ..JournalQuery::default() };
            let mut before = String::new();
            let entries = tx.scan(&CHAIN, cx.tenant(), &stream, &query)?;
            for entry in &entries {
                let text = |at: usize| entry.columns.get(at).and_then(StoreValue::as_text).unwrap().to_owned();
                let proof = proof::get(tx, cx.tenant(), &text(0))?;
                assert!(proof.is_sound() && proof.content_hash == text(1) && proof.prev_hash == before, "{proof:?}");
                before = proof.content_hash;
            }
            Ok::<_, CallError>(entries.len())
        });
        walked.unwrap()
    }

    /// Forgets a person: messages, proofs, tasks.
    fn forget(&self, person: &str) -> [u64; 3] {
        let subjects = redact::text(person).subjects;
        let [tag] = &*audit::subject_tags(self.engine.master(), &self.admin.tenant, &subjects) else { panic!() };
        let tag = tag.clone();
        let done = self.run(&self.admin, move |tx, cx| {
            let (found, _) = audit::subject_entries(tx, cx.tenant(), &tag, None)?;
            Ok::<_, AccessError>([
                message::erase(tx, cx, &found.others, "subject")?,
                proof::erase(tx, cx, &found.others, "subject")?,
                task::erase::erase(tx, cx, &found.others, "subject")?,
            ])
        });
        done.unwrap()
    }

    /// Everything of the log of changes.
    fn log(&self) -> String {
        let read = self.run(&self.admin, |tx, cx| {
            let verified = audit::verify(tx, cx.tenant(), Vec::new())
                .map_err(|error| AccessError::Store(StoreError::Internal(error.to_string())))?;
            assert!(verified.valid, "{verified:?}");
            let page = audit::page(tx, cx.tenant(), audit::CHANGES, &audit::Filter::default(), 1_000, 0);
            Ok::<_, AccessError>(page.unwrap())
        });
        read.unwrap().into_iter().filter_map(|entry| entry.body).collect()
    }
}

fn request(to: &str) -> Value {
    json!({ "type": "TASK_REQUEST", "to": to, "task": "roof", "inputs": { "n": 1.50, "b": "ü€😀", "a": [null, true] } })
}

fn sign(key: &SigningKey, body: &Value) -> String {
    let text = jcs(Doc::from_value(body).root()).unwrap();
    hex(&key.sign(text.as_bytes()).to_bytes())
}

fn signed(key: &SigningKey, body: &Value) -> Value {
    let mut body = body.clone();
    body["signature"] = sign(key, &body).into();
    body
}

#[test]
fn a_signed_message_says_by_which_registered_key() {
    let world = World::new();
    let (ann, _bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let keys = [3_u8, 4].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    keys.iter().for_each(|key| world.register(&ann, key));
    for key in &keys {
        let message = world.sent(&ann, &signed(key, &request("@bob")));
        assert_eq!(message.signed_by.as_deref(), Some(&*hex(key.verifying_key().as_bytes())));
        assert!(message.signature.is_some());
    }
    let plain = world.sent(&ann, &request("@bob"));
    assert_eq!((plain.signed_by, plain.signature), (None, None));
    // Members in another order and spelling are the same document.
    let body = request("@bob");
    let text = format!(
        r#"{{"signature":"{}","inputs":{{"a":[null,true],"b":"\u00fc€😀","n":15e-1}},"task":"roof","to":"@bob","type":"TASK_REQUEST"}}"#,
        sign(&keys[0], &body)
    );
    assert!(matches!(world.send_text(&ann, &text), Ok(Sent::Now(message, _)) if message.signed_by.is_some()));
    assert_eq!(world.score(&ann), 50);
}

#[test]
fn a_message_that_no_key_of_its_sender_signed_is_not_sent_and_costs_trust() {
    let world = World::new();
    let (ann, bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let [own, strange] = [3_u8, 4].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let keyless = world.send(&ann, &signed(&own, &request("@bob"))).unwrap_err();
    assert_eq!(keyless, MessageError::NoSigningKey.into());
    assert_eq!(world.score(&ann), 50);
    world.register(&ann, &own);
    world.register(&bob, &strange);
    let mut changed = signed(&own, &request("@bob"));
    changed["inputs"]["n"] = json!(2);
    for (body, score) in [(signed(&strange, &request("@bob")), 48), (changed, 46)] {
        assert!(matches!(world.send(&ann, &body), Ok(Sent::Forged)), "{body}");
        assert_eq!(world.score(&ann), score);
    }
    let mut malformed = request("@bob");
    malformed["signature"] = "AAAA".into();
    assert!(matches!(world.send(&ann, &malformed), Err(TaskError::Message(MessageError::Invalid(_)))));
    let lossy = format!(
        r#"{{"type":"TASK_REQUEST","to":"@bob","task":"t","inputs":{{"n":9007199254740993}},"signature":"{}"}}"#,
        "00".repeat(64)
    );
    assert!(matches!(world.send_text(&ann, &lossy), Err(TaskError::Message(MessageError::Invalid(_)))));
    let bobs = bob.id;
    let inbox = world.run(&bob.caller, move |tx, cx| {
        message::inbox(tx, cx.tenant(), bobs, &message::InboxQuery { limit: 100, ..message::InboxQuery::default() })
    });
    assert!(inbox.unwrap().messages.is_empty());
    assert_eq!(world.score(&ann), 46);
}

#[test]
fn an_acknowledgement_by_message_counts_as_one_by_request() {
    let world = World::new();
    let (ann, bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let twin = world.party("twin", "ann");
    let task = world.task(&ann, "t");
    let proof = world.prove(&ann, &task, &json!({ "note": "done" }));
    let contract = world.sent(&ann, &request("@bob")).contract_id;
    let ack =
        |to: &str, contract: &str| json!({ "type": "ACK", "to": to, "contractId": contract, "proofId": proof.id });
    // A loop of the same owner may not, however it says it.
    let own = world.sent(&ann, &request("@twin")).contract_id;
    assert!(matches!(world.send(&twin, &ack("@ann", &own.to_string())), Ok(Sent::NotAnother)));
    let seen = world.proof(&proof);
    assert_eq!((seen.level, seen.verifications.len()), (Level::V0, 1), "the attempt stands with the proof");
    assert_eq!(world.score(&ann), 50);
    let unknown = json!({ "type": "ACK", "to": "@ann", "contractId": contract, "proofId": "proof_none" });
    assert!(world.send(&bob, &unknown).is_err());
    for _ in 0..2 {
        world.sent(&bob, &ack("@ann", &contract.to_string()));
        assert_eq!((world.proof(&proof).level, world.score(&ann)), (Level::V4, 56));
    }
}

#[test]
fn a_person_is_forgotten_in_messages_proofs_and_tasks_and_nobody_else_is() {
    let world = World::new();
    let (ann, bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let mut body = request("@bob");
    body["inputs"]["to"] = JANE.into();
    body["task"] = format!("write to {JANE}").into();
    body["nonce"] = "n1".into();
    let told = world.sent(&ann, &body);
    let kept = world.sent(&ann, &request("@bob"));
    let (task, other) = (world.task(&ann, "find leads"), world.task(&bob, "mow"));
    let proofs = [
        world.prove(&ann, &task, &json!({ "for": JANE })),
        world.prove(&ann, &task, &json!({ "for": "john@example.org" })),
        world.prove(&ann, &task, &json!({ "source_url": "https://x.example" })),
    ];
    let contract_before = contract_of(&world, &told.id.to_string());
    assert_eq!(contract_before, "write to [email @example.com]", "contracts outlive what was said");
    assert_eq!(world.forget("JANE.canary@Example.com"), [1, 1, 2], "both plans name her");
    assert_eq!(world.forget(JANE), [0, 0, 0]);
    let (told, kept) = (told.id.to_string(), kept.id.to_string());
    let contract = contract_of(&world, &told);
    let ids = [(told, true), (kept, false)];
    for (id, erased) in ids {
        let message = world.run(&world.admin, move |tx, cx| message::get(tx, cx.tenant(), &id)).unwrap();
        assert_eq!((message.erased, message.content.get() == "{}"), (erased, erased));
        assert_eq!((message.digest.is_empty(), message.salt.is_empty()), (erased, erased));
    }
    assert_eq!(contract, "[erased]");
    for id in [task.id.to_string(), other.id.to_string()] {
        let task = world.run(&world.admin, move |tx, cx| tasks::get(tx, cx, &id)).unwrap();
        assert!(task.erased && task.title == "[erased]" && task.plan.is_empty());
    }
    let left: Vec<bool> = proofs.iter().map(|proof| !world.proof(proof).data.is_empty()).collect();
    assert_eq!(left, [false, true, true]);
    assert_eq!(world.chain(&ann), 3, "what is gone counts by its hash");
    let log = world.log();
    assert!(!log.contains("jane") && log.contains("\"table\":\"messages\""));
    // What was erased cannot be told from another message, so that the same word again is neither sent nor punished.
    assert_eq!(world.send(&ann, &body).unwrap_err(), TaskError::IdTaken);
    assert_eq!(world.score(&ann), 50);
}

fn contract_of(world: &World, message: &str) -> String {
    let id = message.to_owned();
    let found = world.run(&world.admin, move |tx, cx| {
        let contract = message::get(tx, cx.tenant(), &id)?.contract_id.to_string();
        Ok::<_, TaskError>(task::contract::get(tx, cx.tenant(), &contract)?)
    });
    found.unwrap().unwrap().value.task
}

#[test]
fn evidence_that_was_changed_is_not_sound() {
    let world = World::new();
    let ann = world.party("ann", "ann");
    let proof = world.prove(&ann, &world.task(&ann, "t"), &json!({ "n": 1 }));
    assert!(proof.is_sound());
    let mut changed = proof.clone();
    changed.data.insert("n".to_owned(), json!(2));
    let hollow = Proof { salt: None, ..proof.clone() };
    let other = Proof { simulated: true, ..proof.clone() };
    assert!(!changed.is_sound() && !hollow.is_sound() && !other.is_sound());
}

#[test]
fn a_context_that_cannot_tag_stores_nothing_that_speaks_of_a_person() {
    let world = World::new();
    let ann = world.party("ann", "ann");
    let caller = ann.caller.clone();
    let plain = |title: &str| {
        let new = NewTask {
            of: None,
            title: title.to_owned(),
            domain: None,
            mode: Mode::Guided,
            plan: Vec::new(),
            jobs: Vec::new(),
        };
        let caller = caller.clone();
        world.run(&world.admin, move |tx, cx| {
            tasks::create(tx, &Ctx::new(caller.clone(), cx.now, cx.seed()), &new).map(drop)
        })
    };
    assert!(plain("mow").is_ok());
    assert!(matches!(plain(&format!("write to {JANE}")), Err(TaskError::Store(StoreError::Internal(_)))));
}

/// What retention removes of each kind before a time.
fn purge(world: &World, before: Time) -> [u64; 3] {
    let done = world.run(&world.admin, move |tx, cx| {
        Ok::<_, AccessError>([
            message::purge_before(tx, cx, before, 100)?,
            task::erase::purge_before(tx, cx, before, 100)?,
            proof::purge_before(tx, cx, before, 100)?,
        ])
    });
    done.unwrap()
}

#[test]
fn retention_takes_what_is_over_and_keeps_what_goes_on() {
    let world = World::new();
    let (ann, _bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let first = world.sent(&ann, &request("@bob"));
    let (open, ended) = (world.task(&ann, "open"), world.task(&ann, "ended"));
    world.move_task(&ann, &ended, &[TaskStatus::Running, TaskStatus::Cancelled]);
    let proof = world.prove(&ann, &open, &json!({ "n": 1 }));
    world.pass(5 * DAY);
    let now = world.machine.now();
    // The message lasts two days more.
    assert_eq!(purge(&world, now), [0, 2, 1]);
    assert_eq!(purge(&world, now), [0, 0, 0], "the open task was looked at");
    let gone = |id: String| world.run(&world.admin, move |tx, cx| tasks::get(tx, cx, &id)).err();
    assert_eq!((gone(open.id.to_string()), gone(ended.id.to_string())), (None, Some(TaskError::NoTask)));
    let bare = world.proof(&proof);
    assert!(bare.data.is_empty() && bare.is_sound() && bare.level == proof.level);
    assert_eq!(world.forget(JANE)[2], 1, "who is named in a task that goes on is still found");
    world.pass(3 * DAY);
    assert_eq!(purge(&world, world.machine.now())[0], 1);
    let id = first.id.to_string();
    let read = world.run(&world.admin, move |tx, cx| message::get(tx, cx.tenant(), &id));
    assert_eq!(read.unwrap_err(), MessageError::NotFound);
    world.log();
}

#[test]
fn trust_that_a_replay_or_a_lost_dispute_costs_counts_at_once_and_elsewhere_within_a_second() {
    let world = World::new();
    let (ann, bob) = (world.party("ann", "ann"), world.party("bob", "bob"));
    let tenant = &world.admin.tenant;
    let look = |of: &Party| {
        [&world.engine, &world.other].map(|engine| {
            let now = engine.trust_at_hand([of.id]);
            now.unwrap_or_else(|| wait(engine.trust(tenant, &[of.id])).unwrap())
        })
    };
    assert_eq!([look(&ann), look(&bob)], [[50, 50]; 2]);
    let mut body = request("@bob");
    body["nonce"] = "n".into();
    world.sent(&ann, &body);
    body["task"] = "another".into();
    assert!(matches!(world.send(&ann, &body), Ok(Sent::Replayed)));
    assert_eq!(world.engine.trust_at_hand([ann.id]), Some(48));
    let pay = NewTransaction {
        buyer: None,
        seller: "@bob".to_owned(),
        amount_cents: 100,
        currency: "EUR".to_owned(),
        kind: Deal::Real,
        contract: None,
    };
    let deal = world.run(&ann.caller, move |tx, cx| transaction::create(tx, cx, &pay)).unwrap().id.to_string();
    for (by, act, reason) in [
        (&ann.caller, Act::Dispute, Some((DisputeReason::PoorQuality, Some(format!("ask {JANE}"))))),
        (&world.admin, Act::Refund, None),
    ] {
        let deal = deal.clone();
        let done = world.run(by, move |tx, cx| transaction::act(tx, cx, &deal, act, reason.clone()));
        let note = done.unwrap().0.dispute.and_then(|dispute| dispute.note);
        assert_eq!(note.as_deref(), Some("ask [email @example.com]"), "a deal is kept for good");
    }
    assert_eq!(world.engine.trust_at_hand([bob.id]), Some(45));
    world.pass(2);
    assert_eq!([look(&ann), look(&bob)], [[48, 48], [45, 45]]);
}
