//! A human's answer counts once, for exactly the call that was asked about, and only in time.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{TRANSFERS, ask, decide, intercept, rule, transfer};
use crate::support::{
    Fixture,
    client::{Client, request},
    own::{Own, open, options},
};

async fn asking() -> Fixture {
    let fixture = Fixture::start().await;
    rule(&fixture, &fixture.key, TRANSFERS, "approve").await;
    fixture
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_racing_answers_one_counts() {
    const RACERS: usize = 100;
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await;
    let barrier = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (barrier, key, address) = (Arc::clone(&barrier), fixture.key.clone(), fixture.address);
            let path = format!("/api/pending-approvals/{id}/decide");
            let (action, state) = [("approved", "approved"), ("deny", "denied")][racer % 2];
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                barrier.wait().await;
                let body = json!({ "action": action }).to_string();
                client.send(&request("POST", &path, &[("x-api-key", &key)], body.as_bytes())).await;
                (state, client.answer(false).await.expect("an answer"))
            })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.expect("no panic"));
    }
    let won: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    let (outcome, winner) = won[0];
    assert_eq!(winner.json()["status"], *outcome);
    for (_, lost) in answers.iter().filter(|(_, answer)| answer.status != 200) {
        assert_eq!(lost.status, 409, "{}", lost.text());
        assert_eq!(lost.json()["status"], *outcome, "the loser learns the outcome: {}", lost.text());
    }
    let entries = fixture.call("GET", "/api/audit?limit=1000", &fixture.key, "").await.json();
    let told = |op: &str| {
        let all = entries.as_array().expect("a list");
        all.iter().filter(|entry| entry["op"].as_str().is_some_and(|text| text.starts_with(op))).count()
    };
    assert_eq!(told("approval.approve") + told("approval.deny"), 1);
}

#[tokio::test]
async fn an_approval_is_for_that_very_call() {
    const A: &str = r#"{"amount":5000,"to":"acme","note":{"lines":[1,2]}}"#;
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", A).await;
    assert_eq!(decide(&fixture, &fixture.key, &id, "approved").await.status, 200);
    for other in [
        r#"{"amount":5001,"to":"acme","note":{"lines":[1,2]}}"#,
        r#"{"amount":5000.01,"to":"acme","note":{"lines":[1,2]}}"#,
        r#"{"amount":"5000","to":"acme","note":{"lines":[1,2]}}"#,
        r#"{"amount":5000,"to":"acme","note":{"lines":[1,2]},"x":1}"#,
        r#"{"amount":5000,"to":"acme","note":{"lines":[1,2]},"x":null}"#,
        r#"{"amount":5000,"to":"acme","note":{"lines":[2,1]}}"#,
        r#"{"amount":5000,"to":"acme","note":{"lines":[1,2,2]}}"#,
        r#"{"amount":5000,"to":"Acme","note":{"lines":[1,2]}}"#,
        r#"{"amount":5000,"to":"acme ","note":{"lines":[1,2]}}"#,
        // A Cyrillic letter, a letter with its accent apart, and one that nobody sees.
        "{\"amount\":5000,\"to\":\"\u{430}cme\",\"note\":{\"lines\":[1,2]}}",
        "{\"amount\":5000,\"to\":\"acme\u{301}\",\"note\":{\"lines\":[1,2]}}",
        "{\"amount\":5000,\"to\":\"ac\u{200b}me\",\"note\":{\"lines\":[1,2]}}",
    ] {
        assert_eq!(transfer(&fixture, other).await, "PENDING", "{other}");
    }
    let stranger = format!(r#"{{"tool_name":"wire_transfer","arguments":{A},"agent_name":"other"}}"#);
    let answer = fixture.call("POST", "/api/intercept", &fixture.key, &stranger).await.json();
    assert_eq!(answer["status"], "PENDING", "another agent asks for itself");
    assert_eq!(transfer(&fixture, A).await, "ALLOWED");
    assert_eq!(transfer(&fixture, A).await, "PENDING", "once");
}

#[tokio::test]
async fn the_same_call_written_differently_is_the_same() {
    let fixture = asking().await;
    for (asked, sent) in [
        (r#"{"amount":5000,"to":"a"}"#, r#"{"to":"a","amount":5000}"#),
        (r#"{"amount":5000,"to":"b"}"#, "{ \"amount\" : 5000 ,\n\"to\":\"b\" }"),
        (r#"{"amount":5000,"n":1}"#, r#"{"amount":5000.0,"n":1.0}"#),
        (r#"{"amount":5000,"m":1.0}"#, r#"{"amount":5e3,"m":1e0}"#),
        (r#"{"amount":5000,"to":"\u00e9"}"#, "{\"amount\":5000,\"to\":\"\u{e9}\"}"),
        (r#"{"amount":5000,"in":{"x":[1,{"p":1,"q":2}]}}"#, r#"{"in":{"x":[1,{"q":2,"p":1}]},"amount":5000}"#),
    ] {
        let id = ask(&fixture, &fixture.key, "wire_transfer", asked).await;
        assert_eq!(ask(&fixture, &fixture.key, "wire_transfer", sent).await, id, "{sent}");
        assert_eq!(decide(&fixture, &fixture.key, &id, "approve").await.status, 200);
        assert_eq!(transfer(&fixture, sent).await, "ALLOWED", "{sent}");
        assert_eq!(transfer(&fixture, asked).await, "PENDING", "used up: {asked}");
    }
}

#[tokio::test]
async fn a_call_that_says_a_thing_twice_is_refused() {
    let fixture = asking().await;
    for arguments in
        [r#"{"amount":1,"amount":5000}"#, r#"{"in":{"a":1,"b":2,"a":3}}"#, r#"{"amount":1,"\u0061mount":5000}"#]
    {
        for (path, tool) in [("/api/intercept", "tool_name"), ("/enforce", "tool")] {
            let body = format!(r#"{{"{tool}":"wire_transfer","arguments":{arguments}}}"#);
            let answer = fixture.call("POST", path, &fixture.key, &body).await;
            assert_eq!(answer.status, 400, "{path} {arguments}: {}", answer.text());
            assert!(answer.json()["error"].is_string());
        }
    }
    assert_eq!(fixture.call("GET", "/api/logs", &fixture.key, "").await.json(), json!([]));
}

#[tokio::test]
async fn a_denial_blocks_and_the_second_answer_meets_it() {
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await;
    assert_eq!(decide(&fixture, &fixture.key, &id, "denied").await.json()["status"], "denied");
    let again = intercept(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await.json();
    assert_eq!((&again["status"], &again["allowed"]), (&json!("BLOCKED"), &json!(false)));
    let late = decide(&fixture, &fixture.key, &id, "approved").await;
    assert_eq!((late.status, late.json()["status"].as_str()), (409, Some("denied")));
    assert_eq!(transfer(&fixture, r#"{"amount":5000}"#).await, "BLOCKED");
    assert_eq!(transfer(&fixture, r#"{"amount":6000}"#).await, "PENDING");
}

#[tokio::test]
async fn nobody_decides_their_own_call_where_that_is_off() {
    let fixture = asking().await;
    let key = &fixture.key;
    let off = fixture.call("PUT", "/api/settings", key, r#"{"allow_self_approval":false}"#).await;
    assert_eq!(off.status, 200, "{}", off.text());
    let id = ask(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await;
    for action in ["approved", "denied"] {
        let own = decide(&fixture, key, &id, action).await;
        assert_eq!(own.status, 403, "{}", own.text());
    }
    assert_eq!(transfer(&fixture, r#"{"amount":5000}"#).await, "PENDING");
    let second = fixture.key_with([loop_core::access::Scope::ApprovalsDecide].into_iter().collect()).await;
    assert_eq!(decide(&fixture, &second, &id, "approved").await.status, 200);
    assert_eq!(transfer(&fixture, r#"{"amount":5000}"#).await, "ALLOWED");
    let stats = fixture.call("GET", "/api/stats", key, "").await.json();
    assert_eq!(stats["allow_self_approval"], false);
}

#[tokio::test]
async fn only_known_words_decide() {
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await;
    for action in ["", "yes", "APPROVED", "approved ", "maybe"] {
        assert_eq!(decide(&fixture, &fixture.key, &id, action).await.status, 400, "`{action}`");
    }
    let path = format!("/api/pending-approvals/{id}/decide");
    for body in ["{}", r#"{"action":true}"#, r#"{"action":"approved","action":"denied"}"#] {
        assert_eq!(fixture.call("POST", &path, &fixture.key, body).await.status, 400, "{body}");
    }
    let pending = fixture.call("GET", "/api/pending-approvals", &fixture.key, "").await.json();
    assert_eq!((&pending[0]["id"], &pending[0]["status"]), (&json!(id), &json!("pending")));
    assert_eq!(decide(&fixture, &fixture.key, "no-such-id", "approved").await.status, 404);
}

#[tokio::test]
async fn a_comment_is_masked_before_it_is_stored() {
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await;
    let path = format!("/api/pending-approvals/{id}/decide");
    let body = r#"{"action":"denied","comment":"ask jane@example.com, card 4111 1111 1111 1111"}"#;
    let decided = fixture.call("POST", &path, &fixture.key, body).await;
    assert_eq!(decided.status, 200, "{}", decided.text());
    let history = fixture.call("GET", "/api/approvals/history", &fixture.key, "").await;
    for answer in [decided, history] {
        assert!(answer.text().contains("ask [email @example.com]"), "{}", answer.text());
        assert!(!answer.text().contains("jane@") && !answer.text().contains("4111 1111"), "{}", answer.text());
    }
}

#[tokio::test]
async fn time_ends_what_nobody_answered_and_what_nobody_used() {
    const DAY: i64 = 86_400;
    let folder = tempfile::tempdir().expect("a folder");
    let own = Own::over(open(&folder.path().join("loop.db"), options())).await;
    let rule = json!({ "rule_text": TRANSFERS }).to_string();
    assert_eq!(own.call("POST", "/api/approval-rules", &rule).await.status, 201);
    let ask = async || -> Value {
        let body = r#"{"tool_name":"wire_transfer","arguments":{"amount":5000}}"#;
        own.call("POST", "/api/intercept", body).await.json()
    };
    let decide = async |id: &Value, action: &str| {
        let path = format!("/api/pending-approvals/{}/decide", id.as_str().expect("an id"));
        own.call("POST", &path, &json!({ "action": action }).to_string()).await
    };
    // Nobody answers.
    let first = ask().await["approval_id"].clone();
    own.clock.pass(DAY);
    let late = decide(&first, "approved").await;
    assert_eq!((late.status, late.json()["status"].as_str()), (409, Some("expired")));
    assert_eq!(own.call("GET", "/api/pending-approvals", "").await.json(), json!([]));
    let status = own.call("GET", &format!("/enforce/status/{}", first.as_str().expect("an id")), "").await.json();
    assert_eq!(status["decision"], "deny");
    // The yes is not used in time.
    let second = ask().await;
    assert_eq!(second["status"], "PENDING");
    assert_ne!(second["approval_id"], first);
    assert_eq!(decide(&second["approval_id"], "approved").await.status, 200);
    own.clock.pass(DAY);
    let third = ask().await;
    assert_eq!(third["status"], "PENDING");
    // A no holds for its time.
    assert_eq!(decide(&third["approval_id"], "denied").await.status, 200);
    own.clock.pass(DAY - 60);
    assert_eq!(ask().await["status"], "BLOCKED");
    own.clock.pass(60);
    assert_eq!(ask().await["status"], "PENDING");
    assert_eq!(own.call("GET", "/api/audit/verify", "").await.json()["valid"], true);
}

#[tokio::test]
async fn a_polled_yes_is_given_once_and_not_after_the_tool_is_blocked() {
    let fixture = asking().await;
    let id = ask(&fixture, &fixture.key, "wire_transfer", r#"{"amount":5000}"#).await;
    let path = format!("/enforce/status/{id}");
    let poll = async || fixture.call("GET", &path, &fixture.key, "").await.json()["decision"].clone();
    assert_eq!(poll().await, "pending");
    assert_eq!(decide(&fixture, &fixture.key, &id, "approve").await.status, 200);
    assert_eq!(poll().await, "allow");
    assert_eq!(poll().await, "allow", "the same answer again");
    assert_eq!(transfer(&fixture, r#"{"amount":5000}"#).await, "PENDING", "the poll used it up");
    let logged = fixture.call("GET", "/api/logs?status=ALLOWED", &fixture.key, "").await.json();
    assert_eq!(logged.as_array().map(Vec::len), Some(1), "{logged}");
    let block = fixture.call("POST", "/api/blocked-tools", &fixture.key, r#"{"tool_name":"wire_transfer"}"#).await;
    assert_eq!(block.status, 201);
    assert_eq!(poll().await, "deny");
}

#[tokio::test]
async fn a_waiting_answer_ends_with_the_human_s() {
    let fixture = asking().await;
    let mut client = Client::connect(fixture.address).await;
    let body = br#"{"tool":"wire_transfer","arguments":{"amount":5000},"wait":true}"#;
    client.send(&request("POST", "/enforce", &[("x-api-key", &fixture.key)], body)).await;
    let id = loop {
        let pending = fixture.call("GET", "/api/pending-approvals", &fixture.key, "").await.json();
        if let Some(id) = pending[0]["id"].as_str() {
            break id.to_owned();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(decide(&fixture, &fixture.key, &id, "approve").await.status, 200);
    let answer = client.answer(false).await.expect("an answer");
    assert_eq!((answer.status, answer.json()["decision"].as_str()), (200, Some("allow")));
}
