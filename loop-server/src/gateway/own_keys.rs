//! Keys of ours, which are not for the providers: wherever they stand, also by mistake.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};
use loop_core::{
    access::key::{begins_as_key, holds_key},
    base::secret::Secret,
    engine::Engine,
};
use memchr::memmem;

/// Where clients put the key of whom they ask.
const CREDENTIALS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// The key that a request was made with, and what else is known of keys.
pub(super) struct OwnKeys<'a> {
    presented: Option<&'a Secret>,
    engine: Option<&'a Engine>,
}

impl<'a> OwnKeys<'a> {
    /// The key that a request was made with, and those that the engine knows.
    pub const fn new(presented: Option<&'a Secret>, engine: &'a Engine) -> Self {
        Self { presented, engine: Some(engine) }
    }

    #[cfg(test)]
    pub const fn only(key: &'a Secret) -> Self {
        Self { presented: Some(key), engine: None }
    }

    /// Whether a text holds the key of the request, or anything in the form of a key of ours.
    pub fn stand_in(&self, text: &[u8]) -> bool {
        let presented = |key: &Secret| memmem::find(text, key.expose().as_bytes()).is_some();
        holds_key(text) || self.presented.is_some_and(presented)
    }

    /// Whether a header holds a key of ours. In a place for keys it is enough to begin as one, or to be one that was
    /// used here.
    pub fn stand_in_header(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        let value = value.as_bytes();
        let mut words = value.split(u8::is_ascii_whitespace);
        self.stand_in(value) || (CREDENTIALS.contains(name) && words.any(|word| self.is_one(word)))
    }

    fn is_one(&self, word: &[u8]) -> bool {
        let known = |word| self.engine.is_some_and(|engine| engine.known_caller(word).is_some());
        begins_as_key(word) || std::str::from_utf8(word).is_ok_and(known)
    }
}

/// Whether a body holds a key, also when it is written with the escapes of JSON.
pub(super) fn stands_in_body(body: &[u8], key: &Secret) -> bool {
    let key = key.expose().as_bytes();
    if memmem::find(body, key).is_some() {
        return true;
    }
    // What escapes an ASCII letter: its number, or a backslash before it.
    let escaped = memmem::find(body, b"\\u00").is_some() || key.iter().any(|byte| matches!(byte, b'/' | b'"' | b'\\'));
    escaped && memmem::find(&plain(body), key).is_some()
}

/// The text with its escapes of ASCII letters undone.
fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = memchr::memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(before);
        let (letter, len) = match escape {
            [_, letter @ (b'/' | b'"' | b'\\'), ..] => (Some(*letter), 2),
            [_, b'u', b'0', b'0', high, low, ..] => (ascii(*high, *low), 6),
            _ => (None, 1),
        };
        let (escape, behind) = escape.split_at_checked(len).unwrap_or((escape, &[]));
        match letter {
            Some(letter) => out.push(letter),
            None => out.extend_from_slice(escape),
        }
        rest = behind;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

fn ascii(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?).filter(u8::is_ascii)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use loop_core::base::secret::Secret;

    use super::{OwnKeys, stands_in_body};

    const OTHER: &str = "tl_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn keys_are_found_in_headers_whoever_holds_them() {
        let key = Secret::new("house-key");
        let keys = OwnKeys::only(&key);
        let holds = |name: &str, value: &str| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            keys.stand_in_header(&name, &HeaderValue::from_str(value).expect("a value"))
        };
        for (name, value) in [
            ("x-any", "before house-key after"),
            ("x-any", OTHER),
            ("authorization", "Bearer tl_short"),
            ("authorization", "bearer lk_live_x"),
            ("x-api-key", "lk_test_short"),
            ("api-key", "tl_short"),
        ] {
            assert!(holds(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("x-any", "tl_short"),
            ("x-any", "html_0123456789abcdef0123456789abcdef"),
            ("x-api-key", "sk-ant-api03-tl_short"),
            ("authorization", "Bearer sk-proj-0123456789abcdef0123456789abcdef"),
        ] {
            assert!(!holds(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn an_escaped_key_is_the_key() {
        let found = |body: &str, key: &str| stands_in_body(body.as_bytes(), &Secret::new(key));
        for body in [
            r#"{"a":"tl_a1"}"#,
            r#"{"a":"\u0074l_a1"}"#,
            r#"["\u0074\u006c\u005F\u0061\u0031"]"#,
            r#"{"\\\u0074l_a1":1}"#,
        ] {
            assert!(found(body, "tl_a1"), "{body}");
        }
        assert!(found(r#"["a\/b"]"#, "a/b"));
        for body in
            [r#"["\\u0074l_a1"]"#, r#"["\u0174l_a1"]"#, r#"["\u0074l_a2"]"#, r#"["tl_\u00"#, "\\", r#"["\u00e9"]"#]
        {
            assert!(!found(body, "tl_a1"), "{body}");
        }
    }
}
