//! How entities declare what is stored. Adapters make one real table per declaration, tenant first in every key.

use std::borrow::Cow;

/// A value of a declared column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// No value. Never equal to anything in a [`super::Cond`], and never a duplicate in a unique column.
    Null,
    /// A 64-bit integer; times are microseconds since the epoch.
    Int(i64),
    /// Text, compared by bytes. The program's own words need no memory.
    Text(Cow<'static, str>),
    /// Bytes, compared as such.
    Bytes(Vec<u8>),
}

impl Value {
    /// The text, when this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, when this is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        if let Self::Int(int) = self { Some(*int) } else { None }
    }

    /// The bytes, when this is some.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Cow::Owned(text.to_owned()))
    }
}

impl Value {
    /// A text that the program itself holds, at no cost.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<crate::base::Time> for Value {
    fn from(at: crate::base::Time) -> Self {
        Self::Int(at.as_micros())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a column holds besides [`Value::Null`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Int`].
    Int,
    /// [`Value::Text`].
    Text,
    /// [`Value::Bytes`].
    Bytes,
}

/// How a column may be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// Not at all.
    None,
    /// By value, then by id (records) or by sequence number (journals). Null values are not indexed.
    Plain,
    /// As [`Index::Plain`], and a second record of the tenant with the same value is refused. Records only.
    Unique,
}

/// One declared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name: `a-z` and `_`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How it may be searched.
    pub index: Index,
}

impl Column {
    /// A column that is stored but not searched.
    #[must_use]
    pub const fn plain(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, index: Index::None }
    }

    /// A column that can drive a query.
    #[must_use]
    pub const fn indexed(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, index: Index::Plain }
    }

    /// A column whose values are unique within a tenant.
    #[must_use]
    pub const fn unique(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, index: Index::Unique }
    }
}

/// Records: rows with an id, a version and a JSON body. Table `name(tenant, id, version, created_at, updated_at, …columns, body)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// Columns copied out of the body so that they can be searched.
    pub columns: &'static [Column],
}

/// A journal: rows that are only appended, numbered without gaps from 1 within (tenant, stream). Tables
/// `name_streams(no, tenant, stream)` and `name(key, no, seq, at, …columns, body)`, whose `key` is made of `no` and
/// `seq`.
#[derive(Debug, PartialEq, Eq)]
pub struct Journal {
    /// The table's name.
    pub name: &'static str,
    /// Declared columns.
    pub columns: &'static [Column],
}

/// A priority queue with leases. Tables `name(tenant, key, id)` and `name_leases(tenant, id, key, until, holder)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    /// The table's name.
    pub name: &'static str,
}

/// Spans: rows grouped (by session or trace) and ordered by time. Table `name(tenant, grp, at, id, body)`,
/// with an index by `(tenant, at, id)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Spans {
    /// The table's name.
    pub name: &'static str,
}

/// Blocks: small rows that their writer packs together, numbered within a group in the order of arrival, walked by time
/// and read in parts that are found by marks. One row of the store holds many of the writer's, which is what keeps
/// writing and walking millions of them cheap. Tables `name_groups(no, tenant, grp)`, `name(key, grp, no, first, last,
/// head)`, `name_parts(key, body)` and `name_marks(grp, mark, place, note)`; keys are made of the group's number, the
/// block's and the part's.
#[derive(Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The table's name.
    pub name: &'static str,
}

/// Accounts with integer balances and holds. Tables `name(tenant, account, total, held)` and
/// `name_holds(tenant, id, account, amount, until)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The table's name.
    pub name: &'static str,
}

/// Sets of ids, each under a term, to find things by what they have in common. Table `name(tenant, term, id)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Terms {
    /// The table's name.
    pub name: &'static str,
}

/// Everything a store keeps. Adapters create or migrate their schema from it.
#[derive(Debug, Clone, Copy)]
pub struct Catalog {
    /// Record tables.
    pub tables: &'static [&'static Table],
    /// Journals.
    pub journals: &'static [&'static Journal],
    /// Queues.
    pub queues: &'static [&'static Queue],
    /// Span tables.
    pub spans: &'static [&'static Spans],
    /// Blocks.
    pub blocks: &'static [&'static Blocks],
    /// Ledgers.
    pub ledgers: &'static [&'static Ledger],
    /// Sets of ids by term.
    pub terms: &'static [&'static Terms],
}
