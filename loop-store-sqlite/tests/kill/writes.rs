//! Plain writes.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use loop_core::{
    base::{TenantId, Time},
    store::{
        JournalQuery, Lane, NewEntry, Record, StoreError, StoreExt, Ticket, Tx, Value,
        conformance::{
            CATALOG,
            catalog::{CREDITS, EVENTS, THINGS},
        },
    },
};
use loop_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

const ROUNDS: u64 = 50;
const PRODUCERS: usize = 6;
/// Names the file to the child.
const FILE: &str = "LOOP_KILL_TEST_FILE";
/// Names the round to the child, so that its ids are its own.
const ROUND: &str = "LOOP_KILL_TEST_ROUND";

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.db");
    // `stream seq` → id.
    let mut acknowledged = BTreeMap::new();
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..ROUNDS {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let enough = dice % 300;
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["writes::child_that_writes", "--exact", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let mut seen = 0;
        let mut alive = true;
        // Past the kill, what is still in the pipe was acknowledged too.
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(ack) = line.strip_prefix("ack ").and_then(|line| line.strip_suffix('\n')) {
                let (place, id) = ack.rsplit_once(' ').unwrap();
                assert_eq!(acknowledged.insert(place.to_owned(), id.to_owned()), None, "`{place}` was given twice");
                seen += 1;
            }
            if alive && seen >= enough && line.contains("ack") {
                child.kill().unwrap();
                alive = false;
            }
            line.clear();
        }
        assert!(!alive, "the child of round {round} ended by itself: {}", child.wait().unwrap());
        child.wait().unwrap();
        check(&file, &acknowledged);
    }
    assert!(acknowledged.len() > 1000, "only {} writes were acknowledged", acknowledged.len());
}

fn check(file: &Path, acknowledged: &BTreeMap<String, String>) {
    let store = SqliteStore::open(file, Options::new(CATALOG)).unwrap();
    let expected = acknowledged.clone();
    let outcome: Result<(), StoreError> = store
        .read("check", move |tx| {
            let t = TenantId::default_tenant();
            let mut entries = 0;
            let mut missing = expected.clone();
            for stream in tx.streams(&EVENTS, &t)? {
                let all = JournalQuery { limit: u32::MAX, ..Default::default() };
                for (entry, seq) in tx.scan(&EVENTS, &t, &stream, &all)?.into_iter().zip(1..) {
                    assert_eq!(entry.seq, seq, "a gap in `{stream}`");
                    let id = entry.body.unwrap();
                    assert!(tx.get(&THINGS, &t, &id)?.is_some(), "half of `{id}` is missing");
                    if let Some(known) = missing.remove(&format!("{stream} {seq}")) {
                        assert_eq!(known, id);
                    }
                    entries += 1;
                }
            }
            assert_eq!(missing, BTreeMap::new(), "acknowledged and lost");
            assert_eq!(tx.count(&THINGS, &t, &[])?, entries);
            let total = tx.balances(&CREDITS, &t, "written", 1)?.first().map_or(0, |(_, balance)| balance.total);
            assert_eq!(total, entries as i64);
            Ok(())
        })
        .wait();
    assert_eq!(outcome, Ok(()));
    drop(store);
    let conn = Connection::open(file).unwrap();
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// One write to three shapes; the number of its entry.
fn write(tx: &mut dyn Tx, stream: &str, id: &str) -> Result<u64, StoreError> {
    let t = TenantId::default_tenant();
    let seq = tx.head(&EVENTS, &t, stream)?.map_or(1, |head| head.seq + 1);
    let columns = [Value::from(stream), Value::Int(1), Value::Null, Value::Null];
    tx.append(&EVENTS, &t, stream, &NewEntry { seq, at: Time::EPOCH, columns: columns.into(), body: id })?;
    let columns = vec![Value::Null; THINGS.columns.len()];
    let (id, body) = (id.to_owned(), "x".repeat(400));
    tx.insert(
        &THINGS,
        &t,
        &Record { id, version: 1, created_at: Time::EPOCH, updated_at: Time::EPOCH, columns, body },
    )?;
    tx.add(&CREDITS, &t, "written", 1, None)?;
    Ok(seq)
}

#[test]
#[ignore = "the process that the test above kills"]
fn child_that_writes() {
    let (Ok(file), Ok(round)) = (env::var(FILE), env::var(ROUND)) else { panic!("started by hand") };
    // A short log, so that kills also fall while it is moved into the file.
    let store = Arc::new(SqliteStore::open(file, Options { log_pages: 100, ..Options::new(CATALOG) }).unwrap());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let (store, round) = (Arc::clone(&store), round.clone());
            thread::spawn(move || {
                let stream = if producer.is_multiple_of(2) { "even" } else { "odd" };
                for number in 0..100_000 {
                    // Several in flight, and now and then one that is undone after it wrote.
                    let tickets: Vec<(String, Ticket<Result<u64, StoreError>>)> = (0..4)
                        .map(|part| {
                            let id = format!("{round}-{producer}-{number}-{part}");
                            let inner = id.clone();
                            let undo = number % 16 == 15 && part == 1;
                            let ticket = store.transact("kill.write", Lane::Normal, move |tx| {
                                let seq = write(tx, stream, &inner)?;
                                if undo { Err(StoreError::Unavailable("on purpose")) } else { Ok(seq) }
                            });
                            (id, ticket)
                        })
                        .collect();
                    for (id, ticket) in tickets {
                        if let Ok(seq) = ticket.wait() {
                            writeln!(std::io::stdout().lock(), "ack {stream} {seq} {id}").unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
}
