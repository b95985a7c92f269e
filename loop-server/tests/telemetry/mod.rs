//! The telemetry surface, and what the server tells of itself.

mod decisions;
mod diagnosis;
mod traces;
