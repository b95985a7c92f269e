//! Opening a file: is it ours, is it sound, which version has it, and the way to the newest one.

use std::{path::Path, time::Duration};

use loop_core::store::StoreError;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    fault::fault,
    options::{Durability, Options},
    schema::{Statements, ddl},
};

/// Stands in the header of every file of ours: `Loop` in ASCII.
const APPLICATION_ID: i64 = 0x4c6f_6f70;

/// Files up to this size, in bytes, are checked page by page when they are opened.
const SMALL: i64 = 32 << 20;

/// Statements kept compiled per connection.
const STATEMENTS: usize = 256;

/// Pages kept in memory by the connection that writes, in KiB at most: the ends of all tables and indexes. Not more, for
/// SQLite looks through all of them whenever a transaction has moved a page.
const WRITE_CACHE: i32 = 8 << 10;

/// Pages kept in memory by each connection that reads, in KiB at most.
const READ_CACHE: i32 = 8 << 10;

type Answer<T> = Result<T, StoreError>;

/// Opens the connection that writes, bringing the file to the newest version. Without a path, a database in memory.
pub(crate) fn open_writer(path: Option<&Path>, options: &Options, statements: &Statements) -> Answer<Connection> {
    options.catalog.check()?;
    let conn = connect(path, options.read_only, options)?;
    let scripts = Scripts::of(options);
    let found = scripts.version(&conn)?;
    if !options.read_only {
        if conn.is_readonly("main").map_err(fault)? {
            return Err(StoreError::ReadOnly);
        }
        set_up(&conn, options)?;
        if found < scripts.newest() {
            scripts.migrate(&conn)?;
        }
    } else if found < scripts.newest() {
        return Err(StoreError::ReadOnly);
    }
    if options.check {
        check(&conn, statements)?;
    }
    // From here on the writer waits for other processes itself.
    conn.busy_timeout(Duration::ZERO).map_err(fault)?;
    Ok(conn)
}

/// Opens a connection that only reads a file which [`open_writer`] has opened.
pub(crate) fn open_reader(path: &Path, options: &Options) -> Answer<Connection> {
    connect(Some(path), true, options)
}

fn connect(path: Option<&Path>, read_only: bool, options: &Options) -> Answer<Connection> {
    let mode = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match path {
        Some(path) => Connection::open_with_flags(path, flags).map_err(|error| match fault(error) {
            StoreError::Unavailable(_) if !path.exists() && parent(path).is_dir() => StoreError::ReadOnly,
            other => other,
        })?,
        None => Connection::open_in_memory_with_flags(flags).map_err(fault)?,
    };
    conn.busy_timeout(options.busy_timeout).map_err(fault)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // SQLite counts a negative size in KiB.
    conn.pragma_update(None, "cache_size", if read_only { -READ_CACHE } else { -WRITE_CACHE }).map_err(fault)?;
    for (config, on) in [
        // A misspelt column is an error, not a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // A damaged or hostile file must not make SQLite do more than read and write rows.
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // Otherwise plans depend on the values bound, and every statement with `LIMIT ?` is compiled anew for each.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        conn.set_db_config(config, on).map_err(fault)?;
    }
    Ok(conn)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn set_up(conn: &Connection, options: &Options) -> Answer<()> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    if mode != "wal" && mode != "memory" {
        return Err(StoreError::Internal(format!("the file keeps journal mode `{mode}`")));
    }
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Process => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous).map_err(fault)?;
    // What is redacted or deleted is overwritten where that costs no further I/O.
    conn.execute_batch("PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON")
        .map_err(fault)?;
    // A log that readers let grow is cut to 64 MiB when it starts over.
    conn.pragma_update(None, "journal_size_limit", 64 << 20).map_err(fault)?;
    if let Some(pages) = options.max_pages {
        conn.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(fault)?;
    }
    Ok(())
}

/// The numbered scripts; the first makes version 1.
enum Scripts<'o> {
    /// Version 1 straight from the catalog.
    Generated(&'o Options),
    Numbered(&'static [&'static str]),
}

impl<'o> Scripts<'o> {
    const fn of(options: &'o Options) -> Self {
        if options.migrations.is_empty() { Self::Generated(options) } else { Self::Numbered(options.migrations) }
    }

    fn newest(&self) -> u32 {
        match self {
            Self::Generated(_) => 1,
            Self::Numbered(scripts) => u32::try_from(scripts.len()).unwrap_or(u32::MAX),
        }
    }

    /// The version of the file, 0 when it is new.
    fn version(&self, conn: &Connection) -> Answer<u32> {
        let version = u32::try_from(pragma(conn, "user_version")?).unwrap_or(u32::MAX);
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
        let ours = pragma(conn, "application_id")? == APPLICATION_ID;
        if !ours && (version > 0 || tables > 0) {
            return Err(StoreError::Corrupt("the file belongs to another program".to_owned()));
        }
        if version > self.newest() {
            return Err(StoreError::Newer { found: version, known: self.newest() });
        }
        Ok(version)
    }

    /// Runs what the file lacks, in one transaction. Another process may have been faster.
    fn migrate(&self, conn: &Connection) -> Answer<()> {
        conn.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
        let migrated = self.version(conn).and_then(|version| {
            match self {
                Self::Generated(options) if version == 0 => {
                    conn.execute_batch(&ddl(&options.catalog)).map_err(fault)?
                }
                Self::Generated(_) => {}
                Self::Numbered(scripts) => {
                    for script in scripts.iter().skip(version as usize) {
                        conn.execute_batch(script).map_err(fault)?;
                    }
                }
            }
            conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
            conn.pragma_update(None, "user_version", self.newest()).map_err(fault)?;
            conn.execute_batch("COMMIT").map_err(fault)
        });
        if migrated.is_err() && !conn.is_autocommit() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        migrated
    }
}

/// Finds damage that can be found without reading a large file to its end.
fn check(conn: &Connection, statements: &Statements) -> Answer<()> {
    for probe in statements.probes() {
        conn.prepare(probe).map(drop).map_err(|error| match fault(error) {
            StoreError::Internal(text) => StoreError::Corrupt(text),
            other => other,
        })?;
    }
    if pragma(conn, "page_count")?.saturating_mul(pragma(conn, "page_size")?) <= SMALL {
        let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
        if found != "ok" {
            return Err(StoreError::Corrupt(found));
        }
    }
    Ok(())
}

fn pragma(conn: &Connection, name: &str) -> Answer<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0)).map_err(fault)
}

#[cfg(test)]
mod tests {
    use loop_core::store::conformance::CATALOG;
    use rusqlite::StatementStatus;

    use super::open_writer;
    use crate::{options::Options, schema::Statements};

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound_to_its_limit() {
        let conn = open_writer(None, &Options::new(CATALOG), &Statements::new(&CATALOG)).unwrap();
        let mut statement = conn.prepare("SELECT tenant FROM epochs WHERE epoch > ? ORDER BY epoch LIMIT ?").unwrap();
        for limit in [1, 50, 1_000] {
            assert!(statement.query((0, limit)).unwrap().next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
