//! Several stores, and other processes, on one file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use loop_core::{
    base::Time,
    store::{
        Lane, NewEntry, StoreError, StoreExt, Ticket, Tx,
        conformance::{CATALOG, catalog::DIARY},
    },
};
use loop_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

use crate::file::{folder, ids, open, options, put, tenant};

#[test]
fn a_locked_file_refuses_writes_and_serves_reads_until_it_is_free() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(put(&store, "b", 1).wait(), Err(StoreError::Unavailable(_))));
    assert_eq!(ids(&store), ["a"]);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(put(&store, "c", 1).wait(), Ok(()));
    assert_eq!(ids(&store), ["a", "c"]);
}

#[test]
fn a_new_file_that_another_process_holds_cannot_be_opened() {
    let (_folder, file) = folder();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(SqliteStore::open(&file, options()), Err(StoreError::Unavailable(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ids(&open(&file)), [""; 0]);
}

#[test]
fn a_store_opened_read_only_reads_and_refuses_writes() {
    let (_folder, file) = folder();
    let missing = SqliteStore::open(&file, Options { read_only: true, ..options() });
    assert!(missing.is_err());
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    drop(store);
    let store = SqliteStore::open(&file, Options { read_only: true, ..options() }).unwrap();
    assert_eq!(put(&store, "b", 1).wait(), Err(StoreError::ReadOnly));
    assert_eq!(ids(&store), ["a"]);
    // Beside a writer it sees what is written.
    let writer = open(&file);
    assert_eq!(put(&writer, "c", 1).wait(), Ok(()));
    assert_eq!(ids(&store), ["a", "c"]);
}

#[test]
fn two_stores_on_one_file_take_turns_and_see_each_other() {
    let (_folder, file) = folder();
    let patient = || Options { busy_timeout: Duration::from_secs(20), ..Options::new(CATALOG) };
    let stores: Vec<_> = (0..2).map(|_| Arc::new(SqliteStore::open(&file, patient()).unwrap())).collect();
    let threads: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = Arc::clone(store);
            thread::spawn(move || {
                for _ in 0..60 {
                    let appended: Result<(), StoreError> = store
                        .transact("faults.append", Lane::Normal, |tx| {
                            let seq = tx.head(&DIARY, &tenant(), "s")?.map_or(1, |head| head.seq + 1);
                            let entry = NewEntry { seq, at: Time::EPOCH, columns: [].into(), body: "" };
                            tx.append(&DIARY, &tenant(), "s", &entry)
                        })
                        .wait();
                    assert_eq!(appended, Ok(()));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    for (store, other) in [(&stores[0], &stores[1]), (&stores[1], &stores[0])] {
        let bumped: Result<u64, StoreError> =
            store.transact("faults.bump", Lane::Normal, |tx| tx.bump_epoch(&tenant())).wait();
        let seen: Result<u64, StoreError> =
            other.transact("faults.epoch", Lane::Normal, |tx| tx.epoch(&tenant())).wait();
        assert_eq!(seen, bumped);
        let head: Result<Option<u64>, StoreError> =
            other.read("faults.head", |tx| Ok(tx.head(&DIARY, &tenant(), "s")?.map(|head| head.seq))).wait();
        assert_eq!(head, Ok(Some(120)));
    }
}

#[test]
fn another_process_gets_its_turn_while_the_store_is_busy_all_the_time() {
    let (_folder, file) = folder();
    let busy = Arc::new(SqliteStore::open(&file, Options::new(CATALOG)).unwrap());
    let other = SqliteStore::open(&file, Options::new(CATALOG)).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let bump = |tx: &mut dyn Tx| tx.bump_epoch(&tenant());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (busy, stop) = (Arc::clone(&busy), Arc::clone(&stop));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let tickets: Vec<Ticket<Result<u64, StoreError>>> =
                        (0..32).map(|_| busy.transact("faults.busy", Lane::Normal, bump)).collect();
                    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
                }
            })
        })
        .collect();
    let turns: Vec<Result<u64, StoreError>> =
        (0..20).map(|_| other.transact("faults.turn", Lane::Normal, bump).wait()).collect();
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(turns.iter().all(Result::is_ok), "{turns:?}");
    assert!(turns.is_sorted_by(|a, b| a.as_ref().ok() < b.as_ref().ok()));
}
