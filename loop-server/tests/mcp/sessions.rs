//! The older transport: a stream, and messages beside it.

use loop_core::access::{Scopes, key};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{fake::Fake, gateway::before};
use crate::support::{Answer, Fixture, client::request};

/// An open stream.
struct Stream {
    socket: BufReader<TcpStream>,
    head: String,
    post: String,
}

impl Stream {
    async fn open(fixture: &Fixture, key: &str) -> Self {
        let socket = TcpStream::connect(fixture.address).await.expect("connected");
        let mut socket = BufReader::new(socket);
        let path = format!("/sse?api_key={key}");
        socket.write_all(&request("GET", &path, &[], b"")).await.expect("sent");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(socket.read_line(&mut head).await.expect("a head"), 0, "{head}");
        }
        let mut stream = Self { socket, head, post: String::new() };
        let (event, data) = stream.event().await.expect("a first event");
        assert_eq!(event, "endpoint");
        stream.post = data;
        stream
    }

    /// The next chunk of the body; `None` at its end.
    async fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.socket.read_line(&mut size).await.ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(size.trim_end(), 16).expect("a size");
        let mut bytes = vec![0; size + 2];
        self.socket.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(size);
        (size > 0).then(|| String::from_utf8(bytes).expect("text"))
    }

    /// The next event; signs of life are left out. Every event is written in one piece.
    async fn event(&mut self) -> Option<(String, String)> {
        loop {
            let chunk = self.chunk().await?;
            let Some(rest) = chunk.strip_prefix("event: ") else { continue };
            let (event, rest) = rest.split_once('\n').expect("lines");
            let data: Vec<&str> = rest.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            return Some((event.to_owned(), data.join("\n")));
        }
    }

    async fn post(&self, fixture: &Fixture, message: &str) -> Answer {
        fixture.send("POST", &self.post, &[], message.as_bytes()).await
    }

    async fn ask(&mut self, fixture: &Fixture, message: &Value) -> Value {
        let answer = self.post(fixture, &message.to_string()).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{}", answer.text());
        let (event, data) = self.event().await.expect("an answer");
        assert_eq!(event, "message");
        serde_json::from_str(&data).expect("JSON")
    }
}

fn intercept(id: u32) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": "intercept", "arguments": { "tool_name": "read_file" } } })
}

#[tokio::test]
async fn a_session_is_told_where_to_post_and_answers_as_events() {
    let fixture = Fixture::start().await;
    let mut stream = Stream::open(&fixture, &fixture.key).await;
    assert!(stream.head.contains("text/event-stream"), "{}", stream.head);
    assert!(
        stream.post.starts_with("/sse/message?session_id=") && !stream.post.contains(&fixture.key),
        "{}",
        stream.post
    );
    let token = stream.post.rsplit('=').next().expect("an id").to_owned();
    assert_eq!(token.len(), 32, "128 bits");
    let hello =
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "protocolVersion": "2024-11-05" } });
    assert_eq!(stream.ask(&fixture, &hello).await["result"]["protocolVersion"], "2024-11-05");
    assert_eq!(stream.post(&fixture, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await.status, 202);
    for id in 1..4 {
        let answer = stream.ask(&fixture, &intercept(id)).await;
        assert_eq!((&answer["id"], &answer["result"]["structuredContent"]["allowed"]), (&json!(id), &json!(true)));
    }
    // What is no JSON is answered too, or its sender would wait for ever.
    assert_eq!(stream.post(&fixture, "{").await.status, 202);
    assert!(stream.event().await.expect("an answer").1.contains("-32700"));
    let other = Stream::open(&fixture, &fixture.key).await;
    assert_ne!(other.post, stream.post);
    assert_eq!(fixture.server.app.mcp.sessions(), 2);
}

#[tokio::test]
async fn an_id_that_was_never_given_opens_nothing() {
    let fixture = Fixture::start().await;
    let stream = Stream::open(&fixture, &fixture.key).await;
    let message = intercept(1).to_string();
    for path in ["/sse/message", "/sse/message?session_id=", "/sse/message?session_id=00000000000000000000000000000000"]
    {
        let answer = fixture.call("POST", path, &fixture.key, &message).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    let cut = stream.post.strip_suffix(|_: char| true).expect("an id").to_owned();
    assert_eq!(fixture.call("POST", &cut, &fixture.key, &message).await.status, 404);
    assert_eq!(fixture.call("GET", "/api/logs", &fixture.key, "").await.json(), json!([]), "something was decided");
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_opened_it() {
    let fixture = Fixture::start().await;
    let key_text = fixture.key_with(Scopes::all()).await;
    let mut stream = Stream::open(&fixture, &key_text).await;
    assert_eq!(stream.ask(&fixture, &intercept(1)).await["result"]["isError"], false);
    let engine = &fixture.server.app.engine;
    let caller = engine.authenticate(&key_text).await.expect("valid");
    let operator = engine.authenticate(&fixture.key).await.expect("valid");
    let id = caller.key.to_string();
    let cx = engine.context(operator).expect("randomness");
    engine
        .write(cx, "test", move |tx, cx| key::revoke(tx, cx.tenant(), &id, cx.now).map(|_| ()))
        .await
        .expect("revoked");
    let answer = stream.post(&fixture, &intercept(2).to_string()).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(stream.event().await, None, "the stream goes on");
    assert_eq!(stream.post(&fixture, &intercept(3).to_string()).await.status, 404);
    assert_eq!(fixture.server.app.mcp.sessions(), 0);
}

#[tokio::test]
async fn a_session_acts_for_its_own_tenant_only() {
    let fixture = Fixture::start().await;
    let mut stream = Stream::open(&fixture, &fixture.other).await;
    // A key beside the session's id changes nothing.
    let answer = fixture.call("POST", &stream.post, &fixture.key, &intercept(1).to_string()).await;
    assert_eq!(answer.status, 202);
    stream.event().await.expect("an answer");
    assert_eq!(fixture.call("GET", "/api/logs", &fixture.key, "").await.json(), json!([]));
    assert_eq!(fixture.call("GET", "/api/logs", &fixture.other, "").await.json().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_session() {
    let fixture = Fixture::start().await;
    let stream = Stream::open(&fixture, &fixture.key).await;
    assert_eq!(fixture.server.app.mcp.sessions(), 1);
    drop(stream);
    let gone = async {
        while fixture.server.app.mcp.sessions() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("forgotten");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_well_and_at_once() {
    let fixture = Fixture::with(
        |config| config.limits.drain_time = std::time::Duration::from_secs(600),
        loop_server::surface::rows(),
    )
    .await;
    let mut stream = Stream::open(&fixture, &fixture.key).await;
    let Fixture { server, _folder, .. } = fixture;
    let (ended, ()) = tokio::join!(stream.event(), server.shutdown());
    assert_eq!(ended, None);
}

#[tokio::test]
async fn a_session_without_messages_ends_and_one_that_may_go_on_is_told_that_it_lives() {
    for (session_time, lives) in [(std::time::Duration::from_secs(3_600), true), (std::time::Duration::ZERO, false)] {
        let change = |config: &mut loop_server::config::Config| {
            config.limits.idle_time = std::time::Duration::from_millis(200);
            config.limits.session_time = session_time;
        };
        let fixture = Fixture::with(change, loop_server::surface::rows()).await;
        let mut stream = Stream::open(&fixture, &fixture.key).await;
        for _ in 0..3 {
            assert_eq!(stream.chunk().await.is_some_and(|text| text.starts_with(": ")), lives);
        }
        if !lives {
            assert_eq!(stream.post(&fixture, &intercept(1).to_string()).await.status, 404);
        }
    }
}

#[tokio::test]
async fn a_session_has_so_many_messages_worked_on_and_no_more() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    let mut stream = Stream::open(&fixture, &fixture.key).await;
    let shut = fake.state.calls.write().await;
    let message =
        |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "fs__echo" } });
    for id in 0..16 {
        assert_eq!(stream.post(&fixture, &message(id).to_string()).await.status, 202);
    }
    assert_eq!(stream.post(&fixture, &message(16).to_string()).await.status, 429);
    fake.until_received(16).await;
    drop(shut);
    for _ in 0..16 {
        assert!(stream.event().await.expect("an answer").1.contains("done"));
    }
    assert_eq!(fake.received().len(), 16);
    assert_eq!(stream.ask(&fixture, &message(17)).await["id"], 17);
}

#[tokio::test]
async fn a_tenant_may_open_so_many_streams_and_no_more() {
    let fixture = Fixture::start().await;
    let mut open = Vec::new();
    for _ in 0..256 {
        open.push(Stream::open(&fixture, &fixture.key).await);
    }
    assert_eq!(fixture.call("GET", "/sse", &fixture.key, "").await.status, 429);
    open.push(Stream::open(&fixture, &fixture.other).await);
    assert_eq!(fixture.server.app.mcp.sessions(), 257);
}

#[tokio::test]
async fn looking_at_the_stream_opens_none() {
    let fixture = Fixture::start().await;
    let answer = fixture.call("HEAD", "/sse", &fixture.key, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(fixture.server.app.mcp.sessions(), 0);
    assert_eq!(fixture.send("GET", "/sse", &[], b"").await.status, 401);
    assert_eq!(fixture.send("GET", "/sse?api_key=tl_nope", &[], b"").await.status, 401);
}
