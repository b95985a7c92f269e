//! Spans as they come in, before anything is known of them. Whoever reads a wire format fills these in.

use std::borrow::Cow;

/// A value of an attribute, in the terms of OpenTelemetry's `AnyValue`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// None at all.
    Empty,
    /// A text.
    Text(Cow<'a, str>),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number; it may be infinite or none.
    Double(f64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Values in their order.
    List(Vec<Value<'a>>),
    /// Named values.
    Map(Attributes<'a>),
}

impl Value<'_> {
    /// The text, when this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A count: an integer that is not negative, also as a whole number or in digits.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Self::Int(int) => u64::try_from(*int).ok(),
            Self::Text(text) => text.parse().ok(),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds asked for")]
            Self::Double(double) if (0.0..9e15).contains(double) && double.fract() == 0.0 => Some(*double as u64),
            _ => None,
        }
    }
}

/// Named values, in the order they came.
pub type Attributes<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The value under a name; the first one when there are several.
#[must_use]
pub fn find<'v, 'a>(attributes: &'v [(Cow<'a, str>, Value<'a>)], name: &str) -> Option<&'v Value<'a>> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// When, in nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// What it is called.
    pub name: Cow<'a, str>,
    /// What is said of it.
    pub attributes: Attributes<'a>,
}

/// A span as received.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming<'a> {
    /// Its trace; `None` when what came is no trace id.
    pub trace_id: Option<[u8; 16]>,
    /// Its own id within the trace; `None` when what came is no span id.
    pub span_id: Option<[u8; 8]>,
    /// The span that it is part of; zeros for none.
    pub parent_id: Option<[u8; 8]>,
    /// What it is called.
    pub name: Cow<'a, str>,
    /// When it began, in nanoseconds since the Unix epoch; `None` when what came is no such number.
    pub start: Option<u64>,
    /// When it ended, likewise.
    pub end: Option<u64>,
    /// The code of its status: 0 unset, 1 fine, 2 failed; `None` when what came is none.
    pub status: Option<u8>,
    /// The message of its status.
    pub message: Cow<'a, str>,
    /// What is said of it.
    pub attributes: Attributes<'a>,
    /// What happened within it.
    pub events: Vec<Event<'a>>,
    /// Which of the batch's resources it is of.
    pub resource: usize,
}

/// Spans that came in one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch<'a> {
    /// What is said of the resources that the spans are of.
    pub resources: Vec<Attributes<'a>>,
    /// The spans.
    pub spans: Vec<Incoming<'a>>,
}
