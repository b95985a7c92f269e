//! `/api/dispatch`: handing issues out.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::{
        Time,
        id::{IssueId, TemplateId, VersionId},
        time::millis,
    },
    dispatch::{
        DispatchError,
        lease::{self, Completion},
        next::{self, Dispatched, Means},
        queue::{self, Among, Queued},
    },
    prompt::Chosen,
    work::{
        Issue, IssueStatus, IssueType,
        claim::{Terms, Token},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    body, context,
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
    refused,
    templates::loop_url,
};
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The largest body, in bytes: a token and a summary.
const BODY: usize = 64 << 10;
/// Where to say what a prompt was worth.
const REVIEW_URL: &str = "POST /api/prompt-reviews";

const PROJECT: Param = Param { name: "projectId", kind: "string", about: "the issues of this project only" };
const LEASE: Param = Param {
    name: "leaseSeconds",
    kind: "integer",
    about: "how long the claim lasts without a sign of life, 1 to 86400; without it, for ever",
};
const AGENT: Param = Param { name: "agent", kind: "string", about: "who claims, 200 characters at most" };
const SESSION: Param =
    Param { name: "sessionId", kind: "string", about: "the session that it is worked on in, 200 characters at most" };

/// An issue to be handed out, told from those of the other examples.
macro_rules! ready {
    ($row:literal) => {
        concat!(r#"POST /api/issues {"title":"Example of "#, $row, r#"","type":"task","status":"todo","priority":1}"#)
    };
}

// One that is claimed, and one that a second look still sees.
const NEXT: &[&str] = &[ready!("next"), ready!("after next")];
const TAKE: &str = ready!("take");
const QUEUE: &str = ready!("queue");

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/dispatch/next",
        operation: "dispatch.next",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DispatchClaim),
        summary: "Claim the best ready issue and get its prompt; 204 when none is ready. HEAD claims nothing",
        query: &[PROJECT, LEASE, AGENT, SESSION],
        input: None,
        output: Output::Json(schema_of::<Answer>),
        success: &[200, 204],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(next_by_get(call))),
        example: Some(Example { before: NEXT, id: "", path: "/api/dispatch/next", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/dispatch/next",
        operation: "dispatch.take",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DispatchClaim),
        summary: "As GET, and safe to send again with an `Idempotency-Key`",
        query: &[PROJECT, LEASE, AGENT, SESSION],
        input: Some(schema_of::<Ask>),
        output: Output::Json(schema_of::<Answer>),
        success: &[200, 204],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(next_by_post(call))),
        example: Some(Example {
            before: &[TAKE],
            id: "",
            path: "/api/dispatch/next",
            body: r#"{"leaseSeconds":60,"agent":"worker-1"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/dispatch/queue",
        operation: "dispatch.queue",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::DispatchClaim, Scope::IssuesRead]),
        summary: "What is ready, in the order in which it is handed out, with scores",
        query: &[PROJECT, LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<Queued>>),
        success: &[200],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(queued(call))),
        example: Some(Example { before: &[QUEUE], id: "", path: "/api/dispatch/queue", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/dispatch/{issueId}/heartbeat",
        operation: "dispatch.heartbeat",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DispatchClaim),
        summary: "Lengthen a claim from now on",
        query: &[],
        input: Some(schema_of::<Beat>),
        output: Output::Json(schema_of::<One<Lengthened>>),
        success: &[200],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(heartbeat(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/api/dispatch/{issueId}/release",
        operation: "dispatch.release",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DispatchClaim),
        summary: "Give a claimed issue back: it is in `todo` again",
        query: &[],
        input: Some(schema_of::<Release>),
        output: Output::Json(schema_of::<One<Issue>>),
        success: &[200],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(release(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/api/dispatch/{issueId}/complete",
        operation: "dispatch.complete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DispatchClaim),
        summary: "End work on a claimed issue; saying so again is answered as the first time",
        query: &[],
        input: Some(schema_of::<Complete>),
        output: Output::Json(schema_of::<One<Issue>>),
        success: &[200],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(complete(call))),
        example: None,
    },
];

/// What to claim, and for how long. What the body does not say, the query may.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Ask {
    /// The issues of this project only.
    project_id: Option<String>,
    /// How long the claim lasts without a sign of life, in seconds, 1 to 86400; without it, for ever.
    #[schemars(range(min = 1, max = 86_400))]
    lease_seconds: Option<u32>,
    /// Who claims, 200 characters at most.
    agent: Option<String>,
    /// The session that it is worked on in, 200 characters at most.
    session_id: Option<String>,
}

/// A sign of life.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Beat {
    /// The claim's token.
    token: String,
    /// How long the claim lasts from now on, in seconds; by default as long as before.
    #[schemars(range(min = 1, max = 86_400))]
    lease_seconds: Option<u32>,
}

/// A claim to give up.
#[derive(Debug, Deserialize, JsonSchema)]
struct Release {
    /// The claim's token.
    token: String,
    /// Why, 1000 characters at most.
    reason: Option<String>,
}

/// A claim to end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Complete {
    /// The claim's token.
    token: String,
    /// `done` when it is not said.
    status: Option<Ended>,
    /// What was done.
    agent_summary: Option<String>,
}

/// How work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Ended {
    /// It is done.
    Done,
    /// It is given up.
    Canceled,
}

/// An issue that was handed out, once as it is and once under `data`.
#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    #[serde(flatten)]
    bare: Handed,
    /// The same.
    data: Handed,
}

/// An issue that was handed out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Handed {
    /// The issue.
    issue: Brief,
    /// The prompt for it; null when no template fits or it cannot be filled in.
    prompt: Option<String>,
    /// Why the prompt could not be filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_error: Option<String>,
    /// Where the prompt comes from.
    meta: Option<Meta>,
    /// What the claim is held by, when a lease was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Held>,
}

/// What an agent has to know of an issue.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Brief {
    /// Its id.
    id: IssueId,
    /// Its number.
    number: u64,
    /// What it is about.
    title: String,
    /// What it is.
    #[serde(rename = "type")]
    kind: IssueType,
    /// 0 none, 1 urgent, 2 high, 3 medium, 4 low.
    priority: u8,
    /// `in_progress`.
    status: IssueStatus,
}

/// Where a prompt comes from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Meta {
    /// The template's name in paths.
    template_slug: String,
    /// The template.
    template_id: TemplateId,
    /// Its version.
    version_id: VersionId,
    /// The version's number.
    version_number: u32,
    /// Where to say what the prompt was worth.
    review_url: &'static str,
}

/// What a claim is held by.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Held {
    /// Its token, for `heartbeat`, `release` and `complete`.
    token: String,
    /// When it ends without a sign of life.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    expires_at: Time,
}

/// A claim that was lengthened.
#[derive(Debug, Serialize, JsonSchema)]
struct Lengthened {
    /// What it is held by.
    claim: Held,
}

async fn next_by_get(call: Call) -> Outcome {
    if call.method == Method::HEAD {
        return look(call).await;
    }
    let ask = Ask::default();
    take(call, ask).await
}

async fn next_by_post(call: Call) -> Outcome {
    let ask = if call.body.is_empty() { Ask::default() } else { body::read(&call)? };
    take(call, ask).await
}

/// Whether anything is ready.
async fn look(call: Call) -> Outcome {
    let cx = context(&call)?;
    let project = call.query(PROJECT.name).map(std::borrow::Cow::into_owned);
    let best = call.app.engine.read(cx, "dispatch.look", move |tx, cx| {
        Ok::<_, DispatchError>(queue::best(tx, cx.tenant(), Among::of(project.as_deref()))?)
    });
    let found = best.await.map_err(failed)?;
    Ok(Reply::nothing().with_status(if found.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT }))
}

async fn take(call: Call, ask: Ask) -> Outcome {
    let query = |name: &str| call.query(name).map(std::borrow::Cow::into_owned);
    let lease_seconds = match (ask.lease_seconds, query(LEASE.name)) {
        (Some(seconds), _) => Some(seconds),
        (None, Some(text)) => {
            let seconds = text.parse().ok();
            Some(
                seconds
                    .ok_or_else(|| body::invalid(LEASE.name, "must be a whole number of seconds from 1 to 86400"))?,
            )
        }
        (None, None) => None,
    };
    let terms = Terms {
        lease_seconds,
        agent: ask.agent.or_else(|| query(AGENT.name)),
        session: ask.session_id.or_else(|| query(SESSION.name)),
    };
    next::check(&terms).map_err(failed)?;
    let project = ask.project_id.or_else(|| query(PROJECT.name));
    let among = Among::of(project.as_deref());
    let cx = context(&call)?;
    let (master, url) = (call.app.engine.master().clone(), loop_url(&call.app));
    let work = call.app.engine.write(cx, "dispatch.next", move |tx, cx| {
        next::next(tx, cx, among, &terms, Means { master: &master, loop_url: &url })
    });
    match work.await.map_err(failed)? {
        Some(dispatched) => answer(&call, dispatched),
        None => Ok(Reply::nothing()),
    }
}

/// Fills in the prompt of what was claimed and tells it. Nothing that goes wrong here takes the claim back.
fn answer(call: &Call, dispatched: Dispatched) -> Outcome {
    let Dispatched { issue, token, prompt, .. } = dispatched;
    let (text, prompt_error, meta) = match prompt {
        Some((chosen, context)) => match call.app.engine.renderer().render(&chosen.version, &context) {
            Ok(text) => (Some(text), None, Some(meta(&chosen))),
            Err(error) => (None, Some(error.to_string()), Some(meta(&chosen))),
        },
        None => (None, None, None),
    };
    let Issue { id, number, title, kind, priority, status, .. } = issue;
    let issue = Brief { id, number, title, kind, priority, status };
    let handed = Handed { issue, prompt: text, prompt_error, meta, claim: token.as_ref().map(held) };
    Reply::json(&Answer { bare: handed.clone(), data: handed })
}

fn meta(chosen: &Chosen) -> Meta {
    Meta {
        template_slug: chosen.template.slug.clone(),
        template_id: chosen.template.id,
        version_id: chosen.version.id,
        version_number: chosen.version.version,
        review_url: REVIEW_URL,
    }
}

fn held(token: &Token) -> Held {
    Held { token: token.secret.expose().to_owned(), expires_at: token.expires_at }
}

async fn queued(call: Call) -> Outcome {
    let page = Page::of(&call)?;
    let project = call.query(PROJECT.name).map(std::borrow::Cow::into_owned);
    let among = Among::of(project.as_deref());
    let cx = context(&call)?;
    let work = call
        .app
        .engine
        .read(cx, "dispatch.queue", move |tx, cx| queue::page(tx, cx.tenant(), among, page.offset, page.limit, cx.now));
    let (rows, total) = work.await.map_err(failed)?;
    many(rows, total)
}

async fn heartbeat(call: Call) -> Outcome {
    let Beat { token, lease_seconds } = body::read(&call)?;
    let id = call.param("issueId").to_owned();
    let presented = token.clone();
    let cx = context(&call)?;
    let work = call
        .app
        .engine
        .write(cx, "dispatch.heartbeat", move |tx, cx| lease::heartbeat(tx, cx, &id, &presented, lease_seconds));
    let expires_at = work.await.map_err(failed)?;
    one(StatusCode::OK, &Lengthened { claim: Held { token, expires_at } })
}

async fn release(call: Call) -> Outcome {
    let Release { token, reason } = body::read(&call)?;
    let id = call.param("issueId").to_owned();
    let cx = context(&call)?;
    let work = call
        .app
        .engine
        .write(cx, "dispatch.release", move |tx, cx| lease::release(tx, cx, &id, &token, reason.as_deref()));
    one(StatusCode::OK, &work.await.map_err(failed)?)
}

async fn complete(call: Call) -> Outcome {
    let Complete { token, status, agent_summary } = body::read(&call)?;
    let completion = Completion { canceled: status == Some(Ended::Canceled), summary: agent_summary };
    let id = call.param("issueId").to_owned();
    let cx = context(&call)?;
    let work =
        call.app.engine.write(cx, "dispatch.complete", move |tx, cx| lease::complete(tx, cx, &id, &token, &completion));
    one(StatusCode::OK, &work.await.map_err(failed)?)
}

fn failed(error: DispatchError) -> Failure {
    refused(error.code(), error.field(), &error)
}
