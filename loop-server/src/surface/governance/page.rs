//! Lists: bare arrays, bounded, with their whole length in a header.

use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::http::{Call, Failure, Param, Reply, table::Outcome};

/// The length of the whole list.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The most rows of one answer.
pub(super) const MAX_LIMIT: u64 = 1_000;
/// How far into a list an offset may reach.
const MAX_OFFSET: u64 = 10_000_000;

/// The parameters of every list.
pub(super) const LIMIT: Param = Param { name: "limit", kind: "integer", about: "rows, 1 to 1000" };
/// See [`LIMIT`].
pub(super) const OFFSET: Param = Param { name: "offset", kind: "integer", about: "rows to skip, default 0" };

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub limit: u32,
    pub offset: u32,
}

impl Page {
    /// Reads `limit` and `offset`.
    pub(super) fn of(call: &Call, default: u64) -> Result<Self, Failure> {
        let limit = call.query_number("limit", default, 1, MAX_LIMIT)?;
        let offset = call.query_number("offset", 0, 0, MAX_OFFSET)?;
        Ok(Self { limit: u32::try_from(limit).unwrap_or(u32::MAX), offset: u32::try_from(offset).unwrap_or(u32::MAX) })
    }
}

/// A list and its whole length.
pub(super) fn list(rows: &impl Serialize, total: u64) -> Outcome {
    Ok(Reply::json(rows)?.with_header(TOTAL, HeaderValue::from(total)))
}
