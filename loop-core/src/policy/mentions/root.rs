//! The words by which phrases are found, for looking rules up before they are judged.

use super::{JOINED_MAX, bare, is_free, is_long, is_set, is_too_long, naming, own_words, words_of};
use crate::{
    base::json::View,
    policy::{
        facts,
        lexicon::{self, cut},
    },
};

/// Calls `each` with every word by which [`mentioned`](super::mentioned) and
/// [`thing_in_argument`](super::thing_in_argument) find phrases in an argument, also with neighbours in one word. False
/// when they leave open what it says.
pub fn each_word(key: &str, value: View<'_>, each: &mut dyn FnMut(&str)) -> bool {
    if is_set(value) {
        each_in(&own_words(key), each);
    }
    each_in(&cut(key), each);
    each_in(&naming(key, value).unwrap_or_default(), each);
    let whole = match value.as_str() {
        Some(text) if facts::carries(key, text) => {
            facts::each_name_within(key, text, &mut |name| each_in(&bare(name), each))
        }
        _ => true,
    };
    // A place is looked through for a phrase, but not for a thing: that may stand before its last segments.
    whole && !is_long(key, value) && (is_free(key) || !is_too_long(key, value))
}

/// Calls `each` with words, and with neighbours written in one.
pub fn each_in(words: &[String], each: &mut dyn FnMut(&str)) {
    words.iter().for_each(|word| each(word));
    for count in 2..=JOINED_MAX.min(words.len()) {
        words.windows(count).for_each(|window| each(&window.concat()));
    }
    if words.len() > JOINED_MAX {
        each(&words.concat());
    }
}

/// The words of which one is spoken wherever one of the phrases may be meant, in all their [`roots`]; an empty one
/// among them when nothing has to be.
#[must_use]
pub fn any_words(phrases: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for phrase in phrases.iter().filter(|phrase| !phrase.is_empty()) {
        words_of(phrase).for_each(|word| roots(word, &mut |root| all.push(root)));
        roots(&words_of(phrase).collect::<String>(), &mut |root| all.push(root));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Calls `each` with the forms of a word by which it is found: two words that are the [`same`](lexicon::same) share one.
pub fn roots(word: &str, each: &mut dyn FnMut(String)) {
    each(word.to_owned());
    for (end, instead) in [("s", ""), ("es", ""), ("ies", "y")] {
        if let Some(stem) = word.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            each(format!("{stem}{instead}"));
        }
    }
    lexicon::american(word, each);
}
