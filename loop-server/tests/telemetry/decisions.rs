//! Decisions that are told to an OpenTelemetry collector, which the test plays.

use loop_core::base::secret::Secret;
use loop_server::{surface, tracing_out::Settings};
use serde_json::{Value, json};

use crate::{
    gateway::fake::{Asked, Fake},
    support::Fixture,
};

async fn before(fake: &Fake) -> Fixture {
    let url = format!("{}/v1/traces", fake.url());
    let headers = Some(Secret::new("authorization=Bearer%20collector-key"));
    Fixture::with(|config| config.traces = Some(Settings { url, headers, service: "gate".to_owned() }), surface::rows())
        .await
}

async fn intercept(fixture: &Fixture, body: Value) -> Value {
    let answer = fixture.call("POST", "/api/intercept", &fixture.key, &body.to_string()).await;
    answer.json()
}

/// The attributes of each span of a request, as one object each.
fn spans(asked: &Asked) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
    let spans = body.pointer("/resourceSpans/0/scopeSpans/0/spans").and_then(Value::as_array).expect("spans");
    let attributes = |span: &Value| {
        let pairs = span["attributes"].as_array().expect("attributes").iter();
        let mut all: serde_json::Map<String, Value> = pairs
            .map(|pair| {
                let value = &pair["value"];
                let text = value.get("stringValue").or_else(|| value.pointer("/arrayValue/values")).expect("a value");
                (pair["key"].as_str().expect("a key").to_owned(), text.clone())
            })
            .collect();
        all.insert("name".to_owned(), span["name"].clone());
        Value::Object(all)
    };
    spans.iter().map(attributes).collect()
}

#[tokio::test]
async fn every_decision_becomes_a_span_without_its_arguments() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let rule = json!({ "rule_text": "block refunds over $100" }).to_string();
    assert_eq!(fixture.call("POST", "/api/approval-rules", &fixture.key, &rule).await.status, 201);
    let call = |amount: u32| {
        json!({
            "tool_name": "issue_refund", "agent_name": "bot jane@example.com", "session_id": "s-1",
            "arguments": { "amount": amount, "note": "Pineapple" },
        })
    };
    let refused = intercept(&fixture, call(500)).await;
    let asked = fake.asked().await;
    assert_eq!(asked.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(asked.header("authorization"), Some("Bearer collector-key"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let told = spans(&asked);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["name"], "decide issue_refund");
    assert_eq!(told[0]["gen_ai.tool.name"], "issue_refund");
    assert_eq!(told[0]["session.id"], "s-1");
    assert_eq!(told[0]["loop.decision.status"], refused["status"]);
    assert_eq!(told[0]["loop.decision.outcome"], "require_approval");
    assert_eq!(told[0]["loop.rule.ids"].as_array().map(Vec::len), Some(1));
    let text = String::from_utf8_lossy(&asked.body).into_owned();
    assert!(!text.contains("jane@") && !text.contains("Pineapple") && !text.contains("amount"), "{text}");
    asked.json("{}").await;
}

#[tokio::test]
async fn a_collector_that_is_ill_is_asked_again_with_the_same_spans_and_decisions_do_not_wait() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let call = json!({ "tool_name": "read_page", "arguments": {} });
    assert_eq!(intercept(&fixture, call.clone()).await["status"], "ALLOWED");
    let first = fake.asked().await;
    assert_eq!(intercept(&fixture, call).await["status"], "ALLOWED", "while the collector is silent");
    let body = first.body.clone();
    first.answer(503, &[("retry-after", "0")], "{}").await;
    let second = fake.asked().await;
    assert_eq!(second.body, body, "the ids are the same, so that it is kept once");
    second.json("{}").await;
    let third = fake.asked().await;
    assert_eq!(spans(&third).len(), 1);
    third.answer(400, &[], "{}").await;
    intercept(&fixture, json!({ "tool_name": "list_pages", "arguments": {} })).await;
    let fourth = fake.asked().await;
    assert_eq!(spans(&fourth)[0]["name"], "decide list_pages", "what is refused for good is not sent again");
    fourth.json("{}").await;
}

#[tokio::test]
async fn a_stopping_server_sends_what_is_left() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    intercept(&fixture, json!({ "tool_name": "read_page", "arguments": {} })).await;
    let (_, asked) = tokio::join!(fixture.server.shutdown(), async {
        let asked = fake.asked().await;
        let told = spans(&asked);
        asked.json("{}").await;
        told
    });
    assert_eq!(asked.len(), 1);
}
