//! The judging model, which a test plays on a real socket: it may refuse what a human would be asked about, and never
//! lets anything through.

mod bounds;
mod doors;
mod said;

use std::time::Duration;

use loop_core::base::secret::Secret;
use loop_server::{judge::Settings, surface};
use serde_json::{Value, json};

use crate::{
    gateway::fake::{Asked, Fake},
    support::Fixture,
};

/// What the model is shown.
const KEY: &str = "sk-judge-0123456789";
/// Guards every refund and only asks, because nobody knows what its adjective means.
const SKETCHY: &str = "block sketchy refunds";

/// A server whose judging model is `fake`.
async fn before(fake: &Fake) -> Fixture {
    before_with(fake, |_| {}).await
}

/// The same under other bounds. Unless told otherwise a decision has all the time in the world.
async fn before_with(fake: &Fake, change: impl FnOnce(&mut Settings)) -> Fixture {
    let mut settings = Settings::new(format!("{}/v1", fake.url()), "judge-1");
    settings.key = Some(Secret::new(KEY));
    settings.patience = Duration::from_secs(60);
    change(&mut settings);
    let fixture = Fixture::with(|config| config.judge = Some(settings), surface::rows()).await;
    rule(&fixture, SKETCHY, "block").await;
    fixture
}

async fn rule(fixture: &Fixture, text: &str, action: &str) {
    let body = json!({ "rule_text": text, "action": action }).to_string();
    let answer = fixture.call("POST", "/api/approval-rules", &fixture.key, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Proposes a call.
async fn intercept(fixture: &Fixture, tool: &str, arguments: Value) -> Value {
    let body = json!({ "tool_name": tool, "arguments": arguments, "agent_name": "bot" }).to_string();
    let answer = fixture.call("POST", "/api/intercept", &fixture.key, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Proposes a refund of so much.
async fn refund(fixture: &Fixture, amount: u32) -> Value {
    intercept(fixture, "create_refund", json!({ "amount": amount })).await
}

/// A chat completion that says this.
fn completion(content: &str) -> String {
    let message = json!({ "role": "assistant", "content": content, "refusal": null });
    json!({ "id": "c", "object": "chat.completion", "model": "judge-1-0426",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": message }] })
    .to_string()
}

/// A chat completion of a sound answer.
fn finds(finding: &str) -> String {
    completion(&json!({ "finding": finding, "reason": "as the case reads" }).to_string())
}

/// Proposes a refund while the model answers as told.
async fn refund_while(fixture: &Fixture, fake: &mut Fake, amount: u32, answers: impl AsyncFnOnce(Asked)) -> Value {
    let (answer, ()) = tokio::join!(refund(fixture, amount), async { answers(fake.asked().await).await });
    answer
}

/// What the latest decision's log entry tells of the model.
async fn judged(fixture: &Fixture) -> Value {
    let page = fixture.call("GET", "/api/logs?limit=1", &fixture.key, "").await.json();
    let row = page.pointer("/logs/0").or_else(|| page.pointer("/0")).expect("a row");
    row.get("judged").cloned().unwrap_or_default()
}

/// A human is asked, and nothing else happened.
fn assert_asked(answer: &Value, why: &str) {
    assert_eq!((&answer["status"], &answer["allowed"]), (&json!("PENDING"), &json!(false)), "{why}: {answer}");
    assert_eq!(answer["reasons"][0]["code"], "RULE_ASK", "{why}: {answer}");
}
