//! The sidecar of Loop: a thin HTTP server over the core and a store.
//!
//! - [`http`]: the layer that every surface stands on; [`http::table`] is where to start reading.
//! - [`surface`]: the API surfaces, one folder each.
//! - [`state`]: what every request can reach.
//! - [`config`], [`cli`], [`log`], [`metrics`]: the operator's side.

pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub mod metrics;
pub mod start;
pub mod state;
pub mod stub_engine;
pub mod surface;

pub use start::{StartError, serve, serve_rows};
