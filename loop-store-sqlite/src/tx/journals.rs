//! Journals.

use loop_core::{
    base::TenantId,
    store::{Entry, Head, Journal, JournalQuery, NewEntry, Order, StoreError, Value},
};
use rusqlite::Row;

use super::{Answer, SqlTx, declared, records::push_conds};
use crate::{
    cache::At,
    schema::JournalSql,
    sql::{self, Bind},
};

pub(super) fn head(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
) -> Answer<Option<Head>> {
    let at = At { table: journal.name, tenant, name: stream };
    if let Some(head) = tx.cache.heads.get(&at) {
        return Ok(head.clone());
    }
    let statements = statements(tx, journal)?;
    let head = sql::first(tx.conn, &statements.head, [tenant.as_str().into(), stream.into()], |row| {
        Ok(Head { seq: sql::number(row, 0)?, at: sql::time(row, 1)?, columns: columns(journal, row)? })
    })?;
    tx.cache.set_head(&at, head.clone());
    Ok(head)
}

pub(super) fn append(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    entry: &NewEntry<'_>,
) -> Answer<()> {
    let statements = statements(tx, journal)?;
    journal.check_values(entry.columns)?;
    let next = head_seq(tx, journal, tenant, stream)?.saturating_add(1);
    if entry.seq != next {
        return Err(StoreError::Duplicate { what: format!("{}.seq", journal.name) });
    }
    let fixed = [tenant.as_str().into(), stream.into(), entry.seq.into(), entry.at.into()];
    let binds = fixed.into_iter().chain(entry.columns.iter().map(Bind::from)).chain([entry.body.into()]);
    sql::run(tx.conn, &statements.append, binds)?;
    let head = Head { seq: entry.seq, at: entry.at, columns: entry.columns.to_vec() };
    tx.cache.set_head(&At { table: journal.name, tenant, name: stream }, Some(head));
    Ok(())
}

pub(super) fn scan(
    tx: &SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    query: &JournalQuery,
) -> Answer<Vec<Entry>> {
    journal.check_query(query)?;
    let Some((text, binds)) = page(statements(tx, journal)?, tenant, stream, query) else { return Ok(Vec::new()) };
    sql::all(tx.conn, &text, binds, |row| {
        Ok(Entry {
            seq: sql::number(row, 0)?,
            at: sql::time(row, 1)?,
            columns: columns(journal, row)?,
            body: sql::opt_text(row, journal.columns.len() + 2)?,
        })
    })
}

/// The statement for a checked query; `None` when nothing satisfies it.
fn page<'q>(
    statements: &JournalSql,
    tenant: &'q TenantId,
    stream: &'q str,
    query: &'q JournalQuery,
) -> Option<(String, Vec<Bind<'q>>)> {
    let mut text = statements.select.clone();
    let mut binds = vec![tenant.as_str().into(), stream.into()];
    if !push_query(&mut text, &mut binds, query) {
        return None;
    }
    text += match query.order {
        Order::Ascending => " ORDER BY seq ASC LIMIT ? OFFSET ?",
        Order::Descending => " ORDER BY seq DESC LIMIT ? OFFSET ?",
    };
    binds.extend([Bind::from(query.limit), query.offset.into()]);
    Some((text, binds))
}

pub(super) fn tally(
    tx: &SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    query: &JournalQuery,
) -> Answer<u64> {
    journal.check_query(query)?;
    let mut text = statements(tx, journal)?.count.clone();
    let mut binds = vec![tenant.as_str().into(), stream.into()];
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
    statements(tx, journal)?;
    journal.check_names(columns)?;
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns.dedup();
    tx.cache.heads.remove(&At { table: journal.name, tenant, name: stream });
    let text = JournalSql::redact(journal, &columns);
    Ok(sql::run(tx.conn, &text, [tenant.as_str().into(), stream.into(), seq.into()])? == 1)
}

pub(super) fn trim(
    tx: &mut SqlTx<'_>,
    journal: &'static Journal,
    tenant: &TenantId,
    stream: &str,
    through: u64,
    limit: u32,
) -> Answer<u64> {
    let statements = statements(tx, journal)?;
    let head = head_seq(tx, journal, tenant, stream)?;
    let key = [tenant.as_str().into(), stream.into()];
    let Some(first) = sql::first(tx.conn, &statements.first, key, |row| sql::number(row, 0))? else { return Ok(0) };
    // Entries have no gaps, so `limit` of them end at a known number.
    let last = through.min(head.saturating_sub(1)).min(first.saturating_add(u64::from(limit)).saturating_sub(1));
    Ok(sql::run(tx.conn, &statements.trim, key.into_iter().chain([last.into()]))? as u64)
}

pub(super) fn streams(tx: &SqlTx<'_>, journal: &'static Journal, tenant: &TenantId) -> Answer<Vec<String>> {
    let statements = statements(tx, journal)?;
    let tenant = Bind::from(tenant.as_str());
    let mut found: Vec<String> = Vec::new();
    loop {
        let next = match found.last() {
            None => sql::first(tx.conn, &statements.first_stream, [tenant], |row| sql::text(row, 0))?,
            Some(last) => {
                sql::first(tx.conn, &statements.next_stream, [tenant, last.as_str().into()], |row| sql::text(row, 0))?
            }
        };
        match next {
            Some(stream) => found.push(stream),
            None => return Ok(found),
        }
    }
}

/// Adds the conditions of a query; `false` when nothing satisfies them.
fn push_query<'q>(text: &mut String, binds: &mut Vec<Bind<'q>>, query: &'q JournalQuery) -> bool {
    let bounds: [(&str, Option<Bind<'q>>); 4] = [
        (" AND seq > ?", query.above.map(Bind::from)),
        (" AND seq < ?", query.below.map(Bind::from)),
        (" AND at >= ?", query.since.map(Bind::from)),
        (" AND at < ?", query.until.map(Bind::from)),
    ];
    for (bound, value) in bounds {
        if let Some(value) = value {
            *text += bound;
            binds.push(value);
        }
    }
    push_conds(text, binds, &query.conds)
}

/// The number of the last entry, 0 in an empty stream.
fn head_seq(tx: &mut SqlTx<'_>, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<u64> {
    match tx.cache.heads.get(&At { table: journal.name, tenant, name: stream }) {
        Some(head) => Ok(head.as_ref().map_or(0, |head| head.seq)),
        None => Ok(head(tx, journal, tenant, stream)?.map_or(0, |head| head.seq)),
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
    use loop_core::{
        base::TenantId,
        store::{
            Cond, JournalQuery, Order,
            conformance::{CATALOG, catalog::EVENTS},
        },
    };
    use rusqlite::{Connection, params_from_iter};

    use super::page;
    use crate::schema::{Statements, ddl};

    #[test]
    fn scans_walk_an_index_and_sort_nothing() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let statements = Statements::new(&CATALOG);
        let tenant = TenantId::default_tenant();
        for order in [Order::Ascending, Order::Descending] {
            let base = JournalQuery { order, above: Some(3), limit: 50, ..Default::default() };
            let equal = JournalQuery { conds: vec![Cond::Eq("kind", "k".into())], ..base.clone() };
            for (query, index) in [(base, "sqlite_autoindex_events_1"), (equal, "events.kind")] {
                let (text, binds) = page(&statements.journals[EVENTS.name], &tenant, "s", &query).unwrap();
                let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
                let rows = explain.query_map(params_from_iter(binds), |row| row.get::<_, String>(3)).unwrap();
                let plan = rows.map(Result::unwrap).collect::<Vec<_>>().join("; ");
                assert!(plan.contains(&format!("USING INDEX {index} ")), "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }
}
