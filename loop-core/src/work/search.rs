//! The words by which issues are found.

use std::collections::BTreeSet;

/// The most words an issue is found by; those of the title come first.
pub const MAX_WORDS: usize = 400;
/// The longest word, in characters; what is longer is found by its beginning.
pub const MAX_WORD: usize = 32;
/// The most words of one search.
pub const MAX_ASKED: usize = 16;

/// The words of texts, in lower case, each once, [`MAX_WORDS`] at most: runs of letters and digits of any script.
#[must_use]
pub fn words<'t>(texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for word in texts.into_iter().flat_map(split) {
        if out.len() >= MAX_WORDS {
            break;
        }
        out.insert(word);
    }
    out
}

/// The words asked for by a search, each once; `None` when there are more than [`MAX_ASKED`]. A word that another one
/// begins with says nothing of its own.
#[must_use]
pub fn asked(text: &str) -> Option<Vec<String>> {
    let all: BTreeSet<String> = split(text).take(MAX_ASKED * 4).collect();
    let mut out: Vec<String> = Vec::new();
    for word in all.into_iter().rev() {
        if !out.last().is_some_and(|longer| longer.starts_with(&word)) {
            out.push(word);
        }
    }
    // The longest first: it is likely the rarest.
    out.sort_by_key(|word| std::cmp::Reverse(word.len()));
    (out.len() <= MAX_ASKED).then_some(out)
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|letter: char| !letter.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(|run| run.chars().take(MAX_WORD).flat_map(char::to_lowercase).take(MAX_WORD).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_ASKED, MAX_WORD, MAX_WORDS, asked, words};

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words(["The API-gateway's 2nd (żÓŁĆ) 🚀", "the 'end'"]).into_iter().collect();
        assert_eq!(found, ["2nd", "api", "end", "gateway", "s", "the", "żółć"]);
    }

    #[test]
    fn a_search_asks_for_the_longest_words_first_and_for_no_beginning_of_them() {
        assert_eq!(asked("err ERROR timeouts").as_deref(), Some(&["timeouts".to_owned(), "error".to_owned()][..]));
        assert_eq!(asked("\"' -*").as_deref(), Some(&[][..]));
        let many: Vec<String> = (0..=MAX_ASKED).map(|n| format!("w{n}x")).collect();
        assert_eq!(asked(&many.join(" ")), None);
    }

    proptest! {
        #[test]
        fn every_word_asked_for_in_its_own_text_begins_one_of_its_words(text in "\\PC{0,200}") {
            let held = words([text.as_str()]);
            prop_assert!(held.len() <= MAX_WORDS && held.iter().all(|word| word.chars().count() <= MAX_WORD));
            for word in asked(&text).unwrap_or_default() {
                prop_assert!(held.iter().any(|one| one.starts_with(&word)), "{word}");
            }
        }
    }
}
