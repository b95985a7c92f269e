//! What an argument of a name must be: `the carrier is DPD`, `status = closed`, `dev-* hosts`.

use super::{
    tape::Tape,
    token::Kind,
    words::{self, Group, List},
};
use crate::policy::condition::{ArgumentTest, Condition};

/// Takes what is said of arguments by their names.
pub fn attributes(tape: &mut Tape) -> Option<Condition> {
    let mut all = Vec::new();
    for at in 1..tape.len() {
        if let Some(condition) = said(tape, at) {
            all.push(condition);
        }
    }
    (!all.is_empty()).then(|| Condition::all(all))
}

/// `NOUN is VALUE`, where `is` stands at a place.
fn said(tape: &mut Tape, at: usize) -> Option<Condition> {
    let verb = List::Equals.has(tape.word(at));
    let noun_at = at.checked_sub(1)?;
    let noun = tape.word(noun_at).to_owned();
    let named = tape.kind(noun_at) == Some(&Kind::Word) && !noun.is_empty() && !tape.raw_is(noun_at, Group::Actors);
    if !verb || !named || (tape.raw_is(noun_at, Group::Small) && !List::Kind.has(&noun)) {
        return None;
    }
    let negated = tape.word(at + 1) == "not";
    let mut next = at + 1 + usize::from(negated);
    while List::ValueLead.has(tape.word(next)) {
        next += 1;
    }
    let mut values = Vec::new();
    let mut end = next;
    while let Some((value, length)) = value(tape, next, &noun) {
        values.push(value);
        end = next + length;
        let linked = matches!(tape.word(end), "or" | "nor" | "and") || tape.is_mark(end);
        if !linked {
            break;
        }
        next = end + 1 + usize::from(tape.is_mark(end) && matches!(tape.word(end + 1), "or" | "and"));
    }
    if values.is_empty() {
        return None;
    }
    tape.take_all(noun_at..end);
    let condition = if noun == "branch" {
        Condition::Branch(values)
    } else if List::Party.has(&noun) {
        Condition::Party(values)
    } else {
        Condition::Argument { name: noun, test: ArgumentTest::Is(values) }
    };
    Some(if negated { Condition::negated(condition) } else { condition })
}

/// A value and how many tokens it has.
fn value(tape: &Tape, at: usize, noun: &str) -> Option<(String, usize)> {
    match tape.kind(at)? {
        Kind::Quoted => Some((tape.raw(at).to_owned(), 1)),
        Kind::Word => {
            let word = tape.word(at);
            if matches!(word, "true" | "false") {
                return Some((word.to_owned(), 1));
            }
            let proper = tape.proper(at) && !tape.raw_is(at, Group::Small);
            let plain = !words::is_known(word) || List::Kind.has(noun);
            let closes =
                at + 1 >= tape.len() || tape.is_mark(at + 1) || matches!(tape.word(at + 1), "or" | "nor" | "and");
            let seems = tape.raw_is(at, Group::Vague)
                || tape.raw_is(at, Group::Small)
                || tape.raw_is(at, Group::Fine)
                || tape.raw_is(at, Group::Over)
                || tape.raw_is(at, Group::Under);
            if !(proper || plain && closes && !seems) {
                return None;
            }
            let mut value = tape.raw(at).to_owned();
            let mut length = 1;
            while proper && tape.kind(at + length) == Some(&Kind::Word) && tape.proper(at + length) {
                value.push(' ');
                value.push_str(tape.raw(at + length));
                length += 1;
            }
            Some((value, length))
        }
        _ => None,
    }
}

/// Takes patterns with the noun beside them: `dev-* or test-* hosts`, `buckets like tmp-*`.
pub fn patterns(tape: &mut Tape) -> Option<Condition> {
    let globs: Vec<usize> = (0..tape.len())
        .filter(|at| tape.kind(*at) == Some(&Kind::Glob) && tape.raw(*at).contains(char::is_alphanumeric))
        .collect();
    let (first, last) = (*globs.first()?, *globs.last()?);
    let names = |tape: &Tape, at: usize| {
        let word = tape.word(at);
        tape.kind(at) == Some(&Kind::Word) && !word.is_empty() && !tape.raw_is(at, Group::Small)
    };
    let noun_at = (last + 1..last + 3)
        .find(|at| names(tape, *at))
        .or_else(|| (1..=4).filter_map(|back| first.checked_sub(back)).find(|at| names(tape, *at)))?;
    let noun = tape.word(noun_at).to_owned();
    let name = noun.strip_suffix('s').unwrap_or(&noun).to_owned();
    let like = globs.into_iter().map(|at| tape.take(at)).collect();
    Some(Condition::Argument { name, test: ArgumentTest::Like(like) })
}

/// Takes `the ledger service`, `the payroll or bonuses table`.
pub fn named_things(tape: &mut Tape) -> Option<Condition> {
    let mut all = Vec::new();
    for at in 0..tape.len() {
        let noun = tape.word(at).to_owned();
        let table = List::Table.has(&noun);
        if !table && !List::Named.has(&noun) {
            continue;
        }
        let names = |tape: &Tape, at: usize| {
            let word = tape.word(at);
            let plain = ![
                Group::Small,
                Group::Calling,
                Group::Vague,
                Group::Services,
                Group::Products,
                Group::Production,
                Group::Staging,
                Group::Testing,
                Group::Development,
                Group::Rank,
                Group::People,
            ]
            .iter()
            .any(|group| tape.raw_is(at, *group));
            tape.kind(at) == Some(&Kind::Word) && !word.is_empty() && plain
        };
        let mut first = at;
        let mut values = Vec::new();
        while let Some(before) = first.checked_sub(1).filter(|before| names(tape, *before)) {
            values.push(tape.word(before).to_owned());
            first = before;
            let linked = first
                .checked_sub(2)
                .filter(|other| matches!(tape.word(first - 1), "or" | "and") && names(tape, *other));
            match linked {
                Some(other) => first = other + 1,
                None => break,
            }
        }
        if values.is_empty() || tape.before(first, 1) != "the" {
            continue;
        }
        tape.take_all(first..at);
        values.reverse();
        all.push(if table {
            Condition::Mentions(values)
        } else {
            Condition::Argument { name: noun, test: ArgumentTest::Is(values) }
        });
    }
    (!all.is_empty()).then(|| Condition::all(all))
}
