//! Walking the spans of a window of time, by their end.

use super::{
    TelemetryError,
    head::Head,
    keep::{SPANS, damaged},
    row::Row,
};
use crate::{
    base::{TenantId, Time},
    store::{BlockQuery, Order, Tx},
};

/// How many blocks are read in one transaction, so that no reader keeps the store from tidying up.
pub const STRIDE: u32 = 256;

/// Which spans to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Spans that ended at this time or later.
    pub from: Time,
    /// Spans that ended before this time.
    pub to: Time,
}

impl Window {
    /// Whether a row ended within.
    #[must_use]
    pub fn holds<T>(&self, row: &Row<T>) -> bool {
        self.from <= row.end && row.end < self.to
    }
}

/// How far a walk got.
pub type At = (Time, u64);

/// Lends the heads of blocks that may hold spans of the window to `each`, oldest first, [`STRIDE`] of them; answers where to
/// go on, `None` at the end. Whoever walks checks each row ([`Window::holds`]).
///
/// # Errors
/// Storage failures.
pub fn walk(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    window: Window,
    after: Option<At>,
    each: &mut dyn FnMut(&Head<'_>) -> Result<(), TelemetryError>,
) -> Result<Option<At>, TelemetryError> {
    let query = BlockQuery { since: Some(window.from), order: Order::Ascending, after, limit: STRIDE };
    let (mut seen, mut last, mut failed) = (0_u32, None, None);
    tx.walk_blocks(&SPANS, tenant, project, &query, &mut |block| {
        seen += 1;
        last = Some((block.last, block.no));
        if block.first >= window.to {
            return true;
        }
        let done = Head::read(block.head).ok_or_else(damaged).and_then(|head| each(&head));
        failed = done.err();
        failed.is_none()
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(last.filter(|_| seen == STRIDE)),
    }
}

/// Lends every row of the window to `each`, in one transaction: for windows that are known to be small, and for tests.
///
/// # Errors
/// Storage failures.
pub fn rows(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    window: Window,
    each: &mut dyn FnMut(&Row<&str>),
) -> Result<(), TelemetryError> {
    let mut after = None;
    loop {
        after = walk(tx, tenant, project, window, after, &mut |head| {
            for trace in head.traces() {
                for row in head.rows(trace) {
                    let row = row.ok_or_else(damaged)?;
                    if window.holds(&row) {
                        each(&row);
                    }
                }
            }
            Ok(())
        })?;
        if after.is_none() {
            return Ok(());
        }
    }
}
