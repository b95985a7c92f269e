//! Whether a word is what is done, by where it stands.

use super::{
    super::{
        tape::Tape,
        token::Kind,
        words::{Group, List},
    },
    Item,
    unknown::{is_adjective, is_unknown},
};
use crate::policy::{
    deed::pure_deeds,
    lexicon::{Form, Reading, lexicon, read_word},
};

/// A verb whose particle stands behind its object: `turn alerts off`, `take the site down`.
pub(super) fn phrasal(tape: &Tape, at: usize) -> Option<(Reading, usize)> {
    let word = tape.word(at);
    let starts = List::Phrasal.has(word);
    if !starts {
        return None;
    }
    let end = (at + 2..at + 5).find(|at| tape.is_taken(*at) || tape.is_mark(*at)).unwrap_or(at + 5);
    let particle = (at + 2..end).find(|at| List::Particle.has(tape.word(*at)))?;
    if tape.word(particle) == "on" && tape.kind(particle + 1).is_some() && !tape.is_mark(particle + 1) {
        return None;
    }
    let reading = read_word(&format!("{word}_{}", tape.word(particle)))?;
    (!reading.entry.does.is_empty()).then_some((reading, particle))
}

/// `viewing tenancies`, where the lexicon lists `viewing` as a thing.
pub(super) fn gerund(tape: &Tape, items: &[Item], at: usize, length: usize, reading: Reading) -> Option<Reading> {
    let word = tape.raw_word(at);
    let stem = word.strip_suffix("ing").filter(|_| length == 1 && reading.entry.does.is_empty())?;
    let listed = items.last().is_some_and(Item::is_verb) && matches!(tape.before(at, 1), "and" | "or" | "nor");
    let leads =
        tape.begins(at) || listed || matches!(tape.before(at, 1), "to" | "before" | "from" | "of" | "for" | "without");
    // `opening, closing or resetting`
    let others = (tape.is_mark(at + 1) || matches!(tape.raw_word(at + 1), "or" | "and"))
        && tape.raw_word(at + 2).ends_with("ing");
    if !leads || !(object_behind(tape, at) || listed || others) {
        return None;
    }
    let found = read_word(stem).or_else(|| read_word(&format!("{stem}e")))?;
    (!found.entry.does.is_empty()).then_some(Reading { form: Form::Gerund, ..found })
}

/// Whether a verb stands behind `or` here: `edit or delete records`.
fn listed_first(tape: &Tape, at: usize) -> bool {
    matches!(tape.raw_word(at), "or" | "and")
        && read_word(tape.raw_word(at + 1)).is_some_and(|other| {
            !other.entry.does.is_empty() && other.entry.names.is_empty() && other.form == Form::Base
        })
}

pub(super) fn is_verb(tape: &Tape, items: &[Item], at: usize, length: usize, reading: Reading) -> bool {
    let before = behind(tape, at, 1);
    let earlier = behind(tape, at, 2);
    let after_noun = items.last().is_some_and(|item| !item.is_verb() && item.at + item.length == at);
    let after_verb = items.last().is_some_and(|item| item.is_verb() && item.at + item.length + 2 >= at);
    let passive = |word: &str| List::Passive.has(word);
    if reading.entry.does.is_empty() {
        return false;
    }
    let only_does = reading.entry.names.is_empty();
    let next = tape.raw_word(at + length);
    let article = List::ObjectLead.has(next);
    // `claim payouts need …` begins with a noun, `never claim …` with a verb.
    let first = at == 0 && (tape.is_led() || article || listed_first(tape, at + length));
    let led = first || List::VerbLead.has(before) || (after_verb && matches!(before, "and" | "or" | "," | "nor"));
    // `to refunds`: a noun behind a preposition is no verb.
    let opens = at == 0 && tape.len() > 1 || (at > 0 && tape.is_mark(at - 1) && !after_noun);
    let object_follows = object_behind(tape, at + length - 1) || article;
    // `change or stop them`
    // `block claim settlements`: which settlements.
    let doing_behind = read_word(next).is_some_and(|behind| {
        behind.form != Form::Past
            && !behind.entry.names.is_empty()
            && behind.entry.names.without(lexicon().deeds).is_empty()
    });
    if at == 0 && tape.is_nominal() && !only_does && doing_behind && reading.form == Form::Base {
        return false;
    }
    let listed = matches!(next, "or" | "and" | "nor") || tape.is_mark(at + length) && !tape.is_gap(at + length);
    let verb_listed = listed && verb_in_list(tape, at + length + 1);
    match reading.form {
        Form::Gerund => true,
        // `publish patch notes`: which notes.
        // `files in the archive`: where.
        Form::Base
            if only_does
                && matches!(before, "the" | "our" | "your" | "its")
                && matches!(earlier, "in" | "into" | "from" | "on" | "inside") =>
        {
            false
        }
        Form::Base if only_does && within_place(tape, at) => false,
        Form::Base if only_does => {
            let behind_verb = items.last().is_some_and(|item| item.is_verb() && item.at + item.length == at);
            !(behind_verb && object_follows)
        }
        // `hiring, firing and …`
        Form::Base
            if at == 0
                && tape.raw_word(at).ends_with("ing")
                && matches!(behind(tape, at + 2, 1), "," | "and" | "or") =>
        {
            true
        }
        Form::Base => led || (opens && (verb_listed || (object_follows && (at > 0 || !tape.is_asked())))),
        // `nobody edits records`
        Form::Plural if at == 0 && tape.is_led() && object_follows => true,
        Form::Plural => only_does || (before != "of" && third_person(tape, at)) || (opens && article),
        Form::Past => {
            passive(before)
                || passive(earlier)
                || after_noun
                || done_to(tape, at)
                || (after_verb && matches!(before, "and" | "or" | "nor" | ","))
                || (at == 0 && !object_follows)
        }
    }
}

/// `in the student register`: the last noun of a place.
pub(super) fn within_place(tape: &Tape, at: usize) -> bool {
    let article = (1..=PLACE_MAX)
        .find(|back| matches!(tape.before(at, *back), "" | "the" | "our" | "your" | "its" | "my" | "their"))
        .filter(|back| !tape.before(at, *back).is_empty());
    let plain = |at: usize| {
        let doing = read_word(tape.raw_word(at)).is_some_and(|reading| reading.entry.names.is_empty());
        tape.raw_kind(at) == Some(&Kind::Word) && !doing && !List::VerbLead.has(tape.raw_word(at))
    };
    article.is_some_and(|back| {
        back > 1
            && (at - back + 1..at).all(plain)
            && matches!(
                tape.before(at, back + 1),
                "in" | "into" | "from" | "on" | "inside" | "within" | "onto" | "of" | "to"
            )
    })
}

/// The most words of a place, with its article.
const PLACE_MAX: usize = 4;

/// Whether a list of doings goes on behind a word.
pub(super) fn goes_on(tape: &Tape, at: usize) -> bool {
    let mark = tape.is_mark(at + 1) && !tape.is_gap(at + 1);
    (mark || matches!(tape.raw_word(at + 1), "or" | "and" | "nor")) && verb_in_list(tape, at + 1 + usize::from(mark))
}

/// Whether a list of doings goes on here: some word of it has no other meaning, or has its object behind it
/// (`start, stop or delete an instance`).
fn verb_in_list(tape: &Tape, from: usize) -> bool {
    let mut at = from;
    for _ in 0..LISTED_MAX {
        at += usize::from(matches!(tape.raw_word(at), "or" | "and" | "nor"));
        let reading = read_word(tape.raw_word(at));
        let Some(other) = reading.filter(|other| !other.entry.does.is_empty() && other.form == Form::Base) else {
            return false;
        };
        if other.entry.names.is_empty() || object_behind(tape, at) {
            return true;
        }
        if !(matches!(tape.raw_word(at + 1), "or" | "and" | "nor") || tape.is_mark(at + 1) && !tape.is_gap(at + 1)) {
            return false;
        }
        at += 1 + usize::from(tape.is_mark(at + 1));
    }
    false
}

/// The longest list of doings that is looked through.
const LISTED_MAX: usize = 6;

/// Whether a word that may say only how a call is made is the first doing of a list: `issue, renew or cancel licences`.
pub(super) fn begins_list(tape: &Tape, at: usize) -> bool {
    let next = tape.raw_word(at + 1);
    let listed = matches!(next, "or" | "and" | "nor") || tape.is_mark(at + 1) && !tape.is_gap(at + 1);
    let leads = tape.begins(at)
        || at.checked_sub(1).is_some_and(|before| tape.is_gap(before))
        || List::VerbLead.has(tape.before(at, 1));
    let base = read_word(tape.raw_word(at)).is_some_and(|reading| reading.form == Form::Base);
    leads && base && listed && verb_in_list(tape, at + 1 + usize::from(tape.is_mark(at + 1)))
}

/// Whether only small words stand between a place and words that refuse: `… can't be | made or withdrawn`.
fn done_to(tape: &Tape, at: usize) -> bool {
    let back = (0..at).rev().take(4).find(|at| !tape.raw_is(*at, Group::Small));
    back.is_some_and(|back| tape.is_gap(back))
}

/// Whether a thing stands right behind, so that the word before it may be its verb.
pub(super) fn object_behind(tape: &Tape, at: usize) -> bool {
    for place in at + 1..at + 5 {
        let word = tape.raw_word(place);
        if word.is_empty() || List::ObjectEnd.has(word) {
            return false;
        }
        let found = (1..=3).rev().find_map(|length| tape.phrase(place, length).and_then(|phrase| read_word(&phrase)));
        if let Some(reading) = found.filter(|reading| !reading.entry.names.is_empty()) {
            // `file deletions`: the doing comes last.
            return !reading.entry.names.without(pure_deeds()).is_empty();
        }
        if is_unknown(tape, place) && !is_adjective(word) {
            return true;
        }
    }
    false
}

/// The word so many places before; a comma for every mark.
fn behind(tape: &Tape, at: usize, back: usize) -> &str {
    let Some(at) = at.checked_sub(back) else { return "" };
    if tape.is_mark(at) { "," } else { tape.raw_word(at) }
}

/// `when the agent deletes files`, `the bot emails customers`.
pub(super) fn third_person(tape: &Tape, at: usize) -> bool {
    let before = tape.before(at, 1);
    List::ThirdPerson.has(before) || before.ends_with("-agent") || before.ends_with("-bot")
}
