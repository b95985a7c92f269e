//! Hooks of coding agents: the tool asks before it runs a call, and `loop-server hook …` answers.
//!
//! - [`agent`]: which tools there are, and how they differ.
//! - [`event`]: what a tool says before a call.
//! - [`told`]: the decision, and what the tool is told of it.
//! - [`route`]: the server's side; [`sidecar`] and [`direct`]: the two ways to a decision.
//! - [`process`]: one run of the program, from standard input to its exit code.
//! - [`install`], [`entry`], [`settings`], [`splice`]: the entry in the tool's settings, and taking it out again.
//! - [`error`]: why there is no decision. The call is then blocked.

pub mod agent;
pub mod direct;
pub mod entry;
pub mod error;
pub mod event;
pub mod install;
pub mod process;
pub mod route;
mod settings;
pub mod sidecar;
mod splice;
pub mod told;

pub use agent::Agent;
pub use error::HookError;
