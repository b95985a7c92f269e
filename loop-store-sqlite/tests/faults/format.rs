//! Files of another version, of another program, and damaged ones.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use loop_core::{
    base::TenantId,
    store::{Lane, Record, StoreError, StoreExt, conformance::catalog::BARE},
};
use loop_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

use crate::file::{folder, ids, open, options, put, tenant};

#[test]
fn a_file_from_a_newer_program_is_refused_unchanged() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    drop(store);
    let set = |version: u32| Connection::open(&file).unwrap().pragma_update(None, "user_version", version).unwrap();
    set(7);
    assert_eq!(SqliteStore::open(&file, options()).err(), Some(StoreError::Newer { found: 7, known: 1 }));
    set(1);
    assert_eq!(ids(&open(&file)), ["a"]);
}

#[test]
fn migrations_run_in_order_and_once() {
    const FIRST: &str = "CREATE TABLE epochs (tenant TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE) STRICT;";
    const SECOND: &str = "INSERT INTO epochs VALUES ('second', 2);";
    const BROKEN: &str = "INSERT INTO epochs VALUES ('broken', 3); SELECT * FROM nowhere;";
    const NOTHING: loop_core::store::Catalog = loop_core::store::Catalog {
        tables: &[],
        journals: &[],
        queues: &[],
        spans: &[],
        blocks: &[],
        ledgers: &[],
        terms: &[],
    };
    let (_folder, file) = folder();
    let open = |migrations| SqliteStore::open(&file, Options { migrations, ..Options::new(NOTHING) });
    let epoch = |store: &SqliteStore, name: &'static str| -> Result<u64, StoreError> {
        store.read("faults.epoch", move |tx| tx.epoch(&TenantId::from_storage(name))).wait()
    };
    assert_eq!(epoch(&open(&[FIRST]).unwrap(), "second"), Ok(0));
    assert!(open(&[FIRST, SECOND, BROKEN]).is_err());
    // The failed script took the one before it with it.
    assert_eq!(epoch(&open(&[FIRST]).unwrap(), "second"), Ok(0));
    assert_eq!(epoch(&open(&[FIRST, SECOND]).unwrap(), "second"), Ok(2));
    assert_eq!(epoch(&open(&[FIRST, SECOND]).unwrap(), "broken"), Ok(0));
    assert_eq!(open(&[FIRST]).err(), Some(StoreError::Newer { found: 2, known: 1 }));
}

#[test]
fn a_damaged_or_foreign_file_is_refused() {
    let corrupt = |file: &Path| matches!(SqliteStore::open(file, options()), Err(StoreError::Corrupt(_)));
    let (_folder, file) = folder();

    fs::write(&file, "a text, not a database, and long enough to have a header of its own".repeat(99)).unwrap();
    assert!(corrupt(&file), "a text");
    fs::remove_file(&file).unwrap();

    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    assert!(corrupt(&file), "another program's");
    fs::remove_file(&file).unwrap();

    let store = open(&file);
    for number in 0..200 {
        assert_eq!(put(&store, &format!("{number:03}"), 300).wait(), Ok(()));
    }
    drop(store);
    let sound = fs::read(&file).unwrap();

    for page in [1, sound.len() / 4096 / 2, sound.len() / 4096 - 1] {
        let mut handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
        handle.seek(SeekFrom::Start(page as u64 * 4096)).unwrap();
        handle.write_all(&[0xa5; 512]).unwrap();
        drop(handle);
        assert!(corrupt(&file), "page {page} overwritten");
        fs::write(&file, &sound).unwrap();
    }

    fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    assert!(corrupt(&file), "cut off");
    fs::write(&file, &sound).unwrap();

    Connection::open(&file).unwrap().execute_batch("DROP TABLE bare").unwrap();
    assert!(corrupt(&file), "a table missing");
    fs::write(&file, &sound).unwrap();

    assert_eq!(ids(&open(&file)).len(), 200);
}

#[test]
fn damage_behind_an_open_store_is_told() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    // What another program may do to the file: a body that is no text any more.
    let other = Connection::open(&file).unwrap();
    other.execute_batch("UPDATE bare SET body = CAST(x'ff' AS TEXT)").unwrap();
    let read = |store: &SqliteStore| -> Result<Option<Record>, StoreError> {
        store.read("faults.get", |tx| tx.get(&BARE, &tenant(), "a")).wait()
    };
    assert!(matches!(read(&store), Err(StoreError::Corrupt(_))));
    // A job that shrugs off such an error does not commit either.
    let shrug: Result<(), StoreError> = store
        .transact("faults.shrug", Lane::Normal, |tx| {
            let _ = tx.get(&BARE, &tenant(), "a");
            let _ = tx.bump_epoch(&tenant());
            Ok(())
        })
        .wait();
    assert!(matches!(shrug, Err(StoreError::Corrupt(_))));
    let epoch: Result<u64, StoreError> = store.read("faults.epoch", |tx| tx.epoch(&tenant())).wait();
    assert_eq!(epoch, Ok(0));
}
