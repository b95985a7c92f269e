//! What a text tells the reader to do: `ask Dana before`, `hold it for payroll`, `let a person decide`.

use super::{
    super::{
        line::{Line, Sign},
        words::{Group, List},
    },
    Found, guard,
    phrase::{asks, decides, lead_in, phrase, tail},
};
use crate::policy::lexicon::read_word;

/// `a controller approves`, `finance must sign off on`, `a human reviews`, `the shift lead decides`.
pub(super) fn decided(line: &Line, at: usize) -> Option<Found> {
    if !line.is(at, Group::Approve) {
        return None;
    }
    let mut from = at;
    let start = line.start_of(at);
    let mut people = false;
    while from > start {
        let word = line.before(from, 1);
        let helper = List::DecideHelper.has(word);
        if !helper && !decides(line, from - 1) && !line.proper(from - 1) {
            if let Some(first) = titled(line, from) {
                // `the chief purser`
                people |= (first..from).any(|at| line.is(at, Group::Rank));
                from = if people { first } else { from };
            }
            break;
        }
        // `it's fine to`
        let pronoun = line.tokens.get(from - 1).is_some_and(|token| token.raw.eq_ignore_ascii_case("it's"));
        people |= line.is(from - 1, Group::People) && !pronoun
            || (line.proper(from - 1) && !line.is(from - 1, Group::Services));
        let article = matches!(word, "a" | "an" | "the" | "my" | "our");
        from -= 1;
        if article && people {
            // `until the treasurer`, `unless a manager`: what leads stands before the article.
            if matches!(line.before(from, 1), "until" | "unless" | "so" | "let" | "then") {
                from -= 1;
            }
            break;
        }
    }
    if !people || (line.word(at) == "look" && line.word(at + 1) != "at") {
        return None;
    }
    let mut to = at + 1;
    while List::DecideTail.has(line.word(to)) && !line.ends(to) {
        to += 1;
    }
    guard(from, tail(line, to))
}

/// Where somebody's title begins whose last words were read: `the night porter manager`. Only at the front, where
/// nothing else can stand that it is done to.
fn titled(line: &Line, from: usize) -> Option<usize> {
    let article = (1..=TITLE_MAX).find_map(|back| {
        let at = from.checked_sub(back)?;
        matches!(line.word(at), "a" | "an" | "the" | "my" | "our").then_some(at)
    })?;
    let plain = (article + 1..from).all(|at| {
        let doing = read_word(line.word(at)).is_some_and(|reading| !reading.entry.does.is_empty());
        !line.word(at).is_empty() && !doing && !line.is(at, Group::Small)
    });
    (plain && line.begins(article)).then_some(article)
}

/// The most words of a title before those that say that somebody decides.
const TITLE_MAX: usize = 4;

/// `don't ask me about …`, `don't bother me for …`, `I don't want to be asked about …`: allowed.
fn unasked(line: &Line, at: usize) -> Option<Found> {
    if !List::Asks.has(line.word(at)) {
        return None;
    }
    let mut from = at;
    while matches!(line.before(from, 1), "want" | "wish" | "like" | "need" | "have" | "to" | "be" | "even") {
        from -= 1;
    }
    let end = phrase(line, at + 1);
    let told = end > at + 1 || matches!(line.word(at + 1), "about" | "for" | "before");
    if line.before(from, 1) != "not" || line.before(from, 2) == "may" || !told {
        return None;
    }
    from -= 1;
    while matches!(line.before(from, 1), "do" | "i" | "we" | "would" | "please") {
        from -= 1;
    }
    let to = end + usize::from(matches!(line.word(end), "about" | "for" | "before" | "when" | "if"));
    Some(Found { from, to, sign: Sign::Permit })
}

/// `ask Dana before`, `check with marketing`, `get the go-ahead from`, `run it past me`, `have a person handle`.
pub(super) fn imperative(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let opens = line.begins(at) || List::ImperativeLead.has(line.before(at, 1));
    if let Some(found) = unasked(line, at) {
        return Some(found);
    }
    match word {
        "ask" | "asks" | "asking" | "asked" | "consult" => {
            let end = phrase(line, at + 1);
            let whom = asks(line, at + 1, end)
                || line.proper(at + 1)
                || end == at + 1
                || matches!(line.word(end), "before" | "if" | "when" | "first" | "for");
            let end = if whom { end } else { at + 1 };
            let mut to = tail(line, end);
            if line.word(to) == "about" {
                to += 1;
            }
            guard(lead_in(line, at), to)
        }
        "check" | "clear" | "confirm" | "agree" | "talk" | "speak" | "run" | "discuss" | "liaise" | "square" => {
            let pronoun = usize::from(matches!(line.word(at + 1), "it" | "this" | "them" | "that" | "in"));
            let linked = matches!(line.word(at + 1 + pronoun), "with" | "past" | "by" | "to");
            let end = phrase(line, at + 2 + pronoun);
            let whom = asks(line, at + 2 + pronoun, end) || line.proper(at + 2 + pronoun);
            (linked && whom && end > at + 2 + pronoun).then(|| guard(lead_in(line, at), tail(line, end)))?
        }
        "get" | "obtain" | "seek" | "request" | "secure" if opens => {
            let end = phrase(line, at + 1);
            asks(line, at + 1, end).then(|| guard(at, tail(line, end)))?
        }
        "loop" if line.word(at + 1) == "in" => guard(at, phrase(line, at + 2)),
        "have" | "let" | "leave" if opens => {
            // `have a person handle it`, `let the shift lead decide`
            let end = phrase(line, at + 1);
            let doer = (at + 1..end).rposition(|place| line.is(place, Group::People)).map(|ahead| at + 1 + ahead)?;
            let does = line.is(doer + 1, Group::Approve)
                || matches!(line.word(doer + 1), "handle" | "do" | "deal" | "make" | "take" | "process");
            does.then(|| {
                let mut to = doer + 2;
                while List::HandleTail.has(line.word(to)) {
                    to += 1;
                }
                guard(at, to)
            })?
        }
        "notify" | "tell" | "page" | "ping" | "phone" | "call" | "contact" | "involve" | "inform" | "alert"
        | "warn"
            if opens =>
        {
            let end = phrase(line, at + 1);
            let told = (at + 1..end).any(|place| line.is(place, Group::People));
            let alone = line.ends(end) || matches!(line.word(end), "before" | "if" | "when" | "whenever" | "first");
            // It must be told of something else that stands beside it.
            let beside = line.start_of(at) > 0 || !line.ends(end);
            (told && alone && beside).then(|| guard(at, end))?
        }
        _ => None,
    }
}

/// `hold any transfer … for payroll`, `route all changes to a human`, `gate … behind a code owner`.
pub(super) fn held(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let opens = line.begins(at) || List::HoldLead.has(line.before(at, 1));
    let holds = line.is(at, Group::Hold);
    // `if it goes to a rival hold it`
    let bare = holds && matches!(line.word(at + 1), "it" | "them" | "this" | "those") && line.ends(at + 2);
    let opens = opens || bare;
    if !opens || !(holds || List::Hand.has(word)) {
        return None;
    }
    let end = line.end_of(at);
    let mut whom = None;
    for place in at + 1..end {
        let linked = List::HoldLink.has(line.word(place));
        let to = if linked { phrase(line, place + 1) } else { place };
        if linked
            && to > place + 1
            && asks(line, place + 1, to)
            && !(place + 1..to).any(|at| line.is(at, Group::Actors))
        {
            whom = Some((place, to));
        }
    }
    let first = bare || line.begins(at) || matches!(line.before(at, 1), "please" | "kindly" | "always");
    if whom.is_none() && !(holds && first) {
        return None;
    }
    let to = at + 1 + usize::from(matches!(line.word(at + 1), "it" | "them" | "this" | "that"));
    guard(at, to)
}

/// What stands behind a place is only to whom it goes: `… to a human`, `… for approval`, `… wait for me`.
pub fn targets(line: &mut Line) {
    let held = (0..line.len()).any(|at| line.sign(at) == Sign::Guard);
    if !held {
        return;
    }
    for at in 0..line.len() {
        let word = line.word(at);
        if !List::TargetLink.has(word) {
            continue;
        }
        let to = phrase(line, at + 1);
        let named = (at + 1..to).all(|place| {
            decides(line, place) || line.is(place, Group::Approval) || List::TargetPart.has(line.word(place))
        });
        let approves = (at + 1..to).any(|place| line.is(place, Group::Approval));
        // `to me`, `by finance`; `to customers` is no such thing, and neither is `to a colleague` behind a verb of telling.
        let asked = approves
            || matches!(word, "by" | "behind" | "past" | "until")
            || matches!(line.word(to - 1), "me" | "us" | "human" | "humans" | "person");
        // `into a support ticket`: where it is written.
        let written = matches!(word, "into" | "to" | "from") && matches!(line.word(to - 1), "ticket" | "tickets");
        if to > at + 1 && named && asked && !written && line.ends(to) {
            line.mark(at, to, Sign::Gone);
        }
    }
}

/// `I want to see …`, `I'd like to be asked`, `we want a human to look at …`.
pub(super) fn wanted(line: &Line, at: usize) -> Option<Found> {
    if !matches!(line.word(at), "want" | "wants" | "like" | "wish" | "need" | "needs") || line.word(at + 1) != "to" {
        return None;
    }
    let to = at + 2 + usize::from(line.word(at + 2) == "be");
    let asked = line.is(to, Group::Approve)
        || line.is(to, Group::Approved)
        || matches!(line.word(to), "asked" | "told" | "informed");
    let mut from = at;
    while matches!(line.before(from, 1), "i" | "id" | "we" | "would" | "do" | "also" | "always")
        || decides(line, from.wrapping_sub(1))
    {
        from -= 1;
    }
    (asked && from < at).then(|| guard(from, tail(line, to + 1)))?
}
