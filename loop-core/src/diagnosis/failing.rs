//! The spans that failed, and which of them only pass on what another failed with.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};

use super::{
    mask::mask,
    texts::{NONE, Texts},
    traces::Trace,
};
use crate::telemetry::{
    dialect::Class,
    row::{Field, Row},
};

/// The most failures that are looked at.
const FAILING_MAX: usize = 1_000_000;
/// The most spans between failures that are remembered.
const LINKS_MAX: usize = 1_500_000;
/// How far up a failure is followed.
const DEPTH: usize = 256;
/// How many steps up are taken in all.
const STEPS_MAX: usize = 50_000_000;
/// The longest message by which failures are told apart, in characters.
pub(super) const MESSAGE_MAX: usize = 160;

/// A span that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing {
    /// The number of its trace.
    pub(super) trace: u32,
    pub(super) span: [u8; 8],
    parent: [u8; 8],
    pub(super) end: i64,
    /// The session that it names itself.
    pub(super) session: u64,
    /// Its masked message; 0 for none.
    said: u64,
    /// The text of its tool or name.
    pub(super) name: u32,
    /// The text of its error's type.
    pub(super) error: u32,
    /// The text of its masked message, when it has no type.
    pub(super) message: u32,
    pub(super) class: Class,
    /// Whether it only passes on what another failed with.
    pub(super) passes_on: bool,
}

/// All of a window.
#[derive(Debug, Default)]
pub(super) struct AllFailing {
    pub(super) rows: Vec<Failing>,
    /// Traces with failures, by number: id, hash, how many failures.
    pub(super) traces: Vec<([u8; 16], u64, u32)>,
    pub(super) texts: Texts,
    hasher: RandomState,
    /// The parents of spans that did not fail.
    links: HashMap<(u32, [u8; 8]), [u8; 8], RandomState>,
    /// Whether there is more than was looked at.
    pub(super) truncated: bool,
}

/// What a failing span is counted under: its tool, else its name.
pub(super) fn subject<T: AsRef<str>>(row: &Row<T>) -> &str {
    row.text(Field::Tool).filter(|_| row.class == Class::Tool).unwrap_or_else(|| row.name())
}

/// The last part of a qualified name: `TimeoutError` of `asyncio.exceptions.TimeoutError`. One library tells the one in an
/// attribute and the other in an event.
fn short(error: &str) -> &str {
    let last = error.rsplit(['.', ':', '/']).next().unwrap_or(error);
    if last.starts_with(|letter: char| letter.is_alphabetic()) { last } else { error }
}

impl AllFailing {
    /// Notes a row that failed.
    pub(super) fn note(&mut self, id: [u8; 16], hash: u64, known: &mut Trace, session: u64, row: &Row<&str>) {
        if self.rows.len() >= FAILING_MAX {
            self.truncated = true;
            return;
        }
        if known.failing == NONE {
            known.failing = u32::try_from(self.traces.len()).unwrap_or(NONE);
            self.traces.push((id, hash, 0));
        }
        let Some((_, _, count)) = self.traces.get_mut(known.failing as usize) else { return };
        *count = count.saturating_add(1);
        let error = row.text(Field::ErrorType).map_or(NONE, |error| self.texts.number(short(error)));
        let masked = row.text(Field::Message).map(|message| mask(message, MESSAGE_MAX)).unwrap_or_default();
        self.rows.push(Failing {
            trace: known.failing,
            span: row.key.span,
            parent: row.parent.unwrap_or_default(),
            end: row.end.as_micros(),
            session,
            said: if masked.is_empty() { 0 } else { self.hasher.hash_one(&masked).max(1) },
            name: self.texts.number(subject(row)),
            error,
            message: if error == NONE { self.texts.number(&masked) } else { NONE },
            class: row.class,
            passes_on: false,
        });
    }

    /// The traces of which the other spans must be known: a failure may have passed through them.
    pub(super) fn wanted(&self) -> HashMap<[u8; 16], u32, RandomState> {
        let several = |trace: &u32| self.traces.get(*trace as usize).is_some_and(|(_, _, count)| *count >= 2);
        let own: HashSet<(u32, [u8; 8]), RandomState> =
            self.rows.iter().filter(|row| several(&row.trace)).map(|row| (row.trace, row.span)).collect();
        let through =
            |row: &&Failing| several(&row.trace) && row.parent != [0; 8] && !own.contains(&(row.trace, row.parent));
        let wanted = self.rows.iter().filter(through).map(|row| row.trace);
        wanted.filter_map(|trace| Some((self.traces.get(trace as usize)?.0, trace))).collect()
    }

    /// Notes a span of a wanted trace.
    pub(super) fn link<T: AsRef<str>>(&mut self, trace: u32, row: &Row<T>) {
        let Some(parent) = row.parent.filter(|_| !row.failed()) else { return };
        if self.links.len() >= LINKS_MAX {
            self.truncated = true;
        } else {
            self.links.insert((trace, row.key.span), parent);
        }
    }

    /// Finds out which failures only pass on another's. Each span is there once afterwards.
    pub(super) fn attribute(&mut self) {
        self.rows.sort_unstable_by_key(|row| (row.trace, row.span, row.end));
        // A span that was stored anew during the walk was seen twice.
        self.rows.dedup_by_key(|row| (row.trace, row.span));
        let (mut from, mut steps, mut passing) = (0, 0, Vec::new());
        for of_trace in self.rows.chunk_by(|a, b| a.trace == b.trace) {
            if of_trace.len() >= 2 {
                for row in of_trace {
                    let met = self.ancestors(row, of_trace, &mut steps);
                    passing.extend(met.into_iter().map(|at| from + at));
                }
            }
            from += of_trace.len();
        }
        if steps >= STEPS_MAX {
            self.truncated = true;
        }
        for at in passing {
            if let Some(row) = self.rows.get_mut(at) {
                row.passes_on = true;
            }
        }
    }

    /// Which failures above this one carry the same; none when it is above itself.
    fn ancestors(&self, row: &Failing, of_trace: &[Failing], steps: &mut usize) -> Vec<usize> {
        let (mut at, mut met) = (row.parent, Vec::new());
        for _ in 0..DEPTH {
            *steps += 1;
            if at == [0; 8] || *steps >= STEPS_MAX {
                break;
            }
            if at == row.span {
                return Vec::new();
            }
            let found = of_trace.binary_search_by_key(&at, |other| other.span).ok();
            match found.and_then(|found| Some((found, of_trace.get(found)?))) {
                Some((found, above)) => {
                    if same(row, above) {
                        met.push(found);
                    }
                    at = above.parent;
                }
                None => match self.links.get(&(row.trace, at)) {
                    Some(parent) => at = *parent,
                    None => break,
                },
            }
        }
        met
    }
}

/// Whether what is above failed with the same: with the same type; or it names none, and says nothing else.
fn same(below: &Failing, above: &Failing) -> bool {
    if above.error == NONE { above.said == 0 || above.said == below.said } else { above.error == below.error }
}
