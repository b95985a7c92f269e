//! How long a tenant keeps its log.

use super::{AuditError, Event, append};
use crate::{
    access::Ctx,
    base::TenantId,
    store::{Entity, Repo, Table, Tx, Value},
};

/// Where retention is kept: one record per tenant.
pub static RETENTION: Table = Table { name: "retention", columns: &[] };

/// The id of the one record.
const ID: &str = "retention";
/// The longest time, in days: a hundred years.
const MAX_DAYS: u32 = 36_500;

/// How long entries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Retention {
    /// Days; `null` keeps everything.
    pub retention_days: Option<u32>,
}

impl Entity for Retention {
    const TABLE: &'static Table = &RETENTION;

    fn id(&self) -> String {
        ID.to_owned()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// The tenant's retention.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Retention, AuditError> {
    Ok(Repo::<Retention>::new(tx, tenant).get(ID)?.map(|stored| stored.value).unwrap_or_default())
}

/// Changes the tenant's retention.
///
/// # Errors
/// Days out of 1 to 36,500; storage failures.
pub fn put(tx: &mut dyn Tx, cx: &Ctx, new: Retention) -> Result<Retention, AuditError> {
    if let Some(days) = new.retention_days.filter(|days| !(1..=MAX_DAYS).contains(days)) {
        return Err(AuditError::Filter { field: "retention_days", value: days.to_string() });
    }
    let mut repo: Repo<'_, Retention> = Repo::new(tx, cx.tenant());
    match repo.get(ID)? {
        Some(old) => repo.update(&old, &new, cx.now)?,
        None => repo.insert(&new, cx.now)?,
    }
    let body = serde_json::json!({ "retention_days": new.retention_days, "by": cx.caller.name });
    append(tx, cx, &Event::change("retention.update", &body.to_string()))?;
    Ok(new)
}
