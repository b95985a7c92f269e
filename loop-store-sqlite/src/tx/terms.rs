//! Sets of ids by term.

use loop_core::{base::TenantId, store::Terms};

use super::{Answer, SqlTx, declared};
use crate::{schema::TermsSql, sql};

pub(super) fn put(tx: &SqlTx<'_>, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<()> {
    let rows = words.iter().map(|word| [tenant.as_str().into(), (*word).into(), id.into()]);
    sql::run_each(tx.conn, &statements(tx, terms)?.put, rows).map(drop)
}

pub(super) fn remove(
    tx: &SqlTx<'_>,
    terms: &'static Terms,
    tenant: &TenantId,
    id: &str,
    words: &[&str],
) -> Answer<usize> {
    let rows = words.iter().map(|word| [tenant.as_str().into(), (*word).into(), id.into()]);
    sql::run_each(tx.conn, &statements(tx, terms)?.take, rows)
}

pub(super) fn holders(
    tx: &SqlTx<'_>,
    terms: &'static Terms,
    tenant: &TenantId,
    term: &str,
    after: Option<&str>,
    limit: u32,
    offset: u32,
) -> Answer<Vec<String>> {
    let statements = statements(tx, terms)?;
    let tenant = tenant.as_str();
    match after {
        None => {
            let binds = [tenant.into(), term.into(), limit.into(), offset.into()];
            sql::all(tx.conn, &statements.of, binds, |row| sql::text(row, 0))
        }
        Some(after) => {
            let binds = [tenant.into(), term.into(), after.into(), limit.into(), offset.into()];
            sql::all(tx.conn, &statements.of_after, binds, |row| sql::text(row, 0))
        }
    }
}

pub(super) fn count(tx: &SqlTx<'_>, terms: &'static Terms, tenant: &TenantId, term: &str) -> Answer<u64> {
    let binds = [tenant.as_str().into(), term.into()];
    Ok(sql::first(tx.conn, &statements(tx, terms)?.count, binds, |row| sql::number(row, 0))?.unwrap_or(0))
}

pub(super) fn under(
    tx: &SqlTx<'_>,
    terms: &'static Terms,
    tenant: &TenantId,
    prefix: &str,
    after: Option<(&str, &str)>,
    limit: u32,
) -> Answer<Vec<(String, String)>> {
    let statements = statements(tx, terms)?;
    let tenant = tenant.as_str();
    let mut found = Vec::new();
    let read = |row: &rusqlite::Row<'_>| {
        let term = sql::text(row, 0)?;
        // Terms are in order of their bytes, so those with the prefix come first and in one piece.
        let named = term.starts_with(prefix);
        if named {
            found.push((term, sql::text(row, 1)?));
        }
        Ok(named)
    };
    match after.filter(|(term, _)| *term >= prefix) {
        None => {
            sql::while_some(tx.conn, &statements.under, [tenant.into(), prefix.into(), limit.into()], read)?;
        }
        Some((term, id)) => {
            let binds = [tenant.into(), term.into(), id.into(), limit.into()];
            sql::while_some(tx.conn, &statements.under_after, binds, read)?;
        }
    }
    Ok(found)
}

fn statements<'s>(tx: &SqlTx<'s>, terms: &'static Terms) -> Answer<&'s TermsSql> {
    declared(tx.statements.terms.get(terms.name), terms.name)
}
