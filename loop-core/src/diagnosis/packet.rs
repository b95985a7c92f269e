//! What a diagnosis answers.

use std::fmt::Write as _;

use super::{
    Findings,
    cluster::{Cluster, EVIDENCE_MAX, word},
    settle::{Mended, SOURCE, Settled, Standing},
};
use crate::{
    base::{
        TenantId, Time,
        id::IssueId,
        json::{Object, write_string},
        secret::hex,
    },
    telemetry::record::record_id,
};

/// Why a person looks at a diagnosis before anything is changed.
pub const APPROVAL_REASON: &str =
    "a person reads the evidence and approves a change before an agent's prompt, tools or limits are changed";

/// Why nobody has to.
const NO_APPROVAL: &str = "nothing failed, so there is nothing to approve";

/// Of what a diagnosis is.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The project.
    pub project: &'a str,
    /// How far back the window reaches.
    pub since_minutes: u64,
    /// When it was made.
    pub now: Time,
}

/// Texts as they are, for what is shown as text.
pub(super) fn plain(text: &str) -> String {
    text.to_owned()
}

/// Writes the packet with the given sixteen bytes as its id.
#[must_use]
pub fn write(about: About<'_>, id: [u8; 16], findings: &Findings, settled: &Settled) -> String {
    let mut out = String::with_capacity(4_096);
    let mut packet = Object::open(&mut out);
    let any = findings.told().next().is_some();
    packet.text("packet_id", &format!("pkt_{}", hex(&id)));
    packet.text("tenant_id", about.tenant.as_str());
    packet.text("project_id", about.project);
    packet.text("source", SOURCE);
    packet.text("status", if any { "ready_for_issue_diagnosis" } else { "observe_more" });
    packet.json("since_minutes", &about.since_minutes.to_string());
    packet.json("telemetry_read", &findings.read().to_string());
    packet.json("failures", &findings.failures.to_string());
    packet.json("sessions", &findings.session_count().to_string());
    packet.json("truncated", if findings.truncated { "true" } else { "false" });
    packet.json("approval_required", if any { "true" } else { "false" });
    packet.text("approval_reason", if any { APPROVAL_REASON } else { NO_APPROVAL });
    packet.text("created_at", &about.now.to_string());
    issues(about, findings, settled, findings.clusters.len(), packet.name("issues"));
    let more = findings.clusters.len().saturating_sub(settled.standings.len());
    packet.json("issues_left_out", &more.to_string());
    verified(&settled.verified, packet.name("verified"));
    packet.json("signals_created", &settled.signals.to_string());
    packet.close();
    out
}

/// Writes the problems of a window, `most` at most, as an array.
pub(super) fn issues(about: About<'_>, findings: &Findings, settled: &Settled, most: usize, out: &mut String) {
    out.push('[');
    for (at, (cluster, standing)) in findings.told().zip(&settled.standings).take(most).enumerate() {
        if at > 0 {
            out.push(',');
        }
        issue(about, cluster, *standing, out);
    }
    out.push(']');
}

fn issue(about: About<'_>, cluster: &Cluster, standing: Standing, out: &mut String) {
    let evidence: Vec<String> =
        cluster.evidence.iter().map(|key| record_id(about.tenant, about.project, *key)).collect();
    let first = evidence.first().map_or("", String::as_str);
    let mut issue = Object::open(out);
    issue.text("cluster_id", &cluster.cause.id());
    issue.text("title", &cluster.cause.title(&plain));
    issue.text("status", standing.status.as_str());
    issue.text("severity", word(cluster.severity));
    issue.text("signal_type", cluster.cause.signal_type());
    issue.json("count", &cluster.count.to_string());
    issue.json("sessions", &cluster.sessions.to_string());
    list(evidence.iter().map(String::as_str), issue.name("evidence_ids"));
    let cut = cluster.count > EVIDENCE_MAX as u64;
    issue.json("evidence_truncated", if cut { "true" } else { "false" });
    list(cluster.traces.iter().map(|trace| hex(trace)), issue.name("traces"));
    issue.json("trace_count", &cluster.trace_count.to_string());
    issue.text("first_seen", &cluster.first.to_string());
    issue.text("last_seen", &cluster.last.to_string());
    issue.text("next_action", &cluster.next_action(first, &plain));
    id_or_null(standing.issue_id, issue.name("issue_id"));
    issue.close();
}

/// Writes the problems that are mended, as an array.
pub(super) fn verified(mended: &[Mended], out: &mut String) {
    out.push('[');
    for (at, Mended { state, at: when }) in mended.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let cause = state.cause();
        let mut object = Object::open(out);
        object.text("cluster_id", &state.cluster_id);
        object.text("title", &cause.title(&plain));
        object.text("status", state.status.as_str());
        object.text("signal_type", cause.signal_type());
        id_or_null(state.issue_id, object.name("issue_id"));
        object.text("last_seen", &state.last_seen.to_string());
        object.text("verified_at", &when.to_string());
        let _ = write!(object.name("regressions"), "{}", state.regressions);
        object.close();
    }
    out.push(']');
}

fn id_or_null(id: Option<IssueId>, out: &mut String) {
    match id {
        Some(id) => write_string(&id.to_string(), out),
        None => out.push_str("null"),
    }
}

fn list(texts: impl Iterator<Item = impl AsRef<str>>, out: &mut String) {
    out.push('[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(text.as_ref(), out);
    }
    out.push(']');
}
