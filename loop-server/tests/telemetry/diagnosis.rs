//! What goes wrong is found, worked on, and seen to be mended: over HTTP, with the routes that agents use.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Fixture};

async fn ask(fixture: &Fixture, method: &str, path: &str, body: &str) -> Answer {
    fixture.call(method, path, &fixture.key, body).await
}

/// The answer to a request that must succeed.
async fn whole(fixture: &Fixture, method: &str, path: &str, body: &str) -> Value {
    let answer = ask(fixture, method, path, body).await;
    assert!(answer.status < 300, "{method} {path} {body} answered {}: {}", answer.status, answer.text());
    answer.json()
}

/// Sends a call of the tool `pay` that ended so many seconds from now.
async fn ran(fixture: &Fixture, trace: u8, seconds: i64, failed: bool) {
    let end = (fixture.server.app.engine.now().as_micros() + seconds * 1_000_000) * 1_000;
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let mut attributes = vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "pay"),
        text("session.id", &format!("s{trace}")),
    ];
    if failed {
        attributes.push(text("error.type", "TimeoutError"));
    }
    let span = json!({
        "traceId": format!("{trace:02x}").repeat(16), "spanId": "0a".repeat(8), "name": "execute_tool pay",
        "startTimeUnixNano": (end - 1_000_000_000).to_string(), "endTimeUnixNano": end.to_string(),
        "status": { "code": if failed { 2 } else { 1 } }, "attributes": attributes,
    });
    let body = json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": [span] }] }] }).to_string();
    assert_eq!(ask(fixture, "POST", "/v1/traces", &body).await.status, 202);
}

async fn diagnose(fixture: &Fixture, body: Value) -> Value {
    let mut answer = whole(fixture, "POST", "/v1/runs/diagnose", &body.to_string()).await;
    assert_eq!(answer["ok"], true);
    answer["packet"].take()
}

#[tokio::test]
async fn the_loop_closes() {
    let fixture = Fixture::start().await;
    for trace in 1..=3 {
        ran(&fixture, trace, -7_200, true).await;
    }
    let wide = json!({ "since_minutes": 180, "create_signals": true });
    let packet = diagnose(&fixture, wide.clone()).await;
    let problem = &packet["issues"][0];
    assert_eq!((&packet["status"], &packet["signals_created"]), (&"ready_for_issue_diagnosis".into(), &1.into()));
    assert_eq!(
        (&problem["count"], &problem["status"], &problem["severity"]),
        (&3.into(), &"new".into(), &"critical".into())
    );
    let evidence = problem["evidence_ids"][0].as_str().expect("evidence");
    let record = whole(&fixture, "GET", &format!("/v1/telemetry?evidence_id={evidence}"), "").await;
    assert_eq!(record["records"][0]["tool"], "pay");

    // It is in triage, and says what to open first.
    let id = problem["issue_id"].as_str().expect("an issue").to_owned();
    let issue = whole(&fixture, "GET", &format!("/api/issues/{id}"), "").await["data"].take();
    assert_eq!((&issue["status"], &issue["signalSource"]), (&"triage".into(), &"telemetry".into()));
    assert_eq!(issue["signalPayload"]["cluster_id"], problem["cluster_id"]);
    assert!(issue["signalPayload"]["next_action"].as_str().is_some_and(|action| action.contains(evidence)), "{issue}");

    // It is accepted, handed out with a prompt, and done.
    let template =
        json!({ "slug": "mend", "name": "mend", "conditions": { "signalSource": "telemetry" }, "specificity": 90 });
    let template = whole(&fixture, "POST", "/api/templates", &template.to_string()).await;
    let versions = format!("/api/templates/{}/versions", template["data"]["id"].as_str().expect("an id"));
    let version = json!({ "content": "Mend {{issue.title}}", "authorType": "human", "authorName": "Ada" });
    whole(&fixture, "POST", &versions, &version.to_string()).await;
    whole(&fixture, "PATCH", &format!("/api/issues/{id}"), r#"{"status":"todo"}"#).await;
    let next = whole(&fixture, "POST", "/api/dispatch/next", r#"{"leaseSeconds":60}"#).await["data"].take();
    assert_eq!(next["issue"]["id"], id.as_str());
    assert!(next["prompt"].as_str().is_some_and(|prompt| prompt.contains("on pay: TimeoutError")), "{next}");
    let done = json!({ "token": next["claim"]["token"], "agentSummary": "waits longer" }).to_string();
    let done = whole(&fixture, "POST", &format!("/api/dispatch/{id}/complete"), &done).await;
    assert_eq!(done["data"]["status"], "done");
    assert_eq!(diagnose(&fixture, wide.clone()).await["issues"][0]["status"], "in_progress");

    // It runs well: verified, and told so by the dashboard and the report too.
    ran(&fixture, 10, 1, false).await;
    let packet = diagnose(&fixture, json!({})).await;
    assert_eq!((&packet["status"], &packet["approval_required"]), (&"observe_more".into(), &false.into()));
    assert_eq!(
        (&packet["verified"][0]["issue_id"], &packet["verified"][0]["status"]),
        (&id.as_str().into(), &"verified".into())
    );
    let board = whole(&fixture, "GET", "/v1/dashboard", "").await;
    assert_eq!((&board["verified"][0]["issue_id"], &board["totals"]["tool_calls"]), (&id.as_str().into(), &1.into()));
    let report = ask(&fixture, "GET", "/v1/reports/latest.md", "").await;
    assert_eq!(report.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(report.text().contains("## Verified"), "{}", report.text());

    // It fails again: a regression, with one more issue, once.
    ran(&fixture, 11, 2, true).await;
    let packet = diagnose(&fixture, json!({ "create_signals": true })).await;
    assert_eq!((&packet["issues"][0]["status"], &packet["signals_created"]), (&"regression".into(), &1.into()));
    assert_ne!(packet["issues"][0]["issue_id"], id.as_str());
    let packet = diagnose(&fixture, json!({ "create_signals": true })).await;
    assert_eq!((&packet["issues"][0]["status"], &packet["signals_created"]), (&"regression".into(), &0.into()));
    let report = ask(&fixture, "GET", "/v1/reports/latest.md", "").await.text();
    assert!(report.contains("## 1. tool_call_failed on `pay`: `TimeoutError`\n\n- Count: 1\n"), "{report}");
}

#[tokio::test]
async fn diagnoses_at_the_same_time_make_one_signal() {
    let fixture = Arc::new(Fixture::start().await);
    ran(&fixture, 1, -10, true).await;
    let mut many = JoinSet::new();
    for _ in 0..8 {
        let fixture = Arc::clone(&fixture);
        many.spawn(async move { diagnose(&fixture, json!({ "create_signals": true })).await });
    }
    let mut made = 0;
    while let Some(packet) = many.join_next().await {
        made += packet.expect("answered")["signals_created"].as_u64().expect("a number");
    }
    assert_eq!(made, 1);
    assert_eq!(whole(&fixture, "GET", "/api/issues", "").await["total"], 1);
}

#[tokio::test]
async fn what_is_no_window_is_refused_and_what_is_left_out_has_a_default() {
    let fixture = Fixture::start().await;
    for body in [
        r#"{"since_minutes":0}"#,
        r#"{"since_minutes":-1}"#,
        r#"{"since_minutes":43201}"#,
        r#"{"since_minutes":"60"}"#,
        r#"{"since_minutes":1.5}"#,
        r#"{"since_minutes":true}"#,
        r#"{"since_minutes":null}"#,
        r#"{"since_minutes":100000000000000000000}"#,
        r#"{"since_minutes":[60]}"#,
        r#"{"since_minutes":NaN}"#,
        r#"{"create_signals":"yes"}"#,
        "{nope",
        "[]",
        "60",
    ] {
        assert_eq!(ask(&fixture, "POST", "/v1/runs/diagnose", body).await.status, 400, "{body}");
    }
    for (body, minutes) in [("", 60), ("{}", 60), (r#"{"since_minutes":1}"#, 1), (r#"{"since_minutes":43200}"#, 43_200)]
    {
        let packet = whole(&fixture, "POST", "/v1/runs/diagnose", body).await["packet"].take();
        assert_eq!((&packet["since_minutes"], &packet["project_id"]), (&minutes.into(), &"default".into()), "{body}");
        // The members that the vendor's document requires.
        for name in ["packet_id", "tenant_id", "status", "issues", "approval_required", "created_at"] {
            assert!(!packet[name].is_null(), "{name}");
        }
    }
    for path in ["/v1/dashboard", "/v1/reports/latest.md"] {
        assert_eq!(ask(&fixture, "GET", &format!("{path}?since_minutes=0"), "").await.status, 400, "{path}");
    }
}
