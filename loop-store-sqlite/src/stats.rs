//! What the store is doing, for its operator: counted as it goes, without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the sizes of batches, in jobs.
const SIZES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/// Upper bounds of the times of transactions, in microseconds.
const TIMES: [u64; 12] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 250_000, 1_000_000, 10_000_000];

/// What a store is doing and has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Jobs that wait for the thread that writes.
    pub writes: Depths,
    /// Jobs that wait for a thread that reads; none without such threads.
    pub reads: Depths,
    /// How many jobs ended in each transaction of the writer, those refused among them.
    pub batches: Histogram,
    /// How long each transaction of the writer took from its begin to its end, in microseconds.
    pub commits: Histogram,
}

/// How many jobs wait, by lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depths {
    /// In the lane of decisions.
    pub decision: usize,
    /// In the lane of everything that a person or program waits for.
    pub normal: usize,
    /// In the lane of work that can wait.
    pub bulk: usize,
}

/// How often values up to each bound were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Each bound, rising, with how many values were at most that.
    pub up_to: Vec<(u64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

/// What the writer counts.
#[derive(Default)]
pub(crate) struct Counts {
    batches: Counter<{ SIZES.len() }>,
    commits: Counter<{ TIMES.len() }>,
}

impl Counts {
    /// Counts one transaction.
    pub(crate) fn note(&self, jobs: usize, took: Duration) {
        self.batches.note(&SIZES, jobs as u64);
        self.commits.note(&TIMES, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn batches(&self) -> Histogram {
        self.batches.read(&SIZES)
    }

    pub(crate) fn commits(&self) -> Histogram {
        self.commits.read(&TIMES)
    }
}

struct Counter<const N: usize> {
    /// How many values lie between a bound and the one before.
    buckets: [AtomicU64; N],
    /// How many lie above the last.
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Default for Counter<N> {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }
}

impl<const N: usize> Counter<N> {
    fn note(&self, bounds: &[u64; N], value: u64) {
        let bucket = bounds.iter().zip(&self.buckets).find(|(bound, _)| value <= **bound).map(|(_, bucket)| bucket);
        bucket.unwrap_or(&self.above).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn read(&self, bounds: &[u64; N]) -> Histogram {
        let mut count = 0;
        let mut up_to = Vec::with_capacity(N);
        for (bound, bucket) in bounds.iter().zip(&self.buckets) {
            count += bucket.load(Ordering::Relaxed);
            up_to.push((*bound, count));
        }
        Histogram { up_to, count: count + self.above.load(Ordering::Relaxed), sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Counts;

    #[test]
    fn a_value_counts_for_its_bound_and_every_bound_above() {
        let counts = Counts::default();
        for (jobs, micros) in [(1, 100), (3, 101), (600, 11_000_000)] {
            counts.note(jobs, Duration::from_micros(micros));
        }
        let batches = counts.batches();
        assert_eq!(batches.up_to[..4], [(1, 1), (2, 1), (4, 2), (8, 2)]);
        assert_eq!((batches.up_to[9], batches.count, batches.sum), ((512, 2), 3, 604));
        let commits = counts.commits();
        assert_eq!(commits.up_to[..2], [(100, 1), (250, 2)]);
        assert_eq!((commits.up_to[11], commits.count, commits.sum), ((10_000_000, 2), 3, 11_000_201));
    }
}
