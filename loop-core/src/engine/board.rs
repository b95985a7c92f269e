//! Trust scores and wallets at hand, so that decisions and answers need not ask the store.
//!
//! What this process changes is told here after COMMIT and before anybody learns of it. Another process may change it
//! too, so that an entry is only good for a second.

use std::sync::{PoisonError, RwLock};

use hashbrown::HashMap;

use super::Engine;
use crate::{
    access::Note,
    base::{TenantId, Time, id::LoopId},
    store::{StoreError, StoreExt},
    trust::{self, Standing},
};

/// How long an entry is good, in microseconds.
const FRESH: i64 = 1_000_000;
/// How many entries are kept of each kind. Past it the memory starts anew: reading them again is cheap.
const MAX: usize = 65_536;

/// A score or an amount, and when it was learnt.
struct Held<T> {
    value: T,
    learnt: Time,
}

impl<T: Copy> Held<T> {
    fn good(&self, now: Time) -> Option<T> {
        // A clock that was set back must not keep an entry good for longer.
        (0..=FRESH).contains(&now.micros_since(self.learnt)).then_some(self.value)
    }
}

type Map<T> = RwLock<HashMap<LoopId, Held<T>, foldhash::fast::RandomState>>;

/// The memory.
#[derive(Default)]
pub(super) struct Board {
    trust: Map<Standing>,
    wallets: Map<i64>,
}

impl Board {
    /// The least score of a line of loops, when every one is at hand. `None` for no loop at all.
    pub(super) fn least(&self, line: impl IntoIterator<Item = LoopId>, now: Time) -> Option<u8> {
        let known = self.trust.read().unwrap_or_else(PoisonError::into_inner);
        let mut least = None;
        for id in line {
            let score = known.get(&id)?.good(now)?.score;
            least = Some(least.map_or(score, |least: u8| least.min(score)));
        }
        least
    }

    /// What can be spent from the wallet of a root loop, when it is at hand.
    pub(super) fn available(&self, root: LoopId, now: Time) -> Option<i64> {
        self.wallets.read().unwrap_or_else(PoisonError::into_inner).get(&root)?.good(now)
    }

    /// Takes in what was read or changed.
    pub(super) fn tell(&self, notes: &[Note], now: Time) {
        for note in notes {
            match *note {
                Note::Trust { loop_id, score, events } => {
                    let mut known = self.trust.write().unwrap_or_else(PoisonError::into_inner);
                    // A reader may have seen less than what was changed meanwhile.
                    if known.get(&loop_id).is_some_and(|held| held.value.events > events) {
                        continue;
                    }
                    put(&mut known, loop_id, Standing { score, events }, now);
                }
                Note::Wallet { root, available } => {
                    let mut known = self.wallets.write().unwrap_or_else(PoisonError::into_inner);
                    put(&mut known, root, available, now);
                }
            }
        }
    }
}

fn put<T>(known: &mut HashMap<LoopId, Held<T>, foldhash::fast::RandomState>, id: LoopId, value: T, learnt: Time) {
    if known.len() >= MAX && !known.contains_key(&id) {
        known.clear();
    }
    known.insert(id, Held { value, learnt });
}

impl Engine {
    /// The trust that counts for a line of loops, the least of its scores, without asking the store; `None` when a score
    /// is not at hand or older than a second.
    #[must_use]
    pub fn trust_at_hand(&self, line: impl IntoIterator<Item = LoopId>) -> Option<u8> {
        self.inner.board.least(line, self.now())
    }

    /// What can be spent from the wallet of a root loop, without asking the store; `None` when it is not at hand or older
    /// than a second.
    #[must_use]
    pub fn credits_at_hand(&self, root: LoopId) -> Option<i64> {
        self.inner.board.available(root, self.now())
    }

    /// The trust that counts for a line of loops. Of no loop at all it is 0.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn trust(&self, tenant: &TenantId, line: &[LoopId]) -> Result<u8, StoreError> {
        if let Some(score) = self.trust_at_hand(line.iter().copied()) {
            return Ok(score);
        }
        let (tenant, line) = (tenant.clone(), line.to_vec());
        // The time before the look: what was learnt is not younger than that.
        let now = self.now();
        let read = self.inner.store.read("trust.read", move |tx| {
            let standing = |id: &LoopId| trust::standing(tx, &tenant, *id).map(|standing| (*id, standing));
            line.iter().map(standing).collect::<Result<Vec<_>, StoreError>>()
        });
        let read = read.await?;
        let least = read.iter().map(|(_, standing)| standing.score).min().unwrap_or(0);
        let note = |(loop_id, Standing { score, events })| Note::Trust { loop_id, score, events };
        self.inner.board.tell(&read.into_iter().map(note).collect::<Vec<_>>(), now);
        Ok(least)
    }
}

#[cfg(test)]
mod tests {
    use super::{Board, FRESH};
    use crate::{
        access::Note,
        base::{Seed, Time, id::LoopId},
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn id(seed: u8) -> LoopId {
        LoopId::draw(NOW, &mut Seed::new([seed; 32]))
    }

    fn trust(loop_id: LoopId, score: u8, events: u64) -> Note {
        Note::Trust { loop_id, score, events }
    }

    #[test]
    fn a_line_counts_by_its_least_and_only_when_all_of_it_is_known() {
        let board = Board::default();
        board.tell(&[trust(id(1), 90, 3), trust(id(2), 40, 1)], NOW);
        assert_eq!(board.least([id(1), id(2)], NOW), Some(40));
        assert_eq!(board.least([id(1), id(3)], NOW), None);
        assert_eq!(board.least([], NOW), None);
    }

    #[test]
    fn an_entry_is_good_for_a_second() {
        let board = Board::default();
        board.tell(&[trust(id(1), 90, 3), Note::Wallet { root: id(1), available: 7 }], NOW);
        assert_eq!(board.least([id(1)], NOW.plus_micros(FRESH)), Some(90));
        assert_eq!(board.available(id(1), NOW.plus_micros(FRESH)), Some(7));
        for other in [NOW.plus_micros(FRESH + 1), NOW.plus_micros(-1)] {
            assert_eq!(board.least([id(1)], other), None);
            assert_eq!(board.available(id(1), other), None);
        }
    }

    #[test]
    fn what_was_read_earlier_does_not_undo_what_changed_since() {
        let board = Board::default();
        board.tell(&[trust(id(1), 48, 5)], NOW);
        board.tell(&[trust(id(1), 50, 4)], NOW);
        assert_eq!(board.least([id(1)], NOW), Some(48));
    }
}
