//! What every answer of the surface carries.

use std::num::NonZeroU32;

use loop_server::surface;

use super::{ask, refused};
use crate::support::Fixture;

#[tokio::test]
async fn every_answer_to_a_key_tells_how_much_it_may_ask_yet() {
    let fixture = Fixture::start().await;
    let evaluate = r#"{"step":{"action":"find_leads"}}"#;
    for (method, path, body, status) in [
        ("POST", "/api/v1/policy/evaluate", evaluate, 200),
        ("POST", "/api/v1/policy/evaluate", "{}", 400),
        ("GET", "/api/v1/loops/loop_none", "", 404),
        ("POST", "/api/v1/loops", r#"{"kind":"business"}"#, 201),
    ] {
        let answer = ask(&fixture, method, path, &fixture.key, body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let told = |name: &str| answer.header(name).and_then(|text| text.parse::<u64>().ok()).expect("a number");
        assert!(told("ratelimit-remaining") < told("ratelimit-limit") && told("ratelimit-reset") <= 60, "{path}");
    }
    let stranger = ask(&fixture, "POST", "/api/v1/policy/evaluate", "lk_live_0", evaluate).await;
    assert!(stranger.status == 401 && stranger.header("ratelimit-limit").is_none());
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let few = |config: &mut loop_server::config::Config| {
        config.limits.requests_per_minute = NonZeroU32::new(2).expect("two");
    };
    let fixture = Fixture::with(few, surface::rows()).await;
    for _ in 0..2 {
        assert_eq!(ask(&fixture, "GET", "/api/v1/loops", &fixture.key, "").await.status, 200);
    }
    let answer = ask(&fixture, "GET", "/api/v1/loops", &fixture.key, "").await;
    assert_eq!(refused(&answer), (429, "RATE_LIMITED".into()));
    let seconds: u32 = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("ratelimit-remaining"), Some("0"));
    assert_eq!(ask(&fixture, "GET", "/api/v1/loops", &fixture.other, "").await.status, 200);
    assert_eq!(ask(&fixture, "GET", "/api/settings", &fixture.key, "").await.status, 200);
}
