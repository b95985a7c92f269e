//! The suite of `loop_core` on a file and in memory, with and without threads for reads.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use loop_core::store::{
    Store,
    conformance::{self, CATALOG, model},
};
use loop_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

/// Fresh files in folders that go away with it.
#[derive(Default)]
struct Files(Mutex<Vec<TempDir>>);

impl Files {
    fn open(&self, options: Options) -> Arc<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("loop.db"), options).unwrap();
        self.0.lock().unwrap().push(folder);
        Arc::new(store)
    }
}

fn quick() -> Options {
    Options { durability: loop_store_sqlite::Durability::Process, ..Options::new(CATALOG) }
}

#[test]
fn a_file_passes_the_suite() {
    let files = Files::default();
    conformance::run(&|| files.open(Options::new(CATALOG)));
}

#[test]
fn a_file_without_readers_passes_the_suite() {
    let files = Files::default();
    conformance::run(&|| files.open(Options { readers: 0, ..quick() }));
}

#[test]
fn a_file_without_any_threads_passes_the_suite() {
    let files = Files::default();
    conformance::run(&|| files.open(Options { threads: false, ..quick() }));
}

#[test]
fn a_batch_of_one_passes_the_suite() {
    let files = Files::default();
    conformance::run(&|| files.open(Options { batch_max: 1, ..quick() }));
}

#[test]
fn a_database_in_memory_passes_the_suite() {
    conformance::run(&|| Arc::new(SqliteStore::open_in_memory(Options::new(CATALOG)).unwrap()));
}

#[test]
fn random_histories_agree_with_the_reference_store() {
    let new = || -> Arc<dyn Store> { Arc::new(SqliteStore::open_in_memory(Options::new(CATALOG)).unwrap()) };
    model::compare(192, &new, model::Start::Gated);
}

#[test]
fn random_histories_on_a_file_agree_with_the_reference_store() {
    let files = Files::default();
    model::compare(48, &|| files.open(Options { batch_max: 3, ..quick() }), model::Start::Gated);
}
