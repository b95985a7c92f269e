//! Who decides, and what is asked for, as phrases: `the head of procurement`, `approval from finance`.

use super::super::{
    line::Line,
    token::Kind,
    words::{Group, List},
};

/// The longest name of somebody who decides, in words.
const NAME_MAX: usize = 8;

pub(super) fn decides(line: &Line, at: usize) -> bool {
    line.is(at, Group::People) || line.is(at, Group::Rank)
}

/// Where the words for somebody, or for what is asked for, end that begin here.
pub(super) fn phrase(line: &Line, at: usize) -> usize {
    let mut to = at;
    while to < line.len() && to - at < NAME_MAX && !line.ends(to) {
        let word = line.word(to);
        // `two signatures`
        let number = line
            .tokens
            .get(to)
            .is_some_and(|token| matches!(token.kind, Kind::Number(_)) && token.raw.chars().all(char::is_alphabetic));
        if number {
            to += 1;
            continue;
        }
        if word.is_empty() {
            break;
        }
        let joined = List::PhraseLink.has(word);
        if matches!(word, "and" | "or") {
            // `legal and finance`, but not `legal and deletes`.
            let next = to + 1 + usize::from(matches!(line.word(to + 1), "the" | "a" | "an" | "our" | "my"));
            if !(decides(line, next) || line.is(next, Group::Approval)) {
                break;
            }
        } else if (word == "of" && line.ends(to + 1)) || (!joined && List::NameEnd.has(word)) {
            break;
        }
        to += 1;
    }
    to
}

/// Whether somebody who decides, or what is asked for, stands in a range.
pub(super) fn asks(line: &Line, from: usize, to: usize) -> bool {
    (from..to).any(|at| line.is(at, Group::People) || line.is(at, Group::Approval))
}

/// Where `from finance`, `by the CFO first`, `with Ms Li` behind what is asked for ends.
pub(super) fn tail(line: &Line, at: usize) -> usize {
    let mut to = at;
    for _ in 0..3 {
        let word = line.word(to);
        let linked = List::TailLink.has(word);
        let end = if linked { phrase(line, to + 1) } else { to };
        let telling = matches!(word, "from" | "by" | "with" | "past");
        let name = (to + 1..end).any(|at| line.proper(at) && !line.is(at, Group::Services));
        let plain = !(to + 1..end).any(|at| line.is(at, Group::Actors) || line.is(at, Group::Services));
        if linked && end > to + 1 && plain && (asks(line, to + 1, end) || (telling && (name || word == "by"))) {
            to = end;
        } else if linked
            && matches!(line.word(to + 1), "writing" | "advance" | "person" | "telephone" | "phone" | "hand")
        {
            to += 2;
        } else if matches!(word, "first" | "beforehand" | "off" | "manually" | "yes" | "so" | "explicitly") {
            to += 1;
        } else if word == "to"
            && (line.is(to + 1, Group::Approve) || (line.word(to + 1) == "be" && line.is(to + 2, Group::Approved)))
        {
            // `needs legal to approve it`
            to += 2;
            while List::ApproveTail.has(line.word(to)) || line.is(to, Group::Approved) {
                to += 1;
            }
        } else {
            break;
        }
    }
    to
}

/// Where `must first`, `has to` before a verb of asking begins.
pub(super) fn lead_in(line: &Line, at: usize) -> usize {
    let mut from = at;
    while List::MustLead.has(line.before(from, 1)) {
        from -= 1;
    }
    from
}
