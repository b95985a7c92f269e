//! One part of a text: what is done to what, under which conditions.

use super::{
    agent, attribute, command, data, deeds, environment,
    event::{self, Event},
    item, name,
    part::Part,
    path, quantity, recipient,
    tape::{Place, Tape},
    time,
    token::Kind,
    words::Group,
};
use crate::policy::{
    condition::{Condition, Deed},
    deed::known,
    lexicon::Concepts,
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
    let mut tape = Tape::new(part.tokens.clone(), part.led, part.asked);
    let mut clause = Clause { tools: command::tools(&mut tape), ..Clause::default() };
    clause.people = (0..tape.len()).any(|at| tape.raw_is(at, Group::People) && !tape.raw_is(at, Group::Small));
    clause.rest = before.is_some() && rest(&mut tape);
    clause.everything =
        tape.any_raw(|word| matches!(word, "anything" | "everything" | "any" | "all" | "nothing" | "whatever"));
    let branches = tape.any_raw(|word| word.starts_with("branch")) || before.is_some_and(about_branches);
    let mut found: Vec<(Place, Condition)> = Vec::new();
    let excepting = part.stance == super::part::Stance::Except;
    found.extend(tape.placed(|tape| command::branches(tape, branches)));
    found.extend(tape.placed(command::commands));
    let commanded = !found.is_empty() && found.iter().any(|(_, one)| matches!(one, Condition::Command(_)));
    found.extend(tape.placed(agent::agents));
    found.extend(tape.placed(time::times));
    let limits = !part.asked && quantity::limits(&tape);
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
    let imagined = imagined(&mut tape);
    let makers = name::makers(&mut tape);
    let items = item::items(&mut tape);
    found.extend(
        items.states.iter().map(|(at, state)| (Place { first: *at, last: *at }, Condition::State(vec![state.clone()]))),
    );
    let events = event::events(&tape, &items.all);
    for item in &items.all {
        tape.take_all(item.at..item.at + item.length);
    }
    clause.unresolved.extend(items.unresolved.iter().map(|(_, word)| word.clone()));
    clause.unresolved.extend(imagined);
    clause.build(&mut tape, events, found, before, (commanded, part.only, makers));
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
    /// Puts events and conditions together: a condition belongs to the events before it, or to all where it comes
    /// first or last.
    fn build(
        &mut self,
        tape: &mut Tape,
        events: Vec<Event>,
        mut found: Vec<(Place, Condition)>,
        before: Option<&Self>,
        (commanded, only, makers): (bool, Option<usize>, Vec<String>),
    ) {
        let coordinated = event::coordinated(&events);
        let refers = event::refers(tape);
        self.refers = refers;
        let made =
            tape.any_raw(|word| matches!(word, "made" | "issued" | "given" | "placed" | "done" | "make" | "making"));
        let data = found.iter().any(|(_, one)| matches!(one, Condition::Data(_)));
        let mut doings: Vec<(Event, Vec<Deed>)> = Vec::new();
        for event in events {
            let mut event = event;
            if event.runs.is_empty()
                && let Some((earlier, _)) = doings.last()
            {
                event.runs.clone_from(&earlier.runs);
            }
            let outer: Vec<Deed> = before.map(|before| before.deeds().cloned().collect()).unwrap_or_default();
            let inherits = event.runs.is_empty() && (refers || !event.is_silent());
            let mut done = deeds::read(&event, if inherits { &outer } else { &[] }, coordinated, made);
            let placed = event.is_silent()
                && event.runs.iter().all(|run| matches!(run.link, event::Link::Side | event::Link::Where));
            if data && placed && !event.runs.is_empty() {
                // `no passwords in tickets`: whatever puts them there.
                let puts = known().send.with(Concepts::named(&["create", "update", "comment", "post"]));
                done.deeds = vec![Deed::of(puts, Concepts::NONE)];
            }
            if !coordinated {
                self.shared.extend(done.more);
            }
            doings.push((event, done.deeds));
        }
        if (0..tape.len()).any(|at| tape.raw_is(at, Group::Destructive)) {
            let delete = Concepts::named(&["delete"]).with_children();
            match doings.first_mut().map(|(_, deeds)| deeds) {
                Some(deeds) if !deeds.is_empty() => deeds.iter_mut().for_each(|deed| deed.does = delete),
                _ => doings.push((Event::default(), vec![Deed::of(delete, Concepts::NONE)])),
            }
        }
        let all: Vec<Deed> = doings.iter().flat_map(|(_, deeds)| deeds.iter().cloned()).collect();
        let names = tape.placed(|tape| Some(name::take(tape, makers, &all, coordinated)));
        if let Some((place, mut names)) = names {
            self.unresolved.append(&mut names.unplaced);
            found.extend(names.conditions().into_iter().map(|condition| (place, condition)));
        }
        found.sort_by_key(|(place, _)| place.first);
        let mut found = alternatives(tape, found);
        if let Some(only) = only
            && !self.only_looks(&doings)
        {
            // What `only` stands before, or right behind, is what it restricts.
            let at = found.iter().position(|(place, _)| place.last >= only).or(found.len().checked_sub(1));
            self.restricted = at.map(|at| found.remove(at).1);
        }
        let mut cases: Vec<(usize, Case)> = Vec::new();
        for (event, deeds) in doings {
            let closed = cases.last().is_some_and(|(last, _)| {
                found.iter().any(|(place, _)| place.first > *last && place.last < event.first)
            });
            let joins = cases.last().is_some() && !closed;
            match cases.last_mut().filter(|_| joins) {
                Some((last, case)) => {
                    case.deeds.extend(deeds);
                    *last = event.last.max(*last);
                }
                None => cases.push((event.last, Case { deeds, conditions: Vec::new() })),
            }
        }
        if !self.unresolved.is_empty() {
            // What only a judgement can place widens the rule: names of things must not narrow it then.
            let told = |deed: &&mut Deed| !deed.does.is_empty() || !deed.things.is_empty();
            cases.iter_mut().flat_map(|(_, case)| &mut case.deeds).filter(told).for_each(|deed| deed.nouns.clear());
        }
        let single = cases.len() < 2;
        for (place, condition) in found {
            let owner = cases.iter_mut().rev().find(|(last, _)| place.first > *last || place.first + 2 > *last);
            match owner.filter(|_| !single && belongs(&condition)) {
                Some((_, case)) => case.conditions.push(condition),
                None => self.shared.push(condition),
            }
        }
        self.cases = cases
            .into_iter()
            .map(|(_, case)| case)
            .filter(|case| !case.deeds.is_empty() || !case.conditions.is_empty())
            .collect();
        self.adjust(commanded, made);
    }

    fn only_looks(&self, doings: &[(Event, Vec<Deed>)]) -> bool {
        let looks = known().read.with(known().draft);
        let mut deeds = doings.iter().flat_map(|(_, deeds)| deeds).peekable();
        deeds.peek().is_some()
            && deeds.all(|deed| !deed.does.is_empty() && deed.does.without(looks).is_empty() && deed.verbs.is_empty())
    }

    /// What conditions make of deeds.
    fn adjust(&mut self, commanded: bool, made: bool) {
        if commanded {
            // Running a command is how it is done, not what is done.
            for case in &mut self.cases {
                case.deeds.retain(|deed| {
                    let to = !deed.things.without(known().shell).is_empty() || !deed.nouns.is_empty();
                    to && !deed.is_any_doing()
                });
            }
            let (commands, shared) = self.shared.drain(..).partition(|one| matches!(one, Condition::Command(_)));
            self.shared = shared;
            self.tools.extend::<Vec<Condition>>(commands);
        }
        let shared = self.shared.clone();
        for case in &mut self.cases {
            let conditions: Vec<&Condition> = case.conditions.iter().chain(&shared).collect();
            let has = |is: fn(&Condition) -> bool| conditions.iter().any(|one| one.any_part(&is));
            let data = has(|one| matches!(one, Condition::Data(_)));
            let path = has(|one| matches!(one, Condition::Path(_)));
            let sent = has(|one| matches!(one, Condition::Recipient(_) | Condition::Place(_)));
            let measured = has(|one| matches!(one, Condition::Percent(_) | Condition::Amount { .. }));
            // To transfer, move or copy data is to give it away.
            let moved = Concepts::named(&["transfer", "move", "create", "migrate", "sync", "share"]);
            let writes = Concepts::named(&["create", "write", "comment"]);
            let places = Concepts::named(&["channel", "dns", "address_thing", "account"]);
            for deed in &mut case.deeds {
                if data && deed.does.meets(moved) {
                    deed.does = deed.does.with(known().send);
                }
                if has(|one| matches!(one, Condition::Branch(_))) {
                    deed.things = deed.things.without(Concepts::named(&["branch"]));
                }
                if made
                    && has(|one| matches!(one, Condition::State(_)))
                    && deed.does.meets(Concepts::named(&["create"]))
                {
                    // To make something public is to change it.
                    deed.does = Concepts::NONE;
                }
                if path {
                    // The path says what it is done to; tools that edit files do not name it.
                    (deed.things, deed.nouns) = (Concepts::NONE, Vec::new());
                }
                if data && deed.does.meets(known().send) && has(|one| matches!(one, Condition::Named(_))) {
                    // To paste into a wiki is to write a page there.
                    deed.does = deed.does.with(Concepts::named(&["create", "update", "comment"]));
                    deed.things = Concepts::NONE;
                }
                if sent && deed.is_to_anything() && deed.does.meets(Concepts::named(&["post", "message"])) {
                    deed.does = deed.does.with(Concepts::named(&["send"]).with_children());
                }
                if sent {
                    // To write to somebody is to send; where it goes is no thing it is done to.
                    if deed.does.meets(writes) && deed.is_to_anything() {
                        deed.does = known().send.with(Concepts::named(&["invite"]));
                    }
                    deed.things = deed.things.without(places);
                    if deed.does.meets(known().send) {
                        deed.nouns.clear();
                    }
                }
            }
            if measured {
                // `a margin below 8%`: the measure is no thing it is done to.
                let measures = Concepts::named(&["margin", "price", "budget"]);
                case.deeds.retain(|deed| {
                    !deed.is_any_doing()
                        || deed.is_to_anything()
                        || !deed.things.without(measures).is_empty()
                        || !deed.nouns.is_empty()
                });
            }
        }
        self.cases.retain(|case| !case.deeds.is_empty() || !case.conditions.is_empty());
    }

    /// What is done, in all cases.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.cases.iter().flat_map(|case| &case.deeds)
    }

    /// Whether it names products and says nothing else.
    pub fn names_only(&self) -> bool {
        self.is_silent() && self.cases.is_empty() && self.shared.iter().all(|one| matches!(one, Condition::Named(_)))
    }

    /// Whether nothing was understood.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.tools.is_empty() && self.shared.is_empty()
    }

    /// Whether it says nothing of what is done.
    pub fn is_silent(&self) -> bool {
        self.deeds().next().is_none() && self.tools.is_empty()
    }

    /// Makes what may only be looked at a guard of all that is more.
    pub fn guard_all_but_looking(&mut self) {
        let looks = known().read.with(known().draft);
        for deed in self.cases.iter_mut().flat_map(|case| &mut case.deeds) {
            if deed.does.without(looks).is_empty() && deed.verbs.is_empty() {
                deed.does = Concepts::NONE;
            }
        }
        if self.is_silent() {
            self.cases.push(Case { deeds: vec![Deed::default()], conditions: Vec::new() });
        }
    }

    /// Takes over what the part before was about, where this one says that it means the same: `larger ones`,
    /// `… but production needs approval`.
    pub fn refer_to(&mut self, before: &Self, permitted: bool) {
        let silent = self.is_silent();
        let unclear = !self.unresolved.is_empty();
        if silent && (self.rest || (self.is_empty() && !unclear) || (permitted && !self.is_empty())) {
            let looks = known().read.with(known().draft);
            let mut deeds: Vec<Deed> = before.deeds().cloned().collect();
            for deed in deeds.iter_mut().filter(|deed| deed.does.without(looks).is_empty() && deed.verbs.is_empty()) {
                // All else that is done to what may be looked at.
                deed.does = Concepts::NONE;
            }
            if !deeds.is_empty() {
                let conditions = self.cases.drain(..).flat_map(|case| case.conditions).collect();
                self.cases.push(Case { deeds, conditions });
            } else if self.rest && self.is_empty() {
                self.cases.push(Case { deeds: vec![Deed::default()], conditions: Vec::new() });
            }
        }
    }

    /// Takes over the products that the part before speaks of, where this one names none.
    pub fn inherit_names(&mut self, before: &Self) {
        let is_name = |one: &&Condition| matches!(one, Condition::Named(_));
        if !self.shared.iter().any(|one| is_name(&one)) {
            self.shared.extend(before.shared.iter().filter(is_name).cloned());
        }
    }

    /// Whether it speaks of looking only.
    pub fn looks(&self) -> bool {
        let looks = known().read.with(known().draft).with(known().execute).with(known().database);
        self.deeds().next().is_some()
            && self.deeds().all(|deed| deed.does.without(looks).is_empty() && deed.verbs.is_empty())
    }

    /// What is done, whatever the conditions.
    pub fn what(&self) -> Option<Condition> {
        let deeds = self.deeds().cloned().map(Condition::Deed);
        let what: Vec<Condition> = deeds.chain(self.tools.iter().cloned()).collect();
        (!what.is_empty()).then(|| Condition::any(what))
    }

    /// The condition of a part that guards; none when nothing was understood.
    pub fn guard(&self) -> Option<Condition> {
        let mut any: Vec<Condition> = self.tools.clone();
        for case in &self.cases {
            let mut all = case.conditions.clone();
            if case.deeds.is_empty() {
                all.splice(0..0, scope(case.conditions.iter().chain(&self.shared)));
            } else {
                all.insert(0, Condition::any(case.deeds.iter().cloned().map(Condition::Deed).collect()));
            }
            any.push(Condition::all(all));
        }
        if self.misread && !self.is_empty() && !any.is_empty() {
            // What could not be placed may be what is done, or to what.
            any.push(Condition::Deed(Deed::default()));
        }
        let mut all = self.shared.clone();
        if any.is_empty() {
            if all.is_empty() {
                return self.everything.then_some(Condition::Risky);
            }
            all.splice(0..0, scope(self.shared.iter()));
        } else {
            all.insert(0, Condition::any(any));
        }
        Some(Condition::all(all))
    }

    /// The condition of a part that lifts a guard.
    pub fn lift(&self) -> Option<Condition> {
        let mut all = self.shared.clone();
        let mut any: Vec<Condition> = self.tools.clone();
        for case in &self.cases {
            let mut one = case.conditions.clone();
            // `branches that start with x`: the condition says which, whatever is done to them.
            let told = (!one.is_empty() || !all.is_empty()) && case.deeds.iter().all(Deed::is_any_doing);
            if !case.deeds.is_empty() && !told {
                one.push(Condition::any(case.deeds.iter().cloned().map(Condition::Deed).collect()));
            }
            if !one.is_empty() {
                any.push(Condition::all(one));
            }
        }
        if !any.is_empty() {
            all.push(Condition::any(any));
        }
        (!all.is_empty()).then(|| Condition::all(all))
    }
}

/// What a part without a doing is about, as its conditions tell.
fn scope<'c>(conditions: impl Iterator<Item = &'c Condition> + Clone) -> Option<Condition> {
    let has = |is: fn(&Condition) -> bool| conditions.clone().any(|one| one.any_part(&is));
    if has(|one| matches!(one, Condition::Command(_) | Condition::Unbounded(_))) {
        return None;
    }
    if has(|one| {
        matches!(one, Condition::Recipient(_) | Condition::Place(_) | Condition::Attachment | Condition::Data(_))
    }) {
        return Some(Condition::Deed(Deed::of(known().send, Concepts::NONE)));
    }
    if has(|one| matches!(one, Condition::Amount { .. })) {
        return Some(Condition::all(vec![Condition::Deed(Deed::default()), Condition::Money]));
    }
    Some(Condition::Deed(Deed::default()))
}

/// What a text is about of which only a restriction is known.
#[must_use]
pub fn about(restricted: &Condition) -> Option<Condition> {
    scope(std::iter::once(restricted))
}

/// Whether a condition says something of the events beside it rather than of the whole part.
const fn belongs(condition: &Condition) -> bool {
    !matches!(condition, Condition::Agent(_) | Condition::Named(_) | Condition::Command(_))
}

/// Joins conditions with nothing but `or` between them: `larger than 100 MB or ending in .iso`.
fn alternatives(tape: &Tape, found: Vec<(Place, Condition)>) -> Vec<(Place, Condition)> {
    let mut joined: Vec<(Place, Condition)> = Vec::new();
    for (place, condition) in found {
        let or = joined.last().is_some_and(|(before, other)| {
            let between = before.last + 1..place.first;
            let small = between.clone().all(|at| tape.raw_is(at, Group::Small) || tape.is_mark(at));
            small && between.clone().any(|at| tape.raw_word(at) == "or") && !matches!(other, Condition::Agent(_))
        });
        match joined.last_mut().filter(|_| or) {
            Some((before, other)) => {
                before.last = place.last;
                *other = Condition::any(vec![other.clone(), condition]);
            }
            None => joined.push((place, condition)),
        }
    }
    joined
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
        if compares
            || matches!(
                tape.word(at),
                "else" | "rest" | "others" | "elsewhere" | "remaining" | "remainder" | "nowhere" | "anywhere"
            )
        {
            found = true;
            tape.take(at);
        }
    }
    found
}

/// Whether something is sent, so that words for data say what is in it.
fn sends(tape: &Tape) -> bool {
    use crate::policy::lexicon::read_word;
    let readings = || (0..tape.len()).filter_map(|at| read_word(tape.raw_word(at)));
    let looked = readings().any(|reading| reading.entry.does.meets(known().read) && reading.entry.names.is_empty());
    !looked && readings().any(|reading| reading.entry.does.with(reading.entry.names).meets(known().send))
}

/// Takes `with an attachment`, where the words before say so.
fn attachment(tape: &mut Tape) -> Option<Condition> {
    let at = (0..tape.len()).find(|at| matches!(tape.word(*at), "attachment" | "attachments"))?;
    let before = (1..=8).any(|back| {
        matches!(
            tape.before(at, back),
            "has"
                | "have"
                | "with"
                | "having"
                | "contains"
                | "contain"
                | "carry"
                | "carries"
                | "include"
                | "includes"
                | "including"
                | "carrying"
                | "containing"
        )
    });
    before.then(|| {
        tape.take(at);
        Condition::Attachment
    })
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

/// Whether an item stands at a place.
#[must_use]
pub fn covers(lift: &Condition, guard: &Condition) -> bool {
    let within = |guard: &Deed, lift: &Deed| {
        let does = lift.is_any_doing()
            || (!guard.does.is_empty()
                && guard.does.without(lift.does).is_empty()
                && guard.verbs.iter().all(|verb| lift.verbs.contains(verb)));
        let things = lift.is_to_anything()
            || (!guard.is_to_anything()
                && guard.things.without(lift.things).is_empty()
                && guard.nouns.iter().all(|noun| lift.nouns.contains(noun)));
        does && things
    };
    match (lift, guard) {
        (_, Condition::Any(all)) if !all.is_empty() => all.iter().all(|one| covers(lift, one)),
        (_, Condition::All(all)) => all.iter().any(|one| matches!(one, Condition::Deed(_)) && covers(lift, one)),
        (Condition::Any(lifts), _) => lifts.iter().any(|lift| covers(lift, guard)),
        (Condition::Deed(lift), Condition::Deed(guard)) => within(guard, lift),
        _ => false,
    }
}
