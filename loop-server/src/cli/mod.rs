//! The command line.
//!
//! - [`args`]: what can be said.
//! - [`run`]: what is done.

pub mod args;
pub mod run;

pub use args::Cli;
