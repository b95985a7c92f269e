//! The arithmetic of trust.

/// Where every loop starts.
pub const START: u8 = 50;
/// The most a loop can be trusted.
const MOST: i32 = 100;

/// The score after a step, clamped to 0 to 100. Steps are taken in order: a clamp forgets what lies beyond it.
#[must_use]
pub fn step(score: u8, delta: i16) -> u8 {
    u8::try_from(i32::from(score).saturating_add(i32::from(delta)).clamp(0, MOST)).unwrap_or(0)
}

/// What a score means, in five words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Below 40.
    Sandbox,
    /// 40 to 59.
    Research,
    /// 60 to 79.
    Guided,
    /// 80 to 89.
    Autonomous,
    /// 90 and more.
    Full,
}

impl Tier {
    /// The tier of a score.
    #[must_use]
    pub const fn of(score: u8) -> Self {
        match score {
            0..40 => Self::Sandbox,
            40..60 => Self::Research,
            60..80 => Self::Guided,
            80..90 => Self::Autonomous,
            _ => Self::Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{START, Tier, step};

    #[test]
    fn a_clamp_forgets_what_lies_beyond_it() {
        let fold = |deltas: &[i16]| deltas.iter().fold(START, |score, delta| step(score, *delta));
        assert_eq!(fold(&[8, 8, 8, 8, 8, 8, 8, -2]), 98);
        assert_eq!(fold(&[-10, -10, -10, -10, -10, -10, 1]), 1);
        assert_eq!(fold(&[i16::MAX, i16::MIN]), 0);
    }

    #[test]
    fn tiers_begin_where_they_say() {
        let tiers = [0, 39, 40, 59, 60, 79, 80, 89, 90, 100].map(Tier::of);
        use Tier::{Autonomous, Full, Guided, Research, Sandbox};
        assert_eq!(tiers, [Sandbox, Sandbox, Research, Research, Guided, Guided, Autonomous, Autonomous, Full, Full]);
    }

    proptest! {
        #[test]
        fn a_score_never_leaves_its_bounds(deltas in prop::collection::vec(any::<i16>(), 0..64)) {
            let score = deltas.iter().fold(START, |score, delta| step(score, *delta));
            prop_assert!(score <= 100);
        }
    }
}
