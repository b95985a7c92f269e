//! The decision: rules, how they are read, compiled and evaluated.

mod action;
mod error;
mod evaluate;
pub mod kill_switch;
pub mod rule;
pub mod rulebook;
pub mod settings;
mod snapshot;
mod verdict;

pub use action::{Action, Forward};
pub use error::PolicyError;
pub use evaluate::evaluate;
pub use rule::{Rule, RuleAction, RuleMode};
pub use snapshot::{CompiledRule, DefaultVerdict, PolicySettings, PolicySnapshot};
pub use verdict::{Outcome, Reason, ReasonCode, Verdict};
