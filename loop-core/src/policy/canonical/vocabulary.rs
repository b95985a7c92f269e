//! The words of the lexicon as the canonical form spells them: one spelling for each concept and place.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::policy::lexicon::{Concept, Concepts};

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// What is done: `it deletes`.
    Does,
    /// What is done, behind `not`: `it does not delete`.
    Do,
    /// To what: `files`.
    Things,
}

/// Concepts whose verb is not that of the lexicon with an `s`.
const VERBS: &[(&str, &str, &str)] = &[
    ("force_push", "force-pushes", "force-push"),
    ("login", "logs in", "log in"),
    ("payroll", "runs payroll", "run payroll"),
    ("credit_note", "issues credit notes", "issue credit notes"),
];

/// Concepts whose noun is not that of the lexicon with an `s`.
const NOUNS: &[(&str, &str)] = &[
    ("log_thing", "log files"),
    ("spend", "spending"),
    ("mask", "masking"),
    ("payroll", "payroll"),
    ("train", "training"),
    ("encrypt", "encryption"),
    ("process", "processing"),
    ("invest", "investments"),
    ("stock", "stock"),
    ("funds", "money"),
    ("insurance", "insurance"),
    ("billing_thing", "billing"),
    ("crypto", "crypto"),
    ("travel", "travel"),
    ("leave", "leave"),
    ("goods", "goods"),
    ("infrastructure", "infrastructure"),
    ("mfa", "multi-factor authentication"),
    ("dns", "DNS records"),
    ("iam_policy", "IAM policies"),
    ("cron", "cron jobs"),
    ("stock_share", "securities"),
];

/// Words that the grammar itself begins something with: no spelling begins with them.
const RESERVED: &[&str] = &[
    "it", "the", "not", "a", "an", "that", "where", "unless", "in", "and", "or", "does", "do", "but", "to", "just",
    "kind", "word", "anything", "nothing", "without",
];

type Listed = HashMap<String, Concept, foldhash::fast::FixedState>;

#[derive(Default)]
struct Column {
    spelling: Vec<Option<String>>,
    listed: Listed,
    longest: usize,
}

impl Column {
    /// Takes a spelling that is neither taken nor reserved; without one the concept goes by its name.
    fn add(&mut self, concept: Concept, spelling: Option<String>) {
        let open = |text: &String| {
            !self.listed.contains_key(text) && text.split(' ').next().is_some_and(|first| !RESERVED.contains(&first))
        };
        let spelling = spelling.filter(open);
        if let Some(text) = &spelling {
            self.longest = self.longest.max(text.split(' ').count());
            self.listed.insert(text.clone(), concept);
        }
        self.spelling.push(spelling);
    }
}

#[derive(Default)]
struct Vocabulary {
    third: Column,
    base: Column,
    nouns: Column,
    /// Each concept with all below it.
    whole: Vec<Concepts>,
}

fn vocabulary() -> &'static Vocabulary {
    static ALL: LazyLock<Vocabulary> = LazyLock::new(|| {
        let mut all = Vocabulary::default();
        for concept in Concepts::ALL.iter().filter(|concept| Concept::named(concept.name()) == Some(*concept)) {
            all.whole.push(concept.alone().with_children());
            let own = VERBS.iter().find(|(name, ..)| *name == concept.name());
            let spelt = |word: &str| word.replace('_', " ");
            let third = own.map(|(_, third, _)| (*third).to_owned());
            all.third.add(concept, third.or_else(|| concept.verb().map(|verb| with_s(&spelt(verb)))));
            let base = own.map(|(.., base)| (*base).to_owned());
            all.base.add(concept, base.or_else(|| concept.verb().map(spelt)));
            let own = NOUNS.iter().find(|(name, _)| *name == concept.name()).map(|(_, noun)| (*noun).to_owned());
            all.nouns.add(concept, own.or_else(|| concept.noun().map(|noun| with_s(&spelt(noun)))));
        }
        all
    });
    &ALL
}

/// A concept with all below it.
pub(super) fn whole(concept: Concept) -> Concepts {
    vocabulary().whole.get(concept.index()).copied().unwrap_or(concept.alone())
}

fn column(place: Place) -> &'static Column {
    match place {
        Place::Does => &vocabulary().third,
        Place::Do => &vocabulary().base,
        Place::Things => &vocabulary().nouns,
    }
}

/// How a concept is spelt in a place; `None` when its word is another one's there.
pub(super) fn spelling(concept: Concept, place: Place) -> Option<&'static str> {
    column(place).spelling.get(concept.index())?.as_deref()
}

/// The concept that the longest spelling at the front means, and how many words it takes.
pub(super) fn longest<'t>(place: Place, words: impl Iterator<Item = &'t str>) -> Option<(Concept, usize)> {
    let column = column(place);
    let mut text = String::new();
    let mut found = None;
    for (at, word) in words.take(column.longest).enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(word);
        found = column.listed.get(&text).map(|concept| (*concept, at + 1)).or(found);
    }
    found
}

/// The fewest concepts that stand for a set: one that is in it with all below it stands for them, any other for itself
/// alone.
pub(super) fn cover(set: Concepts) -> Vec<(Concept, bool)> {
    let reach = set.iter().map(|one| (one, whole(one)));
    let inside: Vec<(Concept, Concepts)> = reach.filter(|(_, below)| below.without(set).is_empty()).collect();
    // Of two that stand for the same set the first one is taken.
    let inner = |one: Concept, own: Concepts| {
        inside.iter().any(|(other, below)| *other != one && below.has(one) && (*below != own || *other < one))
    };
    let outer: Vec<Concept> = inside.iter().filter(|(one, own)| !inner(*one, *own)).map(|(one, _)| *one).collect();
    let covered = outer.iter().fold(Concepts::NONE, |covered, one| covered.with(whole(*one)));
    set.iter()
        .filter_map(|one| match outer.contains(&one) {
            true => Some((one, false)),
            false => (!covered.has(one)).then_some((one, true)),
        })
        .collect()
}

/// A verb in its third person, a noun in its plural.
pub(super) fn with_s(word: &str) -> String {
    let vowel = |letter: Option<char>| letter.is_none_or(|letter| "aeiou".contains(letter));
    match word.strip_suffix('y') {
        Some(stem) if !vowel(stem.chars().next_back()) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

/// What [`with_s`] was given, for most words.
fn without_s(word: &str) -> Option<String> {
    if let Some(stem) = word.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    let stem =
        word.strip_suffix("es").filter(|stem| ["ss", "zz", "x", "ch", "sh"].iter().any(|end| stem.ends_with(end)));
    stem.or_else(|| word.strip_suffix('s')).map(str::to_owned)
}

/// The word with its ending, when it can be taken off again.
pub(super) fn inflected(word: &str) -> Option<String> {
    Some(with_s(word)).filter(|ended| without_s(ended).as_deref() == Some(word))
}

/// The word without its ending.
pub(super) fn uninflected(word: &str) -> Option<String> {
    without_s(word).filter(|stem| inflected(stem).as_deref() == Some(word))
}
