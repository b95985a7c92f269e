//! The words of a part that say what is done and to what: those of the lexicon, and others by where they stand.

mod unknown;
mod verb;

use super::{
    tape::Tape,
    token::Kind,
    words::{self, Group, List},
};

use crate::policy::{
    lexicon::{Entry, Form, Reading, lexicon, read_word},
    mentions,
};
pub use unknown::singular;
use unknown::{bases_of, is_unknown, unknown};
use verb::{begins_list, gerund, is_verb, object_behind, phrasal, third_person, within_place};

/// What a word is in its sentence.
#[derive(Debug, Clone)]
pub enum Role {
    /// A doing of the lexicon.
    Verb(Reading),
    /// A thing, or a noun of doing, of the lexicon.
    Noun(Reading),
    /// A doing that the lexicon lacks, in what may be its base form.
    Done(Vec<String>),
    /// A noun that the lexicon lacks, in the singular.
    Word(String),
}

/// A word or phrase.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it begins.
    pub at: usize,
    /// How many tokens it has.
    pub length: usize,
    /// What it is.
    pub role: Role,
    /// The word itself, the words of a phrase joined by `_`.
    pub word: String,
}

impl Item {
    /// Whether it says what is done.
    pub const fn is_verb(&self) -> bool {
        matches!(self.role, Role::Verb(_) | Role::Done(_))
    }
}

/// What the words of a part are.
#[derive(Debug, Default)]
pub struct Items {
    /// What is done and to what.
    pub all: Vec<Item>,
    /// How things are, where systems keep it.
    pub states: Vec<(usize, String)>,
    /// Words that only somebody's judgement could place.
    pub unresolved: Vec<(usize, String)>,
}

/// Finds them, and takes what says nothing by itself.
pub fn items(tape: &mut Tape) -> Items {
    let mut found = Items::default();
    let mut at = 0;
    while at < tape.len() {
        if tape.kind(at) != Some(&Kind::Word) {
            at += 1;
            continue;
        }
        if matches!(tape.word(at), "list" | "lists")
            && found.all.last().is_some_and(|item| !item.is_verb() && item.at + item.length == at)
        {
            // `price lists` are prices.
            tape.take(at);
            at += 1;
            continue;
        }
        if let Some((reading, particle)) = phrasal(tape, at) {
            // `turning alerts off`
            tape.take(particle);
            found.all.push(Item { at, length: 1, role: Role::Verb(reading), word: tape.word(at).to_owned() });
            at += 1;
            continue;
        }
        let whose = tape.raw(at).ends_with("'s") || tape.raw(at).ends_with("s'");
        if whose && at + 1 < tape.len() && tape.is_taken(at + 1) {
            // `a customer's card number`
            tape.take(at);
            at += 1;
            continue;
        }
        if let Some((length, reading)) = of_lexicon(tape, at) {
            let word = singular(tape.phrase(at, length).unwrap_or_default());
            if let Some(done) = gerund(tape, &found.all, at, length, reading) {
                found.all.push(Item { at, length, role: Role::Verb(done), word });
            } else if reading.form == Form::Plural
                && tape.raw_word(at + length - 1).ends_with('s')
                && reading.entry.names.is_empty()
                && !object_behind(tape, at)
                && !third_person(tape, at)
            {
                // `top-ups`: doings, as a noun.
                let names = reading.entry.does;
                let noun = Reading { entry: Entry { names, ..reading.entry }, ..reading };
                found.all.push(Item { at, length, role: Role::Noun(noun), word });
            } else if is_verb(tape, &found.all, at, length, reading) {
                found.all.push(Item { at, length, role: Role::Verb(reading), word });
            } else if !reading.entry.names.is_empty() && reading.form != Form::Past {
                found.all.push(Item { at, length, role: Role::Noun(reading), word });
            } else if reading.form == Form::Base && length == 1 && within_place(tape, at) {
                found.all.push(Item { at, length, role: Role::Word(word.clone()), word });
            } else {
                // `deleted items`: which items, not what is done.
                tape.take_all(at..at + length);
            }
            at += length;
            continue;
        }
        // `cannot be paused or expired`: what is done, as what stands before.
        let verb_before = matches!(tape.before(at, 1), "and" | "or" | "nor")
            && found.all.last().is_some_and(|item| item.is_verb() && item.at + item.length + 1 == at);
        let refused = at.checked_sub(1).is_some_and(|before| tape.is_gap(before));
        let word = tape.word(at);
        let listed = (verb_before || refused) && word.ends_with("ed") && !word.starts_with("un");
        if let Some((length, state)) = state(tape, at).filter(|_| !listed) {
            tape.take_all(at..at + length);
            found.states.push((at, state));
            at += length;
            continue;
        }
        if listed && !words::is_known(tape.word(at)) {
            let word = tape.word(at).to_owned();
            found.all.push(Item { at, length: 1, role: Role::Done(bases_of(&word, "ed")), word });
        } else if tape.is(at, Group::Vague) && !tape.is(at, Group::Small) {
            found.unresolved.push((at, tape.raw(at).to_owned()));
            tape.take(at);
        } else if is_unknown(tape, at) {
            unknown(tape, at, &mut found);
        }
        at += 1;
    }
    found
}

/// The longest phrase here that the lexicon lists.
fn of_lexicon(tape: &Tape, at: usize) -> Option<(usize, Reading)> {
    (1..=lexicon().longest).rev().find_map(|length| {
        let phrase = tape.phrase(at, length)?;
        // A lone word without meaning of its own stays one; in a phrase it may have one.
        let small = length == 1 && says_nothing(tape, at, &phrase);
        let reading = if small { None } else { read_word(&phrase) }?;
        Some((length, reading))
    })
}

fn says_nothing(tape: &Tape, at: usize, word: &str) -> bool {
    let opens = tape.begins(at);
    if tape.raw_is(at, Group::Vague) {
        return true;
    }
    if is_product(tape, at) {
        return true;
    }
    if word.starts_with("domain") && tape.any_kind(|kind| matches!(kind, Kind::Domain)) {
        return true;
    }
    // Actors and ways of calling are things as well: `restart the system`, `case`.
    if tape.raw_is(at, Group::Actors) {
        return true;
    }
    let sql = |at: usize| List::SqlVerb.has(tape.raw(at));
    if matches!(word, "query" | "queries") && (1..=4).filter_map(|back| at.checked_sub(back)).any(sql) {
        return true;
    }
    if matches!(word, "anything" | "everything" | "whatever" | "something" | "nothing") {
        return false;
    }
    if (tape.raw_is(at, Group::Small) && List::SmallVerb.has(word) || List::CallingVerb.has(word))
        && begins_list(tape, at)
    {
        return false;
    }
    if tape.raw_is(at, Group::Small) {
        let used = List::SmallVerb.has(word);
        let verb = opens || matches!(tape.before(at, 1), "to" | "or" | "and" | "not");
        // `ending a lease`, `to run scripts`: with an object behind they do something.
        let pronoun = matches!(tape.raw_word(at + 1), "one" | "them" | "it");
        return !(used
            && verb
            && (object_behind(tape, at) || pronoun && word.ends_with("ing"))
            && !matches!(word, "contain" | "include" | "look" | "cost"));
    }
    if tape.raw_is(at, Group::Calling) && matches!(word, "issue" | "issued") {
        if matches!(tape.before(at, 1), "a" | "an" | "the" | "any" | "each" | "every" | "of") {
            return false;
        }
        return !(opens && object_behind(tape, at));
    }
    let named = List::Determiner.has(tape.before(at, 1));
    if tape.raw_is(at, Group::Calling) && named && matches!(word, "batch" | "batches" | "bulk") {
        return false;
    }
    if tape.raw_is(at, Group::Calling) {
        return !List::CallingThing.has(word);
    }
    false
}

/// `Teams` is a product where `teams` are groups of people.
fn is_product(tape: &Tape, at: usize) -> bool {
    tape.proper(at) && (tape.raw_is(at, Group::Services) || tape.raw_is(at, Group::Products))
}

/// A state of a field that systems keep: `urgent`, `publicly`.
fn state(tape: &Tape, at: usize) -> Option<(usize, String)> {
    let small = |at: usize| tape.raw_is(at, Group::Small) || tape.raw_is(at, Group::Calling);
    [2, 1].into_iter().find_map(|length| {
        let phrase = tape.phrase(at, length)?;
        (length > 1 || !small(at)).then(|| mentions::state(&phrase)).flatten().map(|state| (length, state))
    })
}
