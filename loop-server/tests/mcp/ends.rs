//! Calls whose client, key or server goes before they end: carried out once, and told truly.

use std::{sync::atomic::Ordering, time::Duration};

use loop_core::access::{Scopes, key};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    call,
    fake::Fake,
    gateway::{before, statuses},
};
use crate::support::{Fixture, client::request};

const CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fs__echo","arguments":{"a":1}}}"#;

/// Asks for a call and leaves as soon as the server behind has it.
async fn call_and_hang_up(fixture: &Fixture, fake: &Fake, key: &str) {
    let mut socket = TcpStream::connect(fixture.address).await.expect("connected");
    let calls = fake.received().len();
    socket.write_all(&request("POST", "/mcp", &[("x-api-key", key)], CALL)).await.expect("sent");
    fake.until_received(calls + 1).await;
}

async fn until_logged(fixture: &Fixture, wanted: &[&str]) {
    let asking = async { while statuses(fixture, "fs__echo").await != wanted {} };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("logged at last");
}

/// What the log says once the server has stopped.
async fn log_after(fixture: Fixture) -> Vec<String> {
    let db = fixture.server.app.config.db.clone();
    let Fixture { server, _folder, .. } = fixture;
    server.shutdown().await;
    let again = Fixture::with(|config| config.db = db, loop_server::surface::rows()).await;
    statuses(&again, "fs__echo").await
}

#[tokio::test]
async fn a_client_that_hangs_up_stops_no_call_and_the_log_tells_how_it_ended() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    let shut = fake.state.calls.write().await;
    call_and_hang_up(&fixture, &fake, &fixture.key).await;
    fake.state.hangs_up.store(true, Ordering::SeqCst);
    drop(shut);
    until_logged(&fixture, &["ALLOWED", "ERROR"]).await;
    fake.state.hangs_up.store(false, Ordering::SeqCst);
    let shut = fake.state.calls.write().await;
    call_and_hang_up(&fixture, &fake, &fixture.key).await;
    // A server that stops waits for what is worked on, whoever asked for it: the answer comes after it closed its doors.
    let address = fixture.address;
    let answering = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        drop(shut);
    };
    let (log, ()) = tokio::join!(log_after(fixture), answering);
    assert_eq!(log, ["ALLOWED", "ERROR", "ALLOWED"]);
    assert_eq!(fake.received().len(), 2, "a call is sent once at most");
}

#[tokio::test]
async fn a_call_that_the_server_does_not_wait_for_any_longer_is_told_as_lost() {
    let fake = Fake::start().await;
    let spec = fake.spec("fs");
    let fixture = Fixture::with(
        |config| {
            config.mcp_upstreams = vec![spec];
            config.limits.drain_time = Duration::ZERO;
        },
        loop_server::surface::rows(),
    )
    .await;
    super::gateway::until_offered(&fixture, "fs__echo").await;
    let _shut = fake.state.calls.write().await;
    call_and_hang_up(&fixture, &fake, &fixture.key).await;
    assert_eq!(log_after(fixture).await, ["ALLOWED", "ERROR"]);
}

#[tokio::test]
async fn a_call_whose_key_is_revoked_meanwhile_has_its_end_in_the_log() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    let key_text = fixture.key_with(Scopes::all()).await;
    let shut = fake.state.calls.write().await;
    call_and_hang_up(&fixture, &fake, &key_text).await;
    let engine = &fixture.server.app.engine;
    let id = engine.authenticate(&key_text).await.expect("valid").key.to_string();
    let operator = engine.authenticate(&fixture.key).await.expect("valid");
    let cx = engine.context(operator).expect("randomness");
    let revoking = engine.write(cx, "test", move |tx, cx| key::revoke(tx, cx.tenant(), &id, cx.now).map(|_| ()));
    revoking.await.expect("revoked");
    fake.state.hangs_up.store(true, Ordering::SeqCst);
    drop(shut);
    until_logged(&fixture, &["ALLOWED", "ERROR"]).await;
}

#[tokio::test]
async fn a_server_that_stops_closes_the_sessions_that_it_opened() {
    let fake = Fake::start().await;
    let fixture = before(&[("fs", &fake)]).await;
    call(&fixture, &fixture.key, "fs__echo", "{}").await;
    // There is no session of ours to close.
    assert_eq!(fixture.call("DELETE", "/mcp", &fixture.key, "").await.status, 405);
    fixture.server.shutdown().await;
    assert_eq!((fake.state.sessions.load(Ordering::SeqCst), fake.state.closed.load(Ordering::SeqCst)), (1, 1));
}
