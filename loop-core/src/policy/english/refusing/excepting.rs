//! What a text excepts and restricts: `except`, `other than`, `only`.

use super::{
    super::{
        line::{Line, Sign},
        token::{Kind, Token},
        words::{Group, List},
    },
    says_doing,
};

fn environment(line: &Line, at: usize) -> bool {
    [Group::Production, Group::Staging, Group::Development, Group::Testing].iter().any(|group| line.is(at, *group))
}

/// Whether a time of the day or a day stands here.
fn when(line: &Line, at: usize) -> bool {
    const DAYS: [Group; 7] = [
        Group::Monday,
        Group::Tuesday,
        Group::Wednesday,
        Group::Thursday,
        Group::Friday,
        Group::Saturday,
        Group::Sunday,
    ];
    DAYS.iter().any(|day| line.is(at, *day))
}

/// Whether a thing stands before `not` here, so that `not in` says which: `files not in /tmp`.
fn plain_before(line: &Line, at: usize) -> bool {
    let before = line.before(at, 1);
    at > 0 && !before.is_empty() && !line.is(at - 1, Group::Small)
}

/// `that is not`, `if it is not`, before what is no comparison and no way of being: how many words, or 0.
fn denied(line: &Line, at: usize) -> usize {
    let verb = (at + 1..at + 5).find(|at| matches!(line.word(*at), "is" | "are" | "was" | "were"));
    let whoever = line.word(at) == "whoever";
    let clause = matches!(line.word(at), "if" | "when");
    // `if it's not`
    let it = clause && line.word(at + 1) == "it" && line.word(at + 2) == "not";
    let verb = if it { Some(at + 1) } else { verb };
    let Some(verb) = verb.filter(|verb| clause || *verb == at + 1) else { return 0 };
    if line.word(verb + 1) != "not" || (clause && verb == at + 1 && !it) {
        return 0;
    }
    let next = verb + 2;
    let placed =
        matches!(line.word(next), "a" | "an" | "in" | "at" | "on" | "to" | "under" | "from" | "going" | "within");
    let kind = line.tokens.get(next).map(|token| &token.kind);
    let named = matches!(
        kind,
        Some(Kind::Domain | Kind::Email | Kind::Path | Kind::Glob | Kind::Channel | Kind::Quoted | Kind::Name)
    );
    let agent = line.word(next).contains('-') || matches!(line.word(next + 1), "agent" | "bot");
    let day = when(line, next) || environment(line, next);
    if !(placed || named || agent || day || whoever) {
        return 0;
    }
    // What articles and prepositions say is read behind.
    next - at
}

/// `deleting is (only) fine if it's a draft`: it is refused unless it is one. Answers where the words that allow stand
/// and where the condition begins behind `a`.
fn only_such(line: &Line, at: usize) -> Option<(usize, usize, usize)> {
    let lead = match line.word(at) {
        "if" | "when" | "provided" | "providing" => at + 1,
        "long" if line.word(at + 1) == "as" && matches!(line.before(at, 1), "as" | "so") => at + 2,
        _ => return None,
    };
    let raw = line.tokens.get(lead).map(|token| token.raw.to_lowercase()).unwrap_or_default();
    let verb = match raw.as_str() {
        "it's" | "its" => lead + 1,
        "it" | "this" | "that" if line.word(lead + 1) == "is" => lead + 2,
        _ => return None,
    };
    if !matches!(line.word(verb), "a" | "an") {
        return None;
    }
    let from = if line.word(at) == "long" { at - 1 } else { at };
    let mut first = from;
    if first.checked_sub(1).is_some_and(|before| line.ends(before)) {
        first -= 1;
    }
    let fine = first.checked_sub(1).filter(|at| line.is(*at, Group::Fine))?;
    let mut begin = fine;
    while List::FineBack.has(line.before(begin, 1)) || line.before(begin, 1) == "only" {
        begin -= 1;
    }
    (begin < fine && line.before(begin, 1) != "not")
        .then_some((begin, fine + 1, from))
        .filter(|_| !(begin..fine).any(|at| line.word(at) == "not"))
}

/// Reads exceptions and `only`; before anything else, so that their words are not taken for something else.
pub fn exceptions(line: &mut Line) {
    for at in 0..line.len() {
        if let Some((begin, end, from)) = only_such(line, at) {
            line.mark(begin, end, Sign::Guard);
            let to = (from..line.len()).find(|at| matches!(line.word(*at), "a" | "an")).unwrap_or(from + 1);
            line.mark(from, to, Sign::Except);
        }
    }
    for at in 0..line.len() {
        let (word, next) = (line.word(at).to_owned(), line.word(at + 1).to_owned());
        let length = match (word.as_str(), next.as_str()) {
            ("apart" | "aside", "from") | ("other" | "different", "than") | ("different" | "other", "from") => 2,
            ("save", "for" | "those" | "where" | "when" | "if") => 2,
            ("with", "the") if matches!(line.word(at + 2), "exception" | "sole") => {
                3 + usize::from(line.word(at + 2) == "sole")
                    + usize::from(line.word(at + 3) == "of" || line.word(at + 4) == "of")
            }
            ("but", "not") | ("though" | "although", "not") if !says_doing(line, at + 2) => 2,
            ("if", "not") => 2,
            ("not", "counting" | "including") => 2,
            ("as", "long") if line.word(at + 2) == "as" => 0,
            ("but" | "bar", _) if List::Everyone.has(line.before(at, 1)) => 1,
            ("bar", _) if !line.begins(at) && !says_doing(line, at + 1) => 1,
            ("but", _) if matches!(line.before(at, 2), "any" | "every" | "all" | "no") && !says_doing(line, at + 1) => {
                1
            }
            ("but", agent)
                if (agent.ends_with("-bot") || agent.ends_with("-agent") || line.is(at + 2, Group::Actors))
                    && (line.start_of(at)..at).any(|at| matches!(line.word(at), "nobody" | "no" | "none")) =>
            {
                1
            }
            ("outside", "of") if environment(line, at + 2) => 2,
            ("until" | "till", _) if when(line, at + 1) && !line.begins(at) => 1,
            ("that" | "which" | "who" | "whoever" | "if" | "when", _) if denied(line, at) > 0 => denied(line, at),
            ("not", "in" | "at" | "to" | "on" | "from" | "under" | "going" | "within" | "inside")
                if plain_before(line, at) && line.word(at + 2) != "be" && !says_doing(line, at + 2) =>
            {
                1
            }
            ("not", "for" | "when" | "if" | "in" | "on" | "to" | "at" | "from" | "where")
                if line.begins(at) && at > 0 =>
            {
                1
            }
            ("save", _) => 0,
            _ if line.is(at, Group::Except) && word != "bar" => 1,
            _ => 0,
        };
        if length == 0 {
            continue;
        }
        // `anything but`: what stands before goes with it, so that `nobody but` refuses nothing by itself.
        let mut to = at + length;
        while List::ExceptTail.has(line.word(to)) && !(matches!(line.word(to), "to" | "in" | "at" | "with" | "on")) {
            to += 1;
        }
        line.mark(at, to, Sign::Except);
    }
    for at in 0..line.len() {
        let trailing =
            line.is(at, Group::Excepted) && (line.ends(at + 1) || matches!(line.before(at, 1), "is" | "are" | "not"));
        let uncounted =
            line.says(at, &["not", "count"]) || line.says(at, &["not", "apply"]) || line.says(at, &["not", "included"]);
        if (trailing || uncounted) && at > 0 {
            let mut from = at;
            while matches!(line.before(from, 1), "is" | "are" | "be" | "do" | "does" | "remain") {
                from -= 1;
            }
            let counted = line.before(from, 1) == "not" || line.before(at, 1) == "not";
            if counted {
                // `… are not exempt`
                let from = (0..=from).rev().find(|at| !matches!(line.before(*at, 1), "not" | "is" | "are"));
                line.mark(from.unwrap_or(at), at + 1, Sign::Guard);
                continue;
            }
            line.mark(from, at + 1 + usize::from(uncounted), Sign::Excepted);
        }
    }
}

/// `only refunds over £50 need approval`, `the only thing that may not be exported`: it restricts the asking or the
/// refusing, not what may be done.
fn asks_only(line: &Line, at: usize) -> bool {
    let (start, end) = (line.start_of(at), line.end_of(at));
    let word = |at: usize| line.tokens.get(at).map_or("", |token| token.word.as_str());
    let asked = (start..end).any(|place| {
        line.sign(place) == Sign::Guard
            && place != at + 1
            && !matches!(word(place), "without" | "until" | "till" | "unless" | "pending" | "absent" | "only")
    });
    let may = (start..end).any(|at| matches!(line.word(at), "may" | "can" | "could") || line.is(at, Group::Fine));
    let refused = (at..end).any(|at| matches!(line.word(at), "may" | "must" | "can") && line.word(at + 1) == "not");
    (asked && !may) || refused
}

/// How something must stay, and what would change it: `must stay enabled`, `have to remain private`.
fn kept_so(line: &Line, at: usize) -> Option<(usize, &'static str)> {
    const OPPOSITES: &[(&str, &str)] = &[
        ("on", "disabled"),
        ("enabled", "disabled"),
        ("active", "disabled"),
        ("running", "stopped"),
        ("up", "stopped"),
        ("off", "enabled"),
        ("disabled", "enabled"),
        ("inactive", "enabled"),
        ("locked", "unlocked"),
        ("encrypted", "decrypted"),
        ("private", "public"),
        ("confidential", "public"),
    ];
    let lead = match line.word(at) {
        "must" | "should" | "shall" => at + 1,
        "has" | "have" | "need" | "needs" if line.word(at + 1) == "to" => at + 2,
        _ => return None,
    };
    let lead = lead + usize::from(line.word(lead) == "always");
    let stays = matches!(line.word(lead), "stay" | "remain")
        || line.word(lead) == "be" && matches!(line.word(lead + 1), "kept" | "left");
    let to = lead + 1 + usize::from(line.word(lead) == "be");
    let to = to + usize::from(matches!(line.word(to), "switched" | "turned"));
    let (_, opposite) = OPPOSITES.iter().find(|(is, _)| *is == line.word(to)).filter(|_| stays)?;
    // `on call`, `on leave`
    let plain = line.ends(to + 1) || matches!(line.word(to + 1), "in" | "at" | "for" | "during" | "on" | "unless");
    plain.then_some((to, *opposite))
}

/// What must be so: `must stay below $50`, `have to be on weekdays`, `must go to acme.com`. Only that may be.
fn obliged(line: &Line, at: usize) -> Option<(usize, usize)> {
    let mut to = at + 1;
    match line.word(at) {
        "must" | "should" | "shall" => {}
        "has" | "have" | "need" | "needs" | "ought" if line.word(to) == "to" => to += 1,
        // `ensure that refunds stay within $50`
        "stay" | "stays" | "remain" | "remains" if matches!(line.word(line.start_of(at)), "ensure" | "make") => to = at,
        _ => return None,
    }
    while matches!(line.word(to), "always" | "all" | "only" | "both") {
        to += 1;
    }
    let kept =
        matches!(line.word(to), "be" | "stay" | "stays" | "remain" | "remains" | "go" | "happen" | "run" | "wait");
    if !kept || matches!(line.before(at, 1), "not" | "to" | "if" | "that" | "which" | "who") {
        return None;
    }
    let next = to + 1;
    let at_limit = line.word(next) == "at" && (line.is(next + 1, Group::AtLeast) || line.is(next + 1, Group::AtMost));
    let compared = line.is(next, Group::Over) || line.is(next, Group::Under) || matches!(line.word(next), "between");
    let placed = when(line, next + 1)
        || environment(line, next + 1)
        || [Group::Weekend, Group::Weekday, Group::Hours, Group::Night].iter().any(|group| line.is(next + 1, *group))
        || line.proper(next + 1)
        || line.tokens.get(next + 1).is_some_and(|token| token.kind != Kind::Word);
    // `in writing` is no place.
    let sided = matches!(line.word(next), "within" | "under" | "before" | "after" | "during" | "until")
        || matches!(line.word(next), "in" | "on") && placed;
    let goes = matches!(line.word(to), "go" | "be" | "stay" | "run") && line.word(next) == "to";
    let named = line.tokens.get(next + 1).is_some_and(|token| matches!(token.kind, Kind::Domain | Kind::Email));
    let fits = match line.word(to) {
        "go" => goes && named,
        "wait" => line.word(next) == "until",
        _ => (compared || sided) && !at_limit || goes && named,
    };
    fits.then_some((at, next + usize::from(line.word(to) == "wait")))
}

/// Reads `only`, where it restricts who, to whom, where or what.
pub fn only(line: &mut Line) {
    for at in 0..line.len() {
        if let Some((to, opposite)) = kept_so(line, at) {
            // `alerts must stay on`: turning them off is guarded.
            line.mark(at, to, Sign::Guard);
            if let Some(slot) = line.tokens.get_mut(to) {
                *slot = Token::word(opposite);
            }
            continue;
        }
        if let Some((from, to)) = obliged(line, at) {
            line.mark(from, to, Sign::Only);
            continue;
        }
        let word = line.word(at);
        let limited = matches!(word, "limited" | "restricted" | "confined") && line.word(at + 1) == "to";
        // `is read only for bots` says how it is.
        let read_only =
            matches!(line.before(at, 1), "read" | "view") && !matches!(line.word(at + 1), "by" | "to" | "from");
        if (matches!(word, "only" | "solely" | "exclusively") && !read_only) || limited {
            let from = at - usize::from(limited && matches!(line.before(at, 1), "is" | "are"));
            let sign = if asks_only(line, at) { Sign::Gone } else { Sign::Only };
            line.mark(from, at + 1, sign);
        }
    }
}
