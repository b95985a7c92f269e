//! What a piece asks for, which says nothing about the call: `needs approval from finance`, `must be signed off by
//! the CFO`, `goes to the team lead`, `until the treasurer agrees`, `without asking me`.

use super::{
    clause::Words,
    token::Kind,
    words::{is, is_known},
};
use crate::policy::lexicon::{Form, read_word};

/// Takes what is asked for.
pub fn take(words: &mut Words) {
    until(words);
    without(words);
    let people = people_decide(words);
    if !people {
        predicate(words);
    }
    deciders(words);
}

fn ends(words: &Words, at: usize) -> bool {
    at >= words.len() || matches!(words.raw_kind(at), Some(Kind::Mark(_)))
}

/// Where the words from a place on end.
fn end_of(words: &Words, at: usize) -> usize {
    (at..words.len()).find(|at| ends(words, *at)).unwrap_or(words.len())
}

fn take_range(words: &mut Words, from: usize, to: usize) {
    (from..to).for_each(|at| drop(words.take(at)));
}

/// Words that say a new condition of their own.
fn subordinates(words: &Words, at: usize) -> bool {
    matches!(
        words.word(at),
        "before"
            | "if"
            | "when"
            | "whenever"
            | "unless"
            | "except"
            | "where"
            | "prior"
            | "while"
            | "outside"
            | "during"
    ) || (matches!(words.word(at), "for" | "on" | "to" | "in")
        && read_word(words.word(at + 1)).is_some_and(|reading| {
            reading.form == Form::Gerund
                || (words.word(at) == "to" && !reading.entry.does.is_empty() && !is("guard", words.word(at + 1)))
        }))
}

/// A number with a comparison, and what names a place or party: no part of what is asked for.
fn telling(words: &Words, at: usize) -> bool {
    match words.kind(at) {
        Some(
            Kind::Money(..) | Kind::Percent(_) | Kind::Compare | Kind::Path | Kind::Glob | Kind::Channel | Kind::Quoted,
        ) => true,
        Some(Kind::Word) => (is("over", words.word(at)) || is("under", words.word(at))) && figures_behind(words, at),
        _ => false,
    }
}

fn figures_behind(words: &Words, at: usize) -> bool {
    (at + 1..at + 4).any(|at| matches!(words.kind(at), Some(Kind::Number(_) | Kind::Money(..) | Kind::Percent(_))))
}

/// `until the treasurer signs off`
fn until(words: &mut Words) {
    let Some(at) = (1..words.len()).find(|at| words.word(*at) == "until") else { return };
    let end = end_of(words, at);
    if (at..end).any(|at| is("guard", words.word(at)) || is("people", words.word(at)) || is("approval", words.word(at)))
    {
        take_range(words, at, end);
    }
}

/// `without asking me`, `without the practice manager agreeing`
fn without(words: &mut Words) {
    for at in 0..words.len() {
        if words.word(at) != "without" {
            continue;
        }
        let end = end_of(words, at).min(at + 8);
        if (at..end).any(|at| words.word(at) == "where") {
            continue;
        }
        let asks = |at: usize| {
            let word = words.word(at);
            is("guard", word) || is("approval", word) || is("people", word) || is("agreeing", word)
        };
        let Some(asks) = (at + 1..end).rfind(|at| asks(*at)) else { continue };
        let stop = (at + 1..end).find(|place| *place > asks && (subordinates(words, *place) || telling(words, *place)));
        take_range(words, at, stop.unwrap_or(end));
    }
}

/// Takes `a human reviews`, `the hiring manager signs it off`, `the account manager decides`; answers whether there
/// was one.
fn people_decide(words: &mut Words) -> bool {
    for at in 1..words.len() {
        if !is("decides", words.word(at)) {
            continue;
        }
        let mut from = at;
        while let Some(before) = from.checked_sub(1) {
            let word = words.word(before);
            let part = words.kind(before) == Some(&Kind::Word)
                && !matches!(word, "if" | "unless" | "but" | "when" | "before" | "that" | "and" | "or");
            if !part || (is("guard", word) && !is("people", word)) || is("asking", word) {
                break;
            }
            from = before;
        }
        if !(from..at).any(|at| is("people", words.word(at))) {
            continue;
        }
        let mut to = at + 1;
        while matches!(words.word(to), "it" | "them" | "off" | "this" | "so" | "yes" | "first") {
            to += 1;
        }
        take_range(words, from, to);
        return true;
    }
    false
}

/// Whether words before a place say what the rule is about.
fn has_subject(words: &Words, to: usize) -> bool {
    (0..to).any(|at| match words.kind(at) {
        None => false,
        Some(Kind::Mark(_)) => false,
        Some(Kind::Word) => {
            let word = words.word(at);
            let small = is("filler", word) || is("people", word) || is("guard", word) || is("asking", word);
            !small
        }
        Some(_) => true,
    })
}

/// Takes `needs …`, `must be …`, `goes to …` where the words before already say what is guarded.
fn predicate(words: &mut Words) {
    for at in 0..words.len() {
        let Some(from) = modal(words, at) else { continue };
        let end = end_of(words, at);
        let subject = has_subject(words, at);
        let goes_on =
            |at: usize| (subordinates(words, at) && !(subject && words.word(at) == "to")) || telling(words, at);
        let stop = (from..end).find(|at| goes_on(*at)).unwrap_or(end);
        if subject {
            take_range(words, at, stop);
        } else {
            // `I need to approve …`, `finance must sign off on …`
            let mut to = from;
            while to < stop
                && (is("guard", words.word(to))
                    || is("approval", words.word(to))
                    || matches!(words.word(to), "to" | "be" | "get" | "obtain" | "off" | "on" | "a" | "an" | "first"))
            {
                to += 1;
            }
            take_range(words, at, to);
        }
        return;
    }
}

/// Where the words behind a modal begin, if one stands here and asks rather than forbids.
fn modal(words: &Words, at: usize) -> Option<usize> {
    let (next, second) = (words.word(at + 1), words.word(at + 2));
    let negated = |word: &str| matches!(word, "not" | "never" | "no");
    let refused = at.checked_sub(1).is_some_and(|at| negated(words.raw_word(at)));
    if refused || negated(next) || (negated(second) && next == "be") {
        return None;
    }
    let rest = at + 1..end_of(words, at).min(at + 12);
    let asks = || rest.clone().any(|at| asking(words.word(at)));
    let done_to = |at: usize| {
        // `must be cleared`, `has to be agreed`
        words.word(at) == "be" || words.word(at) == "get"
    };
    match words.word(at) {
        "needs" | "need" | "requires" | "require" | "wants" | "want" | "deserves" | "demands" => Some(at + 1),
        "must" | "should" | "shall" => (done_to(at + 1) || asks()).then_some(at + 1),
        "has" | "have" | "ought" if next == "to" => (done_to(at + 2) || asks()).then_some(at + 2),
        "waits" | "wait" if next == "for" => Some(at + 2),
        "takes" | "take" | "calls" | "call" => asks().then_some(at + 1),
        "goes" | "go" if matches!(next, "to" | "through" | "past" | "via" | "by") => {
            let whom = (at + 2..at + 5).any(|at| is("people", words.word(at)));
            let placed =
                rest.clone().any(|at| matches!(words.kind(at), Some(Kind::Domain | Kind::Email | Kind::Channel)));
            (whom && !placed).then_some(at + 2)
        }
        "is" | "are" if matches!(next, "something" | "subject") && asks() => Some(at + 1),
        "is" | "are" if (at + 1..at + 5).any(|at| words.word(at) == "job") => Some(at + 1),
        _ => None,
    }
}

fn asking(word: &str) -> bool {
    is("approval", word) || is("people", word) || is("agreeing", word) || (is("guard", word) && !is("refusal", word))
}

/// Takes who decides: `from finance`, `by the platform team`, `to a human`, `ask Dana`.
fn deciders(words: &mut Words) {
    for at in 0..words.len() {
        let word = words.word(at).to_owned();
        if matches!(word.as_str(), "ask" | "notify" | "tell" | "check" | "consult") && words.kind(at).is_some() {
            let with = usize::from(words.word(at + 1) == "with");
            let mut to = at + 1 + with;
            while matches!(words.word(to), "the" | "a" | "an" | "our" | "my" | "your") {
                to += 1;
            }
            let first = to;
            while !ends(words, to)
                && (is("people", words.word(to)) || (to == first && (words.proper(to) || !is_known(words.word(to)))))
                && !words.word(to).is_empty()
            {
                to += 1;
            }
            if to > first {
                take_range(words, at, to);
            }
            continue;
        }
        let begins = matches!(word.as_str(), "by" | "from" | "to" | "with");
        let settled = at.checked_sub(1).is_some_and(|before| {
            let word = words.raw_word(before);
            is("approval", word) || is("guard", word)
        });
        // `prohibited to delete`: what is done, not who decides.
        let done = word == "to"
            && read_word(words.word(at + 1)).is_some_and(|reading| {
                reading.form == Form::Base && !reading.entry.does.is_empty() && !is("people", words.word(at + 1))
            });
        if !begins || done {
            continue;
        }
        let mut end = at + 1;
        while matches!(words.word(end), "a" | "an" | "the" | "our" | "my" | "your" | "someone" | "another") {
            end += 1;
        }
        let mut any = false;
        while end < words.len() && end < at + 7 && words.kind(end) == Some(&Kind::Word) {
            let word = words.word(end);
            let goes_on = is("people", word)
                || (settled && any && word == "and")
                || (settled
                    && !matches!(
                        word,
                        "if" | "when" | "for" | "before" | "unless" | "over" | "to" | "in" | "on" | "from"
                    )
                    && word_begins_no_thing(words, end));
            if !goes_on {
                break;
            }
            any = true;
            end += 1;
        }
        if any && (settled || is("people", words.raw_word(end - 1))) {
            take_range(words, at, end);
        }
    }
}

/// `forbidden from deleting`: what is done comes next.
fn word_begins_no_thing(words: &Words, at: usize) -> bool {
    read_word(words.word(at)).is_none_or(|reading| reading.form != Form::Gerund)
}
