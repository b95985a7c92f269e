//! The transaction as stored, and what is done with it.

use serde_json::json;

use super::{
    super::{
        TaskError,
        contract::{self, Contract, Party, State},
        exchange,
    },
    Act, Actor, Refusal, TransactionStatus,
};
use crate::{
    access::{Ctx, Effective, Loop, loops},
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{ContractId, LoopId, TransactionId},
    },
    message,
    proof::{Method, Proof, Verification},
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, Stored, Table, Tx, Value},
    tool::redact,
    trust::{self, EventKind},
};

/// The greatest amount, in minor units: what every JSON reader keeps exactly.
pub const MAX_CENTS: u64 = 1 << 53;
/// The most proofs of a transaction that are raised and shown.
pub const PROOFS_SHOWN: u32 = 100;
/// The longest note of a dispute, in characters.
const MAX_NOTE: usize = 2_000;

/// Whether money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deal {
    /// It is play: nothing is settled by it.
    Sandbox,
    /// It does.
    Real,
}

/// Why a party disagrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeReason {
    /// Something is missing.
    TaskIncomplete,
    /// It is not good enough.
    PoorQuality,
    /// It took too long.
    Timeout,
    /// Anything else.
    Other,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    /// Why.
    pub reason: DisputeReason,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Which side opened it; absent when the administrator did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Party>,
    /// When.
    pub opened_at: Time,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Transaction {
    /// Its id.
    pub id: TransactionId,
    /// Who pays.
    pub buyer: LoopId,
    /// Who is paid.
    pub seller: LoopId,
    /// The amount, in minor units.
    pub amount_cents: u64,
    /// Its ISO 4217 currency.
    pub currency: String,
    /// Whether money moves.
    pub kind: Deal,
    /// Where it stands.
    pub status: TransactionStatus,
    /// The contract that it pays for.
    pub contract: Option<ContractId>,
    /// The dispute, while there is one and after.
    pub dispute: Option<Dispute>,
    /// When it was made.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// Where transactions are kept.
pub static TRANSACTIONS: Table = Table { name: "transactions", columns: &[Column::indexed("contract", Kind::Text)] };

impl Entity for Transaction {
    const TABLE: &'static Table = &TRANSACTIONS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.contract.map(|id| id.to_string()).into()]
    }
}

impl Transaction {
    fn actor(&self, of: Option<LoopId>) -> Result<Actor, TaskError> {
        match of {
            None => Ok(Actor::Administrator),
            Some(of) if of == self.buyer => Ok(Actor::Party(Party::Buyer)),
            Some(of) if of == self.seller => Ok(Actor::Party(Party::Seller)),
            Some(_) => Err(TaskError::NoTransaction),
        }
    }
}

/// A transaction to make.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// Who pays, an id or a tag; for the administrator to say. A loop's key buys for its own loop.
    pub buyer: Option<String>,
    /// Who is paid, an id or a tag.
    pub seller: String,
    /// The amount, 1 to [`MAX_CENTS`] minor units.
    pub amount_cents: u64,
    /// Its ISO 4217 currency.
    pub currency: String,
    /// Whether money moves.
    pub kind: Deal,
    /// The contract that it pays for.
    pub contract: Option<String>,
}

/// Holds an amount in escrow.
///
/// # Errors
/// [`TaskError`]: an amount or a currency that is none, an unknown loop or contract, a deal with oneself, money from a
/// sandbox key.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewTransaction) -> Result<Transaction, TaskError> {
    if !(1..=MAX_CENTS).contains(&new.amount_cents) {
        return Err(TaskError::Invalid("`amountCents` must be a whole number from 1 to 9007199254740992"));
    }
    if !message::is_currency(&new.currency) {
        return Err(TaskError::Invalid("`currency` must be three capital letters"));
    }
    let buyer = buyer(tx, cx, new)?;
    let seller = loops::resolve(tx, cx.tenant(), &new.seller)?;
    let root = loops::root(tx, cx.tenant(), buyer.id)?.id;
    let line = loops::lineage(tx, cx.tenant(), seller.id)?;
    // Loops under one root share one wallet: what one pays the other it pays itself.
    if line.last().is_some_and(|top| top.id == root) {
        return Err(TaskError::OwnDeal);
    }
    if Effective::of(&line).suspended {
        return Err(TaskError::OtherSuspended);
    }
    let contract = match &new.contract {
        None => None,
        Some(id) => Some(paid_for(tx, cx, id, buyer.id, seller.id)?),
    };
    let simulated = cx.caller.sandboxed || contract.as_ref().is_some_and(|contract| contract.simulated);
    if simulated && new.kind == Deal::Real {
        return Err(TaskError::Sandboxed);
    }
    let transaction = Transaction {
        id: TransactionId::draw(cx.now, &mut cx.seed()),
        buyer: buyer.id,
        seller: seller.id,
        amount_cents: new.amount_cents,
        currency: new.currency.clone(),
        kind: new.kind,
        status: TransactionStatus::Pending,
        contract: contract.map(|contract| contract.id),
        dispute: None,
        created_at: cx.now,
        ended_at: None,
    };
    Repo::new(tx, cx.tenant()).insert(&transaction, cx.now)?;
    write_down(tx, cx, "transaction.create", &transaction)?;
    Ok(transaction)
}

fn buyer(tx: &mut dyn Tx, cx: &Ctx, new: &NewTransaction) -> Result<Loop, TaskError> {
    let buyer = match (cx.caller.loop_id, &new.buyer) {
        (None, None) => return Err(TaskError::Invalid("`buyerLoopId` is missing: this key belongs to no loop")),
        (None, Some(named)) => loops::resolve(tx, cx.tenant(), named)?,
        (Some(own), named) => {
            let own = loops::get(tx, cx.tenant(), own)?.ok_or(crate::access::AccessError::NoLoop)?;
            let same = match named {
                None => true,
                Some(named) => loops::resolve(tx, cx.tenant(), named)?.id == own.id,
            };
            if !same {
                return Err(TaskError::Party(Party::Buyer));
            }
            own
        }
    };
    if Effective::of(&loops::lineage(tx, cx.tenant(), buyer.id)?).suspended {
        return Err(crate::access::AccessError::Suspended.into());
    }
    Ok(buyer)
}

fn paid_for(tx: &mut dyn Tx, cx: &Ctx, id: &str, buyer: LoopId, seller: LoopId) -> Result<Contract, TaskError> {
    let contract = contract::get(tx, cx.tenant(), id)?.ok_or(TaskError::NoContract)?.value;
    if contract.buyer == buyer && contract.seller == seller { Ok(contract) } else { Err(TaskError::NoContract) }
}

/// A transaction and the proofs that name it, for its parties and the administrator.
///
/// # Errors
/// [`TaskError::NoTransaction`], storage failures.
pub fn get(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    viewer: Option<LoopId>,
    id: &str,
) -> Result<(Transaction, Vec<Proof>), TaskError> {
    let transaction = stored(tx, tenant, id)?.value;
    transaction.actor(viewer)?;
    let proofs = proofs(tx, tenant, transaction.id)?;
    Ok((transaction, proofs))
}

fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Transaction>, TaskError> {
    let id = TransactionId::parse(id).ok_or(TaskError::NoTransaction)?;
    Repo::new(tx, tenant).get(&id.to_string())?.ok_or(TaskError::NoTransaction)
}

fn proofs(tx: &mut dyn Tx, tenant: &TenantId, of: TransactionId) -> Result<Vec<Proof>, TaskError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("deal", of.to_string().into())],
        limit: PROOFS_SHOWN,
        ..RecordQuery::default()
    };
    let rows: Vec<Stored<Proof>> = Repo::new(tx, tenant).list(&query)?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}

/// Releases, refunds or disputes an amount.
///
/// Releasing a real amount settles the seller's proofs that name the transaction, if another owner paid. An
/// administrator who ends a dispute ends the contract's with it, and costs the side that loses trust.
///
/// # Errors
/// [`TaskError::NoTransaction`] for strangers too, [`TaskError::Party`] for the wrong side,
/// [`TaskError::Transition`] once it has ended; a dispute without a reason.
pub fn act(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &str,
    act: Act,
    reason: Option<(DisputeReason, Option<String>)>,
) -> Result<(Transaction, Vec<Proof>), TaskError> {
    let stored = stored(tx, cx.tenant(), id)?;
    let old = &stored.value;
    let actor = old.actor(cx.caller.loop_id)?;
    if cx.caller.sandboxed && old.kind == Deal::Real {
        return Err(TaskError::Sandboxed);
    }
    let status = old.status.after(act, actor).map_err(|refusal| match (refusal, act) {
        (Refusal::State, act) => TaskError::Transition { from: old.status.as_str(), to: target(act).as_str() },
        (Refusal::Actor, Act::Release) => TaskError::Party(Party::Buyer),
        (Refusal::Actor, _) => TaskError::Party(Party::Seller),
    })?;
    let mut new = Transaction { status, ..old.clone() };
    if act == Act::Dispute {
        let (reason, note) = reason.ok_or(TaskError::Invalid("`reason` is missing"))?;
        if note.as_ref().is_some_and(|note| note.is_empty() || note.chars().count() > MAX_NOTE) {
            return Err(TaskError::Length { field: "note", max: MAX_NOTE });
        }
        let opened_by = match actor {
            Actor::Party(party) => Some(party),
            Actor::Administrator => None,
        };
        // A deal is kept for good: nothing of a person stays in it.
        let note = note.map(|note| redact::text(&note).masked);
        new.dispute = Some(Dispute { reason, note, opened_by, opened_at: cx.now });
    } else {
        new.ended_at = Some(cx.now);
    }
    Repo::new(tx, cx.tenant()).update(&stored, &new, cx.now)?;
    let op = match act {
        Act::Release => "transaction.release",
        Act::Refund => "transaction.refund",
        Act::Dispute => "transaction.dispute",
    };
    write_down(tx, cx, op, &new)?;
    if actor == Actor::Administrator && old.status == TransactionStatus::Disputed {
        decide_dispute(tx, cx, &new, act)?;
    }
    if act == Act::Release {
        settle(tx, cx, &new)?;
    }
    let proofs = proofs(tx, cx.tenant(), new.id)?;
    Ok((new, proofs))
}

const fn target(act: Act) -> TransactionStatus {
    match act {
        Act::Release => TransactionStatus::Completed,
        Act::Refund => TransactionStatus::Cancelled,
        Act::Dispute => TransactionStatus::Disputed,
    }
}

/// The administrator's word in a dispute: the side that it goes against has lost it. Who gives in loses nothing.
fn decide_dispute(tx: &mut dyn Tx, cx: &Ctx, of: &Transaction, act: Act) -> Result<(), TaskError> {
    let (loser, state) = match act {
        Act::Release => (of.buyer, State::Completed),
        Act::Refund => (of.seller, State::Cancelled),
        Act::Dispute => return Ok(()),
    };
    if of.kind == Deal::Real {
        let reason = "a dispute was decided against the loop";
        trust::penalise(tx, cx, loser, EventKind::DisputeLost, &of.id.to_string(), reason)?;
    }
    let Some(id) = of.contract else { return Ok(()) };
    if let Some(stored) = contract::get(tx, cx.tenant(), &id.to_string())?
        && stored.value.state == State::Disputed
    {
        exchange::arbitrate(tx, cx, &stored, state)?;
    }
    Ok(())
}

/// Settles the seller's proofs. The buyer's own are not settled by the buyer's own word, and nobody's by a loop of the
/// same owner or by play.
fn settle(tx: &mut dyn Tx, cx: &Ctx, of: &Transaction) -> Result<(), TaskError> {
    if !settles(tx, cx.tenant(), of)? {
        return Ok(());
    }
    for proof in proofs(tx, cx.tenant(), of.id)? {
        if proof.loop_id == of.seller {
            let found = settlement(of, cx.now);
            trust::raise(tx, cx, &proof.id.to_string(), found)?;
        }
    }
    Ok(())
}

/// Whether a completed transaction settles what its seller delivered under it: money moved, and from another owner.
///
/// # Errors
/// Storage failures.
pub fn settles(tx: &mut dyn Tx, tenant: &TenantId, of: &Transaction) -> Result<bool, TaskError> {
    if of.kind != Deal::Real || of.status != TransactionStatus::Completed {
        return Ok(false);
    }
    let owner = |of: Option<Loop>| of.map(|of| of.owner_id);
    let buyer = owner(loops::get(tx, tenant, of.buyer)?);
    let seller = owner(loops::get(tx, tenant, of.seller)?);
    Ok(buyer.is_some() && seller.is_some() && buyer != seller)
}

/// What a completed transaction shows of the seller's proofs that name it.
#[must_use]
pub fn settlement(of: &Transaction, at: Time) -> Verification {
    let detail = json!({ "transactionId": of.id, "amountCents": of.amount_cents, "currency": of.currency });
    Verification {
        method: Method::Settlement,
        by: of.buyer.to_string(),
        at,
        ok: true,
        detail: detail.as_object().cloned(),
    }
}

fn write_down(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, of: &Transaction) -> Result<(), TaskError> {
    let body = json!({
        "transaction_id": of.id, "buyer": of.buyer, "seller": of.seller, "amount_cents": of.amount_cents,
        "currency": of.currency, "kind": of.kind, "status": of.status, "contract_id": of.contract,
        "reason": of.dispute.as_ref().map(|dispute| dispute.reason), "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}
