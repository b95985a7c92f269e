//! The sessions of a window and how they ended, whatever the order in which spans came in.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::telemetry::row::{Field, Row};

/// The most traces and sessions that are told apart.
const MOST: usize = 1_500_000;
/// The most words for the end of a session that are told apart.
const WORDS_MAX: usize = 30;
/// No ending, and no time.
const NONE: u32 = u32::MAX;

/// What is known of a trace.
#[derive(Debug)]
pub(super) struct Trace {
    /// What of its spans names the session: the root before others, then the earliest.
    rank: (u64, [u8; 8]),
    /// The session that it names; 0 for none.
    session: u64,
    /// The ending of its spans that name no session.
    ending: u32,
    /// Its number among traces with failures.
    pub(super) failing: u32,
}

impl Default for Trace {
    fn default() -> Self {
        Self { rank: (u64::MAX, [u8::MAX; 8]), session: 0, ending: NONE, failing: NONE }
    }
}

/// How spans of one session ended, as [`crate::telemetry::session::summarize`] reads it.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// The end of the latest root and whether it failed.
    root: (i64, bool),
    /// The same of the latest span.
    any: (i64, bool),
    /// Whether a root says the outcome, when, and which; 0 for none.
    said: (bool, i64, u8),
}

impl Default for Ending {
    fn default() -> Self {
        Self { root: (i64::MIN, false), any: (i64::MIN, false), said: (false, i64::MIN, 0) }
    }
}

impl Ending {
    fn merge(&mut self, other: &Self) {
        self.root = self.root.max(other.root);
        self.any = self.any.max(other.any);
        self.said = self.said.max(other.said);
    }
}

/// Traces and sessions by their hashes, which are keyed: nobody can choose ones that collide.
#[derive(Debug, Default)]
pub(super) struct Traces {
    hasher: RandomState,
    traces: HashMap<u64, Trace, RandomState>,
    /// Of traces.
    endings: Vec<Ending>,
    sessions: HashMap<u64, Ending, RandomState>,
    words: Vec<Box<str>>,
    /// Whether there were more than are told apart.
    pub(super) full: bool,
}

/// The sessions of a window.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// How many.
    pub(super) count: u64,
    /// How many ended how.
    pub(super) outcomes: Vec<(Box<str>, u64)>,
}

impl Traces {
    /// The hash of a trace; never 0.
    pub(super) fn hash(&self, trace: &[u8; 16]) -> u64 {
        self.hasher.hash_one(trace).max(1)
    }

    /// The hash of the session that a row names itself; 0 for none.
    pub(super) fn session<T: AsRef<str>>(&self, row: &Row<T>) -> u64 {
        row.text(Field::Session).map_or(0, |session| self.hasher.hash_one(session).max(1))
    }

    /// Notes a row of the trace with this hash. `session` is what the row names itself.
    pub(super) fn note<T: AsRef<str>>(&mut self, trace: u64, session: u64, row: &Row<T>) -> Option<&mut Trace> {
        let ending = self.ending(row);
        let Self { traces, endings, sessions, full, .. } = self;
        if traces.len().max(sessions.len()) >= MOST && !traces.contains_key(&trace) {
            *full = true;
            return None;
        }
        let known = traces.entry(trace).or_default();
        if session == 0 {
            if known.ending == NONE {
                known.ending = u32::try_from(endings.len()).unwrap_or(NONE);
                endings.push(Ending::default());
            }
            if let Some(of_trace) = endings.get_mut(known.ending as usize) {
                of_trace.merge(&ending);
            }
        } else {
            let start = row.start.as_micros().max(0).unsigned_abs();
            let rank = (u64::from(row.parent.is_some()) << 63 | start, row.key.span);
            if rank < known.rank {
                (known.rank, known.session) = (rank, session);
            }
            sessions.entry(session).or_default().merge(&ending);
        }
        Some(known)
    }

    fn ending<T: AsRef<str>>(&mut self, row: &Row<T>) -> Ending {
        let (end, failed, is_root) = (row.end.as_micros(), row.failed(), row.parent.is_none());
        let mut ending = Ending { any: (end, failed), ..Ending::default() };
        if is_root {
            ending.root = (end, failed);
        }
        if let Some(word) = row.text(Field::Outcome) {
            ending.said = (is_root, end, self.word(word));
        }
        ending
    }

    /// The number of a word, from 1; beyond [`WORDS_MAX`] words that of `other`.
    fn word(&mut self, word: &str) -> u8 {
        let word = if self.words.len() < WORDS_MAX || self.words.iter().any(|known| **known == *word) {
            word
        } else {
            "other"
        };
        let at = self.words.iter().position(|known| **known == *word).unwrap_or_else(|| {
            self.words.push(word.into());
            self.words.len() - 1
        });
        u8::try_from(at + 1).unwrap_or(u8::MAX)
    }

    /// The session of a row: what it names itself, what its trace names, else the trace.
    pub(super) fn resolve(&self, trace: u64, named: u64) -> u64 {
        if named != 0 {
            return named;
        }
        self.traces.get(&trace).map(|known| known.session).filter(|session| *session != 0).unwrap_or(trace)
    }

    /// Counts the sessions and how they ended.
    pub(super) fn sessions(mut self) -> Sessions {
        let Self { traces, endings, sessions, .. } = &mut self;
        for (hash, trace) in traces.drain() {
            if let Some(ending) = endings.get(trace.ending as usize) {
                let session = if trace.session == 0 { hash } else { trace.session };
                sessions.entry(session).or_default().merge(ending);
            }
        }
        let (mut success, mut failure, mut said) = (0, 0, vec![0_u64; self.words.len()]);
        for ending in self.sessions.values() {
            let last = if ending.root.0 == i64::MIN { ending.any } else { ending.root };
            let word = usize::from(ending.said.2).checked_sub(1);
            match word.and_then(|at| said.get_mut(at)) {
                Some(count) => *count += 1,
                None if last.1 => failure += 1,
                None => success += 1,
            }
        }
        let mut outcomes: Vec<(Box<str>, u64)> = vec![("success".into(), success), ("failure".into(), failure)];
        for (word, count) in self.words.into_iter().zip(said) {
            match outcomes.iter_mut().find(|(known, _)| *known == word) {
                Some((_, sum)) => *sum += count,
                None => outcomes.push((word, count)),
            }
        }
        outcomes.retain(|(_, count)| *count > 0);
        Sessions { count: self.sessions.len() as u64, outcomes }
    }
}
