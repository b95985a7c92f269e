//! The way of one turn: resume, ask, read, decide, answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{header, response};
use loop_core::base::secret::Secret;

use super::{
    aside::aside,
    coding::Coding,
    events, headers, media,
    media::Media,
    note,
    own_keys::{OwnKeys, stands_in_body},
    pass, resume,
    turn::Context,
    upstream::{Endpoint, Pieces, UpstreamError},
    whole,
    wire::Wire,
};
use crate::http::{Call, Failure, table::Outcome};

/// `POST /v1/chat/completions`.
pub(super) async fn chat(call: Call) -> Outcome {
    turn(call, Wire::Chat, Endpoint::Chat).await
}

/// `POST /v1/responses`.
pub(super) async fn responses(call: Call) -> Outcome {
    turn(call, Wire::Responses, Endpoint::Responses).await
}

/// `POST /v1/messages`.
pub(super) async fn messages(call: Call) -> Outcome {
    turn(call, Wire::Messages, Endpoint::Messages).await
}

async fn turn(call: Call, wire: Wire, endpoint: Endpoint) -> Outcome {
    let key = call.presented_key();
    own_key_stays(&call.body, key.as_ref()).await?;
    let cx = Arc::new(Context {
        app: Arc::clone(&call.app),
        caller: call.caller()?.clone(),
        wire,
        row: call.row,
        request_id: call.request_id.clone(),
        said: headers::said(&call.headers)?,
        request: call.body.clone(),
    });
    if let Some(reply) = resume::reply(&cx).await? {
        return Ok(reply);
    }
    let keys = OwnKeys::new(key.as_ref(), &cx.app.engine);
    let query = headers::query(call.uri.query(), &keys);
    let mut sent = call.headers;
    headers::forward(&mut sent, &keys);
    let asked = cx.app.upstreams.ask(endpoint, call.method, query.as_deref(), sent, call.body);
    let (head, pieces) = asked.await?;
    if !head.status.is_success() {
        return Ok(pass::on(head, pieces)?);
    }
    match readable(&head) {
        Ok((Media::Json, coding)) => whole::reply(&cx, head, coding, pieces).await,
        Ok((Media::Events, coding)) => Ok(events::reply(cx, head, coding, pieces)),
        Err(error) => {
            drop::<Pieces>(pieces);
            note::withheld(&cx, None, &error).await;
            Err(error.into())
        }
    }
}

/// How an answer is read, if it can be.
fn readable(head: &response::Parts) -> Result<(Media, Coding), UpstreamError> {
    let mut codings = head.headers.get_all(header::CONTENT_ENCODING).iter();
    let coding = Coding::of(codings.next().map(|value| value.as_bytes())).map_err(whole::unopened)?;
    if codings.next().is_some() {
        return Err(UpstreamError::Coding);
    }
    match media::of(&head.headers) {
        Some(media) => Ok((media, coding)),
        None => Err(UpstreamError::Unreadable("it is neither JSON nor a stream of events".to_owned())),
    }
}

/// The caller's Loop key is not for the provider, also when an agent read it somewhere and tells its model.
async fn own_key_stays(body: &Bytes, key: Option<&Secret>) -> Result<(), Failure> {
    let Some(key) = key.cloned() else { return Ok(()) };
    let text = body.clone();
    if aside(body.len(), move || stands_in_body(&text, &key)).await? {
        return Err(Failure::invalid(
            "the body holds the Loop key that the request was made with, which is not sent on",
        ));
    }
    Ok(())
}
