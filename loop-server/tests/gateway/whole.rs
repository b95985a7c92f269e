//! Answers in one piece: what the model is asked, what the client is told, what the log tells.

use serde_json::{Value, json};

use super::{CHAT, REQUEST, ask, before, block, fake::Fake, logs, rule, say};

#[tokio::test]
async fn the_request_reaches_the_model_byte_for_byte() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let odd = br#"{ "model":"m",  "n":1.0, "vendor_field":{"a":[1,2]}, "model":"twice", "messages":[] }"#;
    let headers = [
        ("x-api-key", fixture.key.as_str()),
        ("authorization", super::UPSTREAM_KEY),
        ("content-type", "application/json"),
        ("x-stainless-lang", "python"),
        ("x-agent-name", "bot"),
        ("x-session-id", "s-1"),
        ("accept-encoding", "gzip, br"),
    ];
    let (answer, ()) = tokio::join!(fixture.send("POST", "/v1/chat/completions?api-version=1", &headers, odd), async {
        let asked = fake.asked().await;
        assert_eq!(asked.line, "POST /v1/chat/completions?api-version=1 HTTP/1.1");
        assert_eq!(asked.body, odd);
        assert_eq!(asked.header("authorization"), Some(super::UPSTREAM_KEY));
        assert_eq!(asked.header("x-stainless-lang"), Some("python"));
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        for ours in ["x-api-key", "x-agent-name", "x-session-id"] {
            assert_eq!(asked.header(ours), None, "{ours}");
        }
        asked.json(say::completion(&[])).await;
    });
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-request-id"), Some("req_up_1"));
    assert!(answer.header("x-loop-request-id").is_some());
}

#[tokio::test]
async fn a_text_carries_a_verdict_and_is_otherwise_unchanged() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = say::completion(&[]);
    let answer = ask(&fixture, &mut fake, CHAT, REQUEST, &said).await;
    let verdict = r#"{"status":"allowed","tool":null,"decisions":[]}"#;
    let (inside, _) = said.rsplit_once('}').expect("an object");
    assert_eq!(answer.text(), format!(r#"{inside},"_trustloop":{verdict}}}"#));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    assert!(logs(&fixture, "").await.is_empty(), "nothing was proposed");
}

#[tokio::test]
async fn an_allowed_call_goes_out_as_it_came() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = say::completion(&[("read_file", json!({ "path": "/x" })), ("list_files", json!({}))]);
    let mut told = ask(&fixture, &mut fake, CHAT, REQUEST, &said).await.json();
    let verdict = told.as_object_mut().and_then(|told| told.remove("_trustloop"));
    assert_eq!(told, serde_json::from_str::<Value>(&said).expect("JSON"));
    let decisions =
        [json!({ "tool": "read_file", "status": "allowed" }), json!({ "tool": "list_files", "status": "allowed" })];
    assert_eq!(verdict, Some(json!({ "status": "allowed", "tool": "read_file", "decisions": decisions })));
    let rows = logs(&fixture, "").await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["status"] == "ALLOWED"), "{rows:?}");
}

#[tokio::test]
async fn one_blocked_call_takes_the_whole_turn_along() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let said =
        say::completion(&[("read_file", json!({ "path": "s3ntinel" })), ("kill_me", json!({ "x": "s3ntinel" }))]);
    let answer = ask(&fixture, &mut fake, CHAT, REQUEST, &said).await;
    let told = answer.json();
    assert!(!answer.text().contains("s3ntinel"), "{told}");
    let choice = &told["choices"][0];
    assert_eq!(choice["message"]["content"], "Tool 'kill_me' is blocked by governance policy.");
    assert_eq!((choice["finish_reason"].as_str(), choice["message"].get("tool_calls")), (Some("stop"), None));
    assert_eq!(told["usage"]["total_tokens"], 7);
    let verdict = &told["_trustloop"];
    assert_eq!(verdict["blocked"], true);
    assert_eq!((verdict["tool"].as_str(), verdict.get("rule")), (Some("kill_me"), Some(&Value::Null)));
    assert_eq!(verdict["decisions"][0], json!({ "tool": "read_file", "status": "blocked", "withheld": true }));
    assert_eq!(verdict["decisions"][1]["status"], "blocked");
    let rows = logs(&fixture, "").await;
    assert!(rows.len() == 2 && rows.iter().all(|row| row["status"] == "BLOCKED"), "{rows:?}");
}

#[tokio::test]
async fn the_rule_that_blocks_is_named_and_reads_the_agents_name() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, "Block all file deletions", "block").await;
    let headers = [("x-api-key", fixture.key.as_str()), ("x-agent-name", "janitor"), ("x-session-id", "s-1")];
    let said = say::completion(&[("delete_file", json!({ "path": "/x" }))]);
    let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
        fake.asked().await.json(said).await;
    });
    assert_eq!(answer.json()["_trustloop"]["rule"], "Block all file deletions");
    let rows = logs(&fixture, "").await;
    assert_eq!(
        (rows[0]["agent_name"].as_str(), rows[0]["rule"].as_str()),
        (Some("janitor"), Some("Block all file deletions"))
    );
}

#[tokio::test]
async fn every_place_a_call_can_stand_in_is_looked_at() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let text = json!({ "index": 0, "message": { "role": "assistant", "content": "x" }, "finish_reason": "stop" });
    let with = |message: Value| json!({ "index": 1, "message": message, "finish_reason": "tool_calls" });
    let function = json!({ "name": "kill_me", "arguments": "{}" });
    let custom = json!({ "id": "c", "type": "custom", "custom": { "name": "kill_me", "input": "rm -rf" } });
    let call = json!({ "id": "c", "type": "function", "function": function });
    let unread = json!({ "id": "c", "type": "function", "function": { "name": "fine", "arguments": "{not json" } });
    for message in [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "assistant", "content": null, "function_call": function }),
        json!({ "role": "assistant", "content": null, "tool_calls": [custom] }),
        json!({ "role": "assistant", "content": null, "tool_calls": [unread] }),
    ] {
        let said = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m",
                           "choices": [text, with(message)] });
        let told = ask(&fixture, &mut fake, CHAT, REQUEST, &said.to_string()).await;
        assert_eq!(told.status, 200);
        let told = told.json();
        assert_eq!(told["_trustloop"]["blocked"], true, "{told}");
        assert!(!told["choices"].to_string().contains("arguments") && !told.to_string().contains("rm -rf"), "{told}");
    }
    let said = json!({ "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "output": [{ "type": "function_call", "id": "fc", "call_id": "c", "name": "kill_me", "arguments": "{}",
                     "status": "completed" }] });
    let told = ask(&fixture, &mut fake, "/v1/responses", REQUEST, &said.to_string()).await.json();
    assert_eq!((&told["_trustloop"]["blocked"], told["output"][0]["type"].as_str()), (&json!(true), Some("message")));
    let said = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": null,
        "content": [{ "type": "tool_use", "id": "tu", "name": "kill_me", "input": {} }], "stop_reason": "tool_use",
        "usage": { "input_tokens": 1, "output_tokens": 1 } });
    let told = ask(&fixture, &mut fake, "/v1/messages", REQUEST, &said.to_string()).await.json();
    assert_eq!((&told["_trustloop"]["blocked"], told["stop_reason"].as_str()), (&json!(true), Some("end_turn")));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_handed_on() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let twice = r#"{"choices":[],"choices":[{"message":{"tool_calls":[]}}]}"#;
    for (media, body) in [
        ("text/html", "<p>s3ntinel</p>"),
        ("application/json", "{s3ntinel"),
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", twice),
        ("application/x-ndjson", "{}"),
    ] {
        for path in [CHAT, "/v1/responses", "/v1/messages"] {
            let headers = [("x-api-key", fixture.key.as_str())];
            let (answer, ()) = tokio::join!(fixture.send("POST", path, &headers, REQUEST.as_bytes()), async {
                fake.asked().await.answer(200, &[("content-type", media)], body).await;
            });
            assert_eq!(answer.status, 502, "{path} {media} {body}: {}", answer.text());
            assert!(answer.json()["error"]["message"].is_string() && !answer.text().contains("s3ntinel"));
        }
    }
    let rows = logs(&fixture, "?status=ERROR").await;
    assert_eq!(rows.len(), 18);
    assert!(rows.iter().all(|row| row["message"].as_str().is_some_and(|text| text.contains("withheld"))), "{rows:?}");
}

#[tokio::test]
async fn a_compressed_answer_is_opened_and_an_unknown_coding_refused() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, say::completion(&[("kill_me", json!({}))]).as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let headers = [("x-api-key", fixture.key.as_str())];
    let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
        let coded = [("content-type", "application/json"), ("content-encoding", "gzip")];
        fake.asked().await.answer(200, &coded, packed).await;
    });
    assert_eq!((answer.status, answer.header("content-encoding")), (200, None));
    assert_eq!(answer.json()["_trustloop"]["blocked"], true);
    let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
        let coded = [("content-type", "application/json"), ("content-encoding", "br")];
        fake.asked().await.answer(200, &coded, "x").await;
    });
    assert_eq!(answer.status, 502);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let headers = [("x-api-key", fixture.key.as_str())];
    let (answer, ()) = tokio::join!(fixture.send("POST", CHAT, &headers, REQUEST.as_bytes()), async {
        let mut asked = fake.asked().await;
        asked.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\"").await;
    });
    assert_eq!(answer.status, 502);
}

#[tokio::test]
async fn many_clients_are_served_side_by_side() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let one = |n: usize| {
        let fixture = &fixture;
        async move {
            let body = json!({ "n": n }).to_string();
            let told = fixture.call("POST", CHAT, &fixture.key, &body).await.json();
            assert_eq!(told["id"], n.to_string());
            assert_eq!(told["_trustloop"]["status"], "allowed");
        }
    };
    let model = async {
        let mut waiting = Vec::new();
        // Nobody is answered before everybody has asked.
        for _ in 0..24 {
            waiting.push(fake.asked().await);
        }
        for asked in waiting.into_iter().rev() {
            let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
            let said = json!({ "id": body["n"].to_string(), "object": "chat.completion", "choices": [] });
            asked.json(said.to_string()).await;
        }
    };
    tokio::join!(for_each(24, one), model);
}

/// Runs so many futures side by side.
async fn for_each<F: Future<Output = ()>>(count: usize, make: impl Fn(usize) -> F) {
    let mut all: Vec<std::pin::Pin<Box<F>>> = (0..count).map(|n| Box::pin(make(n))).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
