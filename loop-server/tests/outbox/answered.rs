//! The notice reaches a webhook, its link decides once, the identical call goes through once.

use serde_json::json;

use super::hook::{Hook, tokens};
use crate::support::Fixture;

const RULE: &str = r#"{"rule_text":"Any wire transfer over £1,000 needs approval","action":"approve"}"#;

#[tokio::test]
async fn a_person_answers_by_the_link_of_a_notice() {
    let fixture = Fixture::start().await;
    let mut hook = Hook::new(true).await;
    let settings = json!({ "slack_webhook_url": hook.url }).to_string();
    assert_eq!(fixture.call("PUT", "/api/notification-settings", &fixture.key, &settings).await.status, 200);
    assert_eq!(fixture.call("POST", "/api/approval-rules", &fixture.key, RULE).await.status / 100, 2);

    for (verb, other, want) in [("approve", "deny", "ALLOWED"), ("deny", "approve", "BLOCKED")] {
        let call = json!({"tool_name": "wire_transfer", "arguments": {"amount": 5000, "to": "jane.roe@example.com",
            "ref": verb, "note": "\u{202e}hidden"}})
        .to_string();
        let intercept = || fixture.call("POST", "/api/intercept", &fixture.key, &call);
        let first = intercept().await;
        assert_eq!(first.json()["status"], "PENDING", "{}", first.text());

        let notice = hook.body().await;
        let text = notice.to_string();
        assert!(text.contains("wire_transfer") && !text.contains("jane.roe") && text.contains("⟨U+202E⟩"), "{text}");
        let (approve, deny) = tokens(&notice);
        let path = |name: &str| format!("/api/{name}/{}", if name == "approve" { &approve } else { &deny });

        // Looking does not decide: link previews, mail scanners and browsers only look.
        let browser = [("accept", "text/html,*/*")];
        for method in ["HEAD", "GET"] {
            let looked = fixture.send(method, &path(verb), &browser, b"").await;
            assert_eq!(looked.status, 200);
        }
        assert_eq!(intercept().await.json()["status"], "PENDING");
        // A token of one verb is nothing under the other.
        let crossed = format!("/api/{other}/{}", if verb == "approve" { &approve } else { &deny });
        assert_eq!(fixture.send("POST", &crossed, &browser, b"").await.status, 404);

        assert_eq!(fixture.send("POST", &path(verb), &browser, b"").await.status, 200);
        for dead in [path(verb), path(other)] {
            assert_eq!(fixture.send("POST", &dead, &browser, b"").await.status, 404, "dead after the decision");
        }
        assert_eq!(intercept().await.json()["status"], want);
    }
    fixture.server.shutdown().await;
}

#[tokio::test]
async fn an_allowed_call_is_forwarded_and_a_call_that_waits_is_not() {
    let fixture = Fixture::start().await;
    let mut hook = Hook::new(true).await;
    assert_eq!(fixture.call("POST", "/api/approval-rules", &fixture.key, RULE).await.status / 100, 2);
    let call = |amount: u32| {
        let forward = json!({"url": hook.url, "headers": {"Authorization": "Bearer theirs"}});
        let call = json!({"tool_name": "wire_transfer", "arguments": {"amount": amount}, "forward_to": forward});
        let (fixture, call) = (&fixture, call.to_string());
        async move { fixture.call("POST", "/api/intercept", &fixture.key, &call).await.json() }
    };
    let waits = call(5000).await;
    assert_eq!((&waits["status"], waits.get("forwarded")), (&json!("PENDING"), None));
    let allowed = call(10).await;
    assert_eq!(allowed["status"], "ALLOWED");
    assert_eq!(
        (&allowed["forwarded"], &allowed["status_code"], &allowed["result"]),
        (&json!(true), &json!(200), &json!("ok"))
    );
    assert_eq!(hook.body().await, json!({"amount": 10}), "the first thing the target hears of is the allowed call");
    fixture.server.shutdown().await;
}

#[tokio::test]
async fn private_targets_are_refused_unless_they_are_allowed() {
    let fixture = Fixture::with(|config| config.allow_private_targets = false, loop_server::surface::rows()).await;
    let hook = Hook::new(true).await;
    let https = hook.url.replace("http://", "https://");
    for url in [hook.url.as_str(), https.as_str(), "https://localhost/", "https://[::ffff:127.0.0.1]/"] {
        let call = json!({"tool_name": "read_file", "arguments": {}, "forward_to": {"url": url}}).to_string();
        let answer = fixture.call("POST", "/api/intercept", &fixture.key, &call).await;
        let body = answer.json();
        assert_ne!(body["forwarded"], json!(true), "{url}: {body}");
        assert!(body.get("result").is_none(), "{url}: {body}");
    }
    fixture.server.shutdown().await;
}
