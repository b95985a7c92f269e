//! Answers that could not be decided, or that nobody waited for until they were.

use loop_core::store::Completer;
use serde_json::{Value, json};

use super::{
    CHAT, REQUEST, TRANSFERS, ask, before, decide, fake::Fake, listen, logs, nobody_is_connected, pending, rule, say,
};
use crate::support::{
    Fixture,
    client::{Client, request},
    held::hold,
};

/// Makes the tenant's policy unreadable.
fn damage(fixture: &Fixture) {
    let file = rusqlite::Connection::open(fixture._folder.path().join("loop.db")).expect("opened");
    file.execute_batch(
        "INSERT INTO blocked_tools (tenant, id, version, created_at, updated_at, body)
         VALUES ('default', 'x', 1, 0, 0, 'this is no record');
         UPDATE epochs SET epoch = (SELECT max(epoch) + 1 FROM epochs) WHERE tenant = 'default'",
    )
    .expect("damaged");
}

/// A call of `pay` with `s3ntinel` in it, streamed in the form of a path.
fn said(path: &str) -> String {
    let events = |list: &[Value]| -> String {
        list.iter()
            .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("a type")))
            .collect()
    };
    match path {
        CHAT => say::text("let me") + &say::stream("pay", r#"{"to":"s3ntinel"}"#),
        "/v1/responses" => {
            let item = |text: &str| json!({ "id": "f", "type": "function_call", "call_id": "c", "name": "pay", "arguments": text });
            events(&[
                json!({ "type": "response.created", "sequence_number": 0, "response": { "id": "r", "output": [] } }),
                json!({ "type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item("") }),
                json!({ "type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": item(r#"{"to":"s3ntinel"}"#) }),
                json!({ "type": "response.completed", "sequence_number": 3, "response": { "id": "r", "output": [item(r#"{"to":"s3ntinel"}"#)] } }),
            ])
        }
        _ => events(&[
            json!({ "type": "message_start", "message": { "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [] } }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "tool_use", "id": "t", "name": "pay", "input": { "to": "s3ntinel" } } }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "message_stop" }),
        ]),
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_decided_ends_with_an_error_in_its_own_words() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    damage(&fixture);
    for path in [CHAT, "/v1/responses", "/v1/messages"] {
        let (answer, ()) = tokio::join!(fixture.call("POST", path, &fixture.key, r#"{"stream":true}"#), async {
            fake.asked().await.stream(said(path)).await;
        });
        let text = answer.text();
        assert!(!text.contains("s3ntinel") && !text.contains("\"pay\"") && !text.contains("no record"), "{text}");
        let last = text.trim_end().rsplit("\n\n").next().expect("an event");
        let (name, data) = last.split_once("data: ").expect("data");
        let told: Value = serde_json::from_str(data).expect("JSON");
        // What the official clients raise an error from.
        assert_eq!(told["error"]["message"], "internal error", "{path}: {told}");
        match path {
            CHAT => assert_eq!(name, ""),
            _ => assert_eq!((name, told["type"].as_str()), ("event: error\n", Some("error"))),
        }
        if path == "/v1/responses" {
            assert_eq!((&told["sequence_number"], &told["message"]), (&json!(1), &json!("internal error")));
        }
    }
    let rows = logs(&fixture, "").await;
    assert!(
        rows.len() == 3 && rows.iter().all(|row| row["status"] == "ERROR" && row["tool_name"] == "pay"),
        "{rows:?}"
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_decided_is_told_in_the_log() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    damage(&fixture);
    let answer =
        ask(&fixture, &mut fake, CHAT, REQUEST, &say::completion(&[("pay", json!({ "to": "s3ntinel" }))])).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("s3ntinel") && !answer.text().contains("no record"), "{}", answer.text());
    let rows = logs(&fixture, "").await;
    assert_eq!((rows.len(), &rows[0]["status"], &rows[0]["tool_name"]), (1, &json!("ERROR"), &json!("pay")));
}

/// Holds the store's writer, and resolves once a decision waits for it.
async fn decision_waits(fixture: &Fixture) {
    for _ in 0..10_000 {
        let metrics = fixture.call("GET", "/metrics", &fixture.key, "").await.text();
        if metrics.contains(r#"loop_store_waiting_jobs{access="write",lane="decision"} 1"#) {
            return;
        }
    }
    panic!("no decision came");
}

/// The log once nobody waits for an answer any more and the writer goes on: what was decided, and that it was in vain.
async fn told_after(fixture: &Fixture, gate: Completer<()>, rows: usize) -> Vec<Value> {
    gate.complete(());
    for _ in 0..2_000 {
        let told = logs(fixture, "").await;
        if told.len() >= rows {
            return told;
        }
    }
    panic!("the log tells {:?}", logs(fixture, "").await);
}

fn assert_decided_in_vain(rows: &[Value]) {
    let row = rows.iter().find(|row| row["status"] == "ERROR").expect("a line that tells so");
    assert!(row["message"].as_str().is_some_and(|text| text.contains("the client went away")), "{row}");
    assert_eq!(row["tool_name"], "wire_transfer");
    assert!(rows.iter().any(|row| row["status"] == "ALLOWED"), "{rows:?}");
}

#[tokio::test]
async fn a_client_that_goes_while_its_answer_is_decided_leaves_a_line() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    // The policy and the tool are known from here on, so that only the decision itself has to wait.
    let said = say::completion(&[("wire_transfer", json!({ "amount": 5 }))]);
    assert_eq!(ask(&fixture, &mut fake, CHAT, REQUEST, &said).await.json()["_trustloop"]["status"], "allowed");
    let gate = hold(&**fixture.server.app.engine.store());
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", CHAT, &[("x-api-key", &fixture.key)], REQUEST.as_bytes())).await;
    fake.asked().await.json(&said).await;
    decision_waits(&fixture).await;
    drop(client);
    nobody_is_connected(&fixture).await;
    assert_decided_in_vain(&told_after(&fixture, gate, 3).await);
}

#[tokio::test]
async fn a_client_that_goes_while_its_stream_is_decided_leaves_a_line() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = say::stream("wire_transfer", r#"{"amount":5}"#);
    listen(&fixture, &mut fake, &said).await;
    let gate = hold(&**fixture.server.app.engine.store());
    let client = super::listener::ask(fixture.address, &fixture.key).await;
    fake.asked().await.stream(&said).await;
    decision_waits(&fixture).await;
    drop(client);
    nobody_is_connected(&fixture).await;
    assert_decided_in_vain(&told_after(&fixture, gate, 3).await);
}

#[tokio::test]
async fn a_client_that_goes_while_its_approved_answer_is_decided_again_leaves_a_line() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, TRANSFERS, "approve").await;
    let said = say::stream("wire_transfer", r#"{"amount":9000}"#);
    let told = say::heard(&listen(&fixture, &mut fake, &said).await.text());
    decide(&fixture, &told.verdict["approval_id"], "approved").await;
    let gate = hold(&**fixture.server.app.engine.store());
    let client = super::listener::ask(fixture.address, &fixture.key).await;
    decision_waits(&fixture).await;
    drop(client);
    nobody_is_connected(&fixture).await;
    assert_decided_in_vain(&told_after(&fixture, gate, 3).await);
    // At most once was preferred to at least once: the model is asked again, and then a human.
    let told = say::heard(&listen(&fixture, &mut fake, &said).await.text());
    assert_eq!((told.verdict["status"].as_str(), pending(&fixture).await.len()), (Some("pending_approval"), 1));
}
