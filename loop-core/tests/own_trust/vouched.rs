//! What was done for an outcome by somebody who may, kept beside the store and never read from it.

use std::collections::{BTreeMap, BTreeSet};

use loop_core::{base::id::LoopId, proof::Level, trust};

/// Who holds a loop's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Ann,
    Bob,
}

/// What stands behind an outcome.
#[derive(Debug)]
pub struct Backing {
    /// Whose outcome it is.
    pub of: LoopId,
    /// The highest level that the gateway saw itself or another hand vouched for.
    pub level: Level,
    /// The released transactions of another hand that its proofs name.
    pub deals: BTreeSet<usize>,
    /// What was paid for it so far.
    paid: i16,
}

/// What stands behind every outcome.
#[derive(Debug, Default)]
pub struct Vouched {
    outcomes: BTreeMap<String, Backing>,
    /// Transactions that were released to their seller by another hand, with the outcome that each has settled.
    released: BTreeMap<usize, Option<String>>,
}

impl Vouched {
    pub fn outcome(&mut self, subject: &str, of: LoopId) -> &mut Backing {
        let fresh = || Backing { of, level: Level::V0, deals: BTreeSet::new(), paid: 0 };
        self.outcomes.entry(subject.to_owned()).or_insert_with(fresh)
    }

    pub fn raise(&mut self, subject: &str, of: LoopId, level: Level) {
        let backing = self.outcome(subject, of);
        backing.level = backing.level.max(level);
    }

    pub fn release(&mut self, deal: usize) {
        self.released.entry(deal).or_insert(None);
    }

    /// Holds an event of a loop against what stands behind it. Every deal settles one outcome.
    pub fn judge(&mut self, event: &trust::Event) -> Result<(), String> {
        if event.delta <= 0 {
            return Ok(());
        }
        let Some(backing) = self.outcomes.get_mut(&event.reference).filter(|backing| backing.of == event.loop_id)
        else {
            return Err(format!("paid for nothing that is known: {event:?}"));
        };
        backing.paid += event.delta;
        if backing.paid > backing.level.worth() {
            let mine = Some(&event.reference);
            let free = |deal: &&usize| self.released.get(deal).is_some_and(|on| on.is_none() || on.as_ref() == mine);
            let Some(deal) = backing.deals.iter().find(free) else {
                return Err(format!("nobody but its own owner stands behind it: {event:?}, {backing:?}"));
            };
            self.released.insert(*deal, Some(event.reference.clone()));
            backing.level = Level::V5;
        }
        if backing.paid > backing.level.worth() {
            return Err(format!("paid for more than once: {event:?}, {backing:?}"));
        }
        Ok(())
    }
}
