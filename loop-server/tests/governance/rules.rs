//! What is done with rules before they decide: tried on the log, in shadow mode, turned on.

use serde_json::{Value, json};

use super::{intercept, rule};
use crate::support::{Answer, Fixture};

async fn post(fixture: &Fixture, path: &str, body: &Value) -> Answer {
    fixture.call("POST", path, &fixture.key, &body.to_string()).await
}

async fn status(fixture: &Fixture, tool: &str, arguments: &str) -> Value {
    intercept(fixture, &fixture.key, tool, arguments).await.json()["status"].clone()
}

#[tokio::test]
async fn a_rule_in_shadow_mode_changes_nothing_until_it_is_turned_on() {
    let fixture = Fixture::start().await;
    let body = json!({"rule_text": "Refunds over £50 need approval", "mode": "shadow"});
    let made = post(&fixture, "/api/approval-rules", &body).await.json();
    let path = format!("/api/approval-rules/{}", made["id"].as_str().expect("an id"));
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "ALLOWED");
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":10}"#).await, "ALLOWED");
    let audit = fixture.call("GET", "/api/audit?limit=2", &fixture.key, "").await.text();
    assert!(audit.contains("\"would\":\"PENDING\"") || audit.contains("\\\"would\\\""), "{audit}");
    let promoted = post(&fixture, &format!("{path}/promote"), &json!({})).await;
    assert_eq!(promoted.status, 200, "{}", promoted.text());
    let told = promoted.json();
    assert_eq!((&told["mode"], &told["revision"]), (&json!("enforce"), &json!(2)));
    let would = &told["would_have"];
    assert_eq!((&would["scanned"], &would["would_ask"], &would["changed"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(would["approvals"][0]["calls"], 1);
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "PENDING");
    let again = post(&fixture, &format!("{path}/promote"), &json!({})).await;
    assert_eq!(again.status, 409, "{}", again.text());
}

#[tokio::test]
async fn only_the_revision_that_was_looked_at_is_turned_on() {
    let fixture = Fixture::start().await;
    let body = json!({"rule_text": "Refunds over £50 need approval", "mode": "shadow"});
    let made = post(&fixture, "/api/approval-rules", &body).await.json();
    let path = format!("/api/approval-rules/{}", made["id"].as_str().expect("an id"));
    let patch = json!({"rule_text": "Refunds need approval", "revision": 1}).to_string();
    assert_eq!(fixture.call("PATCH", &path, &fixture.key, &patch).await.status, 200);
    assert_eq!(fixture.call("PATCH", &path, &fixture.key, &patch).await.status, 409, "it is at revision 2");
    let stale = post(&fixture, &format!("{path}/promote"), &json!({"revision": 1})).await;
    assert_eq!((stale.status, stale.text().contains("revision 2")), (409, true), "{}", stale.text());
    assert_eq!(status(&fixture, "create_refund", "{}").await, "ALLOWED", "it is still in shadow mode");
    assert_eq!(fixture.call("DELETE", &path, &fixture.key, "").await.status, 200);
    assert_eq!(post(&fixture, &format!("{path}/promote"), &json!({})).await.status, 404);
    let ended = json!({"rule_text": "Refunds need approval", "mode": "shadow", "expires_at": "2020-01-01T00:00:00Z"});
    let made = post(&fixture, "/api/approval-rules", &ended).await.json();
    let path = format!("/api/approval-rules/{}/promote", made["id"].as_str().expect("an id"));
    assert_eq!(post(&fixture, &path, &json!({})).await.status, 409);
}

#[tokio::test]
async fn a_condition_decides_as_it_stands() {
    let fixture = Fixture::start().await;
    let condition = json!({"all": [
        {"tool_like": "ledger_*"},
        {"argument": {"name": "account", "test": {"is": ["reserve"]}}},
    ]});
    let made = post(&fixture, "/api/approval-rules", &json!({"condition": condition, "action": "block"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["interpretation"]["condition"], condition);
    assert_eq!(made["unresolved"], json!([]));
    assert!(made["rule_text"].as_str().is_some_and(|text| text.starts_with("Block ")), "{made}");
    assert_eq!(status(&fixture, "ledger_post", r#"{"account":"reserve"}"#).await, "BLOCKED");
    assert_eq!(status(&fixture, "ledger_post", r#"{"account":"petty"}"#).await, "ALLOWED");
    for wrong in [
        json!({"action": "block"}),
        json!({"condition": {"agent": []}}),
        json!({"condition": {"deed": {"doez": []}}}),
        json!({"condition": {"time": [{"days": [9]}]}}),
    ] {
        let refused = post(&fixture, "/api/approval-rules", &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
    }
}

#[tokio::test]
async fn a_member_that_no_rule_has_is_refused_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let shadow = json!({"rule_text": "Refunds need approval", "mode": "shadow"});
    let made = post(&fixture, "/api/approval-rules", &shadow).await.json();
    let path = format!("/api/approval-rules/{}", made["id"].as_str().expect("an id"));
    for (way, path, body) in [
        ("POST", "/api/approval-rules".to_owned(), json!({"rule_text": "Block refunds", "acton": "block"})),
        ("POST", "/api/approval-rules/preview".to_owned(), json!({"rule_text": "Block refunds", "conditon": {}})),
        ("POST", format!("{path}/promote"), json!({"revison": 7})),
        ("PATCH", path.clone(), json!({"mode": "enforce", "expires": null})),
    ] {
        let refused = fixture.call(way, &path, &fixture.key, &body.to_string()).await;
        assert_eq!(refused.status, 400, "{way} {path}: {}", refused.text());
    }
    let rules = fixture.call("GET", "/api/approval-rules", &fixture.key, "").await.json();
    assert_eq!((rules.as_array().map(Vec::len), &rules[0]["mode"]), (Some(1), &json!("shadow")), "{rules}");
    // What was read can be sent back.
    let mut whole = fixture.call("GET", &path, &fixture.key, "").await.json();
    whole["mode"] = json!("enforce");
    let changed = fixture.call("PATCH", &path, &fixture.key, &whole.to_string()).await;
    assert_eq!((changed.status, changed.json()["mode"].clone()), (200, json!("enforce")), "{}", changed.text());
}

#[tokio::test]
async fn a_rule_whose_sentence_does_not_decide_or_that_is_over_says_so() {
    let fixture = Fixture::start().await;
    let given = json!({"condition": {"tool_like": "ledger_*"}, "action": "block"});
    let made = post(&fixture, "/api/approval-rules", &given).await.json();
    assert_eq!(made["interpretation"]["warnings"], json!([]), "{made}");
    let path = format!("/api/approval-rules/{}", made["id"].as_str().expect("an id"));
    let patch = json!({"rule_text": "Block refunds"}).to_string();
    let changed = fixture.call("PATCH", &path, &fixture.key, &patch).await.json();
    let warning = "its condition decides, and its sentence says something else";
    assert_eq!(changed["interpretation"]["warnings"], json!([warning]), "{changed}");
    let ended = json!({"rule_text": "Refunds need approval", "expires_at": "2020-01-01T00:00:00Z"});
    let ended = post(&fixture, "/api/approval-rules", &ended).await.json();
    let warning = ended["interpretation"]["warnings"][0].as_str().expect("a warning");
    assert!(warning.starts_with("it stops nothing: it ended at 2020-01-01"), "{warning}");
}

#[tokio::test]
async fn the_summary_of_a_rule_is_a_rule_that_says_the_same() {
    let fixture = Fixture::start().await;
    let text = "Block payments over £5,000 to anyone outside acme.org, unless the payments-bot makes them";
    let first = rule(&fixture, &fixture.key, text, "block").await;
    let told = first["interpretation"]["summary"].as_str().expect("a summary");
    assert!(told.starts_with("Block a call that pays"), "{told}");
    let second = rule(&fixture, &fixture.key, told, "block").await;
    assert_eq!(second["interpretation"]["condition"], first["interpretation"]["condition"], "{told}");
    assert_eq!((&second["unresolved"], &second["interpretation"]["summary"]), (&json!([]), &json!(told)));
    assert_eq!(second["interpretation"]["overlaps"][0]["stands"], "same");
}

#[tokio::test]
async fn a_preview_says_how_far_it_came_and_what_people_would_be_asked() {
    let fixture = Fixture::start().await;
    for amount in 0..25 {
        intercept(&fixture, &fixture.key, "create_refund", &format!(r#"{{"amount":{amount}}}"#)).await;
    }
    let path = "/api/approval-rules/preview";
    let body =
        json!({"rule_text": "Refunds over £20 need approval", "approver_email": "fay@acme.org", "progress": true});
    let lines = post(&fixture, path, &body).await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let last: Value = serde_json::from_str(lines.text().lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["scanned"], &last["would_ask"], &last["truncated"]), (&json!(25), &json!(4), &json!(false)));
    assert_eq!(last["approvals"][0]["approver_email"], "fay@acme.org");
    let whole = post(&fixture, path, &json!({"rule_text": "Refunds over £20 need approval"})).await.json();
    assert_eq!(whole["samples"], last["samples"]);
    let all = post(&fixture, path, &json!({"rule_text": "Refunds need approval"})).await.json();
    assert_eq!(all["interpretation"]["warnings"], json!(["it would have stopped 25 of the 25 calls in the log"]));
    let none = post(&fixture, path, &json!({"rule_text": "Block emails to anyone outside acme.org"})).await.json();
    assert_eq!(none["interpretation"]["warnings"], json!(["it would have stopped none of the 25 calls in the log"]));
    let few = post(&fixture, path, &json!({"rule_text": "Refunds need approval", "calls": 5})).await.json();
    assert_eq!((&few["scanned"], &few["truncated"]), (&json!(5), &json!(true)));
    assert_eq!(post(&fixture, path, &json!({"rule_text": " ", "progress": true})).await.status, 400);
}

#[tokio::test]
async fn a_new_rule_is_told_how_it_stands_to_the_others() {
    let fixture = Fixture::start().await;
    for tool in ["create_refund", "send_email", "read_file"] {
        intercept(&fixture, &fixture.key, tool, "{}").await;
    }
    let first = rule(&fixture, &fixture.key, "Block refunds over £50", "block").await;
    assert_eq!(first["interpretation"]["overlaps"], json!([]));
    assert_eq!(first["interpretation"]["not_covered"], json!(["read_file", "send_email"]));
    let second = rule(&fixture, &fixture.key, "Refunds over £500 need approval", "approve").await;
    let overlap = &second["interpretation"]["overlaps"][0];
    assert_eq!((&overlap["rule_id"], &overlap["stands"]), (&first["id"], &json!("contradicted")), "{second}");
}
