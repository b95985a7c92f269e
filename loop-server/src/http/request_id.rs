//! The id that names a request in its answer and in the log.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use loop_core::base::Seed;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id taken from a caller, in bytes.
const MAX: usize = 64;

/// Numbers requests. Ids need to be distinct, not secret: one draw at the start makes runs differ, and a counter
/// makes requests differ.
#[derive(Debug)]
pub struct RequestIds {
    run: u64,
    next: AtomicU64,
}

/// One request's id.
#[derive(Debug, Clone)]
pub enum RequestId {
    /// The caller's own.
    Given(HeaderValue),
    /// One of ours: the run and the number.
    Drawn(u64, u64),
}

impl RequestIds {
    /// Ids of a new run.
    #[must_use]
    pub fn new(seed: &mut Seed) -> Self {
        let run = seed.draw().iter().take(6).fold(0, |run, byte| run << 8 | u64::from(*byte));
        Self { run, next: AtomicU64::new(1) }
    }

    /// The id of a request: the caller's when it is short and plain, else the next of ours.
    #[must_use]
    pub fn of(&self, headers: &HeaderMap) -> RequestId {
        match headers.get(&HEADER) {
            Some(given) if plain(given.as_bytes()) => RequestId::Given(given.clone()),
            _ => RequestId::Drawn(self.run, self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// Letters, digits and `-_.` only, so that an id cannot forge a line of the log.
fn plain(id: &[u8]) -> bool {
    (1..=MAX).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

impl RequestId {
    /// The id as a header's value.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        match self {
            Self::Given(given) => given.clone(),
            Self::Drawn(run, number) => {
                let mut text = [b'0'; 23];
                let dash = [b'-'];
                let digits = hex_digits(*run, 12).chain(dash).chain(hex_digits(*number, 10));
                text.iter_mut().zip(digits).for_each(|(to, from)| *to = from);
                HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
            }
        }
    }
}

/// The lowest `count` hexadecimal digits.
fn hex_digits(value: u64, count: u32) -> impl Iterator<Item = u8> {
    (0..count).rev().map(move |place| {
        let digit = u8::try_from(value >> (place * 4) & 15).unwrap_or(0);
        if digit < 10 { b'0' + digit } else { b'a' + (digit - 10) }
    })
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_header().to_str().unwrap_or("-"))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use loop_core::base::Seed;

    use super::{HEADER, RequestIds};

    #[test]
    fn a_plain_id_is_kept_and_any_other_replaced() {
        let ids = RequestIds::new(&mut Seed::new([1; 32]));
        let mut headers = HeaderMap::new();
        for (given, kept) in [("abc-1.2_3", true), ("a b", false), ("", false), ("tl_key=\"x\"", false)] {
            headers.insert(HEADER, given.parse().expect("a header value"));
            assert_eq!(ids.of(&headers).to_string() == given, kept, "{given}");
        }
        headers.insert(HEADER, "x".repeat(65).parse().expect("a header value"));
        assert_eq!(ids.of(&headers).to_string().len(), 23);
    }

    #[test]
    fn drawn_ids_differ_by_request_and_by_run() {
        let ids = RequestIds::new(&mut Seed::new([1; 32]));
        let other = RequestIds::new(&mut Seed::new([2; 32]));
        let none = HeaderMap::new();
        let (a, b, c) = (ids.of(&none).to_string(), ids.of(&none).to_string(), other.of(&none).to_string());
        assert!(a != b && a != c && b != c);
        assert!(a.ends_with("-0000000001") && b.ends_with("-0000000002"), "{a} {b}");
    }
}
