//! What a language model may add to a decision, where one is connected.
//!
//! A block rule with words that could not be placed only asks: nobody knows what else its author wanted. A model is
//! asked whether the author would want this very call stopped. Its *covered* makes the question a refusal; anything
//! else it says, and every failure, leaves the question to a human. [`Findings`] holds nothing that could allow a
//! call, and is used nowhere but in [`Findings::harden`].

mod answer;
mod findings;
mod question;

use std::{future::Future, pin::Pin};

pub use answer::{Answer, Finding, NOTE_MAX, Unjudged, schema};
pub use findings::{Findings, Judged, open};
pub use question::{CallDigest, INSTRUCTIONS, Question, Shown};

/// What came of a question.
pub type Ruling = Result<Answer, Unjudged>;

/// Rulings on their way.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Vec<Ruling>> + Send + 'a>>;

/// A connection to a model. The core only knows the trait.
pub trait Judge: Send + Sync {
    /// The model's name, for the log.
    fn model(&self) -> &str;

    /// The most questions that one decision may ask.
    fn most(&self) -> usize;

    /// Answers each question, in their order, within a time of its own: a decision waits for it.
    fn judge<'a>(&'a self, questions: &'a [Question]) -> Judging<'a>;
}
