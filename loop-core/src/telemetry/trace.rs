//! The spans of one trace, gathered from wherever they came in, and the session of each.

use std::collections::BTreeSet;

use super::{
    TelemetryError,
    head::Head,
    keep::{SPANS, damaged},
    pack::trace_mark,
    row::{Field, Row},
};
use crate::{
    base::{TenantId, secret::hex},
    store::{Place, Tx},
};

/// How many marks are read at once.
const PAGE: u32 = 1_000;

/// A span and where the rest of it lies.
#[derive(Debug, Clone)]
pub struct Found {
    /// The span without its attributes.
    pub row: Row<Box<str>>,
    /// The part that holds its attributes.
    pub place: Place,
    /// Which body of that part.
    pub at: usize,
}

/// Every stored span of some traces, by trace, then by start and id; about `most` at most, of whole blocks.
///
/// # Errors
/// Storage failures.
pub fn spans(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    traces: &BTreeSet<[u8; 16]>,
    most: usize,
) -> Result<Vec<Found>, TelemetryError> {
    let (mut places, mut known) = (BTreeSet::new(), 0_usize);
    for trace in traces {
        let (mark, mut after) = (trace_mark(trace), None);
        loop {
            let page = tx.marked(&SPANS, tenant, project, &mark, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.place);
            // A note holds eight bytes for each span.
            known = known.saturating_add(page.iter().map(|mark| mark.note.len() / 8).sum());
            places.extend(page.iter().map(|mark| mark.place));
            if known > most {
                break;
            }
        }
        if known > most {
            break;
        }
    }
    let places: Vec<Place> = places.into_iter().collect();
    let mut found = Vec::with_capacity(known);
    for of_block in places.chunk_by(|a, b| a.block == b.block) {
        let Some(first) = of_block.first() else { continue };
        let mut read = Ok(());
        tx.look_at_block(&SPANS, tenant, project, first.block, &mut |block| {
            read = sections(block.head, of_block, &mut found);
        })?;
        read?;
    }
    found.sort_unstable_by_key(|found: &Found| (found.row.key.trace, found.row.start, found.row.key.span));
    Ok(found)
}

/// Reads the rows that some parts of a block belong to.
fn sections(head: &[u8], places: &[Place], found: &mut Vec<Found>) -> Result<(), TelemetryError> {
    let head = Head::read(head).ok_or_else(damaged)?;
    for place in places {
        let trace = head.traces().get(place.part as usize).ok_or_else(damaged)?;
        for (at, row) in head.rows(trace).enumerate() {
            found.push(Found { row: row.ok_or_else(damaged)?.owned(), place: *place, at });
        }
    }
    Ok(())
}

/// The session that a trace's spans are of when they name none: that of its root, else of its earliest span that names one,
/// else the trace itself. Which span came in first makes no difference.
#[must_use]
pub fn session<'r, T: AsRef<str> + 'r>(trace: &[u8; 16], rows: impl Iterator<Item = &'r Row<T>>) -> String {
    let named = rows.filter(|row| row.text(Field::Session).is_some());
    let first = named.min_by_key(|row| (row.parent.is_some(), row.start, row.key));
    first.and_then(|row| row.text(Field::Session)).map_or_else(|| hex(trace), str::to_owned)
}
