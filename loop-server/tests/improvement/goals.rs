//! Goals and the projects that serve them.

use serde_json::{Value, json};

use super::{ask, get, made, refused, whole};
use crate::support::Fixture;

#[tokio::test]
async fn a_goal_reads_back_as_it_was_written_and_null_clears() {
    let fixture = Fixture::start().await;
    let project = made(&fixture, "/api/projects", r#"{"name":"p"}"#).await;
    let sent = json!({
        "title": "T", "description": "d ✓", "metric": "m", "targetValue": 99.5, "currentValue": -1e-9, "unit": "%",
        "status": "achieved", "projectId": project,
    });
    let goal = made(&fixture, "/api/goals", &sent.to_string()).await;
    let path = format!("/api/goals/{goal}");
    let read = get(&fixture, "GET", &path, "").await;
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(&read[name], value, "{name}");
    }
    for name in ["description", "metric", "targetValue", "currentValue", "unit", "projectId"] {
        let changed = get(&fixture, "PATCH", &path, &json!({ name: null }).to_string()).await;
        assert_eq!(changed[name], Value::Null, "{name}");
    }
    for (body, field) in [
        (json!({ "title": null }), "title"),
        (json!({ "title": "a".repeat(501) }), "title"),
        (json!({ "status": null }), "status"),
        (json!({ "targetValue": "5" }), "targetValue"),
        (json!({ "currentValue": true }), "currentValue"),
        (json!({ "metric": "m".repeat(501) }), "metric"),
    ] {
        let (status, _, at) = refused(&ask(&fixture, "PATCH", &path, &fixture.key, &body.to_string()).await);
        assert_eq!((status, at.as_str()), (400, field), "{body}");
    }
    let elsewhere = ask(&fixture, "PATCH", &path, &fixture.key, r#"{"projectId":"nope","title":"kept"}"#).await;
    assert_eq!(refused(&elsewhere), (422, "Project not found".to_owned(), String::new()));
    assert_eq!(get(&fixture, "GET", &path, "").await["title"], "T");
}

#[tokio::test]
async fn an_active_goal_moves_its_projects_issues_before_others_from_either_side() {
    let fixture = Fixture::start().await;
    let plain = made(&fixture, "/api/projects", r#"{"name":"plain"}"#).await;
    let served = made(&fixture, "/api/projects", r#"{"name":"served"}"#).await;
    for project in [&plain, &served] {
        made(
            &fixture,
            "/api/issues",
            &format!(r#"{{"title":"i","type":"task","status":"todo","projectId":"{project}"}}"#),
        )
        .await;
    }
    let boosted = async || {
        let project = fixture.server.app.engine.authenticate(&fixture.key).await.expect("a caller").tenant;
        let id = served.clone();
        let read = fixture.server.app.engine.store();
        loop_core::store::StoreExt::read(&**read, "test", move |tx| {
            loop_core::work::project::stored(tx, &project, &id).map(|stored| stored.value.boosted)
        })
        .await
        .expect("read")
    };
    assert!(!boosted().await);
    let goal = made(&fixture, "/api/goals", &format!(r#"{{"title":"g","projectId":"{served}"}}"#)).await;
    assert!(boosted().await);
    get(&fixture, "PATCH", &format!("/api/goals/{goal}"), r#"{"status":"achieved"}"#).await;
    assert!(!boosted().await);
    let other = made(&fixture, "/api/goals", r#"{"title":"h"}"#).await;
    get(&fixture, "PATCH", &format!("/api/projects/{served}"), &format!(r#"{{"goalId":"{other}"}}"#)).await;
    assert!(boosted().await);
    whole(&fixture, "DELETE", &format!("/api/goals/{other}"), "").await;
    assert!(!boosted().await);
    // What the queue keeps for itself is not told.
    let listed = whole(&fixture, "GET", "/api/projects", "").await;
    assert!(listed["data"].as_array().expect("rows").iter().all(|row| row.get("boosted").is_none()), "{listed}");
}
