//! What a store refuses before it touches storage. Adapters share it, so that all refuse alike.

use super::{Catalog, Column, Cond, Index, Journal, JournalQuery, Kind, RecordQuery, StoreError, Table, Value};

/// Columns that every record table has.
const RECORD_COLUMNS: &[&str] = &["tenant", "id", "version", "created_at", "updated_at", "body"];
/// Columns that every journal has.
const JOURNAL_COLUMNS: &[&str] = &["key", "no", "seq", "at", "body"];

impl Catalog {
    /// Checks that the declarations make tables: well-formed names, none used twice, no column that hides one
    /// that every table has, unique columns on records only.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the first declaration at fault.
    pub fn check(&self) -> Result<(), StoreError> {
        let mut names = vec!["epochs".to_owned()];
        names.extend(self.tables.iter().map(|table| table.name.to_owned()));
        names.extend(
            self.journals.iter().flat_map(|journal| [journal.name.to_owned(), format!("{}_streams", journal.name)]),
        );
        names.extend(self.spans.iter().map(|spans| spans.name.to_owned()));
        names.extend(self.blocks.iter().flat_map(|blocks| {
            let name = blocks.name;
            [name.to_owned(), format!("{name}_groups"), format!("{name}_parts"), format!("{name}_marks")]
        }));
        names.extend(self.queues.iter().flat_map(|queue| [queue.name.to_owned(), format!("{}_leases", queue.name)]));
        names.extend(self.ledgers.iter().flat_map(|ledger| [ledger.name.to_owned(), format!("{}_holds", ledger.name)]));
        names.extend(self.terms.iter().map(|terms| terms.name.to_owned()));
        names.sort_unstable();
        for name in &names {
            well_formed(name)?;
        }
        if let Some((twice, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(StoreError::Misuse(format!("`{twice}` is declared twice")));
        }
        for table in self.tables {
            columns(table.name, table.columns, RECORD_COLUMNS)?;
        }
        for journal in self.journals {
            columns(journal.name, journal.columns, JOURNAL_COLUMNS)?;
            if let Some(column) = journal.columns.iter().find(|column| column.index == Index::Unique) {
                return Err(StoreError::Misuse(format!(
                    "`{}.{}`: journals have no unique columns",
                    journal.name, column.name
                )));
            }
        }
        Ok(())
    }
}

impl Table {
    /// Checks that `values` are the declared columns in declared order.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the column at fault.
    pub fn check_values(&self, values: &[Value]) -> Result<(), StoreError> {
        check_values(self.name, self.columns, values)
    }

    /// Checks that every condition is on an indexed column and of its kind.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the column at fault.
    pub fn check_conds(&self, conds: &[Cond]) -> Result<(), StoreError> {
        check_conds(self.name, self.columns, conds)
    }

    /// Checks a query: its conditions, its order and where it continues.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the column at fault.
    pub fn check_query(&self, query: &RecordQuery) -> Result<(), StoreError> {
        self.check_conds(&query.conds)?;
        let Some(by) = query.by else { return Ok(()) };
        let column = indexed(self.name, self.columns, by)?;
        match &query.after {
            Some((value, _)) if value.kind() != Some(column.kind) => Err(wrong_kind(self.name, by)),
            _ => Ok(()),
        }
    }

    /// Where the unique column `name` stands among the declared ones.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when there is no such unique column or `value` is not of its kind.
    pub fn unique(&self, name: &str, value: &Value) -> Result<usize, StoreError> {
        let found = self.columns.iter().enumerate().find(|(_, column)| column.name == name);
        match found {
            Some((_, column)) if column.index != Index::Unique => {
                Err(StoreError::Misuse(format!("`{}.{name}` is not unique", self.name)))
            }
            Some((_, column)) if value.kind().is_some_and(|kind| kind != column.kind) => {
                Err(wrong_kind(self.name, name))
            }
            Some((position, _)) => Ok(position),
            None => Err(unknown(self.name, name)),
        }
    }
}

impl Journal {
    /// Checks that `values` are the declared columns in declared order.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the column at fault.
    pub fn check_values(&self, values: &[Value]) -> Result<(), StoreError> {
        check_values(self.name, self.columns, values)
    }

    /// Checks that every condition is on an indexed column and of its kind.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the column at fault.
    pub fn check_query(&self, query: &JournalQuery) -> Result<(), StoreError> {
        check_conds(self.name, self.columns, &query.conds)
    }

    /// Where the named text columns stand among the declared ones.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the one that is not declared or holds no text.
    pub fn text_columns(&self, names: &[&str]) -> Result<Vec<usize>, StoreError> {
        let place = |name: &&str| match self.columns.iter().position(|column| column.name == *name) {
            Some(at) if self.columns.get(at).is_some_and(|column| column.kind == Kind::Text) => Ok(at),
            Some(_) => Err(wrong_kind(self.name, name)),
            None => Err(unknown(self.name, name)),
        };
        names.iter().map(place).collect()
    }

    /// Checks that every name is a declared column.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming the one that is not.
    pub fn check_names(&self, names: &[&str]) -> Result<(), StoreError> {
        let missing = names.iter().find(|name| !self.columns.iter().any(|column| column.name == **name));
        missing.map_or(Ok(()), |name| Err(unknown(self.name, name)))
    }
}

impl Cond {
    /// The column it is on.
    #[must_use]
    pub const fn column(&self) -> &'static str {
        match self {
            Self::Eq(column, _) | Self::AtLeast(column, _) | Self::Below(column, _) => column,
        }
    }

    /// What the column is compared with.
    #[must_use]
    pub const fn value(&self) -> &Value {
        match self {
            Self::Eq(_, value) | Self::AtLeast(_, value) | Self::Below(_, value) => value,
        }
    }
}

fn well_formed(name: &str) -> Result<(), StoreError> {
    let plain = !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_'));
    if plain && !name.starts_with("sqlite_") {
        Ok(())
    } else {
        Err(StoreError::Misuse(format!("`{name}` is no name for a table or column")))
    }
}

fn columns(table: &str, columns: &[Column], taken: &[&str]) -> Result<(), StoreError> {
    for (position, column) in columns.iter().enumerate() {
        well_formed(column.name)?;
        let before = columns.iter().take(position).any(|other| other.name == column.name);
        if before || taken.contains(&column.name) {
            return Err(StoreError::Misuse(format!("`{table}.{}` is declared twice", column.name)));
        }
    }
    Ok(())
}

fn check_values(table: &str, columns: &[Column], values: &[Value]) -> Result<(), StoreError> {
    if columns.len() != values.len() {
        return Err(StoreError::Misuse(format!(
            "`{table}` has {} columns, {} values were given",
            columns.len(),
            values.len()
        )));
    }
    match columns.iter().zip(values).find(|(column, value)| value.kind().is_some_and(|kind| kind != column.kind)) {
        Some((column, _)) => Err(wrong_kind(table, column.name)),
        None => Ok(()),
    }
}

fn check_conds(table: &str, columns: &[Column], conds: &[Cond]) -> Result<(), StoreError> {
    for cond in conds {
        let column = indexed(table, columns, cond.column())?;
        if cond.value().kind().is_some_and(|kind| kind != column.kind) {
            return Err(wrong_kind(table, column.name));
        }
    }
    Ok(())
}

fn indexed<'c>(table: &str, columns: &'c [Column], name: &str) -> Result<&'c Column, StoreError> {
    match columns.iter().find(|column| column.name == name) {
        Some(column) if column.index == Index::None => {
            Err(StoreError::Misuse(format!("`{table}.{name}` is not indexed")))
        }
        Some(column) => Ok(column),
        None => Err(unknown(table, name)),
    }
}

fn unknown(table: &str, column: &str) -> StoreError {
    StoreError::Misuse(format!("`{table}` has no column `{column}`"))
}

fn wrong_kind(table: &str, column: &str) -> StoreError {
    StoreError::Misuse(format!("a value of the wrong kind for `{table}.{column}`"))
}

impl Value {
    /// What it is; `None` for null.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        match self {
            Self::Null => None,
            Self::Int(_) => Some(Kind::Int),
            Self::Text(_) => Some(Kind::Text),
            Self::Bytes(_) => Some(Kind::Bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalog, Column, Journal, Kind, Table};
    use crate::store::Queue;

    const NOTHING: Catalog =
        Catalog { tables: &[], journals: &[], queues: &[], spans: &[], blocks: &[], ledgers: &[], terms: &[] };

    static EPOCHS: Table = Table { name: "epochs", columns: &[] };
    static LEASES: Table = Table { name: "jobs_leases", columns: &[] };
    static JOBS: Queue = Queue { name: "jobs" };
    static QUOTED: Table = Table { name: "a\"b", columns: &[] };
    static HIDES: Table = Table { name: "notes", columns: &[Column::plain("body", Kind::Text)] };
    static UNIQUE: Journal = Journal { name: "log", columns: &[Column::unique("hash", Kind::Text)] };

    #[test]
    fn declarations_that_make_no_tables_are_refused() {
        const CASES: &[(Catalog, &str)] = &[
            (Catalog { tables: &[&EPOCHS], ..NOTHING }, "`epochs` is declared twice"),
            (Catalog { tables: &[&LEASES], queues: &[&JOBS], ..NOTHING }, "`jobs_leases` is declared twice"),
            (Catalog { tables: &[&QUOTED], ..NOTHING }, "is no name"),
            (Catalog { tables: &[&HIDES], ..NOTHING }, "`notes.body` is declared twice"),
            (Catalog { journals: &[&UNIQUE], ..NOTHING }, "no unique columns"),
        ];
        assert_eq!(NOTHING.check(), Ok(()));
        for (catalog, part) in CASES {
            let text = catalog.check().map_or_else(|error| error.to_string(), |()| "accepted".to_owned());
            assert!(text.contains(part), "{text}");
        }
    }
}
