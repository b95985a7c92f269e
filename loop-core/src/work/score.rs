//! What an issue is worth to be worked on next, and the number that orders issues by it.
//!
//! The exact score of an issue at a time `t` is `weights + bonus + (t − created) / day`. As `t` is the same for all
//! that are compared, ordering by it, greatest first, is ordering by `created − (weights + bonus) · day`, smallest
//! first: each point is worth a day of waiting, so an issue is as urgent as one without weights that was made so many
//! days earlier. That instant is the [`Rank`]. It does not change as time goes by, so it can be stored and indexed.
//!
//! The score that is shown uses whole days. Weights are whole numbers, so it is the exact score rounded down, and
//! rounding down never turns an order round: the stored order only refines the ties of the shown one.

use super::{Issue, IssueType};
use crate::base::Time;

/// Points for an issue whose project serves an active goal.
pub const GOAL_BONUS: i64 = 20;
/// What a point is worth: a day of waiting, in microseconds.
const DAY: i64 = 86_400_000_000;

/// Points for a priority, 1 being urgent and 4 low; 0 is none.
#[must_use]
pub const fn priority_weight(priority: u8) -> i64 {
    match priority {
        1 => 100,
        2 => 75,
        3 => 50,
        4 => 25,
        _ => 10,
    }
}

/// Points for what an issue is.
#[must_use]
pub const fn type_weight(kind: IssueType) -> i64 {
    match kind {
        IssueType::Signal => 50,
        IssueType::Hypothesis => 40,
        IssueType::Plan => 30,
        IssueType::Task => 20,
        IssueType::Monitor => 10,
    }
}

/// What a score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breakdown {
    /// Points for the priority: 10 to 100.
    pub priority_weight: i64,
    /// 20 when the project serves an active goal, else 0.
    pub goal_bonus: i64,
    /// Whole days since the issue was made.
    pub age_bonus: i64,
    /// Points for the type: 10 to 50.
    pub type_bonus: i64,
}

impl Breakdown {
    /// The points of an issue at a time. `boosted` tells whether its project serves an active goal.
    #[must_use]
    pub const fn of(issue: &Issue, boosted: bool, now: Time) -> Self {
        let age = now.micros_since(issue.created_at) / DAY;
        Self {
            priority_weight: priority_weight(issue.priority),
            goal_bonus: if boosted { GOAL_BONUS } else { 0 },
            age_bonus: if age < 0 { 0 } else { age },
            type_bonus: type_weight(issue.kind),
        }
    }

    /// The score.
    #[must_use]
    pub const fn score(&self) -> i64 {
        self.priority_weight
            .saturating_add(self.goal_bonus)
            .saturating_add(self.age_bonus)
            .saturating_add(self.type_bonus)
    }
}

/// Where an issue stands among others, the least first. Equal ranks are ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(i64);

impl Rank {
    /// How many bytes it has in a key.
    pub const BYTES: usize = 8;

    /// The rank of an issue by its own weights.
    #[must_use]
    pub const fn of(issue: &Issue) -> Self {
        let weights = priority_weight(issue.priority).saturating_add(type_weight(issue.kind));
        Self(issue.created_at.as_micros().saturating_sub(weights.saturating_mul(DAY)))
    }

    /// The rank with the bonus of a goal, when there is one.
    #[must_use]
    pub const fn with_goal(self, boosted: bool) -> Self {
        if boosted { Self(self.0.saturating_sub(GOAL_BONUS.saturating_mul(DAY))) } else { self }
    }

    /// Eight bytes that sort as the rank does.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        (self.0 ^ i64::MIN).to_be_bytes()
    }

    /// Reads [`Self::to_bytes`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(i64::from_be_bytes(bytes) ^ i64::MIN)
    }
}
