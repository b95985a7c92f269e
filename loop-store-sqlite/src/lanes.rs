//! Where jobs wait: three bounded queues in order of urgency.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use loop_core::store::{Job, Lane, StoreError};

use crate::stats::Depths;

/// How many times in a row bulk work is passed over before it gets its turn.
const PATIENCE: u32 = 8;

/// The queues of one kind of thread.
pub(crate) struct Lanes {
    state: Mutex<State>,
    filled: Condvar,
    depth: usize,
}

#[derive(Default)]
struct State {
    decision: VecDeque<Waiting>,
    normal: VecDeque<Waiting>,
    bulk: VecDeque<Waiting>,
    passed_over: u32,
    asleep: usize,
    /// How many jobs must wait before a sleeper is woken; 0 as good as 1.
    wanted: usize,
    closed: bool,
}

/// A job in a queue.
pub(crate) struct Waiting {
    pub(crate) job: Job,
    /// How often it asked to be run again.
    pub(crate) retries: u32,
}

impl Lanes {
    /// Queues of `depth` jobs each.
    pub(crate) fn new(depth: usize) -> Self {
        Self { state: Mutex::default(), filled: Condvar::new(), depth }
    }

    /// Queues a job, or gives it back with the reason.
    pub(crate) fn push(&self, job: Job) -> Result<(), Box<(Job, StoreError)>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Box::new((job, StoreError::Unavailable("the store is shutting down"))));
        }
        let lane = state.lane(job.lane);
        if lane.len() >= self.depth {
            return Err(Box::new((job, StoreError::Unavailable("too many jobs are waiting"))));
        }
        lane.push_back(Waiting { job, retries: 0 });
        let wake = state.asleep > 0 && state.len() >= state.wanted;
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits until `want` jobs wait, though not longer than `patience` after the first. Answers whether they do. For
    /// queues that one thread works on.
    pub(crate) fn gather(&self, want: usize, patience: Duration) -> bool {
        let mut state = self.lock();
        state.asleep += 1;
        state = self
            .filled
            .wait_while(state, |state| state.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.wanted = want;
        let waited = self.filled.wait_timeout_while(state, patience, |state| state.len() < want && !state.closed);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.wanted = 0;
        state.asleep -= 1;
        state.len() >= want
    }

    /// Moves the most urgent jobs into `batch` until it holds `max`; waits for one when the batch is empty.
    /// `false` when the queues are closed and there is nothing left to do.
    pub(crate) fn take(&self, batch: &mut VecDeque<Waiting>, max: usize) -> bool {
        let mut state = self.lock();
        while batch.is_empty() && state.is_empty() {
            if state.closed {
                return false;
            }
            state.asleep += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
        state.fill(batch, max);
        true
    }

    /// As [`Self::take`], without waiting.
    pub(crate) fn join(&self, batch: &mut VecDeque<Waiting>, max: usize) {
        self.lock().fill(batch, max);
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().len()
    }

    /// How many jobs wait.
    pub(crate) fn depths(&self) -> Depths {
        let state = self.lock();
        Depths { decision: state.decision.len(), normal: state.normal.len(), bulk: state.bulk.len() }
    }

    /// Refuses new jobs; those that wait are still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn lane(&mut self, lane: Lane) -> &mut VecDeque<Waiting> {
        match lane {
            Lane::Decision => &mut self.decision,
            Lane::Normal => &mut self.normal,
            Lane::Bulk => &mut self.bulk,
        }
    }

    fn len(&self) -> usize {
        self.decision.len() + self.normal.len() + self.bulk.len()
    }

    fn is_empty(&self) -> bool {
        self.decision.is_empty() && self.normal.is_empty() && self.bulk.is_empty()
    }

    fn fill(&mut self, batch: &mut VecDeque<Waiting>, max: usize) {
        if batch.len() < max && self.is_bulk_due() {
            batch.extend(self.bulk.pop_front());
        }
        while batch.len() < max
            && let Some(next) = self.pop_urgent()
        {
            batch.push_back(next);
        }
    }

    fn pop_urgent(&mut self) -> Option<Waiting> {
        self.decision.pop_front().or_else(|| self.normal.pop_front())
    }

    /// Whether it is the turn of one bulk job: nothing else waits, or it was passed over often enough.
    fn is_bulk_due(&mut self) -> bool {
        if self.bulk.is_empty() {
            return false;
        }
        let alone = self.decision.is_empty() && self.normal.is_empty();
        let due = alone || self.passed_over >= PATIENCE;
        self.passed_over = if due { 0 } else { self.passed_over + 1 };
        due
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc, thread, time::Duration};

    use loop_core::store::{Access, Job, JobEnd, Lane, StoreError};

    use super::{Lanes, PATIENCE};

    fn job(name: &'static str, lane: Lane) -> Job {
        Job { name, access: Access::Write, lane, run: Box::new(|_| JobEnd::Commit), done: Box::new(|_| ()) }
    }

    fn take(lanes: &Lanes, max: usize) -> Vec<&'static str> {
        let mut batch = VecDeque::new();
        lanes.take(&mut batch, max);
        batch.into_iter().map(|waiting| waiting.job.name).collect()
    }

    #[test]
    fn decisions_go_before_the_rest_in_the_order_they_came() {
        let lanes = Lanes::new(8);
        for (name, lane) in [("n1", Lane::Normal), ("b1", Lane::Bulk), ("d1", Lane::Decision), ("d2", Lane::Decision)] {
            assert!(lanes.push(job(name, lane)).is_ok());
        }
        assert_eq!(take(&lanes, 2), ["d1", "d2"]);
        let mut batch = VecDeque::new();
        for wanted in [1, 2, 2] {
            lanes.join(&mut batch, 2);
            assert_eq!(batch.len(), wanted, "a batch that is full or has all stays as it is");
        }
        assert_eq!(batch.into_iter().map(|waiting| waiting.job.name).collect::<Vec<_>>(), ["n1", "b1"]);
    }

    #[test]
    fn bulk_work_gets_its_turn_under_constant_load() {
        let lanes = Lanes::new(8);
        assert!(lanes.push(job("b", Lane::Bulk)).is_ok());
        for _ in 0..PATIENCE {
            assert!(lanes.push(job("d", Lane::Decision)).is_ok());
            assert_eq!(take(&lanes, 4), ["d"]);
        }
        assert!(lanes.push(job("d", Lane::Decision)).is_ok());
        assert_eq!(take(&lanes, 4), ["b", "d"]);
    }

    #[test]
    fn a_full_lane_refuses_and_leaves_the_others_open() {
        let lanes = Lanes::new(1);
        assert!(lanes.push(job("n1", Lane::Normal)).is_ok());
        let refused = lanes.push(job("n2", Lane::Normal)).map_err(|back| back.1);
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        assert!(lanes.push(job("d1", Lane::Decision)).is_ok());
    }

    #[test]
    fn closing_refuses_new_jobs_and_hands_out_the_old() {
        let lanes = Lanes::new(4);
        assert!(lanes.push(job("n1", Lane::Normal)).is_ok());
        lanes.close();
        assert!(lanes.push(job("n2", Lane::Normal)).is_err());
        assert_eq!(take(&lanes, 4), ["n1"]);
        assert!(!lanes.take(&mut VecDeque::new(), 4));
    }

    #[test]
    fn gathering_ends_when_all_have_come_or_patience_is_over() {
        let lanes = Arc::new(Lanes::new(8));
        let here = Arc::clone(&lanes);
        let callers = thread::spawn(move || {
            for name in ["a", "b", "c"] {
                assert!(here.push(job(name, Lane::Decision)).is_ok());
            }
        });
        assert!(lanes.gather(3, Duration::from_secs(600)));
        callers.join().unwrap();
        assert_eq!(take(&lanes, 8), ["a", "b", "c"]);
        assert!(lanes.push(job("d", Lane::Decision)).is_ok());
        assert!(!lanes.gather(2, Duration::from_micros(1)));
        lanes.close();
        assert!(!lanes.gather(2, Duration::from_secs(600)));
    }
}
