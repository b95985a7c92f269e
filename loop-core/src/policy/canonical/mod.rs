//! Conditions in a small controlled English that a reader of English reads and that means exactly one condition.
//!
//! [`render`] writes a condition, [`parse`] reads it back: `parse(render(c)) == normal(c)`. What ordinary English
//! leaves open is settled by fixed wording: who acts is `it`, one sentence mixes `and` with `or` only across brackets
//! or numbers, every free text stands in quotes.
//!
//! ```text
//! sentence  = ["Block" | "Ask about"] "a call" what "."
//! what      = "that" verb {"and that" verb} rest
//!           | "that" verb {"or that" verb} rest
//!           | "where" either rest
//!           | "where one of these holds:" "(1)" body {"; (2)" body} ["; in each case" ["where" either] unless]
//!           | unless
//!           | "under all circumstances" | "under no circumstances"
//! rest      = [", where" either] unless
//! unless    = {", unless" either}
//! body      = either unless
//! either    = term {"and" term} | term {"or" term}
//! term      = "it" verb | fact | "(" either ")" | "not (" either ")"
//! fact      = "the amount" is limits (currency | "in any currency")
//!           | "the percentage" is limits              ; 20%
//!           | "the number of" ("items" | "recipients") ["called" text] is limits
//!           | "the duration" is limits                ; 90 minutes, 2 hours
//!           | "the size" is limits                    ; 25 MB
//!           | "the argument" text (is texts | is "like" texts | is "a number" limits | is "given")
//! is        = "is" | "is not"
//! limits    = "over" n | "at least" n | "under" n | "at most" n | "exactly" n
//!           | "from" ["over"] n "to" ["under"] n | "any number"
//! verb      = deed | "does not" deed in its base form | "does nothing" ["to" things] "but look" ["at them"]
//!           | "is about money" | "is of more than low risk" | "is marked" texts | …  ; see `verb.rs`
//! deed      = does ["to"] [things] | "does anything but look" | "does anything to" things "but look at them"
//! does      = a list of verbs of the lexicon, and of other verbs in quotes
//! things    = a list of nouns of the lexicon, and of other nouns in quotes
//! list      = x | x "or" x | x "," x "or" x
//! ```
//!
//! A word of the lexicon means its concept and all below it; `just` in front means the concept alone. In quotes `\"`,
//! `\\` and `\u{…}` stand for characters that would end the text or cannot be seen.

mod deed;
mod lexeme;
mod parse;
mod render;
mod span;
mod verb;
mod vocabulary;

#[cfg(test)]
mod tests;

use super::condition::Condition;
use crate::base::Code;

pub use parse::parse;
pub use render::{Head, phrase, render, sentence};

/// The longest text that is read, in bytes.
pub const TEXT_MAX: usize = 256 * 1024;

/// A text that is not in the canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not in the canonical form from byte {at} on")]
pub struct CanonicalError {
    /// Where it stops being so, in bytes.
    pub at: usize,
}

impl CanonicalError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        Code::InvalidRequest
    }
}

/// The condition that a rule's text states exactly: one in canonical form that is also within the bounds of given
/// conditions. Any other text is for ordinary reading.
#[must_use]
pub fn read(text: &str) -> Option<Condition> {
    let condition = parse(text).ok()?;
    super::given::check(&condition).is_ok().then_some(condition)
}

/// The same condition without what changes nothing: lists within lists of their kind, lists of one, two negations.
#[must_use]
pub fn normal(condition: &Condition) -> Condition {
    at_depth(condition, Condition::DEPTH_MAX)
}

fn at_depth(condition: &Condition, depth: usize) -> Condition {
    let Some(below) = depth.checked_sub(1) else { return condition.clone() };
    match condition {
        Condition::All(inner) => Condition::all(inner.iter().map(|one| at_depth(one, below)).collect()),
        Condition::Any(inner) => Condition::any(inner.iter().map(|one| at_depth(one, below)).collect()),
        Condition::Not(one) => Condition::negated(at_depth(one, below)),
        leaf => leaf.clone(),
    }
}
