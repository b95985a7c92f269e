//! The decision: rules, how they are read, compiled and evaluated.
//!
//! A rule's text becomes a [`condition`] once ([`english`]). A call is judged by what its tool's name says it does
//! ([`deed`]) and by the [`facts`] in its arguments ([`truth`]).

mod action;
mod arguments;
pub mod canonical;
pub mod condition;
mod counting;
pub mod deed;
pub mod document;
pub mod english;
mod error;
mod evaluate;
mod explain;
pub mod facts;
pub mod filed;
mod given;
mod glob;
mod index;
mod interpret;
pub mod judge;
pub mod kill_switch;
pub mod lexicon;
pub mod matrix;
mod measure;
mod mentions;
pub mod money;
mod name;
mod network;
mod overlap;
mod paths;
mod print;
pub mod rule;
pub mod rulebook;
pub mod settings;
mod snapshot;
mod stage;
mod standing;
mod stored;
mod terms;
mod trial;
pub mod truth;
mod verdict;
mod zone;

pub use action::{Action, Forward};
pub use error::PolicyError;
pub use evaluate::evaluate;
pub use explain::{Certainty, Explained, Ground, explain, explain_alone, explain_stored};
pub use interpret::{Interpretation, interpret};
pub use overlap::{Overlap, Stands, overlaps};
pub use rule::{Form, Rule, RuleAction, RuleMode};
pub use snapshot::{CompiledRule, DefaultVerdict, PolicySettings, PolicySnapshot};
pub use stage::{Stage, is_domain};
pub use standing::{Loops, Member, Standing};
pub use stored::{StoredCall, Would, stored_class};
pub use terms::{Published, Terms};
pub use trial::{Found, Reads, Trial, Tried};
pub use verdict::{Outcome, Reason, ReasonCode, Verdict};
pub use zone::zone;
