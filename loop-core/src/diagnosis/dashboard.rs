//! The numbers of a window, as JSON.

use std::cmp::Reverse;

use serde_json::{Map, Value as Json, json};

use super::{
    Findings,
    latency::Latency,
    packet::{About, issues, verified},
    settle::Settled,
    tally::Subject,
};
use crate::{base::json::Object, telemetry::dialect::Class};

/// The most tools and models that are told.
const ROWS_MAX: usize = 50;
/// The most problems that are told.
const TOP: usize = 10;

/// Writes the dashboard.
#[must_use]
pub fn write(about: About<'_>, findings: &Findings, settled: &Settled) -> String {
    let tally = &findings.tally;
    let mut out = String::with_capacity(4_096);
    let mut board = Object::open(&mut out);
    board.text("tenant_id", about.tenant.as_str());
    board.text("project_id", about.project);
    board.json("since_minutes", &about.since_minutes.to_string());
    board.text("from", &findings.window.from.to_string());
    board.text("generated_at", &about.now.to_string());
    board.json("truncated", if findings.truncated { "true" } else { "false" });
    let calls = |class: Class| tally.classes.get(class as usize).map_or(0, Latency::count);
    let totals = json!({
        "spans": tally.spans,
        "sessions": findings.session_count(),
        "tool_calls": calls(Class::Tool),
        "llm_calls": calls(Class::Model),
        "failing_spans": tally.failing,
        "failures": findings.failures,
        "failing_traces": findings.failing_traces,
        "clusters": findings.clusters.len(),
        "input_tokens": tally.input,
        "output_tokens": tally.output,
    });
    board.json("totals", &totals.to_string());
    let outcomes: Map<String, Json> =
        findings.sessions.outcomes.iter().map(|(word, count)| (word.to_string(), (*count).into())).collect();
    board.json("sessions_by_outcome", &Json::from(outcomes).to_string());
    let tools: Vec<Json> = by_tool(findings).into_iter().map(|tool| of_tool(findings, tool)).collect();
    board.json("tools", &Json::from(tools).to_string());
    let classes = [Class::Tool, Class::Model, Class::Agent, Class::Other].into_iter().map(|class| {
        let latency = tally.classes.get(class as usize).map_or(Json::Null, timed);
        (class.as_str().to_owned(), latency)
    });
    board.json("latency", &Json::from(classes.collect::<Map<String, Json>>()).to_string());
    let mut models: Vec<_> = tally.models.iter().collect();
    models.sort_unstable_by_key(|(name, model)| (Reverse(model.input.saturating_add(model.output)), *name));
    let models = models.into_iter().take(ROWS_MAX).map(|(name, model)| {
        json!({ "model": name, "calls": model.calls, "input_tokens": model.input, "output_tokens": model.output })
    });
    board.json("models", &Json::from(models.collect::<Vec<_>>()).to_string());
    issues(about, findings, settled, TOP, board.name("top_clusters"));
    verified(&settled.verified, board.name("verified"));
    let days = tally.days.iter().enumerate().filter(|(_, day)| day.spans > 0).map(|(at, day)| {
        let date: String = tally.day(at).to_string().chars().take(10).collect();
        json!({
            "day": date, "spans": day.spans, "failing_spans": day.failing,
            "input_tokens": day.input, "output_tokens": day.output,
        })
    });
    board.json("daily", &Json::from(days.collect::<Vec<_>>()).to_string());
    board.close();
    out
}

/// The tools of a window, those that fail most first.
pub(super) fn by_tool(findings: &Findings) -> Vec<&Subject> {
    let tools = findings.tally.subjects().filter(|subject| subject.class == Class::Tool);
    let mut tools: Vec<_> = tools.map(|tool| (findings.failures_of(tool.class, &tool.name), tool)).collect();
    tools.sort_unstable_by_key(|(failures, tool)| (Reverse(*failures), Reverse(tool.runs), &tool.name));
    tools.into_iter().take(ROWS_MAX).map(|(_, tool)| tool).collect()
}

fn of_tool(findings: &Findings, tool: &Subject) -> Json {
    json!({
        "tool": tool.name,
        "calls": tool.runs,
        "failing_spans": tool.failed,
        "failures": findings.failures_of(tool.class, &tool.name),
        "latency": tool.latency.as_ref().map_or(Json::Null, timed),
    })
}

fn timed(latency: &Latency) -> Json {
    if latency.count() == 0 {
        return Json::Null;
    }
    let [p50_us, p90_us, p99_us] = [50, 90, 99].map(|percent| latency.percentile(percent));
    json!({ "count": latency.count(), "p50_us": p50_us, "p90_us": p90_us, "p99_us": p99_us })
}
