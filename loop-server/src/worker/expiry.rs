//! Approvals that nobody decided: denied, and the approvers told.

use std::time::Duration;

use loop_core::{
    access::AccessError,
    approval::{self, ApprovalError},
    engine::Engine,
    store::{Lane, StoreExt},
};

use super::{Step, Stop, Wake, every};

/// How often overdue approvals are looked for. A decision or a retry that comes earlier finds out by itself.
pub const PAUSE: Duration = Duration::from_secs(10);
/// How many are ended in one transaction.
const CHUNK: u32 = 100;

/// Ends overdue approvals until the stop.
pub async fn run(engine: Engine, wake: Wake, pause: Duration, stop: Stop) {
    every("expiry", pause, stop, || async {
        let (now, seed) = (engine.now(), engine.seed().map_err(AccessError::from)?);
        let ended: u32 = engine
            .store()
            .transact("approval.expire", Lane::Normal, move |tx| {
                approval::expire_due(tx, now, CHUNK, &mut seed.clone())
            })
            .await?;
        if ended > 0 {
            wake.ring();
        }
        Ok::<_, ApprovalError>(if ended >= CHUNK { Step::More } else { Step::Idle })
    })
    .await;
}
