//! A client that listens to a stream while it comes.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;

use super::{CHAT, STREAMED, fake::Asked, say};
use crate::support::client::{Client, request};

/// Asks for a stream.
pub async fn ask(address: SocketAddr, key: &str) -> Client {
    let mut client = Client::connect(address).await;
    client.send(&request("POST", CHAT, &[("x-api-key", key)], STREAMED.as_bytes())).await;
    client
}

/// Reads until `end` has come.
pub async fn until(client: &mut Client, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        seen.push(client.socket.read_u8().await.expect("a byte"));
    }
    String::from_utf8(seen).expect("text")
}

/// What is left to read until the connection ends.
pub async fn rest(mut client: Client) -> String {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = client.socket.read_to_end(&mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
}

/// The model says a text, which the client hears.
pub async fn hear_text(client: &mut Client, asked: &mut Asked) {
    asked.events().await;
    asked.piece(say::text("let me")).await;
    until(client, &format!("{}\r\n", say::text("let me"))).await;
}

/// The model says a text, which the client hears, and begins a call that asks for approval.
pub async fn hear_call(client: &mut Client, asked: &mut Asked) {
    asked.events().await;
    // The text is heard once the call's beginning, which comes with it, was seen.
    let mut call = say::call("wire_transfer", r#"{"amount":5000,"to":"s3ntinel"}"#).into_iter();
    asked.piece(say::text("let me") + &call.next().expect("a beginning")).await;
    until(client, "\n\n\r\n").await;
    for chunk in call {
        asked.piece(chunk).await;
    }
}

/// The model calls, and the client hears that it has to wait; the model has not ended its answer yet.
pub async fn hear_verdict(client: &mut Client, asked: &mut Asked) -> String {
    hear_call(client, asked).await;
    asked.piece(say::end("tool_calls")).await;
    until(client, "data: [DONE]\n\n\r\n").await
}
