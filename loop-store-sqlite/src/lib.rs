//! The embedded store of Loop: one SQLite file, written by one thread in group commits.
//!
//! - [`options`]: how a file is opened.
//! - [`store`]: [`SqliteStore`], its threads and its shutdown.
//! - [`lanes`], [`writer`], [`readers`]: how jobs wait and run.
//! - [`schema`], [`migrate`]: the tables, generated from the catalog, and their versions.
//! - [`tx`]: the operations of a transaction, one file per shape.
//! - [`stats`]: what the store is doing, for its operator.
//! - [`cache`]: what a batch of jobs need not ask SQLite twice.
//! - [`sql`], [`fault`]: talking to SQLite.

mod cache;
mod fault;
mod gather;
mod lanes;
mod migrate;
mod options;
mod readers;
mod schema;
mod sql;
mod stats;
mod store;
mod teller;
mod tx;
mod writer;

pub use options::{Durability, Options};
pub use schema::ddl;
pub use stats::{Depths, Histogram, Stats};
pub use store::SqliteStore;

/// The README's example is compiled and run with the other tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
