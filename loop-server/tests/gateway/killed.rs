//! The server dies in mid-stream: what stands in its file then is true, nothing waits for ever, and it goes on.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    CHAT, STREAMED, TRANSFERS,
    fake::{Asked, Fake},
    listener::{self, hear_call, hear_text, hear_verdict, rest},
    say,
};
use crate::support::{
    Answer,
    client::Client,
    own::{self, KEY},
    process,
};

/// A server that is a process of its own, killed when a test ends.
struct Process {
    folder: tempfile::TempDir,
    url: String,
    process: std::process::Child,
    address: SocketAddr,
}

impl Process {
    fn start(fake: &Fake) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("{}/v1", fake.url());
        let (process, address) = Self::run(&folder, &url);
        Self { folder, url, process, address }
    }

    fn run(folder: &tempfile::TempDir, url: &str) -> (std::process::Child, SocketAddr) {
        let settings =
            [("LOOP_API_KEY", KEY), ("LOOP_SECRET_KEY", "a passphrase of the test"), ("LOOP_OPENAI_BASE_URL", url)];
        process::start(folder.path(), &settings)
    }

    fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }

    fn again(&mut self) {
        (self.process, self.address) = Self::run(&self.folder, &self.url);
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        own::call(self.address, method, path, KEY, body).await
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.call("GET", path, "").await.json().as_array().expect("an array").clone()
    }

    async fn assert_sound(&self) {
        let verified = self.call("GET", "/api/audit/verify", "").await.json();
        assert_eq!(verified["valid"], true, "{verified}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server, a client and the model that was asked for it.
async fn running() -> (Process, Fake, Client, Asked) {
    let mut fake = Fake::start().await;
    let process = Process::start(&fake);
    let rule = json!({ "rule_text": TRANSFERS, "action": "approve" }).to_string();
    assert_eq!(process.call("POST", "/api/approval-rules", &rule).await.status, 201);
    let client = listener::ask(process.address, KEY).await;
    let asked = fake.asked().await;
    (process, fake, client, asked)
}

/// Kills the server: the client's stream does not look whole, and the model is left.
async fn killed(process: &mut Process, client: Client, mut asked: Asked) {
    process.kill();
    assert_eq!(rest(client).await, "");
    asked.closed().await;
    process.again();
    process.assert_sound().await;
}

#[tokio::test]
async fn killed_in_a_text_it_knows_of_nothing() {
    let (mut process, _fake, mut client, mut asked) = running().await;
    hear_text(&mut client, &mut asked).await;
    killed(&mut process, client, asked).await;
    assert!(process.list("/api/logs").await.is_empty() && process.list("/api/pending-approvals").await.is_empty());
}

#[tokio::test]
async fn killed_while_it_holds_a_call_it_has_let_nothing_go_and_asks_nobody() {
    let (mut process, mut fake, mut client, mut asked) = running().await;
    hear_call(&mut client, &mut asked).await;
    killed(&mut process, client, asked).await;
    assert!(process.list("/api/logs").await.is_empty() && process.list("/api/pending-approvals").await.is_empty());
    // The same request is asked of the model again, and then of a human.
    let mut client = listener::ask(process.address, KEY).await;
    let told = hear_verdict(&mut client, &mut fake.asked().await).await;
    assert!(told.contains("requires human approval"), "{told}");
}

#[tokio::test]
async fn killed_behind_its_verdict_it_still_waits_for_the_human_and_hands_on_what_was_approved() {
    let (mut process, mut fake, mut client, mut asked) = running().await;
    hear_verdict(&mut client, &mut asked).await;
    killed(&mut process, client, asked).await;
    let statuses: Vec<Value> = process.list("/api/logs").await.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["PENDING"]);
    let waiting = process.list("/api/pending-approvals").await;
    assert_eq!(waiting.len(), 1);
    let path = format!("/api/pending-approvals/{}/decide", waiting[0]["id"].as_str().expect("an id"));
    assert_eq!(process.call("POST", &path, r#"{"action":"approved"}"#).await.status, 200);
    let answer = process.call("POST", CHAT, STREAMED).await;
    assert_eq!(say::heard(&answer.text()).arguments, r#"{"amount":5000,"to":"s3ntinel"}"#);
    assert!(fake.idle() && process.list("/api/pending-approvals").await.is_empty());
    process.assert_sound().await;
}
