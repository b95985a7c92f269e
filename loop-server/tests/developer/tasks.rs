//! `/api/v1/tasks`.

use serde_json::json;

use super::{ask, get, loop_with_key, refused, text};
use crate::support::Fixture;

const TASKS: &str = "/api/v1/tasks";
const SCOPES: &str = r#"["tasks:read","tasks:write"]"#;

#[tokio::test]
async fn jobs_are_laid_out_moved_and_ended_with_their_task() {
    let fixture = Fixture::start().await;
    let (_, key) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    let body =
        r#"{"title":"t","jobs":[{"name":"a"},{"name":"b","tool":"send","dependsOn":["a"]}],"plan":["find",{"n":1}]}"#;
    let task = get(&fixture, "POST", TASKS, &key, body).await;
    assert_eq!((&task["status"], &task["executionMode"]), (&json!("planned"), &json!("guided")));
    assert_eq!(task["plan"], json!(["find", {"n": 1}]));
    let path = format!("{TASKS}/{}", text(&task["id"]));
    let job = |at: usize, status: &str| json!({"jobs": [{"id": task["jobs"][at]["id"], "status": status}]}).to_string();
    let early = ask(&fixture, "PATCH", &path, &key, &job(0, "running")).await;
    assert_eq!(refused(&early), (409, "INVALID_TRANSITION".into()));
    get(&fixture, "PATCH", &path, &key, r#"{"status":"running"}"#).await;
    get(&fixture, "PATCH", &path, &key, &job(0, "running")).await;
    let moved = get(&fixture, "PATCH", &path, &key, &job(0, "succeeded")).await;
    assert_eq!(moved["jobs"][1]["status"], "queued");
    let ended = get(&fixture, "PATCH", &path, &key, r#"{"status":"completed"}"#).await;
    assert_eq!((&ended["status"], &ended["jobs"][1]["status"]), (&json!("completed_unverified"), &json!("cancelled")));
    for body in [r#"{"status":"completed_unverified"}"#, "{}", r#"{"status":"RUNNING"}"#, r#"{"jobs":[{"id":1}]}"#] {
        assert_eq!(
            refused(&ask(&fixture, "PATCH", &path, &key, body).await),
            (400, "INVALID_REQUEST".into()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn tasks_that_make_no_sense_are_refused() {
    let fixture = Fixture::start().await;
    let (_, key) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    for body in [
        r#"{"title":""}"#,
        r#"{"title":"t","domain":"Sales"}"#,
        r#"{"title":"t","executionMode":"free"}"#,
        r#"{"title":"t","plan":[1]}"#,
        r#"{"title":"t","jobs":[{"name":"a","dependsOn":["a"]}]}"#,
        r#"{"title":"t","jobs":[{"name":"a"},{"name":"a"}]}"#,
    ] {
        assert_eq!(refused(&ask(&fixture, "POST", TASKS, &key, body).await), (400, "INVALID_REQUEST".into()), "{body}");
    }
    let loopless = ask(&fixture, "POST", TASKS, &fixture.key, r#"{"title":"t"}"#).await;
    assert_eq!(refused(&loopless), (400, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn a_loops_tasks_are_seen_from_above_and_not_from_beside() {
    let fixture = Fixture::start().await;
    let (root, above) = loop_with_key(&fixture, r#"{"kind":"developer","tag":"root"}"#, SCOPES).await;
    let body = format!(r#"{{"kind":"sub","parentLoopId":"{root}","tag":"below"}}"#);
    let (below, key) = loop_with_key(&fixture, &body, SCOPES).await;
    let (_, beside) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    let task = text(&get(&fixture, "POST", TASKS, &key, r#"{"title":"t"}"#).await["id"]);
    let path = format!("{TASKS}/{task}");
    assert_eq!(get(&fixture, "GET", &path, &above, "").await["loopId"], json!(below));
    assert_eq!(refused(&ask(&fixture, "GET", &path, &beside, "").await), (404, "NOT_FOUND".into()));
    let listed = get(&fixture, "GET", &format!("{TASKS}?loopId=@below"), &above, "").await;
    assert_eq!(listed["tasks"][0]["id"], json!(task));
    assert_eq!(get(&fixture, "GET", TASKS, &above, "").await["tasks"], json!([]));
    assert_eq!(ask(&fixture, "GET", &format!("{TASKS}?loopId=@below"), &beside, "").await.status, 403);
    let upwards = ask(&fixture, "POST", TASKS, &key, r#"{"title":"t","loopId":"@root"}"#).await;
    assert_eq!(upwards.status, 403);
}

#[tokio::test]
async fn a_sandbox_keys_tasks_are_simulated_whatever_is_said() {
    let fixture = Fixture::start().await;
    let (id, _) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    let body = format!(r#"{{"name":"play","mode":"test","loopId":"{id}","scopes":{SCOPES}}}"#);
    let key = text(&get(&fixture, "POST", "/api/v1/keys", &fixture.key, &body).await["key"]);
    let task = get(&fixture, "POST", TASKS, &key, r#"{"title":"t","executionMode":"autopilot"}"#).await;
    assert_eq!(task["executionMode"], "sandbox");
}
