//! Issues, their relations and their labels over HTTP.

use serde_json::{Value, json};

use super::{ask, get, made, refused, text, whole};
use crate::support::Fixture;

async fn issue(fixture: &Fixture, body: Value) -> String {
    made(fixture, "/api/issues", &body.to_string()).await
}

#[tokio::test]
async fn an_issue_is_told_whole_and_without_what_is_only_stored() {
    let fixture = Fixture::start().await;
    let label = made(&fixture, "/api/labels", r##"{"name":"billing","color":"#22c55e"}"##).await;
    let root = issue(&fixture, json!({ "title": "root", "type": "plan", "labelIds": [label, label], "more": 1 })).await;
    let part = issue(&fixture, json!({ "title": "part", "type": "task", "parentId": root })).await;
    let other = issue(&fixture, json!({ "title": "other", "type": "task", "status": "todo" })).await;
    let body = json!({ "type": "blocks", "relatedIssueId": other }).to_string();
    let relation = made(&fixture, &format!("/api/issues/{root}/relations"), &body).await;
    let told = get(&fixture, "GET", &format!("/api/issues/{root}"), "").await;
    assert_eq!((told["parent"].clone(), told["children"][0]["id"].clone()), (Value::Null, json!(part)));
    assert_eq!(told["labels"], json!([{ "id": label, "name": "billing", "color": "#22c55e" }]));
    let shown = &told["relations"][0];
    assert_eq!(
        (&shown["id"], &shown["relatedIssueId"], &shown["targetId"]),
        (&json!(relation), &json!(other), &json!(other))
    );
    assert!(told.get("activeAt").is_none() && told.get("more").is_none(), "{told}");
    assert_eq!(text(&told["createdAt"]).len(), "2026-01-02T03:04:05.678Z".len());
    let listed = whole(&fixture, "GET", &format!("/api/issues?labelId={label}&status=triage"), "").await;
    assert_eq!((&listed["total"], &listed["data"][0]["relations"][0]["id"]), (&json!(1), &json!(relation)));
    // The blocked issue is handed out once nothing blocks it.
    let waits = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    assert_eq!(waits["issues"]["byStatus"]["todo"], json!(1));
    whole(&fixture, "DELETE", &format!("/api/relations/{relation}"), "").await;
    whole(&fixture, "DELETE", &format!("/api/issues/{root}"), "").await;
    let gone = ask(&fixture, "GET", &format!("/api/issues/{root}"), &fixture.key, "").await;
    assert_eq!(refused(&gone), (404, "Issue not found".to_owned(), String::new()));
    let history = whole(&fixture, "GET", &format!("/api/issues/{root}/history?limit=2"), "").await;
    assert_eq!((&history["total"], &history["data"][0]["op"]), (&json!(4), &json!("issue.delete")));
}

#[tokio::test]
async fn refusals_name_the_field_and_change_nothing() {
    let fixture = Fixture::start().await;
    let key = fixture.key.clone();
    for (body, field) in [
        (json!({ "type": "task" }), "title"),
        (json!({ "title": "", "type": "task" }), "title"),
        (json!({ "title": "t", "type": "bug" }), "type"),
        (json!({ "title": "t", "type": null }), "type"),
        (json!({ "title": "t", "type": "task", "priority": 5 }), "priority"),
        (json!({ "title": "t", "type": "task", "signalPayload": [1] }), "signalPayload"),
        (json!({ "title": "t", "type": "task", "hypothesis": { "statement": "s" } }), "hypothesis.confidence"),
        (json!({ "title": "t", "type": "task", "commits": [{ "message": "m" }] }), "commits[0].sha"),
        (
            json!({ "title": "t", "type": "task", "pullRequests": [{ "number": 1, "title": "t", "url": "javascript:x" }] }),
            "pullRequests[0].url",
        ),
    ] {
        let answer = ask(&fixture, "POST", "/api/issues", &key, &body.to_string()).await;
        let (status, _, at_fault) = refused(&answer);
        assert_eq!((status, at_fault.as_str()), (400, field), "{body}");
    }
    let one = issue(&fixture, json!({ "title": "t", "type": "task" })).await;
    let path = format!("/api/issues/{one}");
    for body in ["{}", r#"{"bogus":1}"#, r#"{"title":null}"#, r#"{"title":"must not stick","priority":9}"#] {
        assert_eq!(ask(&fixture, "PATCH", &path, &key, body).await.status, 400, "{body}");
    }
    let answer = ask(&fixture, "PATCH", &path, &key, r#"{"title":"must not stick","parentId":"nope"}"#).await;
    assert_eq!(refused(&answer), (422, "Parent issue not found".to_owned(), String::new()));
    assert_eq!(get(&fixture, "GET", &path, "").await["title"], json!("t"));
    for query in ["status=bogus", "type=task,bogus", "priority=5", "limit=201", "page=0", "offset=x"] {
        assert_eq!(ask(&fixture, "GET", &format!("/api/issues?{query}"), &key, "").await.status, 400, "{query}");
    }
    for query in ["projectId=nope", "labelId=nope", "parentId=nope"] {
        assert_eq!(whole(&fixture, "GET", &format!("/api/issues?{query}"), "").await["total"], json!(0), "{query}");
    }
    assert_eq!(whole(&fixture, "GET", "/api/issues", "").await["total"], json!(1));
}

#[tokio::test]
async fn a_relation_is_said_once_and_makes_no_circle() {
    let fixture = Fixture::start().await;
    let (a, b) = (
        issue(&fixture, json!({ "title": "a", "type": "task" })).await,
        issue(&fixture, json!({ "title": "b", "type": "task" })).await,
    );
    let relate = async |from: &str, kind: &str, to: &str| {
        let body = json!({ "type": kind, "relatedIssueId": to }).to_string();
        ask(&fixture, "POST", &format!("/api/issues/{from}/relations"), &fixture.key, &body).await
    };
    assert_eq!(relate(&a, "blocks", &b).await.status, 201);
    assert_eq!(refused(&relate(&a, "blocks", &b).await).1, "Relation already exists");
    assert_eq!(
        refused(&relate(&b, "blocks", &a).await),
        (422, "Relation would create a cycle".to_owned(), String::new())
    );
    assert_eq!(refused(&relate(&a, "related", &a).await).1, "Cannot create a relation to the same issue");
    assert_eq!(refused(&relate(&a, "related", "nope").await).1, "Related issue not found");
    assert_eq!(refused(&relate(&a, "parent", &b).await).2, "type");
}

#[tokio::test]
async fn an_issue_is_found_by_the_beginnings_of_its_words() {
    let fixture = Fixture::start().await;
    let one = issue(&fixture, json!({ "title": "Checkout żółwie time out", "type": "signal" })).await;
    issue(&fixture, json!({ "title": "Sign-up", "type": "task", "description": "checking mails" })).await;
    for (search, count) in
        [("check", 2), ("CHECKOUT", 1), ("%C5%BC%C3%B3%C5%82", 1), ("check%20mail", 1), ("heckout", 0), ("%22", 0)]
    {
        let found = whole(&fixture, "GET", &format!("/api/issues?search={search}"), "").await;
        assert_eq!(found["total"], json!(count), "{search}");
    }
    let found = whole(&fixture, "GET", "/api/issues?search=check&type=signal", "").await;
    assert_eq!(found["data"][0]["id"], json!(one));
}

#[tokio::test]
async fn a_labels_name_is_taken_once() {
    let fixture = Fixture::start().await;
    let body = r##"{"name":"billing","color":"#22c55e"}"##;
    let first = made(&fixture, "/api/labels", body).await;
    let again = ask(&fixture, "POST", "/api/labels", &fixture.key, body).await;
    assert_eq!(refused(&again), (409, "Label name already exists".to_owned(), String::new()));
    assert_eq!(
        get(&fixture, "PATCH", &format!("/api/labels/{first}"), r#"{"color":"red"}"#).await["color"],
        json!("red")
    );
    whole(&fixture, "DELETE", &format!("/api/labels/{first}"), "").await;
    assert_ne!(made(&fixture, "/api/labels", body).await, first);
    assert_eq!(whole(&fixture, "GET", "/api/labels", "").await["total"], json!(1));
}
