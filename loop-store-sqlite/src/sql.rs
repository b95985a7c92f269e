//! Running statements and moving values in and out.

use loop_core::{
    base::Time,
    store::{Kind, StoreError, Value},
};
use rusqlite::{
    Connection, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use crate::fault::fault;

type Answer<T> = Result<T, StoreError>;

/// A value to bind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bind<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'a> From<&'a Value> for Bind<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(int) => Self::Int(*int),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Bind<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Bind<'_> {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<Time> for Bind<'_> {
    fn from(at: Time) -> Self {
        Self::Int(at.as_micros())
    }
}

impl From<u64> for Bind<'_> {
    /// Numbers beyond what SQLite stores are as good as its greatest one: no row has either.
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Bind<'_> {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

/// Runs a statement that answers nothing; the number of rows it changed.
pub(crate) fn run<'a>(conn: &Connection, sql: &str, binds: impl IntoIterator<Item = Bind<'a>>) -> Answer<usize> {
    try_run(conn, sql, binds).map_err(fault)
}

/// As [`run`], with SQLite's own error.
pub(crate) fn try_run<'a>(
    conn: &Connection,
    sql: &str,
    binds: impl IntoIterator<Item = Bind<'a>>,
) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params_from_iter(binds))
}

/// Runs a statement that answers nothing once for each row of binds; answers how many rows it wrote.
pub(crate) fn run_each<'a, const N: usize>(
    conn: &Connection,
    sql: &str,
    rows: impl IntoIterator<Item = [Bind<'a>; N]>,
) -> Answer<usize> {
    let mut statement = conn.prepare_cached(sql).map_err(fault)?;
    let mut written = 0_usize;
    for binds in rows {
        written = written.saturating_add(statement.execute(params_from_iter(binds)).map_err(fault)?);
    }
    Ok(written)
}

/// The first row of a query.
pub(crate) fn first<'a, T>(
    conn: &Connection,
    sql: &str,
    binds: impl IntoIterator<Item = Bind<'a>>,
    read: impl FnOnce(&Row<'_>) -> Answer<T>,
) -> Answer<Option<T>> {
    let mut statement = conn.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params_from_iter(binds)).map_err(fault)?;
    rows.next().map_err(fault)?.map(read).transpose()
}

/// Every row of a query.
pub(crate) fn all<'a, T>(
    conn: &Connection,
    sql: &str,
    binds: impl IntoIterator<Item = Bind<'a>>,
    mut read: impl FnMut(&Row<'_>) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut found = Vec::new();
    while_some(conn, sql, binds, |row| {
        found.push(read(row)?);
        Ok(true)
    })?;
    Ok(found)
}

/// Rows of a query until `read` answers `false`.
pub(crate) fn while_some<'a>(
    conn: &Connection,
    sql: &str,
    binds: impl IntoIterator<Item = Bind<'a>>,
    mut read: impl FnMut(&Row<'_>) -> Answer<bool>,
) -> Answer<()> {
    let mut statement = conn.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params_from_iter(binds)).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        if !read(row)? {
            break;
        }
    }
    Ok(())
}

/// A declared column.
pub(crate) fn value(row: &Row<'_>, at: usize, kind: Kind) -> Answer<Value> {
    match (row.get_ref(at).map_err(fault)?, kind) {
        (ValueRef::Null, _) => Ok(Value::Null),
        (ValueRef::Integer(int), Kind::Int) => Ok(Value::Int(int)),
        (ValueRef::Text(text), Kind::Text) => Ok(Value::from(utf8(text)?)),
        (ValueRef::Blob(bytes), Kind::Bytes) => Ok(Value::Bytes(bytes.to_vec())),
        _ => Err(StoreError::Corrupt("a column holds a value of another type".to_owned())),
    }
}

/// A text.
pub(crate) fn text(row: &Row<'_>, at: usize) -> Answer<String> {
    opt_text(row, at)?.ok_or_else(|| StoreError::Corrupt("a text is missing".to_owned()))
}

/// A text that may be null.
pub(crate) fn opt_text(row: &Row<'_>, at: usize) -> Answer<Option<String>> {
    Ok(lent_text(row, at)?.map(str::to_owned))
}

/// A text that may be null, where it lies.
pub(crate) fn lent_text<'r>(row: &'r Row<'_>, at: usize) -> Answer<Option<&'r str>> {
    match row.get_ref(at).map_err(fault)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => utf8(text).map(Some),
        _ => Err(StoreError::Corrupt("a column holds a value of another type".to_owned())),
    }
}

/// An integer.
pub(crate) fn int(row: &Row<'_>, at: usize) -> Answer<i64> {
    row.get(at).map_err(fault)
}

/// An integer that may be null.
pub(crate) fn opt_int(row: &Row<'_>, at: usize) -> Answer<Option<i64>> {
    row.get(at).map_err(fault)
}

/// Bytes, where they lie.
pub(crate) fn lent_bytes<'r>(row: &'r Row<'_>, at: usize) -> Answer<&'r [u8]> {
    match row.get_ref(at).map_err(fault)? {
        ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err(StoreError::Corrupt("a column holds a value of another type".to_owned())),
    }
}

/// A number that is never negative.
pub(crate) fn number(row: &Row<'_>, at: usize) -> Answer<u64> {
    u64::try_from(int(row, at)?).map_err(|_| StoreError::Corrupt("a number is negative".to_owned()))
}

/// A time.
pub(crate) fn time(row: &Row<'_>, at: usize) -> Answer<Time> {
    int(row, at).map(Time::from_micros)
}

/// Bytes.
pub(crate) fn bytes(row: &Row<'_>, at: usize) -> Answer<Vec<u8>> {
    row.get(at).map_err(fault)
}

fn utf8(text: &[u8]) -> Answer<&str> {
    std::str::from_utf8(text).map_err(|_| StoreError::Corrupt("a text is not UTF-8".to_owned()))
}
