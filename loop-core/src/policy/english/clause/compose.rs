//! Putting events and conditions together: a condition belongs to the events before it, or to all where it comes first
//! or last.

use super::{
    super::{
        deeds,
        event::{self, Event},
        name,
        tape::{Place, Tape},
        words::{Group, List},
    },
    Case, Clause,
};
use crate::policy::{
    condition::{Condition, Deed},
    deed::known,
    lexicon::Concepts,
};

impl Clause {
    /// Puts events and conditions together: a condition belongs to the events before it, or to all where it comes
    /// first or last.
    pub(super) fn build(
        &mut self,
        tape: &mut Tape,
        events: Vec<Event>,
        mut found: Vec<(Place, Condition)>,
        before: Option<&Self>,
        (commanded, excepting, only, makers): (bool, bool, Option<usize>, Vec<String>),
    ) {
        let coordinated = event::coordinated(&events);
        let refers = event::refers(tape);
        self.refers = refers;
        let made =
            tape.any_raw(|word| matches!(word, "made" | "issued" | "given" | "placed" | "done" | "make" | "making"));
        let data = found.iter().any(|(_, one)| matches!(one, Condition::Data(_)));
        self.said = events.iter().any(|event| event.said);
        let mut doings: Vec<(Event, Vec<Deed>)> = Vec::new();
        for event in events {
            let mut event = event;
            if event.runs.is_empty()
                && let Some((earlier, _)) = doings.last()
            {
                event.runs.clone_from(&earlier.runs);
            }
            let outer: Vec<Deed> = before.map(|before| before.deeds().cloned().collect()).unwrap_or_default();
            // `any change to it`
            let only_doing =
                !event.runs.is_empty() && event.runs.iter().all(|run| run.is_doing() && run.words.len() < 2);
            let of_it = refers && only_doing && to_it(tape, &event);
            self.changes_it |= of_it;
            let inherits = event.runs.is_empty() && (refers || !event.is_silent()) || of_it;
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
        let rows = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT", "GRANT"];
        if tape.any_raw_text("ALTER") && !rows.iter().any(|word| tape.any_raw_text(word)) {
            // In SQL that changes a schema; to alter in English is to write.
            let (update, schema) = (Concepts::named(&["update"]).with_children(), schema());
            let wide = |deed: &&mut Deed| deed.is_to_anything() && deed.does.meets(Concepts::named(&["write"]));
            for deed in doings.iter_mut().flat_map(|(_, deeds)| deeds).filter(wide) {
                let others = doings_said(tape);
                (deed.does, deed.things) = (update.with(others), schema);
            }
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
            if excepting {
                // `…, Premier Inn excluded`
                names.spoken.extend(names.unplaced.drain(..).map(|name| name.to_lowercase()));
            }
            self.unresolved.append(&mut names.unplaced);
            found.extend(names.conditions().into_iter().map(|condition| (place, condition)));
        }
        found.sort_by_key(|(place, _)| place.first);
        let mut found = alternatives(tape, found);
        if let Some(only) = only
            && !(!found.iter().any(|(place, one)| matches!(one, Condition::Agent(_)) && place.last >= only)
                && self.only_looks(&doings)
                && doings.iter().any(|(event, _)| {
                    // `only reading …`, but not `viewed only by hr-bot`
                    event.first >= only || only == 0
                }))
        {
            // What `only` stands before, or right behind, is what it restricts.
            // `only the CFO can approve payments over …`: who may, which no later condition says.
            let agent = found.iter().position(|(place, one)| matches!(one, Condition::Agent(_)) && place.last >= only);
            // `only people at acme.com may receive reports`: whom it is sent to.
            let whom = found.iter().position(|(place, one)| {
                only == 0 && place.first <= 5 && one.any_part(&|one| matches!(one, Condition::Recipient(_)))
            });
            let receives = |deed: &Deed| deed.verbs.iter().any(|verb| verb == "receive");
            let whom = whom.filter(|_| doings.iter().flat_map(|(_, deeds)| deeds).any(receives));
            if whom.is_some() {
                for deed in doings.iter_mut().flat_map(|(_, deeds)| deeds) {
                    (deed.does, deed.verbs, deed.things) = (known().send, Vec::new(), Concepts::NONE);
                }
            }
            let agent = agent.or(whom);
            let who = only == 0 && self.people && agent.is_none();
            let near = |(place, _): &(Place, Condition)| place.last >= only && (only > 0 || place.first <= only + 3);
            let behind = only > 0 && found.iter().all(|(place, _)| place.last < only);
            let last = found.len().checked_sub(1).filter(|_| behind && !self.people);
            // `only touch production between 2am and 4am`: the last of them.
            let does = only == 0
                && (tape.raw_word(0) == "touch"
                    || doings.first().is_some_and(|(event, _)| event.said && event.first == 0));
            let final_one = found.len().checked_sub(1).filter(|_| does);
            let at = agent.or(final_one).or_else(|| found.iter().position(near)).or(last).filter(|_| !who);
            self.restricted = at.map(|at| found.remove(at).1);
            let things = |deed: &Deed| !deed.is_any_doing() && !deed.is_to_anything();
            let told = || doings.iter().flat_map(|(_, deeds)| deeds);
            let people = (only..only + 3).any(|at| tape.raw_is(at, Group::People) && !tape.raw_is(at, Group::Small));
            let behind = only < tape.len() && !tape.is_mark(only);
            if self.restricted.is_none() && !people && behind && told().next().is_some() && told().all(things) {
                // `delete only drafts`: all else that could be deleted is guarded.
                self.restricted = Some(Condition::any(told().cloned().map(Condition::Deed).collect()));
                for deed in doings.iter_mut().flat_map(|(_, deeds)| deeds) {
                    (deed.things, deed.nouns) = (Concepts::NONE, Vec::new());
                }
            }
        }
        if self.restricted.as_ref().is_some_and(|one| one.any_part(&|one| matches!(one, Condition::Path(_)))) {
            // `only PDFs may be uploaded`: whatever else is uploaded is a file as well.
            let files = Concepts::named(&["file", "document", "image"]).with_children();
            let told = |deed: &&mut Deed| !deed.is_any_doing() && deed.nouns.is_empty();
            for deed in doings.iter_mut().flat_map(|(_, deeds)| deeds).filter(told) {
                deed.things = deed.things.without(files);
            }
        }
        separate(tape, &mut found);
        self.open_alternatives(tape, &mut found);
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

    /// `over $1000 or to a new payee`: what stands behind `or` and says no condition may be enough by itself, so the
    /// condition before it narrows nothing.
    fn open_alternatives(&mut self, tape: &Tape, found: &mut Vec<(Place, Condition)>) {
        let told: Vec<usize> = found.iter().map(|(place, _)| place.first).collect();
        found.retain(|(place, condition)| {
            let or = place.last + 1;
            let lead = tape.raw_word(or + 1);
            let other = tape.raw_word(or) == "or" && List::OtherLead.has(lead);
            let end = (or + 1..tape.len()).find(|at| tape.is_mark(*at)).unwrap_or(tape.len());
            let known = told.iter().any(|first| (or + 1..end).contains(first));
            let open = other && !known && belongs(condition);
            if open {
                self.unresolved
                    .extend((or + 2..end).find(|at| !tape.raw_is(*at, Group::Small)).map(|at| tape.raw(at).to_owned()));
            }
            !open
        });
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
                // `rates may not be raised above 5%`: what is set to more is raised.
                let moves = Concepts::named(&["raise", "lower"]);
                for deed in case.deeds.iter_mut().filter(|deed| deed.does.meets(moves)) {
                    deed.does = deed.does.with(Concepts::named(&["update"]));
                    for noun in &mut deed.nouns {
                        let whole = noun.rsplit_once('_').filter(|(_, last)| List::Measure.has(last));
                        if let Some(thing) = whole.map(|(thing, _)| thing.to_owned()) {
                            *noun = thing;
                        }
                    }
                }
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
}

/// What `DROP`, `CREATE` and `ALTER` are done to.
fn schema() -> Concepts {
    Concepts::named(&["table", "schema", "database", "column", "user", "role"])
}

/// What the other words of SQL say that are written beside `ALTER`.
fn doings_said(tape: &Tape) -> Concepts {
    let said = [("DROP", "delete"), ("TRUNCATE", "delete"), ("CREATE", "create"), ("RENAME", "rename")];
    let said = said.into_iter().filter(|(word, _)| tape.any_raw_text(word));
    said.fold(Concepts::NONE, |all, (_, concept)| all.with(Concepts::named(&[concept]).with_children()))
}

/// Whether `to it`, `of them` stands behind an event.
fn to_it(tape: &Tape, event: &Event) -> bool {
    let behind = event.last + 1;
    matches!(tape.raw_word(behind), "to" | "of" | "in" | "on")
        && matches!(tape.raw_word(behind + 1), "it" | "them" | "these" | "those" | "this" | "that")
}

/// Whether a condition says something of the events beside it rather than of the whole part.
const fn belongs(condition: &Condition) -> bool {
    !matches!(condition, Condition::Agent(_) | Condition::Named(_) | Condition::Command(_))
}

/// `both weekend shifts and overtime of more than 4 hours`, `weekend shifts and any overtime over 4 hours`: each has a
/// condition of its own.
fn separate(tape: &Tape, found: &mut Vec<(Place, Condition)>) {
    let [(first, one), (second, other)] = found.as_slice() else { return };
    let (from, to) = (first.last + 1, second.first);
    let both = (0..2).any(|at| tape.raw_word(at) == "both");
    let joins = (from..to).any(|at| {
        matches!(tape.raw_word(at), "and" | "or") && (both || matches!(tape.raw_word(at + 1), "any" | "every" | "all"))
    });
    if joins && first.first <= 2 && belongs(one) && belongs(other) {
        let place = Place { first: first.first, last: second.last };
        *found = vec![(place, Condition::any(vec![one.clone(), other.clone()]))];
    }
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
