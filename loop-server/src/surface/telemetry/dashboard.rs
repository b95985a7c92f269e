//! `/v1/dashboard`: the numbers of a window.

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use loop_core::{
    access::Scope,
    diagnosis::{
        Findings, dashboard,
        packet::About,
        settle::{Means, Settled, settle},
    },
};
use schemars::JsonSchema;

use super::{
    runs::{DiagnosedIssue, HOUR, VerifiedCluster, refused, scan},
    scope::{MOST_MINUTES, PROJECT, SINCE, context, number, project, window_of},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::GET,
    path: "/v1/dashboard",
    operation: "telemetry.dashboard",
    surface: Surface::Telemetry,
    access: Access::Scope(Scope::DashboardRead),
    summary: "The numbers of a window, 60 minutes unless it is named: sessions, tools, latency, tokens, problems, days",
    query: &[SINCE, PROJECT],
    input: None,
    output: Output::Json(schema_of::<TelemetryDashboard>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(board(call))),
    example: Some(Example { before: &[], id: "", path: "/v1/dashboard", body: "" }),
}];

/// The numbers of a window.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct TelemetryDashboard {
    /// The tenant.
    tenant_id: String,
    /// The project.
    project_id: String,
    /// How far back the window reaches.
    since_minutes: u64,
    /// Where it begins.
    from: String,
    /// When this was made.
    generated_at: String,
    /// Whether there was more than could be looked at: the numbers are lower bounds then.
    truncated: bool,
    /// The sums.
    totals: TelemetryTotals,
    /// How many sessions ended how: `success`, `failure`, or what their spans say.
    sessions_by_outcome: BTreeMap<String, u64>,
    /// Tools, those that fail most first, 50 at most.
    tools: Vec<ToolNumbers>,
    /// How long things took, by kind.
    latency: BTreeMap<String, Option<Latencies>>,
    /// Models, those of most tokens first, 50 at most.
    models: Vec<ModelNumbers>,
    /// The problems with the most failures, 10 at most.
    top_clusters: Vec<DiagnosedIssue>,
    /// Problems that were found mended within the window.
    verified: Vec<VerifiedCluster>,
    /// The days of the window on which something ran.
    daily: Vec<TelemetryDay>,
}

/// The sums of a window.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct TelemetryTotals {
    /// Spans.
    spans: u64,
    /// Sessions.
    sessions: u64,
    /// Calls of tools.
    tool_calls: u64,
    /// Calls of language models.
    llm_calls: u64,
    /// Spans that failed.
    failing_spans: u64,
    /// Those that failed of themselves.
    failures: u64,
    /// Traces with a span that failed.
    failing_traces: u64,
    /// Problems.
    clusters: u64,
    /// Tokens that models read.
    input_tokens: u64,
    /// Tokens that models wrote.
    output_tokens: u64,
}

/// A tool.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct ToolNumbers {
    /// Its name.
    tool: String,
    /// How often it was called.
    calls: u64,
    /// How many calls failed.
    failing_spans: u64,
    /// How many failed of themselves.
    failures: u64,
    /// How long calls took; null when there are too many tools.
    latency: Option<Latencies>,
}

/// How long something took: what half, nine tenths and 99 hundredths of it did not exceed, to the 32nd part.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct Latencies {
    /// How often it ran.
    count: u64,
    /// Half, in microseconds.
    p50_us: u64,
    /// Nine tenths.
    p90_us: u64,
    /// 99 hundredths.
    p99_us: u64,
}

/// A language model.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct ModelNumbers {
    /// Its name.
    model: String,
    /// How often it was called.
    calls: u64,
    /// Tokens that it read.
    input_tokens: u64,
    /// Tokens that it wrote.
    output_tokens: u64,
}

/// A day.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct TelemetryDay {
    /// The day, in UTC.
    day: String,
    /// Spans that ended on it.
    spans: u64,
    /// Those that failed.
    failing_spans: u64,
    /// Tokens that models read.
    input_tokens: u64,
    /// Tokens that models wrote.
    output_tokens: u64,
}

/// Looks at the window that a request names, 60 minutes by default as a diagnosis, and writes it.
pub(super) async fn looked(
    call: &Call,
    write: fn(About<'_>, &Findings, &Settled) -> String,
) -> Result<String, Failure> {
    let since_minutes = number(call, SINCE.name, HOUR, MOST_MINUTES)?;
    let project: Arc<str> = project(call).await?.into();
    let now = call.app.engine.now();
    let findings = Arc::new(scan(call, &project, window_of(since_minutes, now)).await?);
    let cx = context(call)?;
    let tenant = cx.tenant().clone();
    let (found, name) = (Arc::clone(&findings), Arc::clone(&project));
    let settled = call
        .app
        .engine
        .read(cx, "diagnosis.look", move |tx, cx| settle(tx, cx, &name, &found, Means::Look))
        .await
        .map_err(|error| refused(&error))?;
    Ok(write(About { tenant: &tenant, project: &project, since_minutes, now }, &findings, &settled))
}

async fn board(call: Call) -> Outcome {
    Ok(Reply::raw_json(looked(&call, dashboard::write).await?))
}
