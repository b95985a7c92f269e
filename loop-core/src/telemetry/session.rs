//! Sessions: what an agent did in one conversation or run, over any number of traces.

use std::collections::BTreeSet;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{
    TelemetryError,
    dialect::Class,
    keep::SPANS,
    pack::session_mark,
    part, record,
    row::{Field, Row},
    trace::{self, Found},
    window::Window,
};
use crate::{
    base::{TenantId, Time, secret::unhex},
    store::{Place, Tx},
};

/// The most records of a session that are read.
pub const RECORDS_MAX: usize = 10_000;
/// The most traces of a session that are read.
const TRACES_MAX: usize = 10_000;
const PAGE: u32 = 1_000;

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its latest root span did not fail.
    Success,
    /// Its latest root span failed.
    Failure,
    /// What a span of it says.
    Said(Box<str>),
}

impl Outcome {
    /// The word of the API.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Said(word) => word,
        }
    }
}

/// A session in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id, or the id of its only trace in hexadecimal.
    pub id: String,
    /// The agent that acted: that of its latest root span that names one.
    pub agent: Option<Box<str>>,
    /// Where it ran, as its latest span says that says so.
    pub environment: Option<Box<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// How many turns it had: root spans, and one for each trace whose root is not there.
    pub turns: u64,
    /// How many spans.
    pub records: u64,
    /// How many of them are calls of tools.
    pub tool_calls: u64,
    /// How many are calls of language models.
    pub llm_calls: u64,
    /// How many failed.
    pub errors: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// When its first span began.
    pub started_at: Time,
    /// When its last span ended.
    pub ended_at: Time,
}

/// Summarises the rows of one session; `None` when there are none.
pub fn summarize<'r, T: AsRef<str> + 'r>(id: &str, rows: impl Iterator<Item = &'r Row<T>> + Clone) -> Option<Summary> {
    let count = |of: &dyn Fn(&Row<T>) -> bool| rows.clone().filter(|row| of(row)).count() as u64;
    let tokens = |of: &dyn Fn(&Row<T>) -> u64| {
        let of_models = rows.clone().filter(|row| row.class == Class::Model);
        of_models.fold(0_u64, |sum, row| sum.saturating_add(of(row)))
    };
    let is_root = |row: &&Row<T>| row.parent.is_none();
    let latest = |row: &&Row<T>| (row.end, row.start, row.key);
    let roots = || rows.clone().filter(is_root);
    let traces: BTreeSet<[u8; 16]> = rows.clone().map(|row| row.key.trace).collect();
    let with_root: BTreeSet<[u8; 16]> = roots().map(|row| row.key.trace).collect();
    let of_latest = |field: Field| {
        let naming = |row: &&Row<T>| row.text(field).is_some();
        let found =
            roots().filter(naming).max_by_key(latest).or_else(|| rows.clone().filter(naming).max_by_key(latest));
        found.and_then(|row| row.text(field)).map(Box::from)
    };
    let outcome = of_latest(Field::Outcome).map(Outcome::Said).unwrap_or_else(|| {
        let last = roots().max_by_key(latest).or_else(|| rows.clone().max_by_key(latest));
        if last.is_some_and(Row::failed) { Outcome::Failure } else { Outcome::Success }
    });
    Some(Summary {
        id: id.to_owned(),
        agent: of_latest(Field::Agent),
        environment: of_latest(Field::Environment),
        outcome,
        turns: (roots().count() + traces.difference(&with_root).count()) as u64,
        records: rows.clone().count() as u64,
        tool_calls: count(&|row| row.class == Class::Tool),
        llm_calls: count(&|row| row.class == Class::Model),
        errors: count(&|row| row.failed()),
        input_tokens: tokens(&|row| row.input_tokens),
        output_tokens: tokens(&|row| row.output_tokens),
        started_at: rows.clone().map(|row| row.start).min()?,
        ended_at: rows.clone().map(|row| row.end).max()?,
    })
}

/// A session with its spans.
#[derive(Debug, Clone)]
pub struct Session {
    /// What it came to.
    pub summary: Summary,
    /// Its records as JSON, by time: an array of objects.
    pub records: String,
    /// Whether there are more than [`RECORDS_MAX`].
    pub truncated: bool,
}

/// Reads a session by its id, or by the id of a trace, which answers all spans of that trace.
///
/// # Errors
/// [`TelemetryError::NoSession`] when nothing of it ended in the window, storage failures.
pub fn read(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    id: &str,
    window: Window,
) -> Result<Session, TelemetryError> {
    let (mut found, truncated) = gather(tx, tenant, project, id, window)?;
    let name = found.first().map_or_else(|| id.to_owned(), |(_, session)| session.clone());
    let summary = summarize(&name, found.iter().map(|(found, _)| &found.row)).ok_or(TelemetryError::NoSession)?;
    found.sort_by_key(|(found, _)| (found.row.start, found.row.end, found.row.key));
    Ok(Session { summary, records: records(tx, tenant, project, &found)?, truncated })
}

/// The summary of a session that is known to be in the window; `None` when it is not.
///
/// # Errors
/// Storage failures.
pub fn summary(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    id: &str,
    window: Window,
) -> Result<Option<Summary>, TelemetryError> {
    let (found, _) = gather(tx, tenant, project, id, window)?;
    Ok(summarize(id, found.iter().map(|(found, _)| &found.row)))
}

/// The spans of a session, each with the session it is of, and whether there are more.
fn gather(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    id: &str,
    window: Window,
) -> Result<(Vec<(Found, String)>, bool), TelemetryError> {
    let as_trace = unhex::<16>(&id.to_ascii_lowercase());
    let (traces, mut truncated) = traces(tx, tenant, project, id)?;
    let traces = traces.into_iter().chain(as_trace).collect::<BTreeSet<_>>();
    let spans = trace::spans(tx, tenant, project, &traces, RECORDS_MAX)?;
    let mut all = Vec::new();
    for of_trace in spans.chunk_by(|a, b| a.row.key.trace == b.row.key.trace) {
        let Some(first) = of_trace.first() else { continue };
        let inherited = trace::session(&first.row.key.trace, of_trace.iter().map(|found| &found.row));
        for found in of_trace {
            let session = found.row.text(Field::Session).unwrap_or(&inherited);
            if window.holds(&found.row) && (as_trace == Some(found.row.key.trace) || session == id) {
                all.push((found.clone(), session.to_owned()));
            }
        }
    }
    if all.len() > RECORDS_MAX {
        truncated = true;
        all.truncate(RECORDS_MAX);
    }
    Ok((all, truncated))
}

/// The traces in which a span names the session.
fn traces(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    id: &str,
) -> Result<(BTreeSet<[u8; 16]>, bool), TelemetryError> {
    let (mark, mut found, mut after) = (session_mark(id), BTreeSet::new(), None);
    if id.len() > super::prepare::SESSION_MAX {
        return Ok((found, false));
    }
    loop {
        let page = tx.marked(&SPANS, tenant, project, &mark, after, PAGE)?;
        let Some(last) = page.last() else { return Ok((found, false)) };
        after = Some(last.place);
        found.extend(page.iter().filter_map(|mark| <[u8; 16]>::try_from(mark.note.as_slice()).ok()));
        if found.len() >= TRACES_MAX {
            return Ok((found, true));
        }
    }
}

/// The sessions of single spans, each trace looked up once.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    of_traces: HashMap<[u8; 16], String, RandomState>,
}

impl Sessions {
    /// The session that a span is of.
    pub(super) fn of<T: AsRef<str>>(
        &mut self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        project: &str,
        row: &Row<T>,
    ) -> Result<String, TelemetryError> {
        match row.text(Field::Session) {
            Some(named) => Ok(named.to_owned()),
            None => self.of_trace(tx, tenant, project, row.key.trace),
        }
    }

    /// The session of a trace's spans that name none.
    pub(super) fn of_trace(
        &mut self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        project: &str,
        trace: [u8; 16],
    ) -> Result<String, TelemetryError> {
        if let Some(known) = self.of_traces.get(&trace) {
            return Ok(known.clone());
        }
        let spans = trace::spans(tx, tenant, project, &BTreeSet::from([trace]), RECORDS_MAX)?;
        let session = trace::session(&trace, spans.iter().map(|found| &found.row));
        self.of_traces.insert(trace, session.clone());
        Ok(session)
    }
}

/// Writes found spans with their attributes as an array of records.
pub(super) fn records(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    found: &[(Found, String)],
) -> Result<String, TelemetryError> {
    let places: BTreeSet<Place> = found.iter().map(|(found, _)| found.place).collect();
    let places: Vec<Place> = places.into_iter().collect();
    let parts = tx.parts(&SPANS, tenant, project, &places)?;
    let bodies: Vec<_> = parts.iter().map(|part| part.as_deref().and_then(part::decode)).collect();
    let mut out = String::with_capacity(found.len().saturating_mul(1_024));
    out.push('[');
    for (at, (found, session)) in found.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let part = places.binary_search(&found.place).ok().and_then(|at| bodies.get(at)?.as_ref());
        let body = part.and_then(|bodies| bodies.get(found.at)).copied();
        record::write(&record::record_id(tenant, project, found.row.key), session, &found.row, body, &mut out);
    }
    out.push(']');
    Ok(out)
}

/// Writes a summary as JSON.
pub fn write_summary(summary: &Summary, out: &mut String) {
    use std::fmt::Write as _;
    let mut object = crate::base::json::Object::open(out);
    object.text("session_id", &summary.id);
    object.some_text("agent", summary.agent.as_deref());
    object.some_text("environment", summary.environment.as_deref());
    object.text("outcome", summary.outcome.as_str());
    for (name, number) in [
        ("turns", summary.turns),
        ("records", summary.records),
        ("tool_calls", summary.tool_calls),
        ("llm_calls", summary.llm_calls),
        ("errors", summary.errors),
        ("input_tokens", summary.input_tokens),
        ("output_tokens", summary.output_tokens),
    ] {
        let _ = write!(object.name(name), "{number}");
    }
    object.text("started_at", &summary.started_at.to_string());
    object.text("ended_at", &summary.ended_at.to_string());
    let _ = write!(object.name("duration_us"), "{}", summary.ended_at.micros_since(summary.started_at));
    object.close();
}
