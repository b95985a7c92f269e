//! How long something took, in a few kilobytes however often it ran.

/// How many buckets each doubling has: what is told is at most 1/32 off.
const STEPS: u64 = 32;

/// Durations by size, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    counts: Vec<u32>,
    total: u64,
}

impl Latency {
    /// One more duration.
    pub fn add(&mut self, micros: u64) {
        let at = bucket(micros);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(at) {
            *count = count.saturating_add(1);
            self.total += 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The duration that `percent` of them do not exceed, in microseconds; 0 when there are none.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> u64 {
        let wanted = self.total.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return highest(at as u64);
            }
        }
        0
    }
}

/// The bucket of a duration: each below [`STEPS`] has its own, then each doubling has as many.
const fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let doubling = (63 - micros.leading_zeros() - 5) as u64;
    ((doubling + 1) * STEPS + (micros >> doubling) % STEPS) as usize
}

/// The longest duration of a bucket.
const fn highest(at: u64) -> u64 {
    if at < STEPS {
        return at;
    }
    let doubling = at / STEPS - 1;
    let low = (STEPS + at % STEPS) << doubling;
    low + ((1 << doubling) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Latency, bucket, highest};

    #[test]
    fn percentiles_are_those_of_what_was_added() {
        let mut latency = Latency::default();
        assert_eq!((latency.percentile(50), latency.count()), (0, 0));
        for micros in 1..=1_000 {
            latency.add(micros * 1_000);
        }
        for (percent, exact) in [(50, 500_000), (90, 900_000), (99, 990_000), (100, 1_000_000)] {
            let told = latency.percentile(percent);
            assert!(told >= exact && told <= exact + exact / 32, "{percent}: {told}");
        }
        latency.add(u64::MAX);
        assert_eq!(latency.percentile(100), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_duration_lies_in_its_bucket(micros in any::<u64>(), small in 0_u64..200) {
            for micros in [micros, small] {
                let at = bucket(micros) as u64;
                prop_assert!(micros <= highest(at));
                prop_assert!(at == 0 || micros > highest(at - 1));
            }
        }
    }
}
