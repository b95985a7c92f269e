//! A file of the test's own, and small writes to it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use loop_core::{
    base::{TenantId, Time},
    store::{
        Access, Job, JobEnd, Lane, Record, RecordQuery, Store, StoreError, StoreExt, Ticket,
        conformance::{CATALOG, catalog::BARE},
    },
};
use loop_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.db");
    (folder, file)
}

pub fn options() -> Options {
    Options { busy_timeout: Duration::from_millis(50), ..Options::new(CATALOG) }
}

pub fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, options()).unwrap()
}

pub fn tenant() -> TenantId {
    TenantId::default_tenant()
}

pub fn put(store: &SqliteStore, id: &str, size: usize) -> Ticket<Result<(), StoreError>> {
    let (id, body) = (id.to_owned(), "x".repeat(size));
    let record = Record { id, version: 1, created_at: Time::EPOCH, updated_at: Time::EPOCH, columns: Vec::new(), body };
    store.transact("faults.put", Lane::Normal, move |tx| tx.insert(&BARE, &tenant(), &record))
}

pub fn ids(store: &SqliteStore) -> Vec<String> {
    let all = RecordQuery { limit: u32::MAX, ..Default::default() };
    let found: Result<Vec<Record>, StoreError> =
        store.read("faults.ids", move |tx| tx.list(&BARE, &tenant(), &all)).wait();
    found.unwrap().into_iter().map(|record| record.id).collect()
}

/// Keeps the writer busy until the answer is completed.
pub fn hold(store: &SqliteStore) -> loop_core::store::Completer<()> {
    let (open, opened) = Ticket::pair();
    let (entered, in_place) = Ticket::pair();
    let mut waits = Some((entered, opened));
    store.submit(Job {
        name: "faults.hold",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(move |_| {
            if let Some((entered, opened)) = waits.take() {
                entered.complete(());
                opened.wait();
            }
            JobEnd::Commit
        }),
        done: Box::new(|_| ()),
    });
    in_place.wait();
    open
}
