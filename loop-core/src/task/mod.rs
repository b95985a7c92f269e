//! Work that loops do for themselves and for each other.
//!
//! - [`tasks`]: a loop's own tasks: a plan, jobs, where each stands.
//! - [`contract`]: what two loops agreed on, moved by their messages only.
//! - [`exchange`]: sending a message, which moves its contract.
//! - [`erase`]: forgetting what tasks were about, and tasks that ended long ago.
//! - [`transaction`]: an amount held in escrow between two loops.

pub mod contract;
pub mod erase;
mod error;
pub mod exchange;
mod job;
mod status;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use error::TaskError;
pub use job::{Job, JobStatus, MAX_JOB_NAME, MAX_JOBS, NewJob};
pub use status::TaskStatus;
