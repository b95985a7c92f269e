//! The decision: rules, how they are read, compiled and evaluated.

mod action;
mod evaluate;
pub mod rule;
mod snapshot;
mod verdict;

pub use action::{Action, Forward};
pub use evaluate::evaluate;
pub use rule::{Rule, RuleAction, RuleMode};
pub use snapshot::{CompiledRule, DefaultVerdict, PolicySettings, PolicySnapshot};
pub use verdict::{Outcome, Reason, ReasonCode, Verdict};
