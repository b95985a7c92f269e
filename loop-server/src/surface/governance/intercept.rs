//! `POST /api/intercept`: decide a call and, when it is allowed, forward it.

use http::Method;
use loop_core::{
    access::{AccessError, Scope},
    audit::Status,
    base::{
        Time,
        id::ApprovalId,
        json::{Doc, View},
    },
    engine::{self, DecideError, Decision, Failed},
    policy::{Action, Ground},
    tool::{Risk, redact},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forward::ForwardTo;
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    outbound::forward::Forwarded,
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/intercept",
    operation: "decision.intercept",
    surface: Surface::Governance,
    access: Access::Scope(Scope::PolicyEvaluate),
    summary: "Decide a tool call; 200 whatever the decision is",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Answer>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(intercept(call))),
    example: Some(Example {
        before: &[],
        id: "",
        path: "/api/intercept",
        body: r#"{"tool_name":"read_file","arguments":{"path":"a"}}"#,
    }),
}];

/// A proposed call. It is read by our own reader; this is its shape for documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// The tool, 1 to 256 bytes.
    tool_name: String,
    /// Its arguments.
    arguments: Option<serde_json::Map<String, serde_json::Value>>,
    /// The agent that calls.
    agent_name: Option<String>,
    /// Why it calls, in its own words.
    reason: Option<String>,
    /// The conversation it belongs to.
    session_id: Option<String>,
    /// The request that an allowed call becomes.
    forward_to: Option<InputForward>,
}

/// The request that an allowed call becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "see `Input`")]
struct InputForward {
    /// An https URL of a public address.
    url: String,
    /// Default `POST`.
    method: Option<String>,
    /// Headers.
    headers: Option<std::collections::BTreeMap<String, String>>,
    /// Default: the arguments.
    body: Option<serde_json::Value>,
}

/// The decision, in the words of every client generation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// Whether the call may be made.
    pub allowed: bool,
    /// `ALLOWED`, `BLOCKED` or `PENDING`.
    pub status: Status,
    /// `ALLOWED`, `BLOCKED` or `ESCALATED`.
    pub decision: &'static str,
    /// For people.
    pub message: String,
    /// The sentence of the rule that decided.
    pub rule: Option<String>,
    /// Why, when the call is not allowed.
    pub reason: Option<String>,
    /// `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub risk: &'static str,
    /// What is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    /// When waiting ends in a no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Everything that tightened the decision.
    pub reasons: Vec<ReasonRow>,
    /// The content hash of the policy that decided.
    pub policy_hash: String,
    /// The entry in the log.
    pub audit_id: String,
    /// What became of `forward_to`.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ForwardedShape>")]
    pub forwarded: Option<Forwarded>,
    /// Why the call could not be forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_error: Option<String>,
}

/// What became of `forward_to`.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the shape of `Forwarded`, for documents")]
struct ForwardedShape {
    /// Whether it was sent.
    forwarded: bool,
    /// The target's status.
    status_code: u16,
    /// The target's answer, as JSON or text.
    result: serde_json::Value,
}

/// One reason.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReasonRow {
    /// Its stable code.
    pub code: &'static str,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Why the rule matched: which parts of its condition held, and what they saw, masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<Ground>,
}

/// The upper-case spelling of a risk.
pub(super) const fn risk_label(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "LOW",
        Risk::Medium => "MEDIUM",
        Risk::High => "HIGH",
        Risk::Critical => "CRITICAL",
    }
}

/// The refusal that a decision's error stands for.
pub(crate) fn refusal(error: &DecideError) -> Failure {
    Failure::of(error.code(), error)
}

/// An optional text member.
pub(super) fn text<'d>(root: View<'d>, name: &str) -> Result<Option<&'d str>, Failure> {
    match root.get(name).filter(|view| !view.is_null()) {
        None => Ok(None),
        Some(view) => view.as_str().map(Some).ok_or_else(|| Failure::invalid(format!("`{name}` must be text"))),
    }
}

/// The arguments; an empty object when there are none.
pub(super) fn arguments<'d>(root: View<'d>, empty: &'d Doc<'d>) -> Result<View<'d>, Failure> {
    let given = root.get("arguments").filter(|view| !view.is_null()).unwrap_or_else(|| empty.root());
    if given.is_object() { Ok(given) } else { Err(Failure::invalid("`arguments` must be an object")) }
}

/// Reads a body whose arguments count to the last digit.
pub(crate) fn read(call: &Call) -> Result<Doc<'_>, Failure> {
    let doc = Doc::parse(&call.body).map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
    if doc.root().is_object() { Ok(doc) } else { Err(Failure::invalid("the body must be a JSON object")) }
}

async fn intercept(call: Call) -> Outcome {
    let doc = read(&call)?;
    let root = doc.root();
    let empty = Doc::empty_object();
    let tool = text(root, "tool_name")?.ok_or_else(|| Failure::invalid("`tool_name` is missing"))?;
    let arguments = arguments(root, &empty)?;
    let forward = ForwardTo::read(&call, root.get("forward_to"))?;
    let action = Action {
        tool,
        agent: text(root, "agent_name")?,
        arguments,
        forward: forward.as_ref().map(ForwardTo::proposed),
        claimed_risk: None,
        stage: None,
    };
    let proposed =
        engine::Call { action, reason: text(root, "reason")?, session: text(root, "session_id")?, door: "intercept" };
    let decision = call.app.engine.intercept(call.caller()?, &proposed).await.map_err(|error| refusal(&error))?;
    if decision.status == Status::Pending {
        call.app.wake.ring();
    }
    let sent = match &forward {
        Some(forward) if decision.allowed() => Some(forward.send(&call, arguments).await),
        _ => None,
    };
    let mut answer = answer(decision);
    match sent {
        None => {}
        Some(Ok(forwarded)) => answer.forwarded = Some(forwarded),
        Some(Err(error)) => {
            answer.forward_error = Some(error.to_string());
            note_failed_forward(&call, tool, action.agent, &answer, &error.to_string()).await?;
        }
    }
    Reply::json(&answer)
}

/// Puts a decision into the answer's words.
pub(crate) fn answer(decision: Decision) -> Answer {
    let allowed = decision.allowed();
    Answer {
        allowed,
        status: decision.status,
        decision: match decision.status {
            Status::Allowed => "ALLOWED",
            Status::Pending => "ESCALATED",
            Status::Blocked | Status::Error => "BLOCKED",
        },
        reason: (!allowed).then(|| decision.message.clone().into_owned()),
        message: decision.message.into_owned(),
        rule: decision.rule,
        risk: risk_label(decision.verdict.risk),
        approval_id: decision.approval.filter(|_| decision.status == Status::Pending),
        expires_at: decision.expires_at,
        reasons: decision
            .verdict
            .reasons
            .iter()
            .map(|reason| ReasonRow {
                code: reason.code.as_str(),
                rule_id: reason.rule.as_ref().map(|compiled| compiled.rule.id.to_string()),
                grounds: reason.grounds(&decision.explained).to_vec(),
            })
            .collect(),
        policy_hash: decision.policy_hash.as_ref().to_owned(),
        audit_id: decision.audit_id,
        forwarded: None,
        forward_error: None,
    }
}

/// A call that was allowed and could not be forwarded stands in the log as an error of its own.
async fn note_failed_forward(
    call: &Call,
    tool: &str,
    agent: Option<&str>,
    answer: &Answer,
    error: &str,
) -> Result<(), Failure> {
    let body = serde_json::json!({ "arguments": {}, "message": error, "decision": answer.audit_id, "door": "forward" })
        .to_string();
    let (tool_name, agent_name) = (Some(tool.to_owned()), agent.map(|agent| redact::text(agent).masked));
    let risk = match answer.risk {
        "LOW" => Risk::Low,
        "MEDIUM" => Risk::Medium,
        "HIGH" => Risk::High,
        _ => Risk::Critical,
    };
    let failed = Failed { op: "forward", tool_name, agent_name, risk, body };
    let noted = call.app.engine.note_failed(call.caller()?, "forward.failed", failed);
    noted.await.map_err(|error| refusal(&error))
}

/// The refusal of a caller.
pub(super) fn no_entropy(error: loop_core::base::host::NoEntropy) -> Failure {
    let error = AccessError::from(error);
    Failure::of(error.code(), &error)
}
