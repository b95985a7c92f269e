//! Records.

use std::iter;

use loop_core::{
    base::TenantId,
    store::{Cond, Index, Order, Record, RecordQuery, StoreError, Table, Value},
};
use rusqlite::Row;

use super::{Answer, SqlTx, declared};
use crate::{
    fault::{fault, is_taken},
    schema::TableSql,
    sql::{self, Bind},
};

pub(super) fn get(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<Option<Record>> {
    let statements = statements(tx, table)?;
    sql::first(tx.conn, &statements.get, [tenant.as_str().into(), id.into()], |row| record(table, row))
}

pub(super) fn find(
    tx: &SqlTx<'_>,
    table: &'static Table,
    tenant: &TenantId,
    column: &str,
    value: &Value,
) -> Answer<Option<Record>> {
    let position = table.unique(column, value)?;
    let by_column = declared(statements(tx, table)?.find.get(position), table.name)?;
    sql::first(tx.conn, by_column, [tenant.as_str().into(), value.into()], |row| record(table, row))
}

pub(super) fn insert(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, new: &Record) -> Answer<()> {
    let statements = statements(tx, table)?;
    table.check_values(&new.columns)?;
    let fixed = [tenant.as_str().into(), new.id.as_str().into(), new.created_at.into(), new.updated_at.into()];
    let binds = fixed.into_iter().chain(new.columns.iter().map(Bind::from)).chain([new.body.as_str().into()]);
    match sql::try_run(tx.conn, &statements.insert, binds) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(match get(tx, table, tenant, &new.id)? {
            Some(_) => duplicate(table, "id"),
            None => taken(tx, table, tenant, new)?,
        }),
        Err(error) => Err(fault(error)),
    }
}

pub(super) fn update(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, new: &Record) -> Answer<bool> {
    let statements = statements(tx, table)?;
    table.check_values(&new.columns)?;
    let key = [tenant.as_str().into(), new.id.as_str().into(), new.version.into()];
    let binds = iter::once(new.updated_at.into())
        .chain(new.columns.iter().map(Bind::from))
        .chain([new.body.as_str().into()])
        .chain(key);
    match sql::try_run(tx.conn, &statements.update, binds) {
        Ok(changed) => Ok(changed == 1),
        Err(error) if is_taken(&error) => Err(taken(tx, table, tenant, new)?),
        Err(error) => Err(fault(error)),
    }
}

pub(super) fn delete(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<bool> {
    let statements = statements(tx, table)?;
    Ok(sql::run(tx.conn, &statements.delete, [tenant.as_str().into(), id.into()])? == 1)
}

pub(super) fn list(
    tx: &SqlTx<'_>,
    table: &'static Table,
    tenant: &TenantId,
    query: &RecordQuery,
) -> Answer<Vec<Record>> {
    table.check_query(query)?;
    match page(statements(tx, table)?, tenant, query) {
        Some((text, binds)) => sql::all(tx.conn, &text, binds, |row| record(table, row)),
        None => Ok(Vec::new()),
    }
}

/// The statement for a checked query; `None` when nothing satisfies it.
fn page<'q>(statements: &TableSql, tenant: &'q TenantId, query: &'q RecordQuery) -> Option<(String, Vec<Bind<'q>>)> {
    let mut text = statements.select.clone();
    let mut binds = vec![tenant.as_str().into()];
    if !push_conds(&mut text, &mut binds, &query.conds) {
        return None;
    }
    let (compare, way) = match query.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    match (query.by, &query.after) {
        (None, None) => {}
        (None, Some((_, id))) => {
            text += &format!(" AND id {compare} ?");
            binds.push(id.as_str().into());
        }
        (Some(by), None) => text += &format!(" AND \"{by}\" IS NOT NULL"),
        (Some(by), Some((value, id))) => {
            text += &format!(" AND \"{by}\" IS NOT NULL AND (\"{by}\", id) {compare} (?, ?)");
            binds.extend([Bind::from(value), id.as_str().into()]);
        }
    }
    // Unique values never tie, and their index does not hold the id to break a tie with.
    let unique = |by| statements.table.columns.iter().any(|column| column.name == by && column.index == Index::Unique);
    text += &match query.by {
        None => format!(" ORDER BY id {way} LIMIT ? OFFSET ?"),
        Some(by) if unique(by) => format!(" ORDER BY \"{by}\" {way} LIMIT ? OFFSET ?"),
        Some(by) => format!(" ORDER BY \"{by}\" {way}, id {way} LIMIT ? OFFSET ?"),
    };
    binds.extend([Bind::from(query.limit), query.offset.into()]);
    Some((text, binds))
}

pub(super) fn count(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, conds: &[Cond]) -> Answer<u64> {
    table.check_conds(conds)?;
    let mut text = statements(tx, table)?.count.clone();
    let mut binds = vec![tenant.as_str().into()];
    if !push_conds(&mut text, &mut binds, conds) {
        return Ok(0);
    }
    Ok(sql::first(tx.conn, &text, binds, |row| sql::number(row, 0))?.unwrap_or(0))
}

/// Adds conditions on checked columns; `false` when one is on a null, which nothing satisfies.
pub(super) fn push_conds<'q>(text: &mut String, binds: &mut Vec<Bind<'q>>, conds: &'q [Cond]) -> bool {
    for cond in conds {
        let compare = match cond {
            Cond::Eq(..) => "=",
            Cond::AtLeast(..) => ">=",
            Cond::Below(..) => "<",
        };
        text.extend([" AND \"", cond.column(), "\" ", compare, " ?"]);
        binds.push(cond.value().into());
    }
    !conds.iter().any(|cond| *cond.value() == Value::Null)
}

/// Which unique column of `new` another record holds.
fn taken(tx: &SqlTx<'_>, table: &'static Table, tenant: &TenantId, new: &Record) -> Answer<StoreError> {
    for (column, value) in table.columns.iter().zip(&new.columns) {
        if column.index == Index::Unique
            && find(tx, table, tenant, column.name, value)?.is_some_and(|other| other.id != new.id)
        {
            return Ok(duplicate(table, column.name));
        }
    }
    Err(StoreError::Internal(format!("a constraint of `{}` failed", table.name)))
}

fn duplicate(table: &Table, column: &str) -> StoreError {
    StoreError::Duplicate { what: format!("{}.{column}", table.name) }
}

fn statements<'s>(tx: &SqlTx<'s>, table: &'static Table) -> Answer<&'s TableSql> {
    declared(tx.statements.tables.get(table.name).filter(|known| known.table == table), table.name)
}

fn record(table: &Table, row: &Row<'_>) -> Answer<Record> {
    let columns = table.columns.iter().enumerate().map(|(at, column)| sql::value(row, at + 4, column.kind));
    Ok(Record {
        id: sql::text(row, 0)?,
        version: sql::number(row, 1)?,
        created_at: sql::time(row, 2)?,
        updated_at: sql::time(row, 3)?,
        columns: columns.collect::<Answer<_>>()?,
        body: sql::text(row, table.columns.len() + 4)?,
    })
}

#[cfg(test)]
mod tests {
    use loop_core::{
        base::TenantId,
        store::{
            Cond, Order, RecordQuery, Value,
            conformance::{CATALOG, catalog::THINGS},
        },
    };
    use rusqlite::{Connection, params_from_iter};

    use super::page;
    use crate::schema::{Statements, ddl};

    /// How SQLite means to answer a query.
    fn plan(query: &RecordQuery) -> String {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let statements = Statements::new(&CATALOG);
        let tenant = TenantId::default_tenant();
        let (text, binds) = page(&statements.tables[THINGS.name], &tenant, query).unwrap();
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let rows = explain.query_map(params_from_iter(binds), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn pages_walk_an_index_and_sort_nothing() {
        for order in [Order::Ascending, Order::Descending] {
            let base = RecordQuery { order, limit: 50, ..Default::default() };
            let after = Some((Value::Int(1), "a".to_owned()));
            let equal = vec![Cond::Eq("group", "g".into())];
            let cases = [
                (base.clone(), "sqlite_autoindex_things_1"),
                (RecordQuery { after: after.clone(), ..base.clone() }, "sqlite_autoindex_things_1"),
                (RecordQuery { by: Some("rank"), ..base.clone() }, "things.rank"),
                (RecordQuery { by: Some("rank"), after: after.clone(), ..base.clone() }, "things.rank"),
                (RecordQuery { conds: equal.clone(), ..base.clone() }, "things.group"),
                (RecordQuery { conds: equal, after, ..base.clone() }, "things.group"),
                (RecordQuery { by: Some("number"), ..base.clone() }, "things.number"),
                (
                    RecordQuery { by: Some("number"), after: Some((Value::Int(1), "a".to_owned())), ..base },
                    "things.number",
                ),
            ];
            for (query, index) in cases {
                let plan = plan(&query);
                assert!(plan.contains(&format!("USING INDEX {index} ")), "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }
}
