//! Secrets told by what stands before them: `password=…`, `"apiKey": "…"`, `--token …`, `scheme://user:password@host`,
//! and the secret parts of well-known webhook addresses.

use super::bytes::{KEY, Text, class};
use super::names_secret;

/// The longest name looked at.
const NAME_MAX: usize = 64;
/// How far into an address its user part is looked for.
const AUTHORITY_MAX: usize = 1024;
/// What may stand between a name and its value.
const GAP_MAX: usize = 8;

/// Webhook hosts whose path is the secret.
const HOOKS: [&[u8]; 4] = [
    b"hooks.slack.com/services/",
    b"hooks.slack.com/workflows/",
    b"discord.com/api/webhooks/",
    b"discordapp.com/api/webhooks/",
];

/// The secret behind the `:` or `=` at `at`.
pub(super) fn behind(text: Text<'_>, at: usize) -> Option<(usize, usize)> {
    if text.starts_with(at, b"://") {
        return in_address(text, at + 3);
    }
    // `14:30`: most colons stand in times.
    if text.before(at).is_ascii_digit() && text.at(at + 1).is_ascii_digit() && text.at(at) == b':' {
        return None;
    }
    if is_secret_name(text, at) { value(text, at) } else { None }
}

/// The value of a command-line flag `--name value` that begins at `at`.
pub(super) fn flag(text: Text<'_>, at: usize) -> Option<(usize, usize)> {
    let name = text.bytes.get(at + 2..)?.iter().take(NAME_MAX).take_while(|byte| class(**byte) & KEY != 0).count();
    let end = at + 2 + name;
    (text.at(end) == b' ' && names_secret(text.between(at + 2, end))).then(|| value(text, end)).flatten()
}

fn in_address(text: Text<'_>, from: usize) -> Option<(usize, usize)> {
    let is_token = |byte: u8| byte > b' ' && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\');
    for hook in HOOKS {
        if text.starts_with(from, hook) {
            let start = from + hook.len();
            let end = text.run(start, |byte| is_token(byte) && byte < 0x80);
            return (end > start).then_some((start, end));
        }
    }
    let authority = text.bytes.get(from..)?.iter().take(AUTHORITY_MAX);
    let mut at_sign = None;
    let mut colon = None;
    for (position, byte) in authority.enumerate() {
        match byte {
            b'/' | b'?' | b'#' => break,
            b'@' => at_sign = Some(position),
            b':' if colon.is_none() => colon = Some(position),
            byte if !is_token(*byte) => break,
            _ => {}
        }
    }
    let (start, end) = (from + colon? + 1, from + at_sign?);
    (start < end && !is_masked(text, start)).then_some((start, end))
}

/// Whether a name that asks for secrecy ends right before the `:` or `=` at `at`, quotes and a space apart.
fn is_secret_name(text: Text<'_>, at: usize) -> bool {
    let back = |from: usize, most: usize, inside: fn(u8) -> bool| {
        let before = text.bytes.get(..from).unwrap_or_default();
        from - before.iter().rev().take(most).take_while(|byte| inside(**byte)).count()
    };
    let end = back(at, 2, |byte| byte == b' ');
    let end = back(end, 3, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']'));
    let start = back(end, NAME_MAX, |byte| class(byte) & KEY != 0);
    let name = text.between(start, end);
    if name.is_empty() {
        return false;
    }
    if names_secret(name) {
        return true;
    }
    // `API key: …` is written in two words.
    let second = ["key", "keys", "code", "token", "phrase", "word"].iter().any(|word| name.eq_ignore_ascii_case(word));
    if !second || text.before(start) != b' ' {
        return false;
    }
    let first = back(start - 1, NAME_MAX, |byte| class(byte) & KEY != 0);
    names_secret(text.between(first, end))
}

/// The value behind the `:`, `=` or space at `at`.
fn value(text: Text<'_>, at: usize) -> Option<(usize, usize)> {
    let gap = text.bytes.get(at..)?.iter().take(GAP_MAX);
    let gap = gap.take_while(|byte| matches!(byte, b' ' | b'\t' | b'=' | b':' | b'>' | b'\\')).count();
    let mut start = at + gap;
    // Looked at before the value's end, which may be far.
    let opening = usize::from(matches!(text.at(start), b'"' | b'\'' | b'`'));
    if is_masked(text, start + opening) {
        return None;
    }
    let end = match text.at(start) {
        quote @ (b'"' | b'\'' | b'`') => {
            // Within a quoted text the quotes themselves are escaped.
            let escaped = text.before(start) == b'\\';
            start += 1;
            closing_quote(text, start, quote, escaped)
        }
        b'[' | b'{' => closing_bracket(text, start),
        _ => {
            let end = bare_end(text, start);
            let scheme = ["basic", "bearer", "token", "digest", "apikey"];
            let word = text.between(start, end);
            if text.at(end) == b' ' && scheme.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) {
                bare_end(text, end + 1)
            } else {
                end
            }
        }
    };
    let found = text.between(start, end);
    let tells_nothing = matches!(found, "" | "true" | "false" | "null" | "none" | "None" | "True" | "False");
    (!tells_nothing).then_some((start, end))
}

fn is_masked(text: Text<'_>, at: usize) -> bool {
    text.starts_with(at, super::SECRET_MASK.as_bytes())
}

fn bare_end(text: Text<'_>, from: usize) -> usize {
    text.run(from, |byte| byte > b' ' && !b",;&|)]}<>\"'`\\".contains(&byte))
}

fn closing_quote(text: Text<'_>, from: usize, quote: u8, escaped: bool) -> usize {
    let mut at = from;
    while at < text.bytes.len() {
        match text.at(at) {
            b'\\' if escaped && text.at(at + 1) == quote => return at,
            b'\\' => at += 2,
            byte if byte == quote => return at,
            _ => at += 1,
        }
    }
    text.bytes.len()
}

fn closing_bracket(text: Text<'_>, from: usize) -> usize {
    let mut depth = 0_usize;
    for (position, byte) in text.bytes.iter().enumerate().skip(from) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    text.bytes.len()
}
