//! National insurance numbers and IBANs: two letters, then digits.

use smallvec::SmallVec;

use super::bytes::{DIGIT, LETTER, Text};

/// Country and length of its IBANs (SWIFT IBAN registry).
#[rustfmt::skip]
const IBANS: [(&[u8; 2], usize); 89] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
    (b"YE", 30),
];

/// The end of a UK national insurance number that begins at `at`: two letters, six digits, one letter, in pairs or
/// not. Written with gaps its letters must be capitals, or `in 20 25 30 a` would be one.
pub(super) fn nino(text: Text<'_>, at: usize) -> Option<usize> {
    let mut end = at + 2;
    let mut gaps = false;
    let mut gap = |end: &mut usize| {
        if matches!(text.at(*end), b' ' | b'-') {
            gaps = true;
            *end += 1;
        }
    };
    for _ in 0..3 {
        gap(&mut end);
        if !(text.is(end, DIGIT) && text.is(end + 1, DIGIT)) {
            return None;
        }
        end += 2;
    }
    gap(&mut end);
    let suffix = text.at(end);
    let capitals =
        text.at(at).is_ascii_uppercase() && text.at(at + 1).is_ascii_uppercase() && suffix.is_ascii_uppercase();
    let shaped = matches!(suffix.to_ascii_uppercase(), b'A'..=b'D' | b'F' | b'M' | b'P') && !text.is_word(end + 1);
    (shaped && (capitals || !gaps)).then_some(end + 1)
}

/// The end of an IBAN that begins at `at`, in one word that ends at `word_end` or in groups of four.
///
/// An IBAN has its country's length, or of an unknown country a valid checksum.
pub(super) fn iban(text: Text<'_>, at: usize, word_end: usize) -> Option<usize> {
    if !(text.is(at + 2, DIGIT) && text.is(at + 3, DIGIT)) {
        return None;
    }
    let country = [text.at(at).to_ascii_uppercase(), text.at(at + 1).to_ascii_uppercase()];
    let expected = IBANS.iter().find(|(code, _)| **code == country).map(|(_, length)| *length);
    if word_end - at > 4 {
        let length = word_end - at;
        let word = text.bytes.get(at..word_end)?;
        let found = expected == Some(length) || ((15..=34).contains(&length) && has_valid_checksum(word));
        return found.then_some(word_end);
    }
    let expected = expected?;
    let mut letters: SmallVec<[u8; 64]> = text.bytes.get(at..word_end)?.into();
    let mut end = word_end;
    while letters.len() < expected {
        let from = match text.at(end) {
            b' ' | b'-' => end + 1,
            0xc2 if text.at(end + 1) == 0xa0 => end + 2,
            _ => return None,
        };
        end = from;
        while end - from < 4 && text.is(end, DIGIT | LETTER) {
            end += 1;
        }
        letters.extend_from_slice(text.bytes.get(from..end)?);
        let short = end - from < 4;
        if text.is_word(end) || (short && letters.len() != expected) {
            return None;
        }
    }
    (letters.len() == expected).then_some(end)
}

/// ISO 7064 mod 97-10: the number with its first four characters behind, letters as two digits, leaves 1.
fn has_valid_checksum(iban: &[u8]) -> bool {
    let Some((head, tail)) = iban.split_at_checked(4) else { return false };
    let rest = tail.iter().chain(head).try_fold(0_u32, |rest, byte| {
        let value = char::from(*byte).to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    rest == Some(1)
}
