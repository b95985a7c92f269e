//! `tools block|unblock|unpin|list`.

use loop_core::approval::definition::{self, Definition};

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
async fn pins_of_a_server_are_forgotten_on_the_command_line() {
    let fixture = Fixture::start().await;
    let engine = &fixture.server.app.engine;
    let of = |server: &str, n: u32| Definition {
        server: server.to_owned(),
        tool_name: format!("{server}__{n}"),
        canonical: "{}".to_owned(),
    };
    let seen: Vec<Definition> = (0..300).map(|n| of("gone", n)).chain([of("here", 0)]).collect();
    let pin = async |seen: Vec<Definition>| {
        let caller = engine.authenticate(&fixture.key).await.expect("valid");
        let (cx, master) = (engine.context(caller).expect("randomness"), engine.master().clone());
        engine.write(cx, "test", move |tx, cx| definition::look(tx, cx, &master, &seen)).await.expect("looked")
    };
    assert!(pin(seen.clone()).await.into_iter().all(|pinned| pinned));
    assert_eq!(run(&fixture, &["tools", "unpin", "gone"]).await.expect("done"), "forgot 300 definitions of gone\n");
    assert_eq!(run(&fixture, &["tools", "unpin", "gone"]).await.expect("done"), "forgot 0 definitions of gone\n");
    let other = |definition: Definition| Definition { canonical: r#"{"a":1}"#.to_owned(), ..definition };
    assert_eq!(pin(vec![other(of("gone", 0)), other(of("here", 0))]).await, [true, false]);
}
