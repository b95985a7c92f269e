//! The latest records of a window, and one by its id.

use std::collections::BTreeSet;

use super::{
    TelemetryError,
    head::Head,
    keep::{SPANS, damaged},
    row::SpanKey,
    session,
    trace::{self, Found},
    window::{At, STRIDE, Window},
};
use crate::{
    base::{TenantId, Time},
    store::{BlockQuery, Order, Place, Tx},
};

/// The most records that are read at once.
pub const RECORDS_MAX: usize = 500;
/// About how many spans of a trace are looked through for one.
const TRACE_MAX: usize = 100_000;

/// The latest records of a window, the latest end first. Each [`Recent::step`] is meant for a transaction of its own.
#[derive(Debug)]
pub struct Recent {
    window: Window,
    limit: usize,
    after: Option<At>,
    found: Vec<Found>,
}

impl Recent {
    /// At most `limit` records.
    #[must_use]
    pub fn new(window: Window, limit: usize) -> Self {
        Self { window, limit: limit.min(RECORDS_MAX), after: None, found: Vec::new() }
    }

    /// Goes on; answers whether the records are known.
    ///
    /// # Errors
    /// Storage failures.
    pub fn step(&mut self, tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<bool, TelemetryError> {
        let query =
            BlockQuery { since: Some(self.window.from), order: Order::Descending, after: self.after, limit: STRIDE };
        let (mut seen, mut enough, mut failed) = (0_u32, false, None);
        tx.walk_blocks(&SPANS, tenant, project, &query, &mut |block| {
            seen += 1;
            self.after = Some((block.last, block.no));
            enough = self.least().is_some_and(|least| least > block.last);
            if !enough {
                failed = self.take(block.no, block.head).err();
            }
            !enough && failed.is_none()
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(enough || seen < STRIDE),
        }
    }

    /// The end of the last record, once there are enough.
    fn least(&self) -> Option<Time> {
        self.found.get(self.limit.saturating_sub(1)).map(|found| found.row.end)
    }

    fn take(&mut self, no: u64, head: &[u8]) -> Result<(), TelemetryError> {
        let head = Head::read(head).ok_or_else(damaged)?;
        let least = self.least();
        for (part, trace) in (0..).zip(head.traces()) {
            for (at, row) in head.rows(trace).enumerate() {
                let row = row.ok_or_else(damaged)?;
                if self.window.holds(&row) && least.is_none_or(|least| row.end >= least) {
                    self.found.push(Found { row: row.owned(), place: Place { block: no, part }, at });
                }
            }
        }
        self.found.sort_unstable_by_key(|found| std::cmp::Reverse((found.row.end, found.row.key)));
        self.found.truncate(self.limit);
        Ok(())
    }

    /// The records as JSON, an array.
    ///
    /// # Errors
    /// Storage failures.
    pub fn records(self, tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<String, TelemetryError> {
        write(tx, tenant, project, self.found)
    }
}

/// A record by the span it is of, as an array of one, or none.
///
/// # Errors
/// Storage failures.
pub fn one(tx: &mut dyn Tx, tenant: &TenantId, project: &str, key: SpanKey) -> Result<String, TelemetryError> {
    let mut spans = trace::spans(tx, tenant, project, &BTreeSet::from([key.trace]), TRACE_MAX)?;
    spans.retain(|found| found.row.key == key);
    write(tx, tenant, project, spans)
}

fn write(tx: &mut dyn Tx, tenant: &TenantId, project: &str, found: Vec<Found>) -> Result<String, TelemetryError> {
    let mut sessions = session::Sessions::default();
    let mut named = Vec::with_capacity(found.len());
    for found in found {
        let session = sessions.of(tx, tenant, project, &found.row)?;
        named.push((found, session));
    }
    session::records(tx, tenant, project, &named)
}
