//! E-mail addresses.

use super::bytes::Text;

/// How many characters of a local part are looked at; the standard allows 64.
const LOCAL_MAX: usize = 256;
/// How many characters of a domain are looked at; the standard allows 255.
const DOMAIN_MAX: usize = 255;

/// The address around an `@` (or `%40`) that stands at `at` and is `width` bytes long.
pub(super) fn around(text: Text<'_>, at: usize, width: usize) -> Option<(usize, usize)> {
    let end = domain(text, at + width)?;
    let start = local(text, at)?;
    Some((start, end))
}

fn local(text: Text<'_>, at: usize) -> Option<usize> {
    if text.before(at) == b'"' {
        let inner = text.between(0, at - 1);
        let quote = inner.char_indices().rev().take(LOCAL_MAX).find(|(_, letter)| *letter == '"')?.0;
        return Some(quote);
    }
    let mut start = at;
    for (position, letter) in text.between(0, at).char_indices().rev().take(LOCAL_MAX) {
        if !is_local(letter) {
            break;
        }
        start = position;
    }
    // Quotes and dots around the address are not its own.
    let skipped = text.between(start, at).bytes().take_while(|byte| matches!(byte, b'\'' | b'.')).count();
    (start + skipped < at).then_some(start + skipped)
}

fn is_local(letter: char) -> bool {
    match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '.' | '_' | '%' | '+' | '-' | '\'' | '&' | '~' => true,
        '\0'..='\x7f' => false,
        _ => letter.is_alphanumeric(),
    }
}

/// The end of the domain that begins at `from`: labels joined by dots, the last of them letters, or an address in
/// square brackets.
fn domain(text: Text<'_>, from: usize) -> Option<usize> {
    if text.at(from) == b'[' {
        let end = text.run(from + 1, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
        return (end > from + 3 && end - from < DOMAIN_MAX && text.at(end) == b']').then_some(end + 1);
    }
    let rest = text.text.get(from..)?;
    let length = rest
        .char_indices()
        .take(DOMAIN_MAX)
        .take_while(|(_, letter)| matches!(letter, '.' | '-') || letter.is_alphanumeric())
        .last()
        .map(|(position, letter)| position + letter.len_utf8())?;
    let mut name = rest.get(..length)?;
    // The longest part that ends in a top-level domain: `example.com.` and `example.com.42` end behind `com`.
    loop {
        let (labels, last) = name.rsplit_once('.')?;
        if is_top_level(last) && !labels.is_empty() && !labels.starts_with(['.', '-']) {
            return Some(from + name.len());
        }
        let trimmed = last.trim_end_matches('-');
        name = if trimmed.len() < last.len() && !trimmed.is_empty() {
            name.get(..name.len() - (last.len() - trimmed.len()))?
        } else {
            labels
        };
    }
}

fn is_top_level(label: &str) -> bool {
    let mut letters = label.chars();
    let long = letters.next().is_some() && letters.next().is_some();
    long && (label.chars().all(char::is_alphabetic) || label.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("xn--")))
}
