//! Two tenants on one server see nothing of each other, whatever they ask for.

use serde_json::{Value, json};

use super::{TRANSFERS, ask, decide, erased_of, intercept, rule};
use crate::support::{Answer, Fixture};

struct Tenant {
    id: String,
    key: String,
}

async fn sign_up(fixture: &Fixture, email: &str) -> Tenant {
    let answer = fixture.send("POST", "/api/signup", &[], json!({ "email": email }).to_string().as_bytes()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let text = |name: &str| answer.json()[name].as_str().expect("text").to_owned();
    Tenant { id: text("tenant_id"), key: text("api_key") }
}

/// Everything that can be read, in every list and document there is.
const READS: [&str; 15] = [
    "/api/approval-rules",
    "/api/pending-approvals",
    "/api/approvals/history",
    "/api/blocked-tools",
    "/api/logs",
    "/api/logs?tool_name=canary_tool",
    "/api/logs?agent_name=bot",
    "/api/logs/export",
    "/api/audit",
    "/api/audit?stream=decisions",
    "/api/stats",
    "/api/settings",
    "/api/retention",
    "/api/notification-settings",
    "/api/dsar/export",
];

/// Fills a tenant with things that only it has.
async fn fill(fixture: &Fixture, tenant: &Tenant) -> (String, String) {
    let key = &tenant.key;
    let rule = rule(fixture, key, TRANSFERS, "approve").await;
    let block = r#"{"tool_name":"canary_blocked","reason":"canary_reason"}"#;
    assert_eq!(fixture.call("POST", "/api/blocked-tools", key, block).await.status, 201);
    let mail = r#"{"notify_email":"canary_notify@example.com"}"#;
    assert_eq!(fixture.call("PUT", "/api/notification-settings", key, mail).await.status, 200);
    assert_eq!(fixture.call("PUT", "/api/retention", key, r#"{"retention_days":77}"#).await.status, 200);
    assert_eq!(fixture.call("PUT", "/api/settings", key, r#"{"timezone":"Asia/Tokyo"}"#).await.status, 200);
    intercept(fixture, key, "canary_tool", r#"{"to":"jane@example.com","canary_argument":1}"#).await;
    let id = ask(fixture, key, "wire_transfer", r#"{"amount":5000,"to":"jane@example.com"}"#).await;
    (rule["id"].as_str().expect("an id").to_owned(), id)
}

async fn read(fixture: &Fixture, key: &str, path: &str) -> Answer {
    let answer = fixture.call("GET", path, key, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// What a tenant can read, without what changes from one look to the next.
async fn everything(fixture: &Fixture, key: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for path in READS.iter().filter(|path| !path.contains("export")) {
        all.push(read(fixture, key, path).await.json());
    }
    all
}

#[tokio::test]
async fn a_new_tenant_sees_nothing_of_another() {
    let fixture = Fixture::start().await;
    let a = sign_up(&fixture, "a@example.com").await;
    let b = sign_up(&fixture, "b@example.com").await;
    assert_ne!((&a.id, &a.key), (&b.id, &b.key));
    let (rule, approval) = fill(&fixture, &a).await;
    for path in READS {
        let text = read(&fixture, &b.key, path).await.text();
        for foreign in ["canary", "wire", "jane", "Tokyo", &rule, &approval, &a.id] {
            assert!(!text.contains(foreign), "{path} shows `{foreign}`: {text}");
        }
    }
    assert_eq!(read(&fixture, &b.key, "/api/retention").await.json()["retention_days"], Value::Null);
    let stats = read(&fixture, &b.key, "/api/stats").await.json();
    assert_eq!((&stats["total"], &stats["pending_now"], &stats["pii_masked"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(stats["allow_self_approval"], false, "a tenant that signed up starts without it");
    for path in ["/api/logs", "/api/pending-approvals", "/api/approval-rules", "/api/blocked-tools"] {
        let answer = read(&fixture, &b.key, path).await;
        assert_eq!((answer.json(), answer.header("x-total-count")), (json!([]), Some("0")), "{path}");
    }
    assert!(read(&fixture, &a.key, "/api/logs").await.text().contains("canary_tool"), "its own it sees");
}

#[tokio::test]
async fn no_key_touches_what_another_tenant_has() {
    let fixture = Fixture::start().await;
    let a = sign_up(&fixture, "a2@example.com").await;
    let b = sign_up(&fixture, "b2@example.com").await;
    let (rule, approval) = fill(&fixture, &a).await;
    let before = everything(&fixture, &a.key).await;
    for action in ["approved", "denied"] {
        assert_eq!(decide(&fixture, &b.key, &approval, action).await.status, 404);
    }
    let rule = format!("/api/approval-rules/{rule}");
    let status = format!("/enforce/status/{approval}");
    for (method, path, body) in [
        ("GET", rule.as_str(), ""),
        ("PATCH", &rule, r#"{"mode":"shadow"}"#),
        ("DELETE", &rule, ""),
        ("GET", &status, ""),
        ("DELETE", "/api/blocked-tools/canary_blocked", ""),
    ] {
        let answer = fixture.call(method, path, &b.key, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
    }
    let whole = fixture.call("DELETE", &format!("/api/data?confirm={}", a.id), &b.key, "").await;
    assert_eq!(whole.status, 400, "{}", whole.text());
    // Erasing the same person in one tenant erases it in no other.
    let erased = fixture.call("DELETE", "/api/data?subject=jane@example.com", &b.key, "").await.json();
    assert_eq!(erased, erased_of(0, 0));
    let erased = fixture.call("DELETE", &format!("/api/data?confirm={}", b.id), &b.key, "").await.json();
    assert_eq!(erased, erased_of(0, 0));
    assert_eq!(everything(&fixture, &a.key).await, before);
}

#[tokio::test]
async fn the_same_names_and_calls_are_each_tenant_s_own() {
    let fixture = Fixture::start().await;
    let a = sign_up(&fixture, "a3@example.com").await;
    let b = sign_up(&fixture, "b3@example.com").await;
    let (_, of_a) = fill(&fixture, &a).await;
    let (_, of_b) = fill(&fixture, &b).await;
    assert_ne!(of_a, of_b, "the same call waits twice");
    let strict = fixture.key.clone();
    assert_eq!(decide(&fixture, &strict, &of_a, "approved").await.status, 404);
    let logs = |answer: Answer| answer.json().as_array().expect("a list").iter().map(|row| row["id"].clone()).collect();
    let (in_a, in_b): (Vec<Value>, Vec<Value>) =
        (logs(read(&fixture, &a.key, "/api/logs").await), logs(read(&fixture, &b.key, "/api/logs").await));
    assert_eq!(in_a, in_b, "each log counts from one");
    assert_eq!(in_a, [json!("dec-2"), json!("dec-1")]);

    assert_eq!(fixture.call("DELETE", "/api/blocked-tools/canary_blocked", &b.key, "").await.status, 200);
    let status = async |key: &str| intercept(&fixture, key, "canary_blocked", "{}").await.json()["status"].clone();
    assert_eq!((status(&a.key).await, status(&b.key).await), (json!("BLOCKED"), json!("ALLOWED")));

    let erased = fixture.call("DELETE", "/api/data?subject=jane@example.com", &b.key, "").await.json();
    assert_eq!(erased, erased_of(2, 1));
    let waiting = async |key: &str| read(&fixture, key, "/api/pending-approvals").await.json();
    assert_eq!((waiting(&a.key).await[0]["id"].clone(), waiting(&b.key).await), (json!(of_a), json!([])));
    for tenant in [&a, &b] {
        let verified = read(&fixture, &tenant.key, "/api/audit/verify").await.json();
        assert_eq!(verified["valid"], true, "{verified}");
    }
}

#[tokio::test]
async fn an_address_may_sign_up_twice_and_nonsense_may_not() {
    let fixture = Fixture::start().await;
    let (a, b) = (sign_up(&fixture, "twice@example.com").await, sign_up(&fixture, "twice@example.com").await);
    assert_ne!(a.id, b.id);
    for body in [r#"{}"#, r#"{"email":"nobody"}"#, r#"{"email":""}"#, r#"{"email":"a@b","name":""}"#] {
        assert_eq!(fixture.send("POST", "/api/signup", &[], body.as_bytes()).await.status, 400, "{body}");
    }
    let closed = Fixture::with(|config| config.allow_signup = false, loop_server::surface::rows()).await;
    let answer = closed.send("POST", "/api/signup", &[], br#"{"email":"a@example.com"}"#).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
}
