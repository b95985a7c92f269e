//! The exact words of every governance answer. Clients of three generations read them; a change here is a change to
//! the contract.

use serde_json::{Value, json};

use super::{TRANSFERS, ask, decide, intercept, rule};
use crate::support::{Answer, Fixture};

/// What differs from run to run is replaced by what it is.
fn settled(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                // How a sentence is explained and what is read of a call are the policy room's to test.
                "summary" | "example_match" | "example_miss" | "facts" => (name.clone(), json!(format!("[{name}]"))),
                "condition" if value.is_string() => (name, json!("[condition]")),
                _ => (name, settled(value)),
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(settled).collect(),
        Value::String(text) => Value::String(named(text)),
        other => other,
    }
}

fn named(text: String) -> String {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let dashed = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match text.len() {
        64 if hex => "[hash]".to_owned(),
        36 if dashed => "[id]".to_owned(),
        20..=40 if loop_core::base::Time::parse(&text).is_some() => "[time]".to_owned(),
        _ => text,
    }
}

/// Status, the headers that clients read, and the body.
fn shape(answer: &Answer) -> Value {
    let mut body = settled(answer.json());
    if let Some(id) = body.get_mut("request_id") {
        *id = json!("[id]");
    }
    let mut shape = json!({ "status": answer.status, "body": body });
    for name in ["x-total-count", "retry-after"] {
        if let Some(value) = answer.header(name) {
            shape[name] = json!(value);
        }
    }
    shape
}

#[tokio::test]
async fn decisions() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, TRANSFERS, "approve").await;
    rule(&fixture, key, "Block all file deletions", "block").await;
    assert_eq!(fixture.call("POST", "/api/blocked-tools", key, r#"{"tool_name":"x"}"#).await.status, 201);
    let mut shapes = json!({
        "allowed": shape(&intercept(&fixture, key, "read_file", r#"{"path":"a"}"#).await),
        "blocked by a rule": shape(&intercept(&fixture, key, "delete_file", r#"{"path":"a"}"#).await),
        "blocked tool": shape(&intercept(&fixture, key, "x", "{}").await),
        "pending": shape(&intercept(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await),
    });
    let id = ask(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await;
    assert_eq!(decide(&fixture, key, &id, "approved").await.status, 200);
    shapes["approved"] = shape(&intercept(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await);
    let id = ask(&fixture, key, "wire_transfer", r#"{"amount":6000}"#).await;
    assert_eq!(decide(&fixture, key, &id, "denied").await.status, 200);
    shapes["denied"] = shape(&intercept(&fixture, key, "wire_transfer", r#"{"amount":6000}"#).await);
    insta::assert_json_snapshot!("intercept", shapes);
}

#[tokio::test]
async fn decisions_in_the_words_of_the_third_generation() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, TRANSFERS, "approve").await;
    assert_eq!(fixture.call("POST", "/api/blocked-tools", key, r#"{"tool_name":"x"}"#).await.status, 201);
    let enforce = async |body: &str| fixture.call("POST", "/enforce", key, body).await;
    let transfer = r#"{"tool":"wire_transfer","arguments":{"amount":5000},"classification":"financial"}"#;
    let pending = enforce(transfer).await;
    let id = pending.json()["approvalId"].as_str().expect("an id").to_owned();
    let status = format!("/enforce/status/{id}");
    let poll = async || shape(&fixture.call("GET", &status, key, "").await);
    let mut shapes = json!({
        "allow": shape(&enforce(r#"{"tool":"read_file","system":"External"}"#).await),
        "deny": shape(&enforce(r#"{"tool":"x"}"#).await),
        "pending": shape(&pending),
        "status: pending": poll().await,
    });
    assert_eq!(decide(&fixture, key, &id, "approved").await.status, 200);
    shapes["status: allow"] = poll().await;
    let id = enforce(transfer).await.json()["approvalId"].as_str().expect("an id").to_owned();
    assert_eq!(decide(&fixture, key, &id, "denied").await.status, 200);
    shapes["status: deny"] = shape(&fixture.call("GET", &format!("/enforce/status/{id}"), key, "").await);
    insta::assert_json_snapshot!("enforce", shapes);
}

#[tokio::test]
async fn what_people_manage() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    let call = async |method: &str, path: &str, body: &str| shape(&fixture.call(method, path, key, body).await);
    let made = rule(&fixture, key, TRANSFERS, "approve").await;
    let rule = format!("/api/approval-rules/{}", made["id"].as_str().expect("an id"));
    let mut shapes = json!({
        "rule made": settled(made),
        "rules": call("GET", "/api/approval-rules", "").await,
        "rule changed": call("PATCH", &rule, r#"{"mode":"shadow","approver_email":"ops@example.com"}"#).await,
        "rule deleted": call("DELETE", &rule, "").await,
        "tool blocked": call("POST", "/api/blocked-tools", r#"{"tool_name":"x","reason":"why"}"#).await,
        "blocked tools": call("GET", "/api/blocked-tools", "").await,
        "tool unblocked": call("DELETE", "/api/blocked-tools/x", "").await,
        "settings": call("GET", "/api/settings", "").await,
        "retention": call("GET", "/api/retention", "").await,
        "notifications": call("GET", "/api/notification-settings", "").await,
    });
    super::rule(&fixture, key, TRANSFERS, "approve").await;
    let id = ask(&fixture, key, "wire_transfer", r#"{"amount":5000,"to":"jane@example.com"}"#).await;
    shapes["pending approvals"] = call("GET", "/api/pending-approvals", "").await;
    shapes["decided"] = shape(&decide(&fixture, key, &id, "approved").await);
    shapes["history"] = call("GET", "/api/approvals/history", "").await;
    insta::assert_json_snapshot!("management", shapes);
}

#[tokio::test]
async fn what_the_log_tells() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    let call = async |method: &str, path: &str| shape(&fixture.call(method, path, key, "").await);
    intercept(&fixture, key, "read_file", r#"{"to":"jane@example.com","password":"hunter22"}"#).await;
    let mut shapes = json!({
        "logs": call("GET", "/api/logs").await,
        "stats": call("GET", "/api/stats").await,
        "changes": call("GET", "/api/audit").await,
        "verify": call("GET", "/api/audit/verify").await,
        "erased": call("DELETE", "/api/data?subject=jane@example.com").await,
        "logs after": call("GET", "/api/logs").await,
    });
    shapes["verify after"] = call("GET", "/api/audit/verify").await;
    shapes["export"] = settled(fixture.call("GET", "/api/dsar/export", key, "").await.json());
    insta::assert_json_snapshot!("log", shapes);
}

#[tokio::test]
async fn refusals() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, TRANSFERS, "approve").await;
    let id = ask(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await;
    assert_eq!(decide(&fixture, key, &id, "approved").await.status, 200);
    let post = async |path: &str, body: &str| shape(&fixture.call("POST", path, key, body).await);
    let long = format!(r#"{{"tool_name":"{}"}}"#, "x".repeat(257));
    let shapes = json!({
        "no key": shape(&fixture.send("POST", "/api/intercept", &[], b"{}").await),
        "no scope": shape(
            &fixture
                .call("GET", "/api/logs", &fixture.key_without(loop_core::access::Scope::LogsRead).await, "")
                .await,
        ),
        "no tool": post("/api/intercept", "{}").await,
        "no object": post("/api/intercept", r#"{"tool_name":"x","arguments":[]}"#).await,
        "no JSON": post("/api/intercept", "{").await,
        "said twice": post("/api/intercept", r#"{"tool_name":"x","arguments":{"a":1,"a":2}}"#).await,
        "too long a name": post("/api/intercept", &long).await,
        "no such class": post("/enforce", r#"{"tool":"x","classification":"harmless"}"#).await,
        "no such action": post("/api/approval-rules", r#"{"rule_text":"x","action":"allow"}"#).await,
        "decided before": shape(&decide(&fixture, key, &id, "denied").await),
        "no such approval": shape(&decide(&fixture, key, "00000000-0000-7000-8000-000000000000", "denied").await),
        "no such status": shape(&fixture.call("GET", "/api/logs?status=MAYBE", key, "").await),
        "nothing to erase": shape(&fixture.call("DELETE", "/api/data", key, "").await),
        "dead link": shape(&fixture.send("GET", "/api/approve/x", &[], b"").await),
    });
    insta::assert_json_snapshot!("refusals", shapes);
}
