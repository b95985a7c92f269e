//! Comments on issues.

use super::{ask, get, made, refused};
use crate::support::Fixture;

fn said(body: &str, parent: Option<&str>) -> String {
    let parent = parent.map_or(String::new(), |id| format!(r#","parentId":"{id}""#));
    format!(r#"{{"body":"{body}","authorName":"Ann","authorType":"human"{parent}}}"#)
}

#[tokio::test]
async fn answers_stand_under_what_they_answer_however_deep_they_are_meant() {
    let fixture = Fixture::start().await;
    let issue = made(&fixture, "/api/issues", r#"{"title":"i","type":"task"}"#).await;
    let path = format!("/api/issues/{issue}/comments");
    let first = made(&fixture, &path, &said("first", None)).await;
    let second = made(&fixture, &path, &said("second", None)).await;
    let answer = made(&fixture, &path, &said("answer", Some(&first))).await;
    let deeper = get(&fixture, "POST", &path, &said("deeper", Some(&answer))).await;
    assert_eq!(deeper["parentId"], first.as_str());
    let threads = get(&fixture, "GET", &path, "").await;
    assert_eq!((&threads[0]["id"], &threads[1]["id"]), (&first.as_str().into(), &second.as_str().into()));
    let bodies = |at: usize| -> Vec<_> {
        threads[at]["replies"].as_array().expect("answers").iter().map(|one| one["body"].clone()).collect()
    };
    assert_eq!((bodies(0), bodies(1).len()), (vec!["answer".into(), "deeper".into()], 0));
}

#[tokio::test]
async fn a_comment_answers_one_of_its_own_issue_only() {
    let fixture = Fixture::start().await;
    let one = made(&fixture, "/api/issues", r#"{"title":"one","type":"task"}"#).await;
    let two = made(&fixture, "/api/issues", r#"{"title":"two","type":"task"}"#).await;
    let there = made(&fixture, &format!("/api/issues/{one}/comments"), &said("there", None)).await;
    let path = format!("/api/issues/{two}/comments");
    for parent in [there.as_str(), "nope", "c00000000000000000000000"] {
        let answer = ask(&fixture, "POST", &path, &fixture.key, &said("here", Some(parent))).await;
        let wanted = (422, "Parent comment not found".to_owned(), String::new());
        assert_eq!(refused(&answer), wanted, "{parent}");
    }
    for (body, field) in [
        (r#"{"authorName":"a","authorType":"human"}"#.to_owned(), "body"),
        (said("", None), "body"),
        (r#"{"body":"b","authorName":"","authorType":"human"}"#.to_owned(), "authorName"),
        (r#"{"body":"b","authorName":"a","authorType":"robot"}"#.to_owned(), "authorType"),
        (said(&"x".repeat(20_001), None), "body"),
    ] {
        let (status, _, at) = refused(&ask(&fixture, "POST", &path, &fixture.key, &body).await);
        assert_eq!((status, at.as_str()), (400, field));
    }
    assert_eq!(get(&fixture, "GET", &path, "").await.as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_deleted_issue_has_no_comments_and_a_comment_stands_in_its_history() {
    let fixture = Fixture::start().await;
    let issue = made(&fixture, "/api/issues", r#"{"title":"i","type":"task"}"#).await;
    let path = format!("/api/issues/{issue}/comments");
    made(&fixture, &path, &said("mail ann@example.com", None)).await;
    let history = get(&fixture, "GET", &format!("/api/issues/{issue}/history"), "").await;
    assert_eq!(history[0]["op"], "comment.create");
    assert!(!history.to_string().contains("ann@example.com"), "{history}");
    ask(&fixture, "DELETE", &format!("/api/issues/{issue}"), &fixture.key, "").await;
    for (method, body) in [("GET", String::new()), ("POST", said("late", None))] {
        let answer = ask(&fixture, method, &path, &fixture.key, &body).await;
        assert_eq!(refused(&answer), (404, "Issue not found".to_owned(), String::new()));
    }
}
