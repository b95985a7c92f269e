//! Answers that are framed oddly: read in the one way that every client reads them, or not handed on.

use serde_json::{Value, json};

use super::{CHAT, REQUEST, before, block, fake::Fake, logs, say};

#[tokio::test]
async fn an_answer_is_read_in_one_way_or_refused() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let body = say::completion(&[("kill_me", json!({ "x": "s3ntinel" }))]);
    let length = body.len();
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let (read, refused) = (200, 502);
    for (raw, status) in [
        // Up to the end of the connection.
        (format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{body}"), read),
        (format!("{ok}content-length: {length}\r\ncontent-length: {length}\r\n\r\n{body}"), read),
        (
            format!(
                "{ok}transfer-encoding: chunked\r\ntrailer: x-late\r\n\r\n{length:x}\r\n{body}\r\n0\r\nx-late: s3ntinel\r\n\r\n"
            ),
            read,
        ),
        // A length that lies, and what stands behind it.
        (format!("{ok}content-length: {}\r\n\r\n{body}", length - 1), refused),
        (format!("{ok}content-length: {}\r\n\r\n{body}", length + 1), refused),
        (format!("{ok}content-length: 2\r\n\r\n{body}"), refused),
        (format!("{ok}content-length: {length}\r\ncontent-length: 2\r\n\r\n{body}"), refused),
        (format!("{ok}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{body}"), refused),
        // Kinds that clients would not agree on.
        (format!("{ok}content-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}"), refused),
        (
            format!(
                "{ok}content-encoding: gzip\r\ncontent-encoding: identity\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
            refused,
        ),
        (
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-7\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
            refused,
        ),
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"), refused),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), refused),
        // Another protocol.
        ("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".to_owned(), refused),
    ] {
        let headers = [("x-api-key", fixture.key.as_str())];
        let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
            fake.asked().await.write(&raw).await;
        });
        assert_eq!(answer.status, status, "{raw}: {}", answer.text());
        assert!(!answer.text().contains("s3ntinel") && answer.header("x-late").is_none(), "{raw}: {}", answer.text());
        if status == read {
            assert_eq!(answer.json()["_trustloop"]["blocked"], Value::Bool(true), "{raw}");
        }
    }
    assert!(logs(&fixture, "").await.iter().all(|row| row["status"] != "ALLOWED"));
}
