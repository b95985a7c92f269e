//! From spans as received to blocks as stored: everything that needs no storage, done before the transaction.

use std::{borrow::Cow, fmt};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{
    content::{self, Content, NAME_MAX, masked, time},
    dialect,
    incoming::{Batch, Incoming},
    pack::{Entry, Packed, pack},
    row::{Row, SpanKey, Status},
};
use crate::base::Time;

/// The most rows of a block.
pub const BLOCK_ROWS: usize = 1_024;
/// The longest id of a session, in bytes. A longer one is cut: two sessions that begin alike become one.
pub const SESSION_MAX: usize = 400;
/// The longest message of an error, in bytes.
pub const MESSAGE_MAX: usize = 1_024;
/// How far in the future a span may end, in seconds: clocks of producers differ.
pub const AHEAD_MAX: i64 = 3_600;
/// How long spans are kept and the longest window, in seconds: 43,200 minutes.
pub const KEPT: i64 = 43_200 * 60;

/// How spans are taken in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What becomes of content.
    pub content: Content,
    /// The time by which a span is too old or too far ahead.
    pub now: Time,
}

/// Why a span is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// It names no trace of 16 bytes, not all zero.
    #[error("a trace id is 16 bytes, not all zero")]
    TraceId,
    /// It names no span of 8 bytes, not all zero.
    #[error("a span id is 8 bytes, not all zero")]
    SpanId,
    /// Its parent is no span.
    #[error("a parent span id is 8 bytes or empty")]
    ParentId,
    /// It has no name.
    #[error("a span needs a name")]
    Name,
    /// A time is missing or none.
    #[error("a span needs the times of its start and end, in nanoseconds")]
    Times,
    /// It ends before it begins.
    #[error("a span ends before it starts")]
    Order,
    /// It ended before all that is kept.
    #[error("a span ended more than 30 days ago")]
    Old,
    /// It ends too far in the future.
    #[error("a span ends more than an hour in the future")]
    Ahead,
    /// Its status is none.
    #[error("a status code is 0, 1 or 2")]
    Status,
}

/// What was not taken in of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// How many spans.
    pub count: u64,
    /// Why the first of them was not.
    pub first: Option<Reject>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.count) {
            (None, _) => Ok(()),
            (Some(first), 1) => first.fmt(f),
            (Some(first), count) => write!(f, "{first}; {count} spans were rejected"),
        }
    }
}

/// A batch ready to be stored.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Its spans, packed.
    pub(super) blocks: Vec<Packed>,
    /// How many different spans there are.
    pub spans: u64,
    /// What is not among them.
    pub rejected: Rejected,
}

/// Checks, reads, masks and packs a batch. Of a span that comes twice the later one counts.
#[must_use]
pub fn prepare(batch: &Batch<'_>, rules: Rules) -> Prepared {
    let resources: Vec<String> = batch
        .resources
        .iter()
        .map(|resource| {
            let mut json = String::new();
            content::write_resource(resource, rules.content, &mut json);
            json
        })
        .collect();
    let mut rejected = Rejected::default();
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(batch.spans.len());
    let mut seen: HashMap<SpanKey, usize, RandomState> =
        HashMap::with_capacity_and_hasher(batch.spans.len(), RandomState::default());
    for span in &batch.spans {
        match entry(span, batch, &resources, rules) {
            Err(reject) => {
                rejected.count += 1;
                rejected.first.get_or_insert(reject);
            }
            Ok(entry) => match seen.get(&entry.row.key).and_then(|at| entries.get_mut(*at)) {
                Some(earlier) => *earlier = entry,
                None => {
                    seen.insert(entry.row.key, entries.len());
                    entries.push(entry);
                }
            },
        }
    }
    let spans = entries.len() as u64;
    // Spans of one trace next to each other, so that a block has a part for each; by start, so that reading need not sort much.
    entries.sort_by(|a, b| {
        (a.row.key.trace, a.row.start, a.row.key.span).cmp(&(b.row.key.trace, b.row.start, b.row.key.span))
    });
    let blocks = entries.chunks(BLOCK_ROWS).map(pack).collect();
    Prepared { blocks, spans, rejected }
}

fn entry<'v>(
    span: &'v Incoming<'_>,
    batch: &'v Batch<'_>,
    resources: &'v [String],
    rules: Rules,
) -> Result<Entry<'v>, Reject> {
    let trace = span.trace_id.filter(|id| *id != [0; 16]).ok_or(Reject::TraceId)?;
    let own = span.span_id.filter(|id| *id != [0; 8]).ok_or(Reject::SpanId)?;
    let parent = span.parent_id.ok_or(Reject::ParentId)?;
    if span.name.is_empty() {
        return Err(Reject::Name);
    }
    let (start, end) = span.start.zip(span.end).filter(|(start, _)| *start > 0).ok_or(Reject::Times)?;
    if end < start {
        return Err(Reject::Order);
    }
    let (start, end) = (time(start), time(end));
    if end < rules.now.plus_seconds(-KEPT) {
        return Err(Reject::Old);
    }
    if end > rules.now.plus_seconds(AHEAD_MAX) {
        return Err(Reject::Ahead);
    }
    let status = span.status.and_then(Status::from_number).ok_or(Reject::Status)?;
    let nothing = const { &Vec::new() };
    let resource = batch.resources.get(span.resource).unwrap_or(nothing);
    let said = dialect::read(&span.name, &span.attributes, &span.events, resource);
    let failed = status == Status::Error;
    let message = Some(span.message.as_ref()).filter(|message| !message.is_empty()).or(said.error_message);
    let short = |text: Option<&'v str>| text.map(|text| masked(text, NAME_MAX));
    let row = Row {
        key: SpanKey { trace, span: own },
        parent: Some(parent).filter(|id| *id != [0; 8]),
        start,
        end,
        status,
        class: said.class,
        texts: [
            short(Some(&span.name)),
            said.agent.map(|agent| Cow::Owned(masked(&agent, NAME_MAX).into_owned())),
            short(said.tool),
            said.session.map(|session| cut(session, SESSION_MAX)),
            short(said.environment),
            if failed { short(said.error_type) } else { None },
            if failed { message.map(|text| masked(text, MESSAGE_MAX)) } else { None },
            short(said.model),
            short(said.provider),
            short(said.outcome),
        ],
        input_tokens: said.input_tokens,
        output_tokens: said.output_tokens,
    };
    let mut json = String::with_capacity(512);
    content::write_span(&span.attributes, &span.events, rules.content, &mut json);
    Ok(Entry { row, resource: resources.get(span.resource).map_or("{}", String::as_str), json })
}

/// The id of a session as it is kept. It is not masked: its owner could not find the session again.
fn cut(session: &str, most: usize) -> Cow<'_, str> {
    let end = (0..=most.min(session.len())).rev().find(|at| session.is_char_boundary(*at)).unwrap_or(0);
    Cow::Borrowed(session.get(..end).unwrap_or(""))
}
