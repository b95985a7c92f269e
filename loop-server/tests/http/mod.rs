//! The layer below the surfaces: bad requests, limits, streams, the end, the log.

mod bad_requests;
mod connections;
mod handlers;
mod log_lines;
pub mod rows;
mod shutdown;
mod streams;
