//! A request that is made again once a human said yes gets the very answer that the yes was given to.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use loop_core::{engine::DecideError, kept::Kept};

use super::{
    completion, media,
    media::Media,
    turn::{Context, Keeping, Verdict, refusal},
    whole,
    wire::{self, Limits, Proposed, Step, Stream},
};
use crate::http::{Failure, Reply, stream::Body};

/// Answers a request for which an answer is kept; `None` when the model has to be asked.
///
/// # Errors
/// Storage failures.
pub(super) async fn reply(cx: &Context) -> Result<Option<Reply>, Failure> {
    let engine = &cx.app.engine;
    let failed = |error: DecideError| refusal(&error);
    let Some(key) = engine.kept_key(&cx.caller, cx.door, &cx.request).await.map_err(failed)? else { return Ok(None) };
    let Some(kept) = engine.kept(&cx.caller, &key).await.map_err(failed)? else { return Ok(None) };
    match decided(cx, &kept).await {
        Ok(reply) => Ok(reply),
        // Another request was faster, or its time was over just now.
        Err(DecideError::KeptGone) => Ok(None),
        Err(error) => Err(refusal(&error)),
    }
}

async fn decided(cx: &Context, kept: &Kept) -> Result<Option<Reply>, DecideError> {
    let Some((content_type, body)) = completion::open(kept.completion()) else { return Ok(None) };
    let body = Bytes::copy_from_slice(body);
    let out = match media::of(Some(&content_type)) {
        Some(Media::Json) => {
            let Some(calls) = wire::proposed(cx.wire, &body).ok().filter(|calls| !calls.is_empty()) else {
                return Ok(None);
            };
            let verdict = cx.decide(&calls, Keeping::Kept(kept)).await?;
            whole::judged(cx, &body, &verdict)
        }
        Some(Media::Events) => {
            let Some((mut stream, mut sent, calls)) = replay(cx, body) else { return Ok(None) };
            let verdict = cx.decide(&calls, Keeping::Kept(kept)).await?;
            sent.extend(judged(&mut stream, &verdict));
            sent.concat().into()
        }
        None => return Ok(None),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type);
    Ok(Some(Reply::passed(StatusCode::OK, headers, Body::whole(out))))
}

/// Runs a kept stream to the place where its calls are decided.
fn replay(cx: &Context, body: Bytes) -> Option<(Stream, Vec<Bytes>, Vec<Proposed>)> {
    let (mut stream, mut sent) = (Stream::new(cx.wire, Limits::default()), Vec::new());
    let step = match stream.feed(body, &mut sent) {
        // Its last event may have no blank line.
        Ok(Step::More) => stream.end(&mut sent),
        step => step,
    };
    match step {
        Ok(Step::Decide(calls)) if !calls.is_empty() => Some((stream, sent, calls)),
        _ => None,
    }
}

/// The rest of a stream whose calls were decided.
pub(super) fn judged(stream: &mut Stream, verdict: &Verdict) -> Vec<Bytes> {
    if verdict.allowed { stream.released(&verdict.meta) } else { stream.replaced(&verdict.message, &verdict.meta) }
}
