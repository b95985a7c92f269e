//! Tools of other servers: decided first, carried out exactly as decided, or not at all.

use std::sync::atomic::Ordering;

use loop_core::{
    access::Scope,
    base::{json, json::Doc, secret::Secret},
};
use loop_server::surface;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::Value;

use super::{call, fake::Fake, offered, text};
use crate::support::Fixture;

/// A server before these fakes, once each of them is there.
pub async fn before(fakes: &[(&str, &Fake)]) -> Fixture {
    let specs: Vec<_> = fakes.iter().map(|(name, fake)| fake.spec(name)).collect();
    let fixture = Fixture::with(|config| config.mcp_upstreams = specs, surface::rows()).await;
    for (name, _) in fakes {
        until_offered(&fixture, &format!("{name}__echo")).await;
    }
    fixture
}

/// Asks until a tool is offered, because servers are reached for in the background.
pub async fn until_offered(fixture: &Fixture, tool: &str) {
    let asking = async { while !offered(fixture, &fixture.key).await.iter().any(|name| name == tool) {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), asking).await.expect("offered at last");
}

async fn log(fixture: &Fixture, tool: &str) -> Vec<(String, String)> {
    let rows = fixture.call("GET", &format!("/api/logs?tool_name={tool}"), &fixture.key, "").await.json();
    let member = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.as_array().expect("a list").iter().rev().map(|row| (member(row, "status"), member(row, "message"))).collect()
}

pub async fn statuses(fixture: &Fixture, tool: &str) -> Vec<String> {
    log(fixture, tool).await.into_iter().map(|(status, _)| status).collect()
}

async fn approve(fixture: &Fixture) {
    let waiting = fixture.call("GET", "/api/pending-approvals", &fixture.key, "").await.json();
    let id = waiting[0]["id"].as_str().expect("one that waits").to_owned();
    let path = format!("/api/pending-approvals/{id}/decide");
    assert_eq!(fixture.call("POST", &path, &fixture.key, r#"{"action":"approve"}"#).await.status, 200);
}

#[tokio::test]
async fn an_allowed_call_is_carried_out_and_answered_as_the_server_answered() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    for streams in [false, true] {
        fake.state.streams.store(streams, Ordering::SeqCst);
        let result = r#"{"content":[{"type":"text","text":"é \u0041"}],"structuredContent":{"n":1.10,"big":12345678901234567890123},"extra":{"kept":true}}"#;
        *fake.state.result.lock().expect("whole") = result.to_owned();
        let message =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fs__echo","arguments":{"a":0.50}}}"#;
        let answer = super::post(&fixture, &fixture.key, message).await.text();
        let wanted = r#"{"content":[{"type":"text","text":"é A"}],"structuredContent":{"n":1.10,"big":12345678901234567890123},"extra":{"kept":true}}"#;
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{wanted}}}"#));
    }
    assert_eq!(fake.received(), [r#"{"a":0.50}"#; 2]);
    assert_eq!(statuses(&fixture, "fs__echo").await, ["ALLOWED"; 2]);
}

#[tokio::test]
async fn a_blocked_call_never_leaves() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    call(&fixture, &fixture.key, "block_tool", r#"{"tool_name":"fs__echo"}"#).await;
    let result = call(&fixture, &fixture.key, "fs__echo", "{}").await;
    assert_eq!(result["isError"], true);
    assert!(text(&result).contains("not called"), "{result}");
    assert!(fake.received().is_empty());
    assert_eq!(statuses(&fixture, "fs__echo").await, ["BLOCKED"]);
}

#[tokio::test]
async fn a_call_that_waits_leaves_once_after_it_was_approved() {
    let fake = Fake::start().await;
    *fake.state.tools.lock().expect("whole") =
        vec![super::fake::tool("echo", "says it"), super::fake::tool("wire_transfer", "pays")];
    let fixture = before(&[("bank", &fake)]).await;
    call(&fixture, &fixture.key, "create_rule", r#"{"rule_text":"Any wire transfer over £1,000 needs approval"}"#)
        .await;
    let (tool, arguments) = ("bank__wire_transfer", r#"{"amount":5000,"to":"acme"}"#);
    let asked = call(&fixture, &fixture.key, tool, arguments).await;
    assert_eq!(asked["isError"], true);
    assert!(text(&asked).contains("requires human approval") && text(&asked).contains("approval_id: "), "{asked}");
    assert_eq!(text(&call(&fixture, &fixture.key, tool, arguments).await), text(&asked), "one question only");
    assert!(fake.received().is_empty());
    approve(&fixture).await;
    assert_eq!(
        call(&fixture, &fixture.key, tool, r#"{"amount":5001,"to":"acme"}"#).await["isError"],
        true,
        "another call"
    );
    assert!(fake.received().is_empty());
    let done = call(&fixture, &fixture.key, tool, r#"{"to":"acme","amount":5000.0}"#).await;
    assert_eq!(text(&done), "done", "{done}");
    assert_eq!(fake.received(), [r#"{"to":"acme","amount":5000.0}"#]);
    assert_eq!(call(&fixture, &fixture.key, tool, arguments).await["isError"], true, "a yes is used once");
    assert_eq!(fake.received().len(), 1);
}

#[tokio::test]
async fn a_tool_blocked_after_its_call_was_approved_stays_blocked() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    call(&fixture, &fixture.key, "create_rule", r#"{"rule_text":"Every call of fs__echo needs approval"}"#).await;
    assert_eq!(call(&fixture, &fixture.key, "fs__echo", "{}").await["isError"], true);
    approve(&fixture).await;
    call(&fixture, &fixture.key, "block_tool", r#"{"tool_name":"fs__echo"}"#).await;
    assert_eq!(call(&fixture, &fixture.key, "fs__echo", "{}").await["isError"], true);
    assert!(fake.received().is_empty());
}

#[tokio::test]
async fn a_key_without_the_scope_is_offered_nothing_and_can_call_nothing() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    let key = fixture.key_without(Scope::PolicyEvaluate).await;
    assert!(!offered(&fixture, &key).await.iter().any(|name| name.contains("__")));
    let result = call(&fixture, &key, "fs__echo", "{}").await;
    assert!(text(&result).contains("policy:evaluate"), "{result}");
    assert!(fake.received().is_empty());
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_error_told_truly_and_asked_once() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    fake.state.hangs_up.store(true, Ordering::SeqCst);
    let result = call(&fixture, &fixture.key, "fs__echo", r#"{"secret_note":"x"}"#).await;
    assert_eq!(result["isError"], true, "{result}");
    assert_eq!(fake.received().len(), 1, "a call is sent once at most");
    let log = log(&fixture, "fs__echo").await;
    assert_eq!(log.iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>(), ["ALLOWED", "ERROR"]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_alike_by_everybody_is_an_error() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    for bad in ["7", "[]", "null", r#"{"content":[],"content":[{"type":"text","text":"x"}]}"#] {
        *fake.state.result.lock().expect("whole") = bad.to_owned();
        assert_eq!(call(&fixture, &fixture.key, "fs__echo", "{}").await["isError"], true, "{bad}");
    }
}

#[tokio::test]
async fn our_key_never_reaches_a_server_and_its_token_does() {
    let fake = Fake::start().await;
    let mut spec = fake.spec("fs");
    spec.token = Some(Secret::new("t0ken"));
    let fixture = Fixture::with(|config| config.mcp_upstreams = vec![spec], surface::rows()).await;
    until_offered(&fixture, "fs__echo").await;
    assert_eq!(text(&call(&fixture, &fixture.key, "fs__echo", "{}").await), "done");
    let keys = fake.state.keys.lock().expect("whole").clone();
    assert!(!keys.is_empty() && keys.iter().all(|key| key == "Bearer t0ken"), "{keys:?}");
}

#[tokio::test]
async fn servers_do_not_answer_for_each_other() {
    let (one, two) = (Fake::start().await, Fake::start().await);
    let fixture = before(&[("one", &one), ("two", &two)]).await;
    call(&fixture, &fixture.key, "block_tool", r#"{"tool_name":"one__echo"}"#).await;
    assert_eq!(call(&fixture, &fixture.key, "one__echo", "{}").await["isError"], true);
    assert_eq!(text(&call(&fixture, &fixture.key, "two__echo", "{}").await), "done");
    assert_eq!((one.received().len(), two.received().len()), (0, 1));
}

#[tokio::test]
async fn the_operators_servers_are_not_for_every_tenant() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    assert!(!offered(&fixture, &fixture.other).await.iter().any(|name| name.contains("__")));
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fs__echo","arguments":{}}}"#;
    let answer = super::post(&fixture, &fixture.other, message).await.json();
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert!(fake.received().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_tools_hides_no_others() {
    let (slow, other) = (Fake::start().await, Fake::start().await);
    let fixture = before(&[("slow", &slow), ("other", &other)]).await;
    let _shut = slow.state.lists.write().await;
    // What was told a second ago is offered still.
    let asking = async {
        loop {
            let names = offered(&fixture, &fixture.key).await;
            assert!(names.contains(&"other__echo".to_owned()), "{names:?}");
            if !names.contains(&"slow__echo".to_owned()) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), asking).await.expect("at last");
}

#[tokio::test]
async fn arguments_that_hold_our_own_key_never_leave() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    let key = &fixture.key;
    let escaped = format!("\\u0074{}", key.strip_prefix('t').expect("a key"));
    for arguments in
        [format!(r#"{{"a":["x{key}x"]}}"#), format!(r#"{{"{key}":1}}"#), format!(r#"{{"a":{{"b":"{escaped}"}}}}"#)]
    {
        let result = call(&fixture, key, "fs__echo", &arguments).await;
        assert!(text(&result).contains("Loop key") && result["isError"] == true, "{result}");
    }
    assert!(fake.received().is_empty());
    assert_eq!(text(&call(&fixture, key, "fs__echo", r#"{"a":"tl_other"}"#).await), "done");
}

#[tokio::test]
async fn a_batch_whose_answer_is_long_enough_is_not_carried_on() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    *fake.state.result.lock().expect("whole") =
        format!(r#"{{"content":[{{"type":"text","text":"{}"}}]}}"#, "x".repeat(3 << 20));
    let calls: Vec<String> = (0..5)
        .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"fs__echo"}}}}"#))
        .collect();
    let answer = super::post(&fixture, &fixture.key, &format!("[{}]", calls.join(","))).await.json();
    let answers = answer.as_array().expect("a batch");
    let made: Vec<bool> = answers.iter().map(|answer| answer["result"].is_object()).collect();
    assert_eq!(made, [true, true, true, false, false]);
    assert!(answers[4]["error"]["message"].as_str().is_some_and(|text| text.contains("not carried out")));
    assert_eq!(fake.received().len(), 3);
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?",
        "[a-z\\PC]{0,8}".prop_map(|text| serde_json::to_string(&text).expect("text")),
        Just("null".to_owned()),
        Just("\"\\u00e9\\n\"".to_owned()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[ {} ]", items.join(" ,"))),
            prop::collection::btree_map("[a-f]{1,3}", inner, 0..4).prop_map(object),
        ]
    })
}

fn object(members: std::collections::BTreeMap<String, String>) -> String {
    let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
    format!("{{{}}}", members.join(", "))
}

#[test]
fn what_a_server_receives_is_exactly_what_was_decided() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (fake, fixture) = runtime.block_on(async {
        let fake = Fake::start().await;
        let fixture = before(&[("fs", &fake)]).await;
        (fake, fixture)
    });
    let arguments = prop::collection::btree_map("[a-f]{1,3}", value(), 0..5).prop_map(object);
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&arguments, |sent| {
        let result = runtime.block_on(call(&fixture, &fixture.key, "fs__echo", &sent));
        prop_assert_eq!(text(&result), "done");
        let received = fake.received().pop().expect("a call");
        let doc = Doc::parse(sent.as_bytes()).expect("JSON");
        let mut decided = String::new();
        json::write(doc.root(), &mut decided);
        prop_assert_eq!(received, decided);
        Ok(())
    });
    outcome.expect("exact");
}
