//! What every answer of the surface has in common.

use loop_core::access::{Scope, Scopes};

use super::{ask, get, made, refused, whole};
use crate::support::Fixture;

const PAGES: [&str; 2] = ["http://localhost:5668", "https://app.looped.me"];

#[tokio::test]
async fn a_key_is_read_from_exactly_one_place_and_form() {
    let fixture = Fixture::start().await;
    let nothing = "Missing or malformed Authorization header";
    let bearer = |scheme: &str| format!("{scheme}{}", fixture.key);
    for value in [bearer("bearer "), bearer("Basic "), bearer("Bearer"), fixture.key.clone(), String::new()] {
        let answer = fixture.send("GET", "/api/projects", &[("authorization", &value)], b"").await;
        assert_eq!(refused(&answer), (401, nothing.to_owned(), String::new()), "{value}");
    }
    assert_eq!(refused(&fixture.send("GET", "/api/projects", &[], b"").await).1, nothing);
    for key in ["loop_0", &fixture.key.to_uppercase(), &format!("{}0", fixture.key), &"k".repeat(300)] {
        assert_eq!(refused(&ask(&fixture, "GET", "/api/projects", key, "").await).1, "Invalid API key", "{key}");
    }
    assert_eq!(ask(&fixture, "GET", "/api/projects", &fixture.key, "").await.status, 200);
}

#[tokio::test]
async fn the_two_pages_may_call_and_read_and_no_other() {
    let fixture = Fixture::start().await;
    let asking = ("access-control-request-method", "PATCH");
    for page in PAGES {
        let asked = fixture.send("OPTIONS", "/api/projects", &[("origin", page), asking], b"").await;
        assert_eq!((asked.status, asked.body.len()), (204, 0));
        assert_eq!(asked.header("access-control-allow-origin"), Some(page));
        assert_eq!(asked.header("access-control-max-age"), Some("86400"));
        for (name, wanted) in [
            ("access-control-allow-methods", ["GET", "POST", "PATCH", "DELETE"].as_slice()),
            ("access-control-allow-headers", &["Authorization", "Content-Type"]),
        ] {
            let told = asked.header(name).unwrap_or_default();
            assert!(wanted.iter().all(|one| told.split(", ").any(|item| item == *one)), "{name}: {told}");
        }
        let key = format!("Bearer {}", fixture.key);
        let headers = [("origin", page), ("authorization", key.as_str()), ("sec-fetch-site", "cross-site")];
        let made = fixture.send("POST", "/api/projects", &headers, br#"{"name":"from a page"}"#).await;
        assert_eq!((made.status, made.header("access-control-allow-origin")), (201, Some(page)), "{}", made.text());
        // A page learns why it was refused.
        let refused = fixture.send("GET", "/api/projects", &[("origin", page)], b"").await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(page)));
        // The other surfaces are not theirs.
        let other = fixture.send("POST", "/api/approval-rules", &headers, b"{}").await;
        assert_eq!((other.status, other.header("access-control-allow-origin")), (403, None));
        let other = fixture.send("OPTIONS", "/api/approval-rules", &[("origin", page), asking], b"").await;
        assert_eq!(other.header("access-control-allow-origin"), None);
    }
    for page in ["https://evil.example", "https://app.looped.me.evil.example", "http://app.looped.me", "null"] {
        let asked = fixture.send("OPTIONS", "/api/projects", &[("origin", page), asking], b"").await;
        assert_eq!(asked.header("access-control-allow-origin"), None, "{page}");
        let key = format!("Bearer {}", fixture.key);
        let headers = [("origin", page), ("authorization", key.as_str())];
        assert_eq!(fixture.send("POST", "/api/projects", &headers, br#"{"name":"x"}"#).await.status, 403, "{page}");
        let read = fixture.send("GET", "/api/projects", &headers, b"").await;
        assert_eq!(read.header("access-control-allow-origin"), None, "{page}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_without_repeats_or_gaps() {
    let fixture = Fixture::start().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(made(&fixture, "/api/projects", &format!(r#"{{"name":"p{n}"}}"#)).await);
    }
    for how in ["page", "offset"] {
        let mut seen = Vec::new();
        for n in 0..4 {
            let at = if how == "page" { n + 1 } else { n * 3 };
            let answer = whole(&fixture, "GET", &format!("/api/projects?limit=3&{how}={at}"), "").await;
            assert_eq!(answer["total"], 7);
            let rows = answer["data"].as_array().expect("rows");
            assert_eq!(rows.len(), [3, 3, 1, 0][n]);
            seen.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        }
        assert_eq!(seen, ids, "{how}");
    }
    for bad in ["limit=0", "limit=201", "limit=x", "limit=1.5", "limit=-1", "limit=", "page=0", "page=-1", "offset=-1"]
    {
        let answer = ask(&fixture, "GET", &format!("/api/projects?{bad}"), &fixture.key, "").await;
        let (status, _, field) = refused(&answer);
        assert_eq!((status, field.as_str()), (400, bad.split('=').next().expect("a name")), "{bad}");
    }
    let far = whole(&fixture, "GET", "/api/projects?page=99999999999999999999", "").await;
    assert_eq!((far["data"].as_array().map(Vec::len), &far["total"]), (Some(0), &7.into()));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_for_what_is_wrong_with_it() {
    let fixture = Fixture::start().await;
    let malformed = "Malformed JSON in request body";
    for (body, text, field) in [
        ("{nope", malformed, ""),
        ("", malformed, ""),
        (r#"{"name":"x"} y"#, malformed, ""),
        (r#"{"name":NaN}"#, malformed, ""),
        ("[1]", "the body must be a JSON object", ""),
        ("{}", "`name`: is missing", "name"),
        (r#"{"name":""}"#, "`name`: must have 1 to 500 characters", "name"),
        (r#"{"name":"x","status":"done"}"#, "", "status"),
    ] {
        let answer = ask(&fixture, "POST", "/api/projects", &fixture.key, body).await;
        let (status, said, at) = refused(&answer);
        assert_eq!((status, at.as_str()), (400, field), "{body}: {said}");
        assert!(said == text || text.is_empty(), "{body}: {said}");
    }
    let bearer = format!("Bearer {}", fixture.key);
    let plain = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    assert_eq!(fixture.send("POST", "/api/projects", &plain, br#"{"name":"x"}"#).await.status, 400);
    let id = made(&fixture, "/api/projects", r#"{"name":"x","bogus":1}"#).await;
    for body in ["{}", r#"{"bogus":1}"#] {
        let answer = ask(&fixture, "PATCH", &format!("/api/projects/{id}"), &fixture.key, body).await;
        assert_eq!(refused(&answer).0, 400, "{body}");
    }
    assert_eq!(whole(&fixture, "GET", "/api/projects", "").await["total"], 1);
}

#[tokio::test]
async fn a_post_with_an_idempotency_key_is_carried_out_once() {
    let fixture = Fixture::start().await;
    let key = format!("Bearer {}", fixture.key);
    let headers = [("authorization", key.as_str()), ("idempotency-key", "k-1")];
    let body = br#"{"title":"once"}"#;
    let first = fixture.send("POST", "/api/goals", &headers, body).await;
    let second = fixture.send("POST", "/api/goals", &headers, body).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!((first.json(), second.header("idempotent-replayed")), (second.json(), Some("true")));
    let other = fixture.send("POST", "/api/goals", &headers, br#"{"title":"twice"}"#).await;
    assert_eq!(other.status, 422);
    assert_eq!(whole(&fixture, "GET", "/api/goals", "").await["total"], 1);
}

#[tokio::test]
async fn writing_scopes_let_read_and_a_star_is_both() {
    let fixture = Fixture::start().await;
    let writer = fixture.key_with(Scopes::from_iter([Scope::IssuesWrite])).await;
    for path in ["/api/projects", "/api/signals"] {
        assert_eq!(ask(&fixture, "GET", path, &writer, "").await.status, 200, "{path}");
    }
    let signal = r#"{"source":"s","type":"t","severity":"low","payload":{}}"#;
    assert_eq!(ask(&fixture, "POST", "/api/signals", &writer, signal).await.status, 403);
    let sender = fixture.key_with(Scopes::from_iter([Scope::SignalsWrite])).await;
    assert_eq!(ask(&fixture, "POST", "/api/signals", &sender, signal).await.status, 201);
    assert_eq!(ask(&fixture, "GET", "/api/signals", &sender, "").await.status, 403);
    let minted = whole(&fixture, "POST", "/api/v1/keys", r#"{"name":"star","scopes":["issues:*"]}"#).await;
    let star = minted["key"].as_str().expect("a key");
    assert_eq!(ask(&fixture, "POST", "/api/goals", star, r#"{"title":"t"}"#).await.status, 201);
    let claimed =
        ask(&fixture, "POST", "/api/v1/keys", &fixture.key, r#"{"name":"x","scopes":["issues:claimed"]}"#).await;
    assert_eq!(claimed.status, 400, "{}", claimed.text());
    assert_eq!(get(&fixture, "GET", "/api/goals", "").await.as_array().map(Vec::len), Some(1));
}
