//! Texts held once, each under a number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The most bytes of text that are held.
const BYTES_MAX: usize = 16 << 20;
/// The number of no text.
pub(super) const NONE: u32 = u32::MAX;

/// A set of texts. Once it is full, further ones share a number.
#[derive(Debug)]
pub(super) struct Texts {
    list: Vec<Box<str>>,
    numbers: HashTable<u32>,
    hasher: RandomState,
    bytes: usize,
}

/// What stands for texts that found no room.
const OTHERS: &str = "(others)";

impl Default for Texts {
    fn default() -> Self {
        Self { list: vec![OTHERS.into()], numbers: HashTable::new(), hasher: RandomState::default(), bytes: 0 }
    }
}

impl Texts {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str) -> u32 {
        let Self { list, numbers, hasher, bytes } = self;
        let hash = hasher.hash_one(text);
        let held = |at: &u32| list.get(*at as usize).is_some_and(|held| **held == *text);
        if let Some(at) = numbers.find(hash, held) {
            return *at;
        }
        if *bytes + text.len() > BYTES_MAX {
            return 0;
        }
        *bytes += text.len() + size_of::<Box<str>>();
        let at = u32::try_from(list.len()).unwrap_or(0);
        list.push(text.into());
        numbers.insert_unique(hash, at, |at| hasher.hash_one(list.get(*at as usize).map_or("", |text| text)));
        at
    }

    /// The text of a number; `None` for [`NONE`].
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        self.list.get(number as usize).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, NONE, OTHERS, Texts};

    #[test]
    fn a_text_has_one_number_until_there_is_no_room() {
        let mut texts = Texts::default();
        let (a, b) = (texts.number("a"), texts.number("b"));
        assert_ne!(a, b);
        assert_eq!((texts.number("a"), texts.text(a), texts.text(NONE)), (a, Some("a"), None));
        let long = texts.number(&"x".repeat(BYTES_MAX));
        assert_eq!(texts.text(long), Some(OTHERS));
        assert_eq!(texts.number("a"), a);
    }
}
