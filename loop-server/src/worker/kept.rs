//! Completions that were kept for an approval that did not come in time: removed.

use std::time::Duration;

use loop_core::engine::{DecideError, Engine};

use super::{Step, Stop, every};

/// How often completions whose time is over are looked for. They are handed on no more once it is.
pub const PAUSE: Duration = Duration::from_secs(60);
/// How many are removed in one transaction.
const CHUNK: u32 = 50;

/// Removes completions whose time is over until the stop.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    every("kept", pause, stop, || async {
        let swept = engine.sweep_kept(CHUNK).await?;
        Ok::<_, DecideError>(if swept >= CHUNK { Step::More } else { Step::Idle })
    })
    .await;
}
