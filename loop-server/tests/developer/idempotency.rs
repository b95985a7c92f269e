//! `Idempotency-Key`.

use serde_json::Value;

use super::{get, refused, text};
use crate::support::{Answer, Fixture};

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
