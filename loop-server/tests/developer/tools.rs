//! `/api/developer/tools/manifest` and `/api/v1/tools`.

use serde_json::{Value, json};

use super::{
    ask, get, loop_with_key,
    provider::{Provider, called, invoke, manifest, publish},
    refused, text,
};
use crate::support::Fixture;

const TOOLS: &str = "/api/v1/tools";
const MANIFEST: &str = "/api/developer/tools/manifest";
const SCOPES: &str = r#"["tools:publish","tools:invoke","tools:block"]"#;

/// Two loops of two owners and their keys.
async fn pair(fixture: &Fixture) -> (String, String) {
    let (_, ann) = loop_with_key(fixture, r#"{"kind":"developer","tag":"ann","ownerId":"ann"}"#, SCOPES).await;
    let (_, bob) = loop_with_key(fixture, r#"{"kind":"developer","tag":"bob","ownerId":"bob"}"#, SCOPES).await;
    (ann, bob)
}

async fn listed(fixture: &Fixture, key: &str) -> Vec<String> {
    let page = get(fixture, "GET", TOOLS, key, "").await;
    page["tools"].as_array().expect("a page").iter().map(|tool| text(&tool["name"])).collect()
}

async fn review(fixture: &Fixture, key: &str, id: &Value, status: &str) -> crate::support::Answer {
    let path = format!("{TOOLS}/{}/review", text(id));
    ask(fixture, "POST", &path, key, &json!({"status": status}).to_string()).await
}

#[tokio::test]
async fn a_published_version_never_changes_and_its_secret_is_shown_once() {
    let fixture = Fixture::start().await;
    let (ann, _) = pair(&fixture).await;
    let one = manifest("http://127.0.0.1:9/found", &json!({}));
    let first = ask(&fixture, "POST", MANIFEST, &ann, &one.to_string()).await;
    let made = first.json();
    assert_eq!((first.status, &made["status"]), (201, &json!("approved")), "{made}");
    assert!(text(&made["signingSecret"]).starts_with("whsec_"));
    let again = ask(&fixture, "POST", MANIFEST, &ann, &one.to_string()).await;
    assert_eq!((again.status, &again.json()["toolId"]), (200, &made["toolId"]));
    assert!(again.json().get("signingSecret").is_none());
    for changed in
        [json!({"riskLevel": "medium"}), json!({"endpoint": "http://127.0.0.1:9/x"}), json!({"creditCost": 1})]
    {
        let other = manifest("http://127.0.0.1:9/found", &changed).to_string();
        assert_eq!(
            refused(&ask(&fixture, "POST", MANIFEST, &ann, &other).await),
            (409, "CONFLICT".into()),
            "{changed}"
        );
    }
    let two = manifest("http://127.0.0.1:9/found", &json!({"version": "1.1.0", "riskLevel": "high"}));
    assert_ne!(publish(&fixture, &ann, &two).await["toolId"], made["toolId"]);
    let shown = get(&fixture, "GET", &format!("{TOOLS}/find_leads"), &ann, "").await;
    assert_eq!((&shown["version"], &shown["riskLevel"]), (&json!("1.1.0"), &json!("high")));
    let shown = get(&fixture, "GET", &format!("{TOOLS}/find_leads?version=1.0.0"), &ann, "").await;
    assert_eq!((&shown["toolId"], &shown["riskLevel"]), (&made["toolId"], &json!("low")));
    assert!(!shown.to_string().contains("whsec_"), "{shown}");
    let none = ask(&fixture, "GET", &format!("{TOOLS}/find_leads?version=9.0.0"), &ann, "").await;
    assert_eq!(refused(&none), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn manifests_that_make_no_sense_are_refused() {
    let fixture = Fixture::start().await;
    let (ann, _) = pair(&fixture).await;
    for changed in [
        json!({"name": "Find"}),
        json!({"description": ""}),
        json!({"category": "Sales!"}),
        json!({"riskLevel": "none"}),
        json!({"providerType": "magic"}),
        json!({"visibility": "all"}),
        json!({"version": "one"}),
        json!({"inputSchema": {"type": "nothing"}}),
        json!({"inputSchema": {"$ref": "https://example.com/schema.json"}}),
        json!({"outputSchema": 5}),
        json!({"timeoutMs": 0}),
        json!({"creditCost": -1}),
        json!({"endpoint": "file:///etc/passwd"}),
    ] {
        let body = manifest("http://127.0.0.1:9/found", &changed).to_string();
        let answer = ask(&fixture, "POST", MANIFEST, &ann, &body).await;
        assert_eq!(refused(&answer), (400, "INVALID_REQUEST".into()), "{changed}");
    }
    assert_eq!(listed(&fixture, &ann).await, [""; 0]);
    let sound = manifest("http://127.0.0.1:9/found", &json!({})).to_string();
    let (_, lame) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, r#"["tools:invoke"]"#).await;
    let unscoped = ask(&fixture, "POST", MANIFEST, &lame, &sound).await;
    assert_eq!(refused(&unscoped), (403, "INSUFFICIENT_SCOPE".into()));
    let loopless = ask(&fixture, "POST", MANIFEST, &fixture.key, &sound).await;
    assert_eq!(refused(&loopless), (400, "INVALID_REQUEST".into()));
    assert_eq!(ask(&fixture, "POST", MANIFEST, &ann, &sound).await.status, 201);
}

#[tokio::test]
async fn what_others_may_call_waits_for_a_review_that_only_the_administrator_gives() {
    let fixture = Fixture::start().await;
    let (ann, bob) = pair(&fixture).await;
    let provider = Provider::start().await;
    let content = manifest(&format!("{}/found", provider.url), &json!({"visibility": "marketplace"}));
    let made = publish(&fixture, &ann, &content).await;
    assert_eq!(made["status"], "pending_review");
    let path = format!("{TOOLS}/find_leads");
    for (key, sees) in [(&ann, 200), (&bob, 404)] {
        assert_eq!(ask(&fixture, "GET", &path, key, "").await.status, sees);
        assert_eq!(refused(&invoke(&fixture, key, "find_leads").await), (404, "NOT_FOUND".into()));
    }
    for key in [&ann, &bob] {
        let own = review(&fixture, key, &made["toolId"], "approved").await;
        assert_eq!(refused(&own), (403, "INSUFFICIENT_SCOPE".into()));
    }
    let back = review(&fixture, &fixture.key, &made["toolId"], "pending_review").await;
    assert_eq!(refused(&back), (400, "INVALID_REQUEST".into()));
    let stranger = review(&fixture, &fixture.other, &made["toolId"], "approved").await;
    assert_eq!(refused(&stranger), (404, "NOT_FOUND".into()));
    assert_eq!(provider.calls(), 0);

    assert_eq!(review(&fixture, &fixture.key, &made["toolId"], "approved").await.json()["status"], "approved");
    assert_eq!(listed(&fixture, &bob).await, ["find_leads"]);
    assert_eq!(get(&fixture, "GET", &path, &ann, "").await["endpoint"], content["endpoint"]);
    let theirs = get(&fixture, "GET", &path, &bob, "").await;
    assert!(theirs.get("endpoint").is_none(), "where the provider is, is its owner's to know: {theirs}");
    called(&fixture, &bob, "find_leads").await;
    assert_eq!(provider.calls(), 1);

    assert_eq!(review(&fixture, &fixture.key, &made["toolId"], "suspended").await.json()["status"], "suspended");
    assert_eq!(refused(&invoke(&fixture, &bob, "find_leads").await), (404, "NOT_FOUND".into()));
    assert_eq!((listed(&fixture, &bob).await.len(), provider.calls()), (0, 1));
}

#[tokio::test]
async fn a_private_tool_is_its_loops_and_an_unlisted_one_for_who_knows_its_name() {
    let fixture = Fixture::start().await;
    let (ann, bob) = pair(&fixture).await;
    let provider = Provider::start().await;
    let endpoint = format!("{}/found", provider.url);
    let secret = publish(&fixture, &ann, &manifest(&endpoint, &json!({"name": "mine"}))).await;
    let unlisted =
        publish(&fixture, &ann, &manifest(&endpoint, &json!({"name": "hint", "visibility": "unlisted"}))).await;
    for id in [&secret["toolId"], &unlisted["toolId"]] {
        assert_eq!(review(&fixture, &fixture.key, id, "approved").await.status, 200);
    }
    assert_eq!(listed(&fixture, &bob).await, [""; 0]);
    assert_eq!(refused(&invoke(&fixture, &bob, "mine").await), (404, "NOT_FOUND".into()));
    assert_eq!(refused(&ask(&fixture, "GET", "/api/v1/tools/mine", &bob, "").await), (404, "NOT_FOUND".into()));
    called(&fixture, &bob, "hint").await;
    called(&fixture, &ann, "mine").await;
    assert_eq!(provider.calls(), 2);
}
