//! What the policy says reaches the tool, whichever way the hook takes.

use super::{Doors, event, run};

#[tokio::test]
async fn nothing_is_said_when_nothing_objects() {
    let doors = Doors::open().await;
    for way in doors.ways() {
        let ran = doors.hook(&way, &[], event("Read", r#"{"file_path":"src/a"}"#)).await;
        assert!(ran.silent(), "{way:?}: {ran:?}");
    }
    let logs = doors.fixture.call("GET", "/api/logs", &doors.fixture.key, "").await.json();
    let rows = logs.as_array().expect("rows");
    assert_eq!(rows.len(), 3, "each was recorded: {logs}");
    assert!(rows.iter().all(|row| row["agent_name"] == "claude-code" && row["tool_name"] == "Read"), "{logs}");
    let export = doors.fixture.call("GET", "/api/audit", &doors.fixture.key, "").await.text();
    assert!(export.contains("hook.claude-code") && export.contains("s-1"), "{export}");
}

#[tokio::test]
async fn a_blocked_tool_is_denied_with_the_reason() {
    let doors = Doors::open().await;
    doors.api("/api/blocked-tools", r#"{"tool_name":"mcp__github__delete_repo","reason":"never"}"#).await;
    for way in doors.ways() {
        let reason = doors.hook(&way, &[], event("mcp__github__delete_repo", "{}")).await.denied();
        assert!(reason.contains("'mcp__github__delete_repo' is blocked"), "{way:?}: {reason}");
        let asked = doors.hook(&way, &["--ask"], event("mcp__github__delete_repo", "{}")).await.denied();
        assert_eq!(asked, reason, "nobody at the terminal can unblock a tool");
    }
}

#[tokio::test]
async fn a_rule_denies_in_its_own_words() {
    let doors = Doors::open().await;
    doors.api("/api/approval-rules", r#"{"rule_text":"Never pay more than £1,000","action":"block"}"#).await;
    let large = event("mcp__bank__send_payment", r#"{"amount":1000.01,"currency":"GBP"}"#);
    let small = event("mcp__bank__send_payment", r#"{"amount":1000.00,"currency":"GBP"}"#);
    for way in doors.ways() {
        let reason = doors.hook(&way, &[], large.clone()).await.denied();
        assert_eq!(reason, "Loop blocked this call. Matched rule: Never pay more than £1,000.", "{way:?}");
        assert!(doors.hook(&way, &[], small.clone()).await.silent(), "{way:?}");
    }
}

#[tokio::test]
async fn what_waits_passes_once_when_it_is_approved_and_only_unchanged() {
    let doors = Doors::open().await;
    doors.api("/api/approval-rules", r#"{"rule_text":"Any payment needs approval","action":"approve"}"#).await;
    for (n, way) in doors.ways().iter().enumerate() {
        let pay = |amount: &str| event("send_payment", &format!(r#"{{"run":{n},"amount":{amount}}}"#));
        let reason = doors.hook(way, &[], pay("9007199254740993")).await.denied();
        assert!(
            reason.contains("Any payment needs approval") && reason.contains("the identical call passes"),
            "{reason}"
        );
        let pending = doors.fixture.call("GET", "/api/pending-approvals", &doors.fixture.key, "").await.json();
        let id = pending[0]["id"].as_str().expect("an approval").to_owned();
        assert_eq!(pending.as_array().map(Vec::len), Some(1), "{pending}");
        assert!(reason.contains(&id), "{reason}");
        assert_eq!(doors.hook(way, &[], pay("9007199254740993")).await.denied(), reason, "it still waits");
        let decide = format!("/api/pending-approvals/{id}/decide");
        doors.api(&decide, r#"{"action":"approved"}"#).await;
        let changed = doors.hook(way, &[], pay("9007199254740992")).await.denied();
        assert!(!changed.contains(&id), "another last digit is another call: {changed}");
        assert!(doors.hook(way, &[], pay("9007199254740993")).await.silent(), "{way:?}");
        let again = doors.hook(way, &[], pay("9007199254740993")).await.denied();
        assert!(!again.contains(&id), "an approval is used once: {again}");
        let left = doors.fixture.call("GET", "/api/pending-approvals", &doors.fixture.key, "").await.json();
        for open in left.as_array().expect("rows") {
            let id = open["id"].as_str().expect("an id");
            doors.api(&format!("/api/pending-approvals/{id}/decide"), r#"{"action":"denied"}"#).await;
        }
    }
}

#[tokio::test]
async fn no_variable_of_a_project_hides_a_humans_no() {
    let doors = Doors::open().await;
    doors.api("/api/approval-rules", r#"{"rule_text":"Any payment needs approval","action":"approve"}"#).await;
    let [_, _, way] = doors.ways();
    let pay = event("send_payment", r#"{"amount":1}"#);
    doors.hook(&way, &[], pay.clone()).await.denied();
    let pending = doors.fixture.call("GET", "/api/pending-approvals", &doors.fixture.key, "").await.json();
    let id = pending[0]["id"].as_str().expect("an approval").to_owned();
    doors.api(&format!("/api/pending-approvals/{id}/decide"), r#"{"action":"denied"}"#).await;
    let said = doors.hook(&way, &["--ask"], pay.clone()).await.denied();
    let (key, [flag, db]) = (doors.fixture.key.clone(), way);
    let ran = tokio::task::spawn_blocking(move || {
        let set = [("LOOP_API_KEY", key.as_str()), ("LOOP_SECRET_KEY", "another")];
        run(&["hook", "claude-code", &flag, &db, "--ask"], &set, &pay)
    });
    assert_eq!(ran.await.expect("no panic").denied(), said);
}

#[tokio::test]
async fn the_terminal_is_asked_where_that_is_wanted() {
    let doors = Doors::open().await;
    doors.api("/api/approval-rules", r#"{"rule_text":"Any payment needs approval","action":"approve"}"#).await;
    for way in doors.ways() {
        let (decision, reason) = doors.hook(&way, &["--ask"], event("send_payment", r#"{"amount":1}"#)).await.word();
        assert_eq!(decision, "ask", "{way:?}: {reason}");
    }
}

#[tokio::test]
async fn codex_is_served_at_its_own_door() {
    let doors = Doors::open().await;
    doors.api("/api/blocked-tools", r#"{"tool_name":"apply_patch","reason":"never"}"#).await;
    let (key, url) = (doors.fixture.key.clone(), format!("http://{}/", doors.fixture.address));
    let ran = tokio::task::spawn_blocking(move || {
        ["Bash", "apply_patch"].map(|tool| {
            let event = event(tool, r#"{"command":"*** Begin Patch"}"#);
            run(&["hook", "codex", "--url", &url], &[("LOOP_API_KEY", &key)], &event)
        })
    })
    .await
    .expect("no panic");
    assert!(ran[0].silent(), "{ran:?}");
    assert!(ran[1].denied().contains("'apply_patch' is blocked"), "{ran:?}");
    let entries = doors.fixture.call("GET", "/api/audit", &doors.fixture.key, "").await.text();
    assert!(entries.contains("hook.codex"), "{entries}");
}

#[tokio::test]
async fn the_file_is_decided_on_without_any_server() {
    let doors = Doors::open().await;
    doors.api("/api/blocked-tools", r#"{"tool_name":"Bash","reason":"never"}"#).await;
    let (folder, key) = (doors.copy(), doors.fixture.key.clone());
    let copy = folder.path().join("loop.db");
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, format!("{key}\n")).expect("written");
    let args =
        ["hook", "claude-code", "--db", copy.to_str().expect("text"), "--key-file", key_file.to_str().expect("text")];
    for _ in 0..20 {
        assert!(run(&args, &[], &event("Read", "{}")).silent());
        assert!(run(&args, &[], &event("Bash", r#"{"command":"ls"}"#)).denied().contains("'Bash' is blocked"));
    }
    let log = std::fs::metadata(copy.with_extension("db-wal")).map_or(0, |log| log.len());
    assert!(log < 1 << 20, "nobody would ever empty the log: {log}");
    let verify = run(&["audit", "verify", "--db", copy.to_str().expect("text")], &[], b"");
    assert_eq!(verify.code, Some(0), "{verify:?}");
}
