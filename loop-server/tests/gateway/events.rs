//! Streams: text at once, calls once they are decided.

use tokio::io::AsyncReadExt;

use super::{
    CHAT, STREAMED, TRANSFERS, before, block,
    fake::Fake,
    listen,
    listener::{self, until},
    logs, pending, rule, say,
};

#[tokio::test]
async fn text_is_there_before_the_model_says_more() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = listener::ask(fixture.address, &fixture.key).await;
    let mut asked = fake.asked().await;
    asked.events().await;
    for word in ["alpha", "beta", "gamma"] {
        asked.piece(say::text(word)).await;
        // The next word is not said before this one was heard.
        until(&mut client, &format!("{}\r\n", say::text(word))).await;
    }
    asked.piece(say::end("stop")).await;
    asked.end().await;
    let rest = until(&mut client, "0\r\n\r\n").await;
    assert!(rest.contains(r#""_trustloop":{"status":"allowed","tool":null,"decisions":[]}"#), "{rest}");
    assert!(rest.find("_trustloop") < rest.find("[DONE]"));
}

#[tokio::test]
async fn an_allowed_stream_is_unchanged_but_for_the_verdict() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = say::text("let me") + &say::stream("read_file", r#"{"path": "/some/long/path.txt"}"#);
    let answer = listen(&fixture, &mut fake, &said).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let told = answer.text();
    let (before, rest) = told.split_once(",\"_trustloop\":").expect("a verdict");
    let (_, behind) = rest.split_once("]}").expect("its end");
    assert_eq!(format!("{before}{behind}"), said);
    let heard = say::heard(&told);
    assert_eq!(heard.verdict["status"], "allowed");
    assert_eq!(
        (heard.names, heard.arguments.as_str()),
        (vec!["read_file".to_owned()], r#"{"path": "/some/long/path.txt"}"#)
    );
}

#[tokio::test]
async fn of_a_blocked_call_not_a_byte_goes_out() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let said = say::text("let me") + &say::stream("kill_me", r#"{"secret":"zzz"}"#);
    let answer = listen(&fixture, &mut fake, &said).await;
    let heard = say::heard(&answer.text());
    assert!(!answer.text().contains("tool_calls") && !answer.text().contains("zzz"), "{}", answer.text());
    assert!(
        heard.text.starts_with("let me") && heard.text.ends_with("Tool 'kill_me' is blocked by governance policy.")
    );
    assert_eq!((heard.finish.as_deref(), heard.done), (Some("stop"), true));
    assert_eq!((&heard.verdict["blocked"], &heard.verdict["tool"]), (&true.into(), &"kill_me".into()));
    assert_eq!(logs(&fixture, "").await[0]["status"], "BLOCKED");
}

#[tokio::test]
async fn a_stream_that_waits_says_so_and_asks_once() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, TRANSFERS, "approve").await;
    let answer = listen(&fixture, &mut fake, &say::stream("wire_transfer", r#"{"amount":9000}"#)).await;
    let heard = say::heard(&answer.text());
    assert_eq!(heard.text, "Tool 'wire_transfer' requires human approval. Retry once approved.");
    assert_eq!((heard.names.len(), heard.finish.as_deref()), (0, Some("stop")));
    assert_eq!(heard.verdict["status"], "pending_approval");
    let waiting = pending(&fixture).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["id"], heard.verdict["approval_id"]);
}

#[tokio::test]
async fn an_error_in_the_stream_passes() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    let answer = listen(&fixture, &mut fake, &(say::text("half") + error)).await;
    assert_eq!(answer.text(), say::text("half") + error);
}

#[tokio::test]
async fn the_connection_to_the_model_is_used_again_after_a_stream() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    for _ in 0..3 {
        let (answer, ()) = tokio::join!(fixture.call("POST", CHAT, &fixture.key, STREAMED), async {
            let asked = fake.asked().await;
            assert_eq!(asked.connection, 0);
            asked.stream(say::text("x") + &say::end("stop")).await;
        });
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_slow_reader_slows_the_model_down() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = listener::ask(fixture.address, &fixture.key).await;
    let mut asked = fake.asked().await;
    asked.events().await;
    // More than all buffers on the way hold together: the model cannot get rid of it while nobody reads.
    let piece = say::text(&"x".repeat(60_000));
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let talks = async {
        for _ in 0..2_000 {
            asked.piece(&piece).await;
            sent.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        asked.piece(say::end("stop")).await;
        asked.end().await;
    };
    let reads = async {
        // A request on another connection is answered meanwhile, so the server is not what is stuck.
        for _ in 0..20 {
            assert_eq!(fixture.call("GET", "/readyz", &fixture.key, "").await.status, 200);
        }
        let held = sent.load(std::sync::atomic::Ordering::SeqCst);
        let mut all = 0_usize;
        let mut buffer = vec![0; 1 << 20];
        let mut tail = Vec::new();
        while !tail.ends_with(b"0\r\n\r\n") {
            let read = client.socket.read(&mut buffer).await.expect("read");
            assert!(read > 0, "the stream is whole");
            all += read;
            tail.extend_from_slice(&buffer[read.saturating_sub(5)..read]);
            tail.drain(..tail.len().saturating_sub(5));
        }
        (held, all)
    };
    let ((held, all), ()) = tokio::join!(reads, talks);
    assert!(held < 2_000, "all of it was taken from the model while nobody read");
    assert!(all > 2_000 * 60_000);
}

#[tokio::test]
async fn what_comes_behind_the_end_changes_nothing() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let said = say::stream("read_file", "{}");
    let behind = [": bye\n\n", "data: nonsense\n\n", "data: {\"choices\":[]}\n\n"];
    for behind in behind {
        let mut client = listener::ask(fixture.address, &fixture.key).await;
        let mut asked = fake.asked().await;
        asked.events().await;
        asked.piece(&said).await;
        // Everything was handed on before the rest comes.
        until(&mut client, "data: [DONE]\n\n\r\n").await;
        asked.piece(behind).await;
        asked.end().await;
        let rest = until(&mut client, "0\r\n\r\n").await;
        assert!(!rest.contains("data:"), "{rest}");
    }
    let statuses: Vec<_> = logs(&fixture, "").await.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["ALLOWED"; 3], "nothing was withheld");
}

#[tokio::test]
async fn a_model_that_never_stops_behind_its_end_is_left() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = listener::ask(fixture.address, &fixture.key).await;
    let mut asked = fake.asked().await;
    asked.events().await;
    asked.piece(say::text("x") + &say::end("stop")).await;
    // However often something comes, there is one deadline for all of it.
    let talks = async { while asked.piece_taken(": still here\n\n").await {} };
    tokio::join!(talks, until(&mut client, "0\r\n\r\n"));
}

#[tokio::test]
async fn a_compressed_stream_is_read_as_it_comes() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    block(&fixture, "kill_me").await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut client = listener::ask(fixture.address, &fixture.key).await;
    let mut asked = fake.asked().await;
    asked.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for word in ["alpha", "beta"] {
        std::io::Write::write_all(&mut packed, say::text(word).as_bytes()).expect("packed");
        std::io::Write::flush(&mut packed).expect("packed");
        asked.piece(std::mem::take(packed.get_mut())).await;
        until(&mut client, &format!("{}\r\n", say::text(word))).await;
    }
    std::io::Write::write_all(&mut packed, say::stream("kill_me", r#"{"x":"s3ntinel"}"#).as_bytes()).expect("packed");
    asked.piece(packed.finish().expect("packed")).await;
    asked.end().await;
    let rest = until(&mut client, "0\r\n\r\n").await;
    assert!(rest.contains("is blocked by governance policy") && !rest.contains("s3ntinel"), "{rest}");
}

#[tokio::test]
async fn a_picture_in_one_event_passes() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let picture = say::chunk(&serde_json::json!({ "content": "p".repeat(20 << 20) }), None);
    let answer = listen(&fixture, &mut fake, &(picture.clone() + &say::stream("read_file", "{}"))).await;
    let told = answer.text();
    assert!(told.starts_with(&picture) && told.ends_with("data: [DONE]\n\n"), "{} bytes", told.len());
    assert_eq!(logs(&fixture, "").await[0]["status"], "ALLOWED");
}
