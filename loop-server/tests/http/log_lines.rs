//! No key and no token in any line of the log, whatever is sent and however it fails.

use std::{
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex},
};

use loop_server::log::{LogFormat, subscriber};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    http::rows,
    support::{
        Fixture,
        client::{Client, request},
    },
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Everything that this process logs, at the most talkative level, from the first test that asks on. One log for
/// all, because which lines are wanted is remembered per process.
static LOG: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    let subscriber = subscriber("trace", LogFormat::Json, false, lines.clone()).expect("a sound filter");
    tracing::subscriber::set_global_default(subscriber).expect("the only log of this process");
    lines
});

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

async fn send_secrets_everywhere(fixture: &Fixture) {
    const SECRET: &str = "s3cr3t";
    let key = fixture.key.clone();
    let secret_headers = [
        ("x-api-key", "tl_s3cr3t"),
        ("authorization", "Bearer s3cr3t"),
        ("x-loop-key", "s3cr3t"),
        ("cookie", "s3cr3t"),
        ("x-request-id", "has s3cr3t inside"),
    ];
    for path in ["/t/key", "/t/token/s3cr3t", "/nowhere/s3cr3t", "/t/params/%zz/s3cr3t", "/t/panic", "/v1/models"] {
        for method in ["GET", "POST", "DELETE", "HEAD", "OPTIONS"] {
            let path = format!("{path}?api_key={SECRET}&token={SECRET}");
            fixture.send(method, &path, &secret_headers, b"{\"password\":\"s3cr3t\"").await;
        }
    }
    for body in ["{\"action\":\"s3cr3t\"}", "s3cr3t", "{\"s3cr3t\":1"] {
        fixture.call("POST", "/t/echo", &key, body).await;
    }
    fixture.send("GET", &format!("/t/key?api_key={key}"), &[], b"").await;
    for raw in ["s3cr3t\r\n\r\n", "GET /s3cr3t\r\n\r\n", "POST / HTTP/1.1\r\nx-api-key s3cr3t\r\n\r\n"] {
        let mut client = Client::connect(fixture.address).await;
        client.send(raw.as_bytes()).await;
        client.answer(false).await;
    }
    let mut torn = Client::connect(fixture.address).await;
    let whole = request("POST", "/t/echo?api_key=s3cr3t", &[("x-api-key", &key)], b"{\"x\":\"s3cr3t\"}");
    torn.send(&whole[..whole.len() - 3]).await;
    drop(torn);
}

#[tokio::test]
async fn no_line_holds_a_key_or_a_token() {
    let log = &*LOG;
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    send_secrets_everywhere(&fixture).await;
    let Fixture { server, key, other, _folder, .. } = fixture;
    server.shutdown().await;
    let text = log.text();
    assert!(text.contains("test.echo") && text.contains("test.key"), "requests are logged at all:\n{text}");
    for secret in ["s3cr3t", &key, &other] {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{line:?}");
    }
}

#[tokio::test]
async fn a_defect_is_told_once_in_the_log_and_never_to_the_caller() {
    let log = &*LOG;
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let answer = fixture.send("GET", "/t/failure?code=internal", &[("x-request-id", "r-42")], b"").await;
    assert!(!answer.text().contains("inner workings"));
    let text = log.text();
    let told: Vec<&str> =
        text.lines().filter(|line| line.contains("the inner workings") && line.contains("r-42")).collect();
    assert_eq!(told.len(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(told[0]).expect("one JSON object per line");
    assert_eq!(line["operation"], "test.failure");
}
