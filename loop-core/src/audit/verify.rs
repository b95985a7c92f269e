//! Checking a log from its first entry to its last.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Checkpoint,
    chain::{ORIGIN, digest, link, stored_hash},
    entry::{AUDIT, CHANGES, COVERED, DECISIONS, DIGEST, HASH, SALT, id},
    erase::{ERASE_OP, PURGE_OP},
};
use crate::{
    base::{TenantId, Time, secret},
    store::{Entry, JournalQuery, StoreError, Tx, Value},
};

const UNEXPLAINED: &str = "entries before it were removed without a purge";

/// How many entries are read at a time.
const CHUNK: u32 = 1_000;

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Finding {
    /// The stream.
    pub stream: String,
    /// The entry at which it shows, such as `dec-7`.
    pub entry: String,
    /// What is wrong.
    pub problem: String,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub valid: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// How many of them had an erased payload that an erasure accounts for.
    pub erased: u64,
    /// The first problem.
    pub first_bad: Option<Finding>,
}

/// A check in progress: it reads a stream in chunks, so that a long log pins no snapshot.
#[derive(Debug)]
pub struct Verifier {
    stage: Stage,
    checkpoints: Vec<Checkpoint>,
    erased_by_record: BTreeSet<u64>,
    purged: BTreeMap<&'static str, (u64, [u8; 32])>,
    /// The first change that is left, when it is not the first ever: the purge that explains it comes later in
    /// the same stream, so its link is checked at the end.
    first_change: Option<Deferred>,
    outcome: Verified,
}

#[derive(Debug, Clone, Copy)]
struct Deferred {
    seq: u64,
    at: Time,
    digest: [u8; 32],
    hash: [u8; 32],
}

#[derive(Debug, Clone, Copy)]
struct Position {
    seq: u64,
    hash: [u8; 32],
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Changes(Option<Position>),
    Decisions(Option<Position>),
    Done,
}

impl Verifier {
    /// A check of one tenant's log against its checkpoints, which must be genuine already.
    #[must_use]
    pub fn new(checkpoints: Vec<Checkpoint>) -> Self {
        Self {
            stage: Stage::Changes(None),
            checkpoints,
            erased_by_record: BTreeSet::new(),
            purged: BTreeMap::new(),
            first_change: None,
            outcome: Verified { valid: true, entries: 0, erased: 0, first_bad: None },
        }
    }

    /// Checks the next chunk. `Some` when the check is over.
    ///
    /// # Errors
    /// Storage failures. Damage found in the log is an outcome, not an error.
    pub fn step(&mut self, tx: &mut dyn Tx, tenant: &TenantId) -> Result<Option<Verified>, StoreError> {
        let (stream, position) = match self.stage {
            Stage::Changes(position) => (CHANGES, position),
            Stage::Decisions(position) => (DECISIONS, position),
            Stage::Done => return Ok(Some(self.outcome.clone())),
        };
        let query = JournalQuery { above: position.map(|at| at.seq), limit: CHUNK, ..JournalQuery::default() };
        let entries = tx.scan(&AUDIT, tenant, stream, &query)?;
        let last = entries.len() < CHUNK as usize;
        let mut position = position;
        for entry in &entries {
            match self.check(tenant, stream, position, entry) {
                Ok(next) => position = Some(next),
                Err(problem) => return Ok(Some(self.fail(stream, entry.seq, problem))),
            }
        }
        if !last {
            self.stage = if stream == CHANGES { Stage::Changes(position) } else { Stage::Decisions(position) };
            return Ok(None);
        }
        if let Some((seq, problem)) = self.ends_short(stream, position) {
            return Ok(Some(self.fail(stream, seq, problem)));
        }
        if stream == CHANGES {
            if let Some(first) = self.first_change
                && !self.follows_purge(tenant, &first)
            {
                return Ok(Some(self.fail(CHANGES, first.seq, UNEXPLAINED.to_owned())));
            }
            self.stage = Stage::Decisions(None);
            return Ok(None);
        }
        self.stage = Stage::Done;
        Ok(Some(self.outcome.clone()))
    }

    fn fail(&mut self, stream: &str, seq: u64, problem: String) -> Verified {
        self.outcome.valid = false;
        self.outcome.first_bad = Some(Finding { stream: stream.to_owned(), entry: id(stream, seq), problem });
        self.stage = Stage::Done;
        self.outcome.clone()
    }

    fn check(
        &mut self,
        tenant: &TenantId,
        stream: &'static str,
        before: Option<Position>,
        entry: &Entry,
    ) -> Result<Position, String> {
        let unreadable = |error: StoreError| error.to_string();
        let hash = stored_hash(entry.columns.get(HASH), stream, entry.seq).map_err(unreadable)?;
        let stored = stored_hash(entry.columns.get(DIGEST), stream, entry.seq).map_err(unreadable)?;
        let previous = match before {
            Some(before) if entry.seq == before.seq.saturating_add(1) => Some(before.hash),
            Some(before) => return Err(format!("`{}` is missing before it", id(stream, before.seq.saturating_add(1)))),
            None if entry.seq == 1 => Some(ORIGIN),
            None if stream == DECISIONS => match self.purged.get(DECISIONS) {
                Some((through, hash)) if through.saturating_add(1) == entry.seq => Some(*hash),
                _ => return Err(UNEXPLAINED.to_owned()),
            },
            None => {
                self.first_change = Some(Deferred { seq: entry.seq, at: entry.at, digest: stored, hash });
                None
            }
        };
        match &entry.body {
            Some(body) => {
                let salt = entry.columns.get(SALT).and_then(Value::as_bytes).unwrap_or_default();
                if digest(salt, entry.columns.iter().take(COVERED), body) != stored {
                    return Err("its content was changed".to_owned());
                }
                if stream == CHANGES {
                    self.note(entry, body);
                }
            }
            None if stream == DECISIONS && self.erased_by_record.contains(&entry.seq) => self.outcome.erased += 1,
            None => return Err("its content was removed without an erasure".to_owned()),
        }
        if previous.is_some_and(|previous| link(tenant, stream, entry.seq, entry.at, &stored, &previous) != hash) {
            return Err("its hash does not follow from the entry before".to_owned());
        }
        if let Some(kept) = self.checkpoints.iter().find(|kept| kept.stream == stream && kept.seq == entry.seq)
            && kept.hash != secret::hex(&hash)
        {
            return Err(format!("it differs from the checkpoint of {}", kept.at));
        }
        self.outcome.entries += 1;
        Ok(Position { seq: entry.seq, hash })
    }

    fn follows_purge(&self, tenant: &TenantId, first: &Deferred) -> bool {
        self.purged.get(CHANGES).is_some_and(|(through, before)| {
            through.saturating_add(1) == first.seq
                && link(tenant, CHANGES, first.seq, first.at, &first.digest, before) == first.hash
        })
    }

    /// Takes in what an entry tells about erasures and purges.
    fn note(&mut self, entry: &Entry, body: &str) {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else { return };
        match entry.columns.first().and_then(Value::as_text) {
            Some(ERASE_OP) => {
                let seqs = body.get("seqs").and_then(|seqs| seqs.as_array());
                self.erased_by_record.extend(seqs.into_iter().flatten().filter_map(serde_json::Value::as_u64));
            }
            Some(PURGE_OP) => {
                let still = body.get("erased").and_then(|seqs| seqs.as_array());
                self.erased_by_record.extend(still.into_iter().flatten().filter_map(serde_json::Value::as_u64));
                let stream = match body.get("stream").and_then(|stream| stream.as_str()) {
                    Some(CHANGES) => CHANGES,
                    Some(DECISIONS) => DECISIONS,
                    _ => return,
                };
                let through = body.get("through").and_then(serde_json::Value::as_u64);
                let hash = body.get("hash").and_then(|hash| hash.as_str()).and_then(secret::unhex);
                if let (Some(through), Some(hash)) = (through, hash) {
                    self.purged.insert(stream, (through, hash));
                }
            }
            _ => {}
        }
    }

    /// Whether a checkpoint knows of more entries than there are.
    fn ends_short(&self, stream: &str, end: Option<Position>) -> Option<(u64, String)> {
        let end = end.map_or(0, |end| end.seq);
        let beyond = self
            .checkpoints
            .iter()
            .filter(|kept| kept.stream == stream && kept.seq > end)
            .min_by_key(|kept| kept.seq)?;
        Some((
            end.saturating_add(1),
            format!("the log ends before it, but the checkpoint of {} knows `{}`", beyond.at, id(stream, beyond.seq)),
        ))
    }
}

/// Checks a whole log in one transaction: for tests and small logs.
///
/// # Errors
/// Storage failures.
pub fn verify(tx: &mut dyn Tx, tenant: &TenantId, checkpoints: Vec<Checkpoint>) -> Result<Verified, StoreError> {
    let mut verifier = Verifier::new(checkpoints);
    loop {
        if let Some(outcome) = verifier.step(tx, tenant)? {
            return Ok(outcome);
        }
    }
}
