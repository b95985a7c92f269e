//! A server killed between claiming a notice and learning that it arrived delivers it again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use loop_core::{
    access::{Caller, Ctx},
    base::{
        Host, Seed, TenantId, Time,
        host::{NoEntropy, SystemHost},
        secret::{MasterKey, Secret, TokenHash},
    },
    engine::Engine,
    outbox::{
        LEASE_SECONDS, links,
        targets::{self, TargetError, TargetsPatch},
    },
    store::{Lane, StoreError, StoreExt},
};
use loop_server::{
    outbound::{Client as Outbound, Limits, post::Post},
    worker::{Delivery, Wake, Workers},
};
use loop_store_sqlite::{Options, SqliteStore};
use serde_json::json;

use super::hook::{Hook, tokens};
use crate::support::{
    client::{Client, request},
    process,
};

const KEY: &str = "tl_killed_0123456789abcdef0123456789abcdef";
const SECRET: &str = "a passphrase of the test";

/// The machine's clock once every lease of the killed process is over.
struct Later;

impl Host for Later {
    fn now(&self) -> Time {
        SystemHost.now().plus_seconds(LEASE_SECONDS + 1)
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        SystemHost.seed()
    }
}

async fn call(address: SocketAddr, method: &str, path: &str, body: &str) -> u16 {
    let mut client = Client::connect(address).await;
    client.send(&request(method, path, &[("x-api-key", KEY)], body.as_bytes())).await;
    client.answer(false).await.expect("an answer").status
}

#[tokio::test]
async fn a_notice_outlives_kill_9_and_both_messages_links_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("LOOP_API_KEY", KEY), ("LOOP_SECRET_KEY", SECRET), ("LOOP_ALLOW_PRIVATE_TARGETS", "true")];
    let (mut process, address) = process::start(folder.path(), &settings);
    let mut deaf = Hook::new(false).await;
    let settings = json!({ "slack_webhook_url": deaf.url }).to_string();
    assert_eq!(call(address, "PUT", "/api/notification-settings", &settings).await, 200);
    let rule = r#"{"rule_text":"Any wire transfer over £1,000 needs approval","action":"approve"}"#;
    assert_eq!(call(address, "POST", "/api/approval-rules", rule).await / 100, 2);
    let ask = r#"{"tool_name":"wire_transfer","arguments":{"amount":5000}}"#;
    assert_eq!(call(address, "POST", "/api/intercept", ask).await, 200);
    let first = tokens(&deaf.body().await);
    process.kill().expect("killed");
    process.wait().expect("gone");

    let store = SqliteStore::open(folder.path().join("loop.db"), Options::default()).expect("opened again");
    let engine = Engine::new(Arc::new(store), Arc::new(Later), MasterKey::from_text(SECRET));
    let mut hook = Hook::new(true).await;
    let (home, master, now, seed) =
        (TenantId::default_tenant(), engine.master().clone(), engine.now(), engine.seed().expect("randomness"));
    let patch = TargetsPatch { slack: Some(Some(Secret::new(hook.url.clone()))), ..TargetsPatch::default() };
    let subject = home.clone();
    let moved = engine.write_as_system(&subject, "test", Lane::Normal, move |tx| {
        let cx = Ctx::new(Caller::system(home.clone(), "test"), now, seed.clone());
        targets::update(tx, &cx, &master, &patch)
    });
    moved.await.map_err(|error: TargetError| error).expect("moved");

    let client = Outbound::new(Limits { allow_private: true, ..Limits::default() }).expect("a client");
    let delivery = Delivery::new(engine.clone(), Post::new(client, None, "http://loop.example"), Wake::new());
    let mut workers = Workers::new();
    workers.spawn("delivery", move |stop| delivery.clone().run(stop));
    let again = tokens(&hook.body().await);
    workers.stop(Duration::from_secs(60)).await;
    assert_ne!(first, again, "an attempt has tokens of its own");
    for token in [first.0, first.1, again.0, again.1] {
        let hash = TokenHash::of(&token);
        let link = engine.store().read("test", move |tx| links::find(tx, hash)).await;
        assert!(link.map_err(|error: StoreError| error).expect("read").is_some(), "no token left before its hash");
    }
}
