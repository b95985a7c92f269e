//! Signals and the issues that they make.

use serde_json::{Value, json};

use super::{ask, get, refused, whole};
use crate::support::Fixture;

fn signal(change: Value) -> String {
    let mut signal =
        json!({ "source": "cron", "type": "failed", "severity": "high", "payload": { "message": "boom" } });
    for (name, value) in change.as_object().expect("an object") {
        signal[name] = value.clone();
    }
    signal.to_string()
}

#[tokio::test]
async fn a_signal_makes_an_issue_in_triage_whose_priority_is_its_severity() {
    let fixture = Fixture::start().await;
    for (severity, priority) in [("critical", 1), ("high", 2), ("medium", 3), ("low", 4)] {
        let taken = get(&fixture, "POST", "/api/signals", &signal(json!({ "severity": severity }))).await;
        let (signal, issue) = (&taken["signal"], &taken["issue"]);
        assert_eq!((&signal["severity"], &issue["priority"]), (&severity.into(), &priority.into()));
        assert_eq!((&signal["issueId"], &issue["title"]), (&issue["id"], &"[cron] failed: boom".into()));
        assert_eq!((&issue["type"], &issue["status"]), (&"signal".into(), &"triage".into()));
        assert!(issue.get("activeAt").is_none(), "{issue}");
        let read = get(&fixture, "GET", &format!("/api/issues/{}", issue["id"].as_str().expect("an id")), "").await;
        assert_eq!((&read["signalPayload"], &read["signalSource"]), (&signal["payload"], &signal["source"]));
    }
    let long = signal(json!({ "payload": { "message": "é".repeat(2_000) } }));
    let taken = get(&fixture, "POST", "/api/signals", &long).await;
    assert_eq!(taken["issue"]["title"].as_str().map(|title| title.chars().count()), Some(500));
    let listed = whole(&fixture, "GET", "/api/signals?limit=2&page=2", "").await;
    assert_eq!((&listed["total"], &listed["data"][0]["severity"]), (&5.into(), &"medium".into()));
}

#[tokio::test]
async fn a_signal_out_of_bounds_makes_neither_itself_nor_an_issue() {
    let fixture = Fixture::start().await;
    for (change, status, field) in [
        (json!({ "source": "" }), 400, "source"),
        (json!({ "source": "s".repeat(201) }), 400, "source"),
        (json!({ "type": "" }), 400, "type"),
        (json!({ "severity": "fatal" }), 400, "severity"),
        (json!({ "severity": null }), 400, "severity"),
        (json!({ "payload": [1] }), 400, "payload"),
        (json!({ "payload": { "big": "x".repeat(128 << 10) } }), 400, "payload"),
        (json!({ "sourceId": "s".repeat(501) }), 400, "sourceId"),
        (json!({ "projectId": "nope" }), 422, ""),
    ] {
        let answer = ask(&fixture, "POST", "/api/signals", &fixture.key, &signal(change)).await;
        let (told, text, at) = refused(&answer);
        assert_eq!((told, at.as_str()), (status, field), "{text}");
    }
    for path in ["/api/signals", "/api/issues"] {
        assert_eq!(whole(&fixture, "GET", path, "").await["total"], 0, "{path}");
    }
}
