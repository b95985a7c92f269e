//! Finding the rules that a call may match among thousands that one tool may: by amounts, names, parts that many rules
//! share, and other numbers. A rule is found whenever its condition is not false; what is found is judged as a whole.

use std::{
    fmt::Write as _,
    hash::{BuildHasher as _, Hasher as _},
};

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::said::{Name, Number, Said, Wanted, names, range};
use crate::{
    base::Decimal,
    policy::{
        condition::{Condition, Limit, Range},
        mentions::Starts,
        truth::Truth,
    },
};

/// So many rules are not worth sorting.
const FEW: usize = 8;
/// How often rules are sorted again among those that one kind of telling finds.
const LEVELS: usize = 5;
/// By how many names one part of a rule is found at most, and how many alternatives are told apart.
const NAMES_MAX: usize = 8;

/// Places of rules.
pub(super) type Places = SmallVec<[u32; 16]>;

/// Rules by what a call has to say for them to hold.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    /// Rules that any call may match.
    any: Vec<u32>,
    gates: Vec<Gate>,
}

#[derive(Debug)]
enum Gate {
    /// A number has to lie in a range. `behind` are all of them by what else they ask for.
    Number { number: Number, ranges: Ranges, behind: Sieve },
    /// Something has to have one of the names. `all` are found where it cannot be told which it has.
    Name { name: Name, by: ByPrint, starts: Box<Starts>, all: Sieve },
    /// A part has to hold, or not to hold, that many rules share.
    Part { part: Condition, denied: bool, behind: Sieve },
}

/// By the prints of names.
type ByPrint = HashMap<u64, Sieve, foldhash::fast::RandomState>;

/// A rule that is being sorted: where it stands, and the parts that are not used yet to find it by.
#[derive(Debug, Clone)]
struct Entry<'c> {
    place: u32,
    parts: SmallVec<[Part<'c>; 4]>,
}

/// A part that has to hold, or must not where it is denied.
#[derive(Debug, Clone, Copy)]
struct Part<'c> {
    condition: &'c Condition,
    denied: bool,
    /// Equal for equal ones.
    print: u64,
}

impl Sieve {
    /// Sorts rules by their conditions.
    pub(super) fn of(rules: &[(u32, Condition)]) -> Self {
        if rules.len() <= FEW {
            return Self { any: (0_u32..).zip(rules).map(|(place, _)| place).collect(), gates: Vec::new() };
        }
        let mut entries = Vec::with_capacity(rules.len());
        for (place, (_, condition)) in (0_u32..).zip(rules) {
            match condition {
                Condition::Any(any) if (1..=NAMES_MAX).contains(&any.len()) => {
                    entries.extend(any.iter().map(|one| Entry::new(place, one)));
                }
                other => entries.push(Entry::new(place, other)),
            }
        }
        Self::build(entries, LEVELS, true)
    }

    fn build(entries: Vec<Entry<'_>>, levels: usize, by_names: bool) -> Self {
        let mut sieve = Self::default();
        let Some(below) = levels.checked_sub(1).filter(|_| entries.len() > FEW) else {
            sieve.any = entries.iter().map(|entry| entry.place).collect();
            return sieve;
        };
        let shared = shares(&entries);
        let (mut numbers, mut named) = (Groups::default(), Groups::default());
        let mut parts: HashMap<u64, (Part<'_>, Vec<Entry<'_>>), foldhash::fast::FixedState> = HashMap::default();
        for mut entry in entries {
            // Amounts first: they are read anyway. Names tell most, then what few words say of many rules.
            if let Some((number, range)) =
                entry.take(|part, denied| range(part, denied).filter(|(number, _)| matches!(number, Number::Amount(_))))
            {
                numbers.add(number, (range, entry));
            } else if let Some((name, keys)) = entry.take(|part, denied| {
                let mut starts = Starts::default();
                let (name, keys) = names(part, &mut starts).filter(|_| by_names && !denied)?;
                (keys.len() <= NAMES_MAX).then_some((name, (keys, starts)))
            }) {
                named.add(name, (keys, entry));
            } else if let Some(part) = entry.take_most_shared(&shared) {
                let known = parts.entry(part.print).or_insert_with(|| (part, Vec::new()));
                if known.0.is(&part) {
                    known.1.push(entry);
                } else {
                    sieve.any.push(entry.place);
                }
            } else if let Some((number, range)) = entry.take(range) {
                numbers.add(number, (range, entry));
            } else {
                sieve.any.push(entry.place);
            }
        }
        for (number, rules) in numbers.0 {
            if rules.len() <= FEW {
                sieve.any.extend(rules.iter().map(|(_, entry)| entry.place));
                continue;
            }
            let ranges = Ranges::of(rules.iter().map(|(range, entry)| (*range, entry.place)));
            let behind = Self::build(rules.into_iter().map(|(_, entry)| entry).collect(), below, by_names);
            sieve.gates.push(Gate::Number { number, ranges, behind });
        }
        for (name, rules) in named.0 {
            if rules.len() <= FEW {
                sieve.any.extend(rules.iter().map(|(_, entry)| entry.place));
                continue;
            }
            let mut by: HashMap<u64, Vec<Entry<'_>>, foldhash::fast::FixedState> = HashMap::default();
            let mut starts = Starts::default();
            for ((keys, begin), entry) in &rules {
                starts.merge(begin);
                for key in keys {
                    by.entry(*key).or_default().push(entry.clone());
                }
            }
            // Names within names would be as many as both lists multiplied.
            let by = by.into_iter().map(|(key, entries)| (key, Self::build(entries, below, false))).collect();
            let all = Self::build(rules.into_iter().map(|(_, entry)| entry).collect(), below, by_names);
            sieve.gates.push(Gate::Name { name, by, starts: Box::new(starts), all });
        }
        for (_, (part, entries)) in parts {
            if entries.len() <= FEW {
                sieve.any.extend(entries.iter().map(|entry| entry.place));
                continue;
            }
            let behind = Self::build(entries, below, by_names);
            sieve.gates.push(Gate::Part { part: part.condition.clone(), denied: part.denied, behind });
        }
        sieve
    }

    /// Whether finding needs the amounts of a call.
    pub(super) fn reads_amounts(&self) -> bool {
        self.gates.iter().any(|gate| match gate {
            Gate::Number { number, behind, .. } => matches!(number, Number::Amount(_)) || behind.reads_amounts(),
            Gate::Name { all, .. } => all.reads_amounts(),
            Gate::Part { behind, .. } => behind.reads_amounts(),
        })
    }

    /// Adds what has to be known of a call to find rules.
    pub(super) fn wants(&self, wanted: &mut Wanted) {
        for gate in &self.gates {
            match gate {
                Gate::Number { number, behind, .. } => {
                    wanted.add_number(number);
                    behind.wants(wanted);
                }
                Gate::Name { name, by, starts, all } => {
                    wanted.add_name(*name, starts);
                    by.values().for_each(|rules| rules.wants(wanted));
                    all.wants(wanted);
                }
                Gate::Part { behind, .. } => behind.wants(wanted),
            }
        }
    }

    /// Adds the places of all rules that the call may match.
    pub(super) fn find(&self, said: &Said<'_>, found: &mut Places) {
        found.extend_from_slice(&self.any);
        for gate in &self.gates {
            match gate {
                Gate::Number { number, ranges, behind } => {
                    let Some((least, most)) = said.hull(number) else {
                        behind.find(said, found);
                        continue;
                    };
                    let mut within = Places::new();
                    ranges.meeting(least, most, &mut within);
                    if within.len() > FEW {
                        // By what else they ask for there may be fewer.
                        let mut others = Places::new();
                        behind.find(said, &mut others);
                        if others.len() < within.len() {
                            within = others;
                        }
                    }
                    found.extend_from_slice(&within);
                }
                Gate::Name { name, by, all, .. } => {
                    let told = said.each_name(*name, &mut |print| {
                        if let Some(rules) = by.get(&print) {
                            rules.find(said, found);
                        }
                    });
                    if !told {
                        all.find(said, found);
                    }
                }
                Gate::Part { part, denied, behind } => {
                    let truth = said.call.judge(part);
                    let holds = if *denied { truth.least != Truth::Yes } else { truth.most != Truth::No };
                    if holds {
                        behind.find(said, found);
                    }
                }
            }
        }
    }
}

impl<'c> Entry<'c> {
    fn new(place: u32, condition: &'c Condition) -> Self {
        let mut entry = Self { place, parts: SmallVec::new() };
        entry.flatten(condition, false, Condition::DEPTH_MAX);
        entry
    }

    fn flatten(&mut self, condition: &'c Condition, denied: bool, depth: usize) {
        match (condition, depth.checked_sub(1)) {
            (Condition::All(inner), Some(below)) if !denied => {
                inner.iter().for_each(|one| self.flatten(one, denied, below));
            }
            (Condition::Any(inner), Some(below)) if denied => {
                inner.iter().for_each(|one| self.flatten(one, denied, below));
            }
            (Condition::Not(one), Some(below)) => self.flatten(one, !denied, below),
            // What is left open by the name of a tool, and not told by words, tells no call from another.
            (Condition::Deed(deed), _) if deed.nouns.is_empty() => {}
            _ => self.parts.push(Part::new(condition, denied)),
        }
    }

    /// Takes the first part out that something is to be told of.
    fn take<T>(&mut self, told: impl Fn(&'c Condition, bool) -> Option<T>) -> Option<T> {
        let parts = self.parts.iter().enumerate();
        let (at, told) = parts.filter_map(|(at, part)| Some((at, told(part.condition, part.denied)?))).next()?;
        self.parts.remove(at);
        Some(told)
    }

    /// Takes the part out that most rules share.
    fn take_most_shared(&mut self, shared: &Shares) -> Option<Part<'c>> {
        let count = |part: &Part<'_>| shared.get(&part.print).copied().unwrap_or(0);
        let (at, count) = self.parts.iter().map(count).enumerate().max_by_key(|(_, count)| *count)?;
        (count > FEW).then(|| self.parts.remove(at))
    }
}

impl<'c> Part<'c> {
    fn new(condition: &'c Condition, denied: bool) -> Self {
        let mut print = Print(foldhash::fast::FixedState::default().build_hasher());
        // Parts with a range are told apart by that.
        if range(condition, denied).is_none() {
            let _ = write!(print, "{denied}{condition:?}");
        }
        Self { condition, denied, print: print.0.finish() }
    }

    fn is(&self, other: &Self) -> bool {
        self.denied == other.denied && self.condition == other.condition
    }
}

/// A hash of what is written to it.
struct Print(foldhash::fast::FoldHasher<'static>);

impl std::fmt::Write for Print {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

type Shares = HashMap<u64, usize, foldhash::fast::FixedState>;

/// How many rules each part stands in, but for those with ranges.
fn shares(entries: &[Entry<'_>]) -> Shares {
    let mut shares = Shares::default();
    for part in entries.iter().flat_map(|entry| &entry.parts) {
        if range(part.condition, part.denied).is_none() {
            *shares.entry(part.print).or_default() += 1;
        }
    }
    shares
}

/// Rules that something is told of alike, in the order in which they were met.
#[derive(Debug)]
struct Groups<K, T>(Vec<(K, Vec<T>)>);

impl<K, T> Default for Groups<K, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, T> Groups<K, T> {
    fn add(&mut self, key: K, rule: T) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rules)) => rules.push(rule),
            None => self.0.push((key, vec![rule])),
        }
    }
}

/// Ranges with their rules.
#[derive(Debug, Default)]
struct Ranges {
    /// Open above, by rising lower limit.
    rising: Vec<(Limit, u32)>,
    /// Open below, by falling upper limit.
    falling: Vec<(Limit, u32)>,
    /// Closed, by rising lower limit, in runs with the largest upper limit of each.
    closed: Vec<(Limit, Vec<Closed>)>,
}

/// A range with both limits, and its rule.
type Closed = (Limit, Limit, u32);

/// How many closed ranges stand in a run.
const RUN: usize = 32;

impl Ranges {
    fn of(ranges: impl Iterator<Item = (Range, u32)>) -> Self {
        let mut all = Self::default();
        let mut closed = Vec::new();
        for (range, place) in ranges {
            match (range.from, range.to) {
                (Some(from), None) => all.rising.push((from, place)),
                (None, Some(to)) => all.falling.push((to, place)),
                (Some(from), Some(to)) => closed.push((from, to, place)),
                (None, None) => {}
            }
        }
        // At one value an inclusive limit is passed first.
        all.rising.sort_by_key(|(limit, _)| (limit.value, !limit.inclusive));
        all.falling.sort_by_key(|(limit, _)| (std::cmp::Reverse(limit.value), !limit.inclusive));
        closed.sort_by_key(|(from, ..)| (from.value, !from.inclusive));
        for run in closed.chunks(RUN) {
            if let Some(most) = run.iter().map(|(_, to, _)| *to).max_by_key(|to| (to.value, to.inclusive)) {
                all.closed.push((most, run.to_vec()));
            }
        }
        all
    }

    /// Adds the rules whose range holds a number from `least` to `most`, or may.
    fn meeting(&self, least: Decimal, most: Decimal, found: &mut Places) {
        let above = |from: &Limit| most > from.value || (from.inclusive && most == from.value);
        let below = |to: &Limit| least < to.value || (to.inclusive && least == to.value);
        // Most calls stay within all limits.
        if self.rising.first().is_some_and(|(from, _)| above(from)) {
            let end = self.rising.partition_point(|(from, _)| above(from));
            found.extend(self.rising.iter().take(end).map(|(_, place)| *place));
        }
        if self.falling.first().is_some_and(|(to, _)| below(to)) {
            let end = self.falling.partition_point(|(to, _)| below(to));
            found.extend(self.falling.iter().take(end).map(|(_, place)| *place));
        }
        for (highest, run) in &self.closed {
            if !run.first().is_some_and(|(from, ..)| above(from)) {
                break;
            }
            if below(highest) {
                let within = run.iter().filter(|(from, to, _)| above(from) && below(to));
                found.extend(within.map(|(.., place)| *place));
            }
        }
    }
}

#[cfg(test)]
mod tests;
