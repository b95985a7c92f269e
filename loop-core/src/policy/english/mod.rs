//! Rules in plain English, read once into a [`Condition`].
//!
//! A text is cut into [`token`]s. What it asks for ([`asking`]) and refuses or allows ([`refusing`]) says which
//! [`part`]s of it guard, allow or except; each part is read as a [`clause`]: conditions ([`quantity`], [`recipient`],
//! [`path`], [`data`], [`environment`], [`time`], [`agent`], [`command`], [`name`]) and events ([`item`], [`event`]),
//! which become [`deeds`]. A word that nobody lists is taken for the name of a doing or a thing; one that only somebody's
//! judgement could place is reported and widens the rule: it then guards whatever was understood.

mod agent;
mod asking;
mod attribute;
mod clause;
mod command;
mod data;
mod deeds;
mod environment;
mod event;
mod item;
mod line;
mod name;
mod part;
mod path;
mod quantity;
mod recipient;
mod refusing;
mod tape;
mod time;
mod token;
mod words;

use clause::Clause;
use part::{Part, Stance};

use super::condition::Condition;

/// What a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The condition.
    pub condition: Condition,
    /// Words that could not be placed, in the order of the text.
    pub unresolved: Vec<String>,
}

/// The longest text that is read, in bytes; what stands behind it is reported as unresolved.
pub const TEXT_MAX: usize = 8_192;

/// Reads a text. Every text has a reading.
#[must_use]
pub fn read(text: &str) -> Reading {
    let end = (0..=TEXT_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (kept, cut) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut rule = Rule::default();
    let mut before: Option<(Stance, Clause)> = None;
    for part in part::parts(token::tokens(kept)) {
        let clause = rule.take(&part, before.as_ref());
        before = Some((part.stance, clause));
    }
    if !cut.is_empty() {
        rule.unresolved.push("…".to_owned());
    }
    rule.reading(before.map(|(_, clause)| clause))
}

/// What the parts so far say.
#[derive(Debug, Default)]
struct Rule {
    guards: Vec<Condition>,
    lifted: Vec<Condition>,
    unresolved: Vec<String>,
}

impl Rule {
    fn take(&mut self, part: &Part, before: Option<&(Stance, Clause)>) -> Clause {
        let mut clause = clause::read(part, before.map(|(_, clause)| clause));
        if part.opens && before.is_some() && clause.refers && clause.is_empty() {
            // `Ask the owner if one is wrong.`: advice, no condition.
            clause.unresolved.clear();
        }
        if part.stance == Stance::Except
            && let Some((_, before)) = before.filter(|(_, before)| before.everyone)
        {
            clause.take_persons(before);
        }
        let unclear = !clause.unresolved.is_empty();
        self.unresolved.extend(clause.unresolved.iter().cloned());
        if let Some((stance, before)) = before {
            let about = matches!(stance, Stance::Permit | Stance::ReadOnly) || clause.refers || clause.rest;
            if !part.opens || about {
                clause.inherit_names(before);
            }
        }
        let permitted = before.is_some_and(|(stance, before)| *stance == Stance::Permit && before.restricted.is_none());
        match part.stance {
            _ if part.only.is_some() && part.stance != Stance::Except => self.only(&mut clause, unclear),
            // What is excepted from a permission is guarded.
            Stance::Guard | Stance::Except if part.stance == Stance::Guard || permitted => {
                if let Some((_, before)) = before {
                    if clause.rest && before.restricted.is_some() && clause.is_empty() {
                        // `only x may; for all others …`: said before.
                        return clause;
                    }
                    let excepted = part.stance == Stance::Except;
                    let names = clause.deeds().next().is_some();
                    clause.refer_to(before, permitted, excepted);
                    let taken = excepted && names && clause.take_doing(before);
                    if permitted && !taken && (before.looks() || before.names_only()) {
                        // `reading is fine, edits need approval`: what is not reading.
                        clause.guard_all_changes();
                    }
                    if permitted
                        && excepted
                        && !clause.rest
                        && let Some((lift, guard)) = self.lifted.pop_if(|_| !part.opens).zip(clause.guard())
                    {
                        // What is excepted from a permission is not lifted by it.
                        self.lifted.push(Condition::all(vec![lift, Condition::negated(guard)]));
                    }
                }
                self.guards.extend(clause.guard());
            }
            Stance::ReadOnly => {
                clause.guard_all_but_looking();
                self.guards.extend(clause.guard());
            }
            // An exception that is not fully understood lifts nothing.
            Stance::Guard | Stance::Permit | Stance::Except => {
                // That a product may be used lifts nothing of what is done there.
                // `smaller ones are fine`: what is guarded leaves them alone by itself.
                if part.stance == Stance::Except
                    && clause.drafts_only()
                    && let Some((_, before)) = before
                {
                    clause.take_doing(before);
                }
                let vague = part.stance == Stance::Permit && (clause.names_only() || clause.rest && before.is_some());
                if !unclear && !vague {
                    self.lifted.extend(clause.lift());
                }
            }
        }
        clause
    }

    /// `only x`: all else is guarded.
    fn only(&mut self, clause: &mut Clause, unclear: bool) {
        if clause.looks() && clause.restricted.is_none() {
            clause.guard_all_but_looking();
        }
        let guard = clause.guard().or_else(|| clause.restricted.as_ref().and_then(clause::about));
        self.guards.extend(guard);
        if !unclear {
            self.lifted.extend(clause.restricted.as_ref().map(clause::all_within));
        }
    }

    fn reading(mut self, last: Option<Clause>) -> Reading {
        let guard = if self.guards.is_empty() {
            let about = last.and_then(|clause| clause.what());
            about.filter(|_| !self.lifted.is_empty()).unwrap_or(Condition::Risky)
        } else {
            Condition::any(self.guards)
        };
        // What is allowed but for what is guarded takes nothing away from it.
        let spares = |lift: &Condition| {
            let but_for = |one: &Condition| matches!(one, Condition::Not(but) if **but == guard);
            matches!(lift, Condition::All(all) if all.iter().any(but_for))
        };
        self.lifted.retain(|lift| !spares(lift));
        // A rule that allows all that it guards would guard nothing: then it means to guard.
        self.lifted.retain(|lift| !clause::covers(lift, &guard) && !clause::reads_what_is_refused(lift, &guard));
        let lifted = self.lifted.into_iter().map(Condition::negated);
        Reading {
            condition: Condition::all(std::iter::once(guard).chain(lifted).collect()),
            unresolved: self.unresolved,
        }
    }
}

#[cfg(test)]
mod tests;
