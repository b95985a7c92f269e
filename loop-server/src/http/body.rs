//! Reading a request's body within a size and a time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use loop_core::base::Code;

use super::{Failure, room::Held};

/// How much of a refused body is read and thrown away, so that a client that sends first and reads later still
/// sees why it was refused. Beyond it the connection is closed.
const DRAIN_BYTES: usize = 64 << 20;
/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How a body is read.
#[derive(Debug)]
pub struct Terms<'h> {
    /// The most bytes.
    pub limit: usize,
    /// How long it may take.
    pub time: Duration,
    /// What it holds of the memory for large bodies, of rows that take them. Their bodies may be compressed.
    pub held: Option<&'h mut Held>,
}

/// The whole body.
///
/// # Errors
/// 413 beyond the limit, 408 when it takes too long, 400 when it breaks off or its framing is wrong, 415 when it is
/// compressed and the handler does not read that, 503 when there is no memory for it now.
pub async fn read(headers: &HeaderMap, body: &mut Incoming, terms: Terms<'_>) -> Result<Bytes, Failure> {
    let Terms { limit, time, held } = terms;
    let coded = |coding: &HeaderValue| !coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if held.is_none() && headers.get(header::CONTENT_ENCODING).is_some_and(coded) {
        let message = "compressed bodies are not accepted";
        return Err(Failure::invalid(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(time, collect(body, limit, held)).await {
        Ok(read) => read,
        Err(_) => Err(Failure::invalid("the body took too long").with_status(StatusCode::REQUEST_TIMEOUT)),
    }
}

async fn collect(body: &mut Incoming, limit: usize, mut held: Option<&mut Held>) -> Result<Bytes, Failure> {
    let mut whole = Whole::new(limit);
    if let Some(held) = &mut held {
        // What was announced is asked for at once: bodies that each got half would wait for each other's end.
        held.grow(usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX))?;
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::invalid("the body broke off or its framing is wrong"))?;
        let Ok(data) = frame.into_data() else { continue };
        whole.add(data).map_err(|TooLong| too_large(limit))?;
        if let Some(held) = &mut held {
            held.grow(whole.len())?;
        }
    }
    Ok(whole.into_bytes())
}

/// A body joined from its pieces. Nearly every one arrives in one piece, which is then passed on as it is.
pub(crate) struct Whole {
    first: Bytes,
    rest: BytesMut,
    limit: usize,
}

/// The pieces are longer together than the limit.
pub(crate) struct TooLong;

impl Whole {
    /// A body of which nothing has come, of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { first: Bytes::new(), rest: BytesMut::new(), limit }
    }

    /// Adds the next piece, unless the body would be too long.
    pub(crate) fn add(&mut self, piece: Bytes) -> Result<(), TooLong> {
        if self.len().saturating_add(piece.len()) > self.limit {
            return Err(TooLong);
        }
        if self.len() == 0 {
            self.first = piece;
        } else {
            // The pieces lie together from the second on, so that no moment needs twice the memory.
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
            self.rest.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        self.first.len().saturating_add(self.rest.len())
    }

    /// All of it.
    pub(crate) fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(Code::TooLarge, format!("the body is larger than {limit} bytes"))
}

/// Throws away what is left of a refused body.
///
/// A client that waits for `100 Continue` has sent nothing yet and is answered at once.
pub async fn drain(headers: &HeaderMap, body: &mut Incoming) {
    if body.is_end_stream() || headers.contains_key(header::EXPECT) || body.size_hint().lower() > DRAIN_BYTES as u64 {
        return;
    }
    let all = async {
        let mut seen = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if seen > DRAIN_BYTES {
                break;
            }
        }
    };
    // Running out of time only means that the connection closes.
    let _ = tokio::time::timeout(DRAIN_TIME, all).await;
}
