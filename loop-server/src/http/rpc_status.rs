//! `google.rpc.Status` as a protocol buffer: how a failure looks to a client that speaks nothing else.

use http::{HeaderMap, header};

/// Its media type.
pub const MEDIA: &str = "application/x-protobuf";

/// Whether a request is in protocol buffers, and so expects its answer.
#[must_use]
pub fn expected(headers: &HeaderMap) -> bool {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    told.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA))
}

/// A status with this message.
#[must_use]
pub fn status(message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_text(2, message, &mut out);
    out
}

/// Appends a text as the field of a number below 16.
pub(crate) fn push_text(number: u8, text: &str, out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    push_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number, seven bits to a byte.
pub(crate) fn push_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
