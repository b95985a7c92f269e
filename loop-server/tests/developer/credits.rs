//! `/api/v1/credits` and `/api/v1/usage`, and the header that tells what is left.

use serde_json::{Value, json};

use super::{
    ask, get, loop_with_key,
    provider::{Provider, called, invoke, manifest, publish},
    refused, text,
};
use crate::support::Fixture;

const CREDITS: &str = "/api/v1/credits";
const GRANT: &str = "/api/v1/credits/grant";
const SCOPES: &str = r#"["tools:publish","tools:invoke","credits:grant"]"#;
const REMAINING: &str = "x-openloop-credits-remaining";

async fn grant(fixture: &Fixture, to: &str, amount: u64) -> Value {
    let body = json!({"loopId": to, "amount": amount}).to_string();
    get(fixture, "POST", GRANT, &fixture.key, &body).await
}

#[tokio::test]
async fn a_wallet_is_its_roots_and_only_the_administrator_fills_it() {
    let fixture = Fixture::start().await;
    let (root, key) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"ann"}"#, SCOPES).await;
    let body = format!(r#"{{"kind":"sub","parentLoopId":"{root}","tag":"below"}}"#);
    let (_, below) = loop_with_key(&fixture, &body, r#"["tools:invoke"]"#).await;
    assert_eq!(get(&fixture, "GET", CREDITS, &key, "").await["balance"], 0);
    let want = json!({"loopId": root, "balance": 70, "available": 70, "reserved": 0});
    assert_eq!(grant(&fixture, "@ann", 30).await["balance"], 30);
    assert_eq!(grant(&fixture, "@below", 40).await, want);
    for key in [&key, &below] {
        assert_eq!(get(&fixture, "GET", CREDITS, key, "").await, want);
    }
    // Whoever spends does not print, though its key has the scope.
    let own = ask(&fixture, "POST", GRANT, &key, r#"{"loopId":"@ann","amount":1}"#).await;
    assert_eq!(refused(&own), (403, "INSUFFICIENT_SCOPE".into()));
    for amount in ["0", "-1", "1.5", "\"9\"", "1000000000001"] {
        let body = format!(r#"{{"loopId":"@ann","amount":{amount}}}"#);
        let answer = ask(&fixture, "POST", GRANT, &fixture.key, &body).await;
        assert_eq!(refused(&answer), (400, "INVALID_REQUEST".into()), "{amount}");
    }
    let nobody = ask(&fixture, "POST", GRANT, &fixture.key, r#"{"loopId":"@nobody","amount":1}"#).await;
    assert_eq!(refused(&nobody), (404, "LOOP_NOT_FOUND".into()));
    assert_eq!(get(&fixture, "GET", CREDITS, &key, "").await, want);
}

#[tokio::test]
async fn anothers_wallet_and_usage_take_a_scope_and_to_stand_above_it() {
    let fixture = Fixture::start().await;
    let reads = r#"["credits:read"]"#;
    let (root, above) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"ann"}"#, reads).await;
    let body = format!(r#"{{"kind":"sub","parentLoopId":"{root}","tag":"below"}}"#);
    let (_, below) = loop_with_key(&fixture, &body, reads).await;
    let (_, beside) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"bob"}"#, reads).await;
    let (_, blind) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"carl"}"#, r#"["tools:invoke"]"#).await;
    for path in [CREDITS, "/api/v1/usage"] {
        let look = |key: &str, of: &str| {
            let (key, path) = (key.to_owned(), format!("{path}?loopId={of}"));
            let fixture = &fixture;
            async move { ask(fixture, "GET", &path, &key, "").await.status }
        };
        assert_eq!((look(&above, "@below").await, look(&fixture.key, "@bob").await), (200, 200), "{path}");
        assert_eq!((look(&below, "@ann").await, look(&beside, "@ann").await), (403, 403), "{path}");
        assert_eq!((look(&blind, "@bob").await, look(&blind, "@carl").await), (403, 200), "{path}");
        assert_eq!((look(&above, "@nobody").await, look(&fixture.other, "@ann").await), (404, 404), "{path}");
        assert_eq!(ask(&fixture, "GET", path, &fixture.key, "").await.status, 400, "which one?");
    }
}

#[tokio::test]
async fn a_call_is_paid_once_it_succeeded_and_every_answer_tells_what_is_left() {
    let fixture = Fixture::start().await;
    let provider = Provider::start().await;
    let (_, key) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"ann"}"#, SCOPES).await;
    let tool =
        |name: &str, path: &str| manifest(&format!("{}{path}", provider.url), &json!({"name": name, "creditCost": 4}));
    publish(&fixture, &key, &tool("works", "/found")).await;
    publish(&fixture, &key, &tool("fails", "/fails")).await;
    let before = invoke(&fixture, &key, "works").await;
    assert_eq!(refused(&before), (402, "INSUFFICIENT_CREDITS".into()));
    assert_eq!((provider.calls(), before.header(REMAINING)), (0, None), "no wallet yet");

    grant(&fixture, "@ann", 10).await;
    let paid = invoke(&fixture, &key, "works").await;
    assert_eq!(paid.json()["credits"], json!({"estimated": 4, "reserved": 4, "charged": 4}));
    assert_eq!(paid.header(REMAINING), Some("6"));
    let failed = invoke(&fixture, &key, "fails").await;
    assert_eq!(refused(&failed), (502, "PROVIDER_FAILED".into()));
    assert_eq!(failed.header(REMAINING), Some("6"));
    let body = json!({"tool": "works", "input": {"city": "Rome"}, "executionMode": "sandbox"}).to_string();
    let played = ask(&fixture, "POST", "/api/v1/tools/invoke", &key, &body).await;
    assert_eq!((played.json()["simulated"].clone(), played.header(REMAINING)), (json!(true), Some("6")));
    called(&fixture, &key, "works").await;
    for path in [CREDITS, "/api/v1/tools", "/api/v1/loops/loop_none"] {
        assert_eq!(ask(&fixture, "GET", path, &key, "").await.header(REMAINING), Some("2"), "{path}");
    }
    assert_eq!(ask(&fixture, "GET", "/api/v1/tools", &fixture.key, "").await.header(REMAINING), None);
    let calls = provider.calls();
    assert_eq!(refused(&invoke(&fixture, &key, "works").await), (402, "INSUFFICIENT_CREDITS".into()));
    assert_eq!(provider.calls(), calls);

    let wallet = get(&fixture, "GET", CREDITS, &key, "").await;
    assert_eq!((&wallet["balance"], &wallet["reserved"]), (&json!(2), &json!(0)));
    let usage = get(&fixture, "GET", "/api/v1/usage", &key, "").await;
    let months = usage["months"].as_array().expect("months");
    let sum = |name: &str| months.iter().map(|month| month[name].as_u64().expect("a number")).sum::<u64>();
    let sums = ["succeeded", "failed", "simulated", "denied", "credits"].map(sum);
    assert_eq!(sums, [2, 1, 1, 0, 8], "{usage}");
    assert_eq!(text(&months[0]["month"]).len(), 7);
}
