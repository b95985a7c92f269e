//! Policy epochs.

use loop_core::{base::TenantId, store::StoreError};

use super::{Answer, SqlTx};
use crate::sql;

pub(super) fn get(tx: &mut SqlTx<'_>, tenant: &TenantId) -> Answer<u64> {
    if let Some(epoch) = tx.cache.epochs.get(tenant) {
        return Ok(*epoch);
    }
    const GET: &str = "SELECT epoch FROM epochs WHERE tenant = ?";
    let epoch = sql::first(tx.conn, GET, [tenant.as_str().into()], |row| sql::number(row, 0))?.unwrap_or(0);
    tx.cache.epochs.insert(tenant.clone(), epoch);
    Ok(epoch)
}

pub(super) fn bump(tx: &mut SqlTx<'_>, tenant: &TenantId) -> Answer<u64> {
    const BUMP: &str = "INSERT INTO epochs (tenant, epoch) VALUES (?, (SELECT coalesce(max(epoch), 0) + 1 FROM epochs)) \
                        ON CONFLICT (tenant) DO UPDATE SET epoch = excluded.epoch RETURNING epoch";
    tx.cache.epochs.remove(tenant);
    let epoch = sql::first(tx.conn, BUMP, [tenant.as_str().into()], |row| sql::number(row, 0))?
        .ok_or_else(|| StoreError::Internal("a new epoch was not answered".to_owned()))?;
    tx.cache.epochs.insert(tenant.clone(), epoch);
    Ok(epoch)
}

pub(super) fn after(tx: &SqlTx<'_>, after: u64, limit: u32) -> Answer<Vec<(TenantId, u64)>> {
    const AFTER: &str = "SELECT tenant, epoch FROM epochs WHERE epoch > ? ORDER BY epoch LIMIT ?";
    sql::all(tx.conn, AFTER, [after.into(), limit.into()], |row| {
        Ok((TenantId::from_storage(&sql::text(row, 0)?), sql::number(row, 1)?))
    })
}
