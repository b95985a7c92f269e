//! The reference store: persistent maps, one lock, jobs run inline. It keeps nothing beyond the process.
//!
//! A transaction works on a copy of the root, which costs nothing to make; committing it is putting the copy in
//! the root's place, rolling it back is dropping the copy. Other stores are tested against this one, so it is
//! written to be obvious rather than fast.
//!
//! - [`Space`](space): everything of one tenant.
//! - [`rows`], [`stream`], [`line`], [`timeline`], [`heap`], [`accounts`], [`sets`]: the seven shapes.
//! - [`reach`]: the way from a transaction to its shapes.
//! - [`tx`]: the operations of a transaction, each handed to its shape.

mod accounts;
mod heap;
mod line;
mod reach;
mod rows;
mod sets;
mod space;
mod stream;
mod timeline;
mod tx;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
};

use self::{space::Root, tx::MemoryTx};
use super::{Access, Catalog, Done, Job, JobEnd, Store, StoreError};

/// How often a job is run before [`JobEnd::Retry`] is answered with [`StoreError::Unavailable`].
const MAX_RUNS: u32 = 8;

/// A store in memory.
///
/// `submit` runs the job on the calling thread. Writers wait for each other; readers see the last committed
/// state and wait for nobody.
pub struct MemoryStore {
    catalog: Catalog,
    root: Mutex<Root>,
    ended: Mutex<Ended>,
}

/// Writing jobs whose `done` is still to be called, in commit order.
#[derive(Default)]
struct Ended {
    waiting: VecDeque<(Done, Result<(), StoreError>)>,
    /// Whether a thread is calling them now.
    delivering: bool,
}

impl MemoryStore {
    /// An empty store with the tables of `catalog`.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, root: Mutex::default(), ended: Mutex::default() }
    }

    /// Runs a job on a copy of `root` until it ends; answers the copy to keep, `None` to keep nothing.
    fn attempt(&self, root: &Root, job: &mut Job) -> Result<Option<Root>, StoreError> {
        for _ in 0..MAX_RUNS {
            let mut tx = MemoryTx::new(&self.catalog, root.clone(), job.access);
            match catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx))) {
                Ok(JobEnd::Commit) => return Ok(Some(tx.into_root())),
                Ok(JobEnd::Rollback) => return Ok(None),
                Ok(JobEnd::Retry) => {}
                Err(_) => return Err(StoreError::Internal(format!("job `{}` panicked", job.name))),
            }
        }
        Err(StoreError::Unavailable("a job asked to be run again too often"))
    }

    /// Calls every waiting `done` outside the locks, unless another thread is at it and will call ours too.
    fn deliver(&self) {
        if std::mem::replace(&mut lock(&self.ended).delivering, true) {
            return;
        }
        loop {
            let (done, outcome) = {
                let mut ended = lock(&self.ended);
                let Some(next) = ended.waiting.pop_front() else {
                    ended.delivering = false;
                    return;
                };
                next
            };
            call(done, outcome);
        }
    }
}

impl Store for MemoryStore {
    fn submit(&self, mut job: Job) {
        match job.access {
            Access::Read => {
                let root = lock(&self.root).clone();
                let outcome = self.attempt(&root, &mut job).map(drop);
                call(job.done, outcome);
            }
            Access::Write => {
                let mut root = lock(&self.root);
                let outcome = self.attempt(&root, &mut job).map(|kept| {
                    if let Some(kept) = kept {
                        *root = kept;
                    }
                });
                lock(&self.ended).waiting.push_back((job.done, outcome));
                drop(root);
                self.deliver();
            }
        }
    }
}

/// Calls a `done`. One that panics harms only its own caller.
fn call(done: Done, outcome: Result<(), StoreError>) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::MemoryStore;
    use crate::{
        base::TenantId,
        store::{Access, Job, JobEnd, Lane, Store, StoreError, StoreExt, conformance},
    };

    #[test]
    fn a_done_may_submit_and_its_job_ends_after_those_before_it() {
        let store = Arc::new(MemoryStore::new(conformance::CATALOG));
        let order = Arc::new(Mutex::new(Vec::new()));
        let job = |name: &'static str, then: Box<dyn FnOnce() + Send>| {
            let order = Arc::clone(&order);
            let done = move |_| {
                order.lock().unwrap().push(name);
                then();
                order.lock().unwrap().push("returned");
            };
            let run = Box::new(|_: &mut dyn crate::store::Tx| JobEnd::Commit);
            Job { name, access: Access::Write, lane: Lane::Normal, run, done: Box::new(done) }
        };
        let inner = job("inner", Box::new(|| {}));
        let again = Arc::clone(&store);
        store.submit(job("outer", Box::new(move || again.submit(inner))));
        assert_eq!(*order.lock().unwrap(), ["outer", "returned", "inner", "returned"]);
    }

    #[test]
    fn a_done_that_panics_leaves_the_store_working() {
        let store = MemoryStore::new(conformance::CATALOG);
        store.submit(Job {
            name: "test",
            access: Access::Write,
            lane: Lane::Normal,
            run: Box::new(|_| JobEnd::Commit),
            done: Box::new(|_| std::panic::resume_unwind(Box::new(()))),
        });
        let epoch: Result<u64, StoreError> =
            store.transact("test", Lane::Normal, |tx| tx.bump_epoch(&TenantId::default_tenant())).wait();
        assert_eq!(epoch, Ok(1));
    }
}
