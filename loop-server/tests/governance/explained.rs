//! Why a rule stopped a call is told wherever people look, and stands in the log that proves it.

use serde_json::{Value, json};

use super::{TRANSFERS, ask, erased_of, intercept, rule};
use crate::support::Fixture;

/// Where a ground looked, what it saw, and whether it held.
fn seen(ground: &Value) -> (Value, Value, Value) {
    (ground["argument"].clone(), ground["value"].clone(), ground["held"].clone())
}

fn reasons(answer: &Value) -> Vec<(Value, Value, Value)> {
    answer["reasons"][0]["grounds"].as_array().expect("grounds").iter().map(seen).collect()
}

async fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.call("GET", path, &fixture.key, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn the_answer_the_log_and_the_approval_say_why_a_call_was_stopped() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, TRANSFERS, "approve").await;
    let wanted = [
        (json!("tool_name"), json!("transfer"), json!("yes")),
        (json!("$.payment.amount"), json!("5000 GBP"), json!("yes")),
    ];
    let arguments = r#"{"payment":{"amount":5000,"currency":"GBP"},"to":"jane@example.com"}"#;
    let answer = intercept(&fixture, key, "wire_transfer", arguments).await.json();
    assert_eq!(reasons(&answer), wanted, "{answer}");
    assert!(answer["reasons"][0]["grounds"][1].get("why").is_none());
    let pending = get(&fixture, "/api/pending-approvals").await;
    let grounds = pending[0]["rules"][0]["grounds"].as_array().expect("grounds");
    assert_eq!(grounds.iter().map(seen).collect::<Vec<_>>(), wanted, "{pending}");
    let logs = get(&fixture, "/api/logs").await;
    assert_eq!(reasons(&logs[0]), wanted, "{logs}");
    // What is proved by the chain is what was told.
    let entries = get(&fixture, "/api/audit?limit=10").await;
    let entry = entries.as_array().expect("a list").iter().find(|entry| entry["op"] == "decision").expect("an entry");
    assert!(entry.to_string().contains("$.payment.amount"), "{entry}");
    assert_eq!(get(&fixture, "/api/audit/verify").await["valid"], true);
}

#[tokio::test]
async fn an_unclear_part_says_what_is_missing_and_an_allowed_call_says_nothing() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, TRANSFERS, "approve").await;
    let answer = intercept(&fixture, key, "wire_transfer", "{}").await.json();
    let unclear = &answer["reasons"][0]["grounds"][1];
    assert_eq!((&unclear["held"], &unclear["why"]), (&json!("unclear"), &json!("no amount in the call")), "{answer}");
    let answer = intercept(&fixture, key, "wire_transfer", r#"{"amount":900,"currency":"EUR"}"#).await.json();
    let unclear = &answer["reasons"][0]["grounds"][1];
    assert_eq!(unclear["value"], "900 EUR", "{answer}");
    let answer = intercept(&fixture, key, "wire_transfer", r#"{"amount":900}"#).await.json();
    assert_eq!((&answer["status"], &answer["reasons"]), (&json!("ALLOWED"), &json!([])), "{answer}");
}

#[tokio::test]
async fn a_rule_in_the_shadow_says_why_it_would_have_stopped_a_call() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    let body = json!({ "rule_text": TRANSFERS, "mode": "shadow" }).to_string();
    assert_eq!(fixture.call("POST", "/api/approval-rules", key, &body).await.status, 201);
    let answer = intercept(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await.json();
    assert_eq!((&answer["status"], &answer["reasons"]), (&json!("ALLOWED"), &json!([])), "{answer}");
    let logs = get(&fixture, "/api/logs").await;
    let grounds = logs[0]["shadow"][0]["grounds"].as_array().expect("grounds");
    assert_eq!(seen(&grounds[1]), (json!("$.amount"), json!("5000"), json!("yes")), "{logs}");
}

#[tokio::test]
async fn what_was_told_goes_with_the_person_it_tells_of() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    rule(&fixture, key, "Emails to anyone at example.com need approval", "approve").await;
    // A body that is forwarded is not stored, but for where a rule looked in it.
    let body = json!({
        "tool_name": "send_email", "arguments": {},
        "forward_to": {"url": "https://api.example.org/mail", "body": {"to": "jane@example.com", "text": "hello there"}},
    });
    let answer = fixture.call("POST", "/api/intercept", key, &body.to_string()).await.json();
    assert_eq!(answer["status"], "PENDING", "{answer}");
    let last = answer["reasons"][0]["grounds"].as_array().and_then(|grounds| grounds.last()).cloned().expect("one");
    let shown = (json!("forward_to.body.to"), json!("[email @example.com]"), json!("yes"));
    assert_eq!(seen(&last), shown, "{answer}");
    let erased = fixture.call("DELETE", "/api/data?subject=jane@example.com", key, "").await;
    assert_eq!(erased.json(), erased_of(1, 1), "{}", erased.text());
    let export = fixture.call("GET", "/api/dsar/export", key, "").await.text();
    assert!(!export.contains("forward_to.body"), "{export}");
    assert_eq!(get(&fixture, "/api/audit/verify").await["valid"], true);
}

#[tokio::test]
async fn the_page_of_a_link_says_why_it_asks() {
    let fixture = Fixture::start().await;
    rule(&fixture, &fixture.key, TRANSFERS, "approve").await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":"£5,000 <b>"}"#).await;
    let [approve, _] = super::links::mint(&fixture, &id, 60).await;
    let page = super::links::get(&fixture, &approve, Some(super::links::BROWSER)).await.text();
    assert!(page.contains("Why it asks") && page.contains("$.amount is"), "{page}");
    assert!(!page.contains("<b>"), "{page}");
    assert!(page.matches("Why it asks").count() > 1 && !page.contains("U+000A"), "each on its own: {page}");
}
