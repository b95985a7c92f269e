//! The way of one request: route, limits of the head, origin, key and scope, body, handler, answer.

use std::{
    future::{Future, poll_fn},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts};
use hyper::body::Incoming;
use loop_core::{
    access::Caller,
    base::{Code, TenantId, id::LoopId},
};
use tokio::time::Instant;

use super::{
    Access, Call, Failure, Handler, Reply, Row, auth,
    body::{self, Terms},
    cors,
    dialect::Refusal,
    idempotency, origin,
    rate::Rate,
    reply::Content,
    request_id::{self, RequestId},
    router::Found,
    rpc_status,
    stream::Body,
    table::Outcome,
};
use crate::{
    metrics::Meters,
    state::App,
    surface::{self, Surface, developer},
};

/// The longest path and query, in bytes.
const URI_MAX: usize = 8 << 10;
/// The most bytes of header names and values.
const HEAD_MAX: usize = 32 << 10;

/// What the caller's wallet still holds.
const CREDITS: HeaderName = HeaderName::from_static("x-openloop-credits-remaining");
/// Ours beside the id of another server whose answer is handed on.
const LOOP_REQUEST_ID: HeaderName = HeaderName::from_static("x-loop-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Answers a request of whoever is at that address. Whatever goes wrong, also a panic, becomes an answer in the
/// surface's shape.
pub async fn answer(app: Arc<App>, peer: Option<IpAddr>, request: Request<Incoming>) -> Response<Body> {
    let started = Instant::now();
    let (head, mut body) = request.into_parts();
    let id = app.ids.of(&head.headers);
    let page = head.headers.contains_key(header::ORIGIN).then(|| surface::of_path(head.uri.path()));
    let origin = page.and_then(|surface| cors::allowed(surface.dialect(), &head.headers));
    let spoken = if rpc_status::expected(&head.headers) { Spoken::Protobuf } else { Spoken::Json };
    let mut beside = Beside { started, peer, rate: None, wallet: None };
    let (row, surface, meters, outcome) = match app.router.find(&head.method, head.uri.path()) {
        Found::Route(route, params) => {
            // A refusal may leave a body unread; the headers tell how to deal with it and are moved otherwise.
            let work = handle(&app, route.row, params, head, &mut body, id.clone(), &mut beside);
            let outcome = caught(work).await;
            (Some(route.row), route.row.surface, &route.meters, outcome)
        }
        found => {
            let surface = surface::of_path(head.uri.path());
            let outcome = elsewhere(&head, found, origin.is_some());
            body::drain(&head.headers, &mut body).await;
            (None, surface, &app.unrouted, outcome)
        }
    };
    let mut response = match outcome {
        Ok(reply) => success(reply, &id),
        Err(failure) => refusal(failure, surface, spoken, row, &id),
    };
    beside.tell(&app, response.headers_mut());
    if let Some(origin) = origin {
        cors::tell(origin, response.headers_mut());
    }
    finish(row, meters, response.status(), started, &id);
    response
}

/// What is known of a request beside itself, and what its answer tells whatever it is.
struct Beside {
    started: Instant,
    peer: Option<IpAddr>,
    rate: Option<Rate>,
    wallet: Option<(TenantId, LoopId)>,
}

impl Beside {
    fn tell(self, app: &App, headers: &mut HeaderMap) {
        if let Some(rate) = self.rate {
            rate.tell(headers);
        }
        if let Some(credits) = self.wallet.and_then(|(tenant, id)| developer::credits_left(app, &tenant, id)) {
            headers.insert(CREDITS, credits.into());
        }
    }
}

async fn handle(
    app: &Arc<App>,
    row: &'static Row,
    params: Vec<String>,
    head: Parts,
    incoming: &mut Incoming,
    request_id: RequestId,
    beside: &mut Beside,
) -> Outcome {
    let Parts { method, uri, headers, .. } = head;
    let now = app.engine.now();
    let admitted = async {
        head_limits(&uri, &headers)?;
        if row.mutates() {
            // A page that may read the answer may also ask: its requests carry a key that it was given.
            if cors::allowed(row.surface.dialect(), &headers).is_none() {
                origin::check(&headers, app.public_host())?;
            }
        }
        if row.access.guarded() {
            let caller = auth::caller(app, row, &method, &headers, uri.query(), now).await?;
            if matches!(row.surface, Surface::Developer | Surface::Improvement) {
                let (rate, within) = app.rates.take(&caller, beside.started);
                beside.rate = Some(rate);
                if row.surface == Surface::Developer {
                    beside.wallet = caller.loop_id.map(|id| (caller.tenant.clone(), id));
                }
                within?;
            }
            auth::admit(row, &caller)?;
            Ok(Some(caller))
        } else {
            Ok(None)
        }
    };
    let read = match admitted.await {
        // Mail scanners and link previews look before a person does; a look never uses a token up.
        Ok(_) if row.access == Access::Token && method == Method::HEAD => return Ok(Reply::page(Bytes::new())),
        Ok(caller) if row.reads_body() => {
            let mut held = row.takes_coded().then(|| app.room.held());
            let terms = Terms { limit: row.body_limit, time: app.config.limits.body_time, held: held.as_mut() };
            let read = body::read(&headers, incoming, terms).await;
            read.map(|bytes| (caller, bytes, held))
        }
        Ok(caller) => Ok((caller, Bytes::new(), None)),
        Err(failure) => Err(failure),
    };
    let (caller, body, held) = match read {
        Ok(read) => read,
        Err(failure) => {
            // Who was too slow once is not waited for again.
            if failure.status() != StatusCode::REQUEST_TIMEOUT {
                body::drain(&headers, incoming).await;
            }
            return Err(failure);
        }
    };
    let app = Arc::clone(app);
    let lent_key = None;
    let peer = beside.peer;
    idempotency::run(Call {
        app,
        row,
        peer,
        method,
        uri,
        headers,
        body,
        request_id,
        now,
        held,
        caller,
        params,
        lent_key,
    })
    .await
}

/// Whether a caller's key may call a row.
pub(crate) fn admits(row: &Row, caller: &Caller) -> bool {
    auth::admit(row, caller).is_ok()
}

/// Runs the handler of a row that is called within another row's request. The caller's scopes are checked as they are
/// for a request of its own.
pub(crate) async fn within(call: Call) -> Outcome {
    auth::admit(call.row, call.caller()?)?;
    caught(dispatch(call)).await
}

/// Runs the row's handler.
pub(super) async fn dispatch(call: Call) -> Outcome {
    match call.row.handler {
        Handler::Now(run) => run(&call),
        Handler::Later(run) => run(call).await,
        Handler::NowOrLater(now, later) => match now(&call) {
            Some(outcome) => outcome,
            None => later(call).await,
        },
    }
}

/// What a request gets that no row serves.
fn elsewhere(head: &Parts, found: Found<'_>, from_allowed_page: bool) -> Outcome {
    head_limits(&head.uri, &head.headers)?;
    match found {
        Found::Options(..) if from_allowed_page && cors::asks(&head.headers) => Ok(cors::preflight()),
        Found::Options(allow, methods) => {
            Ok(Reply::json(&serde_json::json!({ "allow": methods }))?.with_header(header::ALLOW, allow.clone()))
        }
        Found::Method(allow) => Err(Failure::invalid("this path does not answer that method")
            .with_status(StatusCode::METHOD_NOT_ALLOWED)
            .with_header(header::ALLOW, allow.clone())),
        Found::Broken => Err(Failure::invalid("the path holds a broken escape")),
        Found::Nothing | Found::Route(..) => Err(Failure::not_found("no such path")),
    }
}

fn head_limits(uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    if uri.path_and_query().is_some_and(|text| text.as_str().len() > URI_MAX) {
        let message = format!("the path and query are longer than {URI_MAX} bytes");
        return Err(Failure::invalid(message).with_status(StatusCode::URI_TOO_LONG));
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len())).sum();
    if size > HEAD_MAX {
        let message = format!("the headers are larger than {HEAD_MAX} bytes");
        return Err(Failure::invalid(message).with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    Ok(())
}

/// Runs work and turns a panic into a failure; the panic's text stays out of the answer and of the log.
pub(super) async fn caught(work: impl Future<Output = Outcome>) -> Outcome {
    let mut work = pin!(work);
    poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
            .unwrap_or_else(|_| Poll::Ready(Err(Failure::internal("a handler panicked"))))
    })
    .await
}

fn success(reply: Reply, id: &RequestId) -> Response<Body> {
    let body = match reply.content {
        Content::Nothing => Body::whole(Bytes::new()),
        Content::Whole(bytes) => Body::whole(bytes),
        Content::Stream(body) => body,
    };
    let mut response = plain(reply.status, reply.media, body, id);
    if reply.status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    if let Some(passed) = reply.passed {
        if !passed.contains_key(header::CONTENT_TYPE) {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response.headers_mut().extend(*passed);
        response.headers_mut().insert(LOOP_REQUEST_ID, id.to_header());
    }
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value);
    }
    response
}

/// What a request is written in, and so a refusal where the surface speaks it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Json,
    Protobuf,
}

fn refusal(
    failure: Failure,
    surface: Surface,
    spoken: Spoken,
    row: Option<&'static Row>,
    id: &RequestId,
) -> Response<Body> {
    let parts = failure.into_parts();
    let operation = row.map_or("-", |row| row.operation);
    let message: &str = if parts.code == Code::Internal {
        tracing::error!(target: "loop::failure", operation, request_id = %id, cause = %parts.message, "request failed");
        "internal error"
    } else {
        &parts.message
    };
    let id_header = id.to_header();
    let refusal = Refusal {
        code: parts.code,
        status: parts.status.as_u16(),
        message,
        request_id: id_header.to_str().unwrap_or("-"),
        extra: parts.extra.as_ref(),
    };
    let (media, body) = if spoken == Spoken::Protobuf && surface == Surface::Telemetry {
        (rpc_status::MEDIA, rpc_status::status(message))
    } else {
        ("application/json", surface.dialect().wrap(&refusal))
    };
    let mut response = plain(parts.status, HeaderValue::from_static(media), Body::whole(body.into()), id);
    let headers = response.headers_mut();
    if let Some(seconds) = parts.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some((name, value)) = parts.header {
        headers.insert(name, value);
    }
    response
}

/// A response with the headers that every answer carries.
fn plain(status: StatusCode, media: HeaderValue, body: Body, id: &RequestId) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Four that follow, and as many that a surface adds.
    headers.reserve(8);
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    headers.insert(request_id::HEADER, id.to_header());
    response
}

/// Counts the request and writes its line: the operation, never the path, which may hold a token.
fn finish(row: Option<&'static Row>, meters: &Meters, status: StatusCode, started: Instant, id: &RequestId) {
    let took = started.elapsed();
    meters.count(status, took);
    let operation = row.map_or("-", |row| row.operation);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let code = status.as_u16();
    if row.is_some_and(|row| !row.quiet()) {
        tracing::info!(target: "loop::request", operation, status = code, micros, request_id = %id, "request");
    } else {
        tracing::debug!(target: "loop::request", operation, status = code, micros, request_id = %id, "request");
    }
}
