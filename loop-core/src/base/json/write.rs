//! Writing a document back as compact JSON, members in the order they were read.

use super::{
    special::special,
    view::{Kind, View},
};

/// Appends the value as compact JSON.
pub fn write(view: View<'_>, out: &mut String) {
    match view.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool(true) => out.push_str("true"),
        Kind::Bool(false) => out.push_str("false"),
        Kind::Number(text) => out.push_str(text),
        Kind::String(text) => write_string(text, out),
        Kind::Array => {
            out.push('[');
            for (at, item) in view.items().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            for (at, member) in view.members().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(member.key(), out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

/// Appends a JSON string. Only what must be escaped is escaped, always the same way.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = special(rest.as_bytes()) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = behind.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                use std::fmt::Write as _;
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
