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
