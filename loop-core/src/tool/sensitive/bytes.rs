//! Classes of bytes, and a text read by position.

/// `0`–`9`
pub(super) const DIGIT: u8 = 1;
/// Letters, digits, `_` and `-`: what keys are made of.
pub(super) const KEY: u8 = 2;
/// ASCII letters.
pub(super) const LETTER: u8 = 4;

/// What an address, an assigned value or a percent-encoded sign cannot do without.
pub(super) const SIGN: u8 = 8;
/// `-`
pub(super) const DASH: u8 = 16;

/// The classes a byte belongs to.
#[inline]
pub(super) fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0;
    while let Some((first, behind)) = rest.split_first_mut() {
        *first = class_of(byte);
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    table
};

const fn class_of(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT | KEY,
        b'a'..=b'z' | b'A'..=b'Z' => LETTER | KEY,
        b'_' => KEY,
        b'-' => KEY | DASH,
        b'@' | b'%' | b':' | b'=' => SIGN,
        _ => 0,
    }
}

/// A text whose bytes are read by position. Behind the end stand zeros, which belong to no class.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub text: &'t str,
    pub bytes: &'t [u8],
}

impl<'t> Text<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, bytes: text.as_bytes() }
    }

    #[inline]
    pub(super) fn at(self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The byte before `at`; 0 at the start.
    #[inline]
    pub(super) fn before(self, at: usize) -> u8 {
        at.checked_sub(1).map_or(0, |before| self.at(before))
    }

    #[inline]
    pub(super) fn is(self, at: usize, classes: u8) -> bool {
        class(self.at(at)) & classes != 0
    }

    /// Whether an ASCII letter or digit stands at `at`.
    #[inline]
    pub(super) fn is_word(self, at: usize) -> bool {
        self.is(at, LETTER | DIGIT)
    }

    /// The first position from `from` on whose byte does not satisfy `inside`.
    #[inline]
    pub(super) fn run(self, from: usize, inside: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !inside(*byte)).unwrap_or(rest.len())
    }

    /// The text between two positions; empty when they are not positions of characters.
    pub(super) fn between(self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or("")
    }

    pub(super) fn starts_with(self, at: usize, start: &[u8]) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(start))
    }

    /// Where `needle` begins at or behind `from`.
    pub(super) fn find(self, from: usize, needle: &str) -> Option<usize> {
        self.text.get(from..)?.find(needle).map(|at| from + at)
    }
}
