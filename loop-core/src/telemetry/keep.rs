//! Storing spans. A span is stored once: one that comes again takes the place of its earlier version.

use std::{borrow::Cow, collections::BTreeMap};

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use super::{
    TelemetryError,
    head::Head,
    pack::{Entry, pack, session_mark, trace_mark},
    part::{self, Body},
    prepare::Prepared,
    row::{Field, SpanKey},
};
use crate::{
    base::{TenantId, Time},
    store::{BlockQuery, Blocks, Mark, Order, Place, StoreError, Tx},
};

/// Where spans are kept; a project is a group.
pub static SPANS: Blocks = Blocks { name: "telemetry" };

/// How many marks are read at once.
const PAGE: u32 = 1_000;

/// Spans that are versions of others, by the block they are in.
type Earlier = BTreeMap<u64, HashSet<SpanKey, RandomState>>;

/// Stores a batch; answers how many of its spans were not there before.
///
/// # Errors
/// Storage failures.
pub fn store(tx: &mut dyn Tx, tenant: &TenantId, project: &str, batch: &Prepared) -> Result<u64, TelemetryError> {
    let mut earlier = Earlier::new();
    for (mark, ids) in batch.blocks.iter().flat_map(|block| block.traces()) {
        find_earlier(tx, tenant, project, mark, ids, &mut earlier)?;
    }
    let mut repeated = 0_u64;
    for (block, keys) in earlier {
        repeated = repeated.saturating_add(keys.len() as u64);
        take_out(tx, tenant, project, block, &keys)?;
    }
    for block in &batch.blocks {
        block.lend(|block| tx.add_block(&SPANS, tenant, project, block))?;
    }
    Ok(batch.spans.saturating_sub(repeated))
}

/// Finds which spans of a trace are stored already.
fn find_earlier(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    mark: &[u8],
    ids: &[u8],
    earlier: &mut Earlier,
) -> Result<(), TelemetryError> {
    let Some(trace) = mark.get(1..).and_then(|trace| <[u8; 16]>::try_from(trace).ok()) else { return Ok(()) };
    let mut after: Option<Place> = None;
    let mut wanted: HashSet<[u8; 8], RandomState> = HashSet::default();
    loop {
        let page = tx.marked(&SPANS, tenant, project, mark, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.place);
        if wanted.is_empty() {
            wanted.extend(ids.as_chunks().0);
        }
        for Mark { place, note } in &page {
            let there = note.as_chunks::<8>().0.iter().filter(|id| wanted.contains(*id));
            for span in there {
                earlier.entry(place.block).or_default().insert(SpanKey { trace, span: *span });
            }
        }
    }
}

/// Writes a block anew without some of its spans.
fn take_out(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    no: u64,
    keys: &HashSet<SpanKey, RandomState>,
) -> Result<(), TelemetryError> {
    let mut head = Vec::new();
    tx.look_at_block(&SPANS, tenant, project, no, &mut |block| head = block.head.to_vec())?;
    let head = Head::read(&head).ok_or_else(damaged)?;
    let places = (0..).zip(head.traces()).map(|(part, _)| Place { block: no, part });
    let parts = tx.parts(&SPANS, tenant, project, &places.collect::<Vec<_>>())?;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (trace, part) in head.traces().iter().zip(&parts) {
        let bodies = part::decode(part.as_deref().ok_or_else(damaged)?).ok_or_else(damaged)?;
        for (row, Body { resource, json }) in head.rows(trace).zip(bodies) {
            let row = row.ok_or_else(damaged)?;
            if !keys.contains(&row.key) {
                entries.push(Entry { row: row.map(Cow::Borrowed), resource, json: json.to_owned() });
            }
        }
    }
    drop_block(tx, tenant, project, no, &head)?;
    if !entries.is_empty() {
        pack(&entries).lend(|block| tx.add_block(&SPANS, tenant, project, block))?;
    }
    Ok(())
}

fn drop_block(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    no: u64,
    head: &Head<'_>,
) -> Result<(), TelemetryError> {
    let mut marks: Vec<Vec<u8>> = Vec::new();
    for trace in head.traces() {
        marks.push(trace_mark(&trace.id));
        for row in head.rows(trace) {
            marks.extend(row.ok_or_else(damaged)?.text(Field::Session).map(session_mark));
        }
    }
    marks.sort_unstable();
    marks.dedup();
    let marks: Vec<&[u8]> = marks.iter().map(Vec::as_slice).collect();
    tx.drop_block(&SPANS, tenant, project, no, &marks)?;
    Ok(())
}

/// Removes blocks whose spans all ended before `before`, `limit` at most; answers how many.
///
/// # Errors
/// Storage failures.
pub fn purge(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    before: Time,
    limit: u32,
) -> Result<u32, TelemetryError> {
    let query = BlockQuery { since: None, order: Order::Ascending, after: None, limit };
    let mut old: Vec<(u64, Vec<u8>)> = Vec::new();
    tx.walk_blocks(&SPANS, tenant, project, &query, &mut |block| {
        let is_old = block.last < before;
        if is_old {
            old.push((block.no, block.head.to_vec()));
        }
        is_old
    })?;
    for (no, head) in &old {
        drop_block(tx, tenant, project, *no, &Head::read(head).ok_or_else(damaged)?)?;
    }
    Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
}

/// What is stored is not what was written.
pub(super) fn damaged() -> TelemetryError {
    TelemetryError::Store(StoreError::Corrupt("a block of telemetry is damaged".to_owned()))
}
