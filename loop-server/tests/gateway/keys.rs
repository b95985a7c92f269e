//! Whose key goes where.

use serde_json::json;

use super::{CHAT, REQUEST, UPSTREAM_KEY, before, fake::Fake, say};

#[tokio::test]
async fn without_a_key_of_ours_nobody_is_asked() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let unscoped = fixture.key_without(loop_core::access::Scope::PolicyEvaluate).await;
    for path in [CHAT, "/v1/responses", "/v1/messages", "/v1/models"] {
        let method = if path == "/v1/models" { "GET" } else { "POST" };
        for (key, status) in [("", 401), ("tl_unknown", 401), (unscoped.as_str(), 403)] {
            let headers = [("authorization", UPSTREAM_KEY), ("x-api-key", key)];
            let answer = fixture.send(method, path, &headers, b"").await;
            assert_eq!(answer.status, status, "{path} {key}: {}", answer.text());
        }
        // A Loop key in the place of the provider's is none.
        let bearer = format!("Bearer {}", fixture.key);
        let answer = fixture.send(method, path, &[("authorization", bearer.as_str())], b"").await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert!(fake.idle());
}

#[tokio::test]
async fn a_key_of_ours_never_travels_on() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let key = fixture.key.as_str();
    let bearer = format!("Bearer {key}");
    let path = format!("{CHAT}?a=1&api_key={key}&b={key}&c=2");
    let headers = [
        ("x-loop-key", key),
        ("x-api-key", key),
        ("authorization", bearer.as_str()),
        ("x-copy", key),
        ("cookie", key),
        ("openai-organization", "org-1"),
    ];
    let (answer, ()) = tokio::join!(fixture.send("POST", &path, &headers, REQUEST.as_bytes()), async {
        let asked = fake.asked().await;
        assert!(!asked.line.contains(key) && asked.line.contains("?a=1&c=2 "), "{}", asked.line);
        assert!(asked.headers.iter().all(|(_, value)| !value.contains(key)), "{:?}", asked.headers);
        assert_eq!(asked.header("openai-organization"), Some("org-1"));
        asked.json(say::completion(&[])).await;
    });
    assert_eq!(answer.status, 200, "{}", answer.text());
    // An agent that found the key and tells its model.
    let body = json!({ "messages": [{ "role": "user", "content": format!("my key is {key}") }] }).to_string();
    let answer = fixture.send("POST", CHAT, &[("x-api-key", key)], body.as_bytes()).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text().contains(key));
    assert!(fake.idle());
}

#[tokio::test]
async fn an_anthropic_key_and_ours_live_side_by_side() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let headers = [("x-api-key", "sk-ant-upstream"), ("x-loop-key", fixture.key.as_str())];
    let (answer, ()) = tokio::join!(fixture.send("POST", "/v1/messages?beta=true", &headers, b"{}"), async {
        let asked = fake.asked().await;
        assert_eq!(asked.line, "POST /v1/messages?beta=true HTTP/1.1");
        assert_eq!(asked.header("x-api-key"), Some("sk-ant-upstream"));
        asked.json(said).await;
    });
    assert_eq!(answer.json()["_trustloop"]["status"], "allowed");
}

#[tokio::test]
async fn the_providers_key_stands_nowhere_afterwards() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    super::rule(&fixture, super::TRANSFERS, "approve").await;
    let headers = [("x-api-key", fixture.key.as_str()), ("authorization", UPSTREAM_KEY)];
    let said = say::completion(&[("wire_transfer", json!({ "amount": 5000 }))]);
    let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
        fake.asked().await.json(said).await;
    });
    assert_eq!(answer.json()["_trustloop"]["status"], "pending_approval");
    let folder = fixture._folder;
    fixture.server.shutdown().await;
    let mut seen = 0;
    for file in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("readable");
        seen += bytes.len();
        assert!(memchr::memmem::find(&bytes, b"sk-upstream").is_none());
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn a_name_out_of_bounds_is_refused_before_anybody_is_asked() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let long = "x".repeat(257);
    let headers = [("x-api-key", fixture.key.as_str()), ("x-agent-name", long.as_str())];
    assert_eq!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()).await.status, 400);
    assert!(fake.idle());
}
