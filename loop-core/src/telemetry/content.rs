//! The attributes and events of a span as they are kept: masked, bounded, as JSON.
//!
//! Texts are masked as everywhere ([`crate::tool::redact`]); what stands under a name that asks for secrecy is not kept.
//! Bounds: [`ATTRIBUTES_MAX`] attributes, [`EVENTS_MAX`] events, [`DEPTH_MAX`] levels, [`TEXT_MAX`] bytes of a text and
//! about [`TOTAL_MAX`] of a span. What is beyond them is left out, and `…` stands for it.

use std::borrow::Cow;

use super::{
    dialect::is_content,
    incoming::{Attributes, Event, Value},
};
use crate::{
    base::{Time, json::write_string},
    tool::{
        redact,
        sensitive::{SECRET_MASK, names_secret},
    },
};

/// The most attributes of a span, an event or a resource.
pub const ATTRIBUTES_MAX: usize = 128;
/// The most events of a span.
pub const EVENTS_MAX: usize = 32;
/// How deep values may be nested.
pub const DEPTH_MAX: u32 = 16;
/// The longest text, in bytes.
pub const TEXT_MAX: usize = 8 * 1024;
/// The longest name, in bytes.
pub const NAME_MAX: usize = 256;
/// About how many bytes a span's attributes and events may have together.
pub const TOTAL_MAX: usize = 64 * 1024;

const CUT: &str = "…";

/// What becomes of content: what was said to a model or a tool, and what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// It is kept, masked.
    #[default]
    Kept,
    /// It is not kept.
    Dropped,
}

/// Writes `{"attributes":{…},"events":[…]}` of a span.
pub(super) fn write_span(attributes: &Attributes<'_>, events: &[Event<'_>], content: Content, out: &mut String) {
    let full = out.len().saturating_add(TOTAL_MAX);
    let mut writer = Writer { out, full, content };
    writer.out.push_str("{\"attributes\":");
    writer.attributes(attributes, 0);
    if !events.is_empty() {
        writer.out.push_str(",\"events\":[");
        for (at, event) in events.iter().take(EVENTS_MAX).enumerate() {
            if at > 0 {
                writer.out.push(',');
            }
            writer.event(event);
        }
        writer.out.push(']');
    }
    writer.out.push('}');
}

/// Writes the attributes of a resource as an object.
pub(super) fn write_resource(attributes: &Attributes<'_>, content: Content, out: &mut String) {
    let full = out.len().saturating_add(TOTAL_MAX);
    Writer { out, full, content }.attributes(attributes, 0);
}

struct Writer<'o> {
    out: &'o mut String,
    /// Behind which length nothing more is begun.
    full: usize,
    content: Content,
}

impl Writer<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.out.push_str("{\"name\":");
        self.text(&event.name, NAME_MAX);
        self.out.push_str(",\"at\":\"");
        self.out.push_str(&time(event.nanos).to_string());
        self.out.push_str("\",\"attributes\":");
        self.attributes(&event.attributes, 1);
        self.out.push('}');
    }

    /// Of several attributes of one name the first counts.
    fn attributes(&mut self, attributes: &Attributes<'_>, depth: u32) {
        self.out.push('{');
        let mut first = true;
        for (at, (key, value)) in attributes.iter().take(ATTRIBUTES_MAX).enumerate() {
            let twice = attributes.iter().take(at).any(|(earlier, _)| earlier == key);
            if twice || (self.content == Content::Dropped && is_content(key)) {
                continue;
            }
            if !first {
                self.out.push(',');
            }
            first = false;
            if self.out.len() >= self.full {
                self.out.push_str("\"…\":\"…\"");
                break;
            }
            self.text(key, NAME_MAX);
            self.out.push(':');
            self.member(key, value, depth);
        }
        self.out.push('}');
    }

    fn member(&mut self, key: &str, value: &Value<'_>, depth: u32) {
        let says_something = !matches!(value, Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_));
        if says_something && names_secret(key) {
            write_string(SECRET_MASK, self.out);
        } else {
            self.value(value, depth);
        }
    }

    fn value(&mut self, value: &Value<'_>, depth: u32) {
        if depth > DEPTH_MAX {
            write_string(CUT, self.out);
            return;
        }
        match value {
            Value::Empty => self.out.push_str("null"),
            Value::Text(text) => self.text(text, TEXT_MAX),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(int) => self.out.push_str(&int.to_string()),
            Value::Double(double) if double.is_finite() => self.out.push_str(&format!("{double:?}")),
            Value::Double(double) => write_string(&double.to_string(), self.out),
            Value::Bytes(bytes) => write_string(&format!("[{} bytes]", bytes.len()), self.out),
            Value::List(values) => self.list(values, depth),
            Value::Map(members) => self.attributes(members, depth + 1),
        }
    }

    fn list(&mut self, values: &[Value<'_>], depth: u32) {
        self.out.push('[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            if at >= ATTRIBUTES_MAX || self.out.len() >= self.full {
                write_string(CUT, self.out);
                break;
            }
            self.value(value, depth + 1);
        }
        self.out.push(']');
    }

    fn text(&mut self, text: &str, most: usize) {
        write_string(&masked(text, most), self.out);
    }
}

/// A text as it is kept: masked, and cut to `most` bytes.
pub(super) fn masked(text: &str, most: usize) -> Cow<'_, str> {
    redact::masked(text, most)
}

/// The instant of a number of nanoseconds; finer fractions than microseconds are cut off.
pub(super) fn time(nanos: u64) -> Time {
    Time::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}
