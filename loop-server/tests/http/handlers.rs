//! What handlers get, and what becomes of what they answer.

use crate::{http::rows, support::Fixture};

#[tokio::test]
async fn params_are_decoded_once_and_bodies_of_get_and_delete_ignored() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let get = fixture.call("GET", "/t/params/a%2Fb/c/d%20e%252F?limit=7", "", "{not json").await;
    assert_eq!(get.json(), serde_json::json!({"id": "a/b", "rest": "c/d e%2F", "nothing": "", "limit": 7, "body": 0}));
    let delete = fixture.call("DELETE", "/t/params/x", "", "").await;
    assert_eq!(delete.status, 200);
    let clamped = fixture.call("GET", "/t/params/x/y?limit=99999999999999999999", "", "").await;
    assert_eq!(clamped.json()["limit"], 1000);
    let bad = fixture.call("GET", "/t/params/x/y?limit=-1", "", "").await;
    assert_eq!((bad.status, bad.json()["error"].as_str()), (400, Some("`limit` must be a whole number, not `-1`")));
}

#[tokio::test]
async fn a_panic_becomes_an_answer_that_tells_nothing_and_the_server_lives() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let answer = fixture.send("GET", "/t/panic?api_key=s3cret", &[], b"").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("internal error")));
    assert!(!answer.text().contains("secret"));
    assert_eq!(fixture.send("GET", "/livez", &[], b"").await.status, 200);
}

#[tokio::test]
async fn failures_carry_what_their_kind_needs() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let of = async |code: &str| fixture.send("GET", &format!("/t/failure?code={code}"), &[], b"").await;
    let internal = of("internal").await;
    assert_eq!((internal.status, internal.json()["error"].as_str()), (500, Some("internal error")));
    let unavailable = of("unavailable").await;
    assert_eq!((unavailable.status, unavailable.header("retry-after")), (503, Some("7")));
    let limited = of("limited").await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1")));
    let conflict = of("conflict").await;
    assert_eq!((conflict.status, conflict.json()["outcome"].as_str()), (409, Some("approved")));
    let id = conflict.json()["request_id"].as_str().expect("an id").to_owned();
    assert_eq!(conflict.header("x-request-id"), Some(id.as_str()));
}

#[tokio::test]
async fn looking_at_a_link_does_not_use_it() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let used = || rows::USED.lock().expect("no panic").iter().any(|token| token == "looked-at");
    assert_eq!(fixture.send("HEAD", "/t/token/looked-at", &[], b"").await.status, 200);
    assert_eq!(fixture.send("OPTIONS", "/t/token/looked-at", &[], b"").await.status, 200);
    assert!(!used());
    assert_eq!(fixture.send("GET", "/t/token/looked-at", &[], b"").await.status, 200);
    assert!(used());
}

#[tokio::test]
async fn keys_are_read_where_the_surface_says() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let key = fixture.key.as_str();
    let status = async |path: &str, headers: &[(&str, &str)]| fixture.send("GET", path, headers, b"").await.status;
    assert_eq!(status("/t/key", &[("x-api-key", key)]).await, 200);
    assert_eq!(status("/t/key", &[("authorization", &format!("Bearer {key}"))]).await, 200);
    assert_eq!(status(&format!("/t/key?api_key={key}"), &[]).await, 200);
    assert_eq!(status(&format!("/t/key?api_key={key}"), &[("x-api-key", "tl_wrong")]).await, 401);
    assert_eq!(status(&format!("/v1/models?api_key={key}"), &[]).await, 401);
    assert_eq!(status("/v1/models", &[("authorization", &format!("Bearer {key}"))]).await, 401);
    assert_eq!(status("/v1/models", &[("authorization", "Bearer sk-x"), ("x-api-key", key)]).await, 502);
    assert_eq!(status("/v1/models", &[("x-api-key", "sk-ant-x"), ("x-loop-key", key)]).await, 502);
    let post = async |path: &str| fixture.send("POST", path, &[], b"{}").await.status;
    assert_eq!(post(&format!("/t/echo?api_key={key}")).await, 401);
    // It is no message, but its sender is known.
    assert_eq!(post(&format!("/mcp?api_key={key}")).await, 400);
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_then_on() {
    let fixture = Fixture::with(|_| {}, rows::all()).await;
    let key = fixture.key_with(loop_core::access::Scopes::all()).await;
    assert_eq!(fixture.call("GET", "/t/key", &key, "").await.status, 200);
    let engine = &fixture.server.app.engine;
    let id = engine.known_caller(&key).expect("seen").key.to_string();
    let tenant = loop_core::base::TenantId::default_tenant();
    let (subject, now) = (tenant.clone(), engine.now());
    engine
        .write_as_system(&tenant, "test.revoke", loop_core::store::Lane::Normal, move |tx| {
            loop_core::access::key::revoke(tx, &subject, &id, now)
        })
        .await
        .expect("revoked");
    assert_eq!(fixture.call("GET", "/t/key", &key, "").await.status, 401);
}

#[tokio::test]
async fn the_metrics_tell_what_the_store_does() {
    let fixture = Fixture::start().await;
    let figure = async |name: &str| -> f64 {
        let text = fixture.send("GET", "/metrics", &[], b"").await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no `{name}` in {text}")).parse().expect("a number")
    };
    let before = figure("loop_store_batch_jobs_sum").await;
    let call = fixture.call("POST", "/api/intercept", &fixture.key, r#"{"tool_name":"read_file"}"#).await;
    assert_eq!(call.status, 200);
    assert!(figure("loop_store_batch_jobs_sum").await > before);
    assert!(figure("loop_store_commit_seconds_sum").await > 0.0);
    assert_eq!(figure(r#"loop_store_waiting_jobs{access="write",lane="decision"}"#).await, 0.0);
}
