//! Words that were meant: one slip of the pen away from a listed one.

use hashbrown::HashMap;

/// The shortest word that is corrected, in letters; shorter ones have too many neighbours.
const CORRECTED_MIN: usize = 6;

/// Listed words by their first letter and length.
#[derive(Debug)]
pub struct Slips(HashMap<(char, usize), Vec<String>, foldhash::fast::FixedState>);

impl Slips {
    /// Takes a list of words in lower case.
    #[must_use]
    pub fn of(mut words: Vec<String>) -> Self {
        words.sort_unstable();
        words.dedup();
        let mut all: HashMap<_, Vec<String>, _> = HashMap::default();
        for word in words {
            if let Some(first) = word.chars().next() {
                all.entry((first, word.chars().count())).or_default().push(word);
            }
        }
        Self(all)
    }

    /// The listed word that differs by one letter too few, too many, wrong or swapped: the first by length, then by
    /// spelling, so that there is one answer. None when the word is too short to tell.
    #[must_use]
    pub fn closest(&self, word: &str) -> Option<&str> {
        let length = word.chars().count();
        let first = word.chars().next().filter(|_| length >= CORRECTED_MIN)?;
        (length - 1..=length + 1)
            .filter_map(|length| self.0.get(&(first, length)))
            .flatten()
            .find(|other| one_slip(word, other))
            .map(String::as_str)
    }
}

/// Whether two words differ by exactly one slip of the pen.
fn one_slip(a: &str, b: &str) -> bool {
    let mut rest = (a.chars(), b.chars());
    loop {
        let (mut after_a, mut after_b) = rest.clone();
        match (after_a.next(), after_b.next()) {
            (Some(x), Some(y)) if x == y => rest = (after_a, after_b),
            (None, None) => return false,
            (x, y) => {
                let (a, b) = (rest.0.as_str(), rest.1.as_str());
                let (tail_a, tail_b) = (after_a.as_str(), after_b.as_str());
                let swapped = after_a.next() == y && after_b.next() == x && x.is_some() && y.is_some();
                // Of wrong letters only vowels are forgiven: others make another word (`loading`, `leaking`).
                let vowels = |x: Option<char>| x.is_some_and(|x| matches!(x, 'a' | 'e' | 'i' | 'o' | 'u' | 'y'));
                return tail_a == b
                    || a == tail_b
                    || (tail_a == tail_b && vowels(x) && vowels(y))
                    || (swapped && after_a.as_str() == after_b.as_str());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slips;

    #[test]
    fn one_slip_is_forgiven_in_long_words_only() {
        let slips = Slips::of(["payment", "deletion", "fire"].map(str::to_owned).to_vec());
        for (word, meant) in [
            ("paymnet", Some("payment")),
            ("paymment", Some("payment")),
            ("deletin", Some("deletion")),
            ("deletionn", Some("deletion")),
            ("payment", None),
            ("firm", None),
            ("shipment", None),
        ] {
            assert_eq!(slips.closest(word), meant, "{word}");
        }
    }
}
