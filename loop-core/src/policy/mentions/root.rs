//! The words by which phrases are found, for looking rules up before they are judged. Words stand there as
//! [prints](Print): two that are equal are judged as words again, so a rule can be found in vain but not be missed.

use smallvec::SmallVec;

use super::{FORMAL, JOINED_MAX, VALUE_MAX, WORDS_MAX, bare, head_of, is_free, is_long, is_too_long, words_of};
use crate::{
    base::json::View,
    policy::{facts, lexicon, print::Print},
    tool::name::tokens,
};

/// With which bytes words begin that are looked for. Words that are the [`same`](lexicon::same) begin alike.
#[derive(Debug, Clone, Copy, Default)]
pub struct Starts([u64; 4]);

impl Starts {
    /// Adds a word.
    pub fn add(&mut self, word: &str) {
        if let Some(byte) = word.bytes().next()
            && let Some(bits) = self.0.get_mut(usize::from(byte >> 6))
        {
            *bits |= 1 << (byte & 63);
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(bits, more)| *bits |= more);
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|bits| bits >> (byte & 63) & 1 == 1)
    }

    fn begin(&self, word: &str) -> bool {
        word.bytes().next().is_some_and(|byte| self.has(byte))
    }

    /// Whether a word that is looked for may begin anywhere in a text, wherever [`tokens`] may cut it.
    pub fn may_begin_in(&self, text: &str) -> bool {
        let mut before = b' ';
        text.bytes().any(|byte| {
            // Nothing is cut before a small letter behind a letter, nor between digits.
            let inside = (byte.is_ascii_lowercase() && before.is_ascii_alphabetic())
                || (byte.is_ascii_digit() && before.is_ascii_digit());
            before = byte;
            !byte.is_ascii() || (!inside && self.has(byte.to_ascii_lowercase()))
        })
    }
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
    whole && !is_long(key, value) && (is_free(key) || !is_too_long(key, value))
}

/// Calls `each` with those of some words that may be looked for, and with neighbours written in one.
pub fn each_in(words: &[&str], starts: &Starts, each: &mut impl FnMut(&str)) {
    words.iter().filter(|word| starts.begin(word)).for_each(|word| each(word));
    let mut joined = SmallVec::<[u8; 64]>::new();
    let mut join = |window: &[&str]| {
        if window.first().is_some_and(|word| starts.begin(word)) {
            joined.clear();
            window.iter().for_each(|word| joined.extend_from_slice(word.as_bytes()));
            each(std::str::from_utf8(&joined).unwrap_or_default());
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
            "fulfi", "ky", "ß", "é",
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
                assert_eq!(one.as_bytes().first(), other.as_bytes().first(), "{one} {other}");
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
            for word in cut(&text) {
                let mut starts = Starts::default();
                starts.add(&word);
                prop_assert!(starts.may_begin_in(&text), "{word} in {text}");
            }
        }
    }
}
