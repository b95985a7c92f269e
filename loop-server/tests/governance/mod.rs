//! The governance surface on real files: a file per promise.

mod approvals;
mod audit_verify;
mod explained;
mod faults;
mod kill_switch;
mod links;
mod logs;
mod privacy;
mod rules;
mod tenants;
mod wire;

use serde_json::{Value, json};

use crate::support::{Answer, Fixture};

/// Asks about transfers over 1,000.
const TRANSFERS: &str = "Any wire transfer over £1,000 needs approval";

/// Makes a rule.
async fn rule(fixture: &Fixture, key: &str, text: &str, action: &str) -> Value {
    let body = json!({ "rule_text": text, "action": action }).to_string();
    let answer = fixture.call("POST", "/api/approval-rules", key, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Proposes a call with these arguments, as JSON text.
async fn intercept(fixture: &Fixture, key: &str, tool: &str, arguments: &str) -> Answer {
    let body = format!(r#"{{"tool_name":"{tool}","arguments":{arguments},"agent_name":"bot"}}"#);
    fixture.call("POST", "/api/intercept", key, &body).await
}

/// Proposes a transfer and answers `status`.
async fn transfer(fixture: &Fixture, arguments: &str) -> String {
    let answer = intercept(fixture, &fixture.key, "wire_transfer", arguments).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["status"].as_str().expect("a status").to_owned()
}

/// Proposes a call that must ask and answers the approval's id.
async fn ask(fixture: &Fixture, key: &str, tool: &str, arguments: &str) -> String {
    let answer = intercept(fixture, key, tool, arguments).await.json();
    assert_eq!(answer["status"], "PENDING", "{answer}");
    answer["approval_id"].as_str().expect("an id").to_owned()
}

/// Decides an approval.
async fn decide(fixture: &Fixture, key: &str, id: &str, action: &str) -> Answer {
    let body = json!({ "action": action }).to_string();
    fixture.call("POST", &format!("/api/pending-approvals/{id}/decide"), key, &body).await
}

/// What an erasure answers that found no more than these.
fn erased_of(log_entries: u64, approvals: u64) -> Value {
    json!({
        "log_entries": log_entries, "approvals": approvals, "proofs": 0, "messages": 0, "tasks": 0, "invocations": 0,
    })
}
