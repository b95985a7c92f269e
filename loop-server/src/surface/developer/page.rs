//! Lists of this surface: an object with the rows and where the next page begins.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::{Call, Failure, Param, Reply, table::Outcome};

/// The parameters of every list.
pub(super) const LIMIT: Param = Param { name: "limit", kind: "integer", about: "rows, 1 to 100, default 50" };
/// See [`LIMIT`].
pub(super) const CURSOR: Param =
    Param { name: "cursor", kind: "string", about: "the `nextCursor` of the page before, to go on from there" };

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<C> {
    /// At most so many rows.
    pub limit: u32,
    /// Rows after this one; `None` from the start.
    pub after: Option<C>,
}

impl<C> Page<C> {
    /// Reads `limit` and `cursor`, the cursor with `parse`.
    pub(super) fn of(call: &Call, parse: impl FnOnce(&str) -> Option<C>) -> Result<Self, Failure> {
        let limit = u32::try_from(call.query_number("limit", 50, 1, 100)?).unwrap_or(50);
        let after = match call.query("cursor") {
            Some(text) if !text.is_empty() => {
                Some(parse(&text).ok_or_else(|| Failure::invalid("`cursor` is none that this list gave"))?)
            }
            _ => None,
        };
        Ok(Self { limit, after })
    }

    /// Whether a page of so many rows may be followed by another.
    pub(super) fn full(&self, rows: usize) -> bool {
        rows >= self.limit as usize
    }
}

/// A page: `{"<name>": rows, "nextCursor": …}`.
pub(super) fn page<R: Serialize>(name: &str, rows: &[R], next: Option<String>) -> Outcome {
    let rows =
        serde_json::to_value(rows).map_err(|error| Failure::internal(format!("rows cannot be written: {error}")))?;
    let mut body = Map::new();
    body.insert(name.to_owned(), rows);
    body.insert("nextCursor".to_owned(), next.map_or(Value::Null, Value::String));
    Reply::json(&body)
}

/// Declares the shape of a page for documents: `page_shape!(LoopPage, loops: LoopAnswer)`.
macro_rules! page_shape {
    ($name:ident, $rows:ident: $row:ty) => {
        /// A page.
        #[derive(schemars::JsonSchema, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct $name {
            /// The rows.
            $rows: Vec<$row>,
            /// Where the next page begins; null on the last.
            next_cursor: Option<String>,
        }
    };
}

pub(super) use page_shape;
