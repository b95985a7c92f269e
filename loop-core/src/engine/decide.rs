//! A proposed call: decided, settled with its approval, and recorded, in one transaction.

use hmac::Mac;
use serde_json::value::RawValue;

use super::{DecideError, Engine};
use crate::{
    access::{Caller, Ctx},
    approval::{self, Asking, Proposal, Settled},
    audit::{self, Event, Status},
    base::{
        TenantId, Time,
        host::keyed,
        id::ApprovalId,
        json,
        secret::{MasterKey, hex},
    },
    policy::{
        Action, Outcome, PolicySnapshot, ReasonCode, Verdict, evaluate, facts::Facts, kill_switch::MAX_TOOL_NAME,
    },
    store::{Access, Lane, StoreExt, Tx},
    tool::redact,
};

/// How often a call is decided again because the policy moved while its record was written.
const ATTEMPTS: usize = 16;
/// The longest agent name or session id, in bytes.
const MAX_NAME: usize = 256;
/// The longest reason, in bytes.
const MAX_REASON: usize = 8_192;

/// A proposed call as a surface received it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What the agent wants to do.
    pub action: Action<'a>,
    /// Why, in its own words.
    pub reason: Option<&'a str>,
    /// The conversation it belongs to.
    pub session: Option<&'a str>,
    /// The door it came through, such as `intercept`.
    pub door: &'static str,
}

impl<'a> Call<'a> {
    /// A call by a program that embeds the engine. `arguments` is an object of a [`json::Doc`].
    #[must_use]
    pub const fn new(tool: &'a str, arguments: json::View<'a>) -> Self {
        let action = Action { tool, agent: None, arguments, forward: None, claimed_risk: None };
        Self { action, reason: None, session: None, door: "embedded" }
    }

    /// The same call by a named agent.
    #[must_use]
    pub const fn by(mut self, agent: &'a str) -> Self {
        self.action.agent = Some(agent);
        self
    }
}

/// What was decided. It is durable.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What the caller is told.
    pub status: Status,
    /// For people.
    pub message: String,
    /// The sentence of the rule that decided, if one did.
    pub rule: Option<String>,
    /// What the policy said.
    pub verdict: Verdict,
    /// The approval that is waited for, was used up, or denied the call.
    pub approval: Option<ApprovalId>,
    /// When a pending approval ends by itself.
    pub expires_at: Option<Time>,
    /// The content hash of the policy that decided.
    pub policy_hash: String,
    /// The entry in the log.
    pub audit_id: String,
}

impl Decision {
    /// Whether the call may be made, now and once.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.status == Status::Allowed
    }
}

/// Everything that the recording transaction needs, owned and masked.
struct Prepared {
    snapshot: std::sync::Arc<PolicySnapshot>,
    verdict: Verdict,
    tool_name: String,
    agent_name: Option<String>,
    arguments: Box<RawValue>,
    facts: Facts,
    reason: Option<String>,
    session: Option<String>,
    forward: Option<String>,
    door: &'static str,
    personal: u32,
    secrets: u32,
    tags: Vec<String>,
    /// Only when the verdict asks.
    proposal: Option<Proposal>,
}

impl Engine {
    /// Decides a call and records the decision. When this answers [`Status::Allowed`], the record is durable and
    /// the call may be made once; every error means that it may not.
    ///
    /// # Errors
    /// Texts out of bounds, a revoked key, too many open approvals, storage failures.
    pub async fn intercept(&self, caller: &Caller, call: &Call<'_>) -> Result<Decision, DecideError> {
        check(call)?;
        for _ in 0..ATTEMPTS {
            let snapshot = self.policy(&caller.tenant).await?;
            let cx = self.context(caller.clone())?;
            let verdict = evaluate(&snapshot, &call.action, cx.now);
            let prepared = prepare(self.master(), caller, call, snapshot, verdict);
            match self.record(cx, prepared).await {
                Err(DecideError::Moved) => {}
                settled => return settled,
            }
        }
        Err(DecideError::Moved)
    }

    async fn record(&self, cx: Ctx, prepared: Prepared) -> Result<Decision, DecideError> {
        let inner = std::sync::Arc::clone(&self.inner);
        let tenant = cx.tenant().clone();
        let work = move |tx: &mut dyn Tx| {
            cx.caller.recheck(tx, cx.now)?;
            let epoch = tx.epoch(cx.tenant())?;
            if epoch != prepared.snapshot.epoch() {
                inner.policies.require(&tenant, epoch);
                return Err(DecideError::Moved);
            }
            settle(tx, &cx, &prepared)
        };
        self.inner.store.run_job("decision.record", Access::Write, Lane::Decision, work, |outcome| outcome).await
    }
}

/// Refuses calls whose texts are out of bounds.
fn check(call: &Call<'_>) -> Result<(), DecideError> {
    let within = |field, text: Option<&str>, max| match text {
        Some(text) if text.len() > max => Err(DecideError::Length { field, max }),
        _ => Ok(()),
    };
    if call.action.tool.is_empty() {
        return Err(DecideError::Length { field: "tool_name", max: MAX_TOOL_NAME });
    }
    within("tool_name", Some(call.action.tool), MAX_TOOL_NAME)?;
    within("agent_name", call.action.agent, MAX_NAME)?;
    within("session_id", call.session, MAX_NAME)?;
    within("reason", call.reason, MAX_REASON)
}

fn prepare(
    master: &MasterKey,
    caller: &Caller,
    call: &Call<'_>,
    snapshot: std::sync::Arc<PolicySnapshot>,
    verdict: Verdict,
) -> Prepared {
    let action = &call.action;
    let masked = redact::json(action.arguments);
    // What stands beside the arguments may hold a person's data as well.
    let [reason, agent, session] = [call.reason, action.agent, call.session].map(|text| text.map(redact::text));
    let beside = || [&reason, &agent, &session].into_iter().flatten();
    let subjects: Vec<String> = beside().flat_map(|text| &text.subjects).chain(&masked.subjects).cloned().collect();
    let tags = subject_tags(master, &caller.tenant, &subjects);
    let personal = beside().fold(masked.personal, |sum, text| sum.saturating_add(text.personal));
    let secrets = beside().fold(masked.secrets, |sum, text| sum.saturating_add(text.secrets));
    let [reason, agent, session] = [reason, agent, session].map(|text| text.map(|text| text.masked));
    let forward = action.forward.map(|forward| format!("{} {}", forward.method, redact::url(forward.url)));
    let proposal = (verdict.outcome == Outcome::RequireApproval).then(|| Proposal {
        binding: approval::binding(master, &caller.tenant, action),
        tool_name: action.tool.to_owned(),
        agent_name: agent.clone(),
        arguments: masked.masked.clone(),
        reason: reason.clone(),
        forward: forward.clone(),
        risk: verdict.risk,
        asking: asking(&verdict),
        policy_hash: snapshot.hash().to_owned(),
    });
    Prepared {
        facts: snapshot.facts(action),
        snapshot,
        verdict,
        tool_name: action.tool.to_owned(),
        agent_name: agent,
        arguments: RawValue::from_string(masked.masked).unwrap_or_default(),
        reason,
        session,
        forward,
        door: call.door,
        personal,
        secrets,
        tags,
        proposal,
    }
}

/// The keyed tags under which what speaks of these persons is found again. `subjects` are in the normal form of
/// [`redact::Redacted::subjects`].
#[must_use]
pub fn subject_tags(master: &MasterKey, tenant: &TenantId, subjects: &[String]) -> Vec<String> {
    if subjects.is_empty() {
        return Vec::new();
    }
    let key = master.derive("audit.subject", tenant.as_str());
    let tag = |subject: &String| {
        let mut mac = keyed(&key);
        mac.update(subject.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        hex(full.first_chunk::<16>().map_or(&[][..], |half| half))
    };
    let mut tags: Vec<String> = subjects.iter().map(tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn asking(verdict: &Verdict) -> Vec<Asking> {
    let asked = verdict.reasons.iter().filter(|reason| reason.outcome == Outcome::RequireApproval);
    asked
        .map(|reason| match &reason.rule {
            Some(compiled) => Asking {
                rule_id: Some(compiled.rule.id),
                revision: compiled.rule.revision,
                rule_text: compiled.rule.rule_text.clone(),
                approver_email: compiled.rule.approver_email.clone(),
            },
            None => {
                Asking { rule_id: None, revision: 0, rule_text: reason.code.as_str().to_owned(), approver_email: None }
            }
        })
        .collect()
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

fn settle(tx: &mut dyn Tx, cx: &Ctx, prepared: &Prepared) -> Result<Decision, DecideError> {
    let verdict = &prepared.verdict;
    let settled = match &prepared.proposal {
        Some(proposal) => Some(approval::settle(tx, cx, proposal)?),
        None => None,
    };
    let (status, approval, expires_at) = match (verdict.outcome, settled) {
        (Outcome::Allow, None) => (Status::Allowed, None, None),
        (Outcome::RequireApproval, Some(Settled::Approved(id))) => (Status::Allowed, Some(id), None),
        (_, Some(Settled::Pending { id, expires_at })) => (Status::Pending, Some(id), Some(expires_at)),
        (_, Some(Settled::Denied(id))) => (Status::Blocked, Some(id), None),
        _ => (Status::Blocked, None, None),
    };
    let rule =
        verdict.reasons.iter().find_map(|reason| reason.rule.as_ref()).map(|compiled| compiled.rule.rule_text.clone());
    let message = message(status, settled, verdict, rule.as_deref(), &prepared.tool_name);
    let body = Body {
        arguments: &prepared.arguments,
        facts: &prepared.facts,
        message: &message,
        rule: rule.as_deref(),
        reason: prepared.reason.as_deref(),
        reasons: verdict
            .reasons
            .iter()
            .map(|reason| BodyReason {
                code: reason.code.as_str(),
                rule_id: reason.rule.as_ref().map(|compiled| compiled.rule.id.to_string()),
            })
            .collect(),
        shadow: verdict.shadow.iter().map(|compiled| compiled.rule.id.to_string()).collect(),
        approval_id: approval,
        session_id: prepared.session.as_deref(),
        forward: prepared.forward.as_deref(),
        door: prepared.door,
        key: &cx.caller.name,
        policy_hash: prepared.snapshot.hash(),
    };
    let body = serde_json::to_string(&body).map_err(|error| crate::store::StoreError::Internal(error.to_string()))?;
    let event = Event {
        stream: audit::DECISIONS,
        op: "decision",
        status: Some(status),
        tool_name: Some(&prepared.tool_name),
        agent_name: prepared.agent_name.as_deref(),
        risk: Some(verdict.risk),
        body: &body,
    };
    let audit_id = audit::append(tx, cx, &event)?;
    audit::tag_subjects(tx, cx.tenant(), cx.now, &audit_id, &prepared.tags)?;
    if let Some(id) = approval.filter(|_| status == Status::Pending && !prepared.tags.is_empty()) {
        audit::tag_subjects(tx, cx.tenant(), cx.now, &id.to_string(), &prepared.tags)?;
    }
    audit::record_stats(tx, cx.tenant(), cx.now, status, verdict.risk, prepared.personal, prepared.secrets)?;
    audit::record_tool(tx, cx.tenant(), &prepared.tool_name)?;
    Ok(Decision {
        status,
        message,
        rule,
        verdict: verdict.clone(),
        approval,
        expires_at,
        policy_hash: prepared.snapshot.hash().to_owned(),
        audit_id,
    })
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
