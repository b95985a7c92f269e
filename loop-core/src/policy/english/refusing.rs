//! What a text refuses, allows, excepts: `never`, `is forbidden`, `keep out of`, `is fine`, `unless`, `only`.

mod allowing;
mod excepting;

pub use allowing::allowed;
pub use excepting::{exceptions, only};

use super::{
    line::{Line, Sign},
    token::Kind,
    words::{Group, List},
};

use crate::policy::lexicon::{Form, read_word};

/// Reads what is refused.
pub fn read(line: &mut Line) {
    for at in 0..line.len() {
        if line.says(at, &["not", "even"]) && at > 0 {
            // It only stresses what was said.
            line.mark(at, line.end_of(at), Sign::Gone);
        }
        if line.sign(at) != Sign::Plain {
            continue;
        }
        if let Some((from, to, sign)) = read_only(line, at).or_else(|| kept_away(line, at)).or_else(|| stated(line, at))
        {
            line.mark(from, to, sign);
        }
    }
    for at in 0..line.len() {
        if let Some((from, to)) = imperative(line, at).or_else(|| negated(line, at)) {
            line.mark(from, to, Sign::Guard);
        }
    }
}

/// Whether a verb in its base form stands here.
pub fn says_base(line: &Line, at: usize) -> bool {
    read_word(line.word(at)).is_some_and(|reading| !reading.entry.does.is_empty() && reading.form == Form::Base)
}

fn says_doing(line: &Line, at: usize) -> bool {
    read_word(line.word(at))
        .is_some_and(|reading| !reading.entry.does.is_empty() && matches!(reading.form, Form::Base | Form::Gerund))
}

/// `is read-only`, `look but don't touch`.
fn read_only(line: &Line, at: usize) -> Option<(usize, usize, Sign)> {
    let length = match line.word(at) {
        "read_only" | "view_only" | "readonly" => 1,
        "look" | "looking" if line.says(at + 1, &["but", "do", "not", "touch"]) => 5,
        "look" | "looking" if line.says(at + 1, &["but", "not", "touch"]) => 4,
        "look" | "looking" if line.says(at + 1, &["not", "touch"]) => 3,
        "read" | "view" | "reading" | "viewing" if line.says(at + 1, &["only"]) => 2,
        _ => return None,
    };
    let mut from = at;
    while List::ReadOnlyLead.has(line.before(from, 1)) {
        from -= 1;
    }
    // `read-only access is fine` allows; what it says of the rest comes elsewhere.
    if matches!(line.word(at + length), "access" | "queries" | "calls" | "operations" | "use" | "commands" | "requests")
    {
        return None;
    }
    Some((from, at + length, Sign::ReadOnly))
}

/// `keep out of`, `hands off`, `stay away from`, `leave … alone`, `refrain from`, `keep X away from Y`.
fn kept_away(line: &Line, at: usize) -> Option<(usize, usize, Sign)> {
    let to = match line.word(at) {
        "hands" if line.says(at + 1, &["off"]) => at + 2,
        "hands_off" => at + 1,
        "keep" | "stay" | "steer" | "stays" | "keeps" => {
            let next = line.word(at + 1);
            match next {
                "out" | "away" | "clear" | "off" => at + 2 + usize::from(matches!(line.word(at + 2), "of" | "from")),
                "your" | "its" if line.word(at + 2) == "hands" => at + 4,
                _ => {
                    // `keep the bot away from …`
                    let away = (at + 1..line.end_of(at)).find(|at| matches!(line.word(*at), "away" | "out" | "off"))?;
                    return matches!(line.word(away + 1), "from" | "of").then_some((away, away + 2, Sign::Guard)).or(
                        (line.word(away) == "off" && line.ends(away + 1)).then_some((away, away + 1, Sign::Guard)),
                    );
                }
            }
        }
        "refrain" | "abstain" | "desist" => at + 1 + usize::from(line.word(at + 1) == "from"),
        "avoid" => at + 1,
        "alone"
            if matches!(line.before(at, 1), "left")
                || (line.start_of(at)..at).any(|at| matches!(line.word(at), "leave" | "left")) =>
        {
            let from = (line.start_of(at)..at).rev().find(|at| matches!(line.word(*at), "leave" | "left"))?;
            if from + 1 == at {
                let lead = (0..from)
                    .rev()
                    .take_while(|at| matches!(line.word(*at), "be" | "is" | "are" | "to" | "must" | "should"))
                    .count();
                return Some((from - lead, at + 1, Sign::Guard));
            }
            return Some((at, at + 1, Sign::Guard));
        }
        _ => return None,
    };
    Some((at, to, Sign::Guard))
}

/// `is forbidden`, `are not allowed`, `is out of the question`, `: no`, `isn't for agents`.
fn stated(line: &Line, at: usize) -> Option<(usize, usize, Sign)> {
    let back = |line: &Line, from: usize| {
        let mut from = from;
        while List::StatedBack.has(line.before(from, 1)) {
            from -= 1;
        }
        from
    };
    let (word, next) = (line.word(at), line.word(at + 1));
    let passive = List::StatedPassive.has(line.before(at, 1))
        || line.before(at, 1) == "not" && matches!(line.before(at, 2), "is" | "are");
    let length = match word {
        "not" | "never" | "cannot" => {
            let mut to = at + 1;
            while List::NotTail.has(line.word(to)) {
                to += 1;
            }
            let option = matches!(line.word(to), "option" | "on" | "agents" | "bots") || line.is(to, Group::Fine);
            let agents = line.word(to) == "for" && (line.is(to + 1, Group::Actors));
            if option && line.word(to) != "free" {
                to + 1 - at
            } else if agents {
                to + 2 - at
            } else {
                return None;
            }
        }
        "no" if matches!(next, "go") => 2,
        // `exports yes, imports no`
        "no" if at > 0 && line.ends(at + 1) && !matches!(line.before(at, 1), "a" | "of" | "and" | "or" | "by") => 1,
        "no" | "off" | "nope" | "forbidden" if line.begins(at) && line.ends(at + 1) && at > 0 => 1,
        "hard" if next == "no" => 2 + usize::from(line.word(at + 2) == "on"),
        "out"
            if line.says(at + 1, &["of", "bounds"])
                || line.says(at + 1, &["of", "the", "question"])
                || line.says(at + 1, &["of", "scope"]) =>
        {
            3 + usize::from(line.word(at + 2) == "the")
        }
        "problem" | "matter" | "story" | "concern"
            if matches!(line.before(at, 1), "a" | "another" | "different")
                && (1..=3).any(|back| matches!(line.before(at, back), "is" | "are")) =>
        {
            1
        }
        "out" if passive && line.ends(at + 1) => 1,
        "off" if matches!(next, "limits" | "the") => 2 + usize::from(line.word(at + 2) == "table"),
        "off" if passive && (line.ends(at + 1) || line.word(at + 1) == "in") => 1,
        _ if line.is(at, Group::Forbidden)
            && (passive
                || matches!(
                    word,
                    "forbidden"
                        | "prohibited"
                        | "disallowed"
                        | "banned"
                        | "off_limits"
                        | "unacceptable"
                        | "out_of_bounds"
                )) =>
        {
            1
        }
        _ => return None,
    };
    if line.is(at, Group::Forbidden) {
        let from = back(line, at);
        let be = (from..at).any(|at| line.word(at) == "be");
        match line.before(from, 1) {
            // `claims cannot be rejected`: what is done.
            "not" | "never" if be => return None,
            // `refunds are not blocked`
            "not" if !be => {
                let lead = usize::from(matches!(line.before(from, 2), "is" | "are" | "was" | "were"));
                return (lead == 1).then_some((from - 2, at + 1, Sign::Permit));
            }
            _ => {}
        }
    }
    let mut to = at + length;
    if matches!(line.word(to), "from") || (line.word(to) == "to" && says_doing(line, to + 1)) {
        to += 1;
    }
    Some((back(line, at), to, Sign::Guard))
}

/// `block …`, `stop the agent from …`, `disallow …`
fn imperative(line: &Line, at: usize) -> Option<(usize, usize)> {
    if !line.is(at, Group::Forbid) {
        return None;
    }
    let before = line.before(at, 1);
    let bare = matches!(line.word(at + 1), "it" | "them" | "this" | "those") && line.ends(at + 2) && before != "to";
    let opens = line.begins(at) || List::ForbidLead.has(before) || bare;
    // `may not block a card`, `to stop an instance`: what is done.
    let done = matches!(before, "to" | "must" | "should" | "and") && !line.begins(at.saturating_sub(1));
    // `create, stop or delete`: one of several doings.
    let asks = line.tokens.get(at + 2).is_some_and(|token| token.groups.has(Group::Ask));
    let listed = at > 0
        && ((matches!(line.word(at + 1), "or" | "and") && !asks)
            || (line.begins(at) && says_doing(line, at.saturating_sub(2))));
    if listed {
        return None;
    }
    let lone = line.ends(at + 1);
    if !opens || done || lone && !line.begins(at) {
        return None;
    }
    // `block users`, `disable backups` as what is done need another word that guards.
    Some((at, at + 1))
}

/// `never`, `do not`, `no`, `nobody`, `neither`
fn negated(line: &Line, at: usize) -> Option<(usize, usize)> {
    let mut from = at;
    // `no more than 5`, `not exceeding 10%`: how much, not what.
    let bounds = line.is(at + 1, Group::Over) || line.is(at + 1, Group::Under);
    let number = |at: usize| {
        line.tokens
            .get(at)
            .is_some_and(|token| matches!(token.kind, Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))
    };
    if bounds && matches!(line.word(at), "no" | "not") && (line.word(at + 2) == "than" || number(at + 2)) {
        // `must not exceed $500` refuses what exceeds it.
        let modal = List::Modal.has(line.before(at, 1));
        return (modal && line.word(at + 2) != "than").then(|| (at - 1, at + 1));
    }
    match line.word(at) {
        "never" | "cannot" => {}
        "not" if line.before(at, 1) == "need" && line.word(at + 1) == "be" => return None,
        "not" => {
            if in_relative(line, at) {
                return None;
            }
        }
        "no" if matches!(line.word(at + 1), "later" | "earlier" | "one" | "longer") => {}
        "no" if List::Harmless.has(line.word(at + 1)) => return None,
        "no" | "nobody" | "neither" | "none" | "nothing" | "nowhere" | "nor" => return Some((at, at + 1)),
        _ => return None,
    }
    if line.word(at) == "not" && line.ends(at + 1) && matches!(line.before(at, 1), "do" | "does" | "need") {
        // `…, selects do not`
        return None;
    }
    if turned(line, at) {
        return None;
    }
    while List::NotLead.has(line.before(from, 1)) {
        from -= 1;
    }
    let mut to = at + 1;
    while List::NeverTail.has(line.word(to))
        && !(line.word(to) == "to" && line.tokens.get(to + 1).is_some_and(|token| token.kind != Kind::Word))
    {
        to += 1;
    }
    // `never skip the review of`
    if matches!(line.word(to), "skip" | "bypass" | "circumvent" | "omit") {
        let approval = (to + 1..to + 4).find(|at| line.is(*at, Group::Approval));
        to = approval.map_or(to, |at| at + 1 + usize::from(matches!(line.word(at + 1), "of" | "for" | "on")));
    }
    Some((from, to))
}

/// `deleting is off limits, editing isn't`: a denial of what was refused allows.
pub fn turned(line: &Line, at: usize) -> bool {
    let denies = line.word(at) == "not" && line.ends(at + 1) && matches!(line.before(at, 1), "is" | "are");
    let start = line.start_of(at);
    let mark = start.checked_sub(1).and_then(|mark| line.tokens.get(mark)).map(|token| &token.kind);
    if !denies || !matches!(mark, Some(Kind::Mark(',' | ';'))) {
        return false;
    }
    let before = line.start_of(start - 1)..start;
    let refused = before.clone().any(|at| line.sign(at) == Sign::Guard && line.tokens.get(at).is_some_and(is_refusal));
    let allowed = before.clone().any(|at| {
        line.sign(at) == Sign::Permit || line.is(at, Group::Fine) || matches!(line.word(at), "may" | "can" | "not")
    });
    let asked = before.clone().any(|at| line.tokens.get(at).is_some_and(|token| token.groups.has(Group::Approval)));
    refused && !allowed && !asked
}

/// Whether a token says by itself, without a `not`, that something is refused; it may begin with `is`.
fn is_refusal(token: &super::token::Token) -> bool {
    token.groups.has(Group::Forbidden) || matches!(token.word.as_str(), "off" | "out" | "is" | "are" | "forbidden")
}

/// Whether a `not` belongs to a relative clause or a condition: `files that are not PDFs`, `if it is not urgent`.
fn in_relative(line: &Line, at: usize) -> bool {
    let start = line.start_of(at);
    let mut back = at;
    while back > start && at - back < 4 {
        back -= 1;
        match line.word(back) {
            "who" | "that" | "which" | "whose" | "where" | "if" | "when" | "whenever" | "anyone" | "someone"
            | "anybody" => return true,
            "is" | "are" | "was" | "were" | "have" | "has" | "been" | "it" | "they" | "yet" | "does" | "do" => {}
            _ => return false,
        }
    }
    false
}
