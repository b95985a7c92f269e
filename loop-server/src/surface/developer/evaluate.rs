//! `POST /api/v1/policy/evaluate`: what would be decided, without a trace. The hottest path of all: it reads no
//! storage, waits for nothing when the policy is at hand, and writes its answer by hand.

use std::fmt::Write as _;

use http::Method;
use loop_core::{
    access::{Mode, Scope},
    base::{
        Code, Risk,
        id::{LoopId, uuid_v7},
        json::{Doc, View, write_string},
    },
    engine::Evaluated,
    policy::{Action, Ground, Outcome as Verdict, Stage, is_domain, kill_switch::MAX_TOOL_NAME},
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
    execution_mode: Option<Mode>,
    /// The field of work, a slug such as `sales_revenue_ops`.
    domain: Option<String>,
    /// The loop that would act: the key's own when absent. A loop's key may name its own loop and those under it.
    loop_id: Option<LoopId>,
    /// The task it belongs to, for the caller's own log.
    task_id: Option<String>,
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
    /// The tool it is done with; the action's name when absent. Kill switch and rules see both names.
    tool: Option<String>,
    /// The tool's arguments.
    inputs: Option<serde_json::Map<String, serde_json::Value>>,
    /// A claim that can raise the risk, never lower it. Without one it is what the tool's manifest says, or high.
    risk_level: Option<Risk>,
    /// What the step will cost, in credits.
    estimated_credits: Option<u64>,
    /// What the step will spend, in hundredths of the currency; rules about amounts read it beside the inputs.
    amount_cents: Option<u64>,
    /// The currency of `amountCents`, three letters.
    currency: Option<String>,
    /// Whether the step can be undone. `false` makes its risk high at least; `true` and absence change nothing.
    reversible: Option<bool>,
    /// Whether the step reaches beyond the tenant. `true` makes its risk medium at least; `false` and absence change
    /// nothing.
    external: Option<bool>,
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
    /// The mode it was evaluated in: sandbox for a sandbox key, guided where the plan has no autopilot.
    execution_mode: Mode,
    /// The greatest of the claim, the tool's manifest, what the names tell, the field's least risk, and that of a step
    /// which cannot be undone (high) or reaches beyond the tenant (medium).
    effective_risk_level: Risk,
    /// Everything that tightened the verdict, strictest first.
    reasons: Vec<ReasonShape>,
    /// What the step costs at most, in credits, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_credits: Option<u64>,
    /// The trust that counted, 0 to 100: the least of the loop and those above it. Null where no loop acts.
    trust_score: Option<u8>,
    /// The content hash of rules, blocked tools and settings.
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
    /// Why the rule matched: which parts of its condition held, and what they saw, masked.
    grounds: Option<Vec<Ground>>,
}

/// What the body proposes.
struct Proposed<'d> {
    stage: Stage<'d>,
    tool: &'d str,
    arguments: View<'d>,
    claimed_risk: Option<Risk>,
}

impl<'d> Proposed<'d> {
    /// Reads the body. `empty` stands for absent arguments.
    fn read(root: View<'d>, empty: View<'d>) -> Result<Self, Failure> {
        let step = root.get("step").filter(|step| step.is_object());
        let step = step.ok_or_else(|| Failure::invalid("`step` is missing"))?;
        let action = text(step, "action")?.filter(|name| !name.is_empty());
        let action = action.ok_or_else(|| Failure::invalid("`step.action` is missing"))?;
        let tool = text(step, "tool")?.filter(|tool| !tool.is_empty()).unwrap_or(action);
        if action.len().max(tool.len()) > MAX_TOOL_NAME {
            let message = format!("`step.action` and `step.tool` must have {MAX_TOOL_NAME} bytes at most");
            return Err(Failure::invalid(message));
        }
        let mode = choice(root, "executionMode", Mode::parse)?.unwrap_or(Mode::Guided);
        let domain = choice(root, "domain", |text| is_domain(text).then_some(text))?;
        let loop_id = match text(root, "loopId")? {
            None => None,
            Some(id) => Some(LoopId::parse(id).ok_or_else(|| Failure::new(Code::LoopNotFound, "no such loop"))?),
        };
        text(root, "taskId")?;
        let claimed_risk = choice(step, "riskLevel", Risk::parse)?;
        let credits = whole(step, "estimatedCredits")?;
        let amount = whole(step, "amountCents")?;
        choice(step, "currency", |code| {
            (code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic())).then_some(code)
        })?;
        // What cannot be undone is of high risk at least, what reaches beyond the tenant of medium: whoever says so
        // can only raise the risk by it.
        let least_risk = match (truth(step, "reversible")?, truth(step, "external")?) {
            (Some(false), _) => Risk::High,
            (_, Some(true)) => Risk::Medium,
            _ => Risk::Low,
        };
        let inputs = step.get("inputs").filter(|inputs| !inputs.is_null()).unwrap_or(empty);
        if !inputs.is_object() {
            return Err(Failure::invalid("`step.inputs` must be an object"));
        }
        // An amount beside the inputs counts as one of them: rules then read the step as a whole.
        let arguments = if amount.is_some() { step } else { inputs };
        let stage =
            Stage { mode, loop_id, action, domain, tool: None, trust: 0, sandboxed: false, least_risk, credits };
        Ok(Self { stage, tool, arguments, claimed_risk })
    }

    const fn action(&self) -> Action<'d> {
        Action {
            tool: self.tool,
            agent: None,
            arguments: self.arguments,
            forward: None,
            claimed_risk: self.claimed_risk,
            stage: Some(self.stage),
        }
    }
}

/// Reads an optional text member.
fn text<'d>(view: View<'d>, name: &str) -> Result<Option<&'d str>, Failure> {
    match view.get(name).filter(|view| !view.is_null()) {
        None => Ok(None),
        Some(view) => view.as_str().map(Some).ok_or_else(|| Failure::invalid(format!("`{name}` must be text"))),
    }
}

/// Reads an optional text member that only some texts fit.
fn choice<'d, T>(view: View<'d>, name: &str, fits: impl FnOnce(&'d str) -> Option<T>) -> Result<Option<T>, Failure> {
    let Some(text) = text(view, name)? else { return Ok(None) };
    fits(text).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Failure::invalid(format!("`{name}` is not valid: `{shown}`"))
    })
}

/// Reads an optional truth value.
fn truth(step: View<'_>, name: &str) -> Result<Option<bool>, Failure> {
    let Some(member) = step.get(name).filter(|view| !view.is_null()) else { return Ok(None) };
    let value = member.as_bool();
    value.map(Some).ok_or_else(|| Failure::invalid(format!("`step.{name}` must be true or false")))
}

/// Reads an optional whole number of 0 or more.
fn whole(view: View<'_>, name: &str) -> Result<Option<u64>, Failure> {
    let Some(member) = view.get(name).filter(|view| !view.is_null()) else { return Ok(None) };
    let number = member.as_number().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| Failure::invalid(format!("`step.{name}` must be a whole number of 0 or more")))
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::invalid(format!("invalid body: {error}"))
}

/// Answers at once when all it takes is at hand.
fn evaluate(call: &Call) -> Option<Outcome> {
    let judge = || {
        let doc = Doc::parse(&call.body).map_err(unreadable)?;
        let empty = Doc::empty_object();
        let proposed = Proposed::read(doc.root(), empty.root())?;
        let Some(evaluated) = call.app.engine.evaluate_at_hand(call.caller()?, &proposed.action()) else {
            return Ok(None);
        };
        let evaluated = evaluated.map_err(|error| Failure::of(error.code(), &error))?;
        answer(call, &evaluated).map(Reply::raw_json).map(Some)
    };
    judge().transpose()
}

/// Fetches what is not at hand first.
async fn once_loaded(call: Call) -> Outcome {
    let doc = Doc::parse(&call.body).map_err(unreadable)?;
    let empty = Doc::empty_object();
    let proposed = Proposed::read(doc.root(), empty.root())?;
    let evaluated = call.app.engine.evaluate(call.caller()?, &proposed.action()).await;
    let evaluated = evaluated.map_err(|error| Failure::of(error.code(), &error))?;
    answer(&call, &evaluated).map(Reply::raw_json)
}

fn answer(call: &Call, evaluated: &Evaluated) -> Result<String, Failure> {
    let verdict = &evaluated.verdict;
    let mut seed = call.app.engine.seed().map_err(|error| Failure::internal(error.to_string()))?;
    let decision = match verdict.outcome {
        Verdict::Allow => "allow",
        Verdict::Simulate => "simulate",
        Verdict::RequireApproval => "require_approval",
        Verdict::Deny => "deny",
    };
    let mut out = String::with_capacity(512);
    let _ = write!(
        out,
        "{{\"evaluationId\":\"{}\",\"decision\":\"{decision}\",\"allowed\":{},\"requiresApproval\":{},\
         \"executionMode\":\"{}\",\"effectiveRiskLevel\":\"{}\",\"reasons\":[",
        uuid_v7(call.now, &mut seed),
        verdict.outcome == Verdict::Allow,
        verdict.outcome == Verdict::RequireApproval,
        verdict.mode.unwrap_or(Mode::Guided).as_str(),
        verdict.risk.as_str(),
    );
    for (at, reason) in verdict.reasons.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let _ = write!(out, "{{\"code\":\"{}\",\"message\":", reason.code.as_str());
        let rule = reason.rule.as_ref().map(|compiled| &compiled.rule);
        write_string(rule.map_or(reason.code.message(), |rule| &rule.rule_text), &mut out);
        if let Some(rule) = rule {
            let _ = write!(out, ",\"ruleId\":\"{}\"", rule.id);
            let grounds = reason.grounds(&evaluated.explained);
            if !grounds.is_empty() {
                let json = serde_json::to_string(grounds).map_err(|error| Failure::internal(error.to_string()))?;
                let _ = write!(out, ",\"grounds\":{json}");
            }
        }
        out.push('}');
    }
    out.push(']');
    if let Some(credits) = verdict.credits {
        let _ = write!(out, ",\"estimatedCredits\":{credits}");
    }
    match evaluated.trust {
        Some(trust) => write!(out, ",\"trustScore\":{trust}"),
        None => write!(out, ",\"trustScore\":null"),
    }
    .map_err(|error| Failure::internal(error.to_string()))?;
    let version = evaluated.policy.hash();
    let _ = write!(out, ",\"policyVersion\":\"{version}\",\"evaluatedAt\":\"{}\"}}", call.now);
    Ok(out)
}
