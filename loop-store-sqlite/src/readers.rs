//! Threads that serve reads, each with a connection that cannot write.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use loop_core::store::{Access, Job, JobEnd, StoreError};
use rusqlite::Connection;

use crate::{
    cache::Cache,
    lanes::{Lanes, Waiting},
    schema::Statements,
    sql,
    teller::tell,
    tx::SqlTx,
    writer::MAX_RETRIES,
};

pub(crate) struct Reader {
    pub(crate) conn: Connection,
    pub(crate) statements: Arc<Statements>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) cache: Cache,
}

impl Reader {
    /// Works until the queue is closed and empty.
    pub(crate) fn work(mut self) {
        let mut next = VecDeque::new();
        while self.lanes.take(&mut next, 1) {
            for Waiting { mut job, .. } in next.drain(..) {
                let outcome = self.serve(&mut job);
                tell(job.done, outcome);
            }
        }
    }

    fn serve(&mut self, job: &mut Job) -> Result<(), StoreError> {
        for _ in 0..=MAX_RETRIES {
            if self.attempt(job)? != JobEnd::Retry {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("a job asked to be run again too often"))
    }

    /// One read transaction. It sees the state at its first read.
    fn attempt(&mut self, job: &mut Job) -> Result<JobEnd, StoreError> {
        self.cache.clear();
        sql::run(&self.conn, "BEGIN", [])?;
        let mut tx = SqlTx::new(&self.conn, &self.statements, &mut self.cache, Access::Read);
        let end = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx)));
        let (fault, _) = tx.end();
        if !self.conn.is_autocommit() {
            sql::run(&self.conn, "ROLLBACK", [])?;
        }
        match (fault, end) {
            (Some(fault), _) => Err(fault),
            (None, Ok(end)) => Ok(end),
            (None, Err(_)) => Err(StoreError::Internal(format!("job `{}` panicked", job.name))),
        }
    }
}
