//! The groups of small words, read from `words.txt`.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};

use crate::policy::lexicon::{lexicon, read_word};

/// The data file; its head documents the format.
static TEXT: &str = include_str!("words.txt");

type Groups = HashMap<&'static str, HashSet<&'static str>>;

fn groups() -> &'static Groups {
    static GROUPS: LazyLock<Groups> = LazyLock::new(|| {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, words)| (name.trim(), words.split_whitespace().collect()))
            .collect()
    });
    &GROUPS
}

/// Whether a lower-case word belongs to a group.
#[must_use]
pub fn is(group: &str, word: &str) -> bool {
    groups().get(group).is_some_and(|words| words.contains(word))
}

/// Whether any group or the lexicon lists a word.
#[must_use]
pub fn is_known(word: &str) -> bool {
    groups().values().any(|words| words.contains(word)) || read_word(word).is_some()
}

/// Listed words and their inflected forms, by their first letter.
fn spelt() -> &'static HashMap<char, Vec<String>> {
    static SPELT: LazyLock<HashMap<char, Vec<String>>> = LazyLock::new(|| {
        let mut all: HashMap<char, Vec<String>> = HashMap::new();
        let mut add = |word: String| {
            if let Some(first) = word.chars().next() {
                all.entry(first).or_default().push(word);
            }
        };
        for word in groups().values().flatten() {
            add((*word).to_owned());
        }
        for word in lexicon().words().filter(|word| !word.contains('_')) {
            let stem = word.strip_suffix('e').unwrap_or(word);
            for form in [word.to_owned(), format!("{word}s"), format!("{stem}ing"), format!("{stem}ed")] {
                add(form);
            }
        }
        all.values_mut().for_each(|list| {
            list.sort_unstable();
            list.dedup();
        });
        all
    });
    &SPELT
}

/// The listed word that differs from this one by one slip of the pen.
#[must_use]
pub fn corrected(word: &str) -> Option<&'static str> {
    let listed = spelt().get(&word.chars().next()?)?;
    // The first by spelling, so that there is one answer.
    crate::policy::lexicon::closest(word, listed.iter().map(String::as_str)).first().copied()
}

#[cfg(test)]
mod tests {
    use super::{corrected, is, is_known};

    #[test]
    fn groups_are_found() {
        assert!(is("permit", "fine") && !is("permit", "refund"));
        assert!(is_known("sign_off") && is_known("deleting") && !is_known("frobnicate"));
        assert_eq!(corrected("paymant"), Some("payment"));
        assert_eq!(corrected("zzzzzzzz"), None);
    }
}
