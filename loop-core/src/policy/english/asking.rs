//! What a text asks for, which says nothing about the call: `needs approval from finance`, `must be signed off by the
//! CFO`, `goes to the team lead`, `until the treasurer agrees`, `ask Dana before`.

mod imperative;
mod phrase;
mod predicate;

use super::refusing::says_base;
use super::{
    line::{Line, Sign},
    token::Kind,
    words::{Group, List},
};
use imperative::{decided, held, imperative, wanted};
use phrase::{decides, tail};
use predicate::{given, needs, passive, waits};

pub use imperative::targets;

/// Reads what is waited for, before exceptions are read: `unless I agree` is none.
pub fn waited(line: &mut Line) {
    for at in 0..line.len() {
        leads(line, at);
    }
}

/// Reads what is asked for.
pub fn read(line: &mut Line) {
    let readers: [fn(&Line, usize) -> Option<Found>; 8] =
        [given, passive, needs, waits, decided, imperative, held, wanted];
    for reader in readers {
        for at in 0..line.len() {
            if line.sign(at) == Sign::Plain
                && let Some(found) = reader(line, at)
            {
                line.mark(found.from, found.to, found.sign);
            }
        }
    }
}

/// The most words between `only` and what is waited for.
const ONLY_MAX: usize = 5;

/// The most words of what is asked for behind `with`.
const GIVEN_MAX: usize = 7;

struct Found {
    from: usize,
    to: usize,
    sign: Sign,
}

fn guard(from: usize, to: usize) -> Option<Found> {
    Some(Found { from, to, sign: Sign::Guard })
}

/// `until the treasurer signs off`, `without asking me`, `unless I agree`, `only after approval`: what is waited for.
fn leads(line: &mut Line, at: usize) {
    let lead = line.word(at).to_owned();
    if !List::WaitLead.has(&lead) {
        return;
    }
    let weak = matches!(lead.as_str(), "after" | "before" | "with" | "once" | "if");
    // `is fine with approval` asks for it as `is only fine with approval` does, and so does `may be sent with approval`.
    let given = matches!(lead.as_str(), "with" | "after" | "once") && {
        let end = line.end_of(at).min(at + GIVEN_MAX);
        let asked = (at + 1..end).any(|at| List::Asking.has(line.word(at)));
        let whom = (at + 1..end).any(|at| line.is(at, Group::People));
        line.word(at + 1) != "no" && ((at + 1..end).any(|at| line.is(at, Group::Approval)) || asked && whom)
    };
    let lets = given && (line.start_of(at)..at).any(|at| matches!(line.word(at), "may" | "can" | "could"));
    let fine = line.is(at.wrapping_sub(1), Group::Fine) && (line.before(at, 2) == "only" || given);
    // `may only go out after approval`
    let apart = (1..=ONLY_MAX)
        .filter_map(|back| at.checked_sub(back))
        .take_while(|place| !line.ends(*place))
        .find(|place| line.word(*place) == "only" && !line.begins(*place))
        .filter(|_| weak && lead != "before" && (at..line.end_of(at)).any(|at| line.is(at, Group::Approval)));
    let only = line.before(at, 1) == "only" || fine || lets;
    if weak && !only && apart.is_none() {
        return;
    }
    let end = line.end_of(at).min(at + 12);
    // Where a new condition of its own begins, what is waited for ends.
    let stop = (at + 1..end)
        .find(|place| {
            List::ConditionLead.has(line.word(*place))
                || (line.word(*place) == "before" && line.word(at) != "before")
                || !line.tokens.get(*place).is_some_and(|token| {
                    // `without two reviews`
                    token.kind == Kind::Word
                        || matches!(token.kind, Kind::Number(_)) && token.raw.chars().all(char::is_alphabetic)
                })
        })
        .unwrap_or(end);
    let told = (at + 1..stop).any(|place| {
        line.is(place, Group::Approval)
            || line.is(place, Group::Approve)
                && (at + 1..place).any(|before| decides(line, before) || line.proper(before))
            || line.is(place, Group::Approved)
            || List::Asking.has(line.word(place))
    });
    let object = (at + 1..stop).any(|place| matches!(line.word(place), "where" | "receipt"));
    if told && !object {
        // What is done may go on behind: `without asking me, …` ends at a mark; `without approval to …` at `to`.
        let last = (at + 1..stop).rev().find(|place| {
            line.is(*place, Group::Approval)
                || line.is(*place, Group::Approve)
                || line.is(*place, Group::Approved)
                || line.is(*place, Group::People)
                || line.proper(*place)
                || List::AskedEnd.has(line.word(*place))
        });
        let mut from = if fine {
            at - 1 - usize::from(line.before(at, 2) == "only")
        } else if only && line.before(at, 1) == "only" {
            at - 1
        } else {
            at
        };
        while fine && matches!(line.before(from, 1), "is" | "are" | "be") {
            from -= 1;
        }
        let to = tail(line, last.map_or(stop, |last| last + 1));
        // `are fine without approval`: allowed, unless something is refused before.
        let start = line.start_of(at);
        let refused = (start..at).any(|at| List::Refusing.has(line.word(at)) || line.is(at, Group::Forbid));
        let allowed = (start..at).any(|at| line.is(at, Group::Fine) || matches!(line.word(at), "may" | "can"));
        let told = |place: usize| {
            line.is(place, Group::Forbidden)
                || line.word(place) == "no"
                || place < at && matches!(line.word(place), "is" | "are")
        };
        let imperative = says_base(line, start) && line.word(start) != "block" && !(start..line.end_of(at)).any(told);
        let free = lead == "without" && (allowed || imperative) && !refused;
        if let Some(apart) = apart.filter(|_| !only) {
            line.mark(apart, apart + 1, Sign::Gone);
        }
        line.mark(from, to, if free { Sign::Permit } else { Sign::Guard });
    }
}
