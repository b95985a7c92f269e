//! The guard over real sockets.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use loop_core::base::{Code, secret::Secret};
use serde_json::json;

use super::{
    Answer, Client, Error, Limits,
    address::Refused,
    connect::{Resolve, Resolving},
    forward::{self, Forward},
    sink::{Sink, answer},
};

const OPEN: Limits = Limits { allow_private: true, seconds: 30, body_max: 1 << 20 };
const GUARDED: Limits = Limits { allow_private: false, ..OPEN };

/// A resolver that gives the same answer to every question and counts them.
struct Fixed(Vec<IpAddr>, AtomicUsize);

impl Resolve for Fixed {
    fn resolve(&self, _: &str) -> Resolving {
        self.1.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.clone();
        Box::pin(async move { Ok(answer) })
    }
}

struct Broken;

impl Resolve for Broken {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async { Err(io::Error::other("no such name: s3cret")) })
    }
}

fn client(limits: Limits, addresses: &[&str]) -> (Client, Arc<Fixed>) {
    let resolver = Arc::new(Fixed(addresses.iter().map(|text| text.parse().unwrap()).collect(), AtomicUsize::new(0)));
    (Client::with_resolver(limits, resolver.clone()).unwrap(), resolver)
}

async fn get(client: &Client, url: &str) -> Result<Answer, Error> {
    client.send(Method::GET, &client.target(url)?, HeaderMap::new(), Bytes::new()).await
}

#[tokio::test]
async fn a_name_with_any_address_that_is_not_public_is_refused_and_not_dialled() {
    let mut sink = Sink::json("200 OK", "{}").await;
    for (addresses, why) in [
        (vec!["127.0.0.1"], Refused::Loopback),
        (vec!["93.184.215.14", "127.0.0.1"], Refused::Loopback),
        (vec!["127.0.0.1", "93.184.215.14"], Refused::Loopback),
        (vec!["2606:4700::1111", "10.0.0.1"], Refused::Private),
        (vec!["::1"], Refused::Loopback),
        (vec!["::ffff:169.254.169.254"], Refused::LinkLocal),
        (vec!["64:ff9b::a9fe:a9fe"], Refused::LinkLocal),
        (vec!["168.63.129.16"], Refused::Metadata),
    ] {
        let (client, resolver) = client(GUARDED, &addresses);
        let outcome = get(&client, &format!("https://rebind.example:{}/", sink.address.port())).await;
        assert_eq!(outcome.unwrap_err(), Error::Refused { host: "rebind.example".into(), why }, "{addresses:?}");
        assert_eq!(resolver.1.load(Ordering::SeqCst), 1);
    }
    assert!(sink.is_idle());
}

#[tokio::test]
async fn literal_addresses_are_checked_like_names() {
    let (client, resolver) = client(GUARDED, &["93.184.215.14"]);
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://0.0.0.0/",
    ] {
        let error = get(&client, url).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{url}: {error}");
        assert_eq!(error.code(), Code::InvalidRequest);
    }
    assert_eq!(resolver.1.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn localhost_is_refused_by_what_the_system_answers() {
    let client = Client::new(GUARDED).unwrap();
    let error = get(&client, "https://localhost/").await.unwrap_err();
    assert!(matches!(error, Error::Refused { why: Refused::Loopback, .. }), "{error}");
}

#[tokio::test]
async fn plain_http_is_refused_before_anything_is_resolved() {
    let (client, resolver) = client(GUARDED, &["93.184.215.14"]);
    assert_eq!(get(&client, "http://example.com/").await.unwrap_err(), Error::Url("is not https"));
    assert_eq!(resolver.1.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_address_dialled_is_the_address_checked() {
    // The name means nothing to the system: only the injected answer can lead to the sink.
    let mut sink = Sink::json("200 OK", "{}").await;
    let (client, resolver) = client(OPEN, &["127.0.0.1"]);
    let answer = get(&client, &format!("http://nowhere.invalid:{}/x", sink.address.port())).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(sink.request().await.header("host").unwrap(), format!("nowhere.invalid:{}", sink.address.port()));
    assert_eq!(resolver.1.load(Ordering::SeqCst), 1, "resolved once");
}

#[tokio::test]
async fn a_name_without_answer_is_an_error_without_the_resolver_s_words() {
    let client = Client::with_resolver(GUARDED, Arc::new(Broken)).unwrap();
    let error = get(&client, "https://nowhere.example/s3cret").await.unwrap_err();
    assert_eq!(error, Error::Unresolved("nowhere.example".into()));
    let (client, _) = self::client(GUARDED, &[]);
    assert!(matches!(get(&client, "https://nowhere.example/").await, Err(Error::Unresolved(_))));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let mut inner = Sink::json("200 OK", r#"{"secret":1}"#).await;
    let location = format!("Location: {}\r\n", inner.url("/"));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let sink = Sink::new(vec![answer(status, &location, b"")]).await;
        let answer = get(&Client::new(OPEN).unwrap(), &sink.url("/")).await.unwrap();
        assert!(answer.status.is_redirection());
    }
    assert!(inner.is_idle());
}

#[tokio::test]
async fn an_answer_that_never_ends_hits_the_time_limit() {
    // Headers that stall, and a body that stalls.
    let limits = Limits { seconds: 1, ..OPEN };
    for (head, status) in
        [("HTTP/1.1 200 OK\r\nX-A: ", None), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Some(200))]
    {
        let sink = Sink::hanging(vec![head.as_bytes().to_vec()]).await;
        let error = get(&Client::new(limits).unwrap(), &sink.url("/")).await.unwrap_err();
        assert_eq!(error, Error::Timeout { seconds: 1, status });
        assert_eq!(error.code(), Code::UpstreamFailed);
    }
}

#[tokio::test]
async fn a_huge_answer_is_cut_and_the_connection_dropped() {
    let limits = Limits { body_max: 1_000, ..OPEN };
    let mut huge = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".to_vec();
    huge.resize(1 << 22, b'x');
    let sink = Sink::hanging(vec![huge]).await;
    let answer = get(&Client::new(limits).unwrap(), &sink.url("/")).await.unwrap();
    assert!(answer.cut);
    assert_eq!(answer.body, "x".repeat(1_000));

    let exact = Sink::new(vec![self::answer("200 OK", "", "x".repeat(1_000).as_bytes())]).await;
    let answer = get(&Client::new(limits).unwrap(), &exact.url("/")).await.unwrap();
    assert!(!answer.cut && answer.body.len() == 1_000);
}

#[tokio::test]
async fn endless_headers_and_garbage_break_the_exchange() {
    let mut flood = b"HTTP/1.1 200 OK\r\n".to_vec();
    for n in 0..100_000 {
        flood.extend_from_slice(format!("X-{n}: y\r\n").as_bytes());
    }
    for bytes in [flood, b"SSH-2.0-x\r\n\r\n".to_vec(), Vec::new()] {
        let sink = Sink::new(vec![bytes]).await;
        let error = get(&Client::new(OPEN).unwrap(), &sink.url("/s3cret?s3cret")).await.unwrap_err();
        assert_eq!(error, Error::Broken { status: None });
    }
}

#[tokio::test]
async fn a_closed_port_and_a_plain_port_spoken_to_in_tls_are_connection_failures() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let client = Client::new(OPEN).unwrap();
    let error = get(&client, &format!("http://127.0.0.1:{port}/s3cret")).await.unwrap_err();
    assert_eq!(error, Error::Connect("127.0.0.1".into()));
    let sink = Sink::json("200 OK", "{}").await;
    let error = get(&client, &format!("https://127.0.0.1:{}/s3cret", sink.address.port())).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error}");
    assert!(!error.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let cert = include_bytes!("testdata/self_signed.cert.der").to_vec().into();
    let key = include_bytes!("testdata/self_signed.key.der").to_vec().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(drop)
    });
    let error = get(&Client::new(OPEN).unwrap(), &format!("https://{address}/s3cret")).await.unwrap_err();
    assert_eq!(error, Error::Connect(format!("https://{address}")));
    // It was the certificate: the client said so.
    let told = served.await.unwrap().unwrap_err().to_string();
    assert!(told.contains("UnknownCA"), "{told}");
}

fn post<'a>(url: &'a str, headers: &'a [(&'a str, &'a str)], body: &'a str) -> Forward<'a> {
    Forward { url, method: "POST", headers, body, own_key: None }
}

#[tokio::test]
async fn a_forwarded_call_hands_back_status_and_json_digit_for_digit() {
    let mut sink = Sink::json("201 Created", r#"{"ok":true,"n":9007199254740993,"d":1.50}"#).await;
    let client = Client::new(OPEN).unwrap();
    let url = sink.url("/emails?x=1");
    let headers = [("Authorization", "Bearer re_xxx"), ("X-Api-Key", "theirs")];
    let forwarded = forward::send(&client, post(&url, &headers, r#"{"hello":1}"#)).await.unwrap();
    assert_eq!(
        serde_json::to_string(&forwarded).unwrap(),
        r#"{"forwarded":true,"status_code":201,"result":{"ok":true,"n":9007199254740993,"d":1.50}}"#
    );
    let request = sink.request().await;
    assert_eq!((request.line.as_str(), request.body.as_str()), ("POST /emails?x=1 HTTP/1.1", r#"{"hello":1}"#));
    assert_eq!(request.header("authorization"), Some("Bearer re_xxx"));
    assert_eq!(request.header("x-api-key"), Some("theirs"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("host"), Some(sink.address.to_string().as_str()));
}

#[tokio::test]
async fn other_answers_come_back_as_text() {
    let long = format!("[{}]", "1,".repeat(600));
    for (body, want) in [
        (&b"ok"[..], json!({"forwarded": true, "status_code": 500, "result": "ok"})),
        (b"", json!({"forwarded": true, "status_code": 500, "result": null})),
        (b"{\"a\":1,\"a\":2}", json!({"forwarded": true, "status_code": 500, "result": "{\"a\":1,\"a\":2}"})),
        (b"\xff\xfe", json!({"forwarded": true, "status_code": 500, "result": "\u{fffd}\u{fffd}"})),
        (
            long.as_bytes(),
            json!({"forwarded": true, "status_code": 500, "result": "[".to_owned() + &"1,".repeat(499) + "1", "truncated": true}),
        ),
    ] {
        let sink = Sink::new(vec![answer("500 Oops", "", body)]).await;
        let client = Client::new(Limits { body_max: 1_000, ..OPEN }).unwrap();
        let forwarded = forward::send(&client, post(&sink.url("/"), &[], "{}")).await.unwrap();
        assert_eq!(serde_json::to_value(&forwarded).unwrap(), want);
    }
}

#[tokio::test]
async fn reading_methods_are_sent_without_a_body() {
    let client = Client::new(OPEN).unwrap();
    for method in ["GET", "head", "Get"] {
        let mut sink = Sink::new(vec![answer("204 No Content", "", b"")]).await;
        let url = sink.url("/");
        forward::send(&client, Forward { method, ..post(&url, &[], r#"{"a":1}"#) }).await.unwrap();
        let request = sink.request().await;
        assert_eq!((request.body.as_str(), request.header("content-type")), ("", None));
    }
    for method in ["CONNECT", "TRACE", "", "POST x", "PÖST"] {
        let forward = Forward { method, ..post("http://127.0.0.1/", &[], "{}") };
        assert!(matches!(forward::send(&client, forward).await, Err(Error::Method(_))), "{method}");
    }
}

#[tokio::test]
async fn headers_of_the_connection_are_the_server_s_to_set() {
    let mut sink = Sink::json("200 OK", "{}").await;
    let client = Client::new(OPEN).unwrap();
    let url = sink.url("/");
    for name in [
        "Host",
        "content-length",
        "Connection",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Anything",
        "Expect",
        "X-Loop-Key",
        "",
        "bad name",
        "bad\r\nname",
    ] {
        let headers = [(name, "x")];
        assert!(matches!(forward::send(&client, post(&url, &headers, "{}")).await, Err(Error::Header(_))), "{name:?}");
        assert!(forward::check(&client, &url, "POST", &headers).is_err());
    }
    for value in ["a\r\nHost: evil", "a\nb", "a\0"] {
        let headers = [("X-A", value)];
        assert_eq!(forward::send(&client, post(&url, &headers, "{}")).await.unwrap_err(), Error::Header("X-A".into()));
    }
    let many: Vec<(&str, &str)> = vec![("X-A", "b"); 65];
    assert!(forward::send(&client, post(&url, &many, "{}")).await.is_err());
    assert!(sink.is_idle());
}

#[tokio::test]
async fn the_caller_s_own_key_is_never_sent() {
    let mut sink = Sink::json("200 OK", "{}").await;
    let client = Client::new(OPEN).unwrap();
    let key = Secret::new("tl_0123456789");
    let url = sink.url("/");
    let leaking = sink.url("/?k=tl_0123456789");
    for (url, headers, body) in [
        (&url, vec![("Authorization", "Bearer tl_0123456789")], "{}"),
        (&leaking, vec![], "{}"),
        (&url, vec![], r#"{"k":"tl_0123456789"}"#),
    ] {
        let forward = Forward { own_key: Some(&key), ..post(url, &headers, body) };
        let error = forward::send(&client, forward).await.unwrap_err();
        assert_eq!(error, Error::OwnKey);
        assert!(!error.to_string().contains("tl_"));
    }
    assert!(sink.is_idle());
}
