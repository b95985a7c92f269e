//! Ledgers. Balances live in the cache from their first use and reach the file when the transaction commits, so
//! that an account every job adds to is written once.

use loop_core::{
    base::{TenantId, Time},
    store::{Balance, Hold, Ledger, StoreError},
};
use rusqlite::{Connection, Row};

use super::{Answer, SqlTx, declared};
use crate::{
    cache::{Account, At, Cache},
    schema::{LedgerSql, Statements},
    sql,
};

pub(super) fn add(
    tx: &mut SqlTx<'_>,
    ledger: &'static Ledger,
    tenant: &TenantId,
    account: &str,
    amount: i64,
    floor: Option<i64>,
) -> Answer<Option<Balance>> {
    let cache = &mut *tx.cache;
    // The way of counters that every job of a batch adds to: one look-up.
    if let Some(known) = cache.balances.get_mut(&At { table: ledger.name, tenant, name: account }) {
        let changed = known.balance.add(ledger, amount, floor)?;
        if let Some(balance) = changed {
            cache.unwritten += usize::from(known.written);
            *known = Account { balance, written: false };
            tx.touched = true;
        }
        return Ok(changed);
    }
    let changed = balance(tx, ledger, tenant, account)?.add(ledger, amount, floor)?;
    if let Some(balance) = changed {
        set(tx, ledger, tenant, account, balance);
    }
    Ok(changed)
}

pub(super) fn balances(
    tx: &mut SqlTx<'_>,
    ledger: &'static Ledger,
    tenant: &TenantId,
    prefix: &str,
    limit: u32,
) -> Answer<Vec<(String, Balance)>> {
    let statements = statements(tx, ledger)?;
    flush(tx.conn, tx.statements, tx.cache)?;
    let mut found = Vec::new();
    sql::while_some(tx.conn, &statements.list, [tenant.as_str().into(), prefix.into(), limit.into()], |row| {
        let account = sql::text(row, 0)?;
        // Names are in order of their bytes, so those with the prefix come first and in one piece.
        let named = account.starts_with(prefix);
        if named {
            found.push((account, Balance { total: sql::int(row, 1)?, held: sql::int(row, 2)? }));
        }
        Ok(named)
    })?;
    Ok(found)
}

pub(super) fn hold(
    tx: &mut SqlTx<'_>,
    ledger: &'static Ledger,
    tenant: &TenantId,
    account: &str,
    id: &str,
    amount: i64,
    until: Time,
) -> Answer<bool> {
    let statements = statements(tx, ledger)?;
    if held(tx, ledger, tenant, id)?.is_some() {
        return Err(StoreError::Duplicate { what: format!("{}_holds.id", ledger.name) });
    }
    let Some(balance) = balance(tx, ledger, tenant, account)?.hold(ledger, amount)? else { return Ok(false) };
    let binds = [tenant.as_str().into(), id.into(), account.into(), sql::Bind::Int(amount), until.into()];
    sql::run(tx.conn, &statements.hold_put, binds)?;
    set(tx, ledger, tenant, account, balance);
    Ok(true)
}

pub(super) fn release(
    tx: &mut SqlTx<'_>,
    ledger: &'static Ledger,
    tenant: &TenantId,
    id: &str,
    take: i64,
) -> Answer<Option<Hold>> {
    let Some(hold) = held(tx, ledger, tenant, id)? else { return Ok(None) };
    let balance = balance(tx, ledger, tenant, &hold.account)?.release(ledger, hold.amount, take)?;
    sql::run(tx.conn, &statements(tx, ledger)?.hold_take, [tenant.as_str().into(), id.into()])?;
    set(tx, ledger, tenant, &hold.account, balance);
    Ok(Some(hold))
}

pub(super) fn expired(
    tx: &SqlTx<'_>,
    ledger: &'static Ledger,
    tenant: &TenantId,
    now: Time,
    limit: u32,
) -> Answer<Vec<Hold>> {
    let statements = statements(tx, ledger)?;
    sql::all(tx.conn, &statements.holds_over, [tenant.as_str().into(), now.into(), limit.into()], row_hold)
}

/// Writes the balances that the file does not have yet.
pub(crate) fn flush(conn: &Connection, statements: &Statements, cache: &mut Cache) -> Answer<()> {
    if cache.unwritten == 0 {
        return Ok(());
    }
    for (place, account) in cache.balances.iter_mut().filter(|(_, account)| !account.written) {
        let put = &declared(statements.ledgers.get(place.table), place.table)?.put;
        let Balance { total, held } = account.balance;
        let key = [place.tenant.as_str().into(), place.name.as_str().into()];
        sql::run(conn, put, key.into_iter().chain([sql::Bind::Int(total), sql::Bind::Int(held)]))?;
        account.written = true;
    }
    cache.unwritten = 0;
    Ok(())
}

fn balance(tx: &mut SqlTx<'_>, ledger: &'static Ledger, tenant: &TenantId, account: &str) -> Answer<Balance> {
    let at = At { table: ledger.name, tenant, name: account };
    if let Some(known) = tx.cache.balances.get(&at) {
        return Ok(known.balance);
    }
    let get = &statements(tx, ledger)?.get;
    let read = |row: &Row<'_>| Ok(Balance { total: sql::int(row, 0)?, held: sql::int(row, 1)? });
    let balance = sql::first(tx.conn, get, [tenant.as_str().into(), account.into()], read)?.unwrap_or_default();
    tx.cache.set_balance(&at, balance, true);
    Ok(balance)
}

fn set(tx: &mut SqlTx<'_>, ledger: &'static Ledger, tenant: &TenantId, account: &str, balance: Balance) {
    tx.touched = true;
    tx.cache.set_balance(&At { table: ledger.name, tenant, name: account }, balance, false);
}

fn held(tx: &SqlTx<'_>, ledger: &'static Ledger, tenant: &TenantId, id: &str) -> Answer<Option<Hold>> {
    sql::first(tx.conn, &statements(tx, ledger)?.hold, [tenant.as_str().into(), id.into()], row_hold)
}

fn row_hold(row: &Row<'_>) -> Answer<Hold> {
    Ok(Hold {
        id: sql::text(row, 0)?,
        account: sql::text(row, 1)?,
        amount: sql::int(row, 2)?,
        until: sql::time(row, 3)?,
    })
}

fn statements<'s>(tx: &SqlTx<'s>, ledger: &'static Ledger) -> Answer<&'s LedgerSql> {
    declared(tx.statements.ledgers.get(ledger.name), ledger.name)
}
