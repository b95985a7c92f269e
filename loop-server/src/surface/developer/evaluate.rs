//! `POST /api/v1/policy/evaluate`: what would be decided, without a trace. The hottest path of all: it reads no
//! storage, waits for nothing when the policy is at hand, and writes its answer by hand.

use std::fmt::Write as _;

use http::Method;
use loop_core::{
    access::Scope,
    base::{
        Code,
        id::uuid_v7,
        json::{Doc, View, write_string},
    },
    engine::Evaluated,
    policy::{Action, Outcome as Decision, ReasonCode, Verdict, kill_switch::MAX_TOOL_NAME},
    tool::Risk,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const EXAMPLE: &str =
    r#"{"executionMode":"guided","domain":"sales_revenue_ops","step":{"action":"find_leads","riskLevel":"low"}}"#;

/// The rows of the surface.
pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/v1/policy/evaluate",
    operation: "policy.evaluate",
    surface: Surface::Developer,
    access: Access::Scope(Scope::PolicyEvaluate),
    summary: "What the policy says of a step, without a trace",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Answer>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::NowOrLater(evaluate, |call| Box::pin(once_loaded(call))),
    example: Some(Example { before: &[], id: "", path: "/api/v1/policy/evaluate", body: EXAMPLE }),
}];

/// A proposed step. It is read by our own reader; this is its shape for documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// `sandbox`, `guided` (the default) or `autopilot`.
    execution_mode: Option<String>,
    /// A slug such as `sales_revenue_ops`.
    domain: Option<String>,
    /// The step.
    step: InputStep,
}

/// The step.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "see `Input`")]
struct InputStep {
    /// What is to be done.
    action: String,
    /// The tool it is done with; the action's name when absent.
    tool: Option<String>,
    /// The tool's arguments.
    inputs: Option<serde_json::Map<String, serde_json::Value>>,
    /// `low`, `medium`, `high` or `critical`: a claim that can raise the risk, never lower it.
    risk_level: Option<String>,
}

/// The verdict. Written by hand; this is its shape for documents.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// An id for the caller's own log; nothing is stored under it.
    evaluation_id: String,
    /// `allow`, `require_approval`, `simulate` or `deny`.
    decision: String,
    /// Whether the step may be taken.
    allowed: bool,
    /// Whether a human has to approve first.
    requires_approval: bool,
    /// The mode it was evaluated in.
    execution_mode: String,
    /// The greatest of the claim and what the name tells.
    effective_risk_level: Risk,
    /// Everything that tightened the verdict.
    reasons: Vec<ReasonShape>,
    /// The content hash of the policy.
    policy_version: String,
    /// When, RFC 3339.
    evaluated_at: String,
}

/// One reason.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReasonShape {
    /// Its stable code.
    code: String,
    /// For people.
    message: String,
    /// The rule.
    rule_id: Option<String>,
}

/// Reads an optional text member.
fn text<'d>(view: View<'d>, name: &str) -> Result<Option<&'d str>, Failure> {
    match view.get(name).filter(|view| !view.is_null()) {
        None => Ok(None),
        Some(view) => view.as_str().map(Some).ok_or_else(|| Failure::invalid(format!("`{name}` must be text"))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn mode(root: View<'_>) -> Result<&'static str, Failure> {
    match text(root, "executionMode")? {
        None | Some("guided") => Ok("guided"),
        Some("sandbox") => Ok("sandbox"),
        Some("autopilot") => Ok("autopilot"),
        Some(other) => Err(Failure::invalid(format!("`executionMode` is not valid: `{}`", shown(other)))),
    }
}

fn domain(root: View<'_>) -> Result<(), Failure> {
    let Some(domain) = text(root, "domain")? else { return Ok(()) };
    let slug = domain.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let fits = (2..=64).contains(&domain.len()) && domain.starts_with(|first: char| first.is_ascii_lowercase());
    if slug && fits { Ok(()) } else { Err(Failure::invalid(format!("`domain` is not valid: `{}`", shown(domain)))) }
}

fn risk(step: View<'_>) -> Result<Option<Risk>, Failure> {
    match text(step, "riskLevel")? {
        None => Ok(None),
        Some("low") => Ok(Some(Risk::Low)),
        Some("medium") => Ok(Some(Risk::Medium)),
        Some("high") => Ok(Some(Risk::High)),
        Some("critical") => Ok(Some(Risk::Critical)),
        Some(other) => Err(Failure::invalid(format!("`step.riskLevel` is not valid: `{}`", shown(other)))),
    }
}

/// Answers at once when the policy is at hand.
fn evaluate(call: &Call) -> Option<Outcome> {
    judge(call).transpose()
}

/// Loads the policy first; what it is asked for has been read without complaint before.
async fn once_loaded(call: Call) -> Outcome {
    let loaded = call.app.engine.policy(&call.caller()?.tenant).await;
    loaded.map_err(|error| Failure::of(error.code(), &error))?;
    evaluate(&call).unwrap_or_else(|| Err(Failure::new(Code::Unavailable, "the policy is changing")))
}

fn judge(call: &Call) -> Result<Option<Reply>, Failure> {
    let doc = Doc::parse(&call.body).map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
    let root = doc.root();
    let step = root.get("step").filter(|step| step.is_object()).ok_or_else(|| Failure::invalid("`step` is missing"))?;
    let name = text(step, "action")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::invalid("`step.action` is missing"))?;
    let mode = mode(root)?;
    domain(root)?;
    let empty = Doc::empty_object();
    let inputs = step.get("inputs").filter(|inputs| !inputs.is_null()).unwrap_or_else(|| empty.root());
    if !inputs.is_object() {
        return Err(Failure::invalid("`step.inputs` must be an object"));
    }
    let tool = text(step, "tool")?.filter(|tool| !tool.is_empty()).unwrap_or(name);
    if name.len().max(tool.len()) > MAX_TOOL_NAME {
        return Err(Failure::invalid(format!("`step.action` and `step.tool` must have {MAX_TOOL_NAME} bytes at most")));
    }
    let action = Action { tool, agent: None, arguments: inputs, forward: None, claimed_risk: risk(step)? };
    match call.app.engine.evaluate_at_hand(call.caller()?, &action) {
        Some(evaluated) => answer(call, mode, &evaluated).map(Reply::raw_json).map(Some),
        None => Ok(None),
    }
}

fn answer(call: &Call, mode: &str, evaluated: &Evaluated) -> Result<String, Failure> {
    let verdict = &evaluated.verdict;
    let mut seed = call.app.engine.seed().map_err(|error| Failure::internal(error.to_string()))?;
    let decision = match verdict.outcome {
        Decision::Allow => "allow",
        Decision::Simulate => "simulate",
        Decision::RequireApproval => "require_approval",
        Decision::Deny => "deny",
    };
    let risk = match verdict.risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
        Risk::Critical => "critical",
    };
    let mut out = String::with_capacity(512);
    let _ = write!(
        out,
        "{{\"evaluationId\":\"{}\",\"decision\":\"{decision}\",\"allowed\":{},\"requiresApproval\":{},\
         \"executionMode\":\"{mode}\",\"effectiveRiskLevel\":\"{risk}\",\"reasons\":[",
        uuid_v7(call.now, &mut seed),
        verdict.outcome == Decision::Allow,
        verdict.outcome == Decision::RequireApproval,
    );
    for (at, reason) in verdict.reasons.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let _ = write!(out, "{{\"code\":\"{}\",\"message\":", reason.code.as_str());
        let rule = reason.rule.as_ref().map(|compiled| &compiled.rule);
        let message = match (rule, reason.code) {
            (Some(rule), _) => rule.rule_text.as_str(),
            (None, ReasonCode::TooManyRules) => Verdict::TOO_MANY_RULES,
            (None, code) => code.as_str(),
        };
        write_string(message, &mut out);
        if let Some(rule) = rule {
            let _ = write!(out, ",\"ruleId\":\"{}\"", rule.id);
        }
        out.push('}');
    }
    let _ = write!(out, "],\"policyVersion\":\"{}\",\"evaluatedAt\":\"{}\"}}", evaluated.policy.hash(), call.now);
    Ok(out)
}
