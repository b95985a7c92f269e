//! Sending a message: checked against its contract, delivered, and the contract moved, all in one transaction.

use serde_json::json;

use super::{
    TaskError,
    contract::{self, Contract, Misstep, Party, Standing, State},
};
use crate::{
    access::{Ctx, Effective, Loop, loops},
    audit::{self, Event},
    base::{
        Time,
        id::{ContractId, uuid_v7},
        secret::hex,
        signature::verifies,
    },
    message::{self, DEFAULT_SECONDS, Draft, Kind, MAX_SECONDS, Message, MessageError, NewMessage, Seen},
    store::{Repo, Stored, Tx},
    tool::redact,
    trust::{self, EventKind},
};

/// What came of a message.
#[derive(Debug, Clone)]
pub enum Sent {
    /// It was delivered.
    Now(Box<Message>, Box<Contract>),
    /// It had been delivered before; nothing was sent again.
    Before(Box<Message>, Box<Contract>),
    /// Its nonce was used before for something else. That is noted and costs trust; nothing was sent.
    Replayed,
    /// It is not signed by a registered key of its sender. That is noted and costs trust; nothing was sent.
    Forged,
    /// It acknowledges an outcome of the sender's own owner, or in play. That is noted with the proof; nothing was sent.
    NotAnother,
}

/// Sends a message on behalf of the caller's loop.
///
/// An `ACK` that names a proof acknowledges it ([`trust::acknowledge`]). A refusal that must leave a trace,
/// [`Sent::Replayed`], [`Sent::Forged`] or [`Sent::NotAnother`], is no error.
///
/// # Errors
/// [`TaskError`]. Then nothing was sent.
pub fn send(tx: &mut dyn Tx, cx: &Ctx, draft: &Draft) -> Result<Sent, TaskError> {
    let from = loops::lineage(tx, cx.tenant(), cx.caller.acting_loop()?)?;
    if Effective::of(&from).suspended {
        return Err(crate::access::AccessError::Suspended.into());
    }
    let from = from.into_iter().next().ok_or(crate::access::AccessError::NoLoop)?;
    let Some(signed_by) = signer(draft, &from)? else { return forged(tx, cx, draft, &from) };
    if let Some(sent) = sent_before(tx, cx, draft, &from)? {
        return Ok(sent);
    }
    let expires_at = expiry(cx.now, draft)?;
    let to = loops::resolve(tx, cx.tenant(), &draft.to)?;
    if to.id == from.id {
        return Err(TaskError::OwnDeal);
    }
    if Effective::of(&loops::lineage(tx, cx.tenant(), to.id)?).suspended {
        return Err(TaskError::OtherSuspended);
    }
    let letter = Letter { draft, from: &from, to: &to, signed_by, expires_at };
    if draft.kind == Kind::TaskRequest { open(tx, cx, letter) } else { step(tx, cx, letter) }
}

/// What is sent, by whom and to whom.
#[derive(Clone, Copy)]
struct Letter<'a> {
    draft: &'a Draft,
    from: &'a Loop,
    to: &'a Loop,
    /// The sender's key that signed it.
    signed_by: Option<&'a str>,
    expires_at: Time,
}

/// The sender's registered key that signed what is sent: `Some(None)` when nothing is signed, `None` when no key did.
fn signer<'a>(draft: &Draft, from: &'a Loop) -> Result<Option<Option<&'a str>>, TaskError> {
    let Some(signed) = &draft.signed else { return Ok(Some(None)) };
    if from.signing_keys.is_empty() {
        return Err(MessageError::NoSigningKey.into());
    }
    let mut keys = from.signing_keys.iter().map(|key| key.public_key.as_str());
    Ok(keys.find(|key| verifies(key, signed.canonical.as_bytes(), &signed.signature)).map(Some))
}

fn forged(tx: &mut dyn Tx, cx: &Ctx, draft: &Draft, from: &Loop) -> Result<Sent, TaskError> {
    let body = json!({ "loop_id": from.id, "type": draft.kind });
    audit::append(tx, cx, &Event::change("aap.forge", &body.to_string()))?;
    let reason = "a message was signed by no registered key of its sender";
    trust::penalise(tx, cx, from.id, EventKind::UnauthorizedAttempt, &from.id.to_string(), reason)?;
    Ok(Sent::Forged)
}

/// Finds what the sender sent before under the same id or nonce.
fn sent_before(tx: &mut dyn Tx, cx: &Ctx, draft: &Draft, from: &Loop) -> Result<Option<Sent>, TaskError> {
    let digest = hex(&draft.digest);
    if let Some(id) = &draft.client_id
        && let Some(old) = message::of_client(tx, cx.tenant(), from.id, id)?
    {
        // Of what was erased nobody can tell whether it was the same.
        let same = old.digest == digest && !old.erased;
        return if same { before(tx, cx, old).map(Some) } else { Err(TaskError::IdTaken) };
    }
    let Some(nonce) = &draft.nonce else { return Ok(None) };
    let Some(old) = message::of_nonce(tx, cx.tenant(), from.id, nonce)? else { return Ok(None) };
    if old.erased {
        return Err(TaskError::IdTaken);
    }
    if old.digest == digest {
        return before(tx, cx, old).map(Some);
    }
    let body = json!({ "loop_id": from.id, "message_id": old.id, "type": draft.kind });
    audit::append(tx, cx, &Event::change("aap.replay", &body.to_string()))?;
    let reason = "a nonce was used again for another message";
    trust::penalise(tx, cx, from.id, EventKind::ReplayAttempt, &old.id.to_string(), reason)?;
    Ok(Some(Sent::Replayed))
}

fn before(tx: &mut dyn Tx, cx: &Ctx, old: Message) -> Result<Sent, TaskError> {
    let contract = contract::get(tx, cx.tenant(), &old.contract_id.to_string())?.ok_or(TaskError::NoContract)?;
    Ok(Sent::Before(Box::new(old), Box::new(contract.value)))
}

fn expiry(now: Time, draft: &Draft) -> Result<Time, TaskError> {
    let Some(at) = draft.expires_at else { return Ok(now.plus_seconds(DEFAULT_SECONDS)) };
    if at <= now {
        return Err(MessageError::Expired.into());
    }
    if at > now.plus_seconds(MAX_SECONDS) {
        return Err(TaskError::Invalid("`expiresAt` must lie within 30 days"));
    }
    Ok(at)
}

/// Opens a contract: its sender is the buyer.
fn open(tx: &mut dyn Tx, cx: &Ctx, letter: Letter<'_>) -> Result<Sent, TaskError> {
    let Letter { draft, from, to, signed_by, expires_at } = letter;
    let correlation_id = match &draft.correlation_id {
        None => format!("corr_{}", uuid_v7(cx.now, &mut cx.seed()).simple()),
        Some(id) => {
            // A thread is between two loops: its name tells strangers nothing and lets nobody in.
            let pair = |first: &Message| [(from.id, to.id), (to.id, from.id)].contains(&(first.from, first.to));
            if message::in_thread(tx, cx.tenant(), id)?.is_some_and(|first| !pair(&first)) {
                return Err(TaskError::ThreadTaken);
            }
            id.clone()
        }
    };
    let replied = replied(tx, cx, draft, from, &correlation_id)?;
    let contract_id = ContractId::draw(cx.now, &mut cx.seed());
    let new = NewMessage {
        draft,
        from,
        to,
        correlation_id: &correlation_id,
        contract_id,
        in_reply_to: replied.as_ref().map(|message| message.id),
        expires_at,
        signed_by,
    };
    let message = message::deliver(tx, cx, new)?;
    if let Some(replied) = replied {
        message::see(tx, cx, replied.id, Seen::Answered(draft.kind))?;
    }
    let contract = Contract {
        id: contract_id,
        buyer: from.id,
        seller: to.id,
        correlation_id,
        // Contracts outlive what was said.
        task: draft.task.as_deref().map(|task| redact::text(task).masked).unwrap_or_default(),
        state: State::Requested,
        standing: Standing { message: message.id, by: Party::Buyer, expires_at },
        amount_cents: None,
        currency: None,
        simulated: cx.caller.sandboxed,
        created_at: cx.now,
        updated_at: cx.now,
    };
    Repo::new(tx, cx.tenant()).insert(&contract, cx.now)?;
    audit::tag(tx, cx, expires_at, &contract_id.to_string(), &draft.subjects)?;
    write_down(tx, cx, &message, None, contract.state)?;
    Ok(Sent::Now(Box::new(message), Box::new(contract)))
}

/// Moves a contract by a message of one of its parties.
fn step(tx: &mut dyn Tx, cx: &Ctx, letter: Letter<'_>) -> Result<Sent, TaskError> {
    let Letter { draft, from, to, signed_by, expires_at } = letter;
    let id = draft.contract_id.as_deref().unwrap_or_default();
    let stored = contract::get(tx, cx.tenant(), id)?.ok_or(TaskError::NoContract)?;
    let old = &stored.value;
    let side = old.side(from.id).ok_or(TaskError::NoContract)?;
    if old.side(to.id).is_none() {
        return Err(TaskError::Invalid("`to` must be the other party of the contract"));
    }
    if draft.correlation_id.as_ref().is_some_and(|id| *id != old.correlation_id) {
        return Err(TaskError::Invalid("`correlationId` must be the contract's"));
    }
    if cx.caller.sandboxed && !old.simulated {
        return Err(TaskError::Sandboxed);
    }
    let state = old.state.after(draft.kind, side).map_err(|misstep| match misstep {
        Misstep::State => TaskError::Misstep { state: old.state, kind: draft.kind },
        Misstep::Party(party) => TaskError::Party(party),
    })?;
    // What has lapsed can be turned down or withdrawn, and nothing else.
    let takes_up = matches!(draft.kind, Kind::TaskOffer | Kind::CounterOffer | Kind::TaskAccept);
    if takes_up && old.lapsed(cx.now) {
        return Err(TaskError::Expired);
    }
    if draft.kind == Kind::PaymentConfirm && (draft.amount_cents != old.amount_cents || other_currency(draft, old)) {
        return Err(TaskError::Invalid("`amountCents` and `currency` must be those that were asked for"));
    }
    let explicit = replied(tx, cx, draft, from, &old.correlation_id)?.map(|message| message.id);
    let answers = explicit.or_else(|| (old.standing.by != side).then_some(old.standing.message));
    if let Some(proof) = draft.proof_id.as_ref().filter(|_| draft.kind == Kind::Ack)
        && !trust::acknowledge(tx, cx, proof)?.1
    {
        return Ok(Sent::NotAnother);
    }
    let new = NewMessage {
        draft,
        from,
        to,
        correlation_id: &old.correlation_id,
        contract_id: old.id,
        in_reply_to: answers,
        expires_at,
        signed_by,
    };
    let message = message::deliver(tx, cx, new)?;
    if let Some(answered) = answers {
        message::see(tx, cx, answered, Seen::Answered(draft.kind))?;
    }
    if draft.kind == Kind::Ack {
        write_down(tx, cx, &message, Some(old.state), state)?;
        return Ok(Sent::Now(Box::new(message), Box::new(stored.value)));
    }
    let mut contract = Contract {
        state,
        standing: Standing { message: message.id, by: side, expires_at },
        updated_at: cx.now,
        ..old.clone()
    };
    if draft.kind == Kind::PaymentRequest {
        contract.amount_cents = draft.amount_cents;
        contract.currency.clone_from(&draft.currency);
    }
    Repo::new(tx, cx.tenant()).update(&stored, &contract, cx.now)?;
    write_down(tx, cx, &message, Some(old.state), state)?;
    Ok(Sent::Now(Box::new(message), Box::new(contract)))
}

fn other_currency(draft: &Draft, contract: &Contract) -> bool {
    match (&draft.currency, &contract.currency) {
        (Some(said), Some(asked)) => said != asked,
        _ => false,
    }
}

/// The message that is answered by name: one that the sender received, in the same thread.
fn replied(
    tx: &mut dyn Tx,
    cx: &Ctx,
    draft: &Draft,
    from: &Loop,
    correlation_id: &str,
) -> Result<Option<Message>, TaskError> {
    let Some(id) = &draft.in_reply_to else { return Ok(None) };
    let message = message::get(tx, cx.tenant(), id)?;
    if message.to != from.id || message.correlation_id != correlation_id {
        return Err(MessageError::NotFound.into());
    }
    Ok(Some(message))
}

fn write_down(tx: &mut dyn Tx, cx: &Ctx, message: &Message, old: Option<State>, new: State) -> Result<(), TaskError> {
    // What was said stays between the two: the log tells that it was said, and what came of it.
    let body = json!({
        "message_id": message.id, "type": message.kind, "from": message.from, "to": message.to,
        "contract_id": message.contract_id, "state": new, "before": old, "digest": message.salted_digest(),
        "simulated": message.simulated, "signed_by": message.signed_by,
    });
    audit::append(tx, cx, &Event::change("aap.send", &body.to_string()))?;
    Ok(())
}

/// Ends a disputed contract by an administrator's word.
pub(super) fn arbitrate(tx: &mut dyn Tx, cx: &Ctx, stored: &Stored<Contract>, state: State) -> Result<(), TaskError> {
    let contract = Contract { state, updated_at: cx.now, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(stored, &contract, cx.now)?;
    let body = json!({ "contract_id": contract.id, "state": state, "before": stored.value.state });
    audit::append(tx, cx, &Event::change("contract.arbitrate", &body.to_string()))?;
    Ok(())
}
