//! What a text says that something needs: `must be approved`, `needs a lawyer`, `goes to the team lead`.

use super::{
    super::{
        line::{Line, Sign},
        token::Kind,
        words::{Group, List},
    },
    Found, guard,
    phrase::{asks, decides, lead_in, phrase, tail},
};

/// `approval is needed for`, `HR approval required`, `no approval needed`.
pub(super) fn given(line: &Line, at: usize) -> Option<Found> {
    if !List::Needed.has(line.word(at)) {
        return None;
    }
    let mut from = at;
    while List::NeededLead.has(line.before(from, 1)) {
        from -= 1;
    }
    let negated = (from..at).any(|place| line.word(place) == "not");
    let start = line.start_of(at);
    let mut first = from;
    while first > start {
        let word = line.before(first, 1);
        let part = line.is(first - 1, Group::Approval)
            || decides(line, first - 1)
            || line.proper(first - 1)
            || List::GivenPart.has(word);
        if !part {
            break;
        }
        first -= 1;
    }
    if !asks(line, first, from) {
        return None;
    }
    let none = negated || (first..from).any(|place| line.word(place) == "no");
    let to = tail(line, at + 1);
    Some(Found { from: first, to, sign: if none { Sign::Permit } else { Sign::Guard } })
}

/// `must be approved by …`, `has to be signed off`, `gets reviewed first`.
pub(super) fn passive(line: &Line, at: usize) -> Option<Found> {
    let mut to = match line.word(at) {
        "must" | "should" | "shall" | "ought" | "to" | "need" | "needs" | "has" | "have" | "is" | "are" | "be"
        | "get" | "gets" | "being" | "been" => at,
        _ => return None,
    };
    if matches!(line.before(at, 1), "not" | "never" | "no" | "unless" | "may" | "can" | "could") {
        return None;
    }
    while List::PassiveLead.has(line.word(to)) {
        to += 1;
    }
    let must = (at..to).any(|place| {
        List::PassiveMust.has(line.word(place))
            || matches!((line.word(place), line.word(place + 1)), ("is" | "are", "to"))
    });
    // `approved` alone is also how something is: `is approved`.
    let by = matches!(line.word(to + 1), "by" | "with" | "past" | "off" | "first" | "for");
    if !line.is(to, Group::Approved) || !(must || by) || (line.before(at, 1) == "that" && !by) {
        return None;
    }
    // `must be considered sensitive` says how something is.
    let end = tail(line, to + 1);
    let held = List::Handled.has(line.word(to));
    // `has to be whispered to Isolde`
    let behind = if line.word(end) == "to" { phrase(line, end + 1) } else { end };
    let names = (end + 1..behind).any(|at| line.proper(at) && !line.is(at, Group::Services));
    let placed = line.tokens.get(behind).is_some_and(|token| matches!(token.kind, Kind::Domain | Kind::Email));
    let end = if names && !placed { tail(line, behind) } else { end };
    if held && end == to + 1 {
        return None;
    }
    guard(at, end)
}

/// `needs approval from finance`, `requires the registrar`, `takes an underwriter`, `needs no approval`.
pub(super) fn needs(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let strong = List::Needs.has(word);
    let weak = List::WeakNeeds.has(word) || (matches!(word, "calls" | "call" | "asks") && line.word(at + 1) == "for");
    if !strong && !weak {
        return None;
    }
    let mut first = at + 1;
    while List::NeedsTail.has(line.word(first)) {
        first += 1;
    }
    if line.word(first) == "rid" {
        return None;
    }
    let to_do = line.word(at + 1) == "to" && !matches!(line.word(at + 2), "get" | "have" | "obtain" | "seek");
    if to_do && !line.is(at + 2, Group::Approve) {
        return None;
    }
    if to_do && at.checked_sub(1).is_some_and(|before| decides(line, before)) {
        // `the data officer has to check it`: who decides is read with it.
        return None;
    }
    let negated = matches!(line.before(at, 1), "not" | "never" | "nobody" | "nothing");
    let no = line.word(first) == "no";
    let first = first + usize::from(no);
    let end = phrase(line, first);
    let end = end + usize::from(line.before(end, 1) == "look" && line.word(end) == "at");
    let told = asks(line, first, end);
    let subject = (line.start_of(at)..at).any(|place| !line.word(place).is_empty() && !line.is(place, Group::Small))
        || (line.start_of(at)..at).any(|place| line.tokens.get(place).is_some_and(|token| token.kind != Kind::Word));
    if end == first
        || (!told && (weak || !subject))
        || (weak && matches!(word, "has" | "have") && !(first..end).any(|at| line.is(at, Group::Approval)))
    {
        return None;
    }
    let to = tail(line, end);
    let (from, sign) = if no {
        (at, Sign::Permit)
    } else if negated {
        let from = if matches!(line.before(at, 2), "do" | "does" | "did" | "will") { at - 2 } else { at - 1 };
        (from, Sign::Permit)
    } else {
        (lead_in(line, at), Sign::Guard)
    };
    Some(Found { from, to, sign })
}

/// `goes to the team lead`, `waits for a DBA`, `is subject to review`, `is up to Omar`, `is the board's call`.
pub(super) fn waits(line: &Line, at: usize) -> Option<Found> {
    let (word, next) = (line.word(at), line.word(at + 1));
    let first = match word {
        "goes" | "go" | "going" if matches!(next, "to" | "through" | "past" | "via" | "by" | "before") => at + 2,
        "waits" | "wait" | "waiting" | "awaits" if next == "for" || next == "on" => at + 2,
        "wait" | "waits" if line.ends(at + 1) => at + 1,
        "subject" if next == "to" => at + 2,
        "up" if next == "to" && matches!(line.before(at, 1), "is" | "are") => at + 2,
        "gated" | "guarded" if matches!(next, "by" | "behind") => at + 2,
        "reserved" | "only" if next == "for" => at + 2,
        "is" | "are" if matches!(next, "for" | "with" | "on") => at + 2,
        "is" | "are" => at + 1,
        "lies" | "rests" | "sits" | "stays" if next == "with" => at + 2,
        _ => return None,
    };
    let end = phrase(line, first);
    let people = (first..end).any(|place| line.is(place, Group::People));
    let approval = (first..end).any(|place| line.is(place, Group::Approval));
    let negated = matches!(line.before(at, 1), "not" | "never") || line.word(at + 1) == "not";
    // `may only go to people at acme.org`
    let placed = [end, end + 1].into_iter().any(|at| {
        line.tokens.get(at).is_some_and(|token| matches!(token.kind, Kind::Domain | Kind::Email | Kind::Channel))
    });
    let whose = end.checked_sub(1).is_some_and(|last| List::Matter.has(line.word(last)));
    let fits = match word {
        "goes" | "go" | "going" => {
            (people
                || approval
                || (matches!(next, "through" | "past") && end > first)
                || (line.proper(first) && !line.is(first, Group::Services)))
                && !placed
        }
        "waits" | "wait" | "waiting" | "awaits" => !placed && (people || approval || end > first || line.ends(at + 1)),
        "subject" | "gated" | "guarded" => end > first,
        "is" | "are" if !matches!(next, "for" | "with" | "on") => whose && people,
        "is" | "are" if next == "for" => people,
        "reserved" | "only" => people,
        _ => people,
    };
    if !fits || negated {
        return None;
    }
    let from = if word == "subject" || word == "up" || word == "gated" || word == "reserved" {
        at - usize::from(matches!(line.before(at, 1), "is" | "are" | "be"))
    } else {
        lead_in(line, at)
    };
    let mut to = tail(line, end);
    if matches!(
        (line.word(to), line.word(to + 1)),
        ("to", "decide" | "do" | "handle" | "say" | "make" | "judge" | "write")
    ) {
        to += 2;
        while matches!(line.word(to), "on" | "to" | "it" | "them") {
            to += 1;
        }
    }
    guard(from, to)
}
