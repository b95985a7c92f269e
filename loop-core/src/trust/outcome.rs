//! What an outcome has paid.

use super::{
    TrustError,
    event::{self, Event, EventKind, NewEvent},
};
use crate::{
    access::Ctx,
    base::{
        TenantId,
        id::{LoopId, ProofId, TransactionId},
    },
    proof::Level,
    store::{Entity, Repo, StoreError, Stored, Table, Tx, Value},
};

/// An outcome that paid trust: an invocation, a task or a transaction, by its id.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outcome {
    /// The id of what came out.
    pub subject: String,
    /// Whose outcome it is.
    pub loop_id: LoopId,
    /// The highest level at which it was paid for.
    pub level: Level,
    /// What was paid for it in all.
    pub paid: i16,
    /// For a transaction: the outcome that it settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
}

/// Where outcomes are kept.
pub static OUTCOMES: Table = Table { name: "outcomes", columns: &[] };

impl Entity for Outcome {
    const TABLE: &'static Table = &OUTCOMES;

    fn id(&self) -> String {
        self.subject.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// What an outcome has paid; `None` when nothing yet.
///
/// # Errors
/// Storage failures.
pub fn paid(tx: &mut dyn Tx, tenant: &TenantId, subject: &str) -> Result<Option<Outcome>, StoreError> {
    let stored: Option<Stored<Outcome>> = Repo::new(tx, tenant).get(subject)?;
    Ok(stored.map(|stored| stored.value))
}

/// Pays for an outcome that is proved to `level`: once at its highest level, so that an upgrade pays the difference.
/// `None` when that level was paid for before.
///
/// # Errors
/// Storage failures.
pub fn reward(
    tx: &mut dyn Tx,
    cx: &Ctx,
    subject: &str,
    loop_id: LoopId,
    proof: ProofId,
    level: Level,
) -> Result<Option<Event>, TrustError> {
    let stored: Option<Stored<Outcome>> = Repo::new(tx, cx.tenant()).get(subject)?;
    let before = stored.as_ref().map_or(Level::V0, |stored| stored.value.level);
    // An outcome is one loop's: nobody is paid for another's.
    if level <= before || stored.as_ref().is_some_and(|stored| stored.value.loop_id != loop_id) {
        return Ok(None);
    }
    let delta = level.worth().saturating_sub(before.worth());
    let paid = stored.as_ref().map_or(0, |stored| stored.value.paid).saturating_add(delta);
    let outcome = Outcome { subject: subject.to_owned(), loop_id, level, paid, settled: None };
    match &stored {
        Some(stored) => Repo::new(tx, cx.tenant()).update(stored, &outcome, cx.now)?,
        None => Repo::new(tx, cx.tenant()).insert(&outcome, cx.now)?,
    }
    let reason = format!("an outcome was proved to {}", level.as_str());
    let new = NewEvent {
        loop_id,
        kind: EventKind::ProofVerified,
        delta,
        proof: Some((proof, level)),
        reference: subject,
        reason: &reason,
    };
    event::record(tx, cx, &new).map(Some)
}

/// Whether a transaction pays for the settlement of this outcome: it pays for one, the first, however many proofs name
/// it.
///
/// # Errors
/// Storage failures.
pub fn settles(
    tx: &mut dyn Tx,
    cx: &Ctx,
    transaction: TransactionId,
    subject: &str,
    loop_id: LoopId,
) -> Result<bool, StoreError> {
    if let Some(known) = paid(tx, cx.tenant(), &transaction.to_string())? {
        return Ok(known.settled.as_deref() == Some(subject));
    }
    let spent = Outcome {
        subject: transaction.to_string(),
        loop_id,
        level: Level::V5,
        paid: 0,
        settled: Some(subject.to_owned()),
    };
    Repo::new(tx, cx.tenant()).insert(&spent, cx.now)?;
    Ok(true)
}

/// Takes back what an outcome paid. It can never pay again. `None` when there is nothing to take back.
///
/// # Errors
/// Storage failures.
pub fn reverse(tx: &mut dyn Tx, cx: &Ctx, subject: &str, reason: &str) -> Result<Option<Event>, TrustError> {
    let stored: Option<Stored<Outcome>> = Repo::new(tx, cx.tenant()).get(subject)?;
    let Some(stored) = stored.filter(|stored| stored.value.paid > 0) else { return Ok(None) };
    let outcome = Outcome { level: Level::V5, paid: 0, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(&stored, &outcome, cx.now)?;
    let new = NewEvent {
        loop_id: outcome.loop_id,
        kind: EventKind::OutcomeReversed,
        delta: stored.value.paid.saturating_neg(),
        proof: None,
        reference: subject,
        reason,
    };
    event::record(tx, cx, &new).map(Some)
}
