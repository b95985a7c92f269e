//! What is asked once, what is not asked at all, and what is left of it after a restart.

use std::time::Duration;

use loop_core::base::secret::Secret;
use loop_server::{
    config::Config,
    http::{Listener, listen::Bound},
    judge::Settings,
};
use serde_json::{Value, json};

use super::{assert_asked, before, before_with, finds, judged, refund, refund_while, rule};
use crate::{gateway::fake::Fake, support::own::call};

#[tokio::test]
async fn the_same_call_is_judged_once_and_another_anew() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    refund_while(&fixture, &mut fake, 5, async |asked| asked.json(finds("covered")).await).await;
    for _ in 0..3 {
        assert_eq!(refund(&fixture, 5).await["status"], "BLOCKED");
    }
    assert!(fake.idle(), "it is known");
    let other = refund_while(&fixture, &mut fake, 6, async |asked| asked.json(finds("not_covered")).await).await;
    assert_asked(&other, "another amount");
    assert!(fake.idle());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_ask_once() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let all = async {
        let one = || refund(&fixture, 7);
        tokio::join!(one(), one(), one(), one(), one(), one())
    };
    let (answers, ()) = tokio::join!(all, async { fake.asked().await.json(finds("covered")).await });
    let (a, b, c, d, e, f) = answers;
    assert!([a, b, c, d, e, f].iter().all(|answer| answer["status"] == "BLOCKED"));
    assert!(fake.idle());
}

#[tokio::test]
async fn a_changed_rule_is_judged_anew() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    refund_while(&fixture, &mut fake, 5, async |asked| asked.json(finds("covered")).await).await;
    let rules = fixture.call("GET", "/api/approval-rules", &fixture.key, "").await.json();
    let id = rules.pointer("/rules/0/id").or_else(|| rules.pointer("/0/id")).and_then(Value::as_str).expect("an id");
    let patch = json!({ "rule_text": "block dodgy refunds" }).to_string();
    let patched = fixture.call("PATCH", &format!("/api/approval-rules/{id}"), &fixture.key, &patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    let answer = refund_while(&fixture, &mut fake, 5, async |asked| asked.json(finds("unsure")).await).await;
    assert_asked(&answer, "another revision");
    assert_eq!(judged(&fixture).await[0]["revision"], 2);
}

#[tokio::test]
async fn a_tenant_asks_no_more_than_its_budget() {
    for change in
        [(|settings: &mut Settings| settings.per_minute = 2) as fn(&mut Settings), |settings| settings.per_day = 2]
    {
        let mut fake = Fake::start().await;
        let fixture = before_with(&fake, change).await;
        for amount in [1, 2] {
            let answer =
                refund_while(&fixture, &mut fake, amount, async |asked| asked.json(finds("covered")).await).await;
            assert_eq!(answer["status"], "BLOCKED");
        }
        assert_asked(&refund(&fixture, 3).await, "spent");
        assert_eq!(judged(&fixture).await[0]["failed"], "budget");
        assert_eq!(refund(&fixture, 2).await["status"], "BLOCKED", "what is known costs nothing");
        assert!(fake.idle());
    }
}

#[tokio::test]
async fn one_decision_asks_so_many_questions_and_no_more() {
    let mut fake = Fake::start().await;
    let fixture = before_with(&fake, |settings| settings.questions = 2).await;
    for word in ["shady", "dodgy", "murky"] {
        rule(&fixture, &format!("block {word} refunds"), "block").await;
    }
    let (answer, ()) = tokio::join!(refund(&fixture, 5), async {
        for _ in 0..2 {
            fake.asked().await.json(finds("unsure")).await;
        }
    });
    assert_asked(&answer, "unsure");
    assert_eq!(answer["reasons"].as_array().map(Vec::len), Some(4));
    assert_eq!(judged(&fixture).await.as_array().map(Vec::len), Some(2));
    assert!(fake.idle());
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_left_alone() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    for amount in 0..5 {
        let answer = refund_while(&fixture, &mut fake, amount, async |asked| asked.answer(500, &[], "").await).await;
        assert_asked(&answer, "status");
    }
    assert_asked(&refund(&fixture, 9).await, "resting");
    assert_eq!(judged(&fixture).await[0]["failed"], "resting");
    assert!(fake.idle());
}

#[tokio::test]
async fn the_largest_call_is_asked_about_in_a_bounded_request() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let note = "\"\\\u{7}é".repeat(20_000);
    let (answer, length) =
        tokio::join!(super::intercept(&fixture, "create_refund", json!({ "amount": 1, "note": note })), async {
            let asked = fake.asked().await;
            let length = asked.body.len();
            asked.json(finds("covered")).await;
            length
        });
    assert_eq!(answer["status"], "BLOCKED");
    assert!(length <= 32 << 10, "{length}");
}

/// A server over a file that outlives it.
async fn over(folder: &std::path::Path, judge: Option<Settings>) -> (loop_server::start::Server, std::net::SocketAddr) {
    let config = Config {
        db: folder.join("loop.db"),
        api_key: Some(Secret::new(crate::support::own::KEY)),
        judge,
        ..Config::ephemeral()
    };
    let listener = Listener::bind(&config.listen).await.expect("a free port");
    let server = loop_server::serve(config, listener).await.expect("started");
    let Bound::Tcp(address) = *server.bound() else { panic!("a TCP address") };
    (server, address)
}

#[tokio::test]
async fn after_a_restart_it_is_asked_again_and_without_it_a_human_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut fake = Fake::start().await;
    let settings =
        Settings { patience: Duration::from_secs(60), ..Settings::new(format!("{}/v1/", fake.url()), "judge-1") };
    let body = r#"{"tool_name":"create_refund","arguments":{"amount":5}}"#;
    let propose = async |address| call(address, "POST", "/api/intercept", crate::support::own::KEY, body).await.json();
    for round in 0..2 {
        let (server, address) = over(folder.path(), Some(settings.clone())).await;
        if round == 0 {
            let rule = json!({ "rule_text": super::SKETCHY, "action": "block" }).to_string();
            let made = call(address, "POST", "/api/approval-rules", crate::support::own::KEY, &rule).await;
            assert_eq!(made.status, 201);
        }
        let (answer, ()) = tokio::join!(propose(address), async {
            let asked = fake.asked().await;
            assert!(asked.header("authorization").is_none(), "no key was configured");
            asked.json(finds("covered")).await;
        });
        assert_eq!(answer["status"], "BLOCKED", "{round}");
        server.shutdown().await;
    }
    let (server, address) = over(folder.path(), None).await;
    assert_asked(&propose(address).await, "no model");
    assert!(fake.idle());
    server.shutdown().await;
}

#[tokio::test]
async fn a_model_that_cannot_be_connected_keeps_the_server_from_starting() {
    let long = "m".repeat(129);
    for (url, model, key) in [
        ("ftp://x.example", "m", ""),
        ("https://u:p@x.example", "m", ""),
        ("https://x.example/v1?key=a", "m", ""),
        ("https://x.example/v1", "", ""),
        ("https://x.example/v1", &long, ""),
        ("https://x.example/v1", "m", "tl_0123456789abcdef0123456789abcdef"),
        ("https://x.example/v1", "m", "a\nb"),
    ] {
        let key = Some(Secret::new(key)).filter(|key| !key.expose().is_empty());
        let config = Config { judge: Some(Settings { key, ..Settings::new(url, model) }), ..Config::ephemeral() };
        let listener = Listener::bind(&config.listen).await.expect("a free port");
        let refused = loop_server::serve(config, listener).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("judging model")), "{url} {model}");
    }
}
