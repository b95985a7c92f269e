//! Short ways to say what a case starts from.

use std::sync::Arc;

use super::catalog::THINGS;
use crate::{
    base::{TenantId, Time},
    store::{Lane, Record, Store, StoreError, StoreExt, Tx, Value},
};

/// Any store.
pub type Any = Arc<dyn Store>;

/// Runs a writing job to its end.
///
/// # Errors
/// The job's or the store's.
pub fn write<T: Send + 'static>(
    store: &Any,
    work: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    store.transact("conformance.write", Lane::Normal, work).wait()
}

/// Runs a reading job to its end.
///
/// # Errors
/// The job's or the store's.
pub fn read<T: Send + 'static>(
    store: &Any,
    work: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    store.read("conformance.read", work).wait()
}

/// A tenant by name.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    TenantId::from_storage(name)
}

/// `seconds` after the epoch.
#[must_use]
pub const fn at(seconds: i64) -> Time {
    Time::EPOCH.plus_seconds(seconds)
}

/// A record of [`THINGS`] with all columns null.
#[must_use]
pub fn thing(id: &str) -> Record {
    Record {
        id: id.to_owned(),
        version: 1,
        created_at: at(1),
        updated_at: at(1),
        columns: vec![Value::Null; THINGS.columns.len()],
        body: format!("{{\"id\":\"{id}\"}}"),
    }
}

/// The record with one column set.
#[must_use]
pub fn with(mut record: Record, column: &str, value: impl Into<Value>) -> Record {
    let place = THINGS.columns.iter().position(|declared| declared.name == column);
    if let Some(slot) = place.and_then(|place| record.columns.get_mut(place)) {
        *slot = value.into();
    }
    record
}

/// The ids of records, in order.
#[must_use]
pub fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// The failure of a case that wants something else.
pub fn wrong(text: &str) -> StoreError {
    StoreError::Internal(text.to_owned())
}
