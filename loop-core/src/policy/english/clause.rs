//! One part of a text: what is done to what, under which conditions.

mod compose;
mod meaning;

pub use meaning::{about, all_within, covers, reads_what_is_refused};

use super::{
    agent, attribute, command, data, environment, event, item, name,
    part::Part,
    path, quantity, recipient,
    tape::{Place, Tape},
    time,
    token::Kind,
    words::{Group, List},
};

use crate::policy::{
    condition::{Condition, Deed},
    deed::known,
    lexicon::{Concepts, Form, read_word},
    mentions,
};

/// What a part says.
#[derive(Debug, Default)]
pub struct Clause {
    /// What is done to what under which conditions of its own; one of them.
    pub cases: Vec<Case>,
    /// Tools by name; one of them, instead of deeds.
    pub tools: Vec<Condition>,
    /// What must hold in every case.
    pub shared: Vec<Condition>,
    /// Words that could not be placed.
    pub unresolved: Vec<String>,
    /// It speaks of everything.
    pub everything: bool,
    /// It speaks of what the part before left: `anything else`, `larger ones`.
    pub rest: bool,
    /// It names people who do it, not agents.
    pub people: bool,
    /// It says `it`, `them`, `there`.
    pub refers: bool,
    /// It speaks of changes to what the part before named, as a noun: `any change to it`.
    pub changes_it: bool,
    /// It speaks of everyone who might do it: `everyone may`, `nobody may`.
    pub everyone: bool,
    /// A verb says what is done.
    pub said: bool,
    /// What `only` restricts it to.
    pub restricted: Option<Condition>,
    /// Words could not be placed that may be doings or things, not only how something seems.
    misread: bool,
}

/// Deeds that share their conditions.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Case {
    /// One of these is done.
    pub deeds: Vec<Deed>,
    /// What must hold besides.
    pub conditions: Vec<Condition>,
}

/// Reads a part. `before` is the one it may refer to.
pub fn read(part: &Part, before: Option<&Clause>) -> Clause {
    let mut tape = Tape::new(part);
    let mut clause = Clause { tools: command::tools(&mut tape), ..Clause::default() };
    clause.people = (0..tape.len()).any(|at| tape.raw_is(at, Group::People) && !tape.raw_is(at, Group::Small));
    clause.everyone = (0..2).any(|at| matches!(tape.raw_word(at), "everyone" | "everybody" | "anyone" | "anybody"));
    clause.rest = before.is_some() && rest(&mut tape);
    clause.everything = (0..tape.len()).any(|at| {
        // `any agent` is anyone, not anything.
        matches!(tape.raw_word(at), "anything" | "everything" | "any" | "all" | "nothing" | "whatever")
            && !(tape.raw_is(at + 1, Group::Actors) && before.is_none() && tape.len() <= at + 2)
    });
    let branches = tape.any_raw(|word| word.starts_with("branch")) || before.is_some_and(about_branches);
    let mut found: Vec<(Place, Condition)> = Vec::new();
    let excepting = part.stance == super::part::Stance::Except;
    found.extend(tape.placed(|tape| command::branches(tape, branches)));
    found.extend(tape.placed(command::commands));
    let commanded = !found.is_empty() && found.iter().any(|(_, one)| matches!(one, Condition::Command(_)));
    found.extend(tape.placed(agent::agents));
    found.extend(tape.placed(time::times));
    // `may refund at most $50` allows as much; `no more than 5 at a time without asking` bounds it all the same.
    let bounded = tape.raw_is(1, Group::Over) || tape.raw_is(1, Group::Under);
    let kept = tape.raw_word(0) == "keep" || bounded && matches!(tape.raw_word(0), "no" | "not");
    let guards = part.stance == super::part::Stance::Guard;
    let limits = guards && (!part.asked || kept) && quantity::limits(&tape);
    found.extend(quantity::take(&mut tape, limits));
    found.extend(tape.placed(command::texts));
    found.extend(tape.placed(|tape| recipient::recipients(tape, before.is_some() && excepting)));
    found.extend(tape.placed(recipient::channels));
    let unbounded = command::unbounded(&mut tape);
    found.extend(tape.placed(|tape| path::paths(tape, branches)));
    found.extend(tape.placed(attribute::attributes));
    found.extend(tape.placed(attribute::patterns));
    found.extend(tape.placed(attribute::named_things));
    let carried = sends(&tape);
    found.extend(tape.placed(|tape| data::data(tape, carried)));
    found.extend(tape.placed(environment::environments));
    found.extend(tape.placed(attachment));
    let lets = matches!(part.stance, super::part::Stance::Permit | super::part::Stance::Except);
    let known_ones: Vec<usize> = (0..tape.len()).filter(|at| List::Familiar.has(tape.word(*at))).collect();
    for at in known_ones {
        // `payments to existing vendors are fine`: which those are, no call says.
        if lets {
            clause.unresolved.push(tape.raw(at).to_owned());
        }
        tape.take(at);
    }
    let imagined = imagined(&mut tape);
    let (past, happened) = past(&mut tape);
    found.extend(past);
    let makers = name::makers(&mut tape);
    let items = item::items(&mut tape);
    found.extend(items.states.iter().map(|(at, state)| {
        let state = Condition::State(vec![state.clone()]);
        // `tickets that are not urgent`
        let denied = at.checked_sub(1).is_some_and(|before| tape.word(before) == "not");
        if denied {
            tape.take(at - 1);
        }
        (Place { first: *at, last: *at }, if denied { Condition::negated(state) } else { state })
    }));
    let events = event::events(&tape, &items.all);
    for item in &items.all {
        tape.take_all(item.at..item.at + item.length);
    }
    clause.unresolved.extend(items.unresolved.iter().map(|(_, word)| word.clone()));
    clause.unresolved.extend(imagined);
    clause.unresolved.extend(happened);
    clause.build(&mut tape, events, found, before, (commanded, excepting, part.only.filter(|_| !excepting), makers));
    let named_only = |deed: &Deed| deed.does.is_empty() && deed.things.is_empty();
    if !part.asked
        && part.stance == super::part::Stance::Guard
        && before.is_none()
        && clause.shared.is_empty()
        && clause.tools.is_empty()
        && clause.deeds().all(named_only)
    {
        // Nothing is asked and nothing known: words alone are no rule.
        clause.unresolved.extend(
            clause
                .cases
                .drain(..)
                .flat_map(|case| case.deeds)
                .flat_map(|deed| deed.verbs.into_iter().chain(deed.nouns)),
        );
    }
    if unbounded {
        let does = clause.deeds().fold(Concepts::NONE, |does, deed| does.with(deed.does));
        clause.cases.iter_mut().for_each(|case| case.deeds.clear());
        clause.shared.push(Condition::Unbounded(if does.is_empty() { Concepts::ALL } else { does }));
    }
    let judged = clause.unresolved.len();
    clause.unresolved.extend(left(&tape));
    clause.misread = clause.unresolved.len() > judged;
    clause
}

impl Clause {
    /// What is done, in all cases.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.cases.iter().flat_map(|case| &case.deeds)
    }

    /// Whether nothing was understood.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.tools.is_empty() && self.shared.is_empty()
    }

    /// Whether it says nothing of what is done.
    pub fn is_silent(&self) -> bool {
        self.deeds().next().is_none() && self.tools.is_empty()
    }
}

fn about_branches(clause: &Clause) -> bool {
    let branch = Concepts::named(&["branch"]);
    clause.deeds().any(|deed| deed.things.meets(branch))
}

/// Takes words that speak of what the part before left.
fn rest(tape: &mut Tape) -> bool {
    let numbers = (0..tape.len()).any(|at| {
        matches!(tape.kind(at), Some(Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))
            && tape.raw(at).contains(|c: char| c.is_ascii_digit())
    });
    if numbers {
        return false;
    }
    let mut found = false;
    for at in 0..tape.len() {
        let compares = tape.is(at, Group::Over) || tape.is(at, Group::Under);
        if compares || List::Rest.has(tape.word(at)) {
            found = true;
            tape.take(at);
        }
    }
    found
}

/// Whether something is sent, so that words for data say what is in it.
fn sends(tape: &Tape) -> bool {
    let readings = || (0..tape.len()).filter_map(|at| read_word(tape.raw_word(at)));
    let looked = readings().any(|reading| reading.entry.does.meets(known().read) && reading.entry.names.is_empty());
    !looked && readings().any(|reading| reading.entry.does.with(reading.entry.names).meets(known().send))
}

/// Takes `with a link or an attachment`, `attachments in e-mails`, where the words around say so.
fn attachment(tape: &mut Tape) -> Option<Condition> {
    let mut any = Vec::new();
    for at in 0..tape.len() {
        let before = (1..=8).any(|back| List::Carrying.has(tape.before(at, back)));
        let inside = (1..=4).any(|ahead| {
            matches!(tape.raw_word(at + ahead), "in" | "to" | "on")
                && matches!(
                    tape.raw_word(at + ahead + 1),
                    "email" | "emails" | "e_mail" | "e_mails" | "mails" | "messages"
                )
        });
        match tape.word(at) {
            "attachment" | "attachments" if before || inside => any.push(Condition::Attachment),
            "link" | "links" | "hyperlink" | "url" | "urls" if before => {
                any.push(Condition::Text(vec!["https".to_owned(), "http".to_owned()]));
            }
            _ => continue,
        }
        tape.take(at);
    }
    (!any.is_empty()).then(|| Condition::any(any))
}

/// Takes `that could embarrass us`: what may come of it, no call says.
fn imagined(tape: &mut Tape) -> Vec<String> {
    let mut told = Vec::new();
    for at in 0..tape.len() {
        let below = at > 0 && (tape.raw_is(at - 1, Group::Over) || tape.raw_is(at - 1, Group::Under));
        if !matches!(tape.raw_word(at), "that" | "which" | "who") || !event::is_modal(tape.raw_word(at + 1)) || below {
            continue;
        }
        let end = (at + 2..tape.len()).find(|at| tape.is_mark(*at)).unwrap_or(tape.len());
        if (at + 2..end).any(|at| tape.is_taken(at)) {
            // It says something that a call tells.
            continue;
        }
        told.extend((at + 2..end).find(|at| !tape.raw_is(*at, Group::Small)).map(|at| tape.raw(at).to_owned()));
        tape.take_all(at..end);
    }
    told
}

/// Takes `that have already been shipped`: what happened before is a state of it, no second doing.
fn past(tape: &mut Tape) -> (Vec<(Place, Condition)>, Vec<String>) {
    let (mut states, mut told) = (Vec::new(), Vec::new());
    for at in 0..tape.len() {
        let relates = matches!(tape.raw_word(at), "that" | "which" | "who") && !tape.is_taken(at);
        if !relates || !matches!(tape.raw_word(at + 1), "has" | "have" | "had" | "was" | "were") {
            continue;
        }
        let mut next = at + 2;
        while matches!(tape.raw_word(next), "already" | "not" | "been" | "just" | "recently" | "ever" | "yet" | "never")
        {
            next += 1;
        }
        let denied = (at + 2..next).any(|at| matches!(tape.raw_word(at), "not" | "never"));
        let participle = tape.word(next).to_owned();
        let done =
            participle.ends_with("ed") || read_word(&participle).is_some_and(|reading| reading.form == Form::Past);
        if participle.is_empty() || !done || denied {
            continue;
        }
        match mentions::state(&participle) {
            Some(state) => states.push((Place { first: next, last: next }, Condition::State(vec![state]))),
            None => told.push(tape.raw(next).to_owned()),
        }
        tape.take_all(at..next + 1);
    }
    (states, told)
}

/// What is left and says something.
fn left(tape: &Tape) -> Vec<String> {
    let mut left = Vec::new();
    for at in 0..tape.len() {
        let Some(kind) = tape.kind(at) else { continue };
        let word = tape.word(at);
        let says_nothing = match kind {
            Kind::Mark(_) | Kind::Compare => true,
            // `one` and `two` as words of their own.
            Kind::Number(_) => tape.raw(at).chars().all(char::is_alphabetic),
            Kind::Word => {
                !word.chars().any(char::is_alphanumeric)
                    || [
                        Group::Small,
                        Group::Actors,
                        Group::Calling,
                        Group::Approval,
                        Group::Approved,
                        Group::Approve,
                        Group::People,
                        Group::Rank,
                        Group::Forbid,
                        Group::Forbidden,
                        Group::Fine,
                        Group::Hold,
                        Group::Ask,
                        Group::Except,
                        Group::Excepted,
                        Group::Over,
                        Group::Under,
                        Group::AtLeast,
                        Group::AtMost,
                        Group::Receivers,
                        Group::Units,
                        Group::Frame,
                        Group::Programs,
                        Group::Destructive,
                    ]
                    .iter()
                    .any(|group| tape.raw_is(at, *group))
            }
            _ => false,
        };
        if !says_nothing {
            left.push(tape.raw(at).to_owned());
        }
    }
    left
}
