//! Transactions as closures. One primitive serves a synchronous embedder, an asynchronous server, a
//! single-writer file and a pooled database.

use std::sync::{Arc, Mutex, PoisonError};

use super::{StoreError, Ticket, Tx};

/// Something that runs jobs in transactions.
pub trait Store: Send + Sync {
    /// Queues `job` and returns at once; never blocks on storage.
    ///
    /// `job.done` is called exactly once: with `Ok` only after the job's effects are durable, with `Err` when
    /// nothing of it happened. A full queue calls it at once with [`StoreError::Unavailable`].
    ///
    /// The `done` of writing jobs run one at a time, in the order in which their effects were committed.
    fn submit(&self, job: Job);
}

/// The work of a job.
pub type Run = Box<dyn FnMut(&mut dyn Tx) -> JobEnd + Send>;

/// Who learns how a job ended.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A unit of work.
pub struct Job {
    /// Metric label and name in the slow log, such as `approval.decide`.
    pub name: &'static str,
    /// Whether the job writes.
    pub access: Access,
    /// Which queue it waits in.
    pub lane: Lane,
    /// The work. It may run more than once (a batch that failed is run again), and only the last run counts.
    pub run: Run,
    /// Called once, after `run`'s effects are durable or undone. It runs on the store's thread: it must be
    /// quick and must not submit a job and wait for it.
    pub done: Done,
}

/// How a run of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// Keep its effects.
    Commit,
    /// Undo its effects and nothing else.
    Rollback,
    /// Undo its effects and run it once more in a fresh transaction (bounded by the store).
    Retry,
}

/// Whether a job writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Sees a consistent snapshot; a write is [`StoreError::Misuse`].
    Read,
    /// May write.
    Write,
}

/// Which jobs go first when several wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Decisions and approvals.
    Decision,
    /// Everything else a caller waits for.
    Normal,
    /// Purges, exports and other long work cut into chunks; only runs when nothing else waits, but is never
    /// starved for good.
    Bulk,
}

/// Typed sugar over [`Store::submit`].
pub trait StoreExt: Store {
    /// Runs `work` in a writing transaction. `Err` undoes its effects; the ticket is ready after COMMIT.
    fn transact<T, E, F>(&self, name: &'static str, lane: Lane, work: F) -> Ticket<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.run_job(name, Access::Write, lane, work, |outcome| outcome)
    }

    /// Runs `work` on a consistent snapshot.
    fn read<T, E, F>(&self, name: &'static str, work: F) -> Ticket<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.run_job(name, Access::Read, Lane::Normal, work, |outcome| outcome)
    }

    /// Runs `work` and hands its durable outcome to `finish` before the ticket is ready.
    ///
    /// `finish` runs on the store's thread, after COMMIT and before anyone learns of it: the place to publish
    /// what the transaction changed.
    fn run_job<T, E, U, F, G>(
        &self,
        name: &'static str,
        access: Access,
        lane: Lane,
        mut work: F,
        finish: G,
    ) -> Ticket<U>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        U: Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        G: FnOnce(Result<T, E>) -> U + Send + 'static,
    {
        let (completer, ticket) = Ticket::pair();
        let outcome: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
        let slot = Arc::clone(&outcome);
        self.submit(Job {
            name,
            access,
            lane,
            run: Box::new(move |tx| {
                let result = work(tx);
                let end = if result.is_ok() { JobEnd::Commit } else { JobEnd::Rollback };
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                end
            }),
            done: Box::new(move |durable| {
                let kept = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
                let result = match (durable, kept) {
                    (Err(error), _) => Err(E::from(error)),
                    (Ok(()), Some(result)) => result,
                    (Ok(()), None) => Err(E::from(StoreError::Internal(format!("job `{name}` ended without running")))),
                };
                completer.complete(finish(result));
            }),
        });
        ticket
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
