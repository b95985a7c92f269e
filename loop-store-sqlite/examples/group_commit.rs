//! Measures durable jobs per second against a bare loop of inserts in group commits, on the same disk.
//!
//! `cargo run --release -p loop-store-sqlite --example group_commit [seconds [producers]]`
//!
//! A job reads an epoch and a journal's head, appends an entry with three indexed columns and 500 bytes of body,
//! and adds to two accounts. The bare loop inserts one row with the same body into a table without an index.

use std::{
    error::Error,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use loop_core::{
    base::{TenantId, Time},
    store::{Catalog, Column, Journal, Kind, Lane, Ledger, NewEntry, StoreError, StoreExt, Ticket, Tx, Value},
};
use loop_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

static LOG: Journal = Journal {
    name: "log",
    columns: &[
        Column::indexed("tool", Kind::Text),
        Column::indexed("outcome", Kind::Text),
        Column::indexed("agent", Kind::Text),
        Column::plain("hash", Kind::Bytes),
    ],
};
static COUNTS: Ledger = Ledger { name: "counts" };
const CATALOG: Catalog = Catalog { tables: &[], journals: &[&LOG], queues: &[], spans: &[], ledgers: &[&COUNTS] };

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1).map(|text| text.parse());
    let seconds = args.next().transpose()?.unwrap_or(2);
    let only: Vec<usize> = args.collect::<Result<_, _>>()?;
    let window = Duration::from_secs(seconds as u64);
    println!("producers   bare/s    loop/s   ratio");
    for producers in if only.is_empty() { vec![1, 8, 64, 256] } else { only } {
        // Turn about, the best of three of each: other work on the machine only ever slows either down.
        let (mut best_bare, mut best_ours) = (1, 0);
        for _ in 0..3 {
            best_bare = best_bare.max(bare(producers, window)?);
            best_ours = best_ours.max(ours(producers, window)?);
        }
        let (bare, ours) = (best_bare, best_ours);
        println!("{producers:>9} {bare:>8} {ours:>9}   {:.2}", ours as f64 / bare as f64);
    }
    println!("one thread with 512 in flight: {}/s", in_flight(512, window)?);
    Ok(())
}

fn body() -> String {
    "x".repeat(500)
}

/// Runs `work` on so many threads for a while; how often per second it came back.
fn rate(
    producers: usize,
    window: Duration,
    work: impl Fn(usize) -> Outcome<()> + Send + Sync + 'static,
) -> Outcome<u64> {
    let (stop, count, work) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(work));
    let threads: Vec<_> = (0..producers)
        .map(|producer| {
            let (stop, count, work) = (Arc::clone(&stop), Arc::clone(&count), Arc::clone(&work));
            thread::spawn(move || -> Outcome<()> {
                while !stop.load(Ordering::Relaxed) {
                    work(producer)?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    thread::sleep(window);
    let done = count.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a producer panicked")??;
    }
    Ok(done / window.as_secs().max(1))
}

fn bare(producers: usize, window: Duration) -> Outcome<u64> {
    let folder = tempfile::tempdir()?;
    let conn = Connection::open(folder.path().join("bare.db"))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (id INTEGER PRIMARY KEY, body TEXT)",
    )?;
    let (send, receive) = mpsc::sync_channel::<(String, mpsc::SyncSender<()>)>(4096);
    let writer = thread::spawn(move || -> rusqlite::Result<()> {
        while let Ok(first) = receive.recv() {
            let mut answers = Vec::new();
            conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for (body, answer) in std::iter::once(first).chain(std::iter::from_fn(|| receive.try_recv().ok())).take(512)
            {
                conn.prepare_cached("INSERT INTO log (body) VALUES (?)")?.execute([body])?;
                answers.push(answer);
            }
            conn.prepare_cached("COMMIT")?.execute([])?;
            for answer in answers {
                let _ = answer.send(());
            }
        }
        Ok(())
    });
    let done = rate(producers, window, move |_| {
        let (answer, answered) = mpsc::sync_channel(1);
        send.send((body(), answer))?;
        Ok(answered.recv()?)
    })?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(done)
}

fn job(tx: &mut dyn Tx, tenant: &TenantId, body: &str) -> Result<u64, StoreError> {
    let epoch = tx.epoch(tenant)?;
    let seq = tx.head(&LOG, tenant, "decisions")?.map_or(1, |head| head.seq + 1);
    let columns = ["send_email".into(), "allow".into(), "agent-1".into(), Value::Bytes(vec![7; 32])];
    let at = Time::from_micros(1_700_000_000_000_000).plus_micros(seq as i64);
    tx.append(&LOG, tenant, "decisions", &NewEntry { seq, at, columns: &columns, body })?;
    tx.add(&COUNTS, tenant, "calls", 1, None)?;
    tx.add(&COUNTS, tenant, "calls/allow", 1, None)?;
    Ok(epoch)
}

fn open(folder: &Path) -> Outcome<Arc<SqliteStore>> {
    Ok(Arc::new(SqliteStore::open(folder.join("loop.db"), Options::new(CATALOG))?))
}

fn submit(store: &SqliteStore) -> Ticket<Result<u64, StoreError>> {
    let (tenant, body) = (TenantId::default_tenant(), body());
    store.transact("measure", Lane::Decision, move |tx| job(tx, &tenant, &body))
}

fn ours(producers: usize, window: Duration) -> Outcome<u64> {
    let folder = tempfile::tempdir()?;
    let store = open(folder.path())?;
    rate(producers, window, move |_| submit(&store).wait().map(drop).map_err(Into::into))
}

fn in_flight(depth: usize, window: Duration) -> Outcome<u64> {
    let folder = tempfile::tempdir()?;
    let store = open(folder.path())?;
    let waiting = std::sync::Mutex::new(std::collections::VecDeque::new());
    rate(1, window, move |_| {
        let mut waiting = waiting.lock().map_err(|_| "a producer panicked")?;
        while waiting.len() < depth {
            waiting.push_back(submit(&store));
        }
        let first = waiting.pop_front().ok_or("nothing in flight")?;
        Ok(first.wait().map(drop)?)
    })
}
