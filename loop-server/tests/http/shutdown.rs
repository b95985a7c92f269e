//! The orderly end.

use std::time::Duration;

use crate::{
    http::rows,
    support::{
        Fixture,
        client::{Client, request},
    },
};

#[tokio::test]
async fn a_request_under_way_is_finished_and_idle_connections_are_closed() {
    let Fixture { server, address, _folder, .. } = Fixture::with(|_| {}, rows::all()).await;
    let mut idle = Client::connect(address).await;
    idle.send(&request("GET", "/livez", &[], b"")).await;
    assert!(idle.answer(false).await.is_some());
    let mut busy = Client::connect(address).await;
    busy.send(&request("GET", "/t/wait", &[], b"")).await;
    rows::BEGUN.acquire().await.expect("open").forget();

    let stopping = tokio::spawn(server.shutdown());
    assert!(idle.ends().await, "nothing was under way there");
    rows::GO.notify_one();
    let answer = busy.answer(false).await.expect("the answer still comes");
    assert_eq!(answer.json()["waited"], true);
    stopping.await.expect("no panic");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off_in_the_end() {
    let short = |config: &mut loop_server::config::Config| config.limits.drain_time = Duration::from_millis(50);
    let Fixture { server, address, _folder, .. } = Fixture::with(short, rows::all()).await;
    let mut stuck = Client::connect(address).await;
    stuck.send(b"POST /t/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await;
    server.shutdown().await;
    assert!(stuck.answer(false).await.is_none_or(|answer| answer.status >= 400));
    assert!(stuck.ends().await);
}
