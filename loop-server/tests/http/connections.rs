//! Connections: kept alive, pipelined, slow, idle, too many.

use std::time::Duration;

use crate::{
    http::rows,
    support::{
        Fixture,
        client::{Client, request},
    },
};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    let mut all = Vec::new();
    for n in 0..20 {
        let id = format!("r-{n}");
        let body = format!(r#"{{"action":"block","count":{n}}}"#);
        let headers = [("x-api-key", fixture.key.as_str()), ("x-request-id", id.as_str())];
        all.extend(request("POST", "/t/echo", &headers, body.as_bytes()));
    }
    client.send(&all).await;
    for n in 0..20 {
        let answer = client.answer(false).await.expect("an answer");
        assert_eq!(answer.header("x-request-id"), Some(format!("r-{n}").as_str()));
        assert_eq!(answer.json()["count"], n);
    }
}

#[tokio::test]
async fn a_refused_request_leaves_its_connection_usable() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", "/t/echo", &[], &vec![b'x'; 200_000])).await;
    assert_eq!(client.answer(false).await.expect("an answer").status, 401);
    client.send(&request("GET", "/livez", &[], b"")).await;
    assert_eq!(client.answer(false).await.expect("another answer").status, 200);
}

#[tokio::test]
async fn a_head_that_dribbles_in_is_cut_off() {
    let short = |config: &mut loop_server::config::Config| config.limits.head_time = Duration::from_millis(50);
    let fixture = Fixture::with(short, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(b"GET /livez HTTP/1.1\r\nx-slow: ").await;
    assert!(client.ends().await);
    let mut silent = Client::connect(fixture.address).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_408() {
    let short = |config: &mut loop_server::config::Config| config.limits.body_time = Duration::from_millis(50);
    let fixture = Fixture::with(short, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    let head = request("POST", "/t/echo", &[("x-api-key", &fixture.key)], &[b' '; 100]);
    client.send(&head[..head.len() - 50]).await;
    let answer = client.answer(false).await.expect("an answer");
    assert_eq!(answer.status, 408);
    assert!(answer.json()["error"].is_string());
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let short = |config: &mut loop_server::config::Config| {
        config.limits.head_time = Duration::from_millis(50);
        config.limits.idle_time = Duration::from_millis(50);
    };
    let fixture = Fixture::with(short, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/livez", &[], b"")).await;
    assert_eq!(client.answer(false).await.expect("an answer").status, 200);
    assert!(client.ends().await);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let one = |config: &mut loop_server::config::Config| config.limits.connections = 1;
    let fixture = Fixture::with(one, rows::all()).await;
    let mut first = Client::connect(fixture.address).await;
    first.send(&request("GET", "/livez", &[], b"")).await;
    assert_eq!(first.answer(false).await.expect("an answer").status, 200);

    let mut second = Client::connect(fixture.address).await;
    second.send(&request("GET", "/metrics", &[], b"")).await;
    drop(first);
    let answer = second.answer(false).await.expect("an answer");
    assert!(answer.text().contains("loop_http_connections 1"), "never two at once");
}

#[tokio::test]
async fn a_unix_socket_serves_the_same() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("loop.sock");
    let listen = loop_server::http::Listen::Unix(path.clone());
    let listener = loop_server::http::Listener::bind(&listen).await.expect("bound");
    let server = loop_server::serve(loop_server::config::Config::ephemeral(), listener).await.expect("started");
    let mut socket = tokio::net::UnixStream::connect(&path).await.expect("connected");
    socket.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("sent");
    let mut all = String::new();
    socket.read_to_string(&mut all).await.expect("read");
    assert!(all.starts_with("HTTP/1.1 200"), "{all}");
    server.shutdown().await;
    assert!(!path.exists());
}
