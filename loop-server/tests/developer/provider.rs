//! A tool's provider, and the manifests that lead to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{ask, get, text};
use crate::support::{Answer, Fixture};

/// An HTTP server whose paths answer in different ways: `/found` plainly, `/sourced` with a source of its own, `/page`
/// what the source holds, `/fails` not at all.
pub struct Provider {
    pub url: String,
    calls: Arc<AtomicUsize>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let calls = Arc::new(AtomicUsize::new(0));
        let (base, seen) = (url.clone(), Arc::clone(&calls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let path = read(stream, &base).await;
                seen.fetch_add(usize::from(path != "/page"), Ordering::SeqCst);
            }
        });
        Self { url, calls }
    }

    /// How often a tool was really called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn read(stream: TcpStream, base: &str) -> String {
    let mut stream = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a line");
        if path.is_empty() {
            path = line.split(' ').nth(1).expect("a path").to_owned();
        }
        if let Some((_, text)) = line.to_ascii_lowercase().split_once("content-length:") {
            length = text.trim().parse().expect("a length");
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    let (status, body) = match path.as_str() {
        "/found" => ("200 OK", json!({"found": 3}).to_string()),
        "/sourced" => {
            let page = format!("{base}/page");
            ("200 OK", json!({"source_url": page, "retrieved_at": "2026-01-01T00:00:00Z"}).to_string())
        }
        "/page" => ("200 OK", "what was found".to_owned()),
        _ => ("500 Internal Server Error", String::new()),
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    // The caller may be gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    path
}

/// A private tool of low risk, changed as said.
pub fn manifest(endpoint: &str, changes: &Value) -> Value {
    let mut manifest = json!({
        "name": "find_leads", "description": "Find leads.", "category": "sales_revenue_ops", "riskLevel": "low",
        "requiresApprovalDefault": false, "expectedProofs": [], "inputSchema": {"type": "object", "required": ["city"]},
        "outputSchema": {"type": "object"}, "providerType": "http", "visibility": "private", "version": "1.0.0",
        "endpoint": endpoint,
    });
    for (name, value) in changes.as_object().expect("an object") {
        manifest[name] = value.clone();
    }
    manifest
}

pub async fn publish(fixture: &Fixture, key: &str, manifest: &Value) -> Value {
    get(fixture, "POST", "/api/developer/tools/manifest", key, &manifest.to_string()).await
}

/// Calls a tool in guided mode.
pub async fn invoke(fixture: &Fixture, key: &str, tool: &str) -> Answer {
    let body = json!({"tool": tool, "input": {"city": "Rome"}}).to_string();
    ask(fixture, "POST", "/api/v1/tools/invoke", key, &body).await
}

/// The same, for a call that succeeds; its invocation and its proof.
pub async fn called(fixture: &Fixture, key: &str, tool: &str) -> (String, String) {
    let answer = invoke(fixture, key, tool).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["status"]), (200, &json!("succeeded")), "{body}");
    (text(&body["invocationId"]), text(&body["proofIds"][0]))
}
