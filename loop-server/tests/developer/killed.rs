//! A server killed while requests with an `Idempotency-Key` are under way: sent again, each is carried out once in all,
//! and what was answered is answered alike.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use loop_core::{access::idempotency::CLAIM_SECONDS, base::secret::MasterKey, store::Store};
use rusqlite::Connection;
use serde_json::json;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::text;
use crate::support::{
    Answer,
    client::{Client, request},
    own::{Own, call, open, options},
    process,
};

const KEY: &str = "tl_killed_0123456789abcdef0123456789abcdef";
const SECRET: &str = "a passphrase of the test";
const ROUNDS: usize = 4;
/// Requests of a round: tasks and, between them, grants.
const REQUESTS: usize = 120;
/// How many of them are under way at a time.
const LANES: usize = 15;
/// Every so manieth request makes a task.
const TASKS: usize = 5;

/// What the request of this number does, so that doing it twice shows.
fn wanted(number: usize) -> (&'static str, String) {
    if number.is_multiple_of(TASKS) {
        ("/api/v1/tasks", json!({"loopId": "@ann", "title": format!("task {number}")}).to_string())
    } else {
        ("/api/v1/credits/grant", json!({"loopId": "@ann", "amount": number + 1}).to_string())
    }
}

fn bytes(number: usize) -> Vec<u8> {
    let (path, body) = wanted(number);
    let key = format!("once-{number}");
    let headers = [("x-api-key", KEY), ("idempotency-key", key.as_str()), ("content-type", "application/json")];
    request("POST", path, &headers, body.as_bytes())
}

async fn send(address: SocketAddr, number: usize) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(&bytes(number)).await;
    client.answer(false).await.expect("an answer")
}

/// How many requests are claimed and have no kept answer.
fn under_way(file: &Connection) -> i64 {
    file.query_row("SELECT count(*) FROM idempotency WHERE body ->> '$.answer' IS NULL", (), |row| row.get(0))
        .expect("counted")
}

/// Kills the process between two of its transactions, while more requests than `before` are under way: holding its
/// file's lock, it can neither finish one nor begin another. Once it has nothing more to do, it is killed idle.
fn kill_midway(file: &Connection, process: &mut Child, before: i64, idle: &AtomicBool) {
    loop {
        let ended = idle.load(Ordering::SeqCst);
        if file.execute_batch("BEGIN IMMEDIATE").is_ok() {
            if ended || under_way(file) > before {
                process.kill().expect("killed");
                process.wait().expect("gone");
                return;
            }
            file.execute_batch("ROLLBACK").expect("let go");
        }
        std::thread::yield_now();
    }
}

/// Sends the requests of a round in lanes and, after so many answers, kills the process in the midst of the others;
/// what was answered, by number.
async fn cut_off(folder: &std::path::Path, round: usize, enough: usize) -> Vec<(usize, Option<Answer>)> {
    let (process, address) = process::start(folder, &[("LOOP_API_KEY", KEY), ("LOOP_SECRET_KEY", SECRET)]);
    if round == 0 {
        let made = call(address, "POST", "/api/v1/loops", KEY, r#"{"tag":"ann","kind":"developer"}"#).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let file = Connection::open(folder.join("loop.db")).expect("opened");
    file.busy_timeout(Duration::ZERO).expect("impatient");
    let before = under_way(&file);
    let (told, mut answers) = mpsc::unbounded_channel();
    for lane in 0..LANES {
        let (told, mut client) = (told.clone(), Client::connect(address).await);
        tokio::spawn(async move {
            // One after the other: whenever the process ends, each lane's request is at some step of its way.
            for number in (round * REQUESTS..(round + 1) * REQUESTS).skip(lane).step_by(LANES) {
                client.send(&bytes(number)).await;
                told.send((number, client.answer(false).await)).expect("listened to");
            }
        });
    }
    drop(told);
    let (mut all, mut seen, mut killer) = (Vec::new(), 0, Some((file, process)));
    let idle = Arc::new(AtomicBool::new(false));
    let mut killing = None;
    while let Some((number, answer)) = answers.recv().await {
        seen += usize::from(answer.is_some());
        all.push((number, answer));
        if seen == enough
            && let Some((file, mut process)) = killer.take()
        {
            let idle = Arc::clone(&idle);
            killing = Some(spawn_blocking(move || kill_midway(&file, &mut process, before, &idle)));
        }
    }
    idle.store(true, Ordering::SeqCst);
    killing.expect("the process answered too little").await.expect("killed");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_cut_off_by_kill_9_and_sent_again_is_carried_out_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut dice, mut cut) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    for round in 0..ROUNDS {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let enough = 1 + usize::try_from(dice % 40).expect("small");
        let answers = cut_off(folder.path(), round, enough).await;

        let store = open(&folder.path().join("loop.db"), options());
        let own = Own::under(Arc::clone(&store) as Arc<dyn Store>, MasterKey::from_text(SECRET)).await;
        let mut left = Vec::new();
        for (number, first) in answers {
            let again = send(own.address, number).await;
            match (first, again.status) {
                (Some(first), _) => {
                    assert!(matches!(first.status, 200 | 201), "{}", first.text());
                    assert_eq!((again.status, again.json()), (first.status, first.json()), "request {number}");
                    assert_eq!(again.header("idempotent-replayed"), Some("true"));
                }
                (None, 409) => left.push(number),
                (None, status) => assert!(matches!(status, 200 | 201), "{}", again.text()),
            }
        }
        cut += left.len();
        // Whoever claimed these is known to be gone once the claim is over.
        own.clock.pass(CLAIM_SECONDS + 1);
        for number in left {
            let again = send(own.address, number).await;
            let lost = again.status == 409 && again.text().contains("was carried out");
            assert!(lost || matches!(again.status, 200 | 201), "{}", again.text());
        }
        own.running.shutdown().await;
        drop(own.app);
        store.close();
    }
    assert!(cut > 0, "no request was under way when its process died");

    let own = Own::under(open(&folder.path().join("loop.db"), options()), MasterKey::from_text(SECRET)).await;
    let all = ROUNDS * REQUESTS;
    let wallet = call(own.address, "GET", "/api/v1/credits?loopId=@ann", KEY, "").await.json();
    let granted: usize = (0..all).filter(|number| !number.is_multiple_of(TASKS)).map(|number| number + 1).sum();
    assert_eq!(wallet["balance"], json!(granted));
    let page = call(own.address, "GET", "/api/v1/tasks?loopId=@ann&limit=100", KEY, "").await.json();
    let titles: Vec<String> =
        page["tasks"].as_array().expect("a page").iter().map(|task| text(&task["title"])).collect();
    let wanted: BTreeSet<String> = (0..all).step_by(TASKS).map(|number| format!("task {number}")).collect();
    assert_eq!((titles.len(), titles.into_iter().collect::<BTreeSet<_>>()), (wanted.len(), wanted));
}
