//! `keys create|list|revoke`.

use loop_server::cli::run::CliError;

use super::run;
use crate::{http::rows, support::Fixture};

#[tokio::test]
async fn a_key_made_on_the_command_line_works_at_once_and_not_after_it_is_revoked() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let made = run(&fixture, &["keys", "create", "--name", "ci", "--scopes", "policy:evaluate"]).await.expect("made");
    let key = made.trim_end();
    let shown = fixture.call("GET", "/t/key", key, "").await;
    assert_eq!((shown.status, shown.json()["name"].as_str()), (200, Some("ci")));
    assert_eq!(shown.json()["scopes"], serde_json::json!(["policy:evaluate"]));

    let list = run(&fixture, &["keys", "list"]).await.expect("listed");
    let line = list.lines().find(|line| line.contains(" ci ")).expect("it is listed");
    assert!(line.contains("live") && line.contains("policy:evaluate"), "{line}");
    assert!(!list.contains(key) && !list.contains(&fixture.key), "keys themselves are never listed");

    let id = line.split(' ').next().expect("an id");
    run(&fixture, &["keys", "revoke", id]).await.expect("revoked");
    fixture.server.app.engine.watch(0).await.expect("what a worker does several times a second");
    assert_eq!(fixture.call("GET", "/t/key", key, "").await.status, 401);
    assert!(run(&fixture, &["keys", "list"]).await.expect("listed").contains("revoked"));
}

#[tokio::test]
async fn a_loops_key_is_made_for_a_loop_that_there_is() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let body = r#"{"tag":"acme","kind":"business","permissions":["trust:read"]}"#;
    assert_eq!(fixture.call("POST", "/api/v1/loops", &fixture.key, body).await.status, 201);
    let make = ["keys", "create", "--name", "n", "--scopes", "policy:evaluate,trust:read", "--loop", "@ACME"];
    let live = run(&fixture, &make).await.expect("made");
    assert!(live.starts_with("lk_live_"), "{live}");
    let refused = fixture.call("GET", "/t/key", live.trim_end(), "").await;
    assert_eq!(refused.status, 403, "its loop has no `policy:evaluate`");
    let test = run(&fixture, &[&make[..], &["--test"]].concat()).await.expect("made");
    assert!(test.starts_with("lk_test_"), "{test}");
    let error = run(&fixture, &["keys", "create", "--name", "n", "--loop", "@nobody"]).await.expect_err("unknown");
    assert_eq!(error.to_string(), "no such loop");
}

#[tokio::test]
async fn mistakes_are_told() {
    let fixture = Fixture::start().await;
    let error = run(&fixture, &["keys", "list", "--tenant", "nobody"]).await.expect_err("unknown");
    assert_eq!(error.to_string(), "there is no tenant `nobody`");
    let error = run(&fixture, &["keys", "revoke", "nothing"]).await.expect_err("unknown");
    assert_eq!(error.to_string(), "no such key");
    let error = run(&fixture, &["keys", "create", "--name", ""]).await.expect_err("no name");
    assert!(error.to_string().contains("`name`"), "{error}");
}

#[tokio::test]
async fn no_command_makes_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("absent.db");
    let line = ["loop-server", "keys", "list", "--db", db.to_str().expect("text")];
    let cli = <loop_server::cli::Cli as clap::Parser>::parse_from(line);
    let done = loop_server::cli::run::dispatch(cli, |_| None, &mut Vec::new());
    assert!(matches!(done, Err(CliError::Open(loop_server::open::OpenError::Missing(_)))), "{done:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
