//! Which encoding a request is in, and so its answer.

use http::{HeaderMap, StatusCode, header};

use crate::http::{Failure, rpc_status};

/// An encoding of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::surface::telemetry) enum Media {
    /// Protocol buffers.
    Protobuf,
    /// JSON.
    Json,
}

impl Media {
    /// The encoding that a request's `Content-Type` names, its parameters apart; JSON when it has none.
    ///
    /// # Errors
    /// 415 for any other.
    pub(in crate::surface::telemetry) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        if rpc_status::expected(headers) {
            return Ok(Self::Protobuf);
        }
        let Some(told) = headers.get(header::CONTENT_TYPE) else { return Ok(Self::Json) };
        let told = told.to_str().unwrap_or_default();
        if told.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            Ok(Self::Json)
        } else {
            let message = format!("the content type must be `{}` or `application/json`", rpc_status::MEDIA);
            Err(Failure::invalid(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
    }
}
