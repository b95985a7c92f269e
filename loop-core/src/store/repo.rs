//! Typed records.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::{Cond, Record, RecordQuery, StoreError, Table, Tx, Value};
use crate::base::{TenantId, Time};

/// Something kept as a record: its JSON form is the body, its declared columns are copied out of it.
pub trait Entity: Serialize + DeserializeOwned {
    /// Where it is kept.
    const TABLE: &'static Table;
    /// Its id within the tenant.
    fn id(&self) -> String;
    /// The values of the declared columns, in declared order.
    fn columns(&self) -> Vec<Value>;
}

/// An entity as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<E> {
    /// The entity.
    pub value: E,
    /// Its version.
    pub version: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// The records of one kind and one tenant within a transaction.
pub struct Repo<'t, E> {
    tx: &'t mut dyn Tx,
    tenant: &'t TenantId,
    kind: PhantomData<fn() -> E>,
}

impl<'t, E: Entity> Repo<'t, E> {
    /// The records of `tenant`.
    pub fn new(tx: &'t mut dyn Tx, tenant: &'t TenantId) -> Self {
        Self { tx, tenant, kind: PhantomData }
    }

    /// The entity with this id.
    pub fn get(&mut self, id: &str) -> Result<Option<Stored<E>>, StoreError> {
        self.tx.get(E::TABLE, self.tenant, id)?.map(read).transpose()
    }

    /// The entity whose unique column holds `value`.
    pub fn find(&mut self, column: &str, value: &Value) -> Result<Option<Stored<E>>, StoreError> {
        self.tx.find(E::TABLE, self.tenant, column, value)?.map(read).transpose()
    }

    /// Adds an entity.
    pub fn insert(&mut self, value: &E, now: Time) -> Result<(), StoreError> {
        self.tx.insert(E::TABLE, self.tenant, &write(value, 1, now, now)?)
    }

    /// Replaces an entity read in this transaction.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when it changed since: impossible within one transaction.
    pub fn update(&mut self, old: &Stored<E>, value: &E, now: Time) -> Result<(), StoreError> {
        let record = write(value, old.version, old.created_at, now)?;
        if self.tx.update(E::TABLE, self.tenant, &record)? {
            Ok(())
        } else {
            Err(StoreError::Internal(format!("`{}.{}` changed under its transaction", E::TABLE.name, record.id)))
        }
    }

    /// Removes an entity; `false` when there is none.
    pub fn delete(&mut self, id: &str) -> Result<bool, StoreError> {
        self.tx.delete(E::TABLE, self.tenant, id)
    }

    /// A page of entities.
    pub fn list(&mut self, query: &RecordQuery) -> Result<Vec<Stored<E>>, StoreError> {
        self.tx.list(E::TABLE, self.tenant, query)?.into_iter().map(read).collect()
    }

    /// How many satisfy all conditions.
    pub fn count(&mut self, conds: &[Cond]) -> Result<u64, StoreError> {
        self.tx.count(E::TABLE, self.tenant, conds)
    }
}

fn write<E: Entity>(value: &E, version: u64, created_at: Time, updated_at: Time) -> Result<Record, StoreError> {
    let body =
        serde_json::to_string(value).map_err(|error| StoreError::Internal(format!("`{}`: {error}", E::TABLE.name)))?;
    Ok(Record { id: value.id(), version, created_at, updated_at, columns: value.columns(), body })
}

fn read<E: Entity>(record: Record) -> Result<Stored<E>, StoreError> {
    let value = serde_json::from_str(&record.body)
        .map_err(|error| StoreError::Corrupt(format!("`{}.{}`: {error}", E::TABLE.name, record.id)))?;
    Ok(Stored { value, version: record.version, created_at: record.created_at, updated_at: record.updated_at })
}
