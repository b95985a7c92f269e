//! Why an answer, or one call in it, could not be understood. Nothing of the text itself is told.

use loop_core::base::Code;

/// What could not be understood. Of an answer, nothing more may be handed on; of a call, the call is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A body or an event that is not one sound JSON object: bad syntax, a duplicate key, not UTF-8, too deep.
    #[error("not one sound JSON object")]
    Json,
    /// Not a sound stream of events.
    #[error("not a sound stream of events")]
    Events,
    /// A member that the wire form knows is missing or of another type, or its name is spelled otherwise.
    #[error("not what the wire form allows")]
    Structure,
    /// A tool call where the wire form has none.
    #[error("a tool call where none belongs")]
    Misplaced,
    /// Arguments that are not sound JSON.
    #[error("arguments that are not sound JSON")]
    Arguments,
    /// No name, or one longer than a tool may have.
    #[error("no usable tool name")]
    Name,
    /// Fragments of a call that different readers would join differently.
    #[error("fragments that do not fit together")]
    Fragments,
    /// A call that was begun and not finished.
    #[error("a call that was not finished")]
    Unfinished,
    /// The answer carries a verdict before one was given.
    #[error("an answer that already carries `_trustloop`")]
    Marked,
    /// An event, what is held, or the number of calls passes its limit.
    #[error("larger than what is read")]
    TooLarge,
    /// The stream ended before its last event.
    #[error("ended before its last event")]
    Cut,
    /// Bytes were fed while a decision was waited for.
    #[error("fed while a decision is waited for")]
    Undecided,
}

impl Unreadable {
    /// The code for surfaces.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Undecided => Code::Internal,
            _ => Code::UpstreamFailed,
        }
    }

    /// A stable name, for logs and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Events => "events",
            Self::Structure => "structure",
            Self::Misplaced => "misplaced",
            Self::Arguments => "arguments",
            Self::Name => "name",
            Self::Fragments => "fragments",
            Self::Unfinished => "unfinished",
            Self::Marked => "marked",
            Self::TooLarge => "too_large",
            Self::Cut => "cut",
            Self::Undecided => "undecided",
        }
    }
}
