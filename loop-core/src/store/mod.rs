//! Storage as the core sees it: closures in transactions, tickets for their completion, and seven shapes of
//! access.
//!
//! - [`job`]: what is submitted to a [`Store`] and how its end is learnt ([`Ticket`]).
//! - [`shape`]: how an entity declares its table ([`Table`], [`Journal`], [`Queue`], [`Spans`],
//!   [`Blocks`], [`Ledger`], [`Terms`]).
//! - [`tx`]: the operations of a transaction.
//! - [`block`]: the values of operations on blocks.
//! - [`balance`]: the arithmetic of accounts.
//! - [`check`]: what every store refuses before it touches storage.
//! - [`repo`]: typed records over [`Tx`].
//! - [`memory`]: the reference implementation on persistent maps.
//! - `conformance` (feature): the suite every adapter passes.

pub mod balance;
pub mod block;
pub mod check;
pub mod error;
pub mod job;
pub mod memory;
pub mod repo;
pub mod shape;
pub mod ticket;
pub mod tx;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use balance::Balance;
pub use block::{BlockQuery, LentBlock, Mark, NewBlock, NewMark, Place};
pub use error::StoreError;
pub use job::{Access, Done, Job, JobEnd, Lane, Run, Store, StoreExt};
pub use repo::{Entity, Repo, Stored};
pub use shape::{Blocks, Catalog, Column, Index, Journal, Kind, Ledger, Queue, Spans, Table, Terms, Value};
pub use ticket::{Completer, Ticket, wait};
pub use tx::{
    Claim, Cond, Entry, Head, Hold, JournalQuery, Lent, NewEntry, NewSpan, Order, QueueItem, Record, RecordQuery,
    SpanRow, Tx,
};
