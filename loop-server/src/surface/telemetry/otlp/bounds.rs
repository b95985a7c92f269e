//! How much one request may hold. A body of a few bytes for each span or value would take many times its size in memory.

use std::cell::Cell;

use super::Undecodable;

/// The most spans and events of a request.
pub(in crate::surface::telemetry) const SPANS_MAX: usize = 100_000;
/// The most values of attributes, those within lists and maps among them.
pub(in crate::surface::telemetry) const VALUES_MAX: usize = 1_000_000;

/// What may still come.
pub(super) struct Bounds {
    spans: Cell<usize>,
    values: Cell<usize>,
    over: Cell<bool>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { spans: Cell::new(SPANS_MAX), values: Cell::new(VALUES_MAX), over: Cell::new(false) }
    }
}

impl Bounds {
    /// One more span, event or resource.
    pub(super) fn span(&self) -> Result<(), Undecodable> {
        self.take(&self.spans)
    }

    /// Whether something was refused.
    pub(super) fn are_over(&self) -> bool {
        self.over.get()
    }

    /// One more value.
    pub(super) fn value(&self) -> Result<(), Undecodable> {
        self.take(&self.values)
    }

    fn take(&self, left: &Cell<usize>) -> Result<(), Undecodable> {
        let rest = left.get().checked_sub(1);
        self.over.set(rest.is_none());
        left.set(rest.ok_or(Undecodable::TooMany)?);
        Ok(())
    }
}
