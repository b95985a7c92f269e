//! What every row answers.

use loop_server::{
    http::{Access, Output, Row, openapi},
    surface,
};
use serde_json::{Value, json};

use super::{prepare, run, some_path};
use crate::support::Fixture;

#[tokio::test]
async fn every_example_succeeds_and_fits_its_schema() {
    let fixture = Fixture::start().await;
    let document = openapi::document(&surface::rows());
    for row in surface::rows().into_iter().filter(|row| row.example.is_some()) {
        let answer = run(&fixture, row).await;
        let media = answer.header("content-type").unwrap_or_default().to_owned();
        match row.output {
            Output::Nothing => {
                assert_eq!((answer.status, answer.body.len(), media.as_str()), (204, 0, ""), "{row:?}");
            }
            Output::Media(wanted) => assert!(media.starts_with(wanted), "{row:?} answered {media}"),
            Output::Json(_) => {
                assert_eq!(media, "application/json", "{row:?}");
                let path = row.path.replace("{*", "{");
                let place = format!("/responses/{}/content/application~1json/schema", answer.status);
                let method = row.method.as_str().to_ascii_lowercase();
                let schema = document["paths"][&path][&method].pointer(&place);
                let schema = schema.unwrap_or_else(|| panic!("{row:?} declares no {}", answer.status));
                let whole = with_components(schema, &document);
                let validator = jsonschema::validator_for(&whole).expect("a sound schema");
                let body = answer.json();
                let errors: Vec<String> = validator
                    .iter_errors(&body)
                    .map(|error| format!("{} at {}", error, error.instance_path()))
                    .collect();
                assert!(errors.is_empty(), "{row:?} answered {body}: {errors:?}");
            }
        }
    }
}

fn with_components(schema: &Value, document: &Value) -> Value {
    let mut whole = schema.clone();
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("components".to_owned(), document["components"].clone());
        return schema_object(whole.clone());
    }
    whole
}

fn schema_object(members: serde_json::Map<String, Value>) -> Value {
    let mut members = members;
    members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    Value::Object(members)
}

#[tokio::test]
async fn every_answer_carries_what_every_answer_carries() {
    let fixture = Fixture::start().await;
    for row in surface::rows() {
        let answer = fixture.send(row.method.as_str(), &some_path(row), &[("x-request-id", "given-1")], b"").await;
        assert_eq!(answer.header("x-request-id"), Some("given-1"), "{row:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{row:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{row:?}");
        assert!(!answer.body.is_empty(), "{row:?} answered nothing");
    }
}

#[tokio::test]
async fn every_get_row_answers_head_alike_but_without_a_body() {
    let fixture = Fixture::start().await;
    let rows = surface::rows().into_iter().filter(|row| row.method == http::Method::GET);
    // A stream of events has no end to wait for.
    let stream = |row: &Row| matches!(row.output, Output::Media("text/event-stream"));
    for row in rows.filter(|row| row.access != Access::Token && !stream(row)) {
        let path = match row.example {
            Some(_) => prepare(&fixture, row).await,
            None => some_path(row),
        };
        let get = fixture.call("GET", &path, &fixture.key, "").await;
        let head = fixture.call("HEAD", &path, &fixture.key, "").await;
        assert_eq!(head.status, get.status, "{row:?}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{row:?}");
    }
}

#[tokio::test]
async fn looking_at_a_token_never_reaches_its_handler() {
    let fixture = Fixture::start().await;
    for row in surface::rows().into_iter().filter(|row| row.access == Access::Token && row.method == http::Method::GET)
    {
        let answer = fixture.send("HEAD", &some_path(row), &[], b"").await;
        assert_eq!(answer.status, 200, "{row:?}");
    }
}

#[tokio::test]
async fn every_path_names_its_methods() {
    let fixture = Fixture::start().await;
    for row in surface::rows() {
        let path = some_path(row);
        let refused = fixture.call("PROPFIND", &path, &fixture.key, "").await;
        assert_eq!(refused.status, 405, "{row:?}");
        let options = fixture.send("OPTIONS", &path, &[], b"").await;
        assert_eq!(options.status, 200, "{row:?}");
        for answer in [&refused, &options] {
            let allow = answer.header("allow").unwrap_or_default();
            assert!(allow.split(", ").any(|method| method == row.method.as_str()), "{row:?}: {allow}");
        }
        assert!(options.header("access-control-allow-origin").is_none(), "{row:?}");
    }
}
