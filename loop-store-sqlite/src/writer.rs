//! The one thread that writes: it drains the queue into a transaction, commits once and then tells everyone.
//!
//! A batch is first run bare: no savepoints, because nearly every batch is made of jobs that commit. Should a job
//! that wrote something have to be undone, the whole batch is undone and run again with a savepoint for each job.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use loop_core::store::{Done, JobEnd, StoreError};
use rusqlite::Connection;

use crate::{
    cache::Cache,
    lanes::{Lanes, Waiting},
    schema::Statements,
    sql,
    tx::{SqlTx, flush},
};

/// How often a job may ask to be run again.
pub(crate) const MAX_RETRIES: u32 = 7;

type Outcome = Result<(), StoreError>;

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) statements: Arc<Statements>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) batch_max: usize,
    pub(crate) cache: Cache,
}

/// Why an attempt at a batch left nothing behind.
enum Stop {
    /// A job has to be undone alone: run the batch again with savepoints.
    Redo,
    /// Nothing of the batch can be kept.
    Failed(StoreError),
}

/// What becomes of a job's effects.
enum Verdict {
    Keep,
    Undo(Outcome),
    /// Undo them and run the job again in the next transaction, before the jobs behind it.
    Again,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(crate) fn work(mut self) {
        let mut batch = VecDeque::new();
        let mut ended = Vec::new();
        while self.lanes.take(&mut batch, self.batch_max) {
            self.commit_batch(&mut batch, &mut ended);
            for (done, outcome) in ended.drain(..) {
                tell(done, outcome);
            }
        }
    }

    /// Runs the batch and moves the jobs that ended from its front to `ended`. Those that stay are for the next
    /// transaction.
    fn commit_batch(&mut self, batch: &mut VecDeque<Waiting>, ended: &mut Vec<(Done, Outcome)>) {
        let attempt = match self.attempt(batch, false) {
            Err(Stop::Redo) => self.attempt(batch, true),
            other => other,
        };
        let outcomes = match attempt {
            Ok(outcomes) => outcomes,
            Err(Stop::Failed(error)) => vec![Err(error); batch.len()],
            Err(Stop::Redo) => {
                vec![Err(StoreError::Internal("a batch was undone twice".to_owned())); batch.len()]
            }
        };
        let jobs = batch.drain(..outcomes.len().min(batch.len())).map(|waiting| waiting.job.done);
        ended.extend(jobs.zip(outcomes));
    }

    /// One transaction. Answers the outcomes of the jobs from the front of the batch that ended in it, durable.
    fn attempt(&mut self, batch: &mut VecDeque<Waiting>, guarded: bool) -> Result<Vec<Outcome>, Stop> {
        self.cache.clear();
        self.run("BEGIN IMMEDIATE").map_err(Stop::Failed)?;
        let attempt = self.run_jobs(batch, guarded).and_then(|outcomes| {
            self.flush().map_err(|error| if guarded { Stop::Failed(error) } else { Stop::Redo })?;
            self.run("COMMIT").map_err(Stop::Failed)?;
            Ok(outcomes)
        });
        if attempt.is_err() && !self.conn.is_autocommit() {
            // Should this fail too, the next BEGIN does, and with it every job: refused, not half done.
            let _ = self.run("ROLLBACK");
        }
        attempt
    }

    fn run_jobs(&mut self, batch: &mut VecDeque<Waiting>, guarded: bool) -> Result<Vec<Outcome>, Stop> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for waiting in batch {
            if guarded {
                self.run("SAVEPOINT job").map_err(Stop::Failed)?;
            }
            let (mut verdict, wrote) = self.run_job(waiting, guarded)?;
            if guarded
                && matches!(verdict, Verdict::Keep)
                && let Err(error) = self.flush()
            {
                self.still_open(Some(&error), guarded)?;
                verdict = Verdict::Undo(Err(error));
            }
            if !matches!(verdict, Verdict::Keep) && wrote {
                if !guarded {
                    return Err(Stop::Redo);
                }
                self.cache.clear();
                self.run("ROLLBACK TO job").map_err(Stop::Failed)?;
            }
            if guarded {
                self.run("RELEASE job").map_err(Stop::Failed)?;
            }
            match verdict {
                Verdict::Keep => outcomes.push(Ok(())),
                Verdict::Undo(outcome) => outcomes.push(outcome),
                Verdict::Again => {
                    waiting.retries += 1;
                    break;
                }
            }
        }
        Ok(outcomes)
    }

    /// Runs a job; answers what becomes of its effects and whether it has any.
    fn run_job(&mut self, waiting: &mut Waiting, guarded: bool) -> Result<(Verdict, bool), Stop> {
        let changes = self.conn.total_changes();
        let mut tx = SqlTx::new(&self.conn, &self.statements, &mut self.cache, waiting.job.access);
        let end = catch_unwind(AssertUnwindSafe(|| (waiting.job.run)(&mut tx)));
        let (fault, touched) = tx.end();
        self.still_open(fault.as_ref(), guarded)?;
        let wrote = touched || fault.is_some() || self.conn.total_changes() != changes;
        let verdict = match (fault, end) {
            (Some(fault), _) => Verdict::Undo(Err(fault)),
            (None, Err(_)) => Verdict::Undo(Err(StoreError::Internal(format!("job `{}` panicked", waiting.job.name)))),
            (None, Ok(JobEnd::Commit)) => Verdict::Keep,
            (None, Ok(JobEnd::Rollback)) => Verdict::Undo(Ok(())),
            (None, Ok(JobEnd::Retry)) if waiting.retries < MAX_RETRIES => Verdict::Again,
            (None, Ok(JobEnd::Retry)) => {
                Verdict::Undo(Err(StoreError::Unavailable("a job asked to be run again too often")))
            }
        };
        Ok((verdict, wrote))
    }

    /// Some failures (a full disk, an I/O error) make SQLite undo the whole transaction at once. Then the jobs
    /// before this one are undone too, and nothing may run outside of a transaction.
    fn still_open(&self, fault: Option<&StoreError>, guarded: bool) -> Result<(), Stop> {
        match fault {
            _ if !self.conn.is_autocommit() => Ok(()),
            _ if !guarded => Err(Stop::Redo),
            Some(fault) => Err(Stop::Failed(fault.clone())),
            None => Err(Stop::Failed(StoreError::Internal("the transaction ended by itself".to_owned()))),
        }
    }

    fn flush(&mut self) -> Outcome {
        flush(&self.conn, &self.statements, &mut self.cache)
    }

    fn run(&self, statement: &str) -> Outcome {
        sql::run(&self.conn, statement, []).map(drop)
    }
}

/// Calls a `done`. One that panics harms only its own caller.
pub(crate) fn tell(done: Done, outcome: Outcome) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
}
