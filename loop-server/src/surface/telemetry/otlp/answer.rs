//! What an exporter is told: `ExportTraceServiceResponse`, in its request's encoding.

use http::StatusCode;
use loop_core::telemetry::prepare::Rejected;
use serde_json::json;

use super::media::Media;
use crate::http::{
    Failure, Reply,
    rpc_status::{MEDIA, push_text, push_varint},
};

/// The answer to a request whose spans are stored, but for those that were rejected.
pub(in crate::surface::telemetry) fn accepted(
    media: Media,
    status: StatusCode,
    rejected: &Rejected,
) -> Result<Reply, Failure> {
    let reply = match media {
        Media::Json if rejected.count == 0 => Reply::raw_json("{}"),
        Media::Json => Reply::json(&json!({
            "partialSuccess": { "rejectedSpans": rejected.count.to_string(), "errorMessage": rejected.to_string() }
        }))?,
        Media::Protobuf if rejected.count == 0 => Reply::bytes(MEDIA, ""),
        Media::Protobuf => {
            let mut partial = vec![1 << 3];
            push_varint(rejected.count, &mut partial);
            push_text(2, &rejected.to_string(), &mut partial);
            let mut whole = vec![1 << 3 | 2];
            push_varint(partial.len() as u64, &mut whole);
            whole.append(&mut partial);
            Reply::bytes(MEDIA, whole)
        }
    };
    Ok(reply.with_status(status))
}
