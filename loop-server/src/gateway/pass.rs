//! Answers in which nothing is proposed, handed on as they come.

use http::{StatusCode, header, response};

use super::{
    headers,
    upstream::{Pieces, UpstreamError},
};
use crate::http::{Reply, drawn::Cut, stream::Body};

/// Hands an answer on, byte for byte.
///
/// # Errors
/// A redirection: whoever followed it would leave the proxy behind.
pub(super) fn on(head: response::Parts, mut pieces: Pieces) -> Result<Reply, UpstreamError> {
    if head.status.is_informational() {
        // It would go on in another protocol.
        return Err(UpstreamError::Unreadable("it is none".to_owned()));
    }
    if head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
        return Err(UpstreamError::Redirect);
    }
    let mut told = head.headers;
    let length = told.get(header::CONTENT_LENGTH).cloned();
    headers::back(&mut told);
    if let Some(length) = length {
        told.insert(header::CONTENT_LENGTH, length);
    }
    let body = Body::drawn(|out| async move {
        while let Some(bytes) = pieces.next().await.map_err(|_| Cut)? {
            out.send(bytes).await;
        }
        Ok(())
    });
    Ok(Reply::passed(head.status, told, body))
}
