//! Streams that do not end well: nothing held goes out, nothing stays open, and the log tells.

use std::time::Duration;

use loop_server::{config::Models, surface};
use serde_json::Value;

use super::{
    CHAT, STREAMED, TRANSFERS, before,
    fake::{Asked, Fake},
    logs, pending, rule, say,
};
use crate::support::{
    Fixture,
    client::{Client, request},
};

/// Begins a stream whose call is not finished; the client has heard its text.
async fn begun(fixture: &Fixture, fake: &mut Fake) -> (Client, Asked) {
    rule(fixture, TRANSFERS, "approve").await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", CHAT, &[("x-api-key", &fixture.key)], STREAMED.as_bytes())).await;
    let mut asked = fake.asked().await;
    asked.events().await;
    // The text is heard once the call's beginning, which comes with it, was seen.
    let mut call = say::call("wire_transfer", r#"{"amount":5000,"to":"s3ntinel"}"#).into_iter();
    asked.piece(say::text("let me") + &call.next().expect("a beginning")).await;
    let mut seen = String::new();
    while !seen.ends_with("\n\n\r\n") {
        seen.push(char::from(tokio::io::AsyncReadExt::read_u8(&mut client.socket).await.expect("a byte")));
    }
    for chunk in call {
        asked.piece(chunk).await;
    }
    (client, asked)
}

/// What is left to read until the connection ends.
async fn rest(mut client: Client) -> String {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut client.socket, &mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
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

#[tokio::test]
async fn a_model_that_dies_leaves_a_cut_stream_and_a_line_in_the_log() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, asked) = begun(&fixture, &mut fake).await;
    drop(asked);
    assert_eq!(rest(client).await, "", "nothing that was held, and no end");
    assert_withheld(&fixture, "broke off").await;
}

#[tokio::test]
async fn a_model_that_stops_without_an_end_is_not_believed() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, asked) = begun(&fixture, &mut fake).await;
    asked.end().await;
    assert_eq!(rest(client).await, "");
    assert_withheld(&fixture, "ended before its last event").await;
}

#[tokio::test]
async fn a_model_that_falls_silent_is_given_up() {
    let mut fake = Fake::start().await;
    let models =
        Models { openai: format!("{}/v1", fake.url()), anthropic: fake.url(), patience: Duration::from_millis(300) };
    let fixture = Fixture::with(|config| config.models = models, surface::rows()).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    asked.closed().await;
    assert_eq!(rest(client).await, "");
    assert_withheld(&fixture, "silent").await;
}

#[tokio::test]
async fn a_model_that_talks_nonsense_is_cut_off() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    asked.piece("data: {\"choices\":[],\"choices\":[]}\n\n").await;
    asked.closed().await;
    assert_eq!(rest(client).await, "");
    assert_withheld(&fixture, "cannot be read").await;
}

#[tokio::test]
async fn a_client_that_goes_takes_the_model_along() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    drop(client);
    asked.closed().await;
    assert_withheld(&fixture, "the client went away").await;
}

#[tokio::test]
async fn a_client_that_goes_before_the_model_answers_leaves_no_trace() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", CHAT, &[("x-api-key", &fixture.key)], STREAMED.as_bytes())).await;
    let mut asked = fake.asked().await;
    drop(client);
    asked.closed().await;
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
    let base = fake.url();
    let fixture = Fixture::with(
        |config| {
            config.models = Models { openai: format!("{base}/v1"), ..config.models.clone() };
            config.limits.drain_time = Duration::ZERO;
        },
        surface::rows(),
    )
    .await;
    let (client, mut asked) = begun(&fixture, &mut fake).await;
    let Fixture { server, _folder, .. } = fixture;
    server.shutdown().await;
    asked.closed().await;
    assert_eq!(rest(client).await, "");
}

#[tokio::test]
async fn text_without_calls_that_breaks_off_is_cut_and_not_logged() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("POST", CHAT, &[("x-api-key", &fixture.key)], STREAMED.as_bytes())).await;
    let mut asked = fake.asked().await;
    asked.events().await;
    asked.piece(say::text("half a")).await;
    drop(asked);
    assert!(client.answer(false).await.is_none(), "half an answer never looks whole");
    assert!(logs(&fixture, "").await.is_empty());
}
