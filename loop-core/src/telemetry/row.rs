//! A stored span without its attributes: what lists, windows and diagnosis read.

use super::dialect::Class;
use crate::base::Time;

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum Status {
    /// Not said, which is as good as fine.
    #[default]
    Unset = 0,
    /// Fine.
    Ok = 1,
    /// Failed.
    Error = 2,
}

impl Status {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    /// The status of a code; `None` for a number that is none.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Unset),
            1 => Some(Self::Ok),
            2 => Some(Self::Error),
            _ => None,
        }
    }
}

/// A text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// What the span is called.
    Name = 0,
    /// The agent that acts.
    Agent = 1,
    /// The tool that is called.
    Tool = 2,
    /// The session that the span names itself.
    Session = 3,
    /// Where it ran.
    Environment = 4,
    /// What type of error it ended with.
    ErrorType = 5,
    /// The message of that error.
    Message = 6,
    /// The model that answered.
    Model = 7,
    /// Who runs the model.
    Provider = 8,
    /// How the session ended, when the span says so.
    Outcome = 9,
}

/// How many texts a row may have.
pub const FIELDS: usize = 10;

/// A span's id within a project: its trace's and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanKey {
    /// The trace.
    pub trace: [u8; 16],
    /// The span within it.
    pub span: [u8; 8],
}

/// A stored span without its attributes. `T` is how texts are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<T> {
    /// Its id.
    pub key: SpanKey,
    /// The span that it is part of.
    pub parent: Option<[u8; 8]>,
    /// When it began.
    pub start: Time,
    /// When it ended; never before it began.
    pub end: Time,
    /// How it ended.
    pub status: Status,
    /// What it is the record of.
    pub class: Class,
    /// Its texts, by [`Field`].
    pub texts: [Option<T>; FIELDS],
    /// Tokens read by a model.
    pub input_tokens: u64,
    /// Tokens written by a model.
    pub output_tokens: u64,
}

impl<T: AsRef<str>> Row<T> {
    /// One of its texts.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize)?.as_ref().map(AsRef::as_ref)
    }

    /// What the span is called.
    pub fn name(&self) -> &str {
        self.text(Field::Name).unwrap_or("")
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.status == Status::Error
    }
}

impl<T> Row<T> {
    /// The row with texts of another kind.
    pub(super) fn map<U>(self, text: impl Fn(T) -> U) -> Row<U> {
        let Self { key, parent, start, end, status, class, texts, input_tokens, output_tokens } = self;
        let texts = texts.map(|known| known.map(&text));
        Row { key, parent, start, end, status, class, texts, input_tokens, output_tokens }
    }
}

impl Row<&str> {
    /// The row with texts of its own.
    #[must_use]
    pub fn owned(self) -> Row<Box<str>> {
        self.map(Box::from)
    }
}
