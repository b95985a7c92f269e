//! `/api/v1/keys`.

use super::{ask, get, loop_with_key, refused, text};
use crate::support::Fixture;

const KEYS: &str = "/api/v1/keys";

#[tokio::test]
async fn a_key_is_shown_once_and_found_by_its_beginning() {
    let fixture = Fixture::start().await;
    let made = get(&fixture, "POST", KEYS, &fixture.key, r#"{"name":"n","scopes":["trust:read"]}"#).await;
    let key = text(&made["key"]);
    assert!(key.starts_with("lk_live_") && key.len() == 56, "{key}");
    let digits = key.trim_start_matches("lk_live_");
    assert!(digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{key}");
    let listed = ask(&fixture, "GET", KEYS, &fixture.key, "").await;
    assert!(!listed.text().contains(digits), "the key is listed");
    let row = listed.json()["keys"][0].clone();
    assert_eq!((&row["id"], row["prefix"].as_str()), (&made["id"], key.get(..12)), "{row}");
    assert_eq!(row["scopes"], serde_json::json!(["trust:read"]));
    let test = get(&fixture, "POST", KEYS, &fixture.key, r#"{"name":"n","scopes":[],"mode":"test"}"#).await;
    assert!(text(&test["key"]).starts_with("lk_test_") && test["mode"] == "test", "{test}");
}

#[tokio::test]
async fn a_sandbox_key_does_nothing_real() {
    let fixture = Fixture::start().await;
    let scopes: Vec<&str> = loop_core::access::Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let of = async |mode: &str| {
        let body = serde_json::json!({ "name": "n", "scopes": scopes, "mode": mode }).to_string();
        text(&get(&fixture, "POST", KEYS, &fixture.key, &body).await["key"])
    };
    let (key, live) = (of("test").await, of("live").await);
    for (method, path, body) in [
        ("POST", "/api/intercept", r#"{"tool_name":"get_order","arguments":{}}"#),
        ("POST", "/api/blocked-tools", r#"{"tool_name":"get_order"}"#),
        ("PUT", "/api/settings", r#"{"default_verdict":"allow"}"#),
        ("POST", "/api/v1/loops", r#"{"kind":"business"}"#),
        ("POST", KEYS, r#"{"name":"n","scopes":[]}"#),
    ] {
        let answer = ask(&fixture, method, path, &key, body).await;
        assert!(matches!(answer.status, 403 | 404), "{method} {path}: {}", answer.text());
        get(&fixture, method, path, &live, body).await;
    }
    for (key, allowed) in [(&key, false), (&live, true)] {
        let step = r#"{"step":{"action":"find_leads","riskLevel":"low"}}"#;
        let evaluated = get(&fixture, "POST", "/api/v1/policy/evaluate", key, step).await;
        assert_eq!(evaluated["allowed"], allowed, "{evaluated}");
    }
}

#[tokio::test]
async fn a_refusal_names_what_is_needed_and_what_was_granted() {
    let fixture = Fixture::start().await;
    let (_, key) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, r#"["contracts:write","trust:read"]"#).await;
    let answer = ask(&fixture, "GET", KEYS, &key, "").await;
    assert_eq!(refused(&answer), (403, "INSUFFICIENT_SCOPE".to_owned()));
    let details = answer.json()["error"]["details"].clone();
    assert_eq!(
        details,
        serde_json::json!({ "required": ["keys:manage"], "granted": ["trust:read", "contracts:write"] })
    );
}

#[tokio::test]
async fn of_many_rotations_at_once_one_leaves_a_key_and_the_old_one_is_dead() {
    let fixture = Fixture::start().await;
    let scopes = r#"["keys:manage"]"#;
    let made = get(&fixture, "POST", KEYS, &fixture.key, &format!(r#"{{"name":"n","scopes":{scopes}}}"#)).await;
    let path = format!("{KEYS}/{}/rotate", text(&made["id"]));
    let (a, b, c, d) = tokio::join!(
        ask(&fixture, "POST", &path, &fixture.key, ""),
        ask(&fixture, "POST", &path, &fixture.key, ""),
        ask(&fixture, "POST", &path, &fixture.key, r#"{"graceSeconds":0}"#),
        ask(&fixture, "POST", &path, &fixture.key, ""),
    );
    let all = [a, b, c, d];
    let won: Vec<_> = all.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 1, "{all:?}");
    assert!(all.iter().filter(|answer| answer.status != 201).all(|answer| refused(answer) == (409, "CONFLICT".into())));
    let new = won[0].json();
    assert_eq!(ask(&fixture, "GET", KEYS, &text(&made["key"]), "").await.status, 401);
    assert_eq!(ask(&fixture, "GET", KEYS, &text(&new["key"]), "").await.status, 200);
    let revoked = get(&fixture, "DELETE", &format!("{KEYS}/{}", text(&new["id"])), &fixture.key, "").await;
    assert!(revoked["revokedAt"].is_string(), "{revoked}");
    assert_eq!(ask(&fixture, "GET", KEYS, &text(&new["key"]), "").await.status, 401);
}

#[tokio::test]
async fn a_loops_manager_sees_and_touches_its_own_side_only() {
    let fixture = Fixture::start().await;
    let (own, manager) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, r#"["keys:manage","trust:read"]"#).await;
    let (other, _) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, "[]").await;
    let listed = get(&fixture, "GET", KEYS, &manager, "").await;
    let rows = listed["keys"].as_array().expect("rows");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["loopId"] == own.as_str()), "{listed}");
    let all = get(&fixture, "GET", KEYS, &fixture.key, "").await;
    let strangers = all["keys"].as_array().expect("rows").iter().filter(|row| row["loopId"] != own.as_str());
    for row in strangers {
        let id = text(&row["id"]);
        for (method, path) in [("DELETE", format!("{KEYS}/{id}")), ("POST", format!("{KEYS}/{id}/rotate"))] {
            assert_eq!(refused(&ask(&fixture, method, &path, &manager, "").await), (404, "NOT_FOUND".into()));
        }
    }
    let foreign = format!(r#"{{"name":"n","scopes":["trust:read"],"loopId":"{other}"}}"#);
    assert_eq!(refused(&ask(&fixture, "POST", KEYS, &manager, &foreign).await).0, 403);
    let wider = r#"{"name":"n","scopes":["tools:invoke"]}"#;
    assert_eq!(refused(&ask(&fixture, "POST", KEYS, &manager, wider).await), (403, "INSUFFICIENT_SCOPE".into()));
    let made = get(&fixture, "POST", KEYS, &manager, r#"{"name":"n","scopes":["trust:read"]}"#).await;
    assert_eq!(made["loopId"], own.as_str());
}

#[tokio::test]
async fn bad_wishes_are_refused_and_make_nothing() {
    let fixture = Fixture::start().await;
    let count = |body: &serde_json::Value| body["keys"].as_array().map_or(0, Vec::len);
    let before = count(&get(&fixture, "GET", KEYS, &fixture.key, "").await);
    for body in [
        r#"{"scopes":[]}"#,
        r#"{"name":"","scopes":[]}"#,
        r#"{"name":"n","scopes":["trust:*"]}"#,
        r#"{"name":"n","scopes":"trust:read"}"#,
        r#"{"name":"n","scopes":[null]}"#,
        r#"{"name":"n","scopes":[],"expiresAt":"tomorrow"}"#,
        r#"{"name":"n","scopes":[],"expiresAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"name":"n","scopes":[],"mode":"loud"}"#,
    ] {
        let answer = ask(&fixture, "POST", KEYS, &fixture.key, body).await;
        assert_eq!(refused(&answer), (400, "INVALID_REQUEST".into()), "{body}");
    }
    let unknown = r#"{"name":"n","scopes":[],"loopId":"loop_none"}"#;
    let answer = ask(&fixture, "POST", KEYS, &fixture.key, unknown).await;
    assert_eq!(refused(&answer), (404, "LOOP_NOT_FOUND".into()));
    assert_eq!(count(&get(&fixture, "GET", KEYS, &fixture.key, "").await), before);
}
