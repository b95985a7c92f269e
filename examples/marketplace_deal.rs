//! Two businesses trade by message, from a request to a proof that settlement stands behind, told as a time line.
//!
//! ```text
//! cargo run -p loop-examples --bin marketplace_deal
//! ```

use std::{error::Error, sync::Arc};

use loop_core::{
    access::{
        AccessError, Caller, Ctx, LoopKind, Mode, Scopes,
        issue::{self, Wanted},
        loops::{self, NewLoop},
    },
    base::{host::SystemHost, json::Doc, secret::MasterKey},
    engine::{Engine, bootstrap},
    message::{self, Draft},
    proof::{self, Level, NewProof, ProofKind, Subject},
    store::{StoreError, Tx, wait},
    task::{
        TaskError,
        exchange::{self, Sent},
        tasks::{self, NewTask},
        transaction::{self, Act, Deal, NewTransaction},
    },
    trust,
};
use loop_store_sqlite::{Options, SqliteStore};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

/// A business: its loop, and a caller with a key of that loop.
struct Business {
    engine: Engine,
    caller: Caller,
    tag: &'static str,
}

impl Business {
    /// Founds a business of its own owner.
    fn found(engine: &Engine, admin: &Caller, tag: &'static str, owner: &str) -> Result<Self, Failure> {
        let new = NewLoop {
            tag: Some(tag.to_owned()),
            kind: LoopKind::Business,
            owner_id: Some(owner.to_owned()),
            parent: None,
            skills: Vec::new(),
            permissions: None,
            plan: None,
            risk_ceiling: None,
            spend_limit: None,
        };
        let cx = engine.context(admin.clone())?;
        let made = wait(engine.write(cx, "loop.create", move |tx, cx| {
            let made = loops::create(tx, cx, &new)?;
            let wanted = Wanted {
                name: new.tag.clone().unwrap_or_default(),
                scopes: Scopes::all(),
                loop_id: Some(made.id),
                expires_at: None,
                sandboxed: false,
            };
            issue::create(tx, cx, &wanted)
        }))
        .map_err(|error: AccessError| error)?;
        let caller = wait(engine.authenticate(made.token.expose()))?;
        Ok(Self { engine: engine.clone(), caller, tag })
    }

    fn write<T: Send + 'static, E>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Failure>
    where
        E: Error + From<StoreError> + From<AccessError> + Send + 'static,
    {
        Ok(wait(self.engine.write(self.engine.context(self.caller.clone())?, name, work))?)
    }

    /// Sends a message and answers the contract that it opened or moved.
    fn say(&self, to: &Self, body: Value) -> Result<String, Failure> {
        let mut body = body;
        if let Some(body) = body.as_object_mut() {
            body.insert("to".to_owned(), format!("@{}", to.tag).into());
        }
        let draft = Draft::read(Doc::from_value(&body).root())?;
        match self.write("aap.send", move |tx, cx| exchange::send(tx, cx, &draft))? {
            Sent::Now(message, contract) => {
                let text = message.content.get();
                println!(
                    "{}  @{:<7} {:<15} {:<10} {text}",
                    clock(message.created_at),
                    self.tag,
                    message.kind,
                    contract.state.as_str()
                );
                Ok(contract.id.to_string())
            }
            Sent::Before(..) | Sent::Replayed => Err("a message was sent twice".into()),
            Sent::Forged | Sent::NotAnother => Err("a message was refused".into()),
        }
    }

    fn score(&self) -> Result<u8, Failure> {
        let id = self.caller.acting_loop()?;
        let cx = self.engine.context(self.caller.clone())?;
        Ok(wait(
            self.engine
                .read(cx, "trust.get", move |tx, cx| trust::score(tx, cx.tenant(), id).map_err(AccessError::from)),
        )?)
    }
}

fn clock(at: loop_core::base::Time) -> String {
    at.to_string().chars().skip(11).take(12).collect()
}

fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(directory.path().join("loop.db"), Options::default())?);
    let engine = Engine::new(store, Arc::new(SystemHost), MasterKey::from_text("keep this one well"));
    let key = wait(bootstrap(&engine, None))?.minted.ok_or("the file was not fresh")?;
    let admin = wait(engine.authenticate(key.expose()))?;
    let buyer = Business::found(&engine, &admin, "orchard", "ann")?;
    let seller = Business::found(&engine, &admin, "roofers", "bob")?;

    // Asked, bargained, agreed. Every message is checked against the contract: who may send it, and when.
    let contract =
        buyer.say(&seller, json!({"type": "TASK_REQUEST", "task": "roof", "inputs": {"city": "Atlanta"}}))?;
    let on = |kind: &str, more: Value| {
        let mut body = json!({"type": kind, "contractId": contract});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body
    };
    seller.say(&buyer, on("TASK_OFFER", json!({"proposedValue": 120, "terms": "net 30"})))?;
    buyer.say(&seller, on("COUNTER_OFFER", json!({"proposedValue": 90})))?;
    seller.say(&buyer, on("TASK_OFFER", json!({"proposedValue": 100})))?;
    if seller.say(&buyer, on("TASK_ACCEPT", json!({}))).is_ok() {
        return Err("a seller accepted its own offer".into());
    }
    buyer.say(&seller, on("TASK_ACCEPT", json!({})))?;

    // The amount is held before the work begins.
    let pays_for = contract.clone();
    let held = buyer.write("transaction.create", move |tx, cx| {
        let new = NewTransaction {
            buyer: None,
            seller: "@roofers".to_owned(),
            amount_cents: 10_000,
            currency: "USD".to_owned(),
            kind: Deal::Real,
            contract: Some(pays_for.clone()),
        };
        transaction::create(tx, cx, &new)
    })?;
    println!("{}  100.00 USD held in escrow", clock(held.created_at));

    seller.say(&buyer, on("TASK_EXECUTE", json!({})))?;
    seller.say(&buyer, on("TASK_COMPLETE", json!({"outcome": "the roof is done"})))?;

    // The seller's own word is worth nothing yet, however high it claims.
    let deal = held.id;
    let claimed = seller.write("proof.attach", move |tx, cx| {
        let new = NewTask {
            of: None,
            title: "Roof in Atlanta".to_owned(),
            domain: None,
            mode: Mode::Guided,
            plan: Vec::new(),
            jobs: Vec::new(),
        };
        let task = tasks::create(tx, cx, &new)?;
        let new = NewProof {
            loop_id: task.loop_id,
            subject: Subject::Task(task.id),
            transaction: Some(deal),
            kind: ProofKind::PaymentReference,
            simulated: false,
            data: serde_json::Map::new(),
            claimed_level: Some(Level::V5),
            verifications: Vec::new(),
        };
        Ok::<_, TaskError>(proof::attach(tx, cx, new)?)
    })?;
    let before = seller.score()?;
    println!("{}  proof attached: {}, trust {before}", clock(claimed.created_at), claimed.level.as_str());

    seller.say(&buyer, on("PAYMENT_REQUEST", json!({"amountCents": 10_000, "currency": "USD"})))?;

    // Another owner's payment is what settles it. A loop cannot do this for itself.
    let id = held.id.to_string();
    let (released, proofs) =
        buyer.write("transaction.release", move |tx, cx| transaction::act(tx, cx, &id, Act::Release, None))?;
    let settled = proofs.first().ok_or("no proof names the transaction")?;
    let after = seller.score()?;
    println!(
        "{}  escrow released: proof {}, trust {after}",
        clock(released.ended_at.unwrap_or(released.created_at)),
        settled.level.as_str()
    );

    buyer.say(&seller, on("PAYMENT_CONFIRM", json!({"amountCents": 10_000})))?;

    let cx = engine.context(admin.clone())?;
    let receiver = seller.caller.acting_loop()?;
    let inbox = wait(engine.read(cx, "aap.inbox", move |tx, cx| {
        let query = message::InboxQuery { limit: 100, ..message::InboxQuery::default() };
        message::inbox(tx, cx.tenant(), receiver, &query)
    }))?;
    println!("@roofers received {} messages", inbox.messages.len());
    let as_promised = (claimed.level, settled.level) == (Level::V0, Level::V5) && (before, after) == (50, 58);
    if as_promised { Ok(()) } else { Err("the example did not go as it says".into()) }
}
