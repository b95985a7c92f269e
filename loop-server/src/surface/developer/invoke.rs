//! `POST /api/v1/tools/invoke`: the gated call of a published tool.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use loop_core::{
    access::{Mode, Scope},
    audit::Status,
    base::{
        Code, Time,
        id::{ApprovalId, InvocationId, ProofId, TaskId},
        json::{Doc, View},
    },
    engine::{Decision, InvokeError, Invoked, Request},
    invoke::InvocationStatus,
    policy::{Explained, Ground, Outcome as Verdict, Reason, ReasonCode},
    tool::Risk,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// What can be spent from the wallet after the call.
const REMAINING: HeaderName = HeaderName::from_static("x-openloop-credits-remaining");
/// The longest name, version or approval id, in bytes.
const MAX_TEXT: usize = 256;

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/v1/tools/invoke",
    operation: "tool.invoke",
    surface: Surface::Developer,
    access: Access::Scope(Scope::ToolsInvoke),
    summary: "Call a tool through scope, policy, approval and credit gates; 202 while a human is asked",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Answer>),
    success: &[200, 202],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(invoke(call))),
    example: None,
}];

/// A call. It is read by our own reader; this is its shape for documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// The tool's name.
    tool: String,
    /// Its version; the highest approved one when absent.
    version: Option<String>,
    /// What its input schema asks for.
    input: serde_json::Map<String, serde_json::Value>,
    /// `sandbox`, `guided` (the default) or `autopilot`.
    execution_mode: Option<String>,
    /// The task that the call is part of.
    task_id: Option<String>,
    /// The approval that the same call waited for.
    approval_id: Option<String>,
    /// As the header `Idempotency-Key`.
    idempotency_key: Option<String>,
    /// Why, in the agent's own words.
    reason: Option<String>,
}

/// What came of a call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    invocation_id: InvocationId,
    status: InvocationStatus,
    tool: String,
    version: String,
    /// The provider's answer, or a made-up one when the call was simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    output: Option<Box<RawValue>>,
    /// What is waited for, or was used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    /// When waiting ends in a no.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// The proofs that the gateway wrote.
    proof_ids: Vec<ProofId>,
    credits: Credits,
    /// Whether nothing real was done.
    simulated: bool,
    /// `allow`, `simulate` or `require_approval`.
    decision: &'static str,
    /// The mode it was judged in.
    execution_mode: Mode,
    effective_risk_level: Risk,
    /// Everything that tightened the decision.
    reasons: Vec<ReasonRow>,
    /// The entry in the log.
    audit_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
}

/// What a call costs.
#[derive(Debug, Serialize, JsonSchema)]
struct Credits {
    /// What it would cost.
    estimated: u64,
    /// What was held back for it.
    reserved: u64,
    /// What was taken.
    charged: u64,
}

/// One reason.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReasonRow {
    /// Its stable code.
    code: &'static str,
    /// For people.
    message: String,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
    /// Why the rule matched: which parts of its condition held, and what they saw, masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grounds: Vec<Ground>,
}

impl ReasonRow {
    fn of(reason: &Reason, explained: &Explained) -> Self {
        let rule = reason.rule.as_ref().map(|compiled| &compiled.rule);
        Self {
            code: reason.code.as_str(),
            message: rule.map_or_else(|| reason.code.message().to_owned(), |rule| rule.rule_text.clone()),
            rule_id: rule.map(|rule| rule.id.to_string()),
            grounds: reason.grounds(explained).to_vec(),
        }
    }
}

fn reasons(decision: &Decision) -> Vec<ReasonRow> {
    decision.verdict.reasons.iter().map(|reason| ReasonRow::of(reason, &decision.explained)).collect()
}

/// The refusal that a failed call stands for.
fn refusal(error: &InvokeError) -> Failure {
    let failure = Failure::of(error.code(), error);
    match error {
        InvokeError::Denied(decision) => {
            let rows = serde_json::to_value(reasons(decision)).unwrap_or_default();
            let failure = failure.with("reasons", rows).with("decision", "deny");
            failure.with("auditId", decision.audit_id.as_str())
        }
        InvokeError::Provider { call, fault } => {
            failure.with("invocationId", call.id.to_string()).with("status", "failed").with("reason", fault.reason)
        }
        InvokeError::Input(misfit) => failure.with("path", misfit.path.as_str()),
        _ => failure,
    }
}

fn text<'d>(root: View<'d>, name: &str) -> Result<Option<&'d str>, Failure> {
    match root.get(name).filter(|view| !view.is_null()) {
        None => Ok(None),
        Some(view) => match view.as_str() {
            Some(text) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text)),
            _ => Err(Failure::invalid(format!("`{name}` must be text of 1 to {MAX_TEXT} bytes"))),
        },
    }
}

/// Runs apart from the connection: a call that was begun comes to its end whether or not somebody still listens.
async fn invoke(call: Call) -> Outcome {
    let work = tokio::spawn(async move { run(&call).await });
    work.await.map_err(|_| Failure::internal("a call of a tool panicked"))?
}

async fn run(call: &Call) -> Outcome {
    let (doc, empty) = (read(call)?, Doc::empty_object());
    let request = request(doc.root(), &empty)?;
    let invoked = call.app.engine.invoke(call.caller()?, &request, &call.app.providers).await;
    answer(call, invoked.map_err(|error| refusal(&error))?)
}

/// Judges a call anew whose answer is about to be told again: what is denied by now is not told.
pub(super) async fn again(call: &Call) -> Result<(), Failure> {
    let (doc, empty) = (read(call)?, Doc::empty_object());
    let request = request(doc.root(), &empty)?;
    let verdict = call.app.engine.judge_invoke(call.caller()?, &request).await.map_err(|error| refusal(&error))?;
    if verdict.outcome != Verdict::Deny {
        return Ok(());
    }
    let suspended = verdict.reasons.iter().any(|reason| reason.code == ReasonCode::LoopSuspended);
    let code = if suspended { Code::LoopSuspended } else { Code::PolicyDenied };
    let rows: Vec<ReasonRow> =
        verdict.reasons.iter().map(|reason| ReasonRow::of(reason, &Explained::default())).collect();
    let rows = serde_json::to_value(rows).unwrap_or_default();
    Err(Failure::new(code, "the policy denies this call by now").with("reasons", rows).with("decision", "deny"))
}

fn read(call: &Call) -> Result<Doc<'_>, Failure> {
    let doc = Doc::parse(&call.body).map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
    if doc.root().is_object() { Ok(doc) } else { Err(Failure::invalid("the body must be a JSON object")) }
}

fn request<'d>(root: View<'d>, empty: &'d Doc<'d>) -> Result<Request<'d>, Failure> {
    let tool = text(root, "tool")?.ok_or_else(|| Failure::invalid("`tool` is missing"))?;
    let input = root.get("input").filter(|input| !input.is_null()).unwrap_or_else(|| empty.root());
    if !input.is_object() {
        return Err(Failure::invalid("`input` must be an object"));
    }
    let mode = match text(root, "executionMode")? {
        None => Mode::Guided,
        Some(word) => Mode::parse(word).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            Failure::invalid(format!("`executionMode` is not valid: `{shown}`"))
        })?,
    };
    let task = text(root, "taskId")?.map(|id| TaskId::parse(id).ok_or_else(|| Failure::not_found("no such task")));
    let reason = match root.get("reason").filter(|reason| !reason.is_null()) {
        None => None,
        Some(reason) => Some(reason.as_str().ok_or_else(|| Failure::invalid("`reason` must be text"))?),
    };
    Ok(Request {
        tool,
        version: text(root, "version")?,
        input,
        mode,
        task: task.transpose()?,
        approval: text(root, "approvalId")?,
        reason,
    })
}

fn answer(call: &Call, invoked: Invoked) -> Outcome {
    let Invoked { call: made, decision, output, remaining } = invoked;
    let pending = made.status == InvocationStatus::PendingApproval;
    if decision.status == Status::Pending {
        call.app.wake.ring();
    }
    let verdict = match decision.verdict.outcome {
        Verdict::Simulate => "simulate",
        Verdict::RequireApproval if pending => "require_approval",
        Verdict::Allow | Verdict::RequireApproval => "allow",
        Verdict::Deny => return Err(Failure::new(Code::PolicyDenied, "the call was denied")),
    };
    let answer = Answer {
        invocation_id: made.id,
        status: made.status,
        tool: made.tool_name,
        version: made.version,
        output,
        approval_id: made.approval,
        expires_at: decision.expires_at,
        proof_ids: made.proofs,
        credits: Credits { estimated: made.estimated, reserved: made.reserved, charged: made.charged },
        simulated: made.simulated,
        decision: verdict,
        execution_mode: made.mode,
        effective_risk_level: decision.verdict.risk,
        reasons: reasons(&decision),
        audit_id: decision.audit_id,
        task_id: made.task,
    };
    let mut reply = Reply::json(&answer)?;
    if pending {
        reply = reply.with_status(StatusCode::ACCEPTED);
    }
    if let Some(left) = remaining.and_then(|left| HeaderValue::try_from(left.to_string()).ok()) {
        reply = reply.with_header(REMAINING, left);
    }
    Ok(reply)
}
