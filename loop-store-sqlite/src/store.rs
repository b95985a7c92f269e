//! The store: its threads and its shutdown.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use loop_core::store::{Access, Job, Store, StoreError};
use rusqlite::Connection;

use crate::{
    cache::Cache,
    lanes::Lanes,
    migrate::{open_reader, open_writer},
    options::Options,
    readers::Reader,
    schema::Statements,
    stats::{Counts, Stats},
    teller::{Ended, Teller, tell},
    writer::Writer,
};

/// A SQLite file that one thread writes and a few read, or [the caller's](Options::threads) alone.
///
/// Other processes may read and write the same file at the same time. Dropping the store ends what was submitted
/// before and closes the file.
pub struct SqliteStore {
    writes: Arc<Lanes>,
    /// Where reads wait; without readers they wait with the writes.
    reads: Option<Arc<Lanes>>,
    counts: Arc<Counts>,
    readers: Threads,
    writer: Threads,
    /// The writer itself, in a store without threads. It is taken out when the store is closed.
    here: Mutex<Option<Writer>>,
    untold: Mutex<Untold>,
    threads: bool,
}

/// Whom to tell what, in the order of the commits, and whether somebody is at it.
#[derive(Default)]
struct Untold {
    ended: VecDeque<<Ended as IntoIterator>::Item>,
    telling: bool,
}

impl SqliteStore {
    /// Opens a file, making it or bringing it to the newest version first.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a file from a newer program, [`StoreError::Corrupt`] for one that is damaged or
    /// not ours, [`StoreError::ReadOnly`] when it cannot be written (or, opened read-only, is not of the newest
    /// version), [`StoreError::Unavailable`] while another process holds it, [`StoreError::Misuse`] for a catalog
    /// that makes no tables.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        Self::start(Some(path.as_ref()), &options)
    }

    /// A store in memory that is gone when it is dropped. One thread serves reads and writes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in_memory(options: Options) -> Result<Self, StoreError> {
        Self::start(None, &options)
    }

    fn start(path: Option<&Path>, options: &Options) -> Result<Self, StoreError> {
        let statements = Arc::new(Statements::new(&options.catalog));
        let conn = open_writer(path, options, &statements)?;
        let mut readers = Vec::new();
        if let Some(path) = path {
            for _ in 0..if options.threads { options.readers } else { 0 } {
                readers.push(open_reader(path, options)?);
            }
        }
        let writes = Arc::new(Lanes::new(options.queue_depth));
        let reads = (!readers.is_empty()).then(|| Arc::new(Lanes::new(options.queue_depth)));
        // From here on an early return drops the store, which closes the queues and joins what has started.
        let counts = Arc::new(Counts::default());
        let store = Self {
            writes: Arc::clone(&writes),
            reads,
            counts: Arc::clone(&counts),
            readers: Mutex::default(),
            writer: Mutex::default(),
            here: Mutex::default(),
            untold: Mutex::default(),
            threads: options.threads,
        };
        store.spawn_readers(readers, &statements)?;
        let writer = Writer {
            conn,
            statements,
            lanes: writes,
            batch_max: options.batch_max.max(1),
            patience: options.busy_timeout,
            log_pages: options.log_pages.max(1),
            cache: Cache::default(),
            counts,
            durable: Duration::ZERO,
        };
        if !options.threads {
            *store.here.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
            return Ok(store);
        }
        let (teller, telling) = Teller::start().map_err(no_thread)?;
        keep(&store.writer, Ok(telling))?;
        let writing = thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.work(&teller));
        keep(&store.writer, writing)?;
        Ok(store)
    }

    fn spawn_readers(&self, readers: Vec<Connection>, statements: &Arc<Statements>) -> Result<(), StoreError> {
        let Some(lanes) = &self.reads else { return Ok(()) };
        for conn in readers {
            let (statements, lanes) = (Arc::clone(statements), Arc::clone(lanes));
            let reader = Reader { conn, statements, lanes, cache: Cache::default() };
            keep(&self.readers, thread::Builder::new().name("store-reader".to_owned()).spawn(|| reader.work()))?;
        }
        Ok(())
    }

    /// What the store is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            writes: self.writes.depths(),
            reads: self.reads.as_ref().map(|reads| reads.depths()).unwrap_or_default(),
            batches: self.counts.batches(),
            commits: self.counts.commits(),
        }
    }

    /// Refuses new jobs, ends those that wait and closes the file. Returns when that is done.
    pub fn close(&self) {
        if let Some(reads) = &self.reads {
            reads.close();
        }
        // The writer leaves last: only its connection can move the log into the file and remove it.
        join(&self.readers);
        self.writes.close();
        join(&self.writer);
        drop(self.here.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Runs a job on this thread.
    fn run_here(&self, job: Job) {
        let untold = || self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = match &mut *here {
                Some(writer) => writer.run_alone(job),
                None => vec![(job.done, Err(StoreError::Unavailable("the store is shutting down")))],
            };
            untold().ended.extend(ended);
        }
        // One thread tells at a time, so that ends come in order. Whoever is told may submit the next job: no lock is held.
        loop {
            let (done, outcome) = {
                let mut untold = untold();
                if untold.telling {
                    return;
                }
                let Some(next) = untold.ended.pop_front() else { return };
                untold.telling = true;
                next
            };
            tell(done, outcome);
            untold().telling = false;
        }
    }
}

type Threads = Mutex<Vec<JoinHandle<()>>>;

fn keep(threads: &Threads, started: io::Result<JoinHandle<()>>) -> Result<(), StoreError> {
    let thread = started.map_err(no_thread)?;
    threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    Ok(())
}

fn no_thread(error: io::Error) -> StoreError {
    StoreError::Internal(format!("no thread: {error}"))
}

fn join(threads: &Threads) {
    let threads = std::mem::take(&mut *threads.lock().unwrap_or_else(PoisonError::into_inner));
    // The last handle may be dropped by a `done`, on a thread that would be waited for, or that such a one waits
    // for. They end by themselves.
    if threads.iter().any(|thread| thread.thread().id() == thread::current().id()) {
        return;
    }
    for thread in threads {
        let _ = thread.join();
    }
}

impl Store for SqliteStore {
    fn submit(&self, job: Job) {
        if !self.threads {
            return self.run_here(job);
        }
        let lanes = match (job.access, &self.reads) {
            (Access::Read, Some(reads)) => reads,
            _ => &self.writes,
        };
        if let Err(refused) = lanes.push(job) {
            let (job, error) = *refused;
            tell(job.done, Err(error));
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore(..)")
    }
}
