//! Expiry, retention, policy changes elsewhere, checkpoints.

use std::time::Duration;

use loop_core::{
    access::{
        Caller, LoopKind, Mode,
        loops::{self, NewLoop},
    },
    approval,
    audit::{self, Event, retention::Retention},
    kept,
    outbox::{self, NoticeState, links},
    task::{
        TaskStatus,
        tasks::{self, NewTask, Patch},
    },
};

use super::{LONG, World, ok, tokens};
use crate::{
    outbound::sink::Sink,
    worker::{self, CheckpointFile, Workers, checkpoints, epochs, expiry, retention},
};

#[tokio::test]
async fn overdue_approvals_are_denied_and_the_approver_told() {
    let world = World::new();
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let id = world.ask("wire_transfer", None).to_string();
    let mut workers = world.delivery(None);
    let (approve, _) = tokens(&sink.request().await);
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    world.pass(86_400);
    let (engine, wake) = (world.engine.clone(), world.wake.clone());
    workers.spawn("expiry", move |stop| expiry::run(engine.clone(), wake.clone(), LONG, stop));
    let told = sink.request().await;
    assert!(told.body.contains("Approval expired") && !told.body.contains("/api/"));
    let state = world.write(move |tx, cx| approval::get(tx, cx.tenant(), &id).unwrap().state);
    assert_eq!(state, approval::State::Expired);
    assert_eq!(world.link(&approve), None);
    workers.stop(LONG).await;
}

#[tokio::test]
async fn completions_whose_time_is_over_are_removed() {
    let world = World::new();
    let (caller, now) = (Caller::system(world.home.clone(), "test"), world.engine.now());
    let [short, long] = [(1, 60), (2, 120)].map(|(body, lives): (u8, i64)| {
        let key = world.engine.key_of(&caller, "proxy.chat", body.to_string().as_bytes()).unwrap();
        let master = world.engine.master().clone();
        world.write(move |tx, cx| {
            let sealed = kept::seal(&master, cx.tenant(), key, b"{}", &mut cx.seed()).unwrap();
            assert!(kept::put(tx, cx, key, &sealed, now.plus_seconds(lives)).unwrap());
        });
        key
    });
    let held = |world: &World| world.write(|tx, cx| kept::keys(tx, cx.tenant()).unwrap());
    assert_eq!(held(&world).len(), 2);
    world.pass(60);
    let (mut workers, engine) = (Workers::new(), world.engine.clone());
    workers.spawn("kept", move |stop| worker::kept::run(engine.clone(), LONG, stop));
    world.until(|world| held(world) == [long]).await;
    assert!(!held(&world).contains(&short));
    workers.stop(LONG).await;
}

#[tokio::test]
async fn retention_removes_what_is_older_and_keeps_the_rest() {
    let world = World::new();
    let days = |days: i64| days * 86_400;
    world.write(|tx, cx| audit::retention::put(tx, cx, Retention { retention_days: Some(10) }).unwrap());
    let append = |world: &World| {
        world.write(|tx, cx| {
            let event = Event { stream: audit::DECISIONS, ..Event::change("decision", "{}") };
            audit::append(tx, cx, &event).unwrap();
        });
    };
    (0..3).for_each(|_| append(&world));
    world.target("slack", "https://hooks.example/x");
    let id = world.ask("wire_transfer", None);
    assert_eq!(world.notices().len(), 1);
    let now = world.engine.now();
    let token = world.write(move |tx, cx| {
        let until = now.plus_seconds(60);
        links::mint(tx, cx.tenant(), id, until, now, &mut cx.seed()).unwrap().approve
    });
    world.write(move |tx, cx| outbox::withdraw(tx, cx.tenant(), id, now).unwrap());
    world.pass(days(11));
    append(&world);

    let left = |world: &World| {
        world.write(|tx, cx| audit::count(tx, cx.tenant(), audit::DECISIONS, &audit::Filter::default()).unwrap())
    };
    assert_eq!(left(&world), 4);
    let mut workers = Workers::new();
    let engine = world.engine.clone();
    workers.spawn("retention", move |stop| retention::run(engine.clone(), LONG, stop));
    world.until(|world| left(world) == 1).await;
    workers.stop(LONG).await;
    assert!(world.notices().is_empty());
    assert_eq!(world.link(token.expose()), None);
    let verified = world.write(|tx, cx| audit::verify(tx, cx.tenant(), Vec::new()).unwrap());
    assert!(verified.valid, "{verified:?}");
}

#[tokio::test]
async fn retention_takes_tasks_that_ended_with_the_log() {
    let world = World::new();
    world.write(|tx, cx| audit::retention::put(tx, cx, Retention { retention_days: Some(10) }).unwrap());
    let ids = world.write(|tx, cx| {
        let new = NewLoop {
            tag: Some("ann".to_owned()),
            kind: LoopKind::Business,
            owner_id: None,
            parent: None,
            skills: Vec::new(),
            permissions: None,
            plan: None,
            risk_ceiling: None,
            spend_limit: None,
        };
        let of = loops::create(tx, cx, &new).unwrap().id.to_string();
        [TaskStatus::Cancelled, TaskStatus::Running].map(|status| {
            let new = NewTask {
                of: Some(of.clone()),
                title: "t".to_owned(),
                domain: None,
                mode: Mode::Guided,
                plan: Vec::new(),
                jobs: Vec::new(),
            };
            let id = tasks::create(tx, cx, &new).unwrap().id.to_string();
            let patch = Patch { status: Some(status), jobs: Vec::new() };
            tasks::update(tx, cx, &id, &patch, &[]).unwrap();
            id
        })
    });
    world.pass(86_400 * 11);
    let mut workers = Workers::new();
    let engine = world.engine.clone();
    workers.spawn("retention", move |stop| retention::run(engine.clone(), LONG, stop));
    let there = |world: &World, id: &str| {
        let id = id.to_owned();
        world.write(move |tx, cx| tasks::get(tx, cx, &id).is_ok())
    };
    world.until(|world| !there(world, &ids[0])).await;
    workers.stop(LONG).await;
    assert!(there(&world, &ids[1]), "what goes on stays");
}

#[tokio::test]
async fn without_retention_the_log_is_kept() {
    let world = World::new();
    // So that a notice is made for each call that asks; it is never delivered here.
    world.target("slack", "https://hooks.example/x");
    world.write(|tx, cx| audit::append(tx, cx, &Event::change("test", "{}")).map(drop).unwrap());
    world.pass(86_400 * 365);
    let count = |world: &World| {
        world.write(|tx, cx| audit::count(tx, cx.tenant(), audit::CHANGES, &audit::Filter::default()).unwrap())
    };
    let before = count(&world);
    let mut workers = Workers::new();
    let engine = world.engine.clone();
    workers.spawn("retention", move |stop| retention::run(engine.clone(), Duration::from_millis(1), stop));
    // An old notice goes in each round: when the second is gone, the first round is over.
    for tool in ["first", "second"] {
        let id = world.ask(tool, None);
        world.write(move |tx, cx| outbox::withdraw(tx, cx.tenant(), id, cx.now.plus_seconds(-86_400 * 40)).unwrap());
        while !world.notices().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    workers.stop(LONG).await;
    assert_eq!(count(&world), before);
}

#[tokio::test]
async fn a_policy_changed_behind_the_engine_s_back_is_noticed() {
    let world = World::new();
    let before = world.engine.policy(&world.home).await.unwrap().epoch();
    let mut workers = Workers::new();
    let engine = world.engine.clone();
    workers.spawn("epochs", move |stop| epochs::run(engine.clone(), Duration::from_millis(1), stop));
    world.write(|tx, cx| tx.bump_epoch(cx.tenant()).unwrap());
    while world.engine.policy_at_hand(&world.home).is_none_or(|policy| policy.epoch() <= before) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    workers.stop(LONG).await;
}

#[tokio::test]
async fn checkpoints_tell_each_end_of_the_log_once_and_the_last_at_the_stop() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.jsonl");
    let append =
        |world: &World| world.write(|tx, cx| audit::append(tx, cx, &Event::change("test", "{}")).map(drop).unwrap());
    append(&world);
    let mut workers = Workers::new();
    let (engine, file) = (world.engine.clone(), CheckpointFile::new(&path));
    workers.spawn("checkpoints", move |stop| checkpoints::run(engine.clone(), file.clone(), LONG, stop));
    let lines = || -> Vec<audit::Checkpoint> {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    world.until(|_| !lines().is_empty()).await;
    append(&world);
    workers.stop(LONG).await;
    let written = lines();
    assert_eq!(written.iter().map(|end| end.seq).collect::<Vec<_>>(), [1, 2]);
    assert!(written.iter().all(|end| end.is_genuine(world.engine.master())));
    let verified = world.write(move |tx, cx| audit::verify(tx, cx.tenant(), written.clone()).unwrap());
    assert!(verified.valid);
}
