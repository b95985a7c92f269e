//! The floor of durable writes: one thread inserts what waits and commits once for all, and nothing else is done.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;

use crate::Outcome;

/// How many rows wait at most.
const DEPTH: usize = 4096;
/// How many rows share a commit at most.
const BATCH: usize = 512;
/// The size of a row's text.
const ROW: usize = 500;

/// A row and how to tell that it is durable.
struct Row {
    text: String,
    done: Box<dyn FnOnce() + Send>,
}

/// The writer.
pub struct GroupCommit {
    queue: mpsc::SyncSender<Row>,
}

impl GroupCommit {
    /// Opens a fresh file in `folder`. The writer ends when this and its clones are dropped.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(folder: &Path) -> Outcome<(Self, thread::JoinHandle<Outcome<()>>)> {
        let conn = Connection::open(folder.join("bare.db"))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE log (id INTEGER PRIMARY KEY, body TEXT)",
        )?;
        let (queue, waiting) = mpsc::sync_channel(DEPTH);
        let writer = thread::Builder::new().name("bare-writer".to_owned()).spawn(move || write(&conn, &waiting))?;
        Ok((Self { queue }, writer))
    }

    /// Queues a row; `done` is called once it is durable.
    ///
    /// # Errors
    /// A writer that failed.
    pub fn submit(&self, done: impl FnOnce() + Send + 'static) -> Outcome<()> {
        self.queue.send(Row { text: "x".repeat(ROW), done: Box::new(done) }).map_err(|_| "the writer is gone".into())
    }

    /// Queues a row and waits for it.
    ///
    /// # Errors
    /// A writer that failed.
    pub fn insert(&self) -> Outcome<()> {
        let (tell, told) = mpsc::sync_channel(1);
        self.submit(move || {
            // Whoever waited may have given up.
            let _ = tell.send(());
        })?;
        Ok(told.recv()?)
    }
}

impl std::fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GroupCommit(..)")
    }
}

fn write(conn: &Connection, waiting: &mpsc::Receiver<Row>) -> Outcome<()> {
    let mut done = Vec::new();
    while let Ok(first) = waiting.recv() {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let rest = std::iter::from_fn(|| waiting.try_recv().ok());
        for row in std::iter::once(first).chain(rest).take(BATCH) {
            conn.prepare_cached("INSERT INTO log (body) VALUES (?)")?.execute([row.text])?;
            done.push(row.done);
        }
        conn.prepare_cached("COMMIT")?.execute([])?;
        done.drain(..).for_each(|done| done());
    }
    Ok(())
}

/// Runs `work` on so many threads for a while; how often per second it came back.
///
/// # Errors
/// The first failure of `work`.
pub fn rate<W>(producers: usize, window: Duration, work: W) -> Outcome<f64>
where
    W: Fn() -> Outcome<()> + Send + Sync + 'static,
{
    let (stop, count, work) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(work));
    let mut threads = Vec::new();
    for _ in 0..producers {
        let (stop, count, work) = (Arc::clone(&stop), Arc::clone(&count), Arc::clone(&work));
        threads.push(thread::spawn(move || -> Outcome<()> {
            while !stop.load(Ordering::Relaxed) {
                work()?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }));
    }
    // Threads start, memory is first touched and caches fill before anything is counted.
    thread::sleep(window / 3);
    let before = count.load(Ordering::Relaxed);
    thread::sleep(window);
    let counted = count.load(Ordering::Relaxed).saturating_sub(before);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a producer panicked")??;
    }
    Ok(counted as f64 / window.as_secs_f64())
}
