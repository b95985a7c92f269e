//! What ran how often, how long and for how many tokens.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{failing::subject, latency::Latency};
use crate::{
    base::Time,
    telemetry::{
        dialect::Class,
        row::{Field, Row},
        window::Window,
    },
};

/// The most tools and names that are told apart.
const SUBJECTS_MAX: usize = 10_000;
/// The most of them whose durations are kept.
const TIMED_MAX: usize = 300;
/// The most models that are told apart.
const MODELS_MAX: usize = 200;
/// The most days.
const DAYS_MAX: usize = 32;
const DAY: i64 = 86_400_000_000;

/// A tool, or spans of one name.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) class: Class,
    pub(super) name: Box<str>,
    pub(super) runs: u64,
    pub(super) failed: u64,
    /// The end of its latest run that went well.
    pub(super) good: Option<Time>,
    pub(super) latency: Option<Latency>,
}

/// A language model.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) calls: u64,
    pub(super) input: u64,
    pub(super) output: u64,
}

/// A day, by the ends of spans.
#[derive(Debug, Clone, Default)]
pub(super) struct Day {
    pub(super) spans: u64,
    pub(super) failing: u64,
    pub(super) input: u64,
    pub(super) output: u64,
}

/// The numbers of a window.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hasher: RandomState,
    pub(super) spans: u64,
    pub(super) failing: u64,
    pub(super) input: u64,
    pub(super) output: u64,
    subjects: HashMap<u64, Subject, RandomState>,
    timed: usize,
    pub(super) models: HashMap<Box<str>, Model, RandomState>,
    /// By class.
    pub(super) classes: [Latency; 4],
    /// The first day, and the days from it.
    pub(super) first_day: i64,
    pub(super) days: Vec<Day>,
}

impl Tally {
    pub(super) fn of(window: Window) -> Self {
        let first_day = window.from.as_micros().div_euclid(DAY);
        let last = (window.to.as_micros() - 1).div_euclid(DAY);
        let days = usize::try_from(last - first_day + 1).unwrap_or(0).min(DAYS_MAX);
        Self { first_day, days: vec![Day::default(); days], ..Self::default() }
    }

    fn key(&self, class: Class, name: &str) -> u64 {
        self.hasher.hash_one((class as u8, name))
    }

    /// Makes room for a subject that must be known, however many there are.
    pub(super) fn watch(&mut self, class: Class, name: &str) {
        let key = self.key(class, name);
        self.subjects.entry(key).or_insert_with(|| Subject::of(class, name));
    }

    /// The subject of this name.
    pub(super) fn subject(&self, class: Class, name: &str) -> Option<&Subject> {
        self.subjects.get(&self.key(class, name))
    }

    /// Every subject that ran.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.values().filter(|subject| subject.runs > 0)
    }

    /// The start of a day by its place among the days.
    pub(super) fn day(&self, at: usize) -> Time {
        let day = self.first_day.saturating_add(i64::try_from(at).unwrap_or(0));
        Time::from_micros(day.saturating_mul(DAY))
    }

    pub(super) fn note(&mut self, row: &Row<&str>) {
        let (failed, took) = (row.failed(), row.end.micros_since(row.start).unsigned_abs());
        let of_model = row.class == Class::Model;
        let (input, output) = if of_model { (row.input_tokens, row.output_tokens) } else { (0, 0) };
        self.spans += 1;
        self.failing += u64::from(failed);
        self.input = self.input.saturating_add(input);
        self.output = self.output.saturating_add(output);
        if let Some(latency) = self.classes.get_mut(row.class as usize) {
            latency.add(took);
        }
        let day = usize::try_from(row.end.as_micros().div_euclid(DAY) - self.first_day).ok();
        if let Some(day) = day.and_then(|at| self.days.get_mut(at)) {
            day.spans += 1;
            day.failing += u64::from(failed);
            day.input = day.input.saturating_add(input);
            day.output = day.output.saturating_add(output);
        }
        if of_model {
            self.note_model(row);
        }
        let name = subject(row);
        let key = self.key(row.class, name);
        let full = self.subjects.len() >= SUBJECTS_MAX;
        let known = match self.subjects.get_mut(&key) {
            Some(known) => known,
            None if full => return,
            None => self.subjects.entry(key).or_insert_with(|| Subject::of(row.class, name)),
        };
        if known.runs == 0 && row.class != Class::Other && self.timed < TIMED_MAX {
            self.timed += 1;
            known.latency = Some(Latency::default());
        }
        known.runs += 1;
        known.failed += u64::from(failed);
        if !failed {
            known.good = known.good.max(Some(row.end));
        }
        if let Some(latency) = &mut known.latency {
            latency.add(took);
        }
    }

    fn note_model(&mut self, row: &Row<&str>) {
        let name = row.text(Field::Model).unwrap_or("unknown");
        let full = self.models.len() >= MODELS_MAX;
        let known = match self.models.get_mut(name) {
            Some(known) => known,
            None => self.models.entry(if full { "other" } else { name }.into()).or_default(),
        };
        known.calls += 1;
        known.input = known.input.saturating_add(row.input_tokens);
        known.output = known.output.saturating_add(row.output_tokens);
    }
}

impl Subject {
    fn of(class: Class, name: &str) -> Self {
        Self { class, name: name.into(), runs: 0, failed: 0, good: None, latency: None }
    }
}
