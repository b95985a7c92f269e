//! What is going on as a whole.

use serde_json::json;

use super::{ask, get, made, refused, whole};
use crate::support::Fixture;

async fn issue(fixture: &Fixture, body: &str) -> String {
    made(fixture, "/api/issues", &format!(r#"{{"title":"i","type":"task",{body}}}"#)).await
}

#[tokio::test]
async fn the_numbers_follow_every_change_and_hold_no_zeros() {
    let fixture = Fixture::start().await;
    let empty = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    assert_eq!(empty["issues"], json!({ "total": 0, "byStatus": {}, "byType": {} }));
    let done = issue(&fixture, r#""status":"todo""#).await;
    let blocked = issue(&fixture, r#""status":"todo""#).await;
    issue(&fixture, r#""status":"backlog""#).await;
    issue(&fixture, r#""status":"in_progress""#).await;
    let relation = format!(r#"{{"type":"blocked_by","relatedIssueId":"{done}"}}"#);
    get(&fixture, "POST", &format!("/api/issues/{blocked}/relations"), &relation).await;
    made(&fixture, "/api/goals", r#"{"title":"g"}"#).await;
    made(&fixture, "/api/goals", r#"{"title":"g","status":"abandoned"}"#).await;
    let before = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    let dispatch = json!({ "queueDepth": 3, "ready": 1, "activeCount": 1, "completedLast24h": 0, "expiredLeases": 0 });
    assert_eq!(before["dispatch"], dispatch);
    assert_eq!(before["goals"], json!({ "total": 2, "active": 1, "achieved": 0 }));
    get(&fixture, "PATCH", &format!("/api/issues/{done}"), r#"{"status":"done"}"#).await;
    let after = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    let dispatch = json!({ "queueDepth": 2, "ready": 1, "activeCount": 1, "completedLast24h": 1, "expiredLeases": 0 });
    assert_eq!(after["dispatch"], dispatch);
    let by_status = json!({ "backlog": 1, "done": 1, "in_progress": 1, "todo": 1 });
    assert_eq!(after["issues"], json!({ "total": 4, "byStatus": by_status, "byType": { "task": 4 } }));
    whole(&fixture, "DELETE", &format!("/api/issues/{done}"), "").await;
    let gone = get(&fixture, "GET", "/api/dashboard/stats", "").await;
    assert_eq!((&gone["issues"]["total"], &gone["dispatch"]["completedLast24h"]), (&3.into(), &0.into()));
    let stranger = ask(&fixture, "GET", "/api/dashboard/stats", &fixture.other, "").await.json();
    assert_eq!(stranger["data"], empty);
}

#[tokio::test]
async fn what_moved_last_comes_first_a_part_moving_its_whole() {
    let fixture = Fixture::start().await;
    let first = issue(&fixture, r#""priority":1"#).await;
    let second = issue(&fixture, r#""priority":1"#).await;
    let part = issue(&fixture, &format!(r#""parentId":"{first}""#)).await;
    let rows = async || whole(&fixture, "GET", "/api/dashboard/activity", "").await;
    let order = |rows: &serde_json::Value| -> Vec<String> {
        rows["data"].as_array().expect("rows").iter().map(|row| super::text(&row["root"]["id"])).collect()
    };
    let now = rows().await;
    assert_eq!((order(&now).len(), &now["total"]), (2, &2.into()));
    let at = order(&now).iter().position(|id| *id == first).expect("the whole");
    assert_eq!(now["data"][at]["children"][0]["issue"]["id"], part.as_str());
    assert_eq!(now["data"][at]["latestActivity"], now["data"][at]["children"][0]["issue"]["updatedAt"]);
    for (moved, leads) in [(&second, &second), (&part, &first), (&second, &second), (&part, &first)] {
        // Instants are told in milliseconds: the next change is in a later one.
        let before = rows().await["data"][0]["latestActivity"].clone();
        loop {
            let priority =
                if get(&fixture, "GET", &format!("/api/issues/{moved}"), "").await["priority"] == 3 { 2 } else { 3 };
            get(&fixture, "PATCH", &format!("/api/issues/{moved}"), &format!(r#"{{"priority":{priority}}}"#)).await;
            let now = rows().await;
            if now["data"][0]["latestActivity"] != before {
                assert_eq!(order(&now)[0], *leads);
                break;
            }
        }
    }
    assert_eq!(whole(&fixture, "GET", "/api/dashboard/activity?limit=1", "").await["total"], 1);
    for bad in ["0", "-1", "NaN", "201"] {
        let answer = ask(&fixture, "GET", &format!("/api/dashboard/activity?limit={bad}"), &fixture.key, "").await;
        let (status, _, field) = refused(&answer);
        assert_eq!((status, field.as_str()), (400, "limit"), "{bad}");
    }
}
