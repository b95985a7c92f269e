//! Packing spans into blocks, and what their parts are found by.

use std::borrow::Cow;

use super::{
    head::{self, Section},
    part,
    row::{Field, Row},
};
use crate::{
    base::Time,
    store::{NewBlock, NewMark},
};

/// A span to be packed.
#[derive(Debug, Clone)]
pub(super) struct Entry<'v> {
    pub(super) row: Row<Cow<'v, str>>,
    /// The attributes of its resource, as JSON.
    pub(super) resource: &'v str,
    /// Its attributes and events, as JSON.
    pub(super) json: String,
}

/// A block ready to be stored.
#[derive(Debug)]
pub(super) struct Packed {
    first: Time,
    last: Time,
    head: Vec<u8>,
    parts: Vec<Vec<u8>>,
    /// Marks by part; the first of each part is its trace's, whose note holds the ids of its spans.
    marks: Vec<(u32, Vec<u8>, Vec<u8>)>,
}

/// What the parts of a trace are found by. Their notes are the ids of their spans, 8 bytes each.
pub(super) fn trace_mark(trace: &[u8; 16]) -> Vec<u8> {
    let mut mark = vec![b't'];
    mark.extend_from_slice(trace);
    mark
}

/// What the parts are found by in which a span names a session. Their notes are their traces.
pub(super) fn session_mark(session: &str) -> Vec<u8> {
    let mut mark = vec![b's'];
    mark.extend_from_slice(session.as_bytes());
    mark
}

/// Packs spans that are sorted by trace, as many as a block may hold.
pub(super) fn pack(entries: &[Entry<'_>]) -> Packed {
    let by_trace = || entries.chunk_by(|a, b| a.row.key.trace == b.row.key.trace);
    let sections = by_trace().filter_map(|spans| {
        let trace = spans.first()?.row.key.trace;
        Some(Section { trace, rows: spans.iter().map(|entry| &entry.row).collect() })
    });
    let sections: Vec<_> = sections.collect();
    let mut marks = Vec::with_capacity(sections.len().saturating_mul(2));
    for (part, section) in (0..).zip(&sections) {
        let ids = section.rows.iter().flat_map(|row| row.key.span).collect();
        marks.push((part, trace_mark(&section.trace), ids));
        let mut sessions: Vec<&str> = section.rows.iter().filter_map(|row| row.text(Field::Session)).collect();
        sessions.sort_unstable();
        sessions.dedup();
        marks.extend(sessions.into_iter().map(|session| (part, session_mark(session), section.trace.to_vec())));
    }
    Packed {
        first: entries.iter().map(|entry| entry.row.end).min().unwrap_or(Time::EPOCH),
        last: entries.iter().map(|entry| entry.row.end).max().unwrap_or(Time::EPOCH),
        head: head::encode(&sections),
        parts: by_trace().map(bodies).collect(),
        marks,
    }
}

fn bodies(spans: &[Entry<'_>]) -> Vec<u8> {
    let mut resources: Vec<&str> = Vec::new();
    let mut number = |resource| {
        resources.iter().position(|known| *known == resource).unwrap_or_else(|| {
            resources.push(resource);
            resources.len() - 1
        })
    };
    let spans: Vec<_> = spans.iter().map(|entry| (number(entry.resource), entry.json.as_str())).collect();
    part::encode(&resources, &spans)
}

impl Packed {
    /// The traces of the block, each with the ids of its spans, 8 bytes each.
    pub(super) fn traces(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.marks
            .iter()
            .filter(|(_, mark, _)| mark.first() == Some(&b't'))
            .map(|(_, mark, ids)| (mark.as_slice(), ids.as_slice()))
    }

    /// Lends it in the form that a store takes.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&NewBlock<'_>) -> T) -> T {
        let parts: Vec<&[u8]> = self.parts.iter().map(Vec::as_slice).collect();
        let marks = self.marks.iter().map(|(part, mark, note)| NewMark { mark, part: *part, note });
        let marks: Vec<_> = marks.collect();
        let Self { first, last, .. } = *self;
        work(&NewBlock { first, last, head: &self.head, parts: &parts, marks: &marks })
    }
}
