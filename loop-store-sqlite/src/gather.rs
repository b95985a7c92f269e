//! When it pays to wait for more jobs before a transaction begins.
//!
//! Callers that come back as soon as they are answered fall into two groups: while one group's transaction is
//! synced the other waits, and each pays for two. A short wait after an answer brings them together, for half the
//! syncs. Callers that do not come back are not waited for again for a while.

use std::time::Duration;

/// With more callers than this the work of a batch outweighs its sync, and waiting would only leave it undone.
const MAX_CALLERS: usize = 16;
/// A sync faster than this is not worth saving, nor is one that is less than half of its transaction: while a group's
/// jobs are worked on, the other group comes back.
const WORTH: Duration = Duration::from_micros(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_micros(250);
/// The most opportunities passed by after waits in vain: `2^MAX_PASSED`.
const MAX_PASSED: u32 = 8;

/// What was learnt of the callers.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Waits in vain, one after another.
    in_vain: u32,
    /// How many opportunities to pass by.
    pass: u32,
}

impl Gather {
    /// For how many jobs to wait, and how long, when `told` callers have been answered, `waiting` jobs wait and the
    /// last transaction took so long, of which so long to be made durable.
    pub(crate) fn plan(
        &mut self,
        told: usize,
        waiting: usize,
        took: Duration,
        durable: Duration,
    ) -> Option<(usize, Duration)> {
        let callers = told.saturating_add(waiting);
        let spared = durable >= WORTH && durable * 2 >= took;
        if told == 0 || !(2..=MAX_CALLERS).contains(&callers) || !spared {
            return None;
        }
        if self.pass > 0 {
            self.pass -= 1;
            return None;
        }
        Some((callers, (took / 2).min(LONGEST)))
    }

    /// Whether the last wait brought everybody together.
    pub(crate) fn learn(&mut self, all_came: bool) {
        self.in_vain = if all_came { 0 } else { (self.in_vain + 1).min(MAX_PASSED) };
        self.pass = if all_came { 0 } else { 1 << self.in_vain };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Gather, LONGEST};

    const SLOW: Duration = Duration::from_micros(300);

    #[test]
    fn those_answered_and_those_that_wait_are_brought_together() {
        let mut gather = Gather::default();
        assert_eq!(gather.plan(4, 4, SLOW, SLOW), Some((8, SLOW / 2)));
        assert_eq!(gather.plan(8, 0, Duration::from_secs(1), Duration::from_secs(1)), Some((8, LONGEST)));
    }

    #[test]
    fn nobody_waits_for_a_lone_caller_a_crowd_a_fast_disk_or_long_work() {
        let mut gather = Gather::default();
        for (told, waiting, took) in [(1, 0, SLOW), (0, 5, SLOW), (9, 8, SLOW), (4, 4, Duration::from_micros(99))] {
            assert_eq!(gather.plan(told, waiting, took, took), None);
        }
        assert_eq!(gather.plan(4, 4, SLOW, SLOW.mul_f64(0.4)), None);
    }

    #[test]
    fn callers_that_do_not_come_back_are_waited_for_ever_more_seldom() {
        let mut gather = Gather::default();
        let mut waits = 0;
        for _ in 0..10_000 {
            if gather.plan(2, 1, SLOW, SLOW).is_some() {
                waits += 1;
                gather.learn(false);
            }
        }
        assert!((10..60).contains(&waits), "{waits}");
        gather.learn(true);
        assert!(gather.plan(2, 1, SLOW, SLOW).is_some());
    }
}
