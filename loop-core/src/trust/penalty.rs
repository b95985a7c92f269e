//! What misconduct costs, as the tenant sets it.

use serde_json::json;

use super::{
    TrustError,
    event::{self, Event, EventKind, NewEvent},
};
use crate::{
    access::Ctx,
    audit,
    base::{TenantId, id::LoopId},
    store::{Entity, Repo, StoreError, Stored, Table, Tx, Value},
};

/// The penalties of a tenant, each from -100 to 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", default)]
pub struct Penalties {
    /// A real execution failed.
    pub execution_failed: i16,
    /// The loop tried what it may not.
    pub unauthorized_attempt: i16,
    /// The loop sent again what it had sent before, changed.
    pub replay_attempt: i16,
    /// The loop broke the policy.
    pub policy_violation: i16,
    /// Abuse was confirmed.
    pub abuse_confirmed: i16,
    /// A dispute ended against the loop.
    pub dispute_lost: i16,
}

impl Default for Penalties {
    fn default() -> Self {
        Self {
            execution_failed: -2,
            unauthorized_attempt: -2,
            replay_attempt: -2,
            policy_violation: -2,
            abuse_confirmed: -10,
            dispute_lost: -5,
        }
    }
}

impl Penalties {
    /// What an event of this kind costs; 0 for those that are no misconduct.
    #[must_use]
    pub const fn of(&self, kind: EventKind) -> i16 {
        match kind {
            EventKind::ProofVerified | EventKind::OutcomeReversed => 0,
            EventKind::ExecutionFailed => self.execution_failed,
            EventKind::UnauthorizedAttempt => self.unauthorized_attempt,
            EventKind::ReplayAttempt => self.replay_attempt,
            EventKind::PolicyViolation => self.policy_violation,
            EventKind::AbuseConfirmed => self.abuse_confirmed,
            EventKind::DisputeLost => self.dispute_lost,
        }
    }
}

/// Where penalties are kept: one record for each tenant that changed them.
pub static PENALTIES: Table = Table { name: "trust_penalties", columns: &[] };
/// The id of that record.
const ONLY: &str = "penalties";

impl Entity for Penalties {
    const TABLE: &'static Table = &PENALTIES;

    fn id(&self) -> String {
        ONLY.to_owned()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// The tenant's penalties.
///
/// # Errors
/// Storage failures.
pub fn penalties(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Penalties, StoreError> {
    let stored: Option<Stored<Penalties>> = Repo::new(tx, tenant).get(ONLY)?;
    Ok(stored.map(|stored| stored.value).unwrap_or_default())
}

/// Sets the tenant's penalties.
///
/// # Errors
/// A penalty that is none, storage failures.
pub fn set_penalties(tx: &mut dyn Tx, cx: &Ctx, new: &Penalties) -> Result<(), TrustError> {
    for kind in EventKind::ALL {
        if !(-100..=0).contains(&new.of(kind)) {
            return Err(TrustError::Penalty(kind.as_str()));
        }
    }
    let stored: Option<Stored<Penalties>> = Repo::new(tx, cx.tenant()).get(ONLY)?;
    match &stored {
        Some(stored) => Repo::new(tx, cx.tenant()).update(stored, new, cx.now)?,
        None => Repo::new(tx, cx.tenant()).insert(new, cx.now)?,
    }
    let body = json!({ "penalties": new }).to_string();
    audit::append(tx, cx, &audit::Event::change("trust.penalties", &body))?;
    Ok(())
}

/// Takes from a loop what this kind of misconduct costs.
///
/// # Errors
/// Storage failures.
pub fn penalise(
    tx: &mut dyn Tx,
    cx: &Ctx,
    loop_id: LoopId,
    kind: EventKind,
    reference: &str,
    reason: &str,
) -> Result<Event, TrustError> {
    let delta = penalties(tx, cx.tenant())?.of(kind);
    event::record(tx, cx, &NewEvent { loop_id, kind, delta, proof: None, reference, reason })
}
