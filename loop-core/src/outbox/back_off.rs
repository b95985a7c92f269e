//! When a failed delivery is tried again.

use crate::base::Seed;

/// The wait after the first failure, in microseconds; each further one is 2.5 times as long.
const FIRST: i64 = 50 * 1_000_000;

/// The longest wait that the other side may ask for, in seconds.
pub const ASKED_MAX: u32 = 3_600;

/// The wait after `attempts` failed deliveries, in microseconds: exponential, spread by a quarter to either
/// side so that notices that failed together do not come back together.
///
/// `asked` is the wait in seconds the other side asked for (`Retry-After`), capped at [`ASKED_MAX`]; the longer wait wins.
#[must_use]
pub fn wait(attempts: u32, asked: Option<u32>, seed: &mut Seed) -> i64 {
    let steps = attempts.saturating_sub(1).min(8);
    let base = (0..steps).fold(FIRST, |wait, _| wait.saturating_mul(5) / 2);
    let [a, b, ..] = seed.draw();
    let part = i64::from(u16::from_be_bytes([a, b]));
    // 3/4 of the base and, at most, another half of it.
    let spread = (base / 4).saturating_mul(3).saturating_add((base / 2).saturating_mul(part) / 65_536);
    let asked = i64::from(asked.unwrap_or(0).min(ASKED_MAX)).saturating_mul(1_000_000);
    spread.max(asked)
}

#[cfg(test)]
mod tests {
    use super::wait;
    use crate::{base::Seed, outbox::ATTEMPTS_MAX};

    #[test]
    fn waits_grow_and_stay_within_a_quarter_of_the_plan() {
        for byte in 0..=255 {
            let mut seed = Seed::new([byte; 32]);
            for attempts in 1..ATTEMPTS_MAX {
                let plan = 50e6 * 2.5f64.powi(i32::try_from(attempts).unwrap() - 1);
                let waited = wait(attempts, None, &mut seed) as f64;
                assert!((plan * 0.749..plan * 1.251).contains(&waited), "{attempts}: {waited}");
            }
        }
    }

    #[test]
    fn all_attempts_together_take_about_six_hours() {
        let mut seed = Seed::new([3; 32]);
        let total: i64 = (1..ATTEMPTS_MAX).map(|attempts| wait(attempts, None, &mut seed)).sum();
        assert!((4 * 3_600..8 * 3_600).contains(&(total / 1_000_000)), "{total}");
    }

    #[test]
    fn an_asked_wait_is_kept_but_capped() {
        let mut seed = Seed::new([3; 32]);
        assert_eq!(wait(1, Some(600), &mut seed), 600_000_000);
        assert_eq!(wait(1, Some(u32::MAX), &mut seed), 3_600_000_000);
        assert!(wait(6, Some(1), &mut seed) > 1_000_000_000);
        assert!(wait(u32::MAX, None, &mut seed) > 0);
    }
}
