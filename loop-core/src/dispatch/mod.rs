//! Handing issues out, one to one agent at a time.
//!
//! - [`queue`]: what is ready, in the order in which it is handed out.

mod error;
#[cfg(test)]
mod order_tests;
pub mod queue;

pub use error::DispatchError;
