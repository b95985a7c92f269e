//! `/api/signals`: what was noticed outside. Each signal makes an issue to look at.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    signal::{NewSignal, Severity, Signal, SignalError, record},
    work::Issue,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    body,
    issues::shown,
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/signals",
        operation: "signal.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::SignalsWrite),
        summary: "Send a signal; it makes an issue in triage, whose priority is its severity",
        query: &[],
        input: Some(schema_of::<CreateSignal>),
        output: Output::Json(schema_of::<One<SignalAndIssue>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/signals",
            body: r#"{"source":"cron","type":"backup_failed","severity":"high","payload":{"message":"No space left"}}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/signals",
        operation: "signal.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::SignalsRead),
        summary: "Signals, in the order of their coming",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<Signal>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/signals", body: "" }),
    },
];

/// A signal to send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateSignal {
    /// Where it comes from, 1 to 200 characters.
    source: String,
    /// What it is known by there. Two signals may share it.
    source_id: Option<String>,
    /// What it is about, 1 to 200 characters.
    #[serde(rename = "type")]
    kind: String,
    /// How bad it is.
    severity: Severity,
    /// What it says, 128 KiB of JSON at most. Its `message`, else its `title`, stands in the title of the issue.
    payload: Map<String, Value>,
    /// The project that the issue shall belong to.
    project_id: Option<String>,
}

/// A signal and the issue it made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SignalAndIssue {
    /// The signal.
    pub signal: Signal,
    /// The issue, as it was made.
    pub issue: Issue,
}

impl SignalAndIssue {
    /// What is told of them: not what the issue holds for the dashboard only.
    pub(super) fn of(signal: Signal, issue: Issue) -> Self {
        Self { signal, issue: shown(issue) }
    }
}

pub(super) fn failed(error: SignalError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

async fn create(call: Call) -> Outcome {
    let input: CreateSignal = body::read(&call)?;
    let new = NewSignal {
        source: input.source,
        source_id: input.source_id,
        kind: input.kind,
        severity: input.severity,
        payload: input.payload,
        project_id: input.project_id,
        title: None,
    };
    let cx = super::context(&call)?;
    let taken = call.app.engine.write(cx, "signal.create", move |tx, cx| record::take_in(tx, cx, &new));
    let (signal, issue) = taken.await.map_err(failed)?;
    one(StatusCode::CREATED, &SignalAndIssue::of(signal, issue))
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "signal.list", move |tx, cx| record::list(tx, cx.tenant(), limit, offset));
    let (signals, total) = read.await.map_err(failed)?;
    many(signals, total)
}
