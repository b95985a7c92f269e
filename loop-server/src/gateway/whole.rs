//! Answers that come in one piece.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, response};
use tokio::time::timeout;

use super::{
    coding::{Coding, Gunzip},
    completion::Recorder,
    headers, note,
    turn::{Context, Keeping, NOTHING, Verdict, refusal},
    upstream::{Pieces, UpstreamError},
    wire,
};
use crate::http::{
    Reply,
    body::{TooLong, Whole},
    stream::Body,
    table::Outcome,
};

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 32 << 20;

/// Reads an answer, decides what it proposes, and hands it on or another in its place.
pub(super) async fn reply(cx: &Context, head: response::Parts, coding: Coding, pieces: Pieces) -> Outcome {
    let media = head.headers.get(header::CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("application/json"));
    let read = async {
        let body = read(pieces, coding).await?;
        let calls = wire::proposed(cx.wire, &body).map_err(|why| UpstreamError::Unreadable(why.to_string()))?;
        Ok::<_, UpstreamError>((body, calls))
    };
    let (body, calls) = match read.await {
        Ok(read) => read,
        Err(error) => {
            note::withheld(cx, None, &error).await;
            return Err(error.into());
        }
    };
    if calls.is_empty() {
        return Ok(told(head.status, head.headers, wire::annotated(&body, NOTHING)));
    }
    let mut recorder = Recorder::new(&media);
    recorder.add(&body);
    let verdict = cx.decide(&calls, Keeping::Fresh(recorder.bytes())).await.map_err(|error| refusal(&error))?;
    Ok(told(head.status, head.headers, judged(cx, &body, &verdict)))
}

/// The answer with its verdict, or another in its place.
pub(super) fn judged(cx: &Context, body: &Bytes, verdict: &Verdict) -> Bytes {
    if verdict.allowed {
        wire::annotated(body, &verdict.meta)
    } else {
        wire::replaced(cx.wire, body, &verdict.message, &verdict.meta)
    }
}

fn told(status: StatusCode, mut told: HeaderMap, body: Bytes) -> Reply {
    headers::back(&mut told);
    told.remove(header::CONTENT_ENCODING);
    Reply::passed(status, told, Body::whole(body))
}

/// The whole body, opened, within bounds of size and time.
async fn read(mut pieces: Pieces, coding: Coding) -> Result<Bytes, UpstreamError> {
    let patience = pieces.patience();
    let all = async {
        let mut opened = match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(Gunzip::new(ANSWER_MAX as u64)),
        };
        let mut whole = Whole::new(ANSWER_MAX);
        let mut ended = false;
        while !ended {
            let data = match (pieces.next().await?, &mut opened) {
                (Some(piece), None) => piece,
                (Some(piece), Some(gunzip)) => gunzip.feed(&piece).map_err(unopened)?,
                (None, opened) => {
                    ended = true;
                    match opened {
                        Some(gunzip) => gunzip.end().map_err(unopened)?,
                        None => Bytes::new(),
                    }
                }
            };
            whole.add(data).map_err(|TooLong| UpstreamError::TooLarge { max: ANSWER_MAX })?;
        }
        Ok(whole.into_bytes())
    };
    timeout(patience, all).await.unwrap_or(Err(UpstreamError::Silent { seconds: patience.as_secs() }))
}

pub(super) fn unopened(error: super::coding::CodingError) -> UpstreamError {
    UpstreamError::Unreadable(error.to_string())
}
