//! Answers that are written bit by bit.

use tokio::io::AsyncReadExt;

use crate::{
    http::rows,
    support::{
        Fixture,
        client::{Client, request},
    },
};

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let answer = fixture.send("GET", "/t/csv", &[], b"").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv")));
    assert_eq!(answer.text().lines().count(), 10_000);
    assert!(answer.text().ends_with("9999,x\r\n"));
}

#[tokio::test]
async fn half_an_answer_never_looks_whole() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/t/torn", &[], b"")).await;
    assert!(client.answer(false).await.is_none());
}

#[tokio::test]
async fn a_writer_stops_when_its_reader_has_gone() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/t/endless", &[], b"")).await;
    let mut some = [0; 1000];
    client.socket.read_exact(&mut some).await.expect("a beginning");
    drop(client);
    rows::ABANDONED.acquire().await.expect("open").forget();
}

#[tokio::test]
async fn a_first_byte_leaves_before_the_rest_is_known() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/t/trickle", &[], b"")).await;
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n1\r\n \r\n") {
        seen.push(client.socket.read_u8().await.expect("a byte"));
    }
    rows::GO.notify_one();
    let mut rest = [0; 13 + 5];
    client.socket.read_exact(&mut rest).await.expect("the rest");
    assert!(String::from_utf8_lossy(&rest).contains("{\"done\":true}"));
}
