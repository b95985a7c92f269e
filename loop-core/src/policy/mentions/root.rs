//! The words by which phrases are found, for looking rules up before they are judged. Words stand there as
//! [prints](Print): two that are equal are judged as words again, so a rule can be found in vain but not be missed.

use smallvec::SmallVec;

use super::{FORMAL, JOINED_MAX, VALUE_MAX, WORDS_MAX, bare, head_of, is_free, is_long, is_too_long, words_of};
use crate::{
    base::json::View,
    policy::{facts, lexicon, print::Print},
    tool::name::tokens,
};

/// What words are like that are looked for, so that most others need not be looked up. Words that are the
/// [`same`](lexicon::same) begin alike, and one that ends in a digit is the same only as itself and with an `s`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Starts {
    /// With which bytes those begin that do not end in a digit, and those that do.
    worded: [u64; 4],
    numbered: [u64; 4],
    /// Beginnings, ends and lengths of those that end in a digit.
    shapes: [u64; 16],
}

impl Starts {
    /// Adds a word.
    pub fn add(&mut self, word: &str) {
        let Some(first) = word.bytes().next() else { return };
        match shape(word.as_bytes()) {
            None => mark(&mut self.worded, first.into()),
            Some(shape) => {
                mark(&mut self.numbered, first.into());
                mark(&mut self.shapes, shape);
            }
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        let add = |bits: &mut [u64], more: &[u64]| bits.iter_mut().zip(more).for_each(|(bits, more)| *bits |= more);
        add(&mut self.worded, &other.worded);
        add(&mut self.numbered, &other.numbered);
        add(&mut self.shapes, &other.shapes);
    }

    /// Whether some words written in one may be, as far as is told without writing them so.
    fn may_join(&self, words: &[&str]) -> bool {
        let (Some([first, ..]), Some(last)) = (words.first().map(|word| word.as_bytes()), words.last()) else {
            return false;
        };
        if has(&self.worded, (*first).into()) {
            return true;
        }
        let length: usize = words.iter().map(|word| word.len()).sum();
        let single = last.strip_suffix('s').unwrap_or(last);
        // Of a lone `s` the word before it says how they end.
        has(&self.numbered, (*first).into())
            && match single.as_bytes().last() {
                Some(end) => {
                    let length = length - (last.len() - single.len());
                    shape_of(*first, *end, length).is_some_and(|shape| has(&self.shapes, shape))
                }
                None => true,
            }
    }

    fn may_be(&self, word: &str) -> bool {
        let whole = word.as_bytes();
        let Some(first) = whole.first() else { return false };
        let single = || whole.strip_suffix(b"s").unwrap_or(whole);
        has(&self.worded, (*first).into())
            || (has(&self.numbered, (*first).into()) && shape(single()).is_some_and(|shape| has(&self.shapes, shape)))
    }

    /// Whether a word that is looked for may begin anywhere in a text, wherever [`tokens`] may cut it.
    pub fn may_begin_in(&self, text: &str) -> bool {
        let mut before = b' ';
        let (mut begins, mut digits) = (false, false);
        for byte in text.bytes() {
            // Nothing is cut before a small letter behind a letter, nor between digits.
            let inside = (byte.is_ascii_lowercase() && before.is_ascii_alphabetic())
                || (byte.is_ascii_digit() && before.is_ascii_digit());
            before = byte;
            if inside {
                continue;
            }
            let small = usize::from(byte.to_ascii_lowercase());
            if !byte.is_ascii() || has(&self.worded, small) {
                return true;
            }
            begins |= has(&self.numbered, small);
            digits |= byte.is_ascii_digit();
        }
        begins && digits
    }
}

fn mark(bits: &mut [u64], at: usize) {
    if let Some(bits) = bits.get_mut(at >> 6) {
        *bits |= 1 << (at & 63);
    }
}

fn has(bits: &[u64], at: usize) -> bool {
    bits.get(at >> 6).is_some_and(|bits| bits >> (at & 63) & 1 == 1)
}

/// Where in [`Starts`] a word stands that ends in a digit.
fn shape(word: &[u8]) -> Option<usize> {
    shape_of(*word.first()?, *word.last()?, word.len())
}

fn shape_of(first: u8, last: u8, length: usize) -> Option<usize> {
    let mixed = usize::from(first) * 331 + usize::from(last) * 37 + length * 101;
    last.is_ascii_digit().then_some(mixed % 1024)
}

/// The longest text, in bytes, whose names are all looked at.
const SURELY_WHOLE: usize = VALUE_MAX;

/// Calls `each` with every word that may be looked for by which [`mentioned`](super::mentioned) and
/// [`thing_in_argument`](super::thing_in_argument) find phrases in an argument, also with neighbours in one word. False
/// when they leave open what it says.
pub fn each_word(key: &str, value: View<'_>, starts: &Starts, each: &mut impl FnMut(&str)) -> bool {
    if starts.may_begin_in(key) {
        let words = tokens(key);
        each_in(&words.iter().filter(|word| !FORMAL.contains(word)).collect::<Words<'_>>(), starts, each);
        each_in(&words.iter().collect::<Words<'_>>(), starts, each);
    }
    let Some(text) = value.as_str() else { return true };
    if text.len() <= SURELY_WHOLE && !starts.may_begin_in(text) {
        return true;
    }
    // As what names: no prose, and neither long nor of many words.
    if text.len() <= VALUE_MAX && !facts::roles(key).any(facts::Roles::PROSE) {
        let words = tokens(text);
        if words.len() <= WORDS_MAX {
            each_in(&words.iter().collect::<Words<'_>>(), starts, each);
        }
    }
    let whole = !facts::carries(key, text)
        || facts::each_name_within(key, text, &mut |name| each_in(&words_of_all(&bare(name)), starts, each));
    // A place is looked through for a phrase, but not for a thing: that may stand before its last segments.
    whole && !is_long(key, value) && (!is_too_long(key, value) || is_free(key))
}

/// Calls `each` with those of some words that may be looked for, and with neighbours written in one.
pub fn each_in(words: &[&str], starts: &Starts, each: &mut impl FnMut(&str)) {
    words.iter().filter(|word| starts.may_be(word)).for_each(|word| each(word));
    let mut joined = SmallVec::<[u8; 64]>::new();
    let mut join = |window: &[&str]| {
        if starts.may_join(window) {
            joined.clear();
            window.iter().for_each(|word| joined.extend_from_slice(word.as_bytes()));
            let whole = std::str::from_utf8(&joined).unwrap_or_default();
            if starts.may_be(whole) {
                each(whole);
            }
        }
    };
    for count in 2..=JOINED_MAX.min(words.len()) {
        words.windows(count).for_each(&mut join);
    }
    if words.len() > JOINED_MAX {
        join(words);
    }
}

type Words<'w> = SmallVec<[&'w str; 8]>;

/// Words as [`each_in`] takes them.
pub fn words_of_all(words: &[String]) -> SmallVec<[&str; 8]> {
    words.iter().map(String::as_str).collect()
}

/// Calls `each` with the words of which one is spoken wherever one of the phrases may be meant: their heads, and each
/// written in one. False when one has no word: nothing needs to be spoken for that.
pub fn each_needed(phrases: &[String], each: &mut impl FnMut(&str)) -> bool {
    phrases.iter().all(|phrase| {
        each(head_of(phrase).0);
        each(&words_of(phrase).collect::<String>());
        words_of(phrase).next().is_some()
    })
}

/// Calls `each` with the prints of the forms of a word by which it is found: two words that are the
/// [`same`](lexicon::same) share one.
pub fn roots(word: &str, each: &mut impl FnMut(u64)) {
    let mut each = |stem: &str, end: &str| each(Print::of(stem.bytes().chain(end.bytes())));
    each(word, "");
    for (end, instead) in [("s", ""), ("es", ""), ("ies", "y")] {
        if let Some(stem) = word.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            each(stem, instead);
        }
    }
    lexicon::american(word, &mut each);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Starts, each_needed, roots};
    use crate::policy::lexicon::{cut, same};

    fn prints(word: &str) -> Vec<u64> {
        let mut all = Vec::new();
        roots(word, &mut |print| all.push(print));
        all
    }

    #[test]
    fn words_that_are_the_same_begin_alike_and_share_a_root() {
        const STEMS: &[&str] = &[
            "y", "xy", "polic", "box", "glass", "col", "cen", "organ", "ana", "cata", "lic", "pro", "", "enro", "gre",
            "fulfi", "ky", "ß", "é", "7", "x12", "12s", "ß9",
        ];
        const ENDS: &[&str] = &[
            "", "s", "es", "y", "ies", "our", "or", "ours", "ors", "tre", "ter", "tres", "isation", "ization", "ise",
            "ize", "yse", "yze", "logue", "log", "logues", "ence", "ense", "gramme", "gram", "cheque", "check", "aeon",
            "eon", "lment", "llment", "grey", "gray", "mould", "mold", "tyre", "tire", "storey", "story", "storeys",
        ];
        let words = || STEMS.iter().flat_map(|stem| ENDS.iter().map(move |end| format!("{stem}{end}")));
        let mut alike = 0;
        for one in words().filter(|word| !word.is_empty()) {
            for other in words().filter(|other| !other.is_empty() && same(&one, other)) {
                alike += 1;
                let mut starts = Starts::default();
                starts.add(&one);
                assert!(starts.may_be(&other), "{one} {other}");
                let cuts = (1..other.len()).filter_map(|at| other.split_at_checked(at));
                for (before, after) in cuts {
                    assert!(starts.may_join(&[before, after]), "{one} {before} {after}");
                }
                let others = prints(&other);
                assert!(prints(&one).iter().any(|print| others.contains(print)), "{one} {other}");
            }
        }
        assert!(alike > 1_000);
    }

    #[test]
    fn a_phrase_without_a_word_needs_none() {
        let needed = |phrase: &str| each_needed(&[phrase.to_owned()], &mut |_| ());
        assert!(needed("sprocket") && !needed("_") && !needed(""));
    }

    proptest! {
        #[test]
        fn words_begin_where_they_may(text in "[a-cA-C0-2 _é\u{200b}-]{0,12}|\\PC{0,12}") {
            let words = cut(&text);
            for word in words.iter().cloned().chain(words.windows(2).map(|two| two.concat())) {
                let mut starts = Starts::default();
                starts.add(&word);
                prop_assert!(starts.may_begin_in(&text), "{word} in {text}");
            }
        }
    }
}
