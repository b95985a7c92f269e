//! What came out of a window.

use std::{cmp::Reverse, hash::Hash};

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};

use super::{
    cluster::{Cause, Cluster, EVIDENCE_MAX, Error, severity},
    failing::{AllFailing, Failing},
    tally::Tally,
    texts::NONE,
    traces::{Sessions, Traces},
};
use crate::{
    base::Time,
    telemetry::{dialect::Class, row::SpanKey, window::Window},
};

/// The most problems that are told apart.
const CLUSTERS_MAX: usize = 10_000;
/// The most problems that are told.
pub const ISSUES_MAX: usize = 100;

/// What came out of a window.
#[derive(Debug)]
pub struct Findings {
    /// The window.
    pub window: Window,
    /// The problems, those with the most failures first, then the worst.
    pub clusters: Vec<Cluster>,
    /// How many spans failed of themselves.
    pub failures: u64,
    /// How many traces there are with failures.
    pub failing_traces: u64,
    /// Whether there was more than could be looked at. Then nothing is known of what did not happen.
    pub truncated: bool,
    pub(super) sessions: Sessions,
    pub(super) tally: Tally,
    /// Failures by class and name.
    of_subject: HashMap<(Class, Box<str>), u64, RandomState>,
}

impl Findings {
    /// How many spans were read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.tally.spans
    }

    /// How many sessions they are of.
    #[must_use]
    pub const fn session_count(&self) -> u64 {
        self.sessions.count
    }

    /// The problems that are told: [`ISSUES_MAX`] at most.
    pub fn told(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.iter().take(ISSUES_MAX)
    }

    /// The end of the latest run of a tool, or of spans of one name, that went well.
    #[must_use]
    pub fn went_well(&self, class: Class, name: &str) -> Option<Time> {
        self.tally.subject(class, name)?.good
    }

    /// How many failures a tool, or spans of one name, have of themselves.
    pub(super) fn failures_of(&self, class: Class, name: &str) -> u64 {
        self.of_subject.get(&(class, Box::from(name))).copied().unwrap_or(0)
    }
}

/// Draws the conclusions of a scan.
pub(super) fn find(window: Window, tally: Tally, traces: Traces, mut failing: AllFailing) -> Findings {
    failing.attribute();
    let mut rows = std::mem::take(&mut failing.rows);
    rows.retain(|row| !row.passes_on);
    let failures = rows.len() as u64;
    let mut truncated = failing.truncated || traces.full;
    let of_trace = |row: &Failing| failing.traces.get(row.trace as usize).copied().unwrap_or_default();
    // By the id of the trace, not by its number, which hangs on what came in first.
    rows.sort_unstable_by_key(|row| (Reverse(row.end), of_trace(row).0, row.span));
    let mut groups = Groups::default();
    for row in &rows {
        let (id, hash, _) = of_trace(row);
        truncated |= !groups.add(row, id, traces.resolve(hash, row.session));
    }
    let sessions = traces.sessions();
    let text = |number: u32| failing.texts.text(number).unwrap_or_default();
    let mut clusters: Vec<Cluster> =
        groups.list.into_iter().map(|group| group.cluster(sessions.count, &text)).collect();
    clusters.sort_by_cached_key(|cluster| (Reverse(cluster.count), Reverse(cluster.severity), cluster.cause.id()));
    let mut of_subject: HashMap<(Class, Box<str>), u64, RandomState> = HashMap::default();
    for cluster in &clusters {
        *of_subject.entry((cluster.cause.class, cluster.cause.name.clone())).or_default() += cluster.count;
    }
    let failing_traces = failing.traces.len() as u64;
    Findings { window, clusters, failures, failing_traces, truncated, sessions, tally, of_subject }
}

/// Failures by what they have in common.
#[derive(Default)]
struct Groups {
    list: Vec<Group>,
    known: HashMap<Key, usize, RandomState>,
    sessions: HashSet<(usize, u64), RandomState>,
    traces: HashSet<(usize, u32), RandomState>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    class: Class,
    name: u32,
    error: u32,
    message: u32,
}

struct Group {
    key: Key,
    count: u64,
    sessions: u64,
    trace_count: u64,
    evidence: Vec<SpanKey>,
    traces: Vec<[u8; 16]>,
    first: i64,
    last: i64,
}

impl Groups {
    /// Adds a failure, the latest first; `false` when there are too many groups.
    fn add(&mut self, row: &Failing, trace: [u8; 16], session: u64) -> bool {
        let key = Key { class: row.class, name: row.name, error: row.error, message: row.message };
        let next = self.list.len();
        let at = match self.known.get(&key) {
            Some(at) => *at,
            None if next >= CLUSTERS_MAX => return false,
            None => {
                self.known.insert(key, next);
                let (first, last) = (row.end, row.end);
                self.list.push(Group {
                    key,
                    count: 0,
                    sessions: 0,
                    trace_count: 0,
                    evidence: Vec::new(),
                    traces: Vec::new(),
                    first,
                    last,
                });
                next
            }
        };
        let Some(group) = self.list.get_mut(at) else { return false };
        group.count += 1;
        group.first = group.first.min(row.end);
        group.sessions += u64::from(self.sessions.insert((at, session)));
        if group.evidence.len() < EVIDENCE_MAX {
            group.evidence.push(SpanKey { trace, span: row.span });
        }
        if self.traces.insert((at, row.trace)) {
            group.trace_count += 1;
            if group.traces.len() < EVIDENCE_MAX {
                group.traces.push(trace);
            }
        }
        true
    }
}

impl Group {
    fn cluster<'t>(self, all_sessions: u64, text: &dyn Fn(u32) -> &'t str) -> Cluster {
        let Self { key, count, sessions, trace_count, evidence, traces, first, last } = self;
        let error = if key.error == NONE {
            Error::Message(text(key.message).into())
        } else {
            Error::Type(text(key.error).into())
        };
        let cause = Cause { class: key.class, name: text(key.name).into(), error };
        let severity = severity(count, sessions, all_sessions, cause.bypasses());
        let (first, last) = (Time::from_micros(first), Time::from_micros(last));
        Cluster { cause, severity, count, sessions, trace_count, evidence, traces, first, last }
    }
}
