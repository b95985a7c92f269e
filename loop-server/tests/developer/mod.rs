//! What the developer surface promises, on real sockets and files.

mod aap;
mod credits;
mod evaluate;
mod frame;
mod idempotency;
mod keys;
mod killed;
mod loops;
mod proof;
mod provider;
mod tasks;
mod tools;
mod transactions;

use serde_json::Value;

use crate::support::{Answer, Fixture};

/// One request with a key in `Authorization`.
async fn ask(fixture: &Fixture, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    fixture.send(method, path, &[("authorization", &bearer)], body.as_bytes()).await
}

/// The same, for an answer that must be a success.
async fn get(fixture: &Fixture, method: &str, path: &str, key: &str, body: &str) -> Value {
    let answer = ask(fixture, method, path, key, body).await;
    assert!(answer.status < 300, "{method} {path} answered {}: {}", answer.status, answer.text());
    answer.json()
}

/// A loop, and a key of its own with these scopes, as JSON names.
async fn loop_with_key(fixture: &Fixture, body: &str, scopes: &str) -> (String, String) {
    let id = text(&get(fixture, "POST", "/api/v1/loops", &fixture.key, body).await["id"]);
    let body = format!(r#"{{"name":"test","loopId":"{id}","scopes":{scopes}}}"#);
    let key = text(&get(fixture, "POST", "/api/v1/keys", &fixture.key, &body).await["key"]);
    (id, key)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Status and code of a refusal, which has the surface's shape.
fn refused(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let error = &body["error"];
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    assert_eq!(error["requestId"].as_str(), answer.header("x-request-id"), "{body}");
    (answer.status, text(&error["code"]))
}
