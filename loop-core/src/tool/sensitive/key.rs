//! API keys, tokens and private keys with a known shape.

use super::bytes::{KEY, Text, class};

/// How a kind of key begins and how much must follow.
struct Shape {
    prefix: &'static str,
    /// How many letters, digits, `_` and `-` must follow at least.
    least: usize,
    /// Whether one of them must be a digit: where the prefix alone could begin a compound word.
    digit: bool,
}

const fn shape(prefix: &'static str, least: usize, digit: bool) -> Shape {
    Shape { prefix, least, digit }
}

/// Grouped by first letter for reading; the order does not matter.
const SHAPES: [Shape; 36] = [
    shape("AGE-SECRET-KEY-1", 16, false),
    shape("AIza", 30, false),
    shape("AKIA", 16, false),
    shape("ASIA", 16, false),
    shape("AROA", 16, true),
    shape("dapi", 32, true),
    shape("dop_v1_", 32, false),
    shape("ghp_", 20, false),
    shape("gho_", 20, false),
    shape("ghu_", 20, false),
    shape("ghs_", 20, false),
    shape("ghr_", 20, false),
    shape("github_pat_", 20, false),
    shape("glpat-", 16, false),
    shape("gsk_", 20, true),
    shape("hf_", 24, false),
    shape("lk_live_", 12, true),
    shape("lk_test_", 12, true),
    shape("npm_", 30, false),
    shape("nv_", 16, true),
    shape("pypi-", 30, true),
    shape("r8_", 30, true),
    shape("rk_live_", 16, false),
    shape("rk_test_", 16, false),
    shape("shpat_", 24, true),
    shape("sk-", 20, false),
    shape("sk-", 13, true),
    shape("sk_live_", 12, true),
    shape("sk_test_", 12, true),
    shape("tl_", 16, true),
    shape("whsec_", 16, false),
    shape("xai-", 30, true),
    shape("xapp-", 16, true),
    shape("xoxa-", 10, true),
    shape("xoxb-", 10, true),
    shape("xoxp-", 10, true),
];

/// Runs of key characters shorter than this hold no key.
pub(super) const KEY_MIN: usize = 16;
/// How far into a key a digit is looked for.
const DIGIT_WITHIN: usize = 80;

/// A key in the word from `at` to `word_end`; `key_end` is the end of the run of key characters from there on.
#[inline]
pub(super) fn at(text: Text<'_>, at: usize, word_end: usize, key_end: usize) -> Option<(usize, usize)> {
    if key_end - at >= KEY_MIN
        && let Some(found) = prefixed(text, at, key_end)
    {
        return Some(found);
    }
    match (word_end - at, text.at(word_end)) {
        (6, b' ') => bearer(text, at, word_end),
        // Parts joined by dots.
        (2, b'.') if text.starts_with(at, b"SG.") => dotted(text, at, word_end, 16),
        (4, b'.') if text.starts_with(at, b"ya29.") => dotted(text, at, word_end, 20),
        (len, _) if len >= 3 && text.starts_with(at, b"eyJ") => json_web_token(text, at, key_end),
        _ => None,
    }
}

fn prefixed(text: Text<'_>, at: usize, key_end: usize) -> Option<(usize, usize)> {
    let first = text.at(at);
    if !matches!(first, b'A' | b'd' | b'g' | b'h' | b'l' | b'n' | b'p' | b'r' | b's' | b't' | b'w' | b'x') {
        return None;
    }
    let run = text.bytes.get(at..key_end)?;
    let found = SHAPES.iter().any(|shape| {
        run.strip_prefix(shape.prefix.as_bytes()).is_some_and(|rest| {
            rest.len() >= shape.least && (!shape.digit || rest.iter().take(DIGIT_WITHIN).any(u8::is_ascii_digit))
        })
    }) || run.strip_prefix(b"xox").is_some_and(|rest| rest.len() >= 12 && rest.get(1) == Some(&b'-'));
    found.then_some((at, key_end))
}

/// `Bearer` and a token: the token is the secret.
fn bearer(text: Text<'_>, at: usize, word_end: usize) -> Option<(usize, usize)> {
    let start = word_end + 1;
    if !text.bytes.get(at..word_end)?.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let end = text.run(start, |byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    let token = text.bytes.get(start..end)?;
    let found = token.len() >= 16 || (token.len() >= 8 && token.iter().any(u8::is_ascii_digit));
    found.then_some((start, end))
}

fn dotted(text: Text<'_>, at: usize, word_end: usize, least: usize) -> Option<(usize, usize)> {
    let end = text.run(word_end, |byte| class(byte) & KEY != 0 || byte == b'.');
    // The full stop behind it is the sentence's.
    let end = end - text.between(at, end).bytes().rev().take_while(|byte| *byte == b'.').count();
    (end - word_end > least).then_some((at, end))
}

/// `eyJ…​.….…`: two parts at least.
fn json_web_token(text: Text<'_>, at: usize, first: usize) -> Option<(usize, usize)> {
    if first - at < 10 || text.at(first) != b'.' {
        return None;
    }
    dotted(text, at, first, 8)
}

/// The end of a private key in PEM form whose frame begins at `at`; without a closing frame it takes the whole text.
pub(super) fn private_key_block(text: Text<'_>, at: usize) -> Option<usize> {
    /// Longer than every label in use.
    const LABEL_MAX: usize = 64;
    if !text.starts_with(at, b"-----BEGIN ") {
        return None;
    }
    let label = text.run(at + 5, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    if label - at > LABEL_MAX || !text.between(at, label).contains("PRIVATE KEY") {
        return None;
    }
    let Some(close) = text.find(label, "-----END ") else { return Some(text.bytes.len()) };
    let end = text.run(close + 5, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    Some(text.run(end, |byte| byte == b'-'))
}
