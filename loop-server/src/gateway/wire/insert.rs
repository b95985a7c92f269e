//! Where the verdict goes: a last member of an object that is already written, every other byte as it was.

use super::MARK;

/// A place within bytes at which a member can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The offset of the object's closing brace.
    pub at: usize,
    /// Whether the object has members already.
    pub comma: bool,
}

impl Place {
    /// The place at the end of the object that closes at `close`.
    pub(super) fn before(text: &[u8], close: usize) -> Option<Self> {
        let (object, _) = text.split_at_checked(close)?;
        let last = object.iter().rfind(|byte| !space(**byte))?;
        Some(Self { at: close, comma: *last != b'{' })
    }

    /// The place at the end of the object that `text` is.
    pub(super) fn last(text: &[u8]) -> Option<Self> {
        let close = text.iter().rposition(|byte| !space(*byte))?;
        if text.get(close) != Some(&b'}') {
            return None;
        }
        Self::before(text, close)
    }
}

/// Appends the verdict as a member. Line ends in `meta` can only stand between its values, and would end the event.
pub(super) fn member(out: &mut Vec<u8>, place: Place, meta: &str) {
    if place.comma {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(MARK.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend(meta.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

/// Where the object that is the member `name` of the object `text` closes. The text is sound JSON.
pub(super) fn close_of(text: &[u8], name: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut at = 0;
    // Whether the member's name was the last string at depth 1, and whether its value is open.
    let (mut named, mut open) = (false, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = string_end(text, at + 1)?;
                named = depth == 1 && text.get(at + 1..end) == Some(name.as_bytes()) && is_key(text, end + 1);
                at = end;
            }
            b'{' | b'[' => {
                depth += 1;
                open |= depth == 2 && named && *byte == b'{';
                named = false;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if open && depth == 1 {
                    return Some(at);
                }
            }
            b',' => named = false,
            _ => {}
        }
        at += 1;
    }
    None
}

fn string_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn is_key(text: &[u8], behind: usize) -> bool {
    text.get(behind..).unwrap_or_default().iter().find(|byte| !space(**byte)) == Some(&b':')
}

const fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_member_is_found_past_what_looks_like_it() {
        let text = br#"{"x":"response","y":{"response":{}},"z":["}"],"response" : {"a":"}\"","b":[{}]},"q":{}}"#;
        let at = close_of(text, "response").unwrap();
        assert!(text[..at].ends_with(b"[{}]"));
        assert_eq!(text.get(at), Some(&b'}'));
        assert_eq!(close_of(br#"{"response":[{}]}"#, "response"), None);
        assert_eq!(close_of(br#"{"a":{}}"#, "response"), None);
    }

    #[test]
    fn an_empty_object_needs_no_comma() {
        assert_eq!(Place::last(b"{ } \n"), Some(Place { at: 2, comma: false }));
        assert_eq!(Place::last(b"{\"a\":{}}"), Some(Place { at: 7, comma: true }));
        assert_eq!(Place::last(b"[]"), None);
        assert_eq!(Place::last(b""), None);
    }
}
