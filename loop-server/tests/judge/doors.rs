//! Every door hears the model.

use loop_server::surface;
use serde_json::json;

use super::{before, finds, rule};
use crate::{gateway::fake::Fake, support::Fixture};

#[tokio::test]
async fn a_verdict_without_a_trace_hears_it_too() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let evaluate = async |amount: u32| {
        let step = json!({ "action": "create_refund", "riskLevel": "low", "inputs": { "amount": amount } });
        let body = json!({ "step": step, "executionMode": "autopilot" }).to_string();
        fixture.call("POST", "/api/v1/policy/evaluate", &fixture.key, &body).await.json()
    };
    for (amount, finding, decision) in
        [(5, "covered", "deny"), (6, "not_covered", "require_approval"), (7, "unsure", "require_approval")]
    {
        let (answer, ()) = tokio::join!(evaluate(amount), async { fake.asked().await.json(finds(finding)).await });
        assert_eq!(answer["decision"], decision, "{answer}");
        assert_eq!(evaluate(amount).await["decision"], decision, "as it is known");
    }
    assert!(fake.idle());
}

#[tokio::test]
async fn a_waiting_client_hears_it() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let body = r#"{"tool":"create_refund","arguments":{"amount":5},"wait":true}"#;
    let (answer, ()) = tokio::join!(fixture.call("POST", "/enforce", &fixture.key, body), async {
        fake.asked().await.json(finds("covered")).await;
    });
    assert_eq!(answer.json()["decision"], "deny", "{}", answer.text());
}

#[tokio::test]
async fn the_calls_of_a_language_model_are_judged_by_the_other() {
    let (mut judge, mut model) = (Fake::start().await, Fake::start().await);
    let base = model.url();
    let settings = loop_server::judge::Settings::new(format!("{}/v1", judge.url()), "judge-1");
    let patience = std::time::Duration::from_secs(60);
    let fixture = Fixture::with(
        |config| {
            config.models.openai = format!("{base}/v1");
            config.judge = Some(loop_server::judge::Settings { patience, ..settings });
        },
        surface::rows(),
    )
    .await;
    rule(&fixture, super::SKETCHY, "block").await;
    let function = json!({ "name": "create_refund", "arguments": "{\"amount\":5}" });
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "c1", "type": "function", "function": function }] });
    let turn = json!({ "id": "x", "object": "chat.completion", "model": "m", "created": 1,
        "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": message }] })
    .to_string();
    let request = r#"{"model":"m","messages":[{"role":"user","content":"do it"}]}"#;
    let (answer, (), ()) = tokio::join!(
        fixture.call("POST", "/v1/chat/completions", &fixture.key, request),
        async { model.asked().await.json(&turn).await },
        async { judge.asked().await.json(finds("covered")).await }
    );
    assert!(!answer.text().contains("\"create_refund\",\"arguments\""), "{}", answer.text());
    let log = fixture.call("GET", "/api/logs", &fixture.key, "").await.text();
    assert!(log.contains("BLOCKED") && !log.contains("PENDING"), "{log}");
}
