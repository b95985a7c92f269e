//! `Idempotency-Key`.

use std::sync::Arc;

use loop_core::{
    access::idempotency::{CLAIM_SECONDS, KEEP_SECONDS},
    store::{Job, Store, StoreError},
};
use loop_store_sqlite::SqliteStore;
use serde_json::Value;

use super::{get, loop_with_key, refused, text};
use crate::support::{
    Answer, Fixture,
    client::{Client, request},
    own::{KEY, Own, open, options},
};

async fn post(fixture: &Fixture, path: &str, idempotency: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", fixture.key);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", idempotency)];
    fixture.send("POST", path, &headers, body.as_bytes()).await
}

async fn count(fixture: &Fixture, path: &str, rows: &str) -> usize {
    get(fixture, "GET", path, &fixture.key, "").await[rows].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_the_first_time() {
    let fixture = Fixture::start().await;
    let first = post(&fixture, "/api/v1/loops", "one", r#"{"kind":"business","plan":"pro"}"#).await;
    let again = post(&fixture, "/api/v1/loops", "one", r#"{"plan":"pro","kind":"business"}"#).await;
    assert_eq!((first.status, first.json()), (again.status, again.json()));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(count(&fixture, "/api/v1/loops", "loops").await, 1);
    let other = post(&fixture, "/api/v1/loops", "one", r#"{"kind":"personal"}"#).await;
    assert_eq!(refused(&other), (422, "IDEMPOTENCY_MISMATCH".into()));
    assert_eq!(post(&fixture, "/api/v1/loops", "two", r#"{"kind":"business","plan":"pro"}"#).await.status, 201);
    assert_eq!(count(&fixture, "/api/v1/loops", "loops").await, 2);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let fixture = Fixture::start().await;
    let send = || post(&fixture, "/api/v1/loops", "race", r#"{"kind":"business"}"#);
    let (a, b, c, d, e) = tokio::join!(send(), send(), send(), send(), send());
    let all = [a, b, c, d, e];
    let made: Vec<Value> = all.iter().filter(|answer| answer.status == 201).map(Answer::json).collect();
    assert!(!made.is_empty() && made.iter().all(|body| *body == made[0]), "{all:?}");
    for answer in all.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused(answer), (409, "IDEMPOTENCY_CONFLICT".into()));
    }
    assert_eq!(count(&fixture, "/api/v1/loops", "loops").await, 1);
}

#[tokio::test]
async fn a_secret_that_was_shown_is_not_shown_again() {
    let fixture = Fixture::start().await;
    let body = r#"{"name":"n","scopes":[]}"#;
    let first = post(&fixture, "/api/v1/keys", "key", body).await.json();
    let again = post(&fixture, "/api/v1/keys", "key", body).await;
    assert_eq!((again.status, &again.json()["id"]), (201, &first["id"]));
    assert!(!again.text().contains(&text(&first["key"])) && again.json().get("key").is_none(), "{}", again.text());
}

#[tokio::test]
async fn a_refusal_that_changed_nothing_may_be_tried_again() {
    let fixture = Fixture::start().await;
    let body = r#"{"kind":"sub","parentLoopId":"@later"}"#;
    assert_eq!(refused(&post(&fixture, "/api/v1/loops", "k", body).await), (404, "LOOP_NOT_FOUND".into()));
    get(&fixture, "POST", "/api/v1/loops", &fixture.key, r#"{"tag":"later","kind":"business"}"#).await;
    assert_eq!(post(&fixture, "/api/v1/loops", "k", body).await.status, 201);
}

#[tokio::test]
async fn keys_of_two_tenants_never_meet_and_bad_keys_are_refused() {
    let fixture = Fixture::start().await;
    let body = r#"{"kind":"business"}"#;
    let mine = post(&fixture, "/api/v1/loops", "same", body).await.json();
    let bearer = format!("Bearer {}", fixture.other);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "same")];
    let theirs = fixture.send("POST", "/api/v1/loops", &headers, body.as_bytes()).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(theirs.json()["id"], mine["id"]);
    let long = "k".repeat(256);
    for bad in ["", long.as_str(), "k\u{e9}"] {
        assert_eq!(refused(&post(&fixture, "/api/v1/loops", bad, body).await), (400, "INVALID_REQUEST".into()));
    }
}

/// A store that keeps no answer, as when the process dies right before.
struct Forgets(Arc<SqliteStore>);

impl Store for Forgets {
    fn submit(&self, job: Job) {
        if job.name == "idempotency.answer" {
            (job.done)(Err(StoreError::Unavailable("on purpose")));
        } else {
            self.0.submit(job);
        }
    }
}

#[tokio::test]
async fn what_was_done_is_not_done_again_though_its_answer_was_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = Own::over(Arc::new(Forgets(open(&folder.path().join("loop.db"), options())))).await;
    assert_eq!(own.call("POST", "/api/v1/loops", r#"{"tag":"ann","kind":"developer"}"#).await.status, 201);
    let grant = async || {
        let headers = [("x-api-key", KEY), ("idempotency-key", "once")];
        let mut client = Client::connect(own.address).await;
        let body = br#"{"loopId":"@ann","amount":7}"#;
        client.send(&request("POST", "/api/v1/credits/grant", &headers, body)).await;
        client.answer(false).await.expect("an answer")
    };
    let balance = async || own.call("GET", "/api/v1/credits?loopId=@ann", "").await.json()["balance"].clone();
    assert_eq!(grant().await.status, 200);
    for seconds in [0, CLAIM_SECONDS, KEEP_SECONDS - CLAIM_SECONDS - 60] {
        own.clock.pass(seconds);
        let again = grant().await;
        assert_eq!(refused(&again), (409, "IDEMPOTENCY_CONFLICT".into()), "{}", again.text());
        assert_eq!(balance().await, 7);
    }
    own.clock.pass(120);
    assert_eq!((grant().await.status, balance().await), (200, 14.into()), "a day later the key is free");
}

#[tokio::test]
async fn a_refusal_that_was_written_down_is_told_again() {
    let fixture = Fixture::start().await;
    let scopes = r#"["tasks:write","proof:create"]"#;
    let (_, ann) = loop_with_key(&fixture, r#"{"kind":"developer","ownerId":"ann"}"#, scopes).await;
    let task = text(&get(&fixture, "POST", "/api/v1/tasks", &ann, r#"{"title":"t"}"#).await["id"]);
    let claim = format!(r#"{{"taskId":"{task}","type":"summary","data":{{}}}}"#);
    let proof = text(&get(&fixture, "POST", "/api/v1/proof", &ann, &claim).await["id"]);
    let bearer = format!("Bearer {ann}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "ack")];
    for _ in 0..2 {
        let own = fixture.send("POST", &format!("/api/v1/proof/{proof}/acknowledge"), &headers, b"").await;
        assert_eq!(refused(&own), (403, "POLICY_DENIED".into()));
    }
    let kept = get(&fixture, "GET", &format!("/api/v1/proof/{proof}"), &ann, "").await["verifications"].clone();
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "the attempt is kept once: {kept}");
}
