//! What moved a score.

use serde_json::json;

use super::{
    TrustError,
    score::{START, step},
};
use crate::{
    access::{Ctx, Note},
    audit,
    base::{
        TenantId, Time,
        id::{LoopId, ProofId, TrustEventId},
    },
    proof::Level,
    store::{Column, Entry, Journal, JournalQuery, Kind, NewEntry, Order, StoreError, Tx, Value},
};

/// The trust events of a loop: stream = its id. The head's `score` is the loop's score, so it is read at once however
/// many events there are.
pub static TRUST: Journal = Journal {
    name: "trust",
    columns: &[
        Column::plain("kind", Kind::Text),
        Column::plain("delta", Kind::Int),
        Column::plain("previous", Kind::Int),
        Column::plain("score", Kind::Int),
    ],
};

/// Why a score moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An outcome was proved, or proved further.
    ProofVerified,
    /// A real execution failed.
    ExecutionFailed,
    /// The loop tried what it may not.
    UnauthorizedAttempt,
    /// The loop sent again what it had sent before, changed.
    ReplayAttempt,
    /// The loop broke the policy.
    PolicyViolation,
    /// Abuse was confirmed.
    AbuseConfirmed,
    /// A dispute ended against the loop.
    DisputeLost,
    /// An outcome that had paid was reversed.
    OutcomeReversed,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ProofVerified,
        Self::ExecutionFailed,
        Self::UnauthorizedAttempt,
        Self::ReplayAttempt,
        Self::PolicyViolation,
        Self::AbuseConfirmed,
        Self::DisputeLost,
        Self::OutcomeReversed,
    ];

    /// The spelling in storage and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProofVerified => "proof_verified",
            Self::ExecutionFailed => "execution_failed",
            Self::UnauthorizedAttempt => "unauthorized_attempt",
            Self::ReplayAttempt => "replay_attempt",
            Self::PolicyViolation => "policy_violation",
            Self::AbuseConfirmed => "abuse_confirmed",
            Self::DisputeLost => "dispute_lost",
            Self::OutcomeReversed => "outcome_reversed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An event to record.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// Whose score moves.
    pub loop_id: LoopId,
    /// Why.
    pub kind: EventKind,
    /// By how much, before the clamp.
    pub delta: i16,
    /// The proof behind it and the level it reached.
    pub proof: Option<(ProofId, Level)>,
    /// What it refers to: the id of an invocation, a task, a message, a transaction.
    pub reference: &'a str,
    /// For people; masked already.
    pub reason: &'a str,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the loop's journal, from 1.
    pub seq: u64,
    /// Its id.
    pub id: TrustEventId,
    /// Whose score moved.
    pub loop_id: LoopId,
    /// Why.
    pub kind: EventKind,
    /// By how much, before the clamp.
    pub delta: i16,
    /// The score before.
    pub previous: u8,
    /// The score after.
    pub score: u8,
    /// The proof behind it.
    pub proof: Option<ProofId>,
    /// The level that proof reached.
    pub level: Option<Level>,
    /// What it refers to.
    pub reference: String,
    /// For people.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// What of an event is no column.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    id: TrustEventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<ProofId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    reference: String,
    reason: String,
}

/// A score and how many events made it, so that of two the later is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The score, 0 to 100.
    pub score: u8,
    /// How many events there were.
    pub events: u64,
}

/// Where a loop stands. A loop without events is at [`START`].
///
/// # Errors
/// Storage failures, a damaged head among them.
pub fn standing(tx: &mut dyn Tx, tenant: &TenantId, loop_id: LoopId) -> Result<Standing, StoreError> {
    let Some(head) = tx.head(&TRUST, tenant, &loop_id.to_string())? else {
        return Ok(Standing { score: START, events: 0 });
    };
    let score = head.columns.get(3).and_then(Value::as_int).and_then(|score| u8::try_from(score).ok());
    let score = score.filter(|score| *score <= 100).ok_or_else(|| damaged(loop_id, head.seq))?;
    Ok(Standing { score, events: head.seq })
}

/// A loop's score.
///
/// # Errors
/// As [`standing`].
pub fn score(tx: &mut dyn Tx, tenant: &TenantId, loop_id: LoopId) -> Result<u8, StoreError> {
    standing(tx, tenant, loop_id).map(|standing| standing.score)
}

/// Records an event and moves the score.
///
/// # Errors
/// Storage failures.
pub fn record(tx: &mut dyn Tx, cx: &Ctx, new: &NewEvent<'_>) -> Result<Event, TrustError> {
    let Standing { score: previous, events } = standing(tx, cx.tenant(), new.loop_id)?;
    let score = step(previous, new.delta);
    let event = Event {
        seq: events.saturating_add(1),
        id: TrustEventId::draw(cx.now, &mut cx.seed()),
        loop_id: new.loop_id,
        kind: new.kind,
        delta: new.delta,
        previous,
        score,
        proof: new.proof.map(|(id, _)| id),
        level: new.proof.map(|(_, level)| level),
        reference: new.reference.to_owned(),
        reason: new.reason.to_owned(),
        at: cx.now,
    };
    let body = Body {
        id: event.id,
        proof: event.proof,
        level: event.level,
        reference: event.reference.clone(),
        reason: event.reason.clone(),
    };
    let body = serde_json::to_string(&body).map_err(|error| StoreError::Internal(error.to_string()))?;
    let columns = [
        event.kind.as_str().into(),
        i64::from(event.delta).into(),
        i64::from(previous).into(),
        i64::from(score).into(),
    ];
    let entry = NewEntry { seq: event.seq, at: cx.now, columns: columns.into(), body: &body };
    tx.append(&TRUST, cx.tenant(), &new.loop_id.to_string(), &entry)?;
    let change = json!({
        "event_id": event.id, "loop_id": event.loop_id, "type": event.kind, "delta": event.delta,
        "previous": previous, "score": score, "proof_id": event.proof, "reference": event.reference,
    });
    audit::append(tx, cx, &audit::Event::change("trust.move", &change.to_string()))?;
    cx.note(Note::Trust { loop_id: event.loop_id, score, events: event.seq });
    Ok(event)
}

/// A loop's events, newest first, `limit` at most, those numbered below `below` when it is given.
///
/// # Errors
/// Storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    loop_id: LoopId,
    below: Option<u64>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let query = JournalQuery { below, order: Order::Descending, limit, ..JournalQuery::default() };
    let entries = tx.scan(&TRUST, tenant, &loop_id.to_string(), &query)?;
    entries.into_iter().map(|entry| read(loop_id, entry)).collect()
}

fn read(loop_id: LoopId, entry: Entry) -> Result<Event, StoreError> {
    let whole = || damaged(loop_id, entry.seq);
    let number = |at: usize| entry.columns.get(at).and_then(Value::as_int);
    let kind = entry.columns.first().and_then(Value::as_text).and_then(EventKind::parse).ok_or_else(whole)?;
    let body: Body = serde_json::from_str(entry.body.as_deref().ok_or_else(whole)?).map_err(|_| whole())?;
    Ok(Event {
        seq: entry.seq,
        id: body.id,
        loop_id,
        kind,
        delta: number(1).and_then(|delta| delta.try_into().ok()).ok_or_else(whole)?,
        previous: number(2).and_then(|score| score.try_into().ok()).ok_or_else(whole)?,
        score: number(3).and_then(|score| score.try_into().ok()).ok_or_else(whole)?,
        proof: body.proof,
        level: body.level,
        reference: body.reference,
        reason: body.reason,
        at: entry.at,
    })
}

fn damaged(loop_id: LoopId, seq: u64) -> StoreError {
    StoreError::Corrupt(format!("`trust.{loop_id}.{seq}` has no score"))
}
