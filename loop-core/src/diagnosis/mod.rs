//! What goes wrong, made out of spans: failures gathered into clusters, and each cluster followed until it is mended.
//!
//! - [`scan`]: reading a window, stride by stride.
//! - `traces`: the sessions of a window and how they ended.
//! - `failing`: the spans that failed, and which of them only pass on what another failed with.
//! - `tally`, [`latency`]: what ran how often, how long and for how many tokens.
//! - `texts`, `mask`: texts held once; messages without what differs from call to call.
//! - [`findings`], [`cluster`]: what came out, and how it is worded.
//! - [`state`]: what is known of a cluster from earlier windows.
//! - [`settle`]: the status of each cluster, and the signals that they make.
//! - [`packet`], [`dashboard`], [`report`]: what is told.

pub mod cluster;
pub mod dashboard;
mod error;
mod failing;
pub mod findings;
pub mod latency;
mod mask;
pub mod packet;
pub mod report;
pub mod scan;
pub mod settle;
pub mod state;
mod tally;
#[cfg(test)]
mod tests;
mod texts;
mod traces;

pub use error::DiagnosisError;
pub use findings::Findings;
pub use scan::Scan;
