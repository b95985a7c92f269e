//! Calls of tools that never came to an end: failed, and their credits given back.

use std::time::Duration;

use loop_core::{engine::Engine, invoke::CallError};

use super::{Step, Stop, every};

/// How often calls whose time is over are looked for.
pub const PAUSE: Duration = Duration::from_secs(15);
/// How many are ended in one transaction.
const CHUNK: u32 = 100;

/// Ends abandoned calls until the stop.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    every("invocations", pause, stop, || async {
        let ended = engine.sweep_invocations(CHUNK).await?;
        Ok::<_, CallError>(if ended >= CHUNK { Step::More } else { Step::Idle })
    })
    .await;
}
