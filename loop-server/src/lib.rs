//! The sidecar of Loop: a thin HTTP server over the core and a store.
//!
//! - [`http`]: the layer that every surface stands on; [`http::table`] is where to start reading.
//! - [`surface`]: the API surfaces, one folder each.
//! - [`gateway`]: the proxy before language models.
//! - [`hook`]: the hooks of coding agents, both their ends.
//! - [`mcp`]: the Model Context Protocol, ours and before other servers.
//! - [`judge`]: the model that judges calls for rules with unclear words.
//! - [`outbound`]: what leaves the process; [`worker`]: what happens in the background.
//! - [`start`], [`open`], [`state`]: from a configuration to what every request can reach.
//! - [`config`], [`cli`], [`master_key`], [`log`], [`metrics`], [`welcome`]: the operator's side.

pub mod cli;
pub mod config;
pub mod gateway;
pub mod hook;
pub mod http;
pub mod judge;
pub mod log;
pub mod master_key;
pub mod mcp;
pub mod metrics;
pub mod open;
pub mod outbound;
pub mod policies;
pub mod start;
pub mod state;
pub mod surface;
pub mod tracing_out;
pub mod welcome;
pub mod worker;

pub use start::{StartError, serve, serve_rows};
