//! What agents did, as they tell it themselves: spans of OpenTelemetry.
//!
//! - [`incoming`]: spans as received, whatever the wire format.
//! - [`dialect`]: what attributes mean, whichever framework wrote them.
//! - [`content`]: attributes as they are kept: masked and bounded.
//! - [`prepare`]: from spans as received to blocks as stored, before the transaction.
//! - `pack`, [`head`], [`part`], `packing`: what a block holds, and how it lies in bytes.
//! - [`row`]: a stored span without its attributes.
//! - [`keep`]: storing spans, each once, and removing old ones.
//! - [`window`]: walking the spans of a window of time.
//! - [`trace`]: the spans of one trace, wherever they came in, and the session of each.
//! - [`session`]: reading sessions.
//! - [`listing`]: listing sessions.
//! - [`recent`]: the latest records, and one by its id.
//! - [`record`]: a span as the API shows it.

pub mod content;
pub mod dialect;
mod error;
pub mod head;
pub mod incoming;
pub mod keep;
pub mod listing;
mod pack;
mod packing;
pub mod part;
pub mod prepare;
pub mod recent;
pub mod record;
pub mod row;
pub mod session;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod window;

pub use error::TelemetryError;
