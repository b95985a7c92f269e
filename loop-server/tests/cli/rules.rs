//! `rules check|explain|backtest|export|import`, and a folder of policy files.

use std::{path::Path, time::Duration};

use clap::Parser;
use loop_server::{
    cli::{Cli, run::dispatch},
    policies::Folder,
    start::StartError,
    surface,
};
use serde_json::json;

use super::run;
use crate::support::Fixture;

const FILE: &str = r#"version = 1

[[rule]]
name = "refunds"
text = "Refunds over £50 need approval"
action = "approve"
approver_email = "fay@acme.org"

[[rule]]
name = "reserve"
action = "block"
condition = { all = [{ tool_like = "ledger_*" }, { argument = { name = "account", test = { is = ["reserve"] } } }] }
"#;

async fn status(fixture: &Fixture, tool: &str, arguments: &str) -> String {
    let body = format!(r#"{{"tool_name":"{tool}","arguments":{arguments}}}"#);
    let answer = fixture.call("POST", "/api/intercept", &fixture.key, &body).await.json();
    answer["status"].as_str().expect("a status").to_owned()
}

fn alone(args: &[&str]) -> Result<String, String> {
    let line = std::iter::once("loop-server").chain(args.iter().copied());
    let mut out = Vec::new();
    let done = dispatch(Cli::parse_from(line), |_| None, &mut out);
    let text = String::from_utf8(out).expect("text");
    done.map(|()| text).map_err(|error| error.to_string())
}

fn put(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn files_are_checked_without_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = put(folder.path(), "a.toml", FILE);
    let told = alone(&["rules", "check", "--strict", &sound]).expect("sound");
    assert!(
        told.contains("a.toml  refunds  ok  Ask about a call that refunds") && told.contains("reserve  ok  Block"),
        "{told}"
    );
    let unclear = put(folder.path(), "b.toml", "version = 1\n[[rule]]\ntext = \"zzyzx qwrtp\"\naction = \"block\"\n");
    assert!(alone(&["rules", "check", &unclear]).expect("sound").contains("not understood: "));
    assert_eq!(alone(&["rules", "check", "--strict", &unclear]), Err("1 rules are not fully understood".to_owned()));
    let wrong = put(folder.path(), "c.toml", "version = 1\n[[rule]]\ntext = \"x\"\naction = 5\n");
    let error = alone(&["rules", "check", &wrong]).expect_err("wrong");
    assert!(error.starts_with(&format!("{wrong}:4:10: ")), "{error}");
    let told = alone(&["rules", "explain", "--action", "block", "block refunds over £50"]).expect("told");
    assert!(told.starts_with("Block a call that") && told.contains("condition:      {\"all\":"), "{told}");
    assert!(told.contains("  because       ") && told.contains(": tool_name is refund"), "{told}");
}

#[test]
fn a_call_is_told_why_it_would_be_stopped() {
    let explain = |call: &str| alone(&["rules", "explain", "--call", call, "refunds over £50 need approval"]);
    let told = explain(r#"{"tool_name":"create_refund","arguments":{"order":{"total":"90 GBP"}}}"#).expect("told");
    assert!(told.contains("this call:      would match\n") && told.contains(": $.order.total is 90 GBP"), "{told}");
    let told = explain(r#"{"tool_name":"create_refund"}"#).expect("told");
    assert!(told.contains("(unclear: no amount in the call)"), "{told}");
    let told = explain(r#"{"tool_name":"list_refunds"}"#).expect("told");
    assert!(told.contains("this call:      would not match\n"), "{told}");
    for bad in ["{", "[]", r#"{"arguments":{}}"#, r#"{"tool_name":"x","arguments":5}"#] {
        assert!(explain(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn rules_go_out_and_come_in_again_unchanged() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = put(folder.path(), "a.toml", FILE);
    let would = run(&fixture, &["rules", "import", "--dry-run", &file]).await.expect("tried");
    assert_eq!(would, "would be created 2, changed 0, deleted 0; 0 were so already\n");
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "ALLOWED", "it was only tried");
    let found = run(&fixture, &["rules", "backtest", "--file", &file]).await.expect("tried");
    assert!(found.contains("1 calls judged") && found.contains("would ask       1 (1 that nobody"), "{found}");
    let found =
        run(&fixture, &["rules", "backtest", "--json", "block refunds", "--action", "block"]).await.expect("tried");
    assert!(found.contains("\"would_block\": 1"), "{found}");
    run(&fixture, &["rules", "import", &file]).await.expect("imported");
    // The record's transaction finds the new epoch.
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "PENDING");
    assert_eq!(status(&fixture, "ledger_post", r#"{"account":"reserve"}"#).await, "BLOCKED");
    let exported = run(&fixture, &["rules", "export"]).await.expect("exported");
    let copy = put(folder.path(), "copy.toml", &exported);
    let done = run(&fixture, &["rules", "import", "--replace", &copy]).await.expect("imported");
    assert_eq!(done, "created 0, changed 0, deleted 0; 2 were so already\n");
    let json = run(&fixture, &["rules", "export", "--format", "json"]).await.expect("exported");
    let other = Fixture::start().await;
    let json = put(folder.path(), "copy.json", &json);
    run(&other, &["rules", "import", &json]).await.expect("imported");
    assert_eq!(run(&other, &["rules", "export"]).await.expect("exported"), exported, "another server, the same rules");
    let one = put(
        folder.path(),
        "one.toml",
        "version = 1\n[[rule]]\nname = \"refunds\"\ntext = \"Refunds need approval\"\naction = \"approve\"\n",
    );
    let done = run(&fixture, &["rules", "import", "--replace", &one]).await.expect("imported");
    assert_eq!(done, "created 0, changed 1, deleted 1; 0 were so already\n");
}

#[tokio::test]
async fn a_folder_of_policy_files_is_kept_up_with_and_a_bad_file_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "a.toml", FILE);
    let fixture = Fixture::start().await;
    let engine = fixture.server.app.engine.clone();
    let mut watched = Folder::new(folder.path().to_owned());
    assert_eq!(watched.sync(&engine).await.expect("sound").map(|done| done.created), Some(2));
    assert_eq!(watched.sync(&engine).await.expect("sound"), None, "nothing changed");
    let again = Folder::new(folder.path().to_owned()).sync(&engine).await.expect("sound");
    assert!(again.is_some_and(|done| done.is_nothing()), "another server with the same files changes nothing");
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "PENDING");
    let own = json!({"rule_text": "Block emails", "action": "block"}).to_string();
    assert_eq!(fixture.call("POST", "/api/approval-rules", &fixture.key, &own).await.status, 201);
    let rules = fixture.call("GET", "/api/approval-rules", &fixture.key, "").await.json();
    let id = rules[0]["id"].as_str().expect("an id");
    let taken = format!(
        "version = 1\n[[rule]]\nid = \"{id}\"\ntext = \"Block emails\"\naction = \"block\"\nmode = \"shadow\"\n"
    );
    put(folder.path(), "b.toml", &taken);
    let error = watched.sync(&engine).await.expect_err("it is not the file's").to_string();
    assert!(error.contains(id), "{error}");
    assert_eq!(status(&fixture, "send_email", "{}").await, "BLOCKED", "no file loosens a rule made elsewhere");
    std::fs::remove_file(folder.path().join("b.toml")).expect("removed");
    assert_eq!(watched.sync(&engine).await.expect("sound").map(|done| done.is_nothing()), Some(true));
    let filed =
        rules.as_array().expect("a list").iter().find(|rule| rule["file"] == "a.toml").expect("a rule of a file");
    let one = format!("/api/approval-rules/{}", filed["id"].as_str().expect("an id"));
    assert_eq!(fixture.call("DELETE", &one, &fixture.key, "").await.status, 409, "it is changed in its file");
    assert_eq!(fixture.call("PATCH", &one, &fixture.key, r#"{"mode":"shadow"}"#).await.status, 409);

    put(folder.path(), "b.toml", "version = 1\n[[rule]]\ntext = \"x\"\naction = 5\n");
    let error = watched.sync(&engine).await.expect_err("wrong").to_string();
    assert!(error.contains("b.toml:4:10: "), "{error}");
    assert_eq!(watched.sync(&engine).await.expect("the same content"), None, "what is wrong is told once");
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":91}"#).await, "PENDING", "nothing changed");
    put(folder.path(), "b.toml", "version = 1\n");
    put(folder.path(), "a.toml", &FILE.replace("over £50", "over £500"));
    assert_eq!(watched.sync(&engine).await.expect("sound"), None, "somebody may still be writing");
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":93}"#).await, "PENDING");
    let done = watched.sync(&engine).await.expect("sound").expect("changed");
    assert_eq!((done.created, done.changed, done.deleted, done.same), (0, 1, 0, 1));
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":92}"#).await, "ALLOWED");
    put(folder.path(), "a.toml", "version = 1\n");
    assert_eq!(watched.sync(&engine).await.expect("sound"), None, "half of it may be written");
    put(folder.path(), "a.toml", "version = 1\n\n");
    assert_eq!(watched.sync(&engine).await.expect("sound"), None, "and was changed again");
    assert_eq!(status(&fixture, "ledger_post", r#"{"account":"reserve"}"#).await, "BLOCKED");
    assert_eq!(watched.sync(&engine).await.expect("sound").map(|done| done.deleted), Some(2));
    assert_eq!(status(&fixture, "ledger_post", r#"{"account":"reserve"}"#).await, "ALLOWED");
    assert_eq!(status(&fixture, "send_email", "{}").await, "BLOCKED", "rules made otherwise stay");
    for name in ["a.toml", "b.toml"] {
        std::fs::remove_file(folder.path().join(name)).expect("removed");
    }
    assert!(watched.sync(&engine).await.expect_err("empty").to_string().contains("no policy file"));
}

#[tokio::test]
async fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "a.toml", FILE);
    let pipe = folder.path().join("b.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let fixture = Fixture::start().await;
    let error = Folder::new(folder.path().to_owned()).sync(&fixture.server.app.engine).await.expect_err("a pipe");
    assert!(error.to_string().contains("is no regular file"), "{error}");
}

#[tokio::test]
async fn a_server_starts_once_its_files_keep_still() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "a.toml", FILE);
    let fixture = Fixture::start().await;
    let engine = fixture.server.app.engine.clone();
    let mut first = Folder::new(folder.path().to_owned());
    assert_eq!(first.start(&engine, Duration::ZERO).await.expect("sound").created, 2);
    put(folder.path(), "a.toml", "version = 1\n");
    let mut second = Folder::new(folder.path().to_owned());
    assert_eq!(second.start(&engine, Duration::ZERO).await.expect("two looks").deleted, 2);
}

#[tokio::test]
async fn two_rules_may_swap_their_names() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    run(&fixture, &["rules", "import", &put(folder.path(), "a.toml", FILE)]).await.expect("imported");
    let exported = run(&fixture, &["rules", "export"]).await.expect("exported");
    let swapped = exported
        .replace("name = \"refunds\"", "name = \"between\"")
        .replace("name = \"reserve\"", "name = \"refunds\"")
        .replace("name = \"between\"", "name = \"reserve\"");
    assert_ne!(swapped, exported);
    let swapped = put(folder.path(), "b.toml", &swapped);
    let done = run(&fixture, &["rules", "import", &swapped]).await.expect("imported");
    assert_eq!(done, "created 0, changed 2, deleted 0; 0 were so already\n");
    let done = run(&fixture, &["rules", "import", &swapped]).await.expect("imported");
    assert_eq!(done, "created 0, changed 0, deleted 0; 2 were so already\n");
}

#[tokio::test]
async fn a_server_has_the_rules_of_its_folder_from_the_first_call_on() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "a.toml", FILE);
    let path = folder.path().to_owned();
    let fixture = Fixture::with(|config| config.policies = Some(path), surface::rows()).await;
    assert_eq!(status(&fixture, "create_refund", r#"{"amount":90}"#).await, "PENDING");
}

#[tokio::test]
async fn a_server_does_not_start_without_the_rules_it_is_to_have() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = loop_server::config::Config {
        db: folder.path().join("loop.db"),
        policies: Some(folder.path().join("policies")),
        ..loop_server::config::Config::ephemeral()
    };
    let listen = "127.0.0.1:0".parse().expect("an address");
    let listener = loop_server::http::Listener::bind(&listen).await.expect("a socket");
    let refused = loop_server::start::serve(config, listener).await.expect_err("no folder");
    assert!(matches!(refused, StartError::Policies(_)), "{refused}");
}
