//! What agents say of persons, and their secrets, are nowhere to be found afterwards.

use loop_core::{
    base::json::Doc,
    engine::{Call, Keep, TurnInput},
    kept::KeptKey,
};
use serde_json::json;

use super::{TRANSFERS, ask, erased_of, intercept, rule};
use crate::support::Fixture;

/// Personal data and secrets as they stand in calls.
const CANARIES: [&str; 9] = [
    "jane.canary@example.com",
    "+44 20 7946 0958",
    "4111 1111 1111 1111",
    "4012888888881881",
    "GB82 WEST 1234 5698 7654 32",
    "078-05-1120",
    "AKIAIOSFODNN7CANARY0",
    "ghp_canary0123456789abcdefghijABCDEFGHIJ",
    "correct horse battery canary",
];

/// Fills a tenant with calls that hold every canary, wherever a call can hold one.
async fn fill(fixture: &Fixture) {
    let key = &fixture.key;
    rule(fixture, key, TRANSFERS, "approve").await;
    let mut arguments = json!({ "amount": 5000, "password": CANARIES[8], "deep": [{ "list": CANARIES[..8] }] });
    for (n, canary) in CANARIES[..8].iter().enumerate() {
        arguments[format!("text {n}")] = json!(format!("please use {canary} for this"));
    }
    let all = CANARIES[..8].join(", ");
    for tool in ["read_file", "wire_transfer", "delete_file"] {
        let body = json!({
            "tool_name": tool, "arguments": arguments, "agent_name": "agent of jane.canary@example.com",
            "reason": format!("because of {all}"), "session_id": "jane.canary@example.com",
        });
        let answer = fixture.call("POST", "/api/intercept", key, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let id = ask(fixture, key, "wire_transfer", r#"{"amount":7000,"to":"jane.canary@example.com"}"#).await;
    let decision = json!({ "action": "denied", "comment": format!("told {all}") }).to_string();
    let decided = fixture.call("POST", &format!("/api/pending-approvals/{id}/decide"), key, &decision).await;
    assert_eq!(decided.status, 200, "{}", decided.text());
}

/// Blocks a tool for a reason that holds every canary.
async fn block(fixture: &Fixture) {
    let body = json!({ "tool_name": "x", "reason": format!("because of {}", CANARIES[..8].join(", ")) });
    let answer = fixture.call("POST", "/api/blocked-tools", &fixture.key, &body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let reason = answer.json()["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("because of [email @example.com]"), "{reason}");
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let first = text.as_bytes()[0];
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.into_iter().any(|(at, _)| bytes[at..].starts_with(text.as_bytes()))
}

#[tokio::test]
async fn nothing_of_a_call_stands_unmasked_in_any_file() {
    let fixture = Fixture::start().await;
    fill(&fixture).await;
    block(&fixture).await;
    keep(&fixture).await;
    let folder = fixture._folder.path().to_owned();
    let look = || {
        let mut seen = Vec::new();
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("read");
            for canary in CANARIES {
                let bare: String = canary.chars().filter(char::is_ascii_digit).collect();
                let forms = [canary.to_owned(), canary.replace([' ', '-'], ""), bare];
                for form in forms.into_iter().filter(|form| form.len() >= 9) {
                    assert!(!holds(&bytes, &form), "`{form}` stands in {}", path.display());
                }
            }
            seen.extend(bytes);
        }
        assert!(holds(&seen, "[email @example.com]") && holds(&seen, "[card …1111]"), "the calls are there at all");
    };
    // While the log of the database is full, and after it was moved into the file.
    look();
    let Fixture { server, _folder, .. } = fixture;
    server.shutdown().await;
    look();
}

#[tokio::test]
async fn everything_held_is_exported_masked() {
    let fixture = Fixture::start().await;
    fill(&fixture).await;
    for n in 0..1_100 {
        let answer = intercept(&fixture, &fixture.key, "read_file", &json!({ "n": n }).to_string()).await;
        assert_eq!(answer.status, 200);
    }
    let answer = fixture.call("GET", "/api/dsar/export", &fixture.key, "").await;
    assert!(answer.header("content-disposition").is_some_and(|text| text.starts_with("attachment")));
    let export = answer.json();
    let count = |name: &str| export[name].as_array().expect("a list").len();
    assert_eq!((count("decisions"), count("approvals"), count("rules")), (1_104, 2, 1));
    assert!(count("changes") >= 4 && count("keys") == 1);
    assert_eq!(export["tenant_id"], "default");
    for canary in CANARIES {
        assert!(!answer.text().contains(canary), "{canary}");
    }
    assert!(!answer.text().contains(&fixture.key));
}

#[tokio::test]
async fn the_export_names_the_tenant_and_its_targets_without_their_secrets() {
    let fixture = Fixture::start().await;
    let owner = json!({ "email": "owner@example.com", "name": "Ann", "company": "Acme" });
    let made = fixture.call("POST", "/api/signup", &fixture.key, &owner.to_string()).await.json();
    let key = made["api_key"].as_str().expect("a key");
    let targets = json!({ "notify_email": "ops@example.com", "slack_webhook_url": "https://hooks.example/s3cret" });
    let put = fixture.call("PUT", "/api/notification-settings", key, &targets.to_string()).await;
    assert_eq!(put.status, 200, "{}", put.text());

    let answer = fixture.call("GET", "/api/dsar/export", key, "").await;
    let mut export = answer.json();
    assert!(export["tenant"]["created_at"].take().is_string());
    assert_eq!(
        export["tenant"],
        json!({ "email": "owner@example.com", "name": "Ann", "company": "Acme", "created_at": null })
    );
    assert_eq!(
        export["notification_settings"],
        json!({
            "notify_email": "ops@example.com",
            "slack_webhook_url": "[REDACTED]",
            "teams_webhook_url": null,
            "discord_webhook_url": null,
        })
    );
    assert!(!answer.text().contains("s3cret") && !answer.text().contains(key));
    // Another tenant's export tells none of it.
    let other = fixture.call("GET", "/api/dsar/export", &fixture.key, "").await;
    assert!(!other.text().contains("owner@example.com") && !other.text().contains("ops@example.com"));
}

#[tokio::test]
async fn a_person_is_forgotten_and_the_rest_is_kept() {
    let fixture = Fixture::start().await;
    fill(&fixture).await;
    let key = &fixture.key;
    intercept(&fixture, key, "read_file", r#"{"to":"john@example.org"}"#).await;
    // Written otherwise, it is the same person.
    let erased = fixture.call("DELETE", "/api/data?subject=Jane.Canary%40EXAMPLE.com", key, "").await;
    assert_eq!(erased.json(), erased_of(4, 2), "{}", erased.text());
    let logs = fixture.call("GET", "/api/logs", key, "").await.json();
    let kept: Vec<bool> = logs.as_array().expect("a list").iter().map(|row| row["tool_name"].is_string()).collect();
    assert_eq!(kept, [true, false, false, false, false]);
    assert_eq!(fixture.call("GET", "/api/pending-approvals", key, "").await.json(), json!([]));
    let verified = fixture.call("GET", "/api/audit/verify", key, "").await.json();
    assert_eq!((&verified["valid"], &verified["erased"]), (&json!(true), &json!(4)), "{verified}");
    let again = fixture.call("DELETE", "/api/data?subject=jane.canary@example.com", key, "").await.json();
    assert_eq!(again, erased_of(0, 0));
}

#[tokio::test]
async fn everything_goes_only_when_its_name_is_said() {
    let fixture = Fixture::start().await;
    fill(&fixture).await;
    let key = &fixture.key;
    for query in
        ["", "?subject=", "?confirm=", "?confirm=other", "?subject=jane", "?subject=a@b.example&confirm=default"]
    {
        let answer = fixture.call("DELETE", &format!("/api/data{query}"), key, "").await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    let erased = fixture.call("DELETE", "/api/data?confirm=default", key, "").await.json();
    assert_eq!(erased, erased_of(4, 2));
    let export = fixture.call("GET", "/api/dsar/export", key, "").await;
    assert_eq!(export.json()["approvals"], json!([]));
    assert!(!export.text().contains("@example.com]"), "{}", export.text());
    assert_eq!(export.json()["rules"].as_array().map(Vec::len), Some(1), "what was set up stays");
    let verified = fixture.call("GET", "/api/audit/verify", key, "").await.json();
    assert_eq!((&verified["valid"], &verified["erased"]), (&json!(true), &json!(4)), "{verified}");
}

/// Has an answer of a language model kept that holds every canary; answers the key of its request.
async fn keep(fixture: &Fixture) -> KeptKey {
    let engine = &fixture.server.app.engine;
    let caller = engine.authenticate(&fixture.key).await.expect("a caller");
    let key = engine.key_of(&caller, "proxy.chat", br#"{"model":"m"}"#).expect("a key");
    let doc = Doc::parse(br#"{"amount":123456}"#).expect("JSON");
    let call = TurnInput::Call(Call::new("wire_transfer", doc.root()));
    let completion = CANARIES.join(", ").repeat(1_000);
    let keep = Keep::IfPending { key, completion: completion.as_bytes() };
    let turn = engine.intercept_turn(&caller, &[call], keep).await.expect("decided");
    assert!(turn.kept);
    assert_eq!(engine.kept(&caller, &key).await.expect("read").expect("kept").completion(), completion.as_bytes());
    key
}

#[tokio::test]
async fn what_is_kept_of_a_model_goes_with_any_person_and_with_everything() {
    let fixture = Fixture::start().await;
    rule(&fixture, &fixture.key, TRANSFERS, "approve").await;
    let engine = &fixture.server.app.engine;
    let caller = engine.authenticate(&fixture.key).await.expect("a caller");
    for query in ["subject=somebody.else@example.com", "confirm=default"] {
        let key = keep(&fixture).await;
        done(&fixture, "DELETE", &format!("/api/data?{query}"), &fixture.key, json!({})).await;
        assert_eq!(engine.kept(&caller, &key).await, Ok(None), "{query}");
    }
    let verified = done(&fixture, "GET", "/api/audit/verify", &fixture.key, json!({})).await;
    assert_eq!(verified["valid"], true, "{verified}");
}

/// One request that must succeed.
async fn done(fixture: &Fixture, method: &str, path: &str, key: &str, body: serde_json::Value) -> serde_json::Value {
    let answer = fixture.call(method, path, key, &body.to_string()).await;
    assert!(answer.status < 300, "{method} {path} answered {}: {}", answer.status, answer.text());
    answer.json()
}

/// Two loops' keys; what the first told the second of everybody, its task, and the task's proof.
async fn correspond(fixture: &Fixture) -> [String; 5] {
    let mut keys = Vec::new();
    for (tag, owner) in [("ann", "ann"), ("bob", "bob")] {
        let body = json!({ "kind": "business", "tag": tag, "ownerId": owner });
        let made = done(fixture, "POST", "/api/v1/loops", &fixture.key, body).await;
        let scopes = ["aap:send", "aap:read", "tasks:write", "tasks:read", "proof:create"];
        let body = json!({ "name": tag, "loopId": made["id"], "scopes": scopes });
        let key = done(fixture, "POST", "/api/v1/keys", &fixture.key, body).await["key"].clone();
        keys.push(key.as_str().expect("a key").to_owned());
    }
    let all = CANARIES[..8].join(", ");
    let body =
        json!({ "type": "TASK_REQUEST", "to": "@bob", "task": format!("write to {all}"), "inputs": { "to": all } });
    let sent = done(fixture, "POST", "/api/v1/aap/send", &keys[0], body).await;
    assert_eq!((&sent["verified"], &sent["signedBy"]), (&json!(false), &json!(null)));
    let body = json!({ "title": format!("write to {}", CANARIES[0]), "plan": [all] });
    let task = done(fixture, "POST", "/api/v1/tasks", &keys[0], body).await["id"].clone();
    let body = json!({ "taskId": task, "type": "source", "data": { "to": all } });
    let proof = done(fixture, "POST", "/api/v1/proof", &keys[0], body).await["id"].clone();
    let [thread, task, proof] =
        [&sent["correlationId"], &task, &proof].map(|id| id.as_str().expect("an id").to_owned());
    let [ann, bob] = <[String; 2]>::try_from(keys).expect("two keys");
    [ann, bob, thread, task, proof]
}

#[tokio::test]
async fn what_loops_told_each_other_is_exported_masked_and_forgotten_with_the_person() {
    let fixture = Fixture::start().await;
    let [ann, bob, thread, task, proof] = correspond(&fixture).await;
    let key = &fixture.key;
    let export = fixture.call("GET", "/api/dsar/export", key, "").await;
    for canary in CANARIES {
        assert!(!export.text().contains(canary), "{canary}");
    }
    let export = export.json();
    for (name, count) in [
        ("loops", 2),
        ("messages", 1),
        ("contracts", 1),
        ("tasks", 1),
        ("proofs", 1),
        ("transactions", 0),
        ("invocations", 0),
    ] {
        assert_eq!(export[name].as_array().map(Vec::len), Some(count), "{name}");
    }
    assert!(
        export["messages"][0]["content"]["inputs"]["to"]
            .as_str()
            .is_some_and(|to| to.starts_with("[email @example.com]"))
    );
    assert_eq!(export["messages"][0]["digest"], json!(null));

    let erased = done(&fixture, "DELETE", "/api/data?subject=jane.canary@example.com", key, json!({})).await;
    let wanted = json!({
        "log_entries": 0, "approvals": 0, "proofs": 1, "messages": 1, "tasks": 1, "invocations": 0,
    });
    assert_eq!(erased, wanted);
    let read = done(&fixture, "GET", &format!("/api/v1/aap/threads/{thread}"), &bob, json!({})).await;
    let (message, contract) = (&read["messages"][0], &read["contracts"][0]);
    assert_eq!((&message["erased"], &message["task"], &message["inputs"]), (&json!(true), &json!(null), &json!(null)));
    assert_eq!(contract["task"], "[erased]");
    let read = done(&fixture, "GET", &format!("/api/v1/tasks/{task}"), &ann, json!({})).await;
    assert_eq!((&read["title"], &read["plan"]), (&json!("[erased]"), &json!([])));
    let read = done(&fixture, "GET", &format!("/api/v1/proof/{proof}"), &ann, json!({})).await;
    assert_eq!((&read["data"], &read["level"]), (&json!({}), &json!("V0")));
    let verified = done(&fixture, "GET", "/api/audit/verify", key, json!({})).await;
    assert_eq!(verified["valid"], true, "{verified}");
    let export = fixture.call("GET", "/api/dsar/export", key, "").await.text();
    assert!(!export.contains("[card …1111]"), "{export}");
}

#[tokio::test]
async fn everything_that_loops_did_goes_with_everything() {
    let fixture = Fixture::start().await;
    correspond(&fixture).await;
    let erased = done(&fixture, "DELETE", "/api/data?confirm=default", &fixture.key, json!({})).await;
    assert_eq!([&erased["proofs"], &erased["messages"], &erased["tasks"]], [&json!(1); 3]);
    let export = done(&fixture, "GET", "/api/dsar/export", &fixture.key, json!({})).await;
    for (name, count) in [("loops", 2), ("messages", 0), ("contracts", 1), ("tasks", 0), ("proofs", 1)] {
        assert_eq!(export[name].as_array().map(Vec::len), Some(count), "{name}");
    }
    assert_eq!(export["proofs"][0]["data"], json!({}));
    let verified = done(&fixture, "GET", "/api/audit/verify", &fixture.key, json!({})).await;
    assert_eq!(verified["valid"], true, "{verified}");
}
