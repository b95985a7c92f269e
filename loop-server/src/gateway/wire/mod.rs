//! What language models answer, in the wire forms of their providers: which tool calls an answer proposes, and the
//! answer with a verdict on it or with another text in their place. Pure, over bytes.
//!
//! - [`Wire`], [`Proposed`], [`Unreadable`]: the words of the room; [`proposed`], [`annotated`], [`replaced`]: whole
//!   answers.
//! - [`stream`]: the same for an answer that comes event by event.
//! - `chat`, `responses`, `messages`: the three forms.
//! - `arguments`: what a call asks for, as one JSON object; `spelling`: names that a lenient reader would take for
//!   others; `insert`: where the verdict goes; `compose`: writing events.
//!
//! The rule of the whole room: what cannot be understood is not handed on.

mod arguments;
mod call;
mod chat;
mod compose;
mod insert;
mod messages;
mod responses;
mod spelling;
pub mod stream;
#[cfg(test)]
mod tests;
mod unreadable;
mod whole;

pub use call::Proposed;
pub use stream::{Limits, Step, Stream};
pub use unreadable::Unreadable;
pub use whole::{annotated, proposed, replaced};

/// Whose language an answer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
}

/// The member that carries the verdict.
const MARK: &str = "_trustloop";
/// The most calls that one answer may propose.
const CALLS_MAX: usize = 128;
