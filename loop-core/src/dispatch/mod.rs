//! Handing issues out, one to one agent at a time.
//!
//! - [`next`]: the best ready issue, claimed, with its prompt.
//! - [`queue`]: what is ready, in the order in which it is handed out.
//! - [`lease`]: signs of life, the end of a claim, and leases that ran out.
//! - [`change`]: changes of an issue that somebody may be working on.

pub mod change;
mod error;
pub mod lease;
pub mod next;
#[cfg(test)]
mod order_tests;
pub mod queue;
#[cfg(test)]
mod tests;

pub use change::{change_issue, delete_issue};
pub use error::DispatchError;
