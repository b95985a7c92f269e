//! Deciding without recording.

use std::sync::Arc;

use super::Engine;
use crate::{
    access::Caller,
    policy::{Action, PolicySnapshot, Verdict, evaluate},
    store::StoreError,
};

/// A verdict and the policy that gave it.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The verdict.
    pub verdict: Verdict,
    /// The policy.
    pub policy: Arc<PolicySnapshot>,
}

impl Engine {
    /// Decides a call against the newest published policy, without a trace and without touching storage, when
    /// that policy is at hand.
    #[must_use]
    pub fn evaluate_at_hand(&self, caller: &Caller, action: &Action<'_>) -> Option<Evaluated> {
        let policy = self.policy_at_hand(&caller.tenant)?;
        let verdict = evaluate(&policy, action, self.now());
        Some(Evaluated { verdict, policy })
    }

    /// Decides a call without a trace, loading the policy first if it is not at hand.
    ///
    /// # Errors
    /// Storage failures; the call may then not be made.
    pub async fn evaluate(&self, caller: &Caller, action: &Action<'_>) -> Result<Evaluated, StoreError> {
        let policy = self.policy(&caller.tenant).await?;
        let verdict = evaluate(&policy, action, self.now());
        Ok(Evaluated { verdict, policy })
    }
}
