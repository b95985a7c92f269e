//! The tokens of a text with the part that each has in what the rule asks for.

use super::{
    token::{Kind, Token},
    words::{self, Group},
};

/// What a token does in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It tells what the rule is about.
    Plain,
    /// It was read as part of a sign that stands elsewhere, or says nothing.
    Gone,
    /// Here it says that something is guarded: `needs approval`, `never`.
    Guard,
    /// Here it says that something may be done: `is fine`.
    Permit,
    /// Here an exception begins: `unless`.
    Except,
    /// What stands here is an exception of what stands before: `…, visitors excepted`.
    Excepted,
    /// `only`
    Only,
    /// `read-only`: looking is allowed, all else is guarded.
    ReadOnly,
}

/// A text being read.
#[derive(Debug)]
pub struct Line {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// As many signs.
    pub signs: Vec<Sign>,
}

impl Line {
    /// A text of which nothing is read.
    #[must_use]
    pub fn new(mut tokens: Vec<Token>) -> Self {
        for at in 0..tokens.len() {
            // `deletes = approval`
            let asks = |token: &Token| {
                token.groups.has(Group::Approval) || token.groups.has(Group::Forbidden) || token.word == "no"
            };
            if tokens.get(at).is_some_and(|token| token.raw == "=") && tokens.get(at + 1).is_some_and(asks) {
                tokens.splice(at..=at, [Token::mark(',')]);
            }
        }
        correct(&mut tokens);
        cut(&mut tokens);
        let signs = vec![Sign::Plain; tokens.len()];
        Self { tokens, signs }
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The sign of a token.
    pub fn sign(&self, at: usize) -> Sign {
        self.signs.get(at).copied().unwrap_or(Sign::Gone)
    }

    /// The word at a place; empty when it is none, was read, or stands outside.
    pub fn word(&self, at: usize) -> &str {
        let plain = self.sign(at) == Sign::Plain;
        self.tokens.get(at).filter(|token| plain && token.kind == Kind::Word).map_or("", |token| token.word.as_str())
    }

    /// The word so many places before.
    pub fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.word(at))
    }

    /// Whether a word that was not read belongs to a group.
    pub fn is(&self, at: usize, group: Group) -> bool {
        !self.word(at).is_empty() && self.tokens.get(at).is_some_and(|token| token.groups.has(group))
    }

    /// Whether a token is written like a name.
    pub fn proper(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.proper && token.kind == Kind::Word)
    }

    /// Whether a part of the sentence ends before this place.
    pub fn ends(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|token| matches!(token.kind, Kind::Mark(_)))
    }

    /// Whether a part of the sentence begins here.
    pub fn begins(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| self.ends(before))
    }

    /// Whether these words stand here.
    pub fn says(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.word(at + ahead) == *word)
    }

    /// Reads `from..to` as one sign.
    pub fn mark(&mut self, from: usize, to: usize, sign: Sign) {
        for (at, slot) in self.signs.iter_mut().enumerate().take(to).skip(from) {
            if matches!(self.tokens.get(at).map(|token| &token.kind), Some(Kind::Mark(_))) {
                continue;
            }
            *slot = if at == from { sign } else { Sign::Gone };
        }
    }

    /// Where the part of the sentence around a place begins.
    pub fn start_of(&self, at: usize) -> usize {
        (0..at).rev().find(|before| self.ends(*before)).map_or(0, |before| before + 1)
    }

    /// Where the part of the sentence around a place ends.
    pub fn end_of(&self, at: usize) -> usize {
        (at..self.len()).find(|at| self.ends(*at)).unwrap_or(self.len())
    }
}

/// The most tokens of a sentence. What stands behind is read as another one, so that reading takes no longer than the
/// text.
const SENTENCE_MAX: usize = 256;

/// Cuts sentences that are too long.
fn cut(tokens: &mut Vec<Token>) {
    let mut since = 0;
    let mut at = 0;
    while at < tokens.len() {
        since = if tokens.get(at).is_some_and(|token| token.kind == Kind::Mark('.')) { 0 } else { since + 1 };
        if since > SENTENCE_MAX {
            tokens.insert(at, Token::mark('.'));
            since = 0;
        }
        at += 1;
    }
}

/// Replaces words that nothing lists by what they were most likely meant to be.
fn correct(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let next = tokens.get(at + 1).map(|next| next.word.clone()).unwrap_or_default();
        let Some(token) = tokens.get_mut(at).filter(|token| token.kind == Kind::Word && !token.proper) else {
            continue;
        };
        // `rolling back`: known with the word behind it. `viewings`: the plural of a known form.
        let known = words::is_known(&token.word)
            || words::is_known(&format!("{}_{next}", token.word))
            || token.word.strip_suffix('s').is_some_and(words::is_known)
            || token.word.strip_suffix("ies").is_some_and(|stem| words::is_known(&format!("{stem}y")));
        // `merger` is no `merge`, and agents are called as they like.
        let doer = ["er", "ers", "or", "ors"].iter().any(|end| {
            token
                .word
                .strip_suffix(end)
                .is_some_and(|stem| words::is_known(stem) || words::is_known(&format!("{stem}e")))
        });
        let known = known || doer || matches!(next.as_str(), "agent" | "agents" | "bot" | "bots" | "assistant");
        if let Some(meant) = words::corrected(&token.word).filter(|_| !known) {
            meant.clone_into(&mut token.word);
            token.groups = words::groups(meant);
        }
    }
}
