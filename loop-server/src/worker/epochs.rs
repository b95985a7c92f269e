//! Policies that changed in another process on the same store: a command-line tool, another server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use loop_core::{engine::Engine, store::StoreError};

use super::{Step, Stop, every};

/// How often the store is asked.
pub const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the engine's policies current until the stop.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    let seen = AtomicU64::new(0);
    every("epochs", pause, stop, || async {
        let before = seen.load(Ordering::Relaxed);
        let after = engine.watch(before).await?;
        seen.store(after, Ordering::Relaxed);
        Ok::<_, StoreError>(if after > before { Step::More } else { Step::Idle })
    })
    .await;
}
