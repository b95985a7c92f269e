//! Whatever is done to the log behind Loop's back is named by `loop-server audit verify`, by its first bad entry.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use loop_core::base::secret::Secret;
use loop_server::worker::{Stop, Workers, retention};
use serde_json::{Value, json};

use super::{TRANSFERS, ask, decide, erased_of, intercept, rule};
use crate::support::{
    Fixture,
    own::{Own, open, options},
};

/// Whose entries are tampered with, continued by a comparison of their numbers.
const DEC: &str = "no = (SELECT no FROM audit_streams WHERE tenant = 'default' AND stream = 'decisions') AND seq";
const CHG: &str = "no = (SELECT no FROM audit_streams WHERE tenant = 'default' AND stream = 'changes') AND seq";
/// All of the tenant's entries.
const ALL: &str = "no IN (SELECT no FROM audit_streams WHERE tenant = 'default')";

const MASTER: &str = "a long secret that the checkpoints are signed with";

/// A log of some length on a file that no server has open, and checkpoints of it kept elsewhere.
struct Written {
    db: PathBuf,
    checkpoints: PathBuf,
    folders: [tempfile::TempDir; 2],
}

async fn written() -> Written {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let checkpoints = elsewhere.path().join("checkpoints.jsonl");
    let path = checkpoints.clone();
    let configure = move |config: &mut loop_server::config::Config| {
        config.secret_key = Some(Secret::new(MASTER));
        config.checkpoints = Some(path);
    };
    let fixture = Fixture::with(configure, loop_server::surface::rows()).await;
    let key = fixture.key.clone();
    rule(&fixture, &key, TRANSFERS, "approve").await;
    for n in 0..40 {
        let arguments = json!({ "n": n, "to": format!("user{n}@example.com") }).to_string();
        assert_eq!(intercept(&fixture, &key, "read_file", &arguments).await.status, 200);
    }
    for amount in [5000, 6000] {
        let id = ask(&fixture, &key, "wire_transfer", &json!({ "amount": amount }).to_string()).await;
        assert_eq!(decide(&fixture, &key, &id, "approved").await.status, 200);
    }
    let block = fixture.call("POST", "/api/blocked-tools", &key, r#"{"tool_name":"drop_table"}"#).await;
    assert_eq!(block.status, 201);
    intercept(&fixture, &key, "drop_table", "{}").await;
    let erased = fixture.call("DELETE", "/api/data?subject=user5@example.com", &key, "").await.json();
    assert_eq!(erased, erased_of(1, 0));
    let db = fixture.server.app.config.db.clone();
    let Fixture { server, _folder, .. } = fixture;
    server.shutdown().await;
    Written { db, checkpoints, folders: [_folder, elsewhere] }
}

fn command(db: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loop-server"));
    command.env_clear().env("LOOP_SECRET_KEY", MASTER).args(args).arg("--db").arg(db);
    command.output().expect("the program runs")
}

/// Exit code and what was written.
fn verify(db: &Path, checkpoints: Option<&Path>) -> (Option<i32>, String) {
    let mut args = vec!["audit", "verify"];
    if let Some(path) = checkpoints {
        args.extend(["--checkpoints", path.to_str().expect("text")]);
    }
    let done = command(db, &args);
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

impl Written {
    /// A copy on which `statements` were run behind Loop's back.
    fn tampered(&self, statements: &str) -> PathBuf {
        let copy = self.folders[0].path().join("copy.db");
        for end in ["", "-wal", "-shm"] {
            // They may not be there.
            let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
        }
        std::fs::copy(&self.db, &copy).expect("copied");
        let conn = rusqlite::Connection::open(&copy).expect("opened");
        let before = conn.total_changes();
        conn.execute_batch(statements).expect("tampered with");
        assert!(conn.total_changes() > before || statements.is_empty(), "nothing was changed: {statements}");
        copy
    }
}

#[tokio::test]
async fn the_first_bad_entry_of_a_touched_log_is_named() {
    let log = written().await;
    for checkpoints in [None, Some(log.checkpoints.as_path())] {
        let (code, told) = verify(&log.tampered(""), checkpoints);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("1 of them erased"), "{told}");
    }
    let swap = |what: &str| {
        format!(
            "UPDATE audit SET {what} = (SELECT {what} FROM audit AS other WHERE other.no = audit.no
               AND other.seq = 33 - audit.seq) WHERE {DEC} IN (16, 17)"
        )
    };
    let cases: Vec<(&str, String)> = vec![
        ("dec-7", format!("UPDATE audit SET body = substr(body, 1, 9) || '~' || substr(body, 11) WHERE {DEC} = 7")),
        ("dec-8", format!("UPDATE audit SET body = body || ' ' WHERE {DEC} = 8")),
        ("dec-9", format!("UPDATE audit SET status = 'BLOCKED' WHERE {DEC} = 9")),
        ("dec-10", format!("UPDATE audit SET tool_name = 'read_fil' WHERE {DEC} = 10")),
        ("dec-10", format!("UPDATE audit SET agent_name = NULL WHERE {DEC} = 10")),
        ("dec-11", format!("UPDATE audit SET risk = 'HIGH' WHERE {DEC} = 11")),
        ("dec-11", format!("UPDATE audit SET at = at + 1 WHERE {DEC} = 11")),
        ("dec-12", format!("UPDATE audit SET salt = zeroblob(32) WHERE {DEC} = 12")),
        ("dec-12", format!("UPDATE audit SET digest = zeroblob(32) WHERE {DEC} = 12")),
        ("dec-12", format!("UPDATE audit SET hash = zeroblob(32) WHERE {DEC} = 12")),
        ("dec-12", format!("UPDATE audit SET hash = NULL WHERE {DEC} = 12")),
        ("dec-14", format!("DELETE FROM audit WHERE {DEC} = 13")),
        ("dec-13", format!("DELETE FROM audit WHERE {DEC} = 13; UPDATE audit SET key = key - 1 WHERE {DEC} > 13")),
        (
            "dec-16",
            format!(
                "UPDATE audit SET key = key + 1000 WHERE {DEC} = 16; UPDATE audit SET key = key - 1 WHERE {DEC} = 17;
                 UPDATE audit SET key = key - 999 WHERE {DEC} = 1016"
            ),
        ),
        ("dec-16", swap("body")),
        ("dec-16", swap("hash")),
        // The head cut off.
        ("dec-4", format!("DELETE FROM audit WHERE {DEC} <= 3")),
        ("chg-3", format!("DELETE FROM audit WHERE {CHG} <= 2")),
        // An erasure that nobody asked for, done as thoroughly as a real one.
        ("dec-19", format!("UPDATE audit SET body = NULL WHERE {DEC} = 19")),
        (
            "dec-19",
            format!(
                "UPDATE audit SET body = NULL, op = NULL, status = NULL, tool_name = NULL, agent_name = NULL,
                 risk = NULL, salt = NULL WHERE {DEC} = 19"
            ),
        ),
        ("chg-3", format!("UPDATE audit SET body = NULL WHERE {CHG} = 3")),
        ("chg-4", format!("DELETE FROM audit WHERE {CHG} = 3")),
        ("chg-3", format!("UPDATE audit SET body = body || ' ' WHERE {CHG} = 3")),
        // The entry that tells of the erasure is made to tell of another one.
        ("chg-", format!("UPDATE audit SET body = replace(body, '[6]', '[7]') WHERE {ALL} AND op = 'data.erase'")),
        // A sound entry of the other stream.
        (
            "dec-44",
            format!(
                "INSERT INTO audit SELECT (SELECT key + 1 FROM audit WHERE {DEC} = 43), at, op, status, tool_name,
                 agent_name, risk, salt, digest, hash, body FROM audit WHERE {CHG} = 1"
            ),
        ),
    ];
    for (bad, statements) in cases {
        let (code, told) = verify(&log.tampered(&statements), None);
        assert_eq!(code, Some(2), "{statements}: {told}");
        assert!(told.contains(&format!("default: DAMAGED at {bad}")), "{statements}: {told}");
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_is_named_by_the_checkpoints() {
    let log = written().await;
    for (seq, bad) in [(42, "dec-43"), (20, "dec-21"), (0, "dec-1")] {
        let cut = log.tampered(&format!("DELETE FROM audit WHERE {DEC} > {seq}"));
        let (code, told) = verify(&cut, Some(&log.checkpoints));
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(&format!("DAMAGED at {bad}")), "{told}");
    }
    // All of a tenant.
    let gone = log.tampered(&format!("DELETE FROM audit WHERE {ALL}; DELETE FROM tenants WHERE id = 'default'"));
    let (code, told) = verify(&gone, Some(&log.checkpoints));
    assert_eq!(code, Some(2), "{told}");
}

#[tokio::test]
async fn an_export_holds_every_entry_and_nobody_s_address() {
    let log = written().await;
    let done = command(&log.db, &["audit", "export"]);
    assert!(done.status.success());
    let text = String::from_utf8(done.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let conn = rusqlite::Connection::open(&log.db).expect("opened");
    let count: i64 =
        conn.query_row(&format!("SELECT count(*) FROM audit WHERE {ALL}"), [], |row| row.get(0)).expect("counted");
    assert_eq!(lines.len() as i64, count);
    assert!(text.contains("[email @example.com]") && !text.contains("user7@"));
}

#[tokio::test]
async fn what_retention_purged_is_accounted_for_and_more_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("loop.db");
    let own = Own::over(open(&db, options())).await;
    let intercept = async || {
        let body = r#"{"tool_name":"read_file","arguments":{"to":"jane@example.com"}}"#;
        assert_eq!(own.call("POST", "/api/intercept", body).await.status, 200);
    };
    for _ in 0..5 {
        intercept().await;
    }
    assert_eq!(own.call("PUT", "/api/retention", r#"{"retention_days":30}"#).await.status, 200);
    assert_eq!(own.call("DELETE", "/api/data?subject=jane@example.com", "").await.json()["log_entries"], 5);
    own.clock.pass(40 * 86_400);
    intercept().await;
    let mut workers = Workers::new();
    let engine = own.app.engine.clone();
    let long = std::time::Duration::from_secs(3_600);
    workers.spawn("retention", move |stop: Stop| retention::run(engine.clone(), long, stop));
    while own.call("GET", "/api/logs", "").await.header("x-total-count") != Some("1") {
        tokio::task::yield_now().await;
    }
    workers.stop(long).await;
    let verified = own.call("GET", "/api/audit/verify", "").await.json();
    assert_eq!(verified["valid"], true, "{verified}");
    intercept().await;
    let conn = rusqlite::Connection::open(&db).expect("opened");
    let cut = format!("DELETE FROM audit WHERE {DEC} = 6");
    assert_eq!(conn.execute(&cut, []).expect("cut"), 1);
    let verified = own.call("GET", "/api/audit/verify", "").await.json();
    assert_eq!((&verified["valid"], &verified["first_bad"]["entry"]), (&json!(false), &json!("dec-7")), "{verified}");
}
