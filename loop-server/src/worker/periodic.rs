//! A step repeated for ever.

use std::{fmt::Display, future::Future, time::Duration};

use super::Stop;

/// What a step left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do until the next round.
    Idle,
    /// More of the same: the next step follows at once.
    More,
}

/// The longest pause after failures: so many pauses, but no longer than a minute unless the pause itself is.
const PAUSE_MAX: (u32, Duration) = (16, Duration::from_secs(60));

/// Runs `step` until the stop: at once, then every `pause`, without a pause while there is more. A failure is logged
/// and doubles the pause until a step succeeds.
pub async fn every<F, S, E>(name: &'static str, pause: Duration, mut stop: Stop, mut step: F)
where
    F: FnMut() -> S,
    S: Future<Output = Result<Step, E>>,
    E: Display,
{
    let longest = pause.saturating_mul(PAUSE_MAX.0).min(PAUSE_MAX.1).max(pause);
    let mut wait = pause;
    while !stop.is_asked() {
        match step().await {
            Ok(Step::More) => {
                wait = pause;
                // Others on this thread get their turn between chunks.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Step::Idle) => wait = pause,
            Err(error) => {
                wait = wait.saturating_mul(2).min(longest);
                tracing::warn!(target: "loop::worker", worker = name, %error, pause_ms = wait.as_millis(), "a worker's step failed");
            }
        }
        stop.sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use tokio::sync::mpsc;

    use super::{Step, every};
    use crate::worker::Workers;

    #[tokio::test]
    async fn failures_do_not_end_it_and_more_follows_at_once() {
        let mut workers = Workers::new();
        let (send, mut seen) = mpsc::unbounded_channel();
        workers.spawn("test", move |stop| {
            let (send, runs) = (send.clone(), Arc::new(AtomicU32::new(0)));
            every("test", Duration::from_millis(1), stop, move || {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                // The receiver may be gone when the test has seen enough.
                let _ = send.send(run);
                async move {
                    match run {
                        0 => Err("broken"),
                        1..=3 => Ok(Step::More),
                        _ => Ok(Step::Idle),
                    }
                }
            })
        });
        for run in 0..8 {
            assert_eq!(seen.recv().await, Some(run));
        }
        workers.stop(Duration::from_secs(60)).await;
    }
}
