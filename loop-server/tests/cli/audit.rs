//! `audit verify|export`.

use loop_core::{audit, base::TenantId};
use loop_server::cli::run::CliError;

use super::run;
use crate::support::Fixture;

#[tokio::test]
async fn an_untouched_log_verifies_and_a_touched_one_is_named() {
    let fixture = Fixture::start().await;
    run(&fixture, &["keys", "create", "--name", "one"]).await.expect("made");
    run(&fixture, &["keys", "create", "--name", "two"]).await.expect("made");
    let verified = run(&fixture, &["audit", "verify"]).await.expect("untouched");
    assert!(verified.contains("default: ") && verified.contains("entries verified"), "{verified}");

    let conn = rusqlite::Connection::open(&fixture.server.app.config.db).expect("opened");
    let changed = conn
        .execute("UPDATE audit SET body = replace(body, 'two', 'owt')", [])
        .expect("edited behind the server's back");
    assert!(changed > 0);
    let error = run(&fixture, &["audit", "verify", "--tenant", "default"]).await.expect_err("touched");
    assert!(matches!(error, CliError::Damaged(1)), "{error}");
}

#[tokio::test]
async fn a_cut_tail_is_revealed_by_checkpoints_kept_elsewhere() {
    let fixture = Fixture::start().await;
    let tenant = TenantId::default_tenant();
    run(&fixture, &["keys", "create", "--name", "one"]).await.expect("made");
    let engine = fixture.server.app.engine.clone();
    let (master, now, subject) = (engine.master().clone(), engine.now(), tenant.clone());
    let ends = loop_core::store::StoreExt::read(&**engine.store(), "test.checkpoint", move |tx| {
        audit::checkpoints(tx, &subject, &master, now)
    })
    .await
    .expect("read");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoints.jsonl");
    let lines: String = ends.iter().map(|end| serde_json::to_string(end).expect("writes") + "\n").collect();
    std::fs::write(&path, &lines).expect("written");
    let path = path.to_str().expect("text");
    run(&fixture, &["audit", "verify", "--checkpoints", path]).await.expect("nothing is cut yet");

    let conn = rusqlite::Connection::open(&fixture.server.app.config.db).expect("opened");
    let cut = "DELETE FROM audit WHERE key = (SELECT max(key) FROM audit)";
    assert_eq!(conn.execute(cut, []).expect("cut"), 1);
    run(&fixture, &["audit", "verify"]).await.expect("a cut tail alone leaves no trace");
    let error = run(&fixture, &["audit", "verify", "--checkpoints", path]).await.expect_err("cut");
    assert!(matches!(error, CliError::Damaged(1)), "{error}");

    std::fs::write(path, lines.replace("\"seq\":", "\"seq\":1")).expect("forged");
    let error = run(&fixture, &["audit", "verify", "--checkpoints", path]).await.expect_err("forged");
    assert!(matches!(error, CliError::Checkpoint { line: 1, .. }), "{error}");
}

#[tokio::test]
async fn an_export_holds_every_entry_as_a_line() {
    let fixture = Fixture::start().await;
    for n in 0..3 {
        run(&fixture, &["keys", "create", "--name", &format!("key {n}")]).await.expect("made");
    }
    let export = run(&fixture, &["audit", "export"]).await.expect("exported");
    let lines: Vec<serde_json::Value> =
        export.lines().map(|line| serde_json::from_str(line).expect("a JSON object per line")).collect();
    let made = lines.iter().filter(|line| line["op"] == "key.create" && line["body"]["name"].is_string());
    assert_eq!(made.count(), 3);
    let intercept = r#"{"tool_name":"read_file","arguments":{"path":"a"}}"#;
    assert_eq!(fixture.call("POST", "/api/intercept", &fixture.key, intercept).await.status, 200);
    let csv = run(&fixture, &["audit", "export", "--format", "csv"]).await.expect("exported");
    let served = fixture.call("GET", "/api/logs/export", &fixture.key, "").await.text();
    assert!(csv.lines().count() == 2 && csv == served, "{csv}");
    assert!(lines.iter().all(|line| line["hash"].as_str().is_some_and(|hash| hash.len() == 64)));
}
