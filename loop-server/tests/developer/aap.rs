//! `/api/v1/aap`.

use serde_json::{Value, json};

use super::{ask, get, loop_with_key, refused, text};
use crate::support::{Answer, Fixture};

const SEND: &str = "/api/v1/aap/send";
const INBOX: &str = "/api/v1/aap/inbox";
const SCOPES: &str = r#"["aap:send","aap:read"]"#;

/// Two loops of two owners and their keys.
async fn pair(fixture: &Fixture) -> [(String, String); 2] {
    let buyer = loop_with_key(fixture, r#"{"kind":"developer","tag":"ann"}"#, SCOPES).await;
    let seller = loop_with_key(fixture, r#"{"kind":"business","tag":"bob","ownerId":"bob"}"#, SCOPES).await;
    [buyer, seller]
}

async fn send(fixture: &Fixture, key: &str, body: Value) -> Answer {
    ask(fixture, "POST", SEND, key, &body.to_string()).await
}

#[tokio::test]
async fn a_message_arrives_as_it_was_sent_and_from_whom_the_key_belongs_to() {
    let fixture = Fixture::start().await;
    let [(buyer, ann), (seller, bob)] = pair(&fixture).await;
    let body = format!(
        r#"{{"type":"TASK_REQUEST","to":"@BOB","from":"{seller}","task":"roof","inputs":{{"n":1.50,"big":9007199254740993}}}}"#
    );
    let sent = ask(&fixture, "POST", SEND, &ann, &body).await;
    assert_eq!(sent.status, 201);
    assert!(sent.text().contains(r#""inputs":{"n":1.50,"big":9007199254740993}"#), "{}", sent.text());
    let sent = sent.json();
    assert_eq!((&sent["from"], &sent["to"]), (&json!(buyer), &json!(seller)));
    assert_eq!((&sent["version"], &sent["status"]), (&json!("aap/1.0"), &json!("queued")));
    assert_eq!(sent["contractStatus"], "requested");
    let inbox = get(&fixture, "GET", INBOX, &bob, "").await;
    assert_eq!((&inbox["messages"][0]["id"], &inbox["messages"][0]["status"]), (&sent["id"], &json!("delivered")));
    let thread = format!("/api/v1/aap/threads/{}", text(&sent["correlationId"]));
    let opened = get(&fixture, "GET", &thread, &bob, "").await;
    assert_eq!(opened["messages"][0]["status"], "read");
    assert_eq!(opened["contracts"][0]["id"], sent["contractId"]);
    assert_eq!(get(&fixture, "GET", &thread, &ann, "").await["messages"][0]["status"], "read");
}

#[tokio::test]
async fn looking_at_the_head_or_as_the_administrator_is_not_reading() {
    let fixture = Fixture::start().await;
    let [(_, ann), (seller, bob)] = pair(&fixture).await;
    send(&fixture, &ann, json!({"type": "TASK_REQUEST", "to": "@bob", "task": "t"})).await;
    ask(&fixture, "HEAD", INBOX, &bob, "").await;
    let watched = get(&fixture, "GET", &format!("{INBOX}?loopId={seller}"), &fixture.key, "").await;
    assert_eq!(watched["messages"][0]["status"], "queued");
    assert_eq!(refused(&ask(&fixture, "GET", INBOX, &fixture.key, "").await), (400, "INVALID_REQUEST".into()));
    let peeped = ask(&fixture, "GET", &format!("{INBOX}?loopId={seller}"), &ann, "").await;
    assert_eq!(peeped.status, 403, "{}", peeped.text());
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let fixture = Fixture::start().await;
    let [(_, ann), (_, bob)] = pair(&fixture).await;
    let (_, eve) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    let asked = send(&fixture, &ann, json!({"type": "TASK_REQUEST", "to": "@bob", "task": "t", "nonce": "n"})).await;
    let contract = asked.json()["contractId"].clone();
    let on = |kind: &str, to: &str| json!({"type": kind, "to": to, "contractId": contract, "amountCents": 1});
    for (key, body, status, code) in [
        (&ann, on("TASK_ACCEPT", "@bob"), 409, "INVALID_TRANSITION"),
        (&ann, on("TASK_OFFER", "@bob"), 403, "POLICY_DENIED"),
        (&eve, on("TASK_OFFER", "@ann"), 404, "NOT_FOUND"),
        (&bob, on("TASK_OFFER", "@nobody"), 404, "LOOP_NOT_FOUND"),
        (&ann, json!({"type": "TASK_REQUEST", "to": "@ann", "task": "t"}), 403, "POLICY_DENIED"),
        (&ann, json!({"type": "TASK_REQUEST", "to": "@bob", "task": "x", "nonce": "n"}), 409, "REPLAY_DETECTED"),
        (&ann, json!({"type": "TASK_REQUEST", "to": "@bob"}), 400, "INVALID_REQUEST"),
        (&fixture.key, json!({"type": "TASK_REQUEST", "to": "@bob", "task": "t"}), 400, "INVALID_REQUEST"),
    ] {
        let answer = send(&fixture, key, body.clone()).await;
        assert_eq!(refused(&answer), (status, code.into()), "{body}");
    }
    let score = get(&fixture, "GET", "/api/v1/loops/@ann", &fixture.key, "").await["trustScore"].clone();
    assert_eq!(score, 48, "a replay costs trust");
    assert_eq!(get(&fixture, "GET", INBOX, &bob, "").await["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_inbox_is_filtered_and_paged_and_its_bad_questions_refused() {
    let fixture = Fixture::start().await;
    let [(_, ann), (_, bob)] = pair(&fixture).await;
    for n in 0..5 {
        send(&fixture, &ann, json!({"type": "TASK_REQUEST", "to": "@bob", "task": n.to_string()})).await;
    }
    let mut seen = Vec::new();
    let mut path = format!("{INBOX}?limit=2");
    loop {
        let page = get(&fixture, "GET", &path, &bob, "").await;
        seen.extend(page["messages"].as_array().into_iter().flatten().map(|message| text(&message["task"])));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("{INBOX}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let none = get(&fixture, "GET", &format!("{INBOX}?types=ACK"), &bob, "").await;
    assert_eq!((&none["messages"], &none["nextCursor"]), (&json!([]), &Value::Null));
    for query in ["types=NOPE", "since=yesterday", "limit=ten", "cursor=x", "cursor=zzzzzzzzzzzzzzzz"] {
        let answer = ask(&fixture, "GET", &format!("{INBOX}?{query}"), &bob, "").await;
        assert_eq!(refused(&answer), (400, "INVALID_REQUEST".into()), "{query}");
    }
}
