//! Deciding without recording.

use std::sync::Arc;

use super::{Call, DecideError, Engine, hearing::Hearing};
use crate::{
    access::{AccessError, Caller},
    base::id::LoopId,
    policy::{Action, Explained, PolicySnapshot, Stage, Verdict, evaluate, explain},
};

/// A verdict and the policy that gave it.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The verdict.
    pub verdict: Verdict,
    /// Why its rules matched.
    pub explained: Explained,
    /// The policy.
    pub policy: Arc<PolicySnapshot>,
    /// The trust that counted, where a loop acts: the least of it and the loops above it.
    pub trust: Option<u8>,
}

impl Engine {
    /// Decides a call against the newest published policy, without a trace and without touching storage; `None`
    /// when something that it takes is not at hand, or a model is to be asked. The caller completes the stage: without a loop named there it
    /// is the caller's own, a sandboxed key simulates, and its trust is looked up here.
    ///
    /// # Errors
    /// A named loop that does not exist, or that the caller may not act for.
    pub fn evaluate_at_hand(&self, caller: &Caller, action: &Action<'_>) -> Option<Result<Evaluated, AccessError>> {
        self.by_policy(caller, action).filter(|evaluated| {
            !evaluated.as_ref().is_ok_and(|evaluated| self.is_open(&Hearing::default(), &evaluated.verdict))
        })
    }

    /// What the policy alone says.
    fn by_policy(&self, caller: &Caller, action: &Action<'_>) -> Option<Result<Evaluated, AccessError>> {
        let policy = self.policy_at_hand(&caller.tenant)?;
        let now = self.now();
        let Some(stage) = action.stage else {
            let verdict = evaluate(&policy, action, now);
            let explained = explain(&policy, action, &verdict, now);
            return Some(Ok(Evaluated { verdict, explained, policy, trust: None }));
        };
        let (stage, line) = match staged(&policy, caller, stage) {
            Ok(staged) => staged,
            Err(error) => return Some(Err(error)),
        };
        let trust = match stage.loop_id {
            // Of a loop that is not known nothing is allowed, whatever its trust.
            Some(_) if line.is_empty() => Some(0),
            Some(_) => Some(self.trust_at_hand(line.iter().copied())?),
            None => None,
        };
        let stage = Stage { trust: trust.unwrap_or(0), ..stage };
        let action = Action { stage: Some(stage), ..*action };
        let verdict = evaluate(&policy, &action, now);
        let explained = explain(&policy, &action, &verdict, now);
        Some(Ok(Evaluated { verdict, explained, policy, trust }))
    }

    /// Decides a call without a trace, fetching what is not at hand.
    ///
    /// # Errors
    /// As with [`Self::evaluate_at_hand`], and storage failures; the call may then not be made.
    pub async fn evaluate(&self, caller: &Caller, action: &Action<'_>) -> Result<Evaluated, DecideError> {
        const ATTEMPTS: usize = 5;
        let mut hearing = Hearing::default();
        for _ in 0..ATTEMPTS {
            let policy = self.policy(&caller.tenant).await?;
            if let Some(stage) = action.stage {
                let (_, line) = staged(&policy, caller, stage)?;
                self.trust(&caller.tenant, line).await?;
            }
            let Some(evaluated) = self.by_policy(caller, action) else { continue };
            let mut evaluated = evaluated?;
            let cx = self.context(caller.clone())?;
            if self.is_open(&hearing, &evaluated.verdict) {
                let call = Call { action: *action, reason: None, session: None, door: "evaluate" };
                let opened = self.opened(&cx, &call, &evaluated.policy, &evaluated.verdict);
                Box::pin(self.hear(&mut hearing, cx, Vec::from_iter(opened))).await?;
                continue;
            }
            self.harden(&hearing, &cx, &evaluated.policy, action, &mut evaluated.verdict);
            return Ok(evaluated);
        }
        Err(DecideError::Moved)
    }
}

/// Fills in what the caller's key says of the stage, and answers the line of the loop that acts, itself first: empty
/// where no loop does, or nothing is known of it.
fn staged<'a, 'p>(
    policy: &'p PolicySnapshot,
    caller: &Caller,
    stage: Stage<'a>,
) -> Result<(Stage<'a>, &'p [LoopId]), AccessError> {
    let loop_id = stage.loop_id.or(caller.loop_id);
    let line = loop_id.and_then(|id| policy.loops().lineage(id)).unwrap_or_default();
    if stage.loop_id.is_some() {
        if line.is_empty() {
            return Err(AccessError::NoLoop);
        }
        if caller.loop_id.is_some_and(|own| !line.contains(&own)) {
            return Err(AccessError::Foreign);
        }
    }
    Ok((Stage { loop_id, sandboxed: stage.sandboxed || caller.sandboxed, ..stage }, line))
}

#[cfg(test)]
mod tests;
