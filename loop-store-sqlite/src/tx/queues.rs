//! Queues.

use loop_core::{
    base::{TenantId, Time},
    store::{Claim, Queue, QueueItem, StoreError},
};
use rusqlite::Row;

use super::{Answer, SqlTx, declared};
use crate::{schema::QueueSql, sql};

pub(super) fn push(tx: &mut SqlTx<'_>, queue: &'static Queue, tenant: &TenantId, key: &[u8], id: &str) -> Answer<()> {
    take_lease(tx, queue, tenant, id)?;
    sql::run(tx.conn, &statements(tx, queue)?.put, [tenant.as_str().into(), key.into(), id.into()])?;
    Ok(())
}

pub(super) fn remove(tx: &mut SqlTx<'_>, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<bool> {
    let waiting = sql::run(tx.conn, &statements(tx, queue)?.take, [tenant.as_str().into(), id.into()])?;
    Ok(take_lease(tx, queue, tenant, id)? || waiting > 0)
}

/// Ends an item's lease; whether it had one. Most queues have none at all, which is asked once in a transaction.
fn take_lease(tx: &mut SqlTx<'_>, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<bool> {
    let statements = statements(tx, queue)?;
    let leased = match tx.cache.leased.get(queue.name) {
        Some(known) => *known,
        None => {
            let leased = sql::first(tx.conn, &statements.leased, [], |row| sql::int(row, 0))? == Some(1);
            tx.cache.leased.insert(queue.name, leased);
            leased
        }
    };
    Ok(leased && sql::run(tx.conn, &statements.lease_take, [tenant.as_str().into(), id.into()])? > 0)
}

pub(super) fn claim(
    tx: &mut SqlTx<'_>,
    queue: &'static Queue,
    tenant: &TenantId,
    up_to: Option<&[u8]>,
    until: Time,
    holder: &[u8; 16],
    limit: u32,
) -> Answer<Vec<QueueItem>> {
    tx.cache.leased.insert(queue.name, true);
    let statements = statements(tx, queue)?;
    let tenant = tenant.as_str();
    let items = match up_to {
        None => sql::all(tx.conn, &statements.ready, [tenant.into(), limit.into()], item)?,
        Some(up_to) => sql::all(tx.conn, &statements.ready_up_to, [tenant.into(), up_to.into(), limit.into()], item)?,
    };
    for QueueItem { key, id } in &items {
        sql::run(tx.conn, &statements.take, [tenant.into(), id.as_str().into()])?;
        let lease = [tenant.into(), id.as_str().into(), key.as_slice().into(), until.into(), holder.as_slice().into()];
        sql::run(tx.conn, &statements.lease_put, lease)?;
    }
    Ok(items)
}

pub(super) fn extend(
    tx: &SqlTx<'_>,
    queue: &'static Queue,
    tenant: &TenantId,
    id: &str,
    holder: &[u8; 16],
    until: Time,
) -> Answer<bool> {
    let statements = statements(tx, queue)?;
    let binds = [until.into(), tenant.as_str().into(), id.into(), holder.as_slice().into()];
    Ok(sql::run(tx.conn, &statements.lease_extend, binds)? == 1)
}

pub(super) fn settle(
    tx: &mut SqlTx<'_>,
    queue: &'static Queue,
    tenant: &TenantId,
    id: &str,
    holder: &[u8; 16],
    again: Option<&[u8]>,
) -> Answer<bool> {
    if lease(tx, queue, tenant, id)?.is_none_or(|claim| claim.holder != *holder) {
        return Ok(false);
    }
    match again {
        Some(key) => push(tx, queue, tenant, key, id)?,
        None => {
            sql::run(tx.conn, &statements(tx, queue)?.lease_take, [tenant.as_str().into(), id.into()])?;
        }
    }
    Ok(true)
}

pub(super) fn reclaim(
    tx: &mut SqlTx<'_>,
    queue: &'static Queue,
    tenant: &TenantId,
    now: Time,
    limit: u32,
) -> Answer<Vec<QueueItem>> {
    let statements = statements(tx, queue)?;
    let binds = [tenant.as_str().into(), now.into(), limit.into()];
    let items = sql::all(tx.conn, &statements.lease_over, binds, item)?;
    for QueueItem { key, id } in &items {
        push(tx, queue, tenant, key, id)?;
    }
    Ok(items)
}

pub(super) fn ready(
    tx: &SqlTx<'_>,
    queue: &'static Queue,
    tenant: &TenantId,
    after: Option<(&[u8], &str)>,
    limit: u32,
) -> Answer<Vec<QueueItem>> {
    let statements = statements(tx, queue)?;
    match after {
        None => sql::all(tx.conn, &statements.ready, [tenant.as_str().into(), limit.into()], item),
        Some((key, id)) => {
            let binds = [tenant.as_str().into(), key.into(), id.into(), limit.into()];
            sql::all(tx.conn, &statements.ready_after, binds, item)
        }
    }
}

pub(super) fn lease(tx: &SqlTx<'_>, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<Option<Claim>> {
    let statements = statements(tx, queue)?;
    sql::first(tx.conn, &statements.lease, [tenant.as_str().into(), id.into()], |row| {
        let holder = sql::bytes(row, 2)?
            .try_into()
            .map_err(|_| StoreError::Corrupt(format!("a holder in `{}_leases`", queue.name)))?;
        let item = QueueItem { key: sql::bytes(row, 0)?, id: id.to_owned() };
        Ok(Claim { item, until: sql::time(row, 1)?, holder })
    })
}

fn statements<'s>(tx: &SqlTx<'s>, queue: &'static Queue) -> Answer<&'s QueueSql> {
    declared(tx.statements.queues.get(queue.name), queue.name)
}

fn item(row: &Row<'_>) -> Answer<QueueItem> {
    Ok(QueueItem { key: sql::bytes(row, 0)?, id: sql::text(row, 1)? })
}
