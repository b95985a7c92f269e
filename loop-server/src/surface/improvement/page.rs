//! What is answered: one thing, or a page of a list.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::body::invalid;
use crate::http::{Call, Failure, Param, Reply, table::Outcome};

/// The most rows of a page.
const MOST: u32 = 200;
/// The rows of a page when nothing is said.
const USUAL: u32 = 20;

/// The parameters of every list.
pub(super) const LIMIT: Param = Param { name: "limit", kind: "integer", about: "rows, 1 to 200, default 20" };
/// See [`LIMIT`].
pub(super) const PAGE: Param = Param { name: "page", kind: "integer", about: "which page, from 1, default 1" };
/// See [`LIMIT`].
pub(super) const OFFSET: Param =
    Param { name: "offset", kind: "integer", about: "rows to skip, instead of `page`, default 0" };

/// One thing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Data")]
pub(super) struct One<T> {
    /// The thing.
    pub data: T,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct Many<T> {
    /// The rows, in the order of their making unless said otherwise.
    pub data: Vec<T>,
    /// How many rows all pages have.
    pub total: u64,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// At most so many rows, 1 to 200.
    pub limit: u32,
    /// Rows to skip.
    pub offset: u32,
}

impl Page {
    /// Reads `limit`, and `offset` or `page`.
    ///
    /// # Errors
    /// 400 for anything but whole numbers within their bounds.
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let limit = number(call, "limit", USUAL, 1, MOST)?;
        let page = number(call, "page", 1, 1, u32::MAX)?;
        let skipped = page.saturating_sub(1).saturating_mul(limit);
        let offset = number(call, "offset", skipped, 0, u32::MAX)?;
        Ok(Self { limit, offset })
    }

    /// Reads `limit` alone.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub(super) fn limit_of(call: &Call) -> Result<u32, Failure> {
        number(call, "limit", USUAL, 1, MOST)
    }
}

/// A whole number from the query, within bounds.
fn number(call: &Call, name: &str, default: u32, min: u32, max: u32) -> Result<u32, Failure> {
    let Some(text) = call.query(name) else { return Ok(default) };
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    // What is beyond 32 bits is beyond every list: where that is no limit, it skips all rows.
    let value = digits.then(|| text.parse().unwrap_or(u32::MAX));
    match value {
        Some(value) if (min..=max).contains(&value) => Ok(value),
        _ if max == u32::MAX => Err(invalid(name, &format!("must be a whole number from {min}"))),
        _ => Err(invalid(name, &format!("must be a whole number from {min} to {max}"))),
    }
}

/// `{"data": thing}`.
pub(super) fn one(status: StatusCode, data: &impl Serialize) -> Outcome {
    Ok(Reply::json(&One { data })?.with_status(status))
}

/// `{"data": rows, "total": …}`.
pub(super) fn many<T: Serialize>(data: Vec<T>, total: u64) -> Outcome {
    Reply::json(&Many { data, total })
}
