//! Servers in processes: started, spoken to by rmcp, restarted when they die, gone when this server goes.

use std::path::Path;

use loop_server::surface;

use super::{call, child, gateway::until_offered, offered, text};
use crate::support::Fixture;

async fn fixture() -> Fixture {
    let fixture = Fixture::with(|config| config.mcp_upstreams = vec![child::spec("own")], surface::rows()).await;
    until_offered(&fixture, "own__echo").await;
    fixture
}

#[tokio::test]
async fn a_process_is_started_and_its_tools_are_called() {
    let fixture = fixture().await;
    let said = call(&fixture, &fixture.key, "own__echo", r#"{"a":[1,"é"]}"#).await;
    assert_eq!(text(&said), r#"{"a":[1,"é"]}"#, "{said}");
    let refused = call(&fixture, &fixture.key, "block_tool", r#"{"tool_name":"own__echo"}"#).await;
    assert_eq!(refused["isError"], false);
    assert_eq!(call(&fixture, &fixture.key, "own__echo", "{}").await["isError"], true);
}

#[tokio::test]
async fn a_process_that_dies_during_a_call_is_an_error_and_another_is_started() {
    let fixture = fixture().await;
    let died = call(&fixture, &fixture.key, "own__die", "{}").await;
    assert_eq!(died["isError"], true, "{died}");
    let log = fixture.call("GET", "/api/logs?tool_name=own__die&status=ERROR", &fixture.key, "").await.json();
    assert_eq!(log.as_array().map(Vec::len), Some(1), "{log}");
    until_offered(&fixture, "own__echo").await;
    assert_eq!(text(&call(&fixture, &fixture.key, "own__echo", "{}").await), "{}");
}

#[tokio::test]
async fn a_definition_that_changes_while_it_is_used_is_asked_about_at_once() {
    let fixture = fixture().await;
    assert_eq!(text(&call(&fixture, &fixture.key, "own__echo", "{}").await), "{}");
    assert_eq!(text(&call(&fixture, &fixture.key, "own__change", "{}").await), "changed");
    // The server says that its list changed just before it answers the call that changed it.
    let asked = call(&fixture, &fixture.key, "own__echo", "{}").await;
    assert_eq!(asked["isError"], true, "{asked}");
    assert!(text(&asked).contains("approval_id"), "{asked}");
    assert!(!offered(&fixture, &fixture.key).await.contains(&"own__echo".to_owned()));
}

#[tokio::test]
async fn what_the_operator_told_us_is_not_told_to_a_process_which_ends_with_us() {
    let fixture = fixture().await;
    let names = text(&call(&fixture, &fixture.key, "own__environment", "{}").await);
    assert!(names.split(' ').any(|name| name == "PATH") && !names.contains("LOOP_"), "{names}");
    let number = text(&call(&fixture, &fixture.key, "own__number", "{}").await);
    let process = format!("/proc/{number}");
    let there = Path::new("/proc/self").exists();
    assert!(!there || Path::new(&process).exists());
    fixture.server.shutdown().await;
    assert!(!Path::new(&process).exists(), "the process outlived the server");
}

/// Whether a process of this number runs still; one that ended may wait for whoever takes note of that.
fn runs(number: &str) -> bool {
    let told = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    told.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn what_a_process_started_ends_with_it() {
    let fixture = fixture().await;
    let before_death = text(&call(&fixture, &fixture.key, "own__start", "{}").await);
    let there = Path::new("/proc/self").exists();
    assert!(!there || runs(&before_death));
    assert_eq!(call(&fixture, &fixture.key, "own__die", "{}").await["isError"], true);
    until_offered(&fixture, "own__echo").await;
    assert!(!runs(&before_death), "it outlived a process that died");
    let at_the_end = text(&call(&fixture, &fixture.key, "own__start", "{}").await);
    assert!(!there || runs(&at_the_end));
    fixture.server.shutdown().await;
    let ending = async {
        while runs(&at_the_end) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ending).await.expect("it outlived the server");
}
