//! `/v1/sessions` and `/v1/telemetry`: reading what is stored.

use std::sync::Arc;

use http::Method;
use loop_core::{
    access::Scope,
    telemetry::{
        listing::{Listing, SESSIONS_MAX},
        recent::{self, Recent},
        record::span_of,
        session::{self, write_summary},
    },
};
use schemars::JsonSchema;

use super::scope::{PROJECT, SINCE, context, number, project, refused, window};
use crate::{
    http::{
        Access, BODY_LIMIT, Call, Example, Handler, Output, Reply, Row, schema_of,
        table::{Outcome, Param},
    },
    surface::Surface,
};

/// The window of lists that name none, in minutes: a day.
const DAY: u64 = 1_440;
/// The window of one session when none is named, in minutes: all that is kept.
const ALL: u64 = 43_200;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/v1/sessions",
        operation: "session.list",
        surface: Surface::Telemetry,
        access: Access::Scope(Scope::TelemetryRead),
        summary: "Sessions with a span that ended in the window, the most recent first",
        query: &[
            Param { name: "limit", kind: "integer", about: "How many sessions at most, 1 to 500; 50" },
            SINCE,
            Param { name: "environment", kind: "string", about: "Only sessions with a span of this environment" },
            PROJECT,
        ],
        input: None,
        output: Output::Json(schema_of::<Sessions>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/v1/sessions?limit=5", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/v1/sessions/{id}",
        operation: "session.read",
        surface: Surface::Telemetry,
        access: Access::Scope(Scope::TelemetryRead),
        summary: "One session by its id or the id of a trace: its summary and its records, by time",
        query: &[SINCE, PROJECT],
        input: None,
        output: Output::Json(schema_of::<OneSession>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(read(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/v1/telemetry",
        operation: "telemetry.list",
        surface: Surface::Telemetry,
        access: Access::Scope(Scope::TelemetryRead),
        summary: "The latest records of the window, or one by its id",
        query: &[
            Param { name: "limit", kind: "integer", about: "How many records at most, 1 to 500; 50" },
            SINCE,
            Param { name: "evidence_id", kind: "string", about: "The id of the one record to read" },
            PROJECT,
        ],
        input: None,
        output: Output::Json(schema_of::<Records>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(telemetry(call))),
        example: Some(Example { before: &[], id: "", path: "/v1/telemetry?limit=5", body: "" }),
    },
];

/// A page of sessions.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct Sessions {
    /// The most recent first.
    sessions: Vec<SummaryShown>,
}

/// What a session came to.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct SummaryShown {
    /// Its id; that of its only trace when no span names one.
    session_id: String,
    /// The agent that acted.
    #[schemars(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// Where it ran.
    #[schemars(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// `success`, `failure`, or what a span of it says.
    outcome: String,
    /// How many turns it had.
    turns: u64,
    /// How many records.
    records: u64,
    /// How many calls of tools.
    tool_calls: u64,
    /// How many calls of language models.
    llm_calls: u64,
    /// How many records failed.
    errors: u64,
    /// Tokens that models read.
    input_tokens: u64,
    /// Tokens that models wrote.
    output_tokens: u64,
    /// When it began.
    started_at: String,
    /// When it ended.
    ended_at: String,
    /// From the one to the other, in microseconds.
    duration_us: u64,
}

/// A session and its records.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct OneSession {
    /// What it came to.
    session: SummaryShown,
    /// Its records, by time.
    records: Vec<Record>,
    /// Whether there are more than are shown.
    truncated: bool,
}

/// Records.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct Records {
    /// The latest first.
    records: Vec<Record>,
}

/// A span as it is kept: masked, with its meaning beside its attributes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct Record {
    /// Its id, which leads back to it.
    record_id: String,
    /// The session it is of.
    session_id: String,
    /// Its trace, in hexadecimal.
    trace_id: String,
    /// Its own id, in hexadecimal.
    span_id: String,
    /// The span that it is part of.
    #[schemars(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    /// What it is called.
    name: String,
    /// `tool_call`, `llm_call`, `agent_run` or `span`.
    kind: String,
    /// The agent that acted.
    #[schemars(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// The tool that was called.
    #[schemars(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// The model that answered.
    #[schemars(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Who runs the model.
    #[schemars(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// Where it ran.
    #[schemars(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// `unset`, `ok` or `error`.
    status: String,
    /// What type of error it ended with.
    #[schemars(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    /// The message of that error.
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// When it began.
    started_at: String,
    /// When it ended.
    ended_at: String,
    /// From the one to the other, in microseconds.
    duration_us: u64,
    /// Tokens that a model read.
    #[schemars(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    /// Tokens that a model wrote.
    #[schemars(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    /// What it says of itself.
    attributes: serde_json::Map<String, serde_json::Value>,
    /// What happened within it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<serde_json::Value>>,
    /// What is said of its resource.
    resource: serde_json::Map<String, serde_json::Value>,
}

async fn list(call: Call) -> Outcome {
    let limit = number(&call, "limit", 50, SESSIONS_MAX as u64)?;
    let window = window(&call, DAY)?;
    let project: Arc<str> = project(&call).await?.into();
    let environment = call.query("environment").filter(|text| !text.is_empty()).map(|text| text.into_owned());
    let engine = &call.app.engine;
    let mut listing = Listing::new(window, environment, usize::try_from(limit).unwrap_or(SESSIONS_MAX));
    // Each stride is a transaction of its own.
    loop {
        let (mut taken, name) = (Some(listing), Arc::clone(&project));
        let stride = engine.read(context(&call)?, "session.list", move |tx, cx| {
            let mut listing = taken.take().ok_or(loop_core::store::StoreError::Unavailable("a job ran twice"))?;
            let done = listing.step(tx, cx.tenant(), &name)?;
            Ok((listing, done))
        });
        let done;
        (listing, done) = stride.await.map_err(|error| refused(&error))?;
        if done {
            break;
        }
    }
    let ids = listing.ids();
    let read =
        engine.read(context(&call)?, "session.list", move |tx, cx| listing.summaries(tx, cx.tenant(), &project, &ids));
    let summaries = read.await.map_err(|error| refused(&error))?;
    let mut out = String::from("{\"sessions\":[");
    for (at, summary) in summaries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_summary(summary, &mut out);
    }
    out.push_str("]}");
    Ok(Reply::raw_json(out))
}

async fn read(call: Call) -> Outcome {
    let window = window(&call, ALL)?;
    let (project, id) = (project(&call).await?, call.param("id").to_owned());
    let read = call
        .app
        .engine
        .read(context(&call)?, "session.read", move |tx, cx| session::read(tx, cx.tenant(), &project, &id, window));
    let session = read.await.map_err(|error| refused(&error))?;
    let mut out = String::with_capacity(session.records.len().saturating_add(1_024));
    out.push_str("{\"session\":");
    write_summary(&session.summary, &mut out);
    out.push_str(",\"records\":");
    out.push_str(&session.records);
    out.push_str(if session.truncated { ",\"truncated\":true}" } else { ",\"truncated\":false}" });
    Ok(Reply::raw_json(out))
}

async fn telemetry(call: Call) -> Outcome {
    let limit = number(&call, "limit", 50, recent::RECORDS_MAX as u64)?;
    let window = window(&call, DAY)?;
    let project: Arc<str> = project(&call).await?.into();
    let engine = &call.app.engine;
    let cx = context(&call)?;
    let records = if let Some(id) = call.query("evidence_id") {
        let key = span_of(cx.tenant(), &project, &id);
        let one = engine.read(cx, "telemetry.one", move |tx, cx| match key {
            Some(key) => recent::one(tx, cx.tenant(), &project, key),
            None => Ok("[]".to_owned()),
        });
        one.await.map_err(|error| refused(&error))?
    } else {
        let mut recent = Recent::new(window, usize::try_from(limit).unwrap_or(recent::RECORDS_MAX));
        loop {
            let (mut taken, name) = (Some(recent), Arc::clone(&project));
            let stride = engine.read(context(&call)?, "telemetry.list", move |tx, cx| {
                let mut recent = taken.take().ok_or(loop_core::store::StoreError::Unavailable("a job ran twice"))?;
                let done = recent.step(tx, cx.tenant(), &name)?;
                Ok((recent, done))
            });
            let done;
            (recent, done) = stride.await.map_err(|error| refused(&error))?;
            if done {
                break;
            }
        }
        let mut taken = Some(recent);
        let read = engine.read(cx, "telemetry.list", move |tx, cx| {
            let recent = taken.take().ok_or(loop_core::store::StoreError::Unavailable("a job ran twice"))?;
            recent.records(tx, cx.tenant(), &project)
        });
        read.await.map_err(|error| refused(&error))?
    };
    Ok(Reply::raw_json(format!("{{\"records\":{records}}}")))
}
