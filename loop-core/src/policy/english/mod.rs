//! Rules in plain English, read once into a [`Condition`].
//!
//! A text is cut into [`token`]s and [`piece`]s that guard, allow or except; each piece ([`clause`]) into
//! [`quantity`]s, [`place`]s, names and the kinds of doing and things that the lexicon knows ([`doing`]). What cannot
//! be placed is reported and widens the rule: it then guards whatever was understood.

mod asking;
mod clause;
mod doing;
mod piece;
mod place;
mod quantity;
mod token;
mod words;

use clause::Clause;
use piece::Stance;

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
    let mut unresolved = Vec::new();
    let (mut guards, mut lifted) = (Vec::new(), Vec::new());
    let mut before: Option<(Stance, Clause)> = None;
    for piece in piece::pieces(token::tokens(kept)) {
        let mut clause = clause::read(piece.tokens, before.as_ref().map(|(_, clause)| clause));
        if piece.stance == Stance::Except && clause.unresolved == clause.unplaced && !clause.unplaced.is_empty() {
            // `except coffee`: lifted where a call says so.
            clause.unresolved.clear();
            clause.conditions.push(Condition::Mentions(std::mem::take(&mut clause.unplaced)));
        }
        let unclear = !clause.unresolved.is_empty();
        unresolved.append(&mut clause.unresolved);
        match piece.stance {
            Stance::Guard => {
                if let Some((stance, before)) = &before {
                    clause.refer_to(before, *stance == Stance::Permit, unclear);
                }
                guards.extend(clause.guard());
            }
            Stance::Permit | Stance::Except => {
                // `only x`: all else is guarded. An exception that is not fully understood lifts nothing.
                let only = clause.only && piece.stance == Stance::Permit;
                if only {
                    guards.extend(clause.but_only());
                }
                if !(unclear || only && clause.lifts_nothing()) {
                    lifted.extend(clause.lift());
                }
            }
        }
        before = Some((piece.stance, clause));
    }
    if !cut.is_empty() {
        unresolved.push("…".to_owned());
    }
    let guard = if guards.is_empty() {
        let about = before.map(|(_, clause)| clause.deeds).unwrap_or_default();
        if lifted.is_empty() || about.is_empty() {
            Condition::Risky
        } else {
            Condition::any(about.into_iter().map(Condition::Deed).collect())
        }
    } else {
        Condition::any(guards)
    };
    // A rule that allows all that it guards would guard nothing: then it means to guard.
    lifted.retain(|lift| !clause::covers(lift, &guard));
    let lifted = lifted.into_iter().map(Condition::negated);
    Reading { condition: Condition::all(std::iter::once(guard).chain(lifted).collect()), unresolved }
}

#[cfg(test)]
mod tests;
