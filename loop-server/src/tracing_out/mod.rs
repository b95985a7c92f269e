//! Telling an OpenTelemetry collector of our own decisions, each a span.
//!
//! - [`settings`]: where to, from the variables that OpenTelemetry's SDKs read.
//! - [`wire`]: spans as OTLP's JSON.
//! - [`exporter`]: gathering decisions and sending them, apart from whoever waits for one.

pub mod exporter;
pub mod settings;
mod wire;

pub use exporter::{Exporter, run};
pub use settings::{Settings, UnfitTarget};
