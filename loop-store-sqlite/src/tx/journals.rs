//! Journals.

use std::sync::Arc;

use loop_core::{
    base::TenantId,
    store::{Entry, Head, Journal, JournalQuery, Lent, NewEntry, Order, StoreError, Value},
};
use rusqlite::Row;
use smallvec::SmallVec;

use super::{Answer, SqlTx, declared, records::push_conds};
use crate::{
    cache::{At, Stream},
    schema::{JournalSql, SEQ_BITS},
    sql::{self, Bind},
};

pub(super) fn head(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
) -> Answer<Option<Head>> {
    Ok(opened(tx, journal, tenant, stream)?.and_then(|known| known.head.clone()))
}

pub(super) fn append(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    entry: &NewEntry<'_>,
) -> Answer<()> {
    journal.check_values(&entry.columns)?;
    let statements = statements(tx, journal)?;
    let (known, next) = match opened(tx, journal, tenant, stream)? {
        Some(known) => (Some(known.no), known.head.as_ref().map_or(1, |head| head.seq.saturating_add(1))),
        None => (None, 1),
    };
    if entry.seq != next {
        return Err(StoreError::Duplicate { what: format!("{}.seq", journal.name) });
    }
    let no = match known {
        Some(no) => no,
        None => {
            sql::run(tx.conn, &statements.stream_put, [tenant.as_str().into(), stream.into()])?;
            tx.conn.last_insert_rowid()
        }
    };
    let key = key(no, entry.seq).ok_or(StoreError::Unavailable("the journal is full"))?;
    let fixed = [Bind::Int(key), entry.at.into()];
    let binds = fixed.into_iter().chain(entry.columns.iter().map(Bind::from)).chain([entry.body.into()]);
    sql::run(tx.conn, &statements.append, binds)?;
    let head = Head { seq: entry.seq, at: entry.at, columns: Arc::clone(&entry.columns) };
    tx.cache.set_stream(&At { table: journal.name, tenant, name: stream }, Stream { no, head: Some(head) });
    Ok(())
}

pub(super) fn scan(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    query: &JournalQuery,
) -> Answer<Vec<Entry>> {
    journal.check_query(query)?;
    let Some(no) = number(tx, journal, tenant, stream)? else { return Ok(Vec::new()) };
    let Some((text, binds)) = page(&statements(tx, journal)?.select, no, query) else { return Ok(Vec::new()) };
    sql::all(tx.conn, &text, binds, |row| {
        Ok(Entry {
            seq: sql::number(row, 0)?,
            at: sql::time(row, 1)?,
            columns: columns(journal, row)?,
            body: sql::opt_text(row, journal.columns.len() + 2)?,
        })
    })
}

pub(super) fn walk(
    tx: &SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    query: &JournalQuery,
    columns: &[&str],
    each: &mut dyn FnMut(&Lent<'_>) -> bool,
) -> Answer<()> {
    journal.check_query(query)?;
    let columns = journal.text_columns(columns)?;
    let Some(no) = number(tx, journal, tenant, stream)? else { return Ok(()) };
    let select = JournalSql::walk(journal, columns.iter().filter_map(|at| journal.columns.get(*at)));
    let Some((text, binds)) = page(&select, no, query) else { return Ok(()) };
    sql::while_some(tx.conn, &text, binds, |row| {
        let mut texts: SmallVec<[Option<&str>; 8]> = SmallVec::new();
        for at in 0..columns.len() {
            texts.push(sql::lent_text(row, at + 2)?);
        }
        let (seq, at) = (sql::number(row, 0)?, sql::time(row, 1)?);
        Ok(each(&Lent { seq, at, texts: &texts, body: sql::lent_text(row, columns.len() + 2)? }))
    })
}

/// The statement for a checked query that reads what `select` says; `None` when nothing satisfies it.
fn page<'q>(select: &str, no: i64, query: &'q JournalQuery) -> Option<(String, Vec<Bind<'q>>)> {
    let mut text = select.to_owned();
    let mut binds = bounds(no, query)?.to_vec();
    if !push_query(&mut text, &mut binds, query) {
        return None;
    }
    text += match query.order {
        Order::Ascending => " ORDER BY key ASC LIMIT ? OFFSET ?",
        Order::Descending => " ORDER BY key DESC LIMIT ? OFFSET ?",
    };
    binds.extend([Bind::from(query.limit), query.offset.into()]);
    Some((text, binds))
}

pub(super) fn tally(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    query: &JournalQuery,
) -> Answer<u64> {
    journal.check_query(query)?;
    let Some(no) = number(tx, journal, tenant, stream)? else { return Ok(0) };
    let mut text = statements(tx, journal)?.count.clone();
    let Some(bounds) = bounds(no, query) else { return Ok(0) };
    let mut binds = bounds.to_vec();
    if !push_query(&mut text, &mut binds, query) {
        return Ok(0);
    }
    Ok(sql::first(tx.conn, &text, binds, |row| sql::number(row, 0))?.unwrap_or(0))
}

pub(super) fn redact(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    seq: u64,
    columns: &[&str],
) -> Answer<bool> {
    journal.check_names(columns)?;
    let Some(key) = number(tx, journal, tenant, stream)?.and_then(|no| key(no, seq)) else { return Ok(false) };
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns.dedup();
    tx.cache.streams.remove(&At { table: journal.name, tenant, name: stream });
    Ok(sql::run(tx.conn, &JournalSql::redact(journal, &columns), [Bind::Int(key)])? == 1)
}

pub(super) fn trim(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    through: u64,
    limit: u32,
) -> Answer<u64> {
    let Some(known) = opened(tx, journal, tenant, stream)? else { return Ok(0) };
    let (no, head) = (known.no, known.head.as_ref().map_or(0, |head| head.seq));
    let statements = statements(tx, journal)?;
    let [above, below] = stream_bounds(no);
    let Some(first) = sql::first(tx.conn, &statements.first, [above, below], |row| sql::number(row, 0))? else {
        return Ok(0);
    };
    // Entries have no gaps, so `limit` of them end at a known number.
    let last = through.min(head.saturating_sub(1)).min(first.saturating_add(u64::from(limit)).saturating_sub(1));
    let below = key(no, last.saturating_add(1)).map_or(below, Bind::Int);
    Ok(sql::run(tx.conn, &statements.trim, [above, below])? as u64)
}

pub(super) fn streams(tx: &SqlTx<'_>, journal: &'static Journal, tenant: &TenantId) -> Answer<Vec<String>> {
    sql::all(tx.conn, &statements(tx, journal)?.streams, [tenant.as_str().into()], |row| sql::text(row, 0))
}

/// The key of an entry; `None` for a number that no entry has.
fn key(no: i64, seq: u64) -> Option<i64> {
    let seq = i64::try_from(seq).ok().filter(|seq| (1..1 << SEQ_BITS).contains(seq))?;
    (1..1 << (63 - SEQ_BITS)).contains(&no).then_some(no << SEQ_BITS | seq)
}

/// Between which keys a stream lies, both exclusive.
const fn stream_bounds<'q>(no: i64) -> [Bind<'q>; 2] {
    let below = match no.saturating_add(1).checked_mul(1 << SEQ_BITS) {
        Some(below) => below,
        None => i64::MAX,
    };
    [Bind::Int(no << SEQ_BITS), Bind::Int(below)]
}

/// Between which keys the entries of a query lie, both exclusive; `None` when there are none.
fn bounds<'q>(no: i64, query: &JournalQuery) -> Option<[Bind<'q>; 2]> {
    let [above, below] = stream_bounds(no);
    let above = match query.above {
        None | Some(0) => above,
        Some(seq) => Bind::Int(key(no, seq)?),
    };
    let below = match query.below {
        None => below,
        Some(0) => return None,
        // Beyond every number that there is.
        Some(seq) => key(no, seq).map_or(below, Bind::Int),
    };
    Some([above, below])
}

/// Adds the conditions of a query; `false` when nothing satisfies them.
fn push_query<'q>(text: &mut String, binds: &mut Vec<Bind<'q>>, query: &'q JournalQuery) -> bool {
    for (bound, value) in [(" AND at >= ?", query.since), (" AND at < ?", query.until)] {
        if let Some(value) = value {
            *text += bound;
            binds.push(value.into());
        }
    }
    push_conds(text, binds, &query.conds)
}

/// A stream's number and head, remembered for the transaction; `None` when nothing was ever appended to it.
fn opened<'t>(
    tx: &'t mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
) -> Answer<Option<&'t Stream>> {
    let statements = statements(tx, journal)?;
    let at = At { table: journal.name, tenant, name: stream };
    if !tx.cache.streams.contains_key(&at) {
        let Some(no) = number(tx, journal, tenant, stream)? else { return Ok(None) };
        let head = sql::first(tx.conn, &statements.head, stream_bounds(no), |row| {
            Ok(Head { seq: sql::number(row, 0)?, at: sql::time(row, 1)?, columns: columns(journal, row)?.into() })
        })?;
        tx.cache.set_stream(&at, Stream { no, head });
    }
    Ok(tx.cache.streams.get(&at))
}

/// The number of a stream.
fn number(tx: &SqlTx<'_>, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<Option<i64>> {
    let statements = statements(tx, journal)?;
    match tx.cache.streams.get(&At { table: journal.name, tenant, name: stream }) {
        Some(known) => Ok(Some(known.no)),
        None => {
            sql::first(tx.conn, &statements.stream, [tenant.as_str().into(), stream.into()], |row| sql::int(row, 0))
        }
    }
}

fn statements<'s>(tx: &SqlTx<'s>, journal: &'static Journal) -> Answer<&'s JournalSql> {
    declared(tx.statements.journals.get(journal.name).filter(|known| known.journal == journal), journal.name)
}

fn columns(journal: &Journal, row: &Row<'_>) -> Answer<Vec<Value>> {
    journal.columns.iter().enumerate().map(|(at, column)| sql::value(row, at + 2, column.kind)).collect()
}

#[cfg(test)]
mod tests {
    use loop_core::store::{
        Cond, JournalQuery, Order,
        conformance::{CATALOG, catalog::EVENTS},
    };
    use rusqlite::{Connection, params_from_iter};

    use super::page;
    use crate::schema::{Statements, ddl};

    #[test]
    fn scans_walk_an_index_and_sort_nothing() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let statements = Statements::new(&CATALOG);
        for order in [Order::Ascending, Order::Descending] {
            let base = JournalQuery { order, above: Some(3), limit: 50, ..Default::default() };
            let equal = JournalQuery { conds: vec![Cond::Eq("kind", "k".into())], ..base.clone() };
            for (query, index) in [(base, "INTEGER PRIMARY KEY"), (equal, "INDEX events.kind")] {
                let (text, binds) = page(&statements.journals[EVENTS.name].select, 3, &query).unwrap();
                let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
                let rows = explain.query_map(params_from_iter(binds), |row| row.get::<_, String>(3)).unwrap();
                let plan = rows.map(Result::unwrap).collect::<Vec<_>>().join("; ");
                assert!(plan.contains(&format!("USING {index} ")), "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }
}
