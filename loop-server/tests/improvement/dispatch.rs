//! Issues handed out, held and given back.

use serde_json::{Value, json};

use super::{ask, get, made, refused, text, whole};
use crate::support::Fixture;

const NEXT: &str = "/api/dispatch/next";

async fn todo(fixture: &Fixture, priority: u8) -> String {
    let body = json!({ "title": "t", "type": "task", "status": "todo", "priority": priority });
    made(fixture, "/api/issues", &body.to_string()).await
}

/// Claims with a lease: the issue's id and the claim's token.
async fn lease(fixture: &Fixture, seconds: u32) -> (String, String) {
    let claimed = whole(fixture, "POST", NEXT, &json!({ "leaseSeconds": seconds }).to_string()).await;
    (text(&claimed["issue"]["id"]), text(&claimed["claim"]["token"]))
}

#[tokio::test]
async fn what_is_claimed_is_told_bare_and_under_data_with_its_prompt() {
    let fixture = Fixture::start().await;
    let issue = todo(&fixture, 1).await;
    let claimed = whole(&fixture, "GET", NEXT, "").await;
    assert_eq!((&claimed["issue"]["id"], &claimed["issue"]["status"]), (&json!(issue), &json!("in_progress")));
    for name in ["issue", "prompt", "meta"] {
        assert_eq!(claimed[name], claimed["data"][name], "{name}");
    }
    assert_eq!(claimed["meta"]["templateSlug"], "task-execution");
    assert_eq!((claimed.get("claim"), claimed.get("promptError")), (None, None));
    let prompt = text(&claimed["prompt"]);
    assert!(prompt.contains("lk_claim_") && !prompt.contains(&fixture.key), "{prompt}");
    assert_eq!(ask(&fixture, "GET", NEXT, &fixture.key, "").await.status, 204);
}

#[tokio::test]
async fn a_look_claims_nothing() {
    let fixture = Fixture::start().await;
    assert_eq!(ask(&fixture, "HEAD", NEXT, &fixture.key, "").await.status, 204);
    let issue = todo(&fixture, 1).await;
    let head = ask(&fixture, "HEAD", NEXT, &fixture.key, "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(whole(&fixture, "GET", "/api/dispatch/queue", "").await["total"], 1);
    assert_eq!(get(&fixture, "GET", &format!("/api/issues/{issue}"), "").await["status"], "todo");
}

#[tokio::test]
async fn terms_that_make_no_sense_are_refused_and_claim_nothing() {
    let fixture = Fixture::start().await;
    let issue = todo(&fixture, 1).await;
    for (method, query, body, field) in [
        ("GET", "?leaseSeconds=0", "", "leaseSeconds"),
        ("GET", "?leaseSeconds=-1", "", "leaseSeconds"),
        ("GET", "?leaseSeconds=1.5", "", "leaseSeconds"),
        ("GET", "?leaseSeconds=86401", "", "leaseSeconds"),
        ("GET", "?leaseSeconds=", "", "leaseSeconds"),
        ("POST", "", r#"{"leaseSeconds":-1}"#, "leaseSeconds"),
        ("POST", "", r#"{"leaseSeconds":"60"}"#, "leaseSeconds"),
        ("POST", "?leaseSeconds=60", r#"{"leaseSeconds":0}"#, "leaseSeconds"),
        ("POST", "?agent=", "{}", "agent"),
        ("POST", "", r#"{"sessionId":7}"#, "sessionId"),
    ] {
        let (status, _, at) = refused(&ask(&fixture, method, &format!("{NEXT}{query}"), &fixture.key, body).await);
        assert_eq!((status, at.as_str()), (400, field), "{method} {query} {body}");
    }
    assert_eq!(get(&fixture, "GET", &format!("/api/issues/{issue}"), "").await["status"], "todo");
}

#[tokio::test]
async fn a_lease_is_lengthened_given_back_and_fenced_off() {
    let fixture = Fixture::start().await;
    let issue = todo(&fixture, 1).await;
    let (id, token) = lease(&fixture, 60).await;
    assert_eq!(id, issue);
    let path = |verb: &str| format!("/api/dispatch/{id}/{verb}");
    let with = |token: &str| json!({ "token": token }).to_string();
    let beat = get(&fixture, "POST", &path("heartbeat"), &with(&token)).await;
    assert_eq!(beat["claim"]["token"], json!(token));
    let back = get(&fixture, "POST", &path("release"), &with(&token)).await;
    assert_eq!(back["status"], "todo");
    let (_, fresh) = lease(&fixture, 60).await;
    for verb in ["heartbeat", "release", "complete"] {
        for late in [token.as_str(), "lc_made_up", ""] {
            let answer = ask(&fixture, "POST", &path(verb), &fixture.key, &with(late)).await;
            assert_eq!(refused(&answer).0, 409, "{verb} {late}");
        }
        assert_eq!(refused(&ask(&fixture, "POST", &path(verb), &fixture.key, "{}").await).2, "token", "{verb}");
        // Another tenant's key finds no such issue, whatever token it has.
        assert_eq!(ask(&fixture, "POST", &path(verb), &fixture.other, &with(&fresh)).await.status, 404, "{verb}");
    }
    let done = json!({ "token": fresh, "status": "canceled", "agentSummary": "no use" }).to_string();
    let first = get(&fixture, "POST", &path("complete"), &done).await;
    assert_eq!((&first["status"], &first["agentSummary"]), (&json!("canceled"), &json!("no use")));
    assert_eq!(get(&fixture, "POST", &path("complete"), &done).await, first);
    let steps = whole(&fixture, "GET", &format!("/api/issues/{id}/history"), "").await;
    let ops: Vec<&Value> = steps["data"].as_array().expect("steps").iter().map(|step| &step["op"]).collect();
    assert_eq!(ops, ["dispatch.complete", "dispatch.claim", "dispatch.release", "dispatch.claim", "issue.create"]);
}

#[tokio::test]
async fn the_claim_of_a_request_that_is_sent_again_is_the_same() {
    let fixture = Fixture::start().await;
    let (first, second) = (todo(&fixture, 1).await, todo(&fixture, 2).await);
    let bearer = format!("Bearer {}", fixture.key);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "once")];
    let one = fixture.send("POST", NEXT, &headers, br#"{"leaseSeconds":60}"#).await;
    let again = fixture.send("POST", NEXT, &headers, br#"{"leaseSeconds":60}"#).await;
    assert_eq!((one.status, one.json()), (again.status, again.json()));
    assert_eq!(one.json()["issue"]["id"], json!(first));
    assert_eq!(get(&fixture, "GET", &format!("/api/issues/{second}"), "").await["status"], "todo");
}

#[tokio::test]
async fn a_prompt_that_cannot_be_filled_in_leaves_the_claim() {
    let fixture = Fixture::start().await;
    let project = made(&fixture, "/api/projects", r#"{"name":"p"}"#).await;
    let template =
        json!({ "slug": "endless", "name": "n", "specificity": 100, "conditions": { "projectId": project } });
    let template = made(&fixture, "/api/templates", &template.to_string()).await;
    // Every letter of a long title once for every letter: more than a prompt may have.
    let part = "{{#each issue.commits}}{{#each ../issue.commits}}{{#each ../../issue.commits}}{{../../../issue.description}}{{/each}}{{/each}}{{/each}}";
    let version = json!({ "content": part, "authorType": "human", "authorName": "a" });
    made(&fixture, &format!("/api/templates/{template}/versions"), &version.to_string()).await;
    let commits: Vec<Value> = (0..100).map(|n| json!({ "sha": n.to_string(), "message": "m" })).collect();
    let issue = json!({ "title": "t", "type": "task", "projectId": project, "description": "d".repeat(10_000) });
    let issue = made(&fixture, "/api/issues", &issue.to_string()).await;
    let patch = json!({ "commits": commits, "status": "todo" }).to_string();
    get(&fixture, "PATCH", &format!("/api/issues/{issue}"), &patch).await;
    let claimed = whole(&fixture, "GET", NEXT, "").await;
    assert_eq!((&claimed["issue"]["id"], &claimed["prompt"]), (&json!(issue), &Value::Null));
    assert!(claimed["promptError"].as_str().is_some_and(|text| !text.is_empty()), "{claimed}");
    assert_eq!(claimed["meta"]["templateSlug"], "endless");
    assert_eq!(get(&fixture, "GET", &format!("/api/issues/{issue}"), "").await["status"], "in_progress");
}

#[tokio::test]
async fn ended_leases_are_noticed_by_a_worker() {
    let fixture = Fixture::start().await;
    let issue = todo(&fixture, 1).await;
    lease(&fixture, 1).await;
    let path = format!("/api/issues/{issue}");
    let back = async {
        while get(&fixture, "GET", &path, "").await["status"] != "todo" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), back).await.expect("given back");
    let stats = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    assert_eq!(stats["dispatch"]["expiredLeases"], 1, "{stats}");
}
