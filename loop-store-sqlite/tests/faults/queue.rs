//! Queues that are full, and stores that are closed while something waits.

use std::{sync::Arc, thread};

use loop_core::store::{Access, Job, JobEnd, Lane, Store, StoreError, StoreExt, Ticket};
use loop_store_sqlite::{Depths, Options, SqliteStore};

use crate::file::{folder, hold, ids, open, options, put, tenant};

#[test]
fn a_full_queue_refuses_at_once_and_keeps_the_rest() {
    let (_folder, file) = folder();
    let store = SqliteStore::open(&file, Options { queue_depth: 3, ..options() }).unwrap();
    let gate = hold(&store);
    let waiting: Vec<_> = ["a", "b", "c"].iter().map(|id| put(&store, id, 1)).collect();
    // The writer is held, so only a refusal can end these.
    for id in ["d", "e"] {
        assert!(matches!(put(&store, id, 1).wait(), Err(StoreError::Unavailable(_))));
    }
    let urgent: Ticket<Result<u64, StoreError>> =
        store.transact("faults.urgent", Lane::Decision, |tx| tx.bump_epoch(&tenant()));
    gate.complete(());
    assert_eq!(urgent.wait(), Ok(1));
    for ticket in waiting {
        assert_eq!(ticket.wait(), Ok(()));
    }
    assert_eq!(ids(&store), ["a", "b", "c"]);
}

#[test]
fn what_waits_and_what_was_done_is_counted() {
    let (_folder, file) = folder();
    let store = open(&file);
    let before = store.stats();
    let gate = hold(&store);
    let tickets: Vec<_> = (0..5).map(|id| put(&store, &format!("{id}"), 1)).collect();
    assert_eq!(store.stats().writes, Depths { normal: 5, ..Depths::default() });
    gate.complete(());
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    store.close();
    let after = store.stats();
    assert_eq!((after.writes, after.reads), Default::default());
    // The one that held the writer, and the five behind it, together or not.
    assert_eq!(after.batches.sum - before.batches.sum, 6);
    assert!((2..=6).contains(&(after.batches.count - before.batches.count)), "{after:?}");
    assert_eq!(after.batches.count, after.commits.count);
    assert!(after.commits.sum > before.commits.sum);
}

#[test]
fn closing_ends_what_was_submitted_and_refuses_the_rest() {
    let (_folder, file) = folder();
    let store = Arc::new(open(&file));
    let gate = hold(&store);
    let waiting: Vec<_> = (0..50).map(|number| put(&store, &format!("{number:02}"), 1)).collect();
    let closing = Arc::clone(&store);
    let closer = thread::spawn(move || closing.close());
    gate.complete(());
    closer.join().unwrap();
    assert!(waiting.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert!(matches!(put(&store, "late", 1).wait(), Err(StoreError::Unavailable(_))));
    let read: Result<u64, StoreError> = store.read("faults.late", |tx| tx.epoch(&tenant())).wait();
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    assert_eq!(ids(&open(&file)).len(), 50);
    assert!(!file.with_extension("db-wal").exists(), "the log was not moved into the file");
}

#[test]
fn a_store_may_be_dropped_by_a_done() {
    let (_folder, file) = folder();
    let store = Arc::new(open(&file));
    let (completer, ticket) = Ticket::pair();
    let gate = hold(&store);
    let last = Arc::clone(&store);
    store.submit(Job {
        name: "faults.last",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(|_| JobEnd::Commit),
        done: Box::new(move |outcome| {
            drop(last);
            completer.complete(outcome);
        }),
    });
    drop(store);
    gate.complete(());
    assert_eq!(ticket.wait(), Ok(()));
}
