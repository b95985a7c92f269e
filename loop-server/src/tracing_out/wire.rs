//! Decisions as spans in OTLP's JSON. The attributes follow OpenTelemetry's GenAI conventions where these have a name, so that
//! a decision stands among the agent's own spans of the same conversation.

use loop_core::{
    audit::Status,
    base::{Time, secret::hex},
    engine::Witnessed,
    policy::Outcome,
};
use serde_json::{Value, json};

/// A decision as it is sent, owned.
#[derive(Debug, Clone)]
pub(super) struct Span {
    tool: String,
    agent: Option<String>,
    session: Option<String>,
    tenant: String,
    door: &'static str,
    status: Status,
    outcome: &'static str,
    risk: &'static str,
    rules: Vec<String>,
    codes: Vec<&'static str>,
    approval: Option<String>,
    policy: String,
    audit_id: String,
    started: Time,
    ended: Time,
}

/// The most rules and reasons that are told.
const REASONS_MAX: usize = 16;

impl Span {
    pub(super) fn of(seen: &Witnessed<'_>) -> Self {
        let verdict = &seen.decision.verdict;
        let reasons = || verdict.reasons.iter().take(REASONS_MAX);
        Self {
            tool: seen.tool.to_owned(),
            agent: seen.agent.map(str::to_owned),
            session: seen.session.map(str::to_owned),
            tenant: seen.tenant.to_string(),
            door: seen.door,
            status: seen.decision.status,
            outcome: word(verdict.outcome),
            risk: verdict.risk.as_str(),
            rules: reasons().filter_map(|reason| reason.rule.as_ref()).map(|rule| rule.rule.id.to_string()).collect(),
            codes: reasons().map(|reason| reason.code.as_str()).collect(),
            approval: seen.decision.approval.map(|id| id.to_string()),
            policy: seen.decision.policy_hash.to_string(),
            audit_id: seen.decision.audit_id.clone(),
            started: seen.started,
            ended: seen.ended,
        }
    }

    /// A refusal is no failure of ours: the status of a span says whether deciding worked.
    fn to_json(&self, ids: &[u8; 32]) -> Value {
        let (trace, rest) = ids.split_first_chunk::<16>().map_or((&[1; 16], ids.as_slice()), |parts| parts);
        let span = rest.first_chunk::<8>().unwrap_or(&[1; 8]);
        let mut attributes = vec![
            text("loop.operation", "decide"),
            text("gen_ai.tool.name", &self.tool),
            text("loop.tenant.id", &self.tenant),
            text("loop.door", self.door),
            text("loop.decision.status", self.status.as_str()),
            text("loop.decision.outcome", self.outcome),
            text("loop.decision.risk", self.risk),
            text("loop.policy.hash", &self.policy),
            text("loop.audit.id", &self.audit_id),
        ];
        let optional =
            [("gen_ai.agent.name", &self.agent), ("session.id", &self.session), ("loop.approval.id", &self.approval)];
        attributes
            .extend(optional.into_iter().filter_map(|(name, value)| value.as_deref().map(|value| text(name, value))));
        if !self.rules.is_empty() {
            attributes.push(texts("loop.rule.ids", self.rules.iter().map(String::as_str)));
        }
        if !self.codes.is_empty() {
            attributes.push(texts("loop.decision.reasons", self.codes.iter().copied()));
        }
        json!({
            "traceId": hex(trace),
            "spanId": hex(span),
            "name": format!("decide {}", self.tool),
            "kind": 1,
            "startTimeUnixNano": nanos(self.started),
            "endTimeUnixNano": nanos(self.ended.max(self.started)),
            "attributes": attributes,
            "status": {},
        })
    }
}

/// The body of a request: spans, each with ids drawn for it.
pub(super) fn body(service: &str, spans: &[(Span, [u8; 32])]) -> Vec<u8> {
    let spans: Vec<Value> = spans.iter().map(|(span, ids)| span.to_json(ids)).collect();
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", service),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ] },
        "scopeSpans": [{ "scope": { "name": "loop.decisions" }, "spans": spans }],
    }] });
    // A `Value` always writes.
    serde_json::to_vec(&request).unwrap_or_default()
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::Simulate => "simulate",
        Outcome::RequireApproval => "require_approval",
        Outcome::Deny => "deny",
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn texts<'t>(key: &str, values: impl Iterator<Item = &'t str>) -> Value {
    let values: Vec<Value> = values.map(|value| json!({ "stringValue": value })).collect();
    json!({ "key": key, "value": { "arrayValue": { "values": values } } })
}

fn nanos(at: Time) -> String {
    format!("{}000", at.as_micros().max(0))
}
