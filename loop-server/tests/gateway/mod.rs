//! The proxy before language models: what it promises, with a model that a test plays on a real socket.

mod broken;
mod events;
pub mod fake;
mod framing;
mod keys;
mod killed;
mod listener;
mod models;
mod resume;
mod say;
mod undecided;
mod upstream;
mod whole;

use loop_server::{config::Config, surface};
use serde_json::{Value, json};

use self::fake::Fake;
use crate::support::{Answer, Fixture};

/// The key that the client sends for the provider.
const UPSTREAM_KEY: &str = "Bearer sk-upstream-0123456789";
/// The path of chat completions.
const CHAT: &str = "/v1/chat/completions";
/// A request.
const REQUEST: &str = r#"{"model":"m","messages":[{"role":"user","content":"do it"}]}"#;
/// The same, streamed.
const STREAMED: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"do it"}]}"#;
/// Asks about transfers over 1,000.
const TRANSFERS: &str = "Any wire transfer over £1,000 needs approval";

/// A server whose providers are both `fake`.
async fn before(fake: &Fake) -> Fixture {
    before_with(fake, |_| {}).await
}

/// The same, set up in another way.
async fn before_with(fake: &Fake, change: impl FnOnce(&mut Config)) -> Fixture {
    let base = fake.url();
    let change = |config: &mut Config| {
        config.models.openai = format!("{base}/v1");
        config.models.anthropic = base;
        change(config);
    };
    Fixture::with(change, surface::rows()).await
}

/// Asks, with the model answering this JSON.
async fn ask(fixture: &Fixture, fake: &mut Fake, path: &str, request: &str, says: &str) -> Answer {
    let (answer, ()) = tokio::join!(fixture.call("POST", path, &fixture.key, request), async {
        fake.asked().await.json(says).await;
    });
    answer
}

/// Asks for a stream, with the model answering these bytes.
async fn listen(fixture: &Fixture, fake: &mut Fake, says: &str) -> Answer {
    let (answer, ()) = tokio::join!(fixture.call("POST", CHAT, &fixture.key, STREAMED), async {
        fake.asked().await.stream(says).await;
    });
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// Throws the kill switch of a tool.
async fn block(fixture: &Fixture, tool: &str) {
    let body = json!({ "tool_name": tool, "reason": "test" }).to_string();
    let answer = fixture.call("POST", "/api/blocked-tools", &fixture.key, &body).await;
    assert!(answer.status < 300, "{}", answer.text());
}

/// Makes a rule.
async fn rule(fixture: &Fixture, text: &str, action: &str) {
    let body = json!({ "rule_text": text, "action": action }).to_string();
    let answer = fixture.call("POST", "/api/approval-rules", &fixture.key, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Decides an approval.
async fn decide(fixture: &Fixture, id: &Value, action: &str) {
    let path = format!("/api/pending-approvals/{}/decide", id.as_str().expect("an id"));
    let answer = fixture.call("POST", &path, &fixture.key, &json!({ "action": action }).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The approvals that wait.
async fn pending(fixture: &Fixture) -> Vec<Value> {
    let answer = fixture.call("GET", "/api/pending-approvals", &fixture.key, "").await;
    answer.json().as_array().expect("an array").clone()
}

/// Resolves once the server holds no connection of a client any more.
async fn nobody_is_connected(fixture: &Fixture) {
    for _ in 0..10_000 {
        let metrics = fixture.call("GET", "/metrics", &fixture.key, "").await.text();
        // The one that asks.
        if metrics.lines().any(|line| line == "loop_http_connections 1") {
            return;
        }
    }
    panic!("a connection is kept");
}

/// The decisions in the log, the newest first.
async fn logs(fixture: &Fixture, query: &str) -> Vec<Value> {
    let answer = fixture.call("GET", &format!("/api/logs{query}"), &fixture.key, "").await;
    answer.json().as_array().expect("an array").clone()
}
