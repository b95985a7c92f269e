//! The workers over the memory store and real sockets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};

use loop_core::{
    access::{Caller, Ctx, tenant},
    approval::{self, Answer, Asking, Proposal, Settled, Via},
    audit::{self, Event, retention::Retention},
    base::{
        Host, Seed, TenantId, Time,
        host::NoEntropy,
        id::ApprovalId,
        secret::{MasterKey, Secret, TokenHash},
    },
    engine::{CATALOG, Engine},
    outbox::{
        self, LEASE_SECONDS, Notice, NoticeState,
        links::{self, Verb},
        targets::{self, TargetsPatch},
    },
    store::{Lane, RecordQuery, Repo, StoreError, StoreExt, Tx, memory::MemoryStore},
    tool::Risk,
};

use super::{
    CheckpointFile, Delivery, Wake, Workers, checkpoints, epochs, expiry,
    places::{HELD, RUNNING},
    retention,
};
use crate::outbound::{
    Client, Limits,
    post::{Post, Smtp},
    sink::{MailSink, Request, Sink, answer},
};

const LONG: Duration = Duration::from_secs(60);

/// A machine whose clock stands still until it is moved.
#[derive(Default)]
struct Clock {
    micros: AtomicI64,
    seeds: AtomicU8,
}

impl Host for Clock {
    fn now(&self) -> Time {
        Time::from_micros(1_700_000_000_000_000 + self.micros.load(Ordering::SeqCst))
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        Ok(Seed::new([self.seeds.fetch_add(1, Ordering::SeqCst); 32]))
    }
}

struct World {
    engine: Engine,
    clock: Arc<Clock>,
    wake: Wake,
    home: TenantId,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(Clock::default());
        let store = Arc::new(MemoryStore::new(CATALOG));
        let engine = Engine::new(store, clock.clone(), MasterKey::new([7; 32]));
        let now = engine.now();
        engine.store().transact("test", Lane::Normal, move |tx| tenant::ensure_default(tx, now)).wait().unwrap();
        Self { engine, clock, wake: Wake::new(), home: TenantId::default_tenant() }
    }

    fn again(&self) -> Self {
        let (clock, wake) = (self.clock.clone(), self.wake.clone());
        Self { engine: self.engine.clone(), clock, wake, home: self.home.clone() }
    }

    fn pass(&self, seconds: i64) {
        self.clock.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn write<T: Send + 'static>(&self, mut work: impl FnMut(&mut dyn Tx, &Ctx) -> T + Send + 'static) -> T {
        let cx = self.engine.context(Caller::system(self.home.clone(), "test")).unwrap();
        self.engine.store().transact("test", Lane::Normal, move |tx| Ok::<_, StoreError>(work(tx, &cx))).wait().unwrap()
    }

    /// Points every webhook channel of the tenant that is named at `url`.
    fn target(&self, channel: &str, url: &str) {
        let url = || Some(Some(Secret::new(url)));
        let patch = match channel {
            "slack" => TargetsPatch { slack: url(), ..TargetsPatch::default() },
            "teams" => TargetsPatch { teams: url(), ..TargetsPatch::default() },
            _ => TargetsPatch { discord: url(), ..TargetsPatch::default() },
        };
        let master = self.engine.master().clone();
        self.write(move |tx, cx| targets::update(tx, cx, &master, &patch).unwrap());
    }

    /// A call that asks; `to` is the rule's approver.
    fn ask(&self, tool: &str, to: Option<&str>) -> ApprovalId {
        let asking = Asking {
            rule_id: None,
            revision: 1,
            rule_text: "Ask before transfers".into(),
            approver_email: to.map(str::to_owned),
        };
        let proposal = Proposal {
            binding: tool.to_owned(),
            tool_name: tool.to_owned(),
            agent_name: None,
            arguments: r#"{"amount":5}"#.into(),
            reason: None,
            forward: None,
            risk: Risk::Medium,
            asking: vec![asking],
            policy_hash: String::new(),
        };
        let Settled::Pending { id, .. } = self.write(move |tx, cx| approval::settle(tx, cx, &proposal).unwrap()) else {
            panic!("the call does not ask");
        };
        self.wake.ring();
        id
    }

    fn delivery(&self, smtp: Option<Smtp>) -> Workers {
        let client = Client::new(Limits { allow_private: true, seconds: 30, body_max: 1 << 14 }).unwrap();
        let post = Post::new(client, smtp, "https://loop.example");
        let delivery = Delivery::new(self.engine.clone(), post, self.wake.clone());
        let mut workers = Workers::new();
        workers.spawn("delivery", move |stop| delivery.clone().run(stop));
        workers
    }

    fn notices(&self) -> Vec<Notice> {
        let query = RecordQuery { limit: 1_000, ..RecordQuery::default() };
        self.write(move |tx, cx| Repo::<Notice>::new(tx, cx.tenant()).list(&query).unwrap())
            .into_iter()
            .map(|stored| stored.value)
            .collect()
    }

    /// Waits, turn by turn, until the world is as wanted.
    async fn until(&self, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            tokio::task::yield_now().await;
        }
    }

    fn link(&self, token: &str) -> Option<links::Link> {
        let hash = TokenHash::of(token);
        self.write(move |tx, _| links::find(tx, hash).unwrap())
    }
}

/// The two tokens in a Slack message.
fn tokens(request: &Request) -> (String, String) {
    let after = |mark: &str| {
        let (_, rest) = request.body.split_once(mark).unwrap();
        rest.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap().to_owned()
    };
    (after("/api/approve/"), after("/api/deny/"))
}

fn ok() -> Vec<u8> {
    answer("200 OK", "", b"ok")
}

#[tokio::test]
async fn a_notice_is_delivered_when_the_bell_rings_with_links_that_were_committed_before() {
    let world = World::new();
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let workers = world.delivery(None);
    let id = world.ask("wire_transfer", None);
    let request = sink.request().await;
    let (approve, deny) = tokens(&request);
    // Whether or not the answer has arrived: the links are there.
    for (token, verb) in [(&approve, Verb::Approve), (&deny, Verb::Deny)] {
        let link = world.link(token).unwrap();
        assert_eq!((link.tenant, link.approval, link.verb), (world.home.clone(), id, verb));
    }
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    workers.stop(LONG).await;
    assert!(sink.is_idle(), "sent once");
}

#[tokio::test]
async fn every_channel_of_the_settings_and_the_rule_s_approver_are_told() {
    let world = World::new();
    let mut sinks = Vec::new();
    for channel in ["slack", "teams", "discord"] {
        let sink = Sink::new(vec![ok()]).await;
        world.target(channel, &sink.url("/hook"));
        sinks.push(sink);
    }
    let mut mails = MailSink::new(None).await;
    let smtp = Smtp::new(&Secret::new(mails.url()), "loop@example.org").unwrap();
    let workers = world.delivery(Some(smtp));
    world.ask("wire_transfer", Some("anna@example.com"));
    for sink in &mut sinks {
        assert!(sink.request().await.body.contains("wire_transfer"));
    }
    assert!(mails.mail().await.envelope[1].contains("anna@example.com"));
    world.until(|world| world.notices().iter().all(|notice| notice.state == NoticeState::Sent)).await;
    workers.stop(LONG).await;
}

#[tokio::test]
async fn a_worker_killed_between_claim_and_settle_delivers_again_after_its_lease() {
    let world = World::new();
    // The first connection never gets an answer.
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    world.target("slack", &deaf.url("/hook"));
    let first = world.delivery(None);
    world.ask("wire_transfer", None);
    let before = deaf.request().await;
    drop(first);

    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let second = world.delivery(None);
    world.pass(LEASE_SECONDS);
    world.wake.ring();
    let again = sink.request().await;
    assert_ne!(tokens(&before), tokens(&again), "each attempt has links of its own");
    assert!(world.link(&tokens(&before).0).is_some(), "the first message may have arrived, so its links work");
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    assert_eq!(world.notices()[0].attempts, 2);
    second.stop(LONG).await;
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_when_due_and_its_error_kept() {
    let world = World::new();
    let mut sink = Sink::new(vec![answer("500 Oops", "", b"secret"), ok()]).await;
    world.target("slack", &sink.url("/hook/s3cret"));
    let workers = world.delivery(None);
    world.ask("wire_transfer", None);
    sink.request().await;
    world.until(|world| world.notices()[0].last_error.is_some()).await;
    assert_eq!(world.notices()[0].last_error.as_deref(), Some("the webhook answered 500"));
    world.wake.ring();
    world.pass(600);
    world.wake.ring();
    sink.request().await;
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    assert_eq!((world.notices()[0].attempts, world.notices()[0].last_error.clone()), (2, None));
    workers.stop(LONG).await;
}

#[tokio::test]
async fn a_request_that_was_decided_meanwhile_is_not_sent() {
    let world = World::new();
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let decided = world.ask("first", None).to_string();
    world.write(move |tx, cx| approval::decide(tx, cx, &decided, Answer::Deny, None, Via::Link).unwrap());
    // One whose time is over but that nobody has ended yet.
    world.ask("second", None);
    world.pass(86_400);
    world.ask("third", None);
    let workers = world.delivery(None);
    assert!(sink.request().await.body.contains("third"));
    world.until(|world| world.notices().iter().all(|notice| notice.state != NoticeState::Queued)).await;
    workers.stop(LONG).await;
    assert!(sink.is_idle());
    let states: Vec<_> = world.notices().iter().map(|notice| notice.state).collect();
    assert_eq!(states, [NoticeState::Withdrawn, NoticeState::Withdrawn, NoticeState::Sent]);
}

#[tokio::test]
async fn a_target_that_never_answers_holds_up_no_other() {
    let world = World::new();
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &deaf.url("/hook"));
    world.target("teams", &sink.url("/hook"));
    let workers = world.delivery(None);
    world.ask("first", None);
    sink.request().await;
    deaf.request().await;
    world.ask("second", None);
    sink.request().await;
    drop(workers);
}

#[tokio::test]
async fn stopping_finishes_the_delivery_under_way() {
    let world = World::new();
    let (mut gate, url) = Gate::new().await;
    world.target("slack", &url);
    let workers = world.delivery(None);
    world.ask("wire_transfer", None);
    let answer = gate.request().await;
    let stopping = tokio::spawn(workers.stop(LONG));
    answer.send(()).unwrap();
    stopping.await.unwrap();
    assert_eq!(world.notices()[0].state, NoticeState::Sent);
}

/// A server that answers when it is told to.
struct Gate(tokio::sync::mpsc::UnboundedReceiver<tokio::sync::oneshot::Sender<()>>);

impl Gate {
    async fn new() -> (Self, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (send, seen) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 64];
            stream.read_exact(&mut some).await.unwrap();
            let (go, told) = tokio::sync::oneshot::channel();
            send.send(go).unwrap();
            told.await.unwrap();
            stream.write_all(&ok()).await.unwrap();
            // Read to the end, so that closing does not reset what was answered.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        });
        (Self(seen), url)
    }

    async fn request(&mut self) -> tokio::sync::oneshot::Sender<()> {
        self.0.recv().await.unwrap()
    }
}

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
    let id = world.ask("wire_transfer", None);
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
async fn without_retention_the_log_is_kept() {
    let world = World::new();
    world.write(|tx, cx| audit::append(tx, cx, &Event::change("test", "{}")).map(drop).unwrap());
    world.pass(86_400 * 365);
    let count = |world: &World| {
        world.write(|tx, cx| audit::count(tx, cx.tenant(), audit::CHANGES, &audit::Filter::default()).unwrap())
    };
    let before = count(&world);
    let mut workers = Workers::new();
    let engine = world.engine.clone();
    workers.spawn("retention", move |stop| retention::run(engine.clone(), Duration::from_millis(1), stop));
    // The links' purge and the tenants' page are behind us once the store has seen a second round.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
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

#[tokio::test]
async fn a_tenant_whose_webhooks_hang_takes_only_its_share() {
    let world = World::new();
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    world.target("slack", &deaf.url("/hook"));
    for n in 0..HELD.1 * 2 {
        world.ask(&format!("tool_{n}"), None);
    }
    let other = World { home: TenantId::parse("other").unwrap(), ..world.again() };
    let mut sink = Sink::new(vec![ok()]).await;
    other.target("slack", &sink.url("/hook"));
    other.ask("wire_transfer", None);
    let workers = world.delivery(None);
    // Other's notice stands behind all of them in the queue.
    assert!(sink.request().await.body.contains("wire_transfer"));
    for _ in 0..RUNNING.1 {
        deaf.request().await;
    }
    other.until(|other| other.notices()[0].state == NoticeState::Sent).await;
    assert!(deaf.is_idle());
    let begun = world.notices().iter().filter(|notice| notice.attempts > 0).count();
    assert_eq!(begun, HELD.1, "what was put back lost no attempt");
    drop(workers);
}

#[tokio::test]
async fn a_burst_of_one_tenant_is_delivered_without_waiting() {
    let world = World::new();
    let sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let workers = world.delivery(None);
    for n in 0..40 {
        world.ask(&format!("tool_{n}"), None);
    }
    // The clock stands still: nothing that is put off would ever be due.
    world.until(|world| world.notices().iter().all(|notice| notice.state == NoticeState::Sent)).await;
    workers.stop(LONG).await;
}

#[tokio::test]
async fn stopping_gives_back_what_was_claimed_but_not_begun() {
    let world = World::new();
    let (mut gate, url) = Gate::new().await;
    world.target("slack", &url);
    for n in 0..20 {
        world.ask(&format!("tool_{n}"), None);
    }
    let workers = world.delivery(None);
    let answer = gate.request().await;
    let stopping = tokio::spawn(workers.stop(Duration::from_millis(200)));
    let untried = |world: &World| world.notices().iter().filter(|notice| notice.attempts == 0).count();
    world.until(|world| untried(world) == 20 - RUNNING.1).await;
    answer.send(()).unwrap();
    stopping.await.unwrap();
    // They need not wait for a lease.
    let now = world.engine.now();
    let ready = world.write(move |tx, _| outbox::claim(tx, now, 100, &[9; 16]).unwrap().due.len());
    assert_eq!(ready, 20 - RUNNING.1);
}
