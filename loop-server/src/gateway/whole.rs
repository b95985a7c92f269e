//! Answers that come in one piece.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, response};
use tokio::time::timeout;

use super::{
    aside::aside,
    coding::{Coding, Gunzip},
    completion::Recorder,
    headers, note,
    turn::{Context, Keeping, NOTHING, Verdict},
    upstream::{Pieces, UpstreamError},
    watch::Watch,
    wire::{self, Proposed, Wire},
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
pub(super) async fn reply(cx: &Arc<Context>, head: response::Parts, coding: Coding, pieces: Pieces) -> Outcome {
    let media = head.headers.get(header::CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("application/json"));
    let (body, calls) = match understood(cx.wire, pieces, coding).await {
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
    let mut watch = Watch::over(cx, &calls);
    let tool = calls.first().map(|call| call.name.clone());
    let verdict = match cx.decide(calls, Keeping::Fresh(recorder.take())).await {
        Ok(verdict) => verdict,
        Err(error) => {
            note::withheld(cx, tool.as_deref(), &error).await;
            watch.over_now();
            return Err(error.into());
        }
    };
    let wire = cx.wire;
    let out = aside(body.len(), move || judged(wire, &body, &verdict)).await?;
    watch.over_now();
    Ok(told(head.status, head.headers, out))
}

/// The answer and what it proposes.
async fn understood(wire: Wire, pieces: Pieces, coding: Coding) -> Result<(Bytes, Vec<Proposed>), UpstreamError> {
    let unreadable = |why: &dyn std::fmt::Display| UpstreamError::Unreadable(why.to_string());
    let body = read(pieces, coding).await?;
    let text = body.clone();
    let calls = aside(body.len(), move || wire::proposed(wire, &text)).await.map_err(|error| unreadable(&error))?;
    Ok((body, calls.map_err(|why| unreadable(&why))?))
}

/// The answer with its verdict, or another in its place.
pub(super) fn judged(wire: Wire, body: &Bytes, verdict: &Verdict) -> Bytes {
    if verdict.allowed {
        wire::annotated(body, &verdict.meta)
    } else {
        wire::replaced(wire, body, &verdict.message, &verdict.meta)
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
