//! Numbers written in groups: cards, phones, social security numbers.

use smallvec::SmallVec;

use super::DataClass;
use super::bytes::{DIGIT, Text};

/// The most digits of interest, those of the longest cards.
const DIGITS_MAX: usize = 19;
/// The fewest, those of a social security number; phones with a `+` apart.
const NATIONAL_MIN: usize = 9;
const GROUPS_MAX: usize = 8;
/// How many separators may stand between two groups.
const SEPARATORS_MAX: usize = 3;

/// A run of digits.
#[derive(Clone, Copy)]
struct Group {
    len: usize,
    /// Behind its last digit.
    end: usize,
    /// The first separator before it, as ASCII; 0 before the first group.
    separator: u8,
    bracketed: bool,
}

/// Groups of digits from one position on.
struct Groups {
    digits: SmallVec<[u8; 32]>,
    groups: SmallVec<[Group; 8]>,
}

impl Groups {
    fn read(text: Text<'_>, from: usize) -> Self {
        let mut out = Self { digits: SmallVec::new(), groups: SmallVec::new() };
        let (mut at, mut separator, mut bracketed) = (from, 0, text.before(from) == b'(');
        loop {
            let end = text.run(at, |byte| byte.is_ascii_digit());
            let len = end - at;
            out.groups.push(Group { len, end, separator, bracketed });
            if out.digits.len() + len > DIGITS_MAX {
                // Too long for anything: what was read before it may still stand alone.
                out.groups.pop();
                break;
            }
            out.digits.extend(text.bytes.get(at..end).unwrap_or_default().iter().map(|byte| byte & 15));
            if text.is_word(end) || out.groups.len() == GROUPS_MAX {
                break;
            }
            (at, separator, bracketed) = (end, 0, false);
            for _ in 0..SEPARATORS_MAX {
                let Some((width, kind)) = separator_at(text, at) else { break };
                separator = if separator == 0 { kind } else { separator };
                bracketed = kind == b'(';
                at += width;
            }
            if separator == 0 || !text.is(at, DIGIT) {
                break;
            }
        }
        out
    }

    /// The first `n` groups with their digits, for every `n` from the longest on.
    fn prefixes(&self) -> impl Iterator<Item = (&[Group], &[u8], usize)> {
        (1..=self.groups.len()).rev().filter_map(|n| {
            let groups = self.groups.get(..n)?;
            let digits = self.digits.get(..groups.iter().map(|group| group.len).sum())?;
            Some((groups, digits, groups.last()?.end))
        })
    }
}

/// A separator's width and the ASCII character it stands for.
fn separator_at(text: Text<'_>, at: usize) -> Option<(usize, u8)> {
    match text.at(at) {
        byte @ (b' ' | b'-' | b'.' | b'(' | b')') => Some((1, byte)),
        0xc2 if text.at(at + 1) == 0xa0 => Some((2, b' ')),
        0xe2 if text.at(at + 1) == 0x80 => match text.at(at + 2) {
            0x80..=0x8a | 0xaf => Some((3, b' ')),
            0x90..=0x95 => Some((3, b'-')),
            _ => None,
        },
        0xe2 if text.starts_with(at, "\u{2212}".as_bytes()) => Some((3, b'-')),
        _ => None,
    }
}

/// Whether groups have these lengths.
fn shaped(groups: &[Group], lengths: &[usize]) -> bool {
    groups.len() == lengths.len() && groups.iter().zip(lengths).all(|(group, len)| group.len == *len)
}

/// What begins with the digits at `at`, and where it ends.
pub(super) fn at(text: Text<'_>, at: usize) -> Option<(DataClass, usize)> {
    let read = Groups::read(text, at);
    if read.digits.len() < NATIONAL_MIN {
        return None;
    }
    // `0.4111…`: a fraction is no card.
    let fraction = text.before(at) == b'.' && at >= 2 && text.is(at - 2, DIGIT);
    if let Some(end) = card(&read, fraction) {
        return Some((DataClass::Card, end));
    }
    if let Some(end) = ssn(&read) {
        return Some((DataClass::UsSsn, end));
    }
    national_phone(&read, text).map(|end| (DataClass::Phone, end))
}

/// A phone number that begins with the `+` at `at`.
pub(super) fn plus_phone(text: Text<'_>, at: usize) -> Option<usize> {
    if text.is_word(at.checked_sub(1).unwrap_or(usize::MAX)) {
        return None;
    }
    let first = if text.at(at + 1) == b'(' { at + 2 } else { at + 1 };
    if !text.is(first, DIGIT) {
        return None;
    }
    let read = Groups::read(text, first);
    let longest = match (read.digits.first(), read.digits.get(1)) {
        (Some(1), _) => 11,
        (Some(4), Some(4)) => 13,
        _ => 15,
    };
    // `+12345678.90` is an amount.
    if matches!(read.groups.as_slice(), [whole, cents] if whole.len > 3 && cents.separator == b'.') {
        return None;
    }
    read.prefixes().find_map(|(groups, digits, end)| {
        // Only an area code may be a single digit: `+33 1 …`, `+44 (0)20 …`.
        let lone = groups.iter().enumerate().skip(1).any(|(at, group)| group.len == 1 && !group.bracketed && at > 1);
        ((8..=longest).contains(&digits.len()) && !lone).then_some(end)
    })
}

/// A phone number that begins with the `(` at `at`.
pub(super) fn bracket_phone(text: Text<'_>, at: usize) -> Option<usize> {
    if text.at(at + 1) == b'+' {
        return plus_phone(text, at + 1);
    }
    text.is(at + 1, DIGIT).then(|| national_phone(&Groups::read(text, at + 1), text)).flatten()
}

fn card(read: &Groups, fraction: bool) -> Option<usize> {
    read.prefixes().find_map(|(groups, digits, end)| {
        let found = begins_like_a_card(digits)
            && match groups {
                [_] => !fraction && is_luhn(digits),
                _ if shaped(groups, &[4, 4, 4, 4]) || shaped(groups, &[4, 6, 5]) => true,
                [first, rest @ ..] => {
                    let grouped = first.len >= 4 && groups.len() <= 5;
                    grouped
                        && first.len <= 8
                        && rest.iter().all(|group| (3..=7).contains(&group.len))
                        && is_luhn(digits)
                }
                [] => false,
            };
        found.then_some(end)
    })
}

/// Card numbers in a word of letters and digits, such as `visa4111111111111111`. A long hexadecimal word is a
/// fingerprint and holds none.
pub(super) fn cards_within(text: Text<'_>, start: usize, end: usize) -> SmallVec<[(usize, usize); 1]> {
    let mut out = SmallVec::new();
    let word = text.between(start, end);
    if word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return out;
    }
    let mut at = start;
    while at < end {
        let stop = text.run(at, |byte| byte.is_ascii_digit()).min(end);
        if is_card(text.between(at, stop)) {
            out.push((at, stop));
        }
        at = text.run(stop, |byte| byte.is_ascii_alphabetic()).max(stop + 1);
    }
    out
}

/// Whether a run of digits is a card number.
pub(in crate::tool) fn is_card(digits: &str) -> bool {
    if !(13..=DIGITS_MAX).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits: SmallVec<[u8; 32]> = digits.bytes().map(|byte| byte & 15).collect();
    begins_like_a_card(&digits) && is_luhn(&digits)
}

/// Cards begin with 3 (Amex, Diners, JCB), 4, 5, 6 or 2221–2720, and have 13 to 19 digits. Times in milliseconds
/// begin with 1, dates with 20.
fn begins_like_a_card(digits: &[u8]) -> bool {
    let head = digits.iter().take(4).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    (13..=DIGITS_MAX).contains(&digits.len()) && matches!(head, 3000..=6999 | 2221..=2720)
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(*digit) << (at & 1);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn ssn(read: &Groups) -> Option<usize> {
    let groups = read.groups.get(..3)?;
    let [_, second, third] = groups else { return None };
    let same = second.separator == third.separator && matches!(second.separator, b'-' | b' ');
    (same && shaped(groups, &[3, 2, 4])).then_some(third.end)
}

/// A phone number without its country's `+`: of the US, of the UK, or with `00`.
fn national_phone(read: &Groups, text: Text<'_>) -> Option<usize> {
    read.prefixes().find_map(|(groups, digits, end)| {
        let whole = !text.is_word(end);
        let (first, rest) = groups.split_first()?;
        let found = if shaped(groups, &[3, 3, 4]) {
            us(digits, groups) || (whole && uk(digits, first.len))
        } else if shaped(groups, &[1, 3, 3, 4]) {
            first.len == 1 && digits.first() == Some(&1) && us(digits.get(1..)?, rest)
        } else if rest.is_empty() {
            whole && digits.len() == 11 && uk(digits, first.len)
        } else {
            whole && (uk(digits, first.len) && groups.len() <= 5 || abroad(digits, groups))
        };
        found.then_some(end)
    })
}

/// Ten digits as 3-3-4. With spaces or dots between them they must begin like a number that can be dialled, or every
/// row of figures would be one.
fn us(digits: &[u8], groups: &[Group]) -> bool {
    let dialled = digits.first().is_some_and(|digit| *digit > 1) && digits.get(3).is_some_and(|digit| *digit > 1);
    let bracketed = groups.first().is_some_and(|group| group.bracketed);
    bracketed || dialled || groups.iter().skip(1).all(|group| group.separator == b'-')
}

/// Ten or eleven digits behind a single 0, the first group an area code.
fn uk(digits: &[u8], first: usize) -> bool {
    matches!(digits, [0, 1..=9, ..]) && matches!(digits.len(), 10 | 11) && first >= 3
}

/// `00` and a country code, in groups.
fn abroad(digits: &[u8], groups: &[Group]) -> bool {
    matches!(digits, [0, 0, 1..=9, ..])
        && (11..=17).contains(&digits.len())
        && groups.len() >= 3
        && groups.first().is_some_and(|group| (3..=5).contains(&group.len))
        && groups.iter().skip(1).all(|group| group.len >= 2)
}
