//! `/api/logs` and `/api/stats`: the decisions and their counts.

use http::Method;
use loop_core::{
    access::Scope,
    approval,
    audit::{self, AuditEntry, Filter, Stats, Status},
    base::Time,
    engine::DecideError,
    policy::{Ground, settings},
    tool::redact,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    intercept::no_entropy,
    page::{LIMIT, OFFSET, Page, list},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const STATUS: Param = Param { name: "status", kind: "string", about: "ALLOWED, BLOCKED, PENDING or ERROR" };
const TOOL: Param = Param { name: "tool_name", kind: "string", about: "the tool's exact name" };
const AGENT: Param = Param { name: "agent_name", kind: "string", about: "the agent's exact name" };
const SINCE: Param = Param { name: "since", kind: "string", about: "RFC 3339 time, included" };
const UNTIL: Param = Param { name: "until", kind: "string", about: "RFC 3339 time, excluded" };

/// The filters of logs and their export.
pub(super) const FILTERS: [Param; 5] = [STATUS, TOOL, AGENT, SINCE, UNTIL];

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/logs",
        operation: "log.list",
        surface: Surface::Governance,
        access: Access::Scope(Scope::LogsRead),
        summary: "Decisions, newest first",
        query: &[LIMIT, OFFSET, STATUS, TOOL, AGENT, SINCE, UNTIL],
        input: None,
        output: Output::Json(schema_of::<Vec<LogRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(logs(call))),
        example: Some(Example { before: &["decision.intercept"], id: "", path: "/api/logs", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/stats",
        operation: "log.stats",
        surface: Surface::Governance,
        access: Access::Scope(Scope::LogsRead),
        summary: "Decisions by the status they had, and what waits now",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<StatsAnswer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(stats(call))),
        example: Some(Example { before: &[], id: "", path: "/api/stats", body: "" }),
    },
];

/// A decision in the log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LogRow {
    /// Its id, such as `dec-7`.
    pub id: String,
    /// When it was decided.
    pub created_at: Time,
    /// The agent.
    pub agent_name: Option<String>,
    /// The tool; `null` once erased.
    pub tool_name: Option<String>,
    /// Masked; `null` once erased.
    #[schemars(with = "serde_json::Value")]
    pub arguments: Option<Box<RawValue>>,
    /// `ALLOWED`, `BLOCKED`, `PENDING` or `ERROR`.
    pub status: Option<String>,
    /// `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub risk: Option<String>,
    /// The sentence of the rule that decided.
    pub rule: Option<String>,
    /// For people.
    pub message: Option<String>,
    /// The agent's reason, masked.
    pub reason: Option<String>,
    /// Everything that tightened the decision, and why each rule matched.
    pub reasons: Vec<LogReason>,
    /// What rules in shadow mode would have done, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<LogShadow>,
    /// What a model was asked about rules with unclear words, and what came of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<LogJudged>,
    /// The entry's chained hash.
    pub hash: String,
}

/// One reason of a decision in the log.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct LogReason {
    /// Its stable code.
    code: String,
    /// The rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
    /// Which parts of the rule's condition held, and what they saw, masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grounds: Vec<Ground>,
}

/// What a rule in shadow mode would have done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct LogShadow {
    /// The rule.
    rule_id: String,
    /// Its revision then.
    revision: u64,
    /// `BLOCKED` or `PENDING`.
    would: String,
    /// Which parts of its condition held, and what they saw, masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grounds: Vec<Ground>,
}

/// What a model was asked about a rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct LogJudged {
    /// The rule.
    rule_id: String,
    /// Its revision then.
    revision: u64,
    /// The model.
    model: String,
    /// `covered`, which blocked the call, `not_covered` or `unsure`; absent when it did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finding: Option<String>,
    /// Why, in the model's words, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// In a word, why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// What is read from an entry's body.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    arguments: Option<Box<RawValue>>,
    rule: Option<String>,
    message: Option<String>,
    reason: Option<String>,
    reasons: Vec<LogReason>,
    shadow: Vec<LogShadow>,
    judged: Vec<LogJudged>,
}

impl From<AuditEntry> for LogRow {
    fn from(entry: AuditEntry) -> Self {
        let body: Body = entry.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        Self {
            id: entry.id(),
            created_at: entry.at,
            agent_name: entry.agent_name,
            tool_name: entry.tool_name,
            arguments: body.arguments,
            status: entry.status,
            risk: entry.risk,
            rule: body.rule,
            message: body.message,
            reason: body.reason,
            reasons: body.reasons,
            shadow: body.shadow,
            judged: body.judged,
            hash: entry.hash,
        }
    }
}

/// Counts.
#[derive(Debug, Serialize, JsonSchema)]
struct StatsAnswer {
    /// Decisions by the status they had when they were made.
    #[serde(flatten)]
    stats: Stats,
    /// Approvals that wait now.
    pending_now: u64,
    /// Whether a key may decide the approval of its own call.
    allow_self_approval: bool,
}

/// Reads the filters.
pub(super) fn filter(call: &Call) -> Result<Filter, Failure> {
    let given = |name| call.query(name).filter(|text| !text.is_empty());
    let bad = |name: &str, text: &str| {
        let shown: String = text.chars().take(40).collect();
        Failure::invalid(format!("`{name}` is not valid: `{shown}`"))
    };
    let time = |name| match given(name) {
        None => Ok(None),
        Some(text) => Time::parse(&text).map(Some).ok_or_else(|| bad(name, &text)),
    };
    let status = match given("status") {
        None => None,
        Some(text) => Some(Status::parse(&text).ok_or_else(|| bad("status", &text))?),
    };
    Ok(Filter {
        status,
        tool_name: given("tool_name").map(Into::into),
        // Names are stored masked.
        agent_name: given("agent_name").map(|name| redact::text(&name).masked),
        since: time("since")?,
        until: time("until")?,
        below: None,
    })
}

async fn logs(call: Call) -> Outcome {
    let page = Page::of(&call, 100)?;
    let filter = filter(&call)?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "log.list", move |tx, cx| {
        let entries = audit::page(tx, cx.tenant(), audit::DECISIONS, &filter, page.limit, page.offset)?;
        Ok::<_, DecideError>((entries, audit::count(tx, cx.tenant(), audit::DECISIONS, &filter)?))
    });
    let (entries, total) = read.await.map_err(|error| Failure::of(error.code(), &error))?;
    let rows: Vec<LogRow> = entries.into_iter().map(LogRow::from).collect();
    list(&rows, total)
}

async fn stats(call: Call) -> Outcome {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "log.stats", |tx, cx| {
        Ok::<_, DecideError>(StatsAnswer {
            stats: audit::stats(tx, cx.tenant(), cx.now)?,
            pending_now: approval::pending_count(tx, cx.tenant(), cx.now)?,
            allow_self_approval: settings::get(tx, cx.tenant())?.allow_self_approval,
        })
    });
    Reply::json(&read.await.map_err(|error| Failure::of(error.code(), &error))?)
}
