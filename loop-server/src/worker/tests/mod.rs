//! The workers over the memory store and real sockets.

mod chores;
mod delivery;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};

use loop_core::{
    access::{Caller, Ctx, tenant},
    approval::{self, Asking, Proposal, Settled},
    base::{
        Host, Seed, TenantId, Time,
        host::NoEntropy,
        id::ApprovalId,
        secret::{MasterKey, Secret, TokenHash},
    },
    engine::{CATALOG, Engine},
    outbox::{
        Notice, links,
        targets::{self, TargetsPatch},
    },
    store::{Lane, RecordQuery, Repo, StoreError, StoreExt, Tx, memory::MemoryStore},
    tool::Risk,
};

use super::{Delivery, Wake, Workers};
use crate::outbound::{
    Client, Limits,
    post::{Post, Smtp},
    sink::{Request, answer},
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
            grounds: Vec::new(),
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
