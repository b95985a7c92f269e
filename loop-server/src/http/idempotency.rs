//! `Idempotency-Key`: a request that is sent again is answered as the first time, without being carried out again.
//!
//! The claim is durable before the handler runs, and the handler runs to its end also when its client has gone: the
//! client that comes back is told what became of it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use loop_core::{
    access::{
        AccessError, Caller, Scope,
        idempotency::{self, Claimed, Holder, MAX_ANSWER, Request},
    },
    base::{Code, json::Doc},
    store::Lane,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, Failure, Reply, Row, reply::Content, request, table::Outcome};
use crate::surface::{Surface, developer};

/// The header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
const MAX_KEY: usize = 255;
/// Says that an answer was told before.
const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
/// Failures after which something may have happened outside: they are kept. Others may be tried again, unless something
/// was written down.
const KEPT: [Code; 4] = [Code::ProviderFailed, Code::UpstreamFailed, Code::ReplayDetected, Code::Internal];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
enum Kept {
    /// A success: its status and its JSON.
    Reply(u16, Value),
    /// A failure: its code's spelling, its status, its message and its details.
    Failure(String, u16, String, Option<Map<String, Value>>),
    /// One that is not kept, because it was too long or no JSON.
    Gone,
}

/// Whether requests of the row may carry a key. What only looks needs none.
fn applies(row: &Row) -> bool {
    matches!(row.surface, Surface::Developer | Surface::Improvement)
        && row.method == Method::POST
        && row.access.guarded()
        && !row.access.scopes().contains(&Scope::PolicyEvaluate)
}

/// Whether the row decides: what it allowed once is decided again before it is told again.
fn decides(row: &Row) -> bool {
    row.access.scopes().contains(&Scope::ToolsInvoke)
}

/// The request's key, if it carries one: in the header, or in the body of an invocation.
fn key_of(call: &Call) -> Result<Option<String>, Failure> {
    let told = match call.headers.get(&HEADER) {
        Some(value) => Some(value.to_str().unwrap_or("").to_owned()),
        // What is wrong with a body is the handler's to say.
        None if decides(call.row) => match Doc::parse(&call.body) {
            Ok(doc) => doc.root().get("idempotencyKey").and_then(|view| view.as_str().map(str::to_owned)),
            Err(_) => None,
        },
        None => None,
    };
    match told {
        Some(key) if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|b| matches!(b, b' '..=b'~')) => {
            Ok(Some(key))
        }
        Some(_) => Err(Failure::invalid(format!("an idempotency key is 1 to {MAX_KEY} printable ASCII characters"))),
        None => Ok(None),
    }
}

/// Runs the row's handler, once for all requests with the same idempotency key.
pub(super) async fn run(call: Call) -> Outcome {
    if !applies(call.row) {
        return request::dispatch(call).await;
    }
    let Some(key) = key_of(&call)? else { return request::dispatch(call).await };
    let engine = call.app.engine.clone();
    let cx = engine.context(call.caller()?.clone()).map_err(AccessError::from).map_err(failed)?;
    let request = Request::of(engine.master(), &cx, call.row.operation, &key, call.uri.path(), &call.body);
    let claim = engine.write(cx, "idempotency.claim", move |tx, cx| idempotency::claim(tx, cx, &request));
    match claim.await.map_err(failed)? {
        Claimed::Fresh(holder) => {
            let call = Call { caller: call.caller.map(|caller| under(caller, &holder)), ..call };
            // A client that hangs up must not stop what it asked for half way.
            let work = tokio::spawn(carry_out(call, holder));
            work.await.unwrap_or_else(|_| Err(Failure::internal("a handler broke off")))
        }
        Claimed::InFlight => {
            let message = "a request with this idempotency key is under way";
            Err(Failure::new(Code::IdempotencyConflict, message).retry_after(1))
        }
        Claimed::Lost => Err(gone()),
        Claimed::Mismatch => {
            let message = "this idempotency key was used with another body";
            Err(Failure::new(Code::IdempotencyMismatch, message))
        }
        Claimed::Answered(sealed) => {
            let text = sealed.open(engine.master());
            let kept = text.and_then(|text| serde_json::from_str(text.expose()).ok());
            match kept.unwrap_or(Kept::Gone) {
                Kept::Reply(status, body) => {
                    if decides(call.row) {
                        developer::decide_again(&call).await?;
                    }
                    let status = StatusCode::from_u16(status).unwrap_or_default();
                    let reply = if status == StatusCode::NO_CONTENT { Reply::nothing() } else { Reply::json(&body)? };
                    Ok(reply.with_status(status).with_header(REPLAYED.0, REPLAYED.1))
                }
                Kept::Failure(code, status, message, extra) => Err(told_again(&code, status, message, extra)),
                Kept::Gone => Err(gone()),
            }
        }
    }
}

/// The caller of a request that is carried out under a claim.
fn under(caller: Caller, holder: &Holder) -> Caller {
    Caller { once: Some(Arc::new(holder.clone())), ..caller }
}

fn gone() -> Failure {
    Failure::new(Code::IdempotencyConflict, "this request was carried out; its answer was not kept")
}

/// Runs the handler and keeps its answer, or gives the claim up when nothing happened.
async fn carry_out(call: Call, holder: Holder) -> Outcome {
    let app = Arc::clone(&call.app);
    let tenant = call.caller()?.tenant.clone();
    let outcome = request::caught(request::dispatch(call)).await;
    // Whether it may be sent again if nothing was changed.
    let (kept, again) = match &outcome {
        Ok(reply) => (keep(reply), false),
        Err(failure) if failure.code() == Code::Unavailable => (Kept::Gone, true),
        Err(failure) => (keep_failure(failure), !KEPT.contains(&failure.code())),
    };
    let mut text = serde_json::to_string(&kept).unwrap_or_default();
    if text.len() > MAX_ANSWER {
        text = serde_json::to_string(&Kept::Gone).unwrap_or_default();
    }
    let Ok(seed) = app.engine.seed() else { return outcome };
    let (master, now, subject) = (app.engine.master().clone(), app.engine.now(), tenant.clone());
    let noted = app.engine.write_as_system(&tenant, "idempotency.answer", Lane::Normal, move |tx| {
        if again && idempotency::release(tx, &subject, &holder)? {
            return Ok(());
        }
        idempotency::answer(tx, &subject, &holder, &text, &master, now, &mut seed.clone())
    });
    if let Err(error) = noted.await {
        // What was done is told all the same; the claim ends by itself.
        tracing::warn!(target: "loop::request", %error, "an answer cannot be kept under its idempotency key");
    }
    outcome
}

fn keep(reply: &Reply) -> Kept {
    let bytes = match &reply.content {
        Content::Nothing => return Kept::Reply(reply.status.as_u16(), Value::Null),
        Content::Whole(bytes) => bytes,
        Content::Stream(_) => return Kept::Gone,
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(bytes) else { return Kept::Gone };
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !reply.once.contains(&name.as_str()));
    }
    Kept::Reply(reply.status.as_u16(), body)
}

fn keep_failure(failure: &Failure) -> Kept {
    // The cause of a defect is for the log only, and stands there already.
    let message = if failure.code() == Code::Internal { "internal error" } else { failure.message() };
    let status = failure.status().as_u16();
    Kept::Failure(failure.code().as_str().to_owned(), status, message.to_owned(), failure.extra().cloned())
}

fn told_again(code: &str, status: u16, message: String, extra: Option<Map<String, Value>>) -> Failure {
    let code = Code::parse(code).unwrap_or(Code::Internal);
    let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 400);
    let failure = Failure::new(code, message).with_status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    extra.into_iter().flatten().fold(failure, |failure, (name, value)| failure.with(&name, value))
}

fn failed(error: AccessError) -> Failure {
    Failure::of(error.code(), &error)
}
