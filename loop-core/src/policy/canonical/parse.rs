//! From a sentence to its condition.

use super::{
    CanonicalError, TEXT_MAX,
    lexeme::{Kind, Lexeme, Space, cut, unquote},
};
use crate::policy::condition::Condition;

/// Reads a sentence in canonical form. Time is linear in its length.
///
/// # Errors
/// The text is not in canonical form, is longer than [`TEXT_MAX`], or nests deeper than [`Condition::DEPTH_MAX`].
pub fn parse(text: &str) -> Result<Condition, CanonicalError> {
    // Almost every other text ends here, for nothing.
    if !begins(text) {
        return Err(CanonicalError { at: 0 });
    }
    if text.len() > TEXT_MAX {
        return Err(CanonicalError { at: TEXT_MAX });
    }
    // A text without its end is none: what was cut off could have said anything.
    let sentence = text.trim_end().strip_suffix('.').ok_or(CanonicalError { at: text.len() })?;
    let mut parser = Parser { lexemes: cut(sentence)?, at: 0, end: sentence.len() };
    let condition = parser.sentence()?;
    if depth(&condition) > Condition::DEPTH_MAX {
        return Err(CanonicalError { at: text.len() });
    }
    Ok(condition)
}

/// How a sentence may begin.
const HEADS: [&str; 3] = ["a call", "block a call", "ask about a call"];

fn begins(text: &str) -> bool {
    let text = text.trim_start();
    // Longer than any head, also with a few spaces too many.
    let words = text.split_ascii_whitespace().take(4);
    let words: Vec<&str> = words.map(|word| word.trim_end_matches(',')).collect();
    HEADS.iter().any(|head| {
        let mut wanted = head.split(' ');
        let first = wanted.next().unwrap_or_default();
        words.first().is_some_and(|word| word.eq_ignore_ascii_case(first))
            && wanted.zip(words.iter().skip(1).map(Some).chain(std::iter::repeat(None))).all(|(a, b)| b == Some(&a))
    })
}

/// How deep a condition nests.
pub(super) fn depth(condition: &Condition) -> usize {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => 1 + inner.iter().map(depth).max().unwrap_or(0),
        Condition::Not(one) => 1 + depth(one),
        _ => 1,
    }
}

/// A sentence on the way.
pub(super) struct Parser<'t> {
    lexemes: Vec<Lexeme<'t>>,
    at: usize,
    end: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Option<Kind<'t>> {
        self.lexemes.get(self.at).map(|lexeme| lexeme.kind)
    }

    /// Here it stops being canonical.
    pub(super) fn failure(&self) -> CanonicalError {
        CanonicalError { at: self.lexemes.get(self.at).map_or(self.end, |lexeme| lexeme.at) }
    }

    /// The words that come next.
    pub(super) fn words_ahead(&self) -> impl Iterator<Item = &'t str> {
        self.lexemes.iter().skip(self.at).map_while(|lexeme| match lexeme.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        })
    }

    /// Whether these words come next.
    pub(super) fn ahead(&self, words: &str) -> bool {
        let mut ahead = self.words_ahead();
        words.split(' ').all(|word| ahead.next() == Some(word))
    }

    /// Goes over these words if they come next.
    pub(super) fn words(&mut self, words: &str) -> bool {
        let found = self.ahead(words);
        if found {
            self.skip(words.split(' ').count());
        }
        found
    }

    /// Where it stands, for [`Self::back_to`].
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Goes over these words, which must come next.
    pub(super) fn expect(&mut self, words: &str) -> Result<(), CanonicalError> {
        if self.words(words) { Ok(()) } else { Err(self.failure()) }
    }

    pub(super) fn mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(Kind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn expect_mark(&mut self, mark: char) -> Result<(), CanonicalError> {
        if self.mark(mark) { Ok(()) } else { Err(self.failure()) }
    }

    /// Goes over a mark and the words behind it if both come next.
    pub(super) fn marked_words(&mut self, mark: char, words: &str) -> bool {
        let before = self.at;
        let found = self.mark(mark) && self.words(words);
        if !found {
            self.at = before;
        }
        found
    }

    /// Goes over the next word if `read` makes something of it.
    pub(super) fn word<T>(&mut self, read: impl FnOnce(&'t str) -> Option<T>) -> Option<T> {
        let Some(Kind::Word(word)) = self.peek() else { return None };
        let found = read(word)?;
        self.at += 1;
        Some(found)
    }

    /// Goes over the next quoted text.
    pub(super) fn quoted(&mut self, space: Space) -> Option<String> {
        self.quote(|inner| unquote(inner, space))
    }

    /// Goes over the next quoted text if `read` makes something of it.
    pub(super) fn quote<T>(&mut self, read: impl FnOnce(&'t str) -> Option<T>) -> Option<T> {
        let Some(Kind::Quoted(inner)) = self.peek() else { return None };
        let found = read(inner)?;
        self.at += 1;
        Some(found)
    }

    /// `x`, `x or x`, `x, x or x`, or `nothing`.
    pub(super) fn list<T>(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<T>) -> Result<Vec<T>, CanonicalError> {
        if self.words("nothing") {
            return Ok(Vec::new());
        }
        let mut items = vec![item(self).ok_or_else(|| self.failure())?];
        loop {
            let before = self.at;
            if self.mark(',')
                && let Some(next) = item(self)
            {
                items.push(next);
                continue;
            }
            self.at = before;
            if self.words("or")
                && let Some(last) = item(self)
            {
                items.push(last);
            } else {
                self.at = before;
                // A list with commas ends in `or`.
                if items.len() > 1 {
                    return Err(self.failure());
                }
            }
            return Ok(items);
        }
    }

    fn sentence(&mut self) -> Result<Condition, CanonicalError> {
        let first = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted).then_some(());
        let acts = self.word(|word| first(word, "block")).or_else(|| {
            let asks = self.word(|word| first(word, "ask"));
            asks.filter(|()| self.words("about"))
        });
        let call = if acts.is_some() { self.words("a") } else { self.word(|word| first(word, "a")).is_some() };
        if !call {
            return Err(self.failure());
        }
        self.expect("call")?;
        let condition = self.what()?;
        if self.peek().is_some() { Err(self.failure()) } else { Ok(condition) }
    }

    fn what(&mut self) -> Result<Condition, CanonicalError> {
        if self.words("under all circumstances") {
            return Ok(Condition::ALWAYS);
        }
        if self.words("under no circumstances") {
            return Ok(Condition::NEVER);
        }
        let mut all = Vec::new();
        if self.words("that") {
            all.push(self.verb()?);
            if self.ahead("or that") {
                let mut any = std::mem::take(&mut all);
                while self.words("or that") {
                    any.push(self.verb()?);
                }
                all.push(Condition::any(any));
            } else {
                while self.words("and that") {
                    all.push(self.verb()?);
                }
            }
            if self.marked_words(',', "where") {
                all.push(self.either(Condition::DEPTH_MAX)?);
            }
        } else if self.words("where one of these holds") {
            self.expect_mark(':')?;
            all.push(self.numbered()?);
            if self.marked_words(';', "in each case") && self.words("where") {
                all.push(self.either(Condition::DEPTH_MAX)?);
            }
        } else if self.words("where") {
            all.push(self.either(Condition::DEPTH_MAX)?);
        } else if self.peek() != Some(Kind::Mark(',')) {
            return Err(self.failure());
        }
        self.unless(&mut all)?;
        Ok(Condition::all(all))
    }

    /// `(1) …; (2) …`
    fn numbered(&mut self) -> Result<Condition, CanonicalError> {
        let mut any = Vec::new();
        loop {
            let number = (any.len() + 1).to_string();
            self.expect_mark('(')?;
            self.expect(&number)?;
            self.expect_mark(')')?;
            let mut all = vec![self.either(Condition::DEPTH_MAX)?];
            self.unless(&mut all)?;
            any.push(Condition::all(all));
            let before = self.at;
            if !(self.mark(';') && self.peek() == Some(Kind::Mark('('))) {
                self.at = before;
                return Ok(Condition::any(any));
            }
        }
    }

    fn unless(&mut self, all: &mut Vec<Condition>) -> Result<(), CanonicalError> {
        while self.marked_words(',', "unless") {
            all.push(Condition::negated(self.either(Condition::DEPTH_MAX)?));
        }
        Ok(())
    }

    fn either(&mut self, depth: usize) -> Result<Condition, CanonicalError> {
        let first = self.term(depth)?;
        for (word, all) in [("and", true), ("or", false)] {
            if !self.ahead(word) {
                continue;
            }
            let mut terms = vec![first];
            while self.words(word) {
                terms.push(self.term(depth)?);
            }
            return Ok(if all { Condition::all(terms) } else { Condition::any(terms) });
        }
        Ok(first)
    }

    fn term(&mut self, depth: usize) -> Result<Condition, CanonicalError> {
        let below = depth.checked_sub(1).ok_or_else(|| self.failure())?;
        let negated = self.words("not");
        if self.mark('(') {
            let inner = self.either(below)?;
            self.expect_mark(')')?;
            return Ok(if negated { Condition::negated(inner) } else { inner });
        }
        if negated {
            return Err(self.failure());
        }
        if self.words("it") { self.verb() } else { self.fact() }
    }
}
