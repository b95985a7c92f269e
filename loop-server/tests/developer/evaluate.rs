//! `POST /api/v1/policy/evaluate`.

use serde_json::json;

use crate::support::{Answer, Fixture};

async fn evaluate(fixture: &Fixture, step: serde_json::Value) -> Answer {
    let body = json!({ "step": step }).to_string();
    fixture.call("POST", "/api/v1/policy/evaluate", &fixture.key, &body).await
}

#[tokio::test]
async fn a_name_of_more_than_256_bytes_is_refused() {
    let fixture = Fixture::start().await;
    let (longest, longer) = ("x".repeat(256), "x".repeat(257));
    // Bytes, not characters.
    let wide = "é".repeat(129);
    for step in [
        json!({ "action": longer }),
        json!({ "action": wide }),
        json!({ "action": "read_file", "tool": longer }),
        json!({ "action": longer, "tool": "read_file" }),
    ] {
        let answer = evaluate(&fixture, step).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "INVALID_REQUEST", "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("256 bytes")), "{error}");
    }
    assert_eq!(evaluate(&fixture, json!({ "action": longest, "tool": longest })).await.status, 200);
}
