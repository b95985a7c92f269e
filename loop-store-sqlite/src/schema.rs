//! The tables that a catalog declares, and the texts of the statements on them.

use std::fmt::Write;

use hashbrown::HashMap;
use loop_core::store::{Blocks, Catalog, Column, Index, Journal, Kind, Ledger, Queue, Spans, Table, Terms};

/// The script that makes the tables of a catalog.
#[must_use]
pub fn ddl(catalog: &Catalog) -> String {
    let mut out = String::from(EPOCHS);
    for table in catalog.tables {
        record_table(&mut out, table);
    }
    for journal in catalog.journals {
        journal_table(&mut out, journal);
    }
    for queue in catalog.queues {
        queue_tables(&mut out, queue);
    }
    for spans in catalog.spans {
        span_table(&mut out, spans);
    }
    for blocks in catalog.blocks {
        block_tables(&mut out, blocks);
    }
    for ledger in catalog.ledgers {
        ledger_tables(&mut out, ledger);
    }
    for terms in catalog.terms {
        term_table(&mut out, terms);
    }
    out
}

const EPOCHS: &str = "\
-- Policy epochs: one number per tenant, greater than every number given before.
CREATE TABLE epochs (
  tenant TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
";

// Rows that carry a body are rowid tables: SQLite keeps large rows out of its keys that way. The others are
// clustered by their key.

/// How many bits of a journal row's key are its number in the stream; those above are the stream's own number.
///
/// With tenant and stream in one integer an append touches one tree for the row and one short entry for each
/// searched column, and the rows of a stream still lie together.
pub(crate) const SEQ_BITS: u32 = 40;

fn record_table(out: &mut String, table: &Table) {
    let name = table.name;
    let columns = declared(table.columns);
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}\" (\n  tenant TEXT NOT NULL,\n  id TEXT NOT NULL,\n  version INTEGER NOT NULL,\n  \
         created_at INTEGER NOT NULL,\n  updated_at INTEGER NOT NULL,\n{columns}  body TEXT NOT NULL,\n  \
         PRIMARY KEY (tenant, id)\n) STRICT;\n"
    );
    for column in table.columns {
        let at = column.name;
        let _ = match column.index {
            Index::None => Ok(()),
            Index::Plain => writeln!(
                out,
                "CREATE INDEX \"{name}.{at}\" ON \"{name}\" (tenant, \"{at}\", id) WHERE \"{at}\" IS NOT NULL;"
            ),
            Index::Unique => writeln!(
                out,
                "CREATE UNIQUE INDEX \"{name}.{at}\" ON \"{name}\" (tenant, \"{at}\") WHERE \"{at}\" IS NOT NULL;"
            ),
        };
    }
}

fn journal_table(out: &mut String, journal: &Journal) {
    let name = journal.name;
    let columns = declared(journal.columns);
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}_streams\" (\n  no INTEGER PRIMARY KEY,\n  tenant TEXT NOT NULL,\n  \
         stream TEXT NOT NULL,\n  UNIQUE (tenant, stream)\n) STRICT;\n\
         CREATE TABLE \"{name}\" (\n  key INTEGER PRIMARY KEY,\n  \
         no INTEGER GENERATED ALWAYS AS (key >> {SEQ_BITS}) VIRTUAL,\n  \
         seq INTEGER GENERATED ALWAYS AS (key & ((1 << {SEQ_BITS}) - 1)) VIRTUAL,\n  \
         at INTEGER NOT NULL,\n{columns}  body TEXT\n) STRICT;\n"
    );
    for column in journal.columns.iter().filter(|column| column.index != Index::None) {
        let at = column.name;
        let _ = writeln!(out, "CREATE INDEX \"{name}.{at}\" ON \"{name}\" (\"{at}\", key) WHERE \"{at}\" IS NOT NULL;");
    }
}

fn queue_tables(out: &mut String, queue: &Queue) {
    let name = queue.name;
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}\" (\n  tenant TEXT NOT NULL,\n  key BLOB NOT NULL,\n  id TEXT NOT NULL,\n  \
         PRIMARY KEY (tenant, key, id),\n  UNIQUE (tenant, id)\n) STRICT, WITHOUT ROWID;\n\
         CREATE TABLE \"{name}_leases\" (\n  tenant TEXT NOT NULL,\n  id TEXT NOT NULL,\n  key BLOB NOT NULL,\n  \
         until INTEGER NOT NULL,\n  holder BLOB NOT NULL,\n  PRIMARY KEY (tenant, id)\n) STRICT, WITHOUT ROWID;\n\
         CREATE INDEX \"{name}_leases.until\" ON \"{name}_leases\" (tenant, until, id);\n"
    );
}

fn span_table(out: &mut String, spans: &Spans) {
    let name = spans.name;
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}\" (\n  tenant TEXT NOT NULL,\n  grp TEXT NOT NULL,\n  at INTEGER NOT NULL,\n  \
         id TEXT NOT NULL,\n  body TEXT NOT NULL,\n  PRIMARY KEY (tenant, grp, id)\n) STRICT;\n\
         CREATE INDEX \"{name}.grp\" ON \"{name}\" (tenant, grp, at, id);\n\
         CREATE INDEX \"{name}.at\" ON \"{name}\" (tenant, at, id, grp);\n"
    );
}

fn ledger_tables(out: &mut String, ledger: &Ledger) {
    let name = ledger.name;
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}\" (\n  tenant TEXT NOT NULL,\n  account TEXT NOT NULL,\n  total INTEGER NOT NULL,\n  \
         held INTEGER NOT NULL,\n  PRIMARY KEY (tenant, account)\n) STRICT, WITHOUT ROWID;\n\
         CREATE TABLE \"{name}_holds\" (\n  tenant TEXT NOT NULL,\n  id TEXT NOT NULL,\n  account TEXT NOT NULL,\n  \
         amount INTEGER NOT NULL,\n  until INTEGER NOT NULL,\n  PRIMARY KEY (tenant, id)\n) STRICT, WITHOUT ROWID;\n\
         CREATE INDEX \"{name}_holds.until\" ON \"{name}_holds\" (tenant, until, id);\n"
    );
}

/// How many bits of a part's key are its number in the block.
pub(crate) const PART_BITS: u32 = 12;
/// How many bits of a block's key are its number in the group; those above are the group's own number.
pub(crate) const BLOCK_BITS: u32 = 31;

// Heads lie together in the order of arrival, so a window is walked nearly in a row; parts lie in the order of arrival too.
// Only marks are spread over their tree, and there is one for a part, not for a row of the writer's.
fn block_tables(out: &mut String, blocks: &Blocks) {
    let name = blocks.name;
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}_groups\" (\n  no INTEGER PRIMARY KEY,\n  tenant TEXT NOT NULL,\n  \
         grp TEXT NOT NULL,\n  UNIQUE (tenant, grp)\n) STRICT;\n\
         CREATE TABLE \"{name}\" (\n  key INTEGER PRIMARY KEY,\n  \
         no INTEGER GENERATED ALWAYS AS (key & ((1 << {BLOCK_BITS}) - 1)) VIRTUAL,\n  grp INTEGER NOT NULL,\n  \
         first INTEGER NOT NULL,\n  last INTEGER NOT NULL,\n  head BLOB NOT NULL\n) STRICT;\n\
         CREATE INDEX \"{name}.last\" ON \"{name}\" (grp, last, key);\n\
         CREATE TABLE \"{name}_parts\" (\n  key INTEGER PRIMARY KEY,\n  body BLOB NOT NULL\n) STRICT;\n\
         CREATE TABLE \"{name}_marks\" (\n  grp INTEGER NOT NULL,\n  mark BLOB NOT NULL,\n  \
         place INTEGER NOT NULL,\n  note BLOB NOT NULL,\n  PRIMARY KEY (grp, mark, place)\n) STRICT, WITHOUT ROWID;\n"
    );
}

fn term_table(out: &mut String, terms: &Terms) {
    let name = terms.name;
    let _ = write!(
        out,
        "\nCREATE TABLE \"{name}\" (\n  tenant TEXT NOT NULL,\n  term TEXT NOT NULL,\n  id TEXT NOT NULL,\n  \
         PRIMARY KEY (tenant, term, id)\n) STRICT, WITHOUT ROWID;\n"
    );
}

fn declared(columns: &[Column]) -> String {
    columns.iter().fold(String::new(), |mut out, column| {
        let kind = match column.kind {
            Kind::Int => "INTEGER",
            Kind::Text => "TEXT",
            Kind::Bytes => "BLOB",
        };
        let _ = writeln!(out, "  \"{}\" {kind},", column.name);
        out
    })
}

/// The statements of every declared table, written once.
pub(crate) struct Statements {
    pub(crate) tables: HashMap<&'static str, TableSql>,
    pub(crate) journals: HashMap<&'static str, JournalSql>,
    pub(crate) queues: HashMap<&'static str, QueueSql>,
    pub(crate) spans: HashMap<&'static str, SpansSql>,
    pub(crate) blocks: HashMap<&'static str, BlocksSql>,
    pub(crate) ledgers: HashMap<&'static str, LedgerSql>,
    pub(crate) terms: HashMap<&'static str, TermsSql>,
}

pub(crate) struct TableSql {
    pub(crate) table: &'static Table,
    /// `SELECT … FROM … WHERE tenant = ?`, to be continued.
    pub(crate) select: String,
    /// `SELECT count(*) FROM … WHERE tenant = ?`, to be continued.
    pub(crate) count: String,
    pub(crate) get: String,
    /// By position of the column; only those of unique columns are used.
    pub(crate) find: Vec<String>,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) delete: String,
}

pub(crate) struct JournalSql {
    pub(crate) journal: &'static Journal,
    /// The number of a stream.
    pub(crate) stream: String,
    pub(crate) stream_put: String,
    pub(crate) streams: String,
    /// `SELECT … FROM … WHERE key > ? AND key < ?`, to be continued.
    pub(crate) select: String,
    /// `SELECT count(*) FROM … WHERE key > ? AND key < ?`, to be continued.
    pub(crate) count: String,
    pub(crate) head: String,
    pub(crate) append: String,
    pub(crate) first: String,
    pub(crate) trim: String,
}

pub(crate) struct QueueSql {
    pub(crate) put: String,
    pub(crate) take: String,
    pub(crate) ready: String,
    pub(crate) ready_after: String,
    pub(crate) ready_up_to: String,
    pub(crate) leased: String,
    pub(crate) lease: String,
    pub(crate) lease_put: String,
    pub(crate) lease_take: String,
    pub(crate) lease_extend: String,
    pub(crate) lease_over: String,
}

pub(crate) struct SpansSql {
    pub(crate) put: String,
    pub(crate) group: String,
    pub(crate) group_after: String,
    pub(crate) window: String,
    pub(crate) window_after: String,
    pub(crate) drop: String,
}

pub(crate) struct BlocksSql {
    /// The number of a group.
    pub(crate) group: String,
    pub(crate) group_put: String,
    /// The greatest key of a group.
    pub(crate) greatest: String,
    pub(crate) put: String,
    pub(crate) part_put: String,
    pub(crate) mark_put: String,
    pub(crate) take: String,
    pub(crate) part_take: String,
    pub(crate) mark_take: String,
    /// `SELECT … FROM … WHERE grp = ?`, to be continued.
    pub(crate) select: String,
    pub(crate) one: String,
    pub(crate) part: String,
    pub(crate) marked: String,
}

pub(crate) struct LedgerSql {
    pub(crate) get: String,
    pub(crate) put: String,
    pub(crate) list: String,
    pub(crate) hold: String,
    pub(crate) hold_put: String,
    pub(crate) hold_take: String,
    pub(crate) holds_over: String,
}

pub(crate) struct TermsSql {
    pub(crate) put: String,
    pub(crate) take: String,
    pub(crate) of: String,
    pub(crate) of_after: String,
    pub(crate) count: String,
    pub(crate) under: String,
    pub(crate) under_after: String,
}

impl Statements {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self {
            tables: catalog.tables.iter().map(|table| (table.name, TableSql::new(table))).collect(),
            journals: catalog.journals.iter().map(|journal| (journal.name, JournalSql::new(journal))).collect(),
            queues: catalog.queues.iter().map(|queue| (queue.name, QueueSql::new(queue.name))).collect(),
            spans: catalog.spans.iter().map(|spans| (spans.name, SpansSql::new(spans.name))).collect(),
            blocks: catalog.blocks.iter().map(|blocks| (blocks.name, BlocksSql::new(blocks.name))).collect(),
            ledgers: catalog.ledgers.iter().map(|ledger| (ledger.name, LedgerSql::new(ledger.name))).collect(),
            terms: catalog.terms.iter().map(|terms| (terms.name, TermsSql::new(terms.name))).collect(),
        }
    }

    /// One statement per table that names all its columns: it cannot be prepared when one is missing.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &str> {
        let tables = self.tables.values().map(|sql| sql.get.as_str());
        let journals = self.journals.values().flat_map(|sql| [sql.append.as_str(), sql.stream_put.as_str()]);
        let queues = self.queues.values().flat_map(|sql| [sql.put.as_str(), sql.lease_put.as_str()]);
        let spans = self.spans.values().map(|sql| sql.put.as_str());
        let blocks = self.blocks.values().flat_map(|sql| [&sql.group_put, &sql.put, &sql.part_put, &sql.mark_put]);
        let ledgers = self.ledgers.values().flat_map(|sql| [sql.put.as_str(), sql.hold_put.as_str()]);
        let terms = self.terms.values().map(|sql| sql.put.as_str());
        tables.chain(journals).chain(queues).chain(spans).chain(blocks.map(String::as_str)).chain(ledgers).chain(terms)
    }
}

/// `"a", "b", ` or nothing.
fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| format!("\"{}\", ", column.name)).collect()
}

/// `?, ?, ` or nothing.
fn marks(columns: &[Column]) -> String {
    columns.iter().map(|_| "?, ").collect()
}

impl TableSql {
    fn new(table: &'static Table) -> Self {
        let (name, columns) = (table.name, names(table.columns));
        let select =
            format!("SELECT id, version, created_at, updated_at, {columns}body FROM \"{name}\" WHERE tenant = ?");
        let sets: String = table.columns.iter().map(|column| format!("\"{}\" = ?, ", column.name)).collect();
        Self {
            table,
            count: format!("SELECT count(*) FROM \"{name}\" WHERE tenant = ?"),
            get: format!("{select} AND id = ?"),
            find: table.columns.iter().map(|column| format!("{select} AND \"{}\" = ?", column.name)).collect(),
            insert: format!(
                "INSERT INTO \"{name}\" (tenant, id, version, created_at, updated_at, {columns}body) \
                 VALUES (?, ?, 1, ?, ?, {}?)",
                marks(table.columns)
            ),
            update: format!(
                "UPDATE \"{name}\" SET version = version + 1, updated_at = ?, {sets}body = ? \
                 WHERE tenant = ? AND id = ? AND version = ?"
            ),
            delete: format!("DELETE FROM \"{name}\" WHERE tenant = ? AND id = ?"),
            select,
        }
    }
}

impl JournalSql {
    fn new(journal: &'static Journal) -> Self {
        let (name, columns) = (journal.name, names(journal.columns));
        let within = format!("FROM \"{name}\" WHERE key > ? AND key < ?");
        Self {
            journal,
            stream: format!("SELECT no FROM \"{name}_streams\" WHERE tenant = ? AND stream = ?"),
            stream_put: format!("INSERT INTO \"{name}_streams\" (tenant, stream) VALUES (?, ?)"),
            streams: format!("SELECT stream FROM \"{name}_streams\" WHERE tenant = ? ORDER BY stream"),
            select: format!("SELECT seq, at, {columns}body {within}"),
            count: format!("SELECT count(*) {within}"),
            head: format!("SELECT seq, at, {columns}NULL {within} ORDER BY key DESC LIMIT 1"),
            append: format!(
                "INSERT INTO \"{name}\" (key, at, {columns}body) VALUES (?, ?, {}?)",
                marks(journal.columns)
            ),
            first: format!("SELECT seq {within} ORDER BY key LIMIT 1"),
            trim: format!("DELETE {within}"),
        }
    }

    /// Reads these columns of entries only: whatever is not wanted costs nothing.
    pub(crate) fn walk<'c>(journal: &Journal, columns: impl Iterator<Item = &'c Column>) -> String {
        let columns: String = columns.map(|column| format!("\"{}\", ", column.name)).collect();
        format!("SELECT seq, at, {columns}body FROM \"{}\" WHERE key > ? AND key < ?", journal.name)
    }

    /// Clears the body of an entry and the named columns, which the caller has checked.
    pub(crate) fn redact(journal: &Journal, columns: &[&str]) -> String {
        let sets: String = columns.iter().map(|column| format!("\"{column}\" = NULL, ")).collect();
        format!("UPDATE \"{}\" SET {sets}body = NULL WHERE key = ?", journal.name)
    }
}

impl QueueSql {
    fn new(name: &str) -> Self {
        let ready = format!("SELECT key, id FROM \"{name}\" WHERE tenant = ?");
        Self {
            put: format!(
                "INSERT INTO \"{name}\" (tenant, key, id) VALUES (?, ?, ?) \
                 ON CONFLICT (tenant, id) DO UPDATE SET key = excluded.key"
            ),
            take: format!("DELETE FROM \"{name}\" WHERE tenant = ? AND id = ?"),
            ready: format!("{ready} ORDER BY key, id LIMIT ?"),
            ready_after: format!("{ready} AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?"),
            ready_up_to: format!("{ready} AND key <= ? ORDER BY key, id LIMIT ?"),
            leased: format!("SELECT EXISTS (SELECT 1 FROM \"{name}_leases\")"),
            lease: format!("SELECT key, until, holder FROM \"{name}_leases\" WHERE tenant = ? AND id = ?"),
            lease_put: format!("INSERT INTO \"{name}_leases\" (tenant, id, key, until, holder) VALUES (?, ?, ?, ?, ?)"),
            lease_take: format!("DELETE FROM \"{name}_leases\" WHERE tenant = ? AND id = ?"),
            lease_extend: format!("UPDATE \"{name}_leases\" SET until = ? WHERE tenant = ? AND id = ? AND holder = ?"),
            lease_over: format!(
                "SELECT key, id FROM \"{name}_leases\" WHERE tenant = ? AND until <= ? ORDER BY until, id LIMIT ?"
            ),
        }
    }
}

impl SpansSql {
    fn new(name: &str) -> Self {
        let select = format!("SELECT grp, at, id, body FROM \"{name}\" WHERE tenant = ?");
        Self {
            put: format!(
                "INSERT INTO \"{name}\" (tenant, grp, at, id, body) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT (tenant, grp, id) DO UPDATE SET at = excluded.at, body = excluded.body"
            ),
            group: format!("{select} AND grp = ? ORDER BY at, id LIMIT ?"),
            group_after: format!("{select} AND grp = ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?"),
            window: format!("{select} AND at >= ? AND at < ? ORDER BY at, id, grp LIMIT ?"),
            window_after: format!(
                "{select} AND at >= ? AND at < ? AND (at, id, grp) > (?, ?, ?) ORDER BY at, id, grp LIMIT ?"
            ),
            drop: format!(
                "DELETE FROM \"{name}\" WHERE rowid IN \
                 (SELECT rowid FROM \"{name}\" WHERE tenant = ? AND at < ? ORDER BY at, id, grp LIMIT ?)"
            ),
        }
    }
}

impl BlocksSql {
    fn new(name: &str) -> Self {
        let select = format!("SELECT no, first, last, head FROM \"{name}\"");
        Self {
            group: format!("SELECT no FROM \"{name}_groups\" WHERE tenant = ? AND grp = ?"),
            group_put: format!("INSERT INTO \"{name}_groups\" (tenant, grp) VALUES (?, ?)"),
            greatest: format!("SELECT max(key) FROM \"{name}\" WHERE key BETWEEN ? AND ?"),
            put: format!("INSERT INTO \"{name}\" (key, grp, first, last, head) VALUES (?, ?, ?, ?, ?)"),
            part_put: format!("INSERT INTO \"{name}_parts\" (key, body) VALUES (?, ?)"),
            mark_put: format!("INSERT OR REPLACE INTO \"{name}_marks\" (grp, mark, place, note) VALUES (?, ?, ?, ?)"),
            take: format!("DELETE FROM \"{name}\" WHERE key = ?"),
            part_take: format!("DELETE FROM \"{name}_parts\" WHERE key BETWEEN ? AND ?"),
            mark_take: format!("DELETE FROM \"{name}_marks\" WHERE grp = ? AND mark = ? AND place BETWEEN ? AND ?"),
            one: format!("{select} WHERE key = ?"),
            select: format!("{select} WHERE grp = ?"),
            part: format!("SELECT body FROM \"{name}_parts\" WHERE key = ?"),
            marked: format!(
                "SELECT place, note FROM \"{name}_marks\" WHERE grp = ? AND mark = ? AND place > ? ORDER BY place LIMIT ?"
            ),
        }
    }
}

impl LedgerSql {
    fn new(name: &str) -> Self {
        Self {
            get: format!("SELECT total, held FROM \"{name}\" WHERE tenant = ? AND account = ?"),
            put: format!(
                "INSERT INTO \"{name}\" (tenant, account, total, held) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (tenant, account) DO UPDATE SET total = excluded.total, held = excluded.held"
            ),
            list: format!(
                "SELECT account, total, held FROM \"{name}\" WHERE tenant = ? AND account >= ? ORDER BY account LIMIT ?"
            ),
            hold: format!("SELECT id, account, amount, until FROM \"{name}_holds\" WHERE tenant = ? AND id = ?"),
            hold_put: format!(
                "INSERT INTO \"{name}_holds\" (tenant, id, account, amount, until) VALUES (?, ?, ?, ?, ?)"
            ),
            hold_take: format!("DELETE FROM \"{name}_holds\" WHERE tenant = ? AND id = ?"),
            holds_over: format!(
                "SELECT id, account, amount, until FROM \"{name}_holds\" WHERE tenant = ? AND until <= ? \
                 ORDER BY id LIMIT ?"
            ),
        }
    }
}

impl TermsSql {
    fn new(name: &str) -> Self {
        let of = format!("SELECT id FROM \"{name}\" WHERE tenant = ? AND term = ?");
        let under = format!("SELECT term, id FROM \"{name}\" WHERE tenant = ?");
        Self {
            put: format!(
                "INSERT INTO \"{name}\" (tenant, term, id) VALUES (?, ?, ?) ON CONFLICT (tenant, term, id) DO NOTHING"
            ),
            take: format!("DELETE FROM \"{name}\" WHERE tenant = ? AND term = ? AND id = ?"),
            count: format!("SELECT count(*) FROM \"{name}\" WHERE tenant = ? AND term = ?"),
            of_after: format!("{of} AND id > ? ORDER BY id LIMIT ? OFFSET ?"),
            of: format!("{of} ORDER BY id LIMIT ? OFFSET ?"),
            under_after: format!("{under} AND (term, id) > (?, ?) ORDER BY term, id LIMIT ?"),
            under: format!("{under} AND term >= ? ORDER BY term, id LIMIT ?"),
        }
    }
}
