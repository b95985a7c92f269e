//! OTLP, the protocol by which OpenTelemetry sends spans.
//!
//! - [`media`]: which encoding a request is in.
//! - [`inflate`]: bodies that are compressed.
//! - [`protobuf`], `wire`: spans as protocol buffers.
//! - [`json`], `json_text`: spans as JSON.
//! - [`bounds`]: how much one request may hold.
//! - [`answer`]: what an exporter is told.
//!
//! Both readers are written for this protocol alone. They borrow every text from the body, and what they build of it is
//! bounded while it is built: two bytes may be a span, which takes a hundred times as many once it is read.

pub(super) mod answer;
pub(super) mod bounds;
pub(super) mod inflate;
mod json;
mod json_text;
pub(super) mod media;
mod protobuf;
#[cfg(test)]
mod tests;
mod wire;

use loop_core::telemetry::incoming::Batch;

use self::{bounds::Bounds, media::Media};

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecodable {
    /// It is no protocol buffer of this schema.
    #[error("invalid protobuf body: {0}")]
    Protobuf(&'static str),
    /// It is no JSON of this schema.
    #[error("invalid JSON body: {0}")]
    Json(String),
    /// The member that there has to be is missing.
    #[error("`resourceSpans` is required")]
    Missing,
    /// It holds too much.
    #[error("a request holds at most {} spans with {} values", bounds::SPANS_MAX, bounds::VALUES_MAX)]
    TooMany,
}

/// The spans of a body. What is wrong with single ones is left for [`loop_core::telemetry::prepare`] to say.
///
/// # Errors
/// A body that is no request, or holds too much.
pub(super) fn decode(media: Media, body: &[u8]) -> Result<Batch<'_>, Undecodable> {
    let mut bounds = Bounds::default();
    match media {
        Media::Protobuf => protobuf::decode(body, &mut bounds),
        Media::Json => json::decode(body, &bounds),
    }
}
