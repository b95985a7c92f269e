//! `/api/v1/loops`.

use super::{ask, get, loop_with_key, refused, text};
use crate::support::Fixture;

const LOOPS: &str = "/api/v1/loops";

#[tokio::test]
async fn a_loop_is_found_by_its_id_and_by_its_tag_in_every_case() {
    let fixture = Fixture::start().await;
    let made = get(&fixture, "POST", LOOPS, &fixture.key, r#"{"tag":"Acme_Corp","kind":"business"}"#).await;
    assert_eq!(
        (&made["trustScore"], &made["trustTier"], &made["plan"]),
        (&50.into(), &"research".into(), &"free".into())
    );
    for name in [text(&made["id"]).as_str(), "@Acme_Corp", "@acme_corp", "@ACME_CORP"] {
        assert_eq!(get(&fixture, "GET", &format!("{LOOPS}/{name}"), &fixture.key, "").await["id"], made["id"]);
        let foreign = ask(&fixture, "GET", &format!("{LOOPS}/{name}"), &fixture.other, "").await;
        assert_eq!(refused(&foreign), (404, "LOOP_NOT_FOUND".into()), "{name}");
    }
    let taken = ask(&fixture, "POST", LOOPS, &fixture.key, r#"{"tag":"acme_CORP","kind":"personal"}"#).await;
    assert_eq!(refused(&taken), (409, "CONFLICT".into()));
}

#[tokio::test]
async fn nothing_that_others_vouch_for_can_be_claimed() {
    let fixture = Fixture::start().await;
    let body = r#"{"kind":"business","trustScore":99,"verified":true}"#;
    let made = get(&fixture, "POST", LOOPS, &fixture.key, body).await;
    assert_eq!((&made["trustScore"], &made["verified"]), (&50.into(), &false.into()));
    let (id, key) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, r#"["loops:write"]"#).await;
    let path = format!("{LOOPS}/{id}");
    for body in [r#"{"verified":true}"#, r#"{"plan":"business"}"#, r#"{"status":"active"}"#, r#"{"riskCeiling":null}"#]
    {
        let answer = ask(&fixture, "PATCH", &path, &key, body).await;
        assert_eq!(answer.status, 403, "{body}: a loop changes itself");
    }
    let verified = get(&fixture, "PATCH", &path, &fixture.key, r#"{"verified":true}"#).await;
    assert_eq!(verified["verified"], true);
}

#[tokio::test]
async fn what_is_done_to_a_loop_reaches_those_under_it_at_once() {
    let fixture = Fixture::start().await;
    let root =
        text(&get(&fixture, "POST", LOOPS, &fixture.key, r#"{"kind":"developer","skills":["a","b"]}"#).await["id"]);
    let body = format!(r#"{{"kind":"sub","parentLoopId":"{root}","skills":["b","c"]}}"#);
    let (sub, key) = loop_with_key(&fixture, &body, r#"["loops:read","keys:manage"]"#).await;
    let path = format!("{LOOPS}/{root}");
    let mine = get(&fixture, "GET", &format!("{LOOPS}/{sub}"), &key, "").await;
    assert_eq!((&mine["skills"], &mine["parentLoopId"]), (&serde_json::json!(["b"]), &root.as_str().into()));
    let stranger = get(&fixture, "GET", &path, &key, "").await;
    assert!(stranger.get("permissions").is_none(), "limits above are not told: {stranger}");
    assert_eq!(ask(&fixture, "GET", "/api/v1/keys", &key, "").await.status, 200);

    get(&fixture, "PATCH", &path, &fixture.key, r#"{"permissions":["loops:read"],"riskCeiling":"low"}"#).await;
    assert_eq!(ask(&fixture, "GET", LOOPS, &key, "").await.status, 200);
    assert_eq!(refused(&ask(&fixture, "GET", "/api/v1/keys", &key, "").await).0, 403);
    let mine = get(&fixture, "GET", &format!("{LOOPS}/{sub}"), &key, "").await;
    assert_eq!((&mine["permissions"], &mine["riskCeiling"]), (&serde_json::json!(["loops:read"]), &"low".into()));

    get(&fixture, "PATCH", &path, &fixture.key, r#"{"status":"suspended","permissions":["keys:manage"]}"#).await;
    let mine = get(&fixture, "GET", &format!("{LOOPS}/{sub}"), &key, "").await;
    assert_eq!(mine["status"], "suspended");
    let acting = ask(&fixture, "POST", "/api/v1/keys", &key, r#"{"name":"n","scopes":[]}"#).await;
    assert_eq!(refused(&acting), (403, "LOOP_SUSPENDED".into()));
    get(&fixture, "PATCH", &path, &fixture.key, r#"{"status":"active"}"#).await;
    assert_eq!(ask(&fixture, "POST", "/api/v1/keys", &key, r#"{"name":"n","scopes":[]}"#).await.status, 201);
    let moved = ask(&fixture, "PATCH", &path, &fixture.key, &format!(r#"{{"parentLoopId":"{sub}"}}"#)).await;
    assert_eq!(refused(&moved), (400, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn pages_go_on_where_they_ended_and_a_loop_lists_those_under_it() {
    let fixture = Fixture::start().await;
    let (root, key) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, r#"["loops:read","loops:write"]"#).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let body = format!(r#"{{"kind":"sub","parentLoopId":"{root}"}}"#);
        made.push(text(&get(&fixture, "POST", LOOPS, &key, &body).await["id"]));
    }
    made.reverse();
    let first = get(&fixture, "GET", &format!("{LOOPS}?limit=2"), &key, "").await;
    let cursor = text(&first["nextCursor"]);
    let second = get(&fixture, "GET", &format!("{LOOPS}?limit=2&cursor={cursor}"), &key, "").await;
    let ids: Vec<String> = [&first, &second]
        .iter()
        .flat_map(|page| page["loops"].as_array().expect("rows"))
        .map(|row| text(&row["id"]))
        .collect();
    assert_eq!(ids, made);
    assert!(second["nextCursor"].is_null());
    let bad = ask(&fixture, "GET", &format!("{LOOPS}?cursor=x"), &key, "").await;
    assert_eq!(refused(&bad), (400, "INVALID_REQUEST".into()));
    let (other, _) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, "[]").await;
    assert_eq!(ask(&fixture, "GET", &format!("{LOOPS}?parentLoopId={other}"), &key, "").await.status, 403);
}
