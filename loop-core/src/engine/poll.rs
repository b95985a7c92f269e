//! How an approval ended, for clients that hold only its id.

use super::{DecideError, Engine};
use crate::{
    access::Caller,
    approval::{self, Polled},
    audit::{self, Event, Status},
    store::{Access, Lane, StoreExt, Tx},
};

impl Engine {
    /// Answers how an approval ended. An answer that allows uses the approval up and is recorded.
    ///
    /// # Errors
    /// An unknown approval, a revoked key, storage failures.
    pub async fn poll(&self, caller: &Caller, id: &str) -> Result<Polled, DecideError> {
        for _ in 0..16 {
            let snapshot = self.policy(&caller.tenant).await?;
            let cx = self.context(caller.clone())?;
            let id = id.to_owned();
            let inner = std::sync::Arc::clone(&self.inner);
            let work = move |tx: &mut dyn Tx| {
                cx.caller.recheck(tx, cx.now)?;
                let epoch = tx.epoch(cx.tenant())?;
                if epoch != snapshot.epoch() {
                    inner.policies.require(cx.tenant(), epoch);
                    return Err(DecideError::Moved);
                }
                let polled = approval::poll(tx, &cx, &id, snapshot.hash())?;
                if let Polled::Allowed { approval, first: true } = &polled {
                    let body = serde_json::json!({
                        "arguments": serde_json::from_str::<serde_json::Value>(&approval.arguments).unwrap_or_default(),
                        "message": "Approved by a human",
                        "approval_id": approval.id,
                        "door": "enforce.status",
                        "key": cx.caller.name,
                        "policy_hash": snapshot.hash(),
                    });
                    let event = Event {
                        stream: audit::DECISIONS,
                        op: audit::DECISION,
                        status: Some(Status::Allowed),
                        tool_name: Some(&approval.tool_name),
                        agent_name: approval.agent_name.as_deref(),
                        risk: Some(approval.risk),
                        body: &body.to_string(),
                    };
                    audit::append(tx, &cx, &event)?;
                    audit::record_stats(tx, cx.tenant(), cx.now, Status::Allowed, approval.risk, 0, 0)?;
                }
                Ok(polled)
            };
            match self
                .inner
                .store
                .run_job("approval.poll", Access::Write, Lane::Decision, work, |outcome| outcome)
                .await
            {
                Err(DecideError::Moved) => {}
                settled => return settled,
            }
        }
        Err(DecideError::Moved)
    }
}
