//! The way of one turn: resume, ask, read, decide, answer.

use std::sync::Arc;

use http::{header, response};
use loop_core::base::secret::Secret;
use memchr::memmem;

use super::{
    coding::Coding,
    events, headers, media,
    media::Media,
    note, pass, resume,
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
    own_key_stays(&call.body, key.as_ref())?;
    let cx = Context {
        app: Arc::clone(&call.app),
        caller: call.caller()?.clone(),
        wire,
        door: call.row.operation,
        said: headers::said(&call.headers)?,
        request: call.body.clone(),
    };
    if let Some(reply) = resume::reply(&cx).await? {
        return Ok(reply);
    }
    let query = headers::query(call.uri.query(), key.as_ref());
    let mut sent = call.headers;
    headers::forward(&mut sent, key.as_ref());
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
    match media::of(head.headers.get(header::CONTENT_TYPE)) {
        Some(media) => Ok((media, coding)),
        None => Err(UpstreamError::Unreadable("it is neither JSON nor a stream of events".to_owned())),
    }
}

/// The caller's Loop key is not for the provider, also when an agent read it somewhere and tells its model.
fn own_key_stays(body: &[u8], key: Option<&Secret>) -> Result<(), Failure> {
    match key {
        Some(key) if memmem::find(body, key.expose().as_bytes()).is_some() => {
            Err(Failure::invalid("the body holds the Loop key that the request was made with, which is not sent on"))
        }
        _ => Ok(()),
    }
}
