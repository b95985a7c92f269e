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

/// The listed word that differs from this one by one slip of the pen.
#[must_use]
pub fn corrected(word: &str) -> Option<&'static str> {
    let listed = groups().values().flatten().copied().chain(lexicon().words());
    // The order of a hash map is nothing to depend on: take the first by spelling.
    let mut found: Vec<&'static str> = crate::policy::lexicon::closest(word, listed);
    found.sort_unstable();
    found.first().copied()
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
