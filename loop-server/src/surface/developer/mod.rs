//! The developer surface: policy evaluation, loops and their keys, messages, tools, proofs, trust, tasks, credits.

mod evaluate;

use crate::http::Row;

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[evaluate::ROWS];
