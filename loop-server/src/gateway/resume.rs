//! A request that is made again once a human said yes gets the very answer that the yes was given to.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use loop_core::{
    engine::DecideError,
    kept::{Kept, KeptKey},
};

use super::{
    aside::elsewhere,
    completion, media,
    media::Media,
    turn::{Context, Keeping, Undecided, Verdict},
    watch::Watch,
    whole,
    wire::{self, Limits, Proposed, Step, Stream},
};
use crate::http::{Failure, Reply, stream::Body};

/// Answers a request for which an answer is kept; `None` when the model has to be asked.
///
/// # Errors
/// Storage failures.
pub(super) async fn reply(cx: &Arc<Context>) -> Result<Option<Reply>, Failure> {
    let (engine, tenant) = (&cx.app.engine, &cx.caller.tenant);
    if !engine.keeps_any(tenant).await.map_err(Undecided::from)? {
        return Ok(None);
    }
    let Some(key) = cx.key().await?.filter(|key| engine.keeps(tenant, key)) else { return Ok(None) };
    let work = Arc::clone(cx);
    // What is kept has to be opened and read again.
    let decided = elsewhere(async move { decided(&work, &key).await }).await?;
    match decided {
        Ok(Some((reply, mut watch))) => {
            watch.over_now();
            Ok(Some(reply))
        }
        // Another request was faster, or its time was over just now.
        Ok(None) | Err(Undecided::Engine(DecideError::KeptGone)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn decided(cx: &Arc<Context>, key: &KeptKey) -> Result<Option<(Reply, Watch)>, Undecided> {
    let Some(kept) = cx.app.engine.kept(&cx.caller, key).await? else { return Ok(None) };
    let Some((content_type, body)) = completion::open(kept.completion()) else { return Ok(None) };
    let body = Bytes::copy_from_slice(body);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type);
    let (out, watch) = match media::of(&headers) {
        Some(Media::Json) => {
            let Some(calls) = wire::proposed(cx.wire, &body).ok().filter(|calls| !calls.is_empty()) else {
                return Ok(None);
            };
            let (verdict, watch) = again(cx, calls, kept).await?;
            (whole::judged(cx.wire, &body, &verdict), watch)
        }
        Some(Media::Events) => {
            let Some((mut stream, mut sent, calls)) = replay(cx, body) else { return Ok(None) };
            let (verdict, watch) = again(cx, calls, kept).await?;
            sent.extend(judged(&mut stream, &verdict));
            (sent.concat().into(), watch)
        }
        None => return Ok(None),
    };
    Ok(Some((Reply::passed(StatusCode::OK, headers, Body::whole(out)), watch)))
}

/// Decides what was kept again. An answer that may not go is lost to nobody, so only one that may is watched over.
async fn again(cx: &Arc<Context>, calls: Vec<Proposed>, kept: Kept) -> Result<(Verdict, Watch), Undecided> {
    let mut watch = Watch::over(cx, &calls);
    let decided = cx.decide(calls, Keeping::Kept(kept)).await;
    if !decided.as_ref().is_ok_and(|verdict| verdict.allowed) {
        watch.over_now();
    }
    Ok((decided?, watch))
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
