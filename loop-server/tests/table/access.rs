//! Who may call what.

use std::collections::HashMap;

use loop_core::access::{Scope, Scopes};
use loop_server::{http::Access, surface};
use serde_json::Value;

use super::{prepare, run, some_path};
use crate::support::{Answer, Fixture, client::Client};

/// The surfaces whose `error` is plain text.
fn assert_shape(surface: surface::Surface, answer: &Answer, what: &str) {
    let body = answer.json();
    match surface {
        surface::Surface::Governance
        | surface::Surface::Improvement
        | surface::Surface::Telemetry
        | surface::Surface::Mcp
        | surface::Surface::System => {
            assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
        }
        surface::Surface::Developer | surface::Surface::OpenAi | surface::Surface::Anthropic => {
            assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
        }
    }
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

#[tokio::test]
async fn every_guarded_row_refuses_a_call_without_a_key() {
    let fixture = Fixture::start().await;
    let guarded = surface::rows().into_iter().filter(|row| row.access.guarded());
    for row in guarded {
        let path = some_path(row);
        for headers in [&[][..], &[("x-api-key", "tl_unknown")][..], &[("authorization", "Bearer tl_unknown")][..]] {
            let answer = fixture.send(row.method.as_str(), &path, headers, b"").await;
            assert_eq!(answer.status, 401, "{row:?} with {headers:?}: {}", answer.text());
            assert_shape(row.surface, &answer, &format!("{row:?}"));
        }
    }
}

#[tokio::test]
async fn every_guarded_row_refuses_a_key_without_its_scope() {
    let fixture = Fixture::start().await;
    let mut keys = HashMap::new();
    for row in surface::rows().into_iter().filter(|row| !row.access.scopes().is_empty()) {
        let needed = row.access.scopes();
        if !keys.contains_key(needed) {
            // Whatever implies a scope is left out as well.
            let holds = |other: &Scope| needed.iter().any(|scope| Scopes::from_iter([*other]).has(*scope));
            let others: Scopes = Scope::ALL.into_iter().filter(|other| !holds(other)).collect();
            keys.insert(needed.to_vec(), fixture.key_with(others).await);
        }
        // A refusal comes before the body is looked at: this one is no JSON.
        let body = if row.reads_body() { "{" } else { "" };
        let answer = fixture.call(row.method.as_str(), &some_path(row), &keys[needed], body).await;
        assert_eq!(answer.status, 403, "{row:?}: {}", answer.text());
        assert_shape(row.surface, &answer, &format!("{row:?}"));
    }
}

#[tokio::test]
async fn every_row_with_an_id_hides_what_another_tenant_has() {
    let fixture = Fixture::start().await;
    for row in surface::rows() {
        let Some(example) = row.example else { continue };
        if !example.path.contains("{id}") || !row.access.guarded() {
            continue;
        }
        let path = prepare(&fixture, row).await;
        let foreign = fixture.call(row.method.as_str(), &path, &fixture.other, example.body).await;
        assert_eq!(foreign.status, 404, "{row:?} for another tenant: {}", foreign.text());
        assert_shape(row.surface, &foreign, &format!("{row:?}"));
        let own = fixture.call(row.method.as_str(), &path, &fixture.key, example.body).await;
        assert!(row.success.contains(&own.status), "{row:?} after the stranger: {} {}", own.status, own.text());
        let absent = example.path.replace("{id}", "00000000-0000-7000-8000-000000000000");
        let absent = fixture.call(row.method.as_str(), &absent, &fixture.key, example.body).await;
        assert_eq!(absent.status, 404, "{row:?} for nothing: {}", absent.text());
        let strip = |mut body: Value| {
            body.as_object_mut().map(|body| body.remove("request_id"));
            body["error"].as_object_mut().map(|error| error.remove("requestId"));
            body
        };
        assert_eq!(strip(foreign.json()), strip(absent.json()), "{row:?} tells a foreign id from none");
    }
}

#[tokio::test]
async fn every_row_with_an_input_refuses_a_malformed_body() {
    let fixture = Fixture::start().await;
    for row in surface::rows().into_iter().filter(|row| row.input.is_some()) {
        let path = match row.example {
            Some(_) => prepare(&fixture, row).await,
            None => some_path(row),
        };
        // What these ask for may be said without a body.
        let optional = ["template.version.promote", "dispatch.take", "diagnosis.run"].contains(&row.operation);
        for body in if optional { [].as_slice() } else { &[""] } {
            let answer = fixture.call(row.method.as_str(), &path, &fixture.key, body).await;
            assert_eq!(answer.status, 400, "{row:?} without a body: {}", answer.text());
        }
        for body in ["{", "{nope", "[]", "7", "\"x\"", "null", "{\"a\":1}x", "\u{feff}{}"] {
            let answer = fixture.call(row.method.as_str(), &path, &fixture.key, body).await;
            assert_eq!(answer.status, 400, "{row:?} with `{body}`: {}", answer.text());
            assert_shape(row.surface, &answer, &format!("{row:?}"));
        }
        let answer =
            fixture.send(row.method.as_str(), &path, &[("x-api-key", &fixture.key)], b"{\"a\":\"\xff\"}").await;
        assert_eq!(answer.status, 400, "{row:?} with bytes that are no text: {}", answer.text());
    }
}

#[tokio::test]
async fn every_row_that_reads_a_body_refuses_a_larger_one() {
    let fixture = Fixture::start().await;
    for row in surface::rows().into_iter().filter(|row| row.reads_body()) {
        // The client tells the length and waits: nothing is sent for nothing.
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            row.method,
            some_path(row),
            fixture.key,
            row.body_limit + 1
        );
        let mut client = Client::connect(fixture.address).await;
        client.send(head.as_bytes()).await;
        let answer = client.answer(false).await.expect("an answer");
        assert_eq!(answer.status, 413, "{row:?}: {}", answer.text());
        assert_shape(row.surface, &answer, &format!("{row:?}"));
    }
}

#[tokio::test]
async fn every_row_that_changes_something_refuses_a_foreign_page() {
    let fixture = Fixture::start().await;
    for row in surface::rows().into_iter().filter(|row| row.mutates()) {
        let headers = [("x-api-key", fixture.key.as_str()), ("origin", "https://evil.example")];
        let answer = fixture.send(row.method.as_str(), &some_path(row), &headers, b"").await;
        assert_eq!(answer.status, 403, "{row:?}: {}", answer.text());
        assert_shape(row.surface, &answer, &format!("{row:?}"));
    }
}

#[tokio::test]
async fn every_public_row_answers_alike_with_and_without_a_key() {
    let fixture = Fixture::start().await;
    let public = surface::rows().into_iter().filter(|row| row.access == Access::Public && row.example.is_some());
    for row in public.filter(|row| !row.mutates() && row.operation != "system.metrics") {
        let with = run(&fixture, row).await;
        let without = fixture.send(row.method.as_str(), row.path, &[], b"").await;
        assert_eq!((with.status, with.text()), (without.status, without.text()), "{row:?}");
    }
}
