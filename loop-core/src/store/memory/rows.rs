//! Records: rows by id, and an index over the searchable columns.

use imbl::{OrdMap, OrdSet};

use crate::store::{Cond, Index, Order, Record, RecordQuery, StoreError, Table, Value};

/// One tenant's records of one table.
#[derive(Clone, Default)]
pub(super) struct Rows {
    by_id: OrdMap<String, Record>,
    /// `(position of the column, value, id)` for every indexed value that is not null.
    index: OrdSet<(usize, Value, String)>,
}

impl Rows {
    pub(super) fn get(&self, id: &str) -> Option<Record> {
        self.by_id.get(id).cloned()
    }

    pub(super) fn find(&self, column: usize, value: &Value) -> Option<Record> {
        self.holder(column, value).and_then(|id| self.get(id))
    }

    pub(super) fn insert(&mut self, table: &Table, record: &Record) -> Result<(), StoreError> {
        if self.by_id.contains_key(&record.id) {
            return Err(duplicate(table, "id"));
        }
        self.check_unique(table, record)?;
        self.put(table, Record { version: 1, ..record.clone() });
        Ok(())
    }

    pub(super) fn update(&mut self, table: &Table, record: &Record) -> Result<bool, StoreError> {
        let Some(old) = self.get(&record.id).filter(|old| old.version == record.version) else { return Ok(false) };
        self.check_unique(table, record)?;
        self.delete(table, &record.id);
        let version = old.version.saturating_add(1);
        self.put(table, Record { version, created_at: old.created_at, ..record.clone() });
        Ok(true)
    }

    pub(super) fn delete(&mut self, table: &Table, id: &str) -> bool {
        let Some(old) = self.by_id.remove(id) else { return false };
        for entry in index_entries(table, &old) {
            self.index.remove(&entry);
        }
        true
    }

    pub(super) fn list(&self, table: &Table, query: &RecordQuery) -> Vec<Record> {
        let mut rows: Vec<(Value, &Record)> = match query.by {
            None => self.matching(table, &query.conds).map(|record| (Value::Null, record)).collect(),
            Some(by) => self
                .matching(table, &query.conds)
                .map(|record| (column(table, record, by), record))
                .filter(|(value, _)| *value != Value::Null)
                .collect(),
        };
        rows.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.id.cmp(&right.id)));
        if query.order == Order::Descending {
            rows.reverse();
        }
        let from = query.after.as_ref().map(|(value, id)| match query.by {
            None => (Value::Null, id),
            Some(_) => (value.clone(), id),
        });
        rows.into_iter()
            .filter(|(value, record)| match (&from, query.order) {
                (None, _) => true,
                (Some((after, id)), Order::Ascending) => (value, &record.id) > (after, *id),
                (Some((after, id)), Order::Descending) => (value, &record.id) < (after, *id),
            })
            .map(|(_, record)| record.clone())
            .skip(query.offset as usize)
            .take(query.limit as usize)
            .collect()
    }

    pub(super) fn count(&self, table: &Table, conds: &[Cond]) -> u64 {
        self.matching(table, conds).count() as u64
    }

    /// The records that satisfy all conditions, in no promised order. The first equality picks from the index, else
    /// the first lower bound.
    fn matching<'r>(&'r self, table: &'r Table, conds: &'r [Cond]) -> impl Iterator<Item = &'r Record> {
        let equal = conds.iter().find_map(|cond| match cond {
            Cond::Eq(name, value) => Some((position(table, name)?, value)),
            _ => None,
        });
        let rows: Box<dyn Iterator<Item = &Record>> = match equal {
            Some((at, value)) => Box::new(self.holders(at, value).filter_map(|id| self.by_id.get(id))),
            None => match conds.iter().find_map(|cond| match cond {
                Cond::AtLeast(name, value) => Some((position(table, name)?, value)),
                _ => None,
            }) {
                Some((at, value)) => Box::new(self.holders_from(at, value).filter_map(|id| self.by_id.get(id))),
                None => Box::new(self.by_id.values()),
            },
        };
        rows.filter(move |record| conds.iter().all(|cond| holds(cond, &column(table, record, cond.column()))))
    }

    /// The ids of the records that have `value` in a column, in order.
    fn holders<'r>(&'r self, at: usize, value: &'r Value) -> impl Iterator<Item = &'r String> {
        let from = (at, value.clone(), String::new());
        self.index
            .range(from..)
            .take_while(move |(column, held, _)| *column == at && held == value)
            .map(|(_, _, id)| id)
    }

    /// The ids of the records that have `value` or more in a column.
    fn holders_from<'r>(&'r self, at: usize, value: &'r Value) -> impl Iterator<Item = &'r String> {
        let from = (at, value.clone(), String::new());
        self.index.range(from..).take_while(move |(column, ..)| *column == at).map(|(_, _, id)| id)
    }

    fn holder(&self, at: usize, value: &Value) -> Option<&String> {
        let from = (at, value.clone(), String::new());
        self.index.range(from..).next().filter(|(column, held, _)| *column == at && held == value).map(|(_, _, id)| id)
    }

    fn check_unique(&self, table: &Table, record: &Record) -> Result<(), StoreError> {
        for (at, (column, value)) in table.columns.iter().zip(&record.columns).enumerate() {
            let taken = || self.holder(at, value).is_some_and(|id| *id != record.id);
            if column.index == Index::Unique && taken() {
                return Err(duplicate(table, column.name));
            }
        }
        Ok(())
    }

    fn put(&mut self, table: &Table, record: Record) {
        self.index.extend(index_entries(table, &record));
        self.by_id.insert(record.id.clone(), record);
    }
}

/// Whether a column's value satisfies a condition; nothing satisfies one on a null.
pub(super) fn holds(cond: &Cond, held: &Value) -> bool {
    if *held == Value::Null || *cond.value() == Value::Null {
        return false;
    }
    match cond {
        Cond::Eq(_, value) => held == value,
        Cond::AtLeast(_, value) => held >= value,
        Cond::Below(_, value) => held < value,
    }
}

fn index_entries(table: &Table, record: &Record) -> Vec<(usize, Value, String)> {
    let columns = table.columns.iter().zip(&record.columns).enumerate();
    columns
        .filter(|(_, (column, value))| column.index != Index::None && **value != Value::Null)
        .map(|(at, (_, value))| (at, value.clone(), record.id.clone()))
        .collect()
}

fn position(table: &Table, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.name == name)
}

fn column(table: &Table, record: &Record, name: &str) -> Value {
    position(table, name).and_then(|at| record.columns.get(at)).cloned().unwrap_or(Value::Null)
}

fn duplicate(table: &Table, column: &str) -> StoreError {
    StoreError::Duplicate { what: format!("{}.{column}", table.name) }
}
