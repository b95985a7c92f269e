//! The one thread that writes: it drains the queue into a transaction, commits once and then tells everyone.
//!
//! A batch is first run bare: no savepoints, because nearly every batch is made of jobs that commit. Should a job
//! that wrote something have to be undone, the whole batch is undone and run again with a savepoint for each job.

use std::{
    cell::Cell,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use loop_core::store::{Job, JobEnd, StoreError};
use rusqlite::Connection;

use crate::{
    cache::Cache,
    gather::Gather,
    lanes::{Lanes, Waiting},
    schema::Statements,
    sql,
    stats::Counts,
    teller::{Ended, Outcome, Teller},
    tx::{SqlTx, flush},
};

/// How often a job may ask to be run again.
pub(crate) const MAX_RETRIES: u32 = 7;

/// How long to wait before asking again for a file that another process writes to. SQLite's own waits grow to 100
/// ms, in which a busy process would take the file again and again.
const PAUSE: Duration = Duration::from_millis(1);

/// How many times as long as the last commit took a transaction may work before it takes no more jobs.
const PUT_OFF: u32 = 2;

thread_local! {
    /// The pages in the log after this thread's last commit, as SQLite tells them.
    static IN_LOG: Cell<u32> = const { Cell::new(0) };
}

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) statements: Arc<Statements>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) batch_max: usize,
    pub(crate) patience: Duration,
    pub(crate) log_pages: u32,
    pub(crate) cache: Cache,
    pub(crate) counts: Arc<Counts>,
    /// How long the last commit took to be durable.
    pub(crate) durable: Duration,
}

#[expect(clippy::disallowed_methods, reason = "how long a commit takes decides how long to wait, and nothing else")]
fn now() -> Instant {
    Instant::now()
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
    pub(crate) fn work(mut self, teller: &Teller) {
        let mut batch = VecDeque::new();
        let mut ended = Vec::new();
        self.conn.wal_hook(Some(|_, pages| {
            IN_LOG.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        let mut gather = Gather::default();
        while self.lanes.take(&mut batch, self.batch_max) {
            let began = now();
            self.commit_batch(&mut batch, &mut ended);
            let took = began.elapsed();
            let (told, waiting) = (ended.len(), self.lanes.waiting());
            self.counts.note(told, took);
            teller.tell(&mut ended, !batch.is_empty() || waiting > 0);
            if IN_LOG.get() >= self.log_pages {
                self.empty_log();
            }
            if batch.is_empty()
                && let Some((callers, patience)) = gather.plan(told, waiting, took, self.durable)
            {
                gather.learn(self.lanes.gather(callers, patience));
            }
        }
    }

    /// Runs one job, alone, until it has ended.
    pub(crate) fn run_alone(&mut self, job: Job) -> Ended {
        let mut batch = VecDeque::from([Waiting { job, retries: 0 }]);
        let mut ended = Vec::new();
        while !batch.is_empty() {
            self.commit_batch(&mut batch, &mut ended);
        }
        ended
    }

    /// Moves the log into the file as far as readers allow. Nobody waits for it: what was told is in the log.
    fn empty_log(&self) {
        // A failure leaves the pages where they are, to be moved after the next commit.
        let _ = sql::first(&self.conn, "PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        IN_LOG.set(0);
    }

    /// Runs the batch and moves the jobs that ended from its front to `ended`. Those that stay are for the next
    /// transaction.
    fn commit_batch(&mut self, batch: &mut VecDeque<Waiting>, ended: &mut Ended) {
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
        self.begin().map_err(Stop::Failed)?;
        let attempt = self.run_jobs(batch, guarded).and_then(|outcomes| {
            self.flush().map_err(|error| if guarded { Stop::Failed(error) } else { Stop::Redo })?;
            let began = now();
            self.run("COMMIT").map_err(Stop::Failed)?;
            self.durable = began.elapsed();
            Ok(outcomes)
        });
        if attempt.is_err() && !self.conn.is_autocommit() {
            // Should this fail too, the next BEGIN does, and with it every job: refused, not half done.
            let _ = self.run("ROLLBACK");
        }
        attempt
    }

    /// Takes the file, waiting for another process as long as there is patience.
    fn begin(&self) -> Outcome {
        let mut waited = Duration::ZERO;
        loop {
            match self.run("BEGIN IMMEDIATE") {
                Err(StoreError::Unavailable(_)) if waited < self.patience => thread::sleep(PAUSE),
                other => return other,
            }
            waited += PAUSE;
        }
    }

    fn run_jobs(&mut self, batch: &mut VecDeque<Waiting>, guarded: bool) -> Result<Vec<Outcome>, Stop> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let began = now();
        loop {
            // Jobs that came in the meantime join the transaction and share its sync, within bounds.
            if outcomes.len() == batch.len() && !guarded && began.elapsed() < self.durable * PUT_OFF {
                self.lanes.join(batch, self.batch_max);
            }
            let Some(waiting) = batch.get_mut(outcomes.len()) else { break };
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

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc, time::Duration};

    use loop_core::{
        base::TenantId,
        store::{Access, Job, JobEnd, Lane, StoreError, Ticket, Tx, conformance::CATALOG},
    };
    use rusqlite::Connection;

    use super::Writer;
    use crate::{
        cache::Cache,
        lanes::{Lanes, Waiting},
        schema::{Statements, ddl},
        teller::tell,
    };

    fn writer() -> Writer {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let statements = Arc::new(Statements::new(&CATALOG));
        Writer {
            conn,
            statements,
            lanes: Arc::new(Lanes::new(8)),
            batch_max: 8,
            patience: Duration::ZERO,
            log_pages: 64,
            cache: Cache::default(),
            counts: Arc::default(),
            durable: Duration::ZERO,
        }
    }

    fn bump(end: JobEnd) -> (Waiting, Ticket<Result<(), StoreError>>) {
        let (completer, ticket) = Ticket::pair();
        let job = Job {
            name: "test.bump",
            access: Access::Write,
            lane: Lane::Normal,
            run: Box::new(move |tx: &mut dyn Tx| match tx.bump_epoch(&TenantId::default_tenant()) {
                Ok(_) => end,
                Err(_) => JobEnd::Rollback,
            }),
            done: Box::new(move |outcome| completer.complete(outcome)),
        };
        (Waiting { job, retries: 0 }, ticket)
    }

    /// Runs the jobs as one batch and answers how they ended.
    fn run(writer: &mut Writer, ends: &[JobEnd]) -> Vec<Result<(), StoreError>> {
        let (mut batch, tickets): (VecDeque<_>, Vec<_>) = ends.iter().map(|end| bump(*end)).unzip();
        let mut ended = Vec::new();
        writer.commit_batch(&mut batch, &mut ended);
        for (done, outcome) in ended {
            tell(done, outcome);
        }
        tickets.into_iter().map(Ticket::wait).collect()
    }

    fn epoch(writer: &Writer) -> i64 {
        writer.conn.query_row("SELECT coalesce(max(epoch), 0) FROM epochs", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_commit_that_fails_fails_every_job_and_keeps_nothing() {
        let mut writer = writer();
        writer.conn.commit_hook(Some(|| true)).unwrap();
        for ends in [[JobEnd::Commit, JobEnd::Commit], [JobEnd::Commit, JobEnd::Rollback]] {
            assert!(run(&mut writer, &ends).iter().all(Result::is_err));
            assert_eq!(epoch(&writer), 0);
        }
        writer.conn.commit_hook(None::<fn() -> bool>).unwrap();
        assert_eq!(run(&mut writer, &[JobEnd::Commit, JobEnd::Commit]), [Ok(()), Ok(())]);
        assert_eq!(epoch(&writer), 2);
    }

    #[test]
    fn a_transaction_that_ends_under_its_jobs_keeps_nothing_of_the_batch() {
        let mut writer = writer();
        let (first, first_end) = bump(JobEnd::Commit);
        let (second, second_end) = bump(JobEnd::Commit);
        // As SQLite does on some failures: the whole transaction is gone, and the next statement is on its own.
        let (mut lost, lost_end) = bump(JobEnd::Commit);
        let path = tempfile::tempdir().unwrap();
        let shared = path.path().join("loop.db");
        writer.conn = Connection::open(&shared).unwrap();
        writer.conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let pages: u32 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        writer.conn.pragma_update(None, "max_page_count", pages).unwrap();
        lost.job.run = Box::new(|tx| {
            let record = loop_core::store::Record {
                body: "x".repeat(100_000),
                columns: Vec::new(),
                ..loop_core::store::conformance::given::thing("a")
            };
            let table = &loop_core::store::conformance::catalog::BARE;
            // A job that shrugs the failure off, and goes on to write.
            let _ = tx.insert(table, &TenantId::default_tenant(), &record);
            let _ = tx.bump_epoch(&TenantId::default_tenant());
            JobEnd::Commit
        });
        let mut batch = VecDeque::from([first, lost, second]);
        let mut ended = Vec::new();
        writer.commit_batch(&mut batch, &mut ended);
        for (done, outcome) in ended {
            tell(done, outcome);
        }
        let ends = [first_end, lost_end, second_end].map(Ticket::wait);
        let kept = ends.iter().filter(|end| end.is_ok()).count();
        assert_eq!(ends[1], Err(StoreError::Full));
        assert_eq!(epoch(&writer), kept as i64, "{ends:?}");
        assert!(writer.conn.is_autocommit());
        writer.conn.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        assert_eq!(run(&mut writer, &[JobEnd::Commit]), [Ok(())]);
    }

    #[test]
    fn a_job_that_comes_while_others_run_joins_them_while_a_sync_is_dearer() {
        for (durable, joined) in [(Duration::from_secs(3_600), 2), (Duration::ZERO, 1)] {
            let mut writer = writer();
            writer.durable = durable;
            let (mut first, _first_end) = bump(JobEnd::Commit);
            let (second, _second_end) = bump(JobEnd::Commit);
            let (lanes, mut late) = (Arc::clone(&writer.lanes), Some(second.job));
            first.job.run = Box::new(move |_| {
                assert!(late.take().is_none_or(|job| lanes.push(job).is_ok()));
                JobEnd::Commit
            });
            let (mut batch, mut ended) = (VecDeque::from([first]), Vec::new());
            writer.commit_batch(&mut batch, &mut ended);
            assert_eq!((ended.len(), writer.lanes.waiting()), (joined, 2 - joined));
        }
    }

    #[test]
    fn a_job_that_asks_again_leaves_those_behind_it_for_the_next_transaction() {
        let mut writer = writer();
        let (mut batch, _tickets): (VecDeque<_>, Vec<_>) =
            [JobEnd::Commit, JobEnd::Retry, JobEnd::Commit].map(bump).into_iter().unzip();
        let mut ended = Vec::new();
        writer.commit_batch(&mut batch, &mut ended);
        assert_eq!((ended.len(), batch.len(), epoch(&writer)), (1, 2, 1));
        while !batch.is_empty() {
            writer.commit_batch(&mut batch, &mut ended);
        }
        let outcomes: Vec<bool> = ended.iter().map(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!((outcomes, epoch(&writer)), (vec![true, false, true], 2));
    }
}
