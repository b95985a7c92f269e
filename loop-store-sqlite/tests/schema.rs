//! The committed scripts make the tables that the catalog declares.

#![cfg(test)]

use std::{env, fs, path::Path};

use loop_core::engine::CATALOG;
use loop_store_sqlite::{Options, SqliteStore, ddl};
use rusqlite::Connection;

/// Every table and index with its text, in order of their names.
fn schema(conn: &Connection) -> Vec<String> {
    let mut query = conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Until a first release, the first script is written from the catalog: `UPDATE_SCHEMA=1 cargo test -p
/// loop-store-sqlite --test schema`. After it, a changed catalog gets a new script and this test goes.
#[test]
fn the_first_script_is_the_catalog() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/0001_init.sql");
    let text = format!(
        "-- Version 1. Generated from the catalog: UPDATE_SCHEMA=1 cargo test -p loop-store-sqlite --test schema\n\n{}",
        ddl(&CATALOG)
    );
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(file).unwrap(), text, "the script is stale: run this test with UPDATE_SCHEMA=1");
}

#[test]
fn the_scripts_end_in_the_declared_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loop.db");
    SqliteStore::open(&path, Options::default()).unwrap().close();
    let declared = Connection::open_in_memory().unwrap();
    declared.execute_batch(&ddl(&CATALOG)).unwrap();
    assert_eq!(schema(&Connection::open(&path).unwrap()), schema(&declared));
}

#[test]
fn every_table_is_strict_and_led_by_the_tenant() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(&ddl(&CATALOG)).unwrap();
    let mut query = conn.prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").unwrap();
    let tables: Vec<(String, bool)> =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let own: Vec<_> = tables.iter().filter(|(name, _)| !name.starts_with("sqlite_")).collect();
    assert!(own.len() > CATALOG.tables.len());
    for (name, strict) in own {
        assert!(strict, "`{name}` is not strict");
        let first: Vec<(String, bool)> = conn
            .prepare("SELECT name, pk = 1 FROM pragma_table_info(?) ORDER BY cid LIMIT 1")
            .unwrap()
            .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        // The keys of journals and blocks begin with the number of a stream or group, and those are led by the tenant.
        let journal = |suffix| CATALOG.journals.iter().any(|journal| format!("{}{suffix}", journal.name) == *name);
        let blocks = |suffix| CATALOG.blocks.iter().any(|blocks| format!("{}{suffix}", blocks.name) == *name);
        let led_by = match () {
            () if journal("_streams") || blocks("_groups") => "no",
            () if journal("") || blocks("") || blocks("_parts") => "key",
            () if blocks("_marks") => "grp",
            () => "tenant",
        };
        assert_eq!(first, [(led_by.to_owned(), true)], "`{name}`");
    }
}
