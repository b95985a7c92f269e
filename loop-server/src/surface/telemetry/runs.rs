//! `/v1/runs/diagnose`: what went wrong in a window, and the signals that it makes.

use std::{sync::Arc, time::Duration};

use http::Method;
use loop_core::{
    access::Scope,
    base::{Code, json::Doc},
    diagnosis::{
        DiagnosisError, Findings, Scan, packet,
        packet::About,
        settle::{Means, settle},
        state,
    },
    onboarding::project,
    store::StoreError,
    telemetry::window::Window,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::scope::{MOST_MINUTES, PROJECT, context, project as named, window_of};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The window when none is named, in minutes.
pub(super) const HOUR: u64 = 60;
/// How many windows are read at once: each may hold a million spans.
static READING: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(20);

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/v1/runs/diagnose",
    operation: "diagnosis.run",
    surface: Surface::Telemetry,
    access: Access::Scope(Scope::RunsWrite),
    summary: "Diagnose a window: what failed, how badly, where the evidence is, and what to do first",
    query: &[PROJECT],
    input: Some(schema_of::<DiagnosisRun>),
    output: Output::Json(schema_of::<DiagnosisResponse>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(run(call))),
    example: Some(Example { before: &[], id: "", path: "/v1/runs/diagnose", body: r#"{"since_minutes":60}"# }),
}];

/// What to diagnose. The body may be left out.
#[derive(Serialize, JsonSchema)]
struct DiagnosisRun {
    /// How far back the window reaches; 60.
    #[schemars(range(min = 1, max = 43_200))]
    since_minutes: Option<u64>,
    /// Whether each problem makes a signal, and so an issue in triage, once; and once more when it comes back after its issue
    /// was done. Absent: as the project is set.
    create_signals: Option<bool>,
}

/// A diagnosis.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct DiagnosisResponse {
    /// Always true.
    ok: bool,
    /// What was found.
    packet: DiagnosisPacket,
}

/// What was found in a window.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
struct DiagnosisPacket {
    /// The id of this answer.
    packet_id: String,
    /// The tenant.
    tenant_id: String,
    /// The project.
    project_id: String,
    /// `telemetry`.
    source: String,
    /// Whether there is something to look at.
    status: DiagnosisStatus,
    /// How far back the window reaches.
    since_minutes: u64,
    /// How many spans were read.
    telemetry_read: u64,
    /// How many of them failed of themselves: one that only passes on what another failed with is none.
    failures: u64,
    /// How many sessions they are of.
    sessions: u64,
    /// Whether there was more than could be looked at: the numbers are lower bounds then.
    truncated: bool,
    /// Whether a person has to approve what is done about it.
    approval_required: bool,
    /// Why, or why not.
    approval_reason: String,
    /// When it was made.
    #[schemars(with = "loop_core::base::Time")]
    created_at: String,
    /// The problems, those with the most failures first.
    issues: Vec<DiagnosedIssue>,
    /// How many more there are.
    issues_left_out: u64,
    /// Problems that do not occur in the window and were found mended within it.
    verified: Vec<VerifiedCluster>,
    /// How many signals this made.
    signals_created: u64,
}

/// Whether there is something to look at.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
enum DiagnosisStatus {
    /// There is.
    ReadyForIssueDiagnosis,
    /// There is not.
    ObserveMore,
}

/// A problem: failures of one tool, or of spans of one name, with one type of error.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
pub(super) struct DiagnosedIssue {
    /// Its id, the same in every window.
    cluster_id: String,
    /// What failed, with what.
    title: String,
    /// Where it stands.
    status: state::Status,
    /// `critical`, `high`, `medium` or `low`.
    severity: String,
    /// `tool_call_failed`, `llm_call_failed` or `span_error`.
    signal_type: String,
    /// How many spans failed.
    count: u64,
    /// In how many sessions.
    sessions: u64,
    /// Their records, the latest first, 1,000 at most.
    evidence_ids: Vec<String>,
    /// Whether there are more.
    evidence_truncated: bool,
    /// Their traces, 1,000 at most.
    traces: Vec<String>,
    /// In how many traces.
    trace_count: u64,
    /// When the first of them ended in the window.
    first_seen: String,
    /// When the last did.
    last_seen: String,
    /// What to do first.
    next_action: String,
    /// The issue that it made.
    issue_id: Option<String>,
}

/// A problem that is mended: its issue is done, and what failed has run well since.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "answers are written member by member; this is their document")]
pub(super) struct VerifiedCluster {
    /// Its id.
    cluster_id: String,
    /// What failed, with what.
    title: String,
    /// `verified`.
    status: state::Status,
    /// `tool_call_failed`, `llm_call_failed` or `span_error`.
    signal_type: String,
    /// Its issue.
    issue_id: Option<String>,
    /// When its last failure ended.
    last_seen: String,
    /// When it was found mended.
    verified_at: String,
    /// How often it had come back.
    regressions: u64,
}

/// The body, which may be missing.
fn input(call: &Call) -> Result<DiagnosisRun, Failure> {
    let mut run = DiagnosisRun { since_minutes: None, create_signals: None };
    if call.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(run);
    }
    let object = Doc::parse(&call.body).is_ok_and(|doc| doc.root().is_object());
    let body: serde_json::Value = Some(&call.body)
        .filter(|_| object)
        .and_then(|body| serde_json::from_slice(body).ok())
        .ok_or_else(|| Failure::invalid("the body must be a JSON object, or left out"))?;
    if let Some(minutes) = body.get("since_minutes") {
        let minutes = minutes.as_u64().filter(|minutes| (1..=MOST_MINUTES).contains(minutes));
        let wrong = || Failure::invalid(format!("`since_minutes` must be a whole number from 1 to {MOST_MINUTES}"));
        run.since_minutes = Some(minutes.ok_or_else(wrong)?);
    }
    if let Some(create) = body.get("create_signals") {
        let wrong = || Failure::invalid("`create_signals` must be true or false");
        run.create_signals = Some(create.as_bool().ok_or_else(wrong)?);
    }
    Ok(run)
}

/// Reads a window.
pub(super) async fn scan(call: &Call, project: &Arc<str>, window: Window) -> Result<Findings, Failure> {
    let turn = tokio::time::timeout(TURN, READING.acquire()).await;
    let busy = || Failure::new(Code::Unavailable, "too many windows are being read").retry_after(5);
    let _turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let engine = &call.app.engine;
    let name = Arc::clone(project);
    let watched = engine.read(context(call)?, "diagnosis.watched", move |tx, cx| {
        Ok::<_, DiagnosisError>(state::watched(tx, cx.tenant(), &name)?)
    });
    let mut scan = Scan::new(window);
    for state in watched.await.map_err(|error| refused(&error))? {
        let cause = state.value.cause();
        scan.watch(cause.class, &cause.name);
    }
    // Each stride is a transaction of its own.
    loop {
        let (mut taken, name) = (Some(scan), Arc::clone(project));
        let stride = engine.read(context(call)?, "diagnosis.scan", move |tx, cx| {
            let mut scan = taken.take().ok_or(StoreError::Unavailable("a job ran twice"))?;
            let done = scan.step(tx, cx.tenant(), &name)?;
            Ok::<_, DiagnosisError>((scan, done))
        });
        let done;
        (scan, done) = stride.await.map_err(|error| refused(&error))?;
        if done {
            break;
        }
    }
    tokio::task::spawn_blocking(move || scan.finish())
        .await
        .map_err(|_| Failure::internal("a diagnosis came to no end"))
}

async fn run(call: Call) -> Outcome {
    let input = input(&call)?;
    let since_minutes = input.since_minutes.unwrap_or(HOUR);
    let project_id: Arc<str> = named(&call).await?.into();
    let now = call.app.engine.now();
    let findings = Arc::new(scan(&call, &project_id, window_of(since_minutes, now)).await?);
    let cx = context(&call)?;
    let (tenant, id) = (cx.tenant().clone(), cx.seed().draw16());
    let (found, name) = (Arc::clone(&findings), Arc::clone(&project_id));
    let engine = &call.app.engine;
    let settled = engine.write(cx, "diagnosis.settle", move |tx, cx| {
        // A project that says nothing, or is none, makes no work for anybody.
        let create = match input.create_signals {
            Some(create) => create,
            None => project::find(tx, cx.tenant(), &name, cx.now).is_ok_and(|found| found.value.auto_signal),
        };
        settle(tx, cx, &name, &found, if create { Means::Signal } else { Means::Remember })
    });
    let settled = settled.await.map_err(|error| refused(&error))?;
    let about = About { tenant: &tenant, project: &project_id, since_minutes, now };
    let packet = packet::write(about, id, &findings, &settled);
    Ok(Reply::raw_json(format!("{{\"ok\":true,\"packet\":{packet}}}")))
}

/// A room's refusal.
pub(super) fn refused(error: &DiagnosisError) -> Failure {
    Failure::of(error.code(), error)
}
