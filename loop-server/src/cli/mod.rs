//! The command line.
//!
//! - [`args`]: what can be said; how to serve stands in [`serve`], the flags of the judging model in [`judge`],
//!   those of projects of telemetry in [`onboarding`].
//! - [`run`]: which command does what, and how the process ends.
//! - [`hook`]: what the hooks of coding agents run, and how they are installed.
//! - [`keys`], [`tools`], [`rules`], [`audit`]: the commands that work on the database, also while a server runs on it.

pub mod args;
mod audit;
pub mod hook;
mod judge;
mod keys;
mod onboarding;
mod rules;
pub mod run;
mod serve;
mod tools;

pub use args::Cli;
