//! What a text asks for, which says nothing about the call: `needs approval from finance`, `must be signed off by the
//! CFO`, `goes to the team lead`, `until the treasurer agrees`, `ask Dana before`.

use super::{
    line::{Line, Sign},
    token::Kind,
    words::Group,
};

/// Words that end the name of somebody who decides.
const STOPS: &[&str] = &[
    "if",
    "when",
    "whenever",
    "unless",
    "except",
    "before",
    "after",
    "while",
    "where",
    "that",
    "which",
    "who",
    "for",
    "on",
    "in",
    "over",
    "above",
    "under",
    "below",
    "at",
    "to",
    "from",
    "by",
    "with",
    "via",
    "is",
    "are",
    "was",
    "be",
    "has",
    "have",
    "must",
    "needs",
    "need",
    "requires",
    "require",
    "should",
    "may",
    "can",
    "will",
    "but",
    "until",
    "than",
    "as",
    "through",
    "without",
    "during",
    "outside",
    "because",
    "so",
    "then",
    "not",
    "no",
    "never",
    "only",
    "first",
    "exceeding",
    "between",
    "containing",
    "across",
    "against",
    "into",
    "onto",
    "within",
    "per",
    "prior",
    "including",
    "regarding",
    "about",
    "cannot",
    "goes",
    "gets",
];
/// The longest name of somebody who decides, in words.
const NAME_MAX: usize = 8;

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

struct Found {
    from: usize,
    to: usize,
    sign: Sign,
}

fn guard(from: usize, to: usize) -> Option<Found> {
    Some(Found { from, to, sign: Sign::Guard })
}

fn decides(line: &Line, at: usize) -> bool {
    line.is(at, Group::People) || line.is(at, Group::Rank)
}

/// Where the words for somebody, or for what is asked for, end that begin here.
fn phrase(line: &Line, at: usize) -> usize {
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
        let joined = matches!(word, "and" | "or" | "of" | "the" | "a" | "an" | "my" | "our" | "your");
        if matches!(word, "and" | "or") {
            // `legal and finance`, but not `legal and deletes`.
            let next = to + 1 + usize::from(matches!(line.word(to + 1), "the" | "a" | "an" | "our" | "my"));
            if !(decides(line, next) || line.is(next, Group::Approval)) {
                break;
            }
        } else if word == "of" && line.ends(to + 1) {
            break;
        } else if !joined && STOPS.contains(&word) {
            break;
        }
        to += 1;
    }
    to
}

/// Whether somebody who decides, or what is asked for, stands in a range.
fn asks(line: &Line, from: usize, to: usize) -> bool {
    (from..to).any(|at| line.is(at, Group::People) || line.is(at, Group::Approval))
}

/// Where `from finance`, `by the CFO first`, `with Ms Li` behind what is asked for ends.
fn tail(line: &Line, at: usize) -> usize {
    let mut to = at;
    for _ in 0..3 {
        let word = line.word(to);
        let linked = matches!(
            word,
            "from" | "by" | "with" | "off" | "past" | "through" | "for" | "to" | "in" | "on" | "at" | "via"
        );
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
            while matches!(line.word(to), "it" | "them" | "this" | "off" | "on" | "be" | "first" | "at" | "yes" | "so")
                || line.is(to, Group::Approved)
            {
                to += 1;
            }
        } else {
            break;
        }
    }
    to
}

/// `until the treasurer signs off`, `without asking me`, `unless I agree`, `only after approval`: what is waited for.
fn leads(line: &mut Line, at: usize) {
    let lead = line.word(at);
    if !matches!(
        lead,
        "until" | "till" | "unless" | "without" | "once" | "after" | "before" | "with" | "if" | "pending" | "absent"
    ) {
        return;
    }
    let weak = matches!(lead, "after" | "before" | "with" | "once" | "if");
    let fine = line.is(at.wrapping_sub(1), Group::Fine) && line.before(at, 2) == "only";
    let only = line.before(at, 1) == "only" || fine;
    if weak && !only {
        return;
    }
    let end = line.end_of(at).min(at + 12);
    // Where a new condition of its own begins, what is waited for ends.
    let stop = (at + 1..end)
        .find(|place| {
            matches!(
                line.word(*place),
                "if" | "when" | "whenever" | "where" | "except" | "over" | "above" | "exceeding"
            ) || (line.word(*place) == "before" && line.word(at) != "before")
                || !matches!(line.tokens.get(*place).map(|token| &token.kind), Some(Kind::Word))
        })
        .unwrap_or(end);
    let told = (at + 1..stop).any(|place| {
        line.is(place, Group::Approval)
            || line.is(place, Group::Approve)
                && (at + 1..place).any(|before| decides(line, before) || line.proper(before))
            || line.is(place, Group::Approved)
            || matches!(
                line.word(place),
                "asking"
                    | "checking"
                    | "approving"
                    | "agreeing"
                    | "knowing"
                    | "telling"
                    | "involving"
                    | "consulting"
                    | "confirming"
            )
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
                || matches!(
                    line.word(*place),
                    "asking" | "it" | "so" | "yes" | "first" | "off" | "agreeing" | "knowing" | "telling"
                )
        });
        let mut from = if fine {
            at - 2
        } else if only {
            at - 1
        } else {
            at
        };
        while fine && matches!(line.before(from, 1), "is" | "are" | "be") {
            from -= 1;
        }
        let to = tail(line, last.map_or(stop, |last| last + 1));
        line.mark(from, to, Sign::Guard);
    }
}

/// `approval is needed for`, `HR approval required`, `no approval needed`.
fn given(line: &Line, at: usize) -> Option<Found> {
    if !matches!(
        line.word(at),
        "needed" | "required" | "necessary" | "mandatory" | "compulsory" | "obligatory" | "essential" | "due"
    ) {
        return None;
    }
    let mut from = at;
    while matches!(
        line.before(from, 1),
        "is" | "are" | "be" | "will" | "must" | "always" | "as" | "also" | "not" | "still"
    ) {
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
            || matches!(
                word,
                "a" | "an"
                    | "the"
                    | "no"
                    | "my"
                    | "our"
                    | "of"
                    | "from"
                    | "by"
                    | "prior"
                    | "human"
                    | "manual"
                    | "explicit"
                    | "written"
                    | "and"
            );
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
fn passive(line: &Line, at: usize) -> Option<Found> {
    let mut to = match line.word(at) {
        "must" | "should" | "shall" | "ought" | "to" | "need" | "needs" | "has" | "have" | "is" | "are" | "be"
        | "get" | "gets" | "being" | "been" => at,
        _ => return None,
    };
    if matches!(line.before(at, 1), "not" | "never" | "no" | "unless" | "may" | "can" | "could") {
        return None;
    }
    while matches!(
        line.word(to),
        "must"
            | "should"
            | "shall"
            | "ought"
            | "to"
            | "need"
            | "needs"
            | "has"
            | "have"
            | "is"
            | "are"
            | "be"
            | "get"
            | "gets"
            | "first"
            | "always"
            | "also"
            | "been"
            | "being"
            | "all"
            | "manually"
            | "explicitly"
            | "both"
            | "carefully"
            | "by"
    ) {
        to += 1;
    }
    let must = (at..to).any(|place| {
        matches!(
            line.word(place),
            "must" | "should" | "shall" | "ought" | "need" | "needs" | "has" | "have" | "be" | "get" | "gets"
        ) || matches!((line.word(place), line.word(place + 1)), ("is" | "are", "to"))
    });
    // `approved` alone is also how something is: `is approved`.
    let by = matches!(line.word(to + 1), "by" | "with" | "past" | "off" | "first" | "for");
    if !line.is(to, Group::Approved) || !(must || by) || (line.before(at, 1) == "that" && !by) {
        return None;
    }
    // `must be considered sensitive` says how something is.
    let end = tail(line, to + 1);
    let held = matches!(
        line.word(to),
        "routed" | "submitted" | "raised" | "put" | "passed" | "handled" | "considered" | "accepted" | "asked" | "read"
    );
    if held && end == to + 1 {
        return None;
    }
    guard(at, end)
}

/// `needs approval from finance`, `requires the registrar`, `takes an underwriter`, `needs no approval`.
fn needs(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let strong = matches!(
        word,
        "needs"
            | "need"
            | "needing"
            | "requires"
            | "require"
            | "requiring"
            | "demands"
            | "demand"
            | "deserves"
            | "merits"
            | "warrants"
            | "awaits"
            | "necessitates"
    );
    let weak = matches!(
        word,
        "takes" | "take" | "wants" | "want" | "has" | "have" | "get" | "gets" | "obtain" | "seek" | "carry" | "means"
    ) || (matches!(word, "calls" | "call" | "asks") && line.word(at + 1) == "for");
    if !strong && !weak {
        return None;
    }
    let mut first = at + 1;
    while matches!(
        line.word(first),
        "for" | "to" | "get" | "have" | "obtain" | "first" | "always" | "also" | "seek" | "both" | "explicit" | "prior"
    ) {
        first += 1;
    }
    if line.word(first) == "rid" {
        return None;
    }
    let to_do = line.word(at + 1) == "to" && !matches!(line.word(at + 2), "get" | "have" | "obtain" | "seek");
    if to_do && !line.is(at + 2, Group::Approve) {
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

/// Where `must first`, `has to` before a verb of asking begins.
fn lead_in(line: &Line, at: usize) -> usize {
    let mut from = at;
    while matches!(
        line.before(from, 1),
        "must"
            | "should"
            | "shall"
            | "will"
            | "to"
            | "has"
            | "have"
            | "ought"
            | "always"
            | "first"
            | "please"
            | "then"
            | "all"
            | "also"
            | "still"
            | "both"
    ) {
        from -= 1;
    }
    from
}

/// `goes to the team lead`, `waits for a DBA`, `is subject to review`, `is up to Omar`, `is the board's call`.
fn waits(line: &Line, at: usize) -> Option<Found> {
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
    let placed =
        line.tokens.get(end).is_some_and(|token| matches!(token.kind, Kind::Domain | Kind::Email | Kind::Channel));
    let whose = end.checked_sub(1).is_some_and(|last| {
        matches!(
            line.word(last),
            "call" | "decision" | "job" | "business" | "responsibility" | "remit" | "say" | "decide"
        )
    });
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

/// `a controller approves`, `finance must sign off on`, `a human reviews`, `the shift lead decides`.
fn decided(line: &Line, at: usize) -> Option<Found> {
    if !line.is(at, Group::Approve) {
        return None;
    }
    let mut from = at;
    let start = line.start_of(at);
    let mut people = false;
    while from > start {
        let word = line.before(from, 1);
        let helper = matches!(
            word,
            "must"
                | "has"
                | "have"
                | "to"
                | "should"
                | "shall"
                | "will"
                | "needs"
                | "need"
                | "first"
                | "always"
                | "may"
                | "can"
                | "personally"
                | "also"
                | "want"
                | "wants"
                | "like"
                | "would"
                | "the"
                | "a"
                | "an"
                | "my"
                | "our"
                | "of"
                | "id"
                | "let"
                | "so"
                | "then"
                | "until"
        );
        if !helper
            && !decides(line, from - 1)
            && !(line.proper(from - 1) && !line.is(from - 1, Group::Services) && people)
            && !line.proper(from - 1)
        {
            break;
        }
        people |= line.is(from - 1, Group::People) || (line.proper(from - 1) && !line.is(from - 1, Group::Services));
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
    while matches!(
        line.word(to),
        "it" | "them" | "off" | "on" | "this" | "that" | "so" | "yes" | "first" | "at" | "to" | "what"
    ) && !line.ends(to)
    {
        to += 1;
    }
    guard(from, tail(line, to))
}

/// `ask Dana before`, `check with marketing`, `get the go-ahead from`, `run it past me`, `have a person handle`.
fn imperative(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let opens = line.begins(at)
        || matches!(
            line.before(at, 1),
            "please"
                | "always"
                | "then"
                | "first"
                | "must"
                | "to"
                | "should"
                | "so"
                | "and"
                | "or"
                | "just"
                | "kindly"
                | "be"
        );
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
                while matches!(line.word(to), "it" | "them" | "with" | "this" | "that" | "off" | "on" | "at") {
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
fn held(line: &Line, at: usize) -> Option<Found> {
    let word = line.word(at);
    let opens = line.begins(at)
        || matches!(line.before(at, 1), "please" | "always" | "then" | "to" | "must" | "should" | "and" | "so");
    let holds = line.is(at, Group::Hold);
    if !opens
        || !(holds
            || matches!(word, "send" | "forward" | "pass" | "submit" | "put" | "bring" | "raise" | "make" | "treat"))
    {
        return None;
    }
    let end = line.end_of(at);
    let mut whom = None;
    for place in at + 1..end {
        let linked = matches!(
            line.word(place),
            "to" | "for" | "until" | "behind" | "past" | "through" | "by" | "with" | "wait" | "into"
        );
        let to = if linked { phrase(line, place + 1) } else { place };
        if linked
            && to > place + 1
            && asks(line, place + 1, to)
            && !(place + 1..to).any(|at| line.is(at, Group::Actors))
        {
            whom = Some((place, to));
        }
    }
    let first = line.begins(at) || matches!(line.before(at, 1), "please" | "kindly" | "always");
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
        if !matches!(word, "to" | "for" | "until" | "behind" | "past" | "through" | "by" | "from" | "with" | "into") {
            continue;
        }
        let to = phrase(line, at + 1);
        let named = (at + 1..to).all(|place| {
            decides(line, place)
                || line.is(place, Group::Approval)
                || matches!(
                    line.word(place),
                    "a" | "an"
                        | "the"
                        | "our"
                        | "my"
                        | "another"
                        | "some"
                        | "of"
                        | "and"
                        | "or"
                        | "manual"
                        | "human"
                        | "prior"
                )
        });
        let approves = (at + 1..to).any(|place| line.is(place, Group::Approval));
        // `to me`, `by finance`; `to customers` is no such thing, and neither is `to a colleague` behind a verb of telling.
        let asked = approves
            || matches!(word, "by" | "behind" | "past" | "until")
            || matches!(line.word(to - 1), "me" | "us" | "human" | "humans" | "person");
        if to > at + 1 && named && asked && line.ends(to) {
            line.mark(at, to, Sign::Gone);
        }
    }
}

/// `I want to see …`, `I'd like to be asked`, `we want a human to look at …`.
fn wanted(line: &Line, at: usize) -> Option<Found> {
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
