//! The tokens of a part of a text; those that were placed are taken.

use super::{
    part::Part,
    token::{Kind, Token},
    words::Group,
};

/// The mark for words that were left out because they only ask or refuse.
pub const GAP: char = '|';

/// The tokens of a part.
#[derive(Debug)]
pub struct Tape {
    tokens: Vec<Token>,
    taken: Vec<bool>,
    led: bool,
    asked: bool,
    nominal: bool,
}

/// Where something stands: from the first of its tokens to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first.
    pub first: usize,
    /// The last.
    pub last: usize,
}

impl Tape {
    /// Takes up the tokens of a part; nothing is taken yet.
    #[must_use]
    pub fn new(part: &Part) -> Self {
        let taken = vec![false; part.tokens.len()];
        Self { tokens: part.tokens.clone(), taken, led: part.led, asked: part.asked, nominal: part.nominal }
    }

    /// Whether words that a noun follows come first: `block refunds`.
    pub const fn is_nominal(&self) -> bool {
        self.nominal
    }

    /// Whether words that ask or refuse come first, so that a verb follows: `never push`.
    pub const fn is_led(&self) -> bool {
        self.led
    }

    /// Whether words that ask or refuse stand anywhere.
    pub const fn is_asked(&self) -> bool {
        self.asked
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether a token was taken, or there is none.
    pub fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at).copied().unwrap_or(true)
    }

    /// What a token is, unless it is taken.
    pub fn kind(&self, at: usize) -> Option<&Kind> {
        if self.is_taken(at) { None } else { self.raw_kind(at) }
    }

    /// The word at a place; empty when taken or not there. Also that of names, comparisons and the like.
    pub fn word(&self, at: usize) -> &str {
        if self.is_taken(at) { "" } else { self.raw_word(at) }
    }

    /// As [`Tape::kind`], taken or not.
    pub fn raw_kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    /// As [`Tape::word`], taken or not.
    pub fn raw_word(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| token.word.as_str()).unwrap_or_default()
    }

    /// The word so many places before, taken or not; empty at the front.
    pub fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.raw_word(at))
    }

    /// The token as written.
    pub fn raw(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| token.raw.as_str()).unwrap_or_default()
    }

    /// Whether it is written like a name.
    pub fn proper(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.proper)
    }

    /// Whether a token belongs to a group, taken or not.
    pub fn raw_is(&self, at: usize, group: Group) -> bool {
        self.tokens.get(at).is_some_and(|token| token.groups.has(group))
    }

    /// Whether a token that is not taken belongs to a group.
    pub fn is(&self, at: usize, group: Group) -> bool {
        !self.is_taken(at) && self.raw_is(at, group)
    }

    /// Whether words that only ask or refuse stood before this place.
    pub fn is_gap(&self, at: usize) -> bool {
        self.raw_kind(at) == Some(&Kind::Mark(GAP))
    }

    /// Whether a part of the sentence begins here.
    pub fn begins(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| self.is_mark(before))
    }

    /// Whether a token is a mark.
    pub fn is_mark(&self, at: usize) -> bool {
        matches!(self.raw_kind(at), Some(Kind::Mark(_)))
    }

    /// Takes a token; answers its word.
    pub fn take(&mut self, at: usize) -> String {
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
        }
        self.raw_word(at).to_owned()
    }

    /// Takes some tokens.
    pub fn take_all(&mut self, range: std::ops::Range<usize>) {
        range.for_each(|at| drop(self.take(at)));
    }

    /// `length` words from a place on, joined by `_`; none when one of them is taken or no word.
    pub fn phrase(&self, at: usize, length: usize) -> Option<String> {
        let mut phrase = String::new();
        for place in at..at + length {
            if self.kind(place) != Some(&Kind::Word) {
                return None;
            }
            if place > at {
                phrase.push('_');
            }
            phrase.push_str(self.raw_word(place));
        }
        Some(phrase)
    }

    /// Whether any token, taken or not, is of such a kind.
    pub fn any_kind(&self, is: impl Fn(&Kind) -> bool) -> bool {
        self.tokens.iter().any(|token| is(&token.kind))
    }

    /// Whether any word, taken or not, is such a one.
    pub fn any_raw(&self, is: impl Fn(&str) -> bool) -> bool {
        self.tokens.iter().any(|token| is(&token.word))
    }

    /// Whether any token is written exactly so.
    pub fn any_raw_text(&self, text: &str) -> bool {
        self.tokens.iter().any(|token| token.raw == text)
    }

    /// What `find` took, with where it stood.
    pub fn placed<T>(&mut self, find: impl FnOnce(&mut Self) -> Option<T>) -> Option<(Place, T)> {
        let before = self.taken.clone();
        let found = find(self)?;
        let new = || before.iter().zip(&self.taken).enumerate().filter(|(_, (old, new))| !**old && **new);
        let first = new().next().map_or(0, |(at, _)| at);
        let last = new().next_back().map_or(first, |(at, _)| at);
        Some((Place { first, last }, found))
    }
}
