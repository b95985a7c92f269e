//! Notices to people: what they say, the queue they wait in until they are delivered, and the links they carry.
//!
//! A notice is stored in the transaction that causes it; a worker delivers it later, at least once.
//!
//! - [`notice`]: a [`Notice`] and the masked call it shows.
//! - [`queue`]: enqueueing, claiming and settling deliveries.
//! - [`back_off`]: when a failed delivery is tried again.
//! - [`targets`]: where a tenant's notices go.
//! - [`links`]: the single-use tokens with which a notice's reader decides.

pub mod back_off;
pub mod links;
pub mod notice;
pub mod queue;
pub mod targets;
#[cfg(test)]
mod tests;

pub use links::APPROVAL_LINKS;
pub use notice::{CallSummary, Channel, NOTICES, Notice, NoticeKind, NoticeState, Target};
pub use queue::{
    ATTEMPTS_MAX, Claimed, Due, Fate, LEASE_SECONDS, OUTBOX, Retry, claim, defer, delivered, enqueue, failed, forget,
    next_due, purge, reclaim, withdraw,
};
