//! Templates, versions, previews and reviews.

use serde_json::{Value, json};

use super::{ask, get, made, refused, text, whole};
use crate::support::Fixture;

async fn template(fixture: &Fixture, slug: &str) -> String {
    let body = json!({ "slug": slug, "name": slug, "conditions": { "signalSource": slug }, "specificity": 90 });
    made(fixture, "/api/templates", &body.to_string()).await
}

async fn version(fixture: &Fixture, template: &str, content: &str) -> String {
    let body = json!({ "content": content, "authorType": "human", "authorName": "Ada" }).to_string();
    made(fixture, &format!("/api/templates/{template}/versions"), &body).await
}

async fn preview(fixture: &Fixture, issue: &str) -> Value {
    whole(fixture, "GET", &format!("/api/templates/preview/{issue}"), "").await
}

#[tokio::test]
async fn a_preview_shows_the_prompt_without_a_key_and_counts_no_use() {
    let fixture = Fixture::start().await;
    let template = template(&fixture, "preview").await;
    let version = version(&fixture, &template, "{{issue.title}} {{loopToken}} {{loopUrl}}").await;
    let issue = r#"{"title":"Look","type":"task","signalSource":"preview"}"#;
    let issue = made(&fixture, "/api/issues", issue).await;
    let shown = preview(&fixture, &issue).await;
    assert_eq!(shown["template"]["id"], template.as_str());
    assert_eq!(shown["version"], json!({ "id": version, "version": 1 }));
    assert_eq!(shown["data"]["prompt"], shown["prompt"]);
    let prompt = text(&shown["prompt"]);
    assert!(prompt.starts_with("Look lk_claim_preview http"), "{prompt}");
    let answer = ask(&fixture, "GET", &format!("/api/issues/{issue}"), "lk_claim_preview", "").await;
    assert_eq!(refused(&answer), (401, "Invalid API key".into(), String::new()));
    let versions = get(&fixture, "GET", &format!("/api/templates/{template}/versions"), "").await;
    assert_eq!(versions[0]["usageCount"], 0);
}

#[tokio::test]
async fn no_prompt_log_or_refusal_holds_a_key_of_more_power() {
    let fixture = Fixture::start().await;
    let mut seen = Vec::new();
    for kind in ["signal", "hypothesis", "plan", "task", "monitor"] {
        let body = json!({
            "title": "Look", "type": kind, "signalSource": "s", "signalPayload": { "note": "{{loopToken}}" },
            "hypothesis": {
                "statement": "s", "confidence": 0.5, "evidence": ["{{loopToken}}"], "validationCriteria": "v",
            },
        });
        let issue = made(&fixture, "/api/issues", &body.to_string()).await;
        let shown = preview(&fixture, &issue).await;
        assert!(text(&shown["prompt"]).contains("lk_claim_preview"), "{kind}: {shown}");
        seen.push(shown.to_string());
        seen.push(whole(&fixture, "GET", &format!("/api/issues/{issue}/history"), "").await.to_string());
    }
    for body in
        ["{nope", r#"{"content":"{{{a}}}"}"#, r#"{"content":"{{#if a}}","authorType":"human","authorName":"a"}"#]
    {
        let path = "/api/templates/tpl_default_task_execution/versions";
        let answer = ask(&fixture, "POST", path, &fixture.key, body).await;
        assert!(answer.status >= 400);
        seen.push(answer.text());
    }
    let log = ask(&fixture, "GET", "/api/audit?limit=100", &fixture.key, "").await;
    seen.push(log.text());
    for text in &seen {
        assert!(!text.contains(&*fixture.key) && !text.contains(&*fixture.other), "{text}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_template_is_refused_with_its_place() {
    let fixture = Fixture::start().await;
    let id = template(&fixture, "syntax").await;
    let path = format!("/api/templates/{id}/versions");
    let write = |content: &str| json!({ "content": content, "authorType": "agent", "authorName": "n" }).to_string();
    let answer = ask(&fixture, "POST", &path, &fixture.key, &write("fine\nx {{#if a}}y{{/each}}")).await;
    let details = answer.json()["details"][0].clone();
    assert_eq!((answer.status, &details["line"], &details["column"]), (422, &json!(2), &json!(13)));
    assert_eq!(details["field"], "content");
    let answer = ask(&fixture, "POST", &path, &fixture.key, &write("{{{a}}}")).await;
    assert!(answer.status == 422 && answer.text().contains("Triple-brace syntax ({{{) is not allowed."));
    let deep = write(&format!("{}x{}", "{{#if a}}".repeat(10_000), "{{/if}}".repeat(10_000)));
    assert_eq!(ask(&fixture, "POST", &path, &fixture.key, &deep).await.status, 400, "it is longer than a text may be");
    let deep = write(&format!("{}x{}", "{{#if a}}".repeat(5_000), "{{/if}}".repeat(5_000)));
    assert_eq!(ask(&fixture, "POST", &path, &fixture.key, &deep).await.status, 422);
    assert_eq!(whole(&fixture, "GET", &path, "").await, json!({ "data": [], "total": 0 }));
}

#[tokio::test]
async fn an_unknown_condition_is_refused_and_an_unknown_member_is_not() {
    let fixture = Fixture::start().await;
    for conditions in [json!({ "bogus": 1 }), json!([]), json!("task"), json!(null), json!({ "type": "bug" })] {
        let body = json!({ "slug": "strict", "name": "n", "conditions": conditions }).to_string();
        let answer = ask(&fixture, "POST", "/api/templates", &fixture.key, &body).await;
        let (status, _, field) = refused(&answer);
        assert_eq!((status, field.as_str()), (400, "conditions"), "{body}");
    }
    let made = get(&fixture, "POST", "/api/templates", r#"{"slug":"strict","name":"n","bogus":1}"#).await;
    assert_eq!((&made["conditions"], &made["specificity"]), (&json!({}), &json!(10)));
    let path = format!("/api/templates/{}", text(&made["id"]));
    assert_eq!(ask(&fixture, "PATCH", &path, &fixture.key, r#"{"slug":"x"}"#).await.status, 400);
}

#[tokio::test]
async fn reviews_move_the_score_and_show_on_the_dashboard() {
    let fixture = Fixture::start().await;
    let id = template(&fixture, "reviewed").await;
    let version = version(&fixture, &id, "x").await;
    let review = |mark: u64| {
        json!({
            "versionId": version, "issueId": "i1", "clarity": mark, "completeness": mark, "relevance": mark,
            "authorType": "agent",
        })
        .to_string()
    };
    for mark in [4, 5] {
        get(&fixture, "POST", "/api/prompt-reviews", &review(mark)).await;
    }
    for mark in [0, 6] {
        let answer = ask(&fixture, "POST", "/api/prompt-reviews", &fixture.key, &review(mark)).await;
        assert_eq!(refused(&answer).0, 400);
    }
    let shown = get(&fixture, "GET", &format!("/api/templates/{id}"), "").await;
    let score = shown["activeVersion"]["reviewScore"].as_f64().unwrap();
    assert!((score - 4.3).abs() < 1e-9, "{score}");
    assert_eq!((&shown["health"]["status"], &shown["health"]["reviews"]), (&json!("healthy"), &json!(2)));
    let rows = whole(&fixture, "GET", "/api/dashboard/prompts?limit=200", "").await;
    let row = rows["data"].as_array().unwrap().iter().find(|row| row["template"]["id"] == id.as_str()).unwrap();
    assert_eq!(row["reviewSummary"]["totalReviews"], 2);
    assert_eq!(row["reviewSummary"]["compositeScore"], 4.5);
    assert_eq!(row["needsAttention"], false);
}

#[tokio::test]
async fn every_new_tenant_has_the_default_templates_and_keeps_its_own() {
    let fixture = Fixture::start().await;
    let path = "/api/templates/tpl_default_task_execution";
    assert_eq!(whole(&fixture, "DELETE", path, "").await, Value::Null);
    assert_eq!(ask(&fixture, "GET", path, &fixture.key, "").await.status, 404);
    let all = whole(&fixture, "GET", "/api/templates", "").await;
    assert_eq!(all["total"], 4);
}
