//! What the improvement surface promises, on real sockets and files.

mod comments;
mod dashboard;
mod dispatch;
mod frame;
mod goals;
mod issues;
mod prompts;
mod signals;
mod webhooks;

use serde_json::Value;

use crate::support::{Answer, Fixture};

/// One request with a key in `Authorization`.
async fn ask(fixture: &Fixture, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    fixture.send(method, path, &headers, body.as_bytes()).await
}

/// The whole answer to a request of tenant `default` that must succeed.
async fn whole(fixture: &Fixture, method: &str, path: &str, body: &str) -> Value {
    let answer = ask(fixture, method, path, &fixture.key, body).await;
    assert!(answer.status < 300, "{method} {path} {body} answered {}: {}", answer.status, answer.text());
    if answer.status == 204 { Value::Null } else { answer.json() }
}

/// What stands under `data` in the answer to a request of tenant `default` that must succeed.
async fn get(fixture: &Fixture, method: &str, path: &str, body: &str) -> Value {
    whole(fixture, method, path, body).await["data"].take()
}

/// The id of what a request makes.
async fn made(fixture: &Fixture, path: &str, body: &str) -> String {
    text(&get(fixture, "POST", path, body).await["id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Status, text and field of a refusal, which has the surface's shape; no field is an empty one.
fn refused(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let field = body["details"][0]["field"].as_str().unwrap_or_default().to_owned();
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    (answer.status, text(&body["error"]), field)
}
