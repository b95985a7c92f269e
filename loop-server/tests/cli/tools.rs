//! `tools block|unblock|list`.

use super::run;
use crate::support::Fixture;

const CALL: &str = r#"{"tool_name":"delete_file","arguments":{"path":"a"}}"#;

#[tokio::test]
async fn a_tool_blocked_on_the_command_line_is_refused_by_the_running_server_at_once() {
    let fixture = Fixture::start().await;
    let allowed = async |fixture: &Fixture| {
        fixture.call("POST", "/api/intercept", &fixture.key, CALL).await.json()["allowed"].as_bool()
    };
    assert_eq!(allowed(&fixture).await, Some(true));
    run(&fixture, &["tools", "block", "delete_file", "--reason", "stop"]).await.expect("blocked");
    // The record's transaction finds the new epoch, whether or not the watcher came by.
    assert_eq!(allowed(&fixture).await, Some(false));
    let list = run(&fixture, &["tools", "list"]).await.expect("listed");
    assert!(list.contains("delete_file  stop"), "{list}");
    run(&fixture, &["tools", "unblock", "delete_file"]).await.expect("unblocked");
    assert_eq!(allowed(&fixture).await, Some(true));
    let error = run(&fixture, &["tools", "unblock", "delete_file"]).await.expect_err("not blocked");
    assert_eq!(error.to_string(), "no such blocked tool");
}

#[tokio::test]
async fn decisions_are_exported_as_csv() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.call("POST", "/api/intercept", &fixture.key, CALL).await.status, 200);
    let csv = run(&fixture, &["audit", "export", "--format", "csv"]).await.expect("exported");
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.first().is_some_and(|head| head.starts_with("id,created_at,agent_name,tool_name,arguments,status")));
    assert!(lines.get(1).is_some_and(|row| row.starts_with("dec-1,") && row.contains(",delete_file,")), "{csv}");
    assert_eq!(lines.len(), 2);
}
