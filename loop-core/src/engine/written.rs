//! What is written down of a decision.

use serde_json::value::RawValue;

use super::DecideError;
use crate::{
    access::Ctx,
    approval::Settled,
    audit::{self, Event, Sealed, Status},
    base::{Time, id::ApprovalId},
    policy::{Outcome, PolicySnapshot, ReasonCode, Verdict, facts::Facts},
    store::StoreError,
};

/// What is known of a call besides its verdict, masked.
pub(super) struct Details {
    pub(super) arguments: Box<RawValue>,
    pub(super) facts: Facts,
    pub(super) agent_name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) session: Option<String>,
    pub(super) forward: Option<String>,
    pub(super) door: &'static str,
}

/// What became of a call, and its entry for the log.
pub(super) struct Written {
    pub(super) status: Status,
    pub(super) message: String,
    pub(super) rule: Option<String>,
    pub(super) approval: Option<ApprovalId>,
    pub(super) expires_at: Option<Time>,
    pub(super) sealed: Sealed,
}

/// The body of a decision's log entry.
#[derive(serde::Serialize)]
struct Body<'a> {
    arguments: &'a RawValue,
    facts: &'a Facts,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<BodyReason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<&'a str>,
    door: &'static str,
    key: &'a str,
    policy_hash: &'a str,
}

#[derive(serde::Serialize)]
struct BodyReason {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
}

impl Written {
    /// Puts a verdict, and what humans answered when it asks, into words.
    pub(super) fn new(
        cx: &Ctx,
        snapshot: &PolicySnapshot,
        verdict: &Verdict,
        tool_name: &str,
        details: &Details,
        settled: Option<Settled>,
    ) -> Result<Self, DecideError> {
        let (status, approval, expires_at) = match (verdict.outcome, settled) {
            (Outcome::Allow, None) => (Status::Allowed, None, None),
            (Outcome::RequireApproval, Some(Settled::Approved(id))) => (Status::Allowed, Some(id), None),
            (_, Some(Settled::Pending { id, expires_at })) => (Status::Pending, Some(id), Some(expires_at)),
            (_, Some(Settled::Denied(id))) => (Status::Blocked, Some(id), None),
            _ => (Status::Blocked, None, None),
        };
        let rule = verdict.reasons.iter().find_map(|reason| reason.rule.as_ref());
        let rule = rule.map(|compiled| compiled.rule.rule_text.clone());
        let message = message(status, settled, verdict, rule.as_deref(), tool_name);
        let reasons = verdict.reasons.iter().map(|reason| BodyReason {
            code: reason.code.as_str(),
            rule_id: reason.rule.as_ref().map(|compiled| compiled.rule.id.to_string()),
        });
        let body = Body {
            arguments: &details.arguments,
            facts: &details.facts,
            message: &message,
            rule: rule.as_deref(),
            reason: details.reason.as_deref(),
            reasons: reasons.collect(),
            shadow: verdict.shadow.iter().map(|compiled| compiled.rule.id.to_string()).collect(),
            approval_id: approval,
            session_id: details.session.as_deref(),
            forward: details.forward.as_deref(),
            door: details.door,
            key: &cx.caller.name,
            policy_hash: snapshot.hash(),
        };
        let body = serde_json::to_string(&body).map_err(|error| StoreError::Internal(error.to_string()))?;
        let event = Event {
            stream: audit::DECISIONS,
            op: "decision",
            status: Some(status),
            tool_name: Some(tool_name),
            agent_name: details.agent_name.as_deref(),
            risk: Some(verdict.risk),
            body: &body,
        };
        let sealed = audit::seal(cx, &event);
        Ok(Self { status, message, rule, approval, expires_at, sealed })
    }
}

fn message(status: Status, settled: Option<Settled>, verdict: &Verdict, rule: Option<&str>, tool: &str) -> String {
    let matched = || rule.map(|rule| format!("Matched rule: {rule}"));
    match (status, settled) {
        (Status::Allowed, Some(_)) => "Approved by a human".to_owned(),
        (Status::Allowed, None) => "Allowed".to_owned(),
        (Status::Pending, _) => matched().unwrap_or_else(|| "Waiting for human approval".to_owned()),
        (_, Some(Settled::Denied(_))) => "Denied by a human".to_owned(),
        _ if verdict.reasons.iter().any(|reason| reason.code == ReasonCode::ToolBlocked) => {
            format!("Tool '{tool}' is blocked by governance policy")
        }
        _ => matched().unwrap_or_else(|| "Blocked by governance policy".to_owned()),
    }
}
