//! Starting, restarting and stopping workers.

use std::{future::Future, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// The first and the longest pause before a worker that died is started again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// A worker that lived so long starts again with the first pause.
const HEALTHY: Duration = Duration::from_secs(60);

/// Tells a worker to come to an end.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        // A supervisor that is gone asks for the end as well.
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until the end is asked for.
    pub async fn asked(&mut self) {
        // An error means that the supervisor is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Sleeps for `pause`; `false`, at once, when the end is asked for.
    pub async fn sleep(&mut self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.asked()).await.is_err()
    }
}

/// The running workers. Dropping it aborts them.
#[derive(Debug)]
pub struct Workers {
    // Dropped first: who is aborted shall not be asked to end before.
    tasks: Vec<Task>,
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    handle: JoinHandle<()>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self { tasks: Vec::new(), stop: watch::channel(false).0 }
    }
}

impl Workers {
    /// No workers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a worker on the current tokio runtime. When it panics, or ends without being asked to, it is logged
    /// and started again after a pause that grows.
    pub fn spawn<F, W>(&mut self, name: &'static str, start: F)
    where
        F: Fn(Stop) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let stop = Stop(self.stop.subscribe());
        self.tasks.push(Task { name, handle: tokio::spawn(keep_alive(name, stop, start)) });
    }

    /// Asks every worker to end and waits for it, `within` in all; then aborts who is left. What an aborted worker
    /// had begun is done again after the next start.
    pub async fn stop(self, within: Duration) {
        let _ = self.stop.send(true);
        let deadline = Instant::now() + within;
        for mut task in self.tasks {
            if tokio::time::timeout_at(deadline, &mut task.handle).await.is_err() {
                tracing::warn!(target: "loop::worker", worker = task.name, "a worker did not end in time and was aborted");
            }
        }
    }
}

async fn keep_alive<F, W>(name: &'static str, mut stop: Stop, start: F)
where
    F: Fn(Stop) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let mut pause = PAUSE.0;
    while !stop.is_asked() {
        let began = Instant::now();
        // A set of one: it aborts the worker when this supervisor is aborted.
        let mut one = JoinSet::new();
        one.spawn(start(stop.clone()));
        let ended = one.join_next().await;
        if stop.is_asked() {
            return;
        }
        if began.elapsed() >= HEALTHY {
            pause = PAUSE.0;
        }
        let died = matches!(ended, Some(Err(_)));
        tracing::error!(target: "loop::worker", worker = name, died, pause_ms = pause.as_millis(), "a worker ended and is started again");
        metrics::counter!("loop_worker_restarts_total", "worker" => name).increment(1);
        stop.sleep(pause).await;
        pause = pause.saturating_mul(2).min(PAUSE.1);
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

    use super::Workers;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_worker_that_panics_or_ends_early_is_started_again() {
        let mut workers = Workers::new();
        let runs = Arc::new(AtomicU32::new(0));
        let (send, mut third) = mpsc::unbounded_channel();
        workers.spawn("test", move |mut stop| {
            let (run, send) = (runs.fetch_add(1, Ordering::SeqCst), send.clone());
            async move {
                match run {
                    0 => panic!("first run"),
                    1 => {}
                    _ => {
                        send.send(run).unwrap();
                        stop.asked().await;
                    }
                }
            }
        });
        assert_eq!(third.recv().await, Some(2));
        workers.stop(LONG).await;
        assert_eq!(third.recv().await, None, "after the stop nothing is started again");
    }

    #[tokio::test]
    async fn stopping_lets_a_worker_finish_and_aborts_one_that_does_not() {
        let mut workers = Workers::new();
        let (send, mut seen) = mpsc::unbounded_channel();
        let deaf = send.clone();
        workers.spawn("polite", move |mut stop| {
            let send = send.clone();
            async move {
                send.send("started").unwrap();
                stop.asked().await;
                send.send("finished").unwrap();
            }
        });
        assert_eq!(seen.recv().await, Some("started"));
        workers.spawn("deaf", move |_| {
            let held = deaf.clone();
            async move {
                held.send("started").unwrap();
                std::future::pending().await
            }
        });
        assert_eq!(seen.recv().await, Some("started"));
        workers.stop(Duration::from_millis(50)).await;
        assert_eq!(seen.recv().await, Some("finished"));
        assert_eq!(seen.recv().await, None, "the deaf worker's task is gone, and with it its sender");
    }
}
