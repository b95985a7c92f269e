//! What goes wrong around the file is told in the surface's shape, allows nothing and loses nothing.

use std::{io::Write, path::Path, sync::Arc};

use loop_core::store::Store;
use loop_server::{config::Config, http::Listener, open::OpenError, start::StartError};
use loop_store_sqlite::Options;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{
    Answer,
    held::hold,
    own::{Own, call, open, options},
};

/// A refusal that asks to come again, in the surface's words.
#[track_caller]
fn assert_busy(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some_and(|text| text.parse::<u32>().is_ok_and(|seconds| seconds > 0)));
    let body = answer.json();
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    assert!(body.get("allowed").is_none() && body.get("decision").is_none(), "{body}");
}

const CALL: &str = r#"{"tool_name":"read_file","arguments":{"path":"a"}}"#;

async fn logged(own: &Own) -> usize {
    let answer = own.call("GET", "/api/logs?limit=1", "").await;
    answer.header("x-total-count").and_then(|text| text.parse().ok()).expect("a count")
}

async fn assert_sound(own: &Own) {
    let verified = own.call("GET", "/api/audit/verify", "").await.json();
    assert_eq!(verified["valid"], true, "{verified}");
}

#[tokio::test]
async fn a_locked_file_is_503_until_it_is_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loop.db");
    let own = Own::over(open(&file, options())).await;
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.json()["allowed"], true);
    let other = Connection::open(&file).expect("opened");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    assert_busy(&own.call("POST", "/api/intercept", CALL).await);
    assert_busy(&own.call("POST", "/enforce", r#"{"tool":"read_file"}"#).await);
    assert_busy(&own.call("POST", "/api/blocked-tools", r#"{"tool_name":"read_file"}"#).await);
    // What reads goes on.
    assert_eq!(logged(&own).await, 1);
    let evaluated =
        own.call("POST", "/api/v1/policy/evaluate", r#"{"step":{"action":"read_file","riskLevel":"low"}}"#).await;
    assert_eq!((evaluated.status, evaluated.json()["allowed"].clone()), (200, json!(true)));
    other.execute_batch("ROLLBACK").expect("freed");
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.json()["allowed"], true, "the refused block is no block");
    assert_eq!(logged(&own).await, 2);
    assert_sound(&own).await;
}

#[tokio::test]
async fn a_full_disk_is_503_and_keeps_what_was_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loop.db");
    let first = open(&file, options());
    let own = Own::over(Arc::clone(&first) as Arc<dyn Store>).await;
    own.running.shutdown().await;
    drop(own.app);
    first.close();
    let pages: u32 = Connection::open(&file)
        .and_then(|conn| conn.pragma_query_value(None, "page_count", |row| row.get(0)))
        .expect("counted");
    let own = Own::over(open(&file, Options { max_pages: Some(pages + 20), ..options() })).await;
    let body = json!({ "tool_name": "read_file", "arguments": { "path": "x".repeat(2000) } }).to_string();
    let (mut answered, mut refused) = (0, 0);
    while refused < 5 {
        let answer = own.call("POST", "/api/intercept", &body).await;
        match answer.status {
            200 => answered += 1,
            _ => {
                assert_busy(&answer);
                refused += 1;
            }
        }
        assert!(answered < 1_000, "the disk never filled up");
    }
    assert!(answered > 0);
    assert_eq!(logged(&own).await, answered);
    assert_sound(&own).await;
}

#[tokio::test]
async fn a_full_queue_is_503_at_once_and_what_waited_is_answered() {
    const DEPTH: usize = 3;
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("loop.db"), Options { queue_depth: DEPTH, ..options() });
    let own = Own::over(Arc::clone(&store) as Arc<dyn Store>).await;
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.status, 200);
    let gate = hold(&*store);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..10 {
        let (tell, address) = (tell.clone(), own.address);
        tokio::spawn(async move {
            let answer = call(address, "POST", "/api/intercept", crate::support::own::KEY, CALL).await;
            tell.send(answer).expect("listened to");
        });
    }
    // The writer is held: only refusals can be answered.
    for _ in 0..10 - DEPTH {
        assert_busy(&told.recv().await.expect("an answer"));
    }
    gate.complete(());
    for _ in 0..DEPTH {
        let answer = told.recv().await.expect("an answer");
        assert_eq!((answer.status, answer.json()["allowed"].clone()), (200, json!(true)));
    }
    assert_eq!(logged(&own).await, 1 + DEPTH);
    assert_sound(&own).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_serves_reads_and_decides_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loop.db");
    let first = open(&file, options());
    let own = Own::over(Arc::clone(&first) as Arc<dyn Store>).await;
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.status, 200);
    own.running.shutdown().await;
    drop(own.app);
    first.close();
    let own = Own::over_as_it_is(open(&file, Options { read_only: true, ..options() })).await;
    for (path, body) in [
        ("/api/intercept", CALL),
        ("/enforce", r#"{"tool":"read_file"}"#),
        ("/api/blocked-tools", r#"{"tool_name":"x"}"#),
        ("/api/approval-rules", r#"{"rule_text":"Block all file deletions"}"#),
    ] {
        assert_busy(&own.call("POST", path, body).await);
    }
    assert_eq!(logged(&own).await, 1);
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_allows_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loop.db");
    let own = Own::over(open(&file, options())).await;
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.json()["allowed"], true);
    let other = Connection::open(&file).expect("opened");
    other
        .execute_batch(
            "INSERT INTO blocked_tools (tenant, id, version, created_at, updated_at, body)
             VALUES ('default', 'x', 1, 0, 0, 'this is no record');
             UPDATE epochs SET epoch = (SELECT max(epoch) + 1 FROM epochs) WHERE tenant = 'default'",
        )
        .expect("damaged");
    for (path, body) in [("/api/intercept", CALL), ("/enforce", r#"{"tool":"read_file"}"#)] {
        let answer = own.call("POST", path, body).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
        let body = answer.json();
        assert!(body["error"].is_string() && body.get("allowed").is_none() && body.get("decision").is_none(), "{body}");
        assert!(!answer.text().contains("this is no record"), "what is in the file is not told");
    }
    let evaluated =
        own.call("POST", "/api/v1/policy/evaluate", r#"{"step":{"action":"read_file","riskLevel":"low"}}"#).await;
    assert_eq!(evaluated.status, 500, "{}", evaluated.text());
    assert_eq!(logged(&own).await, 1);
    other.execute_batch("DELETE FROM blocked_tools WHERE id = 'x'").expect("mended");
    assert_eq!(own.call("POST", "/api/intercept", CALL).await.json()["allowed"], true);
    assert_sound(&own).await;
}

async fn start(file: &Path) -> Result<(), StartError> {
    let mut config = Config::ephemeral();
    config.db = file.to_owned();
    config.secret_key = Some(loop_core::base::secret::Secret::new("a secret for the test"));
    let listener = Listener::bind(&config.listen).await.expect("a free port");
    let server = loop_server::serve(config, listener).await?;
    server.shutdown().await;
    Ok(())
}

async fn assert_refused(file: &Path, why: &str) {
    let before = std::fs::read(file).expect("read");
    let Err(StartError::Open(OpenError::Store { source, .. })) = start(file).await else {
        panic!("a server started on a file that is wrong: {why}")
    };
    assert!(source.to_string().contains(why), "{source}");
    assert!(std::fs::read(file).expect("read") == before, "the file was changed");
}

#[tokio::test]
async fn a_file_that_is_newer_or_damaged_or_not_ours_starts_no_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loop.db");
    start(&file).await.expect("a fresh file");
    let sound = std::fs::read(&file).expect("read");
    let version = |version: u32| {
        let conn = Connection::open(&file).expect("opened");
        conn.pragma_update(None, "user_version", version).expect("set");
    };
    version(9_999);
    assert_refused(&file, "schema version 9999").await;
    std::fs::write(&file, &sound).expect("mended");

    let mut handle = std::fs::OpenOptions::new().write(true).open(&file).expect("opened");
    handle.write_all(&[0xa5; 4096]).expect("overwritten");
    drop(handle);
    assert_refused(&file, "damaged").await;
    std::fs::write(&file, "a text that is no database, but long enough to be one".repeat(100)).expect("written");
    assert_refused(&file, "damaged").await;
    std::fs::write(&file, &sound[..sound.len() / 2]).expect("written");
    assert_refused(&file, "damaged").await;
    std::fs::write(&file, &sound).expect("mended");
    start(&file).await.expect("nothing of the file was lost");
}
