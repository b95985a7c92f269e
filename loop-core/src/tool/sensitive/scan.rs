//! The pass over a text.

use super::bytes::{DASH, DIGIT, KEY, LETTER, SIGN, Text, class};
use super::{DataClass, Finding, assigned, email, identity, key, number};

/// Texts with fewer digits hold no number of interest: a national insurance number has six.
const DIGITS_MIN: usize = 6;

/// Finds sensitive data in `text` and appends it to `found`, in order, without overlaps, on character boundaries.
pub fn scan(text: &str, found: &mut Vec<Finding>) {
    if !could_hold_any(text.as_bytes()) {
        return;
    }
    let kept = found.len();
    let mut scanner = Scanner { text: Text::new(text), found, kept, key_end: 0 };
    let mut at = 0;
    while at < text.len() {
        at = scanner.step(at);
    }
}

/// A quick look, to let most texts go.
fn could_hold_any(bytes: &[u8]) -> bool {
    let (mut seen, mut digits) = (0, 0_usize);
    for byte in bytes {
        let class = class(*byte);
        seen |= class;
        // No text is so long that this wraps.
        digits = digits.wrapping_add(usize::from(class & DIGIT));
    }
    // `--` opens a flag or the frame of a private key.
    let dashes = || seen & DASH != 0 && bytes.windows(2).any(|pair| pair == b"--");
    seen & SIGN != 0 || digits >= DIGITS_MIN || holds_long_run(bytes) || dashes()
}

/// Whether enough key characters stand together to be a key. Such a run covers the last byte of a block of its
/// length, so only the runs around those bytes are measured.
fn holds_long_run(bytes: &[u8]) -> bool {
    let is_key = |byte: &&u8| class(**byte) & KEY != 0;
    (key::KEY_MIN - 1..bytes.len()).step_by(key::KEY_MIN).any(|at| {
        let (head, tail) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
        let right = tail.iter().take(key::KEY_MIN).take_while(is_key).count();
        right > 0 && right + head.iter().rev().take(key::KEY_MIN).take_while(is_key).count() >= key::KEY_MIN
    })
}

struct Scanner<'t, 'f> {
    text: Text<'t>,
    found: &'f mut Vec<Finding>,
    /// How many findings were there before this text's.
    kept: usize,
    /// The end of the run of key characters last looked at, so that each is measured once.
    key_end: usize,
}

impl Scanner<'_, '_> {
    /// Looks at what begins at `at`; the answer is where to look next, always further on.
    #[inline]
    fn step(&mut self, at: usize) -> usize {
        let byte = self.text.at(at);
        let classes = class(byte);
        if classes & (LETTER | DIGIT) != 0 {
            return self.word(at);
        }
        match byte {
            b'@' => self.email(at, 1),
            b'%' if self.text.starts_with(at, b"%40") => self.email(at, 3),
            b':' | b'=' => match assigned::behind(self.text, at) {
                Some((start, end)) => self.push(DataClass::Secret, start, end),
                None => at + 1,
            },
            b'-' => self.dash(at),
            b'+' => self.take(DataClass::Phone, at, number::plus_phone(self.text, at)).unwrap_or(at + 1),
            b'(' => self.take(DataClass::Phone, at, number::bracket_phone(self.text, at)).unwrap_or(at + 1),
            _ => at + 1,
        }
    }

    fn push(&mut self, class: DataClass, start: usize, end: usize) -> usize {
        self.found.push(Finding { class, start, end });
        end
    }

    fn take(&mut self, class: DataClass, start: usize, end: Option<usize>) -> Option<usize> {
        end.filter(|end| *end > start).map(|end| self.push(class, start, end))
    }

    /// A run of ASCII letters and digits begins.
    fn word(&mut self, at: usize) -> usize {
        let text = self.text;
        let mut digits = 0_usize;
        let mut end = at;
        loop {
            let class = class(text.at(end));
            if class & (LETTER | DIGIT) == 0 {
                break;
            }
            digits += usize::from(class & DIGIT);
            end += 1;
        }
        if self.key_end <= at {
            self.key_end = text.run(end, |byte| class(byte) & KEY != 0);
        }
        if let Some((start, end)) = key::at(text, at, end, self.key_end) {
            return self.push(DataClass::ApiKey, start, end);
        }
        if digits == end - at {
            if let Some((class, end)) = number::at(text, at) {
                return self.push(class, at, end);
            }
            return end;
        }
        let letters_first = text.is(at, LETTER) && text.is(at + 1, LETTER);
        if letters_first && (digits > 0 || end - at == 2) {
            if let Some(end) = identity::nino(text, at) {
                return self.push(DataClass::UkNino, at, end);
            }
            if let Some(end) = identity::iban(text, at, end) {
                return self.push(DataClass::Iban, at, end);
            }
        }
        if digits >= 13 {
            for (start, end) in number::cards_within(text, at, end) {
                self.push(DataClass::Card, start, end);
            }
        }
        end
    }

    /// An `@`, written in `width` bytes.
    fn email(&mut self, at: usize, width: usize) -> usize {
        let Some((mut start, end)) = email::around(self.text, at, width) else { return at + width };
        // What looked like a number may turn out to be the address's local part.
        while let Some(last) = self.found.get(self.kept..).and_then(<[Finding]>::last).copied() {
            if last.end <= start {
                break;
            }
            if !last.class.is_personal() || last.class == DataClass::Email {
                start = last.end;
                break;
            }
            // Both are masked as one: the number may reach back further than the address does.
            start = start.min(last.start);
            self.found.pop();
        }
        if start >= at { at + width } else { self.push(DataClass::Email, start, end) }
    }

    fn dash(&mut self, at: usize) -> usize {
        if !self.text.starts_with(at, b"--") {
            return at + 1;
        }
        if let Some(end) = key::private_key_block(self.text, at) {
            return self.push(DataClass::ApiKey, at, end);
        }
        match assigned::flag(self.text, at) {
            Some((start, end)) => self.push(DataClass::Secret, start, end),
            None => at + 1,
        }
    }
}
