//! Streams that do not end well: nothing held goes out, nothing stays open, and the log tells. Each of model, client
//! and server goes while a text is said, while a call is held, and behind the verdict that a human is asked.

use std::time::Duration;

use serde_json::Value;

use super::{
    TRANSFERS, before, before_with, decide,
    fake::{Asked, Fake},
    listener::{self, hear_call, hear_text, hear_verdict, rest},
    logs, nobody_is_connected, pending, rule, say,
};
use crate::support::{
    Fixture,
    client::{Client, request},
};

/// A stream that was asked for, with a rule that its call meets.
async fn asked_for(fixture: &Fixture, fake: &mut Fake) -> (Client, Asked) {
    rule(fixture, TRANSFERS, "approve").await;
    let client = listener::ask(fixture.address, &fixture.key).await;
    (client, fake.asked().await)
}

/// Begins a stream whose call is not finished; the client has heard its text.
async fn begun(fixture: &Fixture, fake: &mut Fake) -> (Client, Asked) {
    let (mut client, mut asked) = asked_for(fixture, fake).await;
    hear_call(&mut client, &mut asked).await;
    (client, asked)
}

/// The log's only row, once it is there.
async fn told(fixture: &Fixture) -> Value {
    for _ in 0..2_000 {
        if let [row] = logs(fixture, "").await.as_slice() {
            return row.clone();
        }
    }
    panic!("the log tells {:?}", logs(fixture, "").await);
}

async fn assert_withheld(fixture: &Fixture, why: &str) {
    let row = told(fixture).await;
    assert_eq!((row["status"].as_str(), row["tool_name"].as_str()), (Some("ERROR"), Some("wire_transfer")), "{row}");
    assert!(row["message"].as_str().is_some_and(|text| text.contains(why)), "{row}");
    assert!(!row.to_string().contains("s3ntinel"), "{row}");
    assert!(pending(fixture).await.is_empty());
}

/// The approval is asked for once, the log tells so and no more, and with a yes the very call goes out.
async fn assert_waits_and_goes(fixture: &Fixture, fake: &mut Fake) {
    let row = told(fixture).await;
    assert_eq!((row["status"].as_str(), row["tool_name"].as_str()), (Some("PENDING"), Some("wire_transfer")), "{row}");
    let waiting = pending(fixture).await;
    assert_eq!(waiting.len(), 1);
    decide(fixture, &waiting[0]["id"], "approved").await;
    let answer = fixture.call("POST", super::CHAT, &fixture.key, super::STREAMED).await;
    assert_eq!(say::heard(&answer.text()).arguments, r#"{"amount":5000,"to":"s3ntinel"}"#);
    assert!(fake.idle() && pending(fixture).await.is_empty());
}

/// An event that tells an error, and the end.
fn assert_told(rest: &str, why: &str) {
    assert!(rest.contains(r#"data: {"error":{"#) && rest.contains(why), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n") && !rest.contains("[DONE]") && !rest.contains("s3ntinel"), "{rest}");
}

#[tokio::test]
async fn a_model_that_dies_in_a_text_leaves_a_cut_stream_and_no_line() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, mut asked) = asked_for(&fixture, &mut fake).await;
    hear_text(&mut client, &mut asked).await;
    drop(asked);
    assert_eq!(rest(client).await, "", "half an answer never looks whole");
    assert!(logs(&fixture, "").await.is_empty());
}

#[tokio::test]
async fn a_model_that_dies_in_a_call_leaves_a_cut_stream_and_a_line_in_the_log() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, asked) = begun(&fixture, &mut fake).await;
    drop(asked);
    assert_eq!(rest(client).await, "", "nothing that was held, and no end");
    assert_withheld(&fixture, "broke off").await;
}

#[tokio::test]
async fn a_model_that_dies_behind_its_last_event_changes_nothing() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, mut asked) = asked_for(&fixture, &mut fake).await;
    hear_verdict(&mut client, &mut asked).await;
    drop(asked);
    assert_eq!(listener::until(&mut client, "0\r\n\r\n").await, "0\r\n\r\n", "the client's stream ends well");
    assert_waits_and_goes(&fixture, &mut fake).await;
}

#[tokio::test]
async fn a_model_that_stops_without_an_end_is_not_believed() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, asked) = begun(&fixture, &mut fake).await;
    asked.end().await;
    assert_told(&listener::until(&mut client, "0\r\n\r\n").await, "ended before its last event");
    assert_withheld(&fixture, "ended before its last event").await;
}

#[tokio::test]
async fn a_model_that_falls_silent_is_given_up() {
    let mut fake = Fake::start().await;
    let fixture = before_with(&fake, |config| config.models.patience = Duration::from_millis(300)).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    asked.closed().await;
    assert_eq!(rest(client).await, "");
    assert_withheld(&fixture, "silent").await;
}

#[tokio::test]
async fn a_model_that_talks_nonsense_is_cut_off() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, mut asked) = begun(&fixture, &mut fake).await;
    asked.piece("data: {\"choices\":[],\"choices\":[]}\n\n").await;
    asked.closed().await;
    assert_told(&listener::until(&mut client, "0\r\n\r\n").await, "cannot be read");
    assert_withheld(&fixture, "cannot be read").await;
}

#[tokio::test]
async fn a_name_of_any_length_is_told_in_short() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = asked_for(&fixture, &mut fake).await;
    asked.events().await;
    asked.piece(say::call(&"\u{e9}".repeat(50_000), "{}").concat()).await;
    asked.piece("data: nonsense\n\n").await;
    asked.closed().await;
    drop(client);
    assert_eq!(told(&fixture).await["tool_name"], "\u{e9}".repeat(64));
}

#[tokio::test]
async fn a_client_that_goes_in_a_text_takes_the_model_along_and_leaves_no_line() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, mut asked) = asked_for(&fixture, &mut fake).await;
    hear_text(&mut client, &mut asked).await;
    drop(client);
    asked.closed().await;
    nobody_is_connected(&fixture).await;
    assert!(logs(&fixture, "").await.is_empty());
}

#[tokio::test]
async fn a_client_that_goes_in_a_call_takes_the_model_along() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    drop(client);
    asked.closed().await;
    nobody_is_connected(&fixture).await;
    assert_withheld(&fixture, "the client went away").await;
}

#[tokio::test]
async fn a_client_that_goes_behind_the_verdict_finds_its_answer_later() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (mut client, mut asked) = asked_for(&fixture, &mut fake).await;
    hear_verdict(&mut client, &mut asked).await;
    drop(client);
    asked.closed().await;
    nobody_is_connected(&fixture).await;
    assert_waits_and_goes(&fixture, &mut fake).await;
}

#[tokio::test]
async fn a_client_that_goes_before_the_model_answers_leaves_no_trace() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = asked_for(&fixture, &mut fake).await;
    drop(client);
    asked.closed().await;
    nobody_is_connected(&fixture).await;
    assert!(logs(&fixture, "").await.is_empty());
}

#[tokio::test]
async fn a_client_that_goes_while_an_answer_is_read_leaves_no_trace() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", super::CHAT, &[("x-api-key", &fixture.key)], super::REQUEST.as_bytes())).await;
    let mut asked = fake.asked().await;
    asked.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\"").await;
    drop(client);
    asked.closed().await;
    nobody_is_connected(&fixture).await;
    assert!(logs(&fixture, "").await.is_empty());
}

#[tokio::test]
async fn a_server_that_ends_lets_a_stream_finish() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    let Fixture { server, _folder, .. } = fixture;
    let ends = tokio::spawn(server.shutdown());
    asked.piece(say::end("tool_calls")).await;
    asked.end().await;
    let rest = rest(client).await;
    assert!(rest.contains("requires human approval") && rest.ends_with("0\r\n\r\n"), "{rest}");
    ends.await.expect("ended");
}

#[tokio::test]
async fn a_server_that_may_not_wait_cuts_the_stream_and_frees_the_model() {
    let mut fake = Fake::start().await;
    let fixture = before_with(&fake, |config| config.limits.drain_time = Duration::ZERO).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    let Fixture { server, _folder, .. } = fixture;
    server.shutdown().await;
    asked.closed().await;
    assert_eq!(rest(client).await, "");
}
