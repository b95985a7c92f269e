//! The model that judges calls for rules with words that could not be placed, where the operator connects one. What it
//! may do with a verdict stands in `loop_core::policy::judge`; here it is asked.
//!
//! - [`settings`]: what the operator says of it.
//! - [`connection`]: which questions are asked at all: each once, within time and budget.
//! - [`wire`]: a question as a chat completion, and its answer.
//! - [`budget`], [`memory`]: what was spent, and what is known already.

pub mod budget;
pub mod connection;
pub mod memory;
pub mod settings;
pub mod wire;

pub use connection::ModelJudge;
pub use settings::{JudgeError, Settings};
