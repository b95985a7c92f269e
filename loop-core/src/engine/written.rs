//! What is written down of a decision.

use std::borrow::Cow;

use super::{DecideError, body::Body};
use crate::{
    access::Ctx,
    approval::Settled,
    audit::{self, Event, Sealed, Status},
    base::{Time, id::ApprovalId},
    policy::{Explained, Outcome, PolicySnapshot, ReasonCode, Verdict, facts::Facts},
    store::StoreError,
};

/// What is known of a call besides its verdict, masked.
pub(super) struct Details {
    /// JSON.
    pub(super) arguments: String,
    pub(super) facts: Facts,
    /// Why rules matched.
    pub(super) explained: Explained,
    pub(super) agent_name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) session: Option<String>,
    pub(super) forward: Option<String>,
    pub(super) door: &'static str,
}

/// What became of a call, and its entry for the log.
pub(super) struct Written {
    pub(super) status: Status,
    pub(super) message: Cow<'static, str>,
    pub(super) rule: Option<String>,
    pub(super) explained: Explained,
    pub(super) approval: Option<ApprovalId>,
    pub(super) expires_at: Option<Time>,
    pub(super) sealed: Sealed,
    /// What `sealed` was sealed with.
    pub(super) body: String,
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
            // Only this door can pretend; at others what may only be simulated is refused.
            (Outcome::Simulate, None) if details.door == super::invoke::DOOR => (Status::Allowed, None, None),
            (Outcome::RequireApproval, Some(Settled::Approved(id))) => (Status::Allowed, Some(id), None),
            (_, Some(Settled::Pending { id, expires_at })) => (Status::Pending, Some(id), Some(expires_at)),
            (_, Some(Settled::Denied(id))) => (Status::Blocked, Some(id), None),
            _ => (Status::Blocked, None, None),
        };
        let rule = rule(verdict);
        let message = message(status, settled, verdict, rule.as_deref(), tool_name);
        let fate = Fate { status, message, rule, approval, expires_at };
        Self::of(cx, snapshot, verdict, tool_name, details, fate)
    }

    /// Puts into words that a call was refused for what the policy knows nothing of.
    pub(super) fn refused(
        cx: &Ctx,
        snapshot: &PolicySnapshot,
        verdict: &Verdict,
        tool_name: &str,
        details: &Details,
        message: Cow<'static, str>,
    ) -> Result<Self, DecideError> {
        let rule = rule(verdict);
        let fate = Fate { status: Status::Blocked, message, rule, approval: None, expires_at: None };
        Self::of(cx, snapshot, verdict, tool_name, details, fate)
    }

    fn of(
        cx: &Ctx,
        snapshot: &PolicySnapshot,
        verdict: &Verdict,
        tool_name: &str,
        details: &Details,
        fate: Fate,
    ) -> Result<Self, DecideError> {
        let Fate { status, message, rule, approval, expires_at } = fate;
        let body = Body {
            details,
            verdict,
            message: &message,
            rule: rule.as_deref(),
            approval,
            key: &cx.caller.name,
            policy_hash: snapshot.hash(),
        };
        let body = body.to_json().map_err(|error| StoreError::Internal(error.to_string()))?;
        let event = Event {
            stream: audit::DECISIONS,
            op: audit::DECISION,
            status: Some(status),
            tool_name: Some(tool_name),
            agent_name: details.agent_name.as_deref(),
            risk: Some(verdict.risk),
            body: &body,
        };
        let sealed = audit::seal(cx, &event);
        let explained = details.explained.clone();
        Ok(Self { status, message, rule, explained, approval, expires_at, sealed, body })
    }
}

/// What became of a call.
struct Fate {
    status: Status,
    message: Cow<'static, str>,
    rule: Option<String>,
    approval: Option<ApprovalId>,
    expires_at: Option<Time>,
}

/// The sentence of the first rule that had a say.
fn rule(verdict: &Verdict) -> Option<String> {
    let compiled = verdict.reasons.iter().find_map(|reason| reason.rule.as_ref());
    compiled.map(|compiled| compiled.rule.rule_text.clone())
}

fn message(
    status: Status,
    settled: Option<Settled>,
    verdict: &Verdict,
    rule: Option<&str>,
    tool: &str,
) -> Cow<'static, str> {
    let is = |code| verdict.reasons.iter().any(|reason| reason.code == code);
    let matched = || rule.map(|rule| -> Cow<'static, str> { format!("Matched rule: {rule}").into() });
    match (status, settled) {
        (Status::Allowed, Some(_)) => "Approved by a human".into(),
        (Status::Allowed, None) if verdict.outcome == Outcome::Simulate => "Simulated".into(),
        (Status::Allowed, None) => "Allowed".into(),
        (Status::Pending, _) => matched().unwrap_or(Cow::Borrowed("Waiting for human approval")),
        (_, Some(Settled::Denied(_))) => "Denied by a human".into(),
        _ if is(ReasonCode::ToolBlocked) => format!("Tool '{tool}' is blocked by governance policy").into(),
        _ if is(ReasonCode::TooManyRules) => Verdict::TOO_MANY_RULES.into(),
        _ => matched().unwrap_or(Cow::Borrowed("Blocked by governance policy")),
    }
}
