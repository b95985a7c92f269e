//! Spans.

use loop_core::{
    base::{TenantId, Time},
    store::{NewSpan, SpanRow, Spans},
};
use rusqlite::Row;

use super::{Answer, SqlTx, declared};
use crate::{schema::SpansSql, sql};

pub(super) fn put(tx: &SqlTx<'_>, spans: &'static Spans, tenant: &TenantId, rows: &[NewSpan<'_>]) -> Answer<()> {
    let statements = statements(tx, spans)?;
    for row in rows {
        let binds = [tenant.as_str().into(), row.group.into(), row.at.into(), row.id.into(), row.body.into()];
        sql::run(tx.conn, &statements.put, binds)?;
    }
    Ok(())
}

pub(super) fn group(
    tx: &SqlTx<'_>,
    spans: &'static Spans,
    tenant: &TenantId,
    group: &str,
    after: Option<(Time, &str)>,
    limit: u32,
) -> Answer<Vec<SpanRow>> {
    let statements = statements(tx, spans)?;
    let tenant = tenant.as_str();
    match after {
        None => sql::all(tx.conn, &statements.group, [tenant.into(), group.into(), limit.into()], span),
        Some((at, id)) => {
            let binds = [tenant.into(), group.into(), at.into(), id.into(), limit.into()];
            sql::all(tx.conn, &statements.group_after, binds, span)
        }
    }
}

pub(super) fn window(
    tx: &SqlTx<'_>,
    spans: &'static Spans,
    tenant: &TenantId,
    from: Time,
    to: Time,
    after: Option<(Time, &str, &str)>,
    limit: u32,
) -> Answer<Vec<SpanRow>> {
    let statements = statements(tx, spans)?;
    let tenant = tenant.as_str();
    match after {
        None => sql::all(tx.conn, &statements.window, [tenant.into(), from.into(), to.into(), limit.into()], span),
        Some((at, id, group)) => {
            let binds = [tenant.into(), from.into(), to.into(), at.into(), id.into(), group.into(), limit.into()];
            sql::all(tx.conn, &statements.window_after, binds, span)
        }
    }
}

pub(super) fn remove(
    tx: &SqlTx<'_>,
    spans: &'static Spans,
    tenant: &TenantId,
    before: Time,
    limit: u32,
) -> Answer<u64> {
    let statements = statements(tx, spans)?;
    Ok(sql::run(tx.conn, &statements.drop, [tenant.as_str().into(), before.into(), limit.into()])? as u64)
}

fn statements<'s>(tx: &SqlTx<'s>, spans: &'static Spans) -> Answer<&'s SpansSql> {
    declared(tx.statements.spans.get(spans.name), spans.name)
}

fn span(row: &Row<'_>) -> Answer<SpanRow> {
    Ok(SpanRow { group: sql::text(row, 0)?, at: sql::time(row, 1)?, id: sql::text(row, 2)?, body: sql::text(row, 3)? })
}
