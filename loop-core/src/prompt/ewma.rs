//! How well a version does: moving averages of what its reviewers and its outcomes say. Pure.

use serde::{Deserialize, Serialize};

/// How much the newest value counts.
pub const ALPHA: f64 = 0.3;
/// Below this score a version asks to be improved.
pub const POOR: f64 = 3.5;
/// From so many reviews on a version asks to be improved whatever its score.
pub const MANY: u64 = 15;
/// Fewer reviews than this say too little to ask for anything.
pub const FEW: u64 = 3;
/// How many scores the trend keeps.
pub const TREND: usize = 20;

/// A score at and above which a version is well.
const GOOD: f64 = 4.0;
/// A completion rate below which a version needs watching.
const HALF: f64 = 0.5;
/// A fall of the score over the trend that needs watching.
const FALL: f64 = 0.5;

/// The moving average after one more value: the first value is the average.
#[must_use]
pub fn fold(average: Option<f64>, value: f64) -> f64 {
    // The order of the terms is part of the contract: others compute the same doubles.
    average.map_or(value, |average| ALPHA * value + (1.0 - ALPHA) * average)
}

/// What a reviewer says of a prompt, each from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Whether it was clear what to do.
    pub clarity: u8,
    /// Whether everything needed was there.
    pub completeness: u8,
    /// Whether what was there was needed.
    pub relevance: u8,
}

impl Marks {
    /// Their mean.
    #[must_use]
    pub fn composite(self) -> f64 {
        f64::from(u16::from(self.clarity) + u16::from(self.completeness) + u16::from(self.relevance)) / 3.0
    }
}

/// How an issue that a prompt was given for ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was given up, given back, or its lease ended.
    Failed,
}

/// What is known of one version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Health {
    /// The moving average of the reviews' means.
    pub score: Option<f64>,
    /// How many reviews there were.
    pub reviews: u64,
    /// The score after each of the last [`TREND`] reviews, oldest first.
    pub trend: Vec<f64>,
    /// The moving average of outcomes: 1 for done, 0 for anything else.
    pub completion_rate: Option<f64>,
    /// The moving average of how long what was done took, in milliseconds.
    pub avg_duration_ms: Option<f64>,
}

/// How a version does, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Nothing speaks against it.
    Healthy,
    /// Its score is middling or falling, or half of what it was given for is not done.
    Watch,
    /// Its score is poor, by enough reviews to tell.
    Degraded,
}

impl Health {
    /// Takes a review in.
    pub fn review(&mut self, marks: Marks) {
        let score = fold(self.score, marks.composite());
        self.score = Some(score);
        self.reviews = self.reviews.saturating_add(1);
        if self.trend.len() >= TREND {
            self.trend.drain(..=self.trend.len() - TREND);
        }
        self.trend.push(score);
    }

    /// Takes an outcome in. How long it took counts when it was done.
    pub fn outcome(&mut self, outcome: Outcome, duration_ms: f64) {
        let done = outcome == Outcome::Done;
        self.completion_rate = Some(fold(self.completion_rate, f64::from(u8::from(done))));
        if done {
            self.avg_duration_ms = Some(fold(self.avg_duration_ms, duration_ms.max(0.0)));
        }
    }

    /// Whether it asks to be improved.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.reviews >= FEW && (self.score.is_none_or(|score| score < POOR) || self.reviews >= MANY)
    }

    /// How it does.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let failing = self.completion_rate.is_some_and(|rate| rate < HALF);
        let fallen = self.trend.first().zip(self.trend.last()).is_some_and(|(first, last)| first - last >= FALL);
        match self.score {
            Some(score) if score < POOR && self.reviews >= FEW => Condition::Degraded,
            Some(score) if score < GOOD || fallen => Condition::Watch,
            _ if failing => Condition::Watch,
            _ => Condition::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Condition, Health, Marks, Outcome, TREND, fold};

    const fn all(mark: u8) -> Marks {
        Marks { clarity: mark, completeness: mark, relevance: mark }
    }

    fn reviewed(marks: &[u8]) -> Health {
        let mut health = Health::default();
        marks.iter().for_each(|mark| health.review(all(*mark)));
        health
    }

    #[test]
    fn the_first_review_sets_the_score_and_later_ones_move_it_by_three_tenths() {
        assert_eq!(reviewed(&[4]).score, Some(4.0));
        assert!((reviewed(&[4, 5]).score.unwrap() - 4.3).abs() < 1e-12);
        assert!((reviewed(&[1, 5, 5]).score.unwrap() - 3.04).abs() < 1e-12);
        let mixed = Marks { clarity: 4, completeness: 3, relevance: 4 };
        assert!((mixed.composite() - 11.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn it_asks_to_be_improved_when_poor_by_three_or_reviewed_often() {
        assert!(!reviewed(&[1, 1]).asks());
        assert!(reviewed(&[1, 1, 1]).asks());
        assert!(reviewed(&[1, 5, 5]).asks(), "the moving average decides, not the mean");
        assert!(!reviewed(&[5; 14]).asks());
        assert!(reviewed(&[5; 15]).asks());
    }

    #[test]
    fn outcomes_move_the_rate_and_only_what_was_done_the_duration() {
        let mut health = Health::default();
        health.outcome(Outcome::Done, 100.0);
        health.outcome(Outcome::Failed, 9_000.0);
        health.outcome(Outcome::Done, 200.0);
        assert!((health.completion_rate.unwrap() - 0.79).abs() < 1e-12);
        assert!((health.avg_duration_ms.unwrap() - 130.0).abs() < 1e-12);
    }

    #[test]
    fn its_condition_follows_score_trend_and_outcomes() {
        assert_eq!(Health::default().condition(), Condition::Healthy);
        assert_eq!(reviewed(&[5, 5, 5]).condition(), Condition::Healthy);
        assert_eq!(reviewed(&[2]).condition(), Condition::Watch);
        assert_eq!(reviewed(&[2, 2, 2]).condition(), Condition::Degraded);
        assert_eq!(reviewed(&[5, 5, 3]).condition(), Condition::Watch);
        let mut failing = reviewed(&[5, 5, 5]);
        failing.outcome(Outcome::Failed, 1.0);
        assert_eq!(failing.condition(), Condition::Watch);
    }

    proptest! {
        #[test]
        fn the_average_stays_between_the_least_and_the_greatest(marks in prop::collection::vec(1_u8..=5, 1..60)) {
            let health = reviewed(&marks);
            let (least, most) = (f64::from(*marks.iter().min().unwrap()), f64::from(*marks.iter().max().unwrap()));
            let score = health.score.unwrap();
            prop_assert!(least - 1e-9 <= score && score <= most + 1e-9);
            prop_assert_eq!(health.trend.len(), marks.len().min(TREND));
            prop_assert_eq!(health.trend.last().copied(), Some(score));
        }

        #[test]
        fn equal_values_come_in_any_order(first in 1_u8..=5, rest in 1_u8..=5, n in 0_i32..60) {
            let marks: Vec<u8> = std::iter::once(first).chain(std::iter::repeat_n(rest, n.unsigned_abs() as usize)).collect();
            let (first, rest) = (f64::from(first), f64::from(rest));
            let want = rest + 0.7_f64.powi(n) * (first - rest);
            prop_assert!((reviewed(&marks).score.unwrap() - want).abs() < 1e-9);
            prop_assert!((fold(Some(first), rest) - (0.3 * rest + 0.7 * first)).abs() < 1e-12);
        }
    }
}
