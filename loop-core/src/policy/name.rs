//! A tool's name as a small phrase: verbs, and what they are done to as a head with its modifiers.
//!
//! In `shop.orders.createRefund` the verb is *create*, the head *refund*, and *shop* and *orders* are wholes that it
//! belongs to. In `delete_time_zone_preference` the head is *preference*: no time zone is deleted. What stands behind
//! the verb is its object; where nothing does, what stands before it (`users.roles.update`: a role).

use smallvec::SmallVec;

use super::{
    deed::{known, pure_deeds},
    lexicon::{Concepts, Entry, Form, Reading, cut, lexicon, read_word},
};

/// What a word of a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is done.
    Verb,
    /// What it is done to.
    Head,
    /// Stands where a head does and says little of what it is: the word before it is a head as well.
    Soft,
    /// Which head.
    Modifier,
    /// What the head belongs to: a product, a service, a chain of wholes.
    Whole,
    /// Behind a preposition: where, by whom, from what.
    Aside,
    /// Says nothing: a version, a number, a preposition.
    Small,
}

/// A word or phrase of a name with its meaning.
#[derive(Debug)]
pub(super) struct Token {
    /// Its words.
    pub words: SmallVec<[String; 2]>,
    /// Its meaning.
    pub reading: Option<Reading>,
    /// What it stands for.
    pub part: Part,
    /// Which of the pieces between `.`, `:` and `/` it stands in.
    pub segment: usize,
    /// A head of a word that the lexicon lacks surely is a thing of its own.
    pub sure: bool,
}

/// Prepositions: what follows is not what is worked on.
const PREPOSITIONS: &[&str] = &[
    "from", "in", "into", "of", "by", "with", "on", "onto", "for", "to", "at", "via", "using", "if", "where", "when",
    "after", "before", "without", "within", "as", "per", "under", "than", "unless", "until",
];
const CONJUNCTIONS: &[&str] = &["and", "or", "then"];
/// Words that say nothing of what is worked on.
const SMALL: &[&str] = &[
    "the",
    "a",
    "an",
    "my",
    "all",
    "any",
    "many",
    "multi",
    "multiple",
    "single",
    "one",
    "bulk",
    "batch",
    "mass",
    "now",
    "async",
    "force",
    "forced",
    "safe",
    "soft",
    "hard",
    "new",
    "existing",
    "id",
    "ids",
    "v",
    "beta",
    "alpha",
    "api",
    "tool",
    "rpc",
    "endpoint",
    "action",
    "fn",
    "func",
    "handler",
    "exists",
    "not",
    "it",
    "this",
    "that",
    "me",
    "us",
    "up",
    "down",
    "out",
    "off",
    "again",
    "only",
    "full",
    "partial",
    "advanced",
    "simple",
    "custom",
    "permanent",
    "temporary",
    "immediate",
    "instant",
    "quick",
    "auto",
    "generic",
    "default",
    "old",
    "by",
];

impl Token {
    /// The first word.
    pub fn word(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }

    fn is(&self, words: &[&str]) -> bool {
        self.words.len() == 1 && words.contains(&self.word())
    }

    /// Whether it says nothing.
    pub fn is_small(&self) -> bool {
        let word = self.word();
        let version = word.strip_prefix('v').unwrap_or(word);
        self.is(SMALL)
            || self.is(PREPOSITIONS)
            || self.is(CONJUNCTIONS)
            || (!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()))
            || (self.reading.is_none() && word.len() > 4 && word.ends_with("ly"))
    }

    /// Whether it joins two phrases.
    pub fn joins(&self) -> bool {
        self.is(CONJUNCTIONS)
    }

    /// The things that it names, without doings that name nothing but themselves.
    pub fn things(&self) -> Concepts {
        self.reading.map_or(Concepts::NONE, |reading| reading.entry.names.without(pure_deeds()))
    }

    /// Whether it names nothing but a doing that is more than looking.
    fn is_act(&self) -> bool {
        let names = self.reading.map_or(Concepts::NONE, |reading| reading.entry.names);
        self.things().is_empty() && names.without(known().read).meets(lexicon().deeds)
    }

    fn is_generic(&self) -> bool {
        self.reading.is_some_and(|reading| reading.entry.names.meets(lexicon().generic))
            || (!self.things().is_empty() && self.things().without(lexicon().generic).is_empty())
    }

    fn is_soft(&self) -> bool {
        self.things().meets(lexicon().soft)
    }

    fn is_plural(&self) -> bool {
        let word = self.words.last().map(String::as_str).unwrap_or_default();
        match self.reading {
            Some(reading) => reading.form == Form::Plural,
            None => word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us"),
        }
    }
}

/// Cuts a name into tokens, the longest phrases that the lexicon lists first.
pub(super) fn tokens(name: &str) -> SmallVec<[Token; 8]> {
    let mut tokens = SmallVec::new();
    for (segment, piece) in name.split(['.', ':', '/', '#']).filter(|piece| !piece.is_empty()).enumerate() {
        let words = cut(piece);
        let mut at = 0;
        while at < words.len() {
            let (reading, used) = longest(words.get(at..).unwrap_or_default());
            let own = words.get(at..at + used).into_iter().flatten().cloned().collect();
            tokens.push(Token { words: own, reading, part: Part::Whole, segment, sure: false });
            at += used.max(1);
        }
    }
    tokens
}

/// The longest phrase at the front that the lexicon lists, and how many words it takes.
fn longest(words: &[String]) -> (Option<Reading>, usize) {
    for length in (2..=lexicon().longest.min(words.len())).rev() {
        let phrase = words.get(..length).unwrap_or_default().join("_");
        if let Some(reading) = read_word(&phrase) {
            return (Some(reading), length);
        }
    }
    let bare = words.first().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    let first = words.first();
    let whole = first.and_then(|word| read_word(word)).or_else(|| bare.and_then(read_word));
    (whole.or_else(|| first.and_then(|word| compound(word))), 1)
}

/// The last part of two listed things written as one word: `casefiles` are files.
fn compound(word: &str) -> Option<Reading> {
    let named = |part: &str| read_word(part).filter(|reading| !reading.entry.names.is_empty());
    (PART_MIN..=word.len().saturating_sub(PART_MIN)).find_map(|at| {
        let (first, last) = word.split_at_checked(at)?;
        let reading = named(last).filter(|reading| reading.form != Form::Past)?;
        named(first).filter(|first| first.form != Form::Plural)?;
        Some(Reading { entry: Entry { does: Concepts::NONE, ..reading.entry }, ..reading })
    })
}

/// The shortest part of such a word, in bytes.
const PART_MIN: usize = 4;

/// Says of each token what it stands for, given where the verbs are.
pub(super) fn part(tokens: &mut [Token], verbs: &[usize]) {
    let segments = tokens.last().map_or(0, |token| token.segment + 1);
    for (at, token) in tokens.iter_mut().enumerate() {
        token.part = match () {
            () if verbs.contains(&at) => Part::Verb,
            () if token.is_small() && !verbs.is_empty() => Part::Small,
            () => Part::Whole,
        };
    }
    let runs = verbs.iter().any(|at| {
        tokens.get(*at).and_then(|token| token.reading).is_some_and(|reading| reading.entry.does.meets(known().execute))
    });
    let (mut found, mut last) = (false, 0);
    for verb in verbs {
        let behind = bound(tokens, *verb + 1, verbs);
        let before = span_before(tokens, *verb, last.min(*verb), verbs);
        last = behind.end;
        let (head, soft) = head_of(tokens, behind.clone(), |_, _| !runs);
        found |= head;
        if !head {
            // `case_close`, `records.delete_many`: to what comes first. A single word there may be a product's name.
            let chain = segments > 2;
            let sure = |token: &Token, first: bool| token.is_plural() || (chain && !first && token.segment > 0);
            found |= head_of(tokens, before, sure).0 || soft;
        }
    }
    for at in 0..tokens.len() {
        let aside = (0..at).rev().map_while(|before| tokens.get(before)).take_while(|token| token.part != Part::Verb);
        let aside = !verbs.is_empty() && aside.into_iter().any(|token| token.is(PREPOSITIONS));
        if let Some(token) = tokens.get_mut(at).filter(|token| token.part == Part::Whole && aside) {
            token.part = Part::Aside;
        }
    }
    if !found && verbs.is_empty() {
        let end = tokens.iter().position(|token| token.is(PREPOSITIONS)).filter(|at| *at > 0).unwrap_or(tokens.len());
        head_of(tokens, 0..end, |token, first| !first || token.is_plural());
    } else if !found {
        // `remove_from_cart`: of what is left, where.
        let asides: SmallVec<[usize; 8]> =
            tokens.iter().enumerate().filter(|(_, token)| token.part == Part::Aside).map(|(at, _)| at).collect();
        if let (Some(first), Some(last)) = (asides.first(), asides.last()) {
            head_of(tokens, *first..*last + 1, |_, _| false);
        }
    }
}

/// From `from` to the next verb, preposition or conjunction.
fn bound(tokens: &[Token], from: usize, verbs: &[usize]) -> std::ops::Range<usize> {
    let end = (from..tokens.len()).find(|at| {
        verbs.contains(at) || tokens.get(*at).is_some_and(|token| token.is(PREPOSITIONS) || token.is(CONJUNCTIONS))
    });
    from..end.unwrap_or(tokens.len())
}

/// What stands right before a verb.
fn span_before(tokens: &[Token], verb: usize, from: usize, verbs: &[usize]) -> std::ops::Range<usize> {
    let start = (from..verb).rev().find(|at| {
        verbs.contains(at) || tokens.get(*at).is_some_and(|token| token.is(PREPOSITIONS) || token.is(CONJUNCTIONS))
    });
    start.map_or(from, |at| at + 1)..verb
}

/// Marks head and modifiers of a phrase. Whether it has a head that says what it is, and whether a softer one.
fn head_of(tokens: &mut [Token], range: std::ops::Range<usize>, sure: impl Fn(&Token, bool) -> bool) -> (bool, bool) {
    let (mut head, mut soft) = (false, false);
    let first = range.clone().next();
    let chain = tokens.last().is_some_and(|token| token.segment > 1);
    for at in range.rev() {
        let Some(token) = tokens.get_mut(at).filter(|token| !matches!(token.part, Part::Small | Part::Verb)) else {
            continue;
        };
        if head && chain && token.segment == 0 {
            // `crm.people.remove`: the product.
            token.part = Part::Whole;
        } else if head {
            token.part = Part::Modifier;
        } else if token.is_generic() || token.is_soft() {
            token.part = Part::Soft;
            soft = true;
        } else {
            token.sure = sure(token, Some(at) == first);
            token.part = Part::Head;
            head = true;
        }
    }
    (head, soft)
}

/// What a few words name, as the last of them says: of `customer-list` customers. Nothing when they name nothing
/// that the lexicon has.
pub(super) fn named(text: &str) -> Concepts {
    let mut tokens = tokens(text);
    part(&mut tokens, &[]);
    heads(&tokens).without(known().other)
}

/// What the heads of a name are.
pub(super) fn heads(tokens: &[Token]) -> Concepts {
    let other = known().other;
    let of = |token: &Token| match token.part {
        Part::Soft => token.things(),
        // To apply a migration is to migrate whatever it is.
        Part::Head if token.is_act() => Concepts::NONE,
        Part::Head if token.things().is_empty() && token.sure => other,
        Part::Head => token.things(),
        _ => Concepts::NONE,
    };
    tokens.iter().fold(Concepts::NONE, |all, token| all.with(of(token)))
}
