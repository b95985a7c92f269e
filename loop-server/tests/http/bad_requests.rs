//! A bad request of every kind gets its 4xx, in the surface's shape where a surface can be told.

use crate::{
    http::rows,
    support::{
        Answer, Fixture,
        client::{Client, request},
    },
};

fn assert_flat(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    assert!(body["code"].is_string() && body["request_id"].is_string(), "{body}");
}

async fn error(fixture: &Fixture, body: &str) -> String {
    let answer = fixture.call("POST", "/t/echo", &fixture.key, body).await;
    assert_flat(&answer, 400);
    answer.json()["error"].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_by_its_path() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let ok = fixture.call("POST", "/t/echo", &fixture.key, r#"{"action":"approve","unknown":[1]}"#).await;
    assert_eq!(ok.status, 200, "unknown members are tolerated: {}", ok.text());

    assert!(error(&fixture, "{}").await.contains("missing field `action`"));
    assert!(error(&fixture, r#"{"action":"nuke"}"#).await.contains("`action`: unknown variant `nuke`"));
    assert!(error(&fixture, r#"{"action":"block","count":"x"}"#).await.contains("`count`"));
    assert!(error(&fixture, r#"{"action":"block","nested":[{"n":1},{"n":999}]}"#).await.contains("`nested[1].n`"));
    assert!(error(&fixture, r#"{"action":"block","action":"approve"}"#).await.contains("duplicate key `action`"));
    assert!(error(&fixture, "").await.contains("body is expected"));
    error(&fixture, r#"{"action":"block"} {}"#).await;
    error(&fixture, r#"["block",1,[]]"#).await;
    error(&fixture, &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).await;
    let deep = format!(r#"{{"action":"block","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    error(&fixture, &deep).await;
    error(&fixture, r#"{"action":"block","x":{"y":1,"y":2}}"#).await;
}

#[tokio::test]
async fn ten_megabytes_are_refused_with_an_answer_that_arrives() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let big = vec![b'x'; 10 << 20];
    let answer = fixture.send("POST", "/t/echo", &[("x-api-key", &fixture.key)], &big).await;
    assert_flat(&answer, 413);
    let answer = fixture.send("POST", "/t/echo", &[], &big).await;
    assert_flat(&answer, 401);
    let answer = fixture.send("POST", "/nowhere", &[], &big).await;
    assert_flat(&answer, 404);
}

#[tokio::test]
async fn a_chunked_body_is_held_to_the_same_limit() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let head = format!(
        "POST /t/length HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        fixture.key
    );
    let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "y".repeat(size));

    let mut client = Client::connect(fixture.address).await;
    client.send(format!("{head}{}{}0\r\n\r\n", chunk(40_000), chunk(20_000)).as_bytes()).await;
    let answer = client.answer(false).await.expect("an answer");
    assert_eq!((answer.status, answer.json()["length"].as_u64()), (200, Some(60_000)));

    client.send(format!("{head}{}{}0\r\n\r\n", chunk(40_000), chunk(40_000)).as_bytes()).await;
    assert_flat(&client.answer(false).await.expect("an answer"), 413);
}

#[tokio::test]
async fn framing_that_lies_is_refused() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let head = format!("POST /t/length HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n", fixture.key);
    for bad in [
        "transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        let mut client = Client::connect(fixture.address).await;
        client.send(format!("{head}{bad}").as_bytes()).await;
        let answer = client.answer(false).await.expect("an answer");
        assert_flat(&answer, 400);
        assert!(client.ends().await, "{bad:?}: what follows cannot be told apart");
    }
    // What the parser itself refuses has no surface yet: a bare status.
    for bad in [
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "content-length: -1\r\n\r\n",
        "content-length: 99999999999999999999999\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "bad header\r\n\r\n",
    ] {
        let mut client = Client::connect(fixture.address).await;
        client.send(format!("{head}{bad}").as_bytes()).await;
        let answer = client.answer(false).await.expect("an answer");
        assert_eq!(answer.status, 400, "{bad:?}");
        assert!(client.ends().await, "{bad:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_never_hides_a_request_in_a_body() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let hidden = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let told = hidden.len() + 5;
    for lengths in [
        format!("content-length: {told}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {told}\r\n"),
    ] {
        let mut client = Client::connect(fixture.address).await;
        let head = format!("POST /t/length HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n{lengths}\r\n", fixture.key);
        client.send(format!("{head}0\r\n\r\n{hidden}").as_bytes()).await;
        // Refused, or read as the chunks say (RFC 9112, section 6.3); the length is never believed.
        let answer = client.answer(false).await.expect("an answer");
        assert!(answer.status == 400 || answer.json()["length"] == 0, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let headers = [("x-api-key", fixture.key.as_str()), ("content-encoding", "gzip")];
    assert_flat(&fixture.send("POST", "/t/echo", &headers, b"\x1f\x8b").await, 415);
}

#[tokio::test]
async fn heads_beyond_their_size_are_refused() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let long = "x".repeat(40 << 10);
    assert_flat(&fixture.send("GET", "/health", &[("x-junk", &long)], b"").await, 431);
    assert_flat(&fixture.send("GET", &format!("/health?{}", "x".repeat(9000)), &[], b"").await, 414);
    // Far beyond it, the parser refuses with a bare status and hangs up; the answer may get lost on the way.
    let huge = "x".repeat(1 << 20);
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/health", &[("x-junk", &huge)], b"")).await;
    assert!(client.answer(false).await.is_none_or(|answer| answer.status == 431));
    assert!(client.ends().await);
    let many: Vec<(String, String)> = (0..500).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fixture.send("GET", "/health", &many, b"").await.status, 431);
}

#[tokio::test]
async fn unknown_paths_and_broken_escapes_are_told_apart() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    assert_flat(&fixture.send("GET", "/nowhere", &[], b"").await, 404);
    assert_flat(&fixture.send("GET", "/t/params/%zz/x", &[], b"").await, 400);
    assert_flat(&fixture.send("GET", "/t/params/%ff/x", &[], b"").await, 400);
    assert_flat(&fixture.send("POST", "/health", &[], b"").await, 405);
    let openai = fixture.send("GET", "/v1/nowhere", &[], b"").await;
    assert_eq!((openai.status, openai.json()["error"]["type"].as_str()), (404, Some("invalid_request_error")));
    let developer = fixture.send("GET", "/api/v1/nowhere", &[], b"").await;
    assert_eq!((developer.status, developer.json()["error"]["code"].as_str()), (404, Some("NOT_FOUND")));
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    let head = request("POST", "/t/echo", &[("expect", "100-continue"), ("content-length", "1000000")], b"");
    let head = String::from_utf8(head).expect("ASCII").replace("content-length: 0\r\n", "");
    client.send(head.as_bytes()).await;
    assert_flat(&client.answer(false).await.expect("an answer without a body sent"), 401);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn no_bytes_bring_the_server_down(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        cut in 0_usize..200,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let fixture = Fixture::with(|config| config.db = ":memory:".into(), rows::all()).await;
            let whole = request("POST", "/t/echo?a=b", &[("x-api-key", &fixture.key)], b"{\"action\":\"block\"}");
            let torn = [&whole[..cut.min(whole.len())], &bytes[..]].concat();
            for sent in [&bytes[..], &torn[..]] {
                let mut client = Client::connect(fixture.address).await;
                client.send(sent).await;
                tokio::io::AsyncWriteExt::shutdown(&mut client.socket).await.expect("half closed");
                while client.answer(false).await.is_some_and(|answer| answer.status < 500) {}
            }
            assert_eq!(fixture.send("GET", "/livez", &[], b"").await.status, 200);
        });
    }
}
