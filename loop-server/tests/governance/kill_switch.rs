//! Once a block is acknowledged nothing is allowed any more, on any connection, through any door.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Semaphore;

use crate::support::{
    Fixture,
    client::{Client, request},
};

const CALLERS: u32 = 32;
/// How many calls each caller makes after the block.
const AFTER: u32 = 9;
/// How many calls each caller makes at most.
const MOST: u32 = 20_000;

/// A door, what is sent to it, and where its answer says what was decided.
type Door = (&'static str, &'static str, fn(&serde_json::Value) -> bool);

const INTERCEPT: Door = ("/api/intercept", r#"{"tool_name":"read_mail"}"#, |answer| answer["allowed"] == true);
const ENFORCE: Door = ("/enforce", r#"{"tool":"read_mail"}"#, |answer| answer["decision"] == "allow");
const EVALUATE: Door = ("/api/v1/policy/evaluate", r#"{"step":{"action":"read_mail","riskLevel":"low"}}"#, |answer| {
    answer["allowed"] == true
});

/// Calls on one connection until the block has been seen for a while. Every caller is allowed first.
async fn caller(
    address: std::net::SocketAddr,
    key: String,
    doors: Vec<Door>,
    blocked: Arc<AtomicBool>,
    allowed_once: Arc<Semaphore>,
) {
    let mut client = Client::connect(address).await;
    let (mut before, mut after) = (0_usize, 0);
    for round in 0..MOST as usize {
        let (path, body, allows) = doors[round % doors.len()];
        // Read before the call is sent: what follows began after the acknowledgement.
        let began_after = blocked.load(Ordering::SeqCst);
        client.send(&request("POST", path, &[("x-api-key", &key)], body.as_bytes())).await;
        let answer = client.answer(false).await.expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let allowed = allows(&answer.json());
        if began_after {
            assert!(!allowed, "{path} allowed after the block: {}", answer.text());
            after += 1;
            if after == AFTER {
                return;
            }
        } else if allowed {
            before += 1;
            if before == doors.len() {
                allowed_once.add_permits(1);
            }
        }
    }
    panic!("the block was never seen");
}

/// Runs callers against `doors` while `block` happens.
async fn hammer(fixture: &Fixture, callers: u32, doors: &[Door], block: impl Future<Output = ()>) {
    let blocked = Arc::new(AtomicBool::new(false));
    let allowed_once = Arc::new(Semaphore::new(0));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (blocked, allowed) = (Arc::clone(&blocked), Arc::clone(&allowed_once));
            tokio::spawn(caller(fixture.address, fixture.key.clone(), doors.to_vec(), blocked, allowed))
        })
        .collect();
    // Every caller was allowed through every door before the block is asked for.
    allowed_once.acquire_many(callers).await.expect("open").forget();
    block.await;
    blocked.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.expect("no caller was allowed after the block");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_on_any_connection_is_allowed_once_a_block_is_acknowledged() {
    let fixture = Fixture::start().await;
    let block = async {
        let answer = fixture.call("POST", "/api/blocked-tools", &fixture.key, r#"{"tool_name":"read_mail"}"#).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    hammer(&fixture, CALLERS, &[INTERCEPT, EVALUATE, ENFORCE], block).await;
    let stats = fixture.call("GET", "/api/stats", &fixture.key, "").await.json();
    assert!(stats["blocked"].as_i64() >= Some(i64::from(CALLERS * AFTER / 3)), "{stats}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stricter_settings_and_new_rules_hold_as_soon_as_they_are_acknowledged() {
    for (path, method, body) in [
        ("/api/settings", "PUT", r#"{"default_verdict":"deny"}"#),
        ("/api/approval-rules", "POST", r#"{"rule_text":"Never read mail","action":"block"}"#),
    ] {
        let fixture = Fixture::start().await;
        let tighten = async {
            let answer = fixture.call(method, path, &fixture.key, body).await;
            assert_eq!(answer.status / 100, 2, "{}", answer.text());
        };
        hammer(&fixture, 4, &[INTERCEPT, EVALUATE, ENFORCE], tighten).await;
    }
}

#[tokio::test]
async fn a_tool_with_a_slash_in_its_name_is_unblocked_again() {
    let fixture = Fixture::start().await;
    let (key, name) = (&fixture.key, r#"{"tool_name":"mail/send all"}"#);
    assert_eq!(fixture.call("POST", "/api/blocked-tools", key, name).await.status, 201);
    let allowed = async || fixture.call("POST", "/api/intercept", key, name).await.json()["allowed"].clone();
    assert_eq!(allowed().await, false);
    let gone = fixture.call("DELETE", "/api/blocked-tools/mail/send%20all", key, "").await;
    assert_eq!((gone.status, gone.json()["tool_name"].as_str()), (200, Some("mail/send all")));
    assert_eq!(allowed().await, true);
    assert_eq!(fixture.call("DELETE", "/api/blocked-tools/mail/send%20all", key, "").await.status, 404);
}

/// Runs the program on the fixture's database, as a process of its own, and answers what it wrote.
async fn program(fixture: &Fixture, args: &[&str]) -> String {
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_loop-server"));
    process.args(args).arg("--db").arg(&fixture.server.app.config.db).env_clear();
    let done = tokio::task::spawn_blocking(move || process.output()).await.expect("no panic");
    let done = done.expect("the program runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tool_blocked_by_another_process_is_never_allowed_again() {
    let fixture = Fixture::start().await;
    let block = async {
        program(&fixture, &["tools", "block", "read_mail"]).await;
    };
    // `evaluate` reads no storage; it learns of another process's changes from a worker, some milliseconds later.
    let (path, body, allows) = EVALUATE;
    assert!(allows(&fixture.call("POST", path, &fixture.key, body).await.json()), "not blocked yet");
    hammer(&fixture, 8, &[INTERCEPT, ENFORCE], block).await;
    fixture.server.app.engine.watch(0).await.expect("what a worker does several times a second");
    assert!(!allows(&fixture.call("POST", path, &fixture.key, body).await.json()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_revoked_on_the_command_line_is_refused_from_then_on() {
    let fixture = Fixture::start().await;
    let key = fixture.key_with(loop_core::access::Scopes::all()).await;
    // The connection is open, and the key known to the server, before it is revoked.
    let mut client = Client::connect(fixture.address).await;
    let mut ask = async |(path, body, _): Door| {
        client.send(&request("POST", path, &[("x-api-key", &key)], body.as_bytes())).await;
        client.answer(false).await.expect("an answer")
    };
    for door in [INTERCEPT, ENFORCE, EVALUATE] {
        let answer = ask(door).await;
        assert!(answer.status == 200 && (door.2)(&answer.json()), "{}", answer.text());
    }
    let list = program(&fixture, &["keys", "list"]).await;
    let line = list.lines().find(|line| line.contains(" test ")).expect("it is listed");
    program(&fixture, &["keys", "revoke", line.split(' ').next().expect("an id")]).await;
    for door in [INTERCEPT, ENFORCE, INTERCEPT] {
        let answer = ask(door).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    for path in ["/api/logs", "/api/blocked-tools", "/api/pending-approvals"] {
        assert_eq!(fixture.call("GET", path, &key, "").await.status, 401, "{path}");
    }
    let block = fixture.call("POST", "/api/blocked-tools", &key, r#"{"tool_name":"x"}"#).await;
    assert_eq!(block.status, 401);
    assert_eq!(fixture.call("GET", "/api/logs", &fixture.key, "").await.json().as_array().map(Vec::len), Some(2));
}
