//! A server over an engine of the test's making: a store that fails on purpose, a clock that is moved by hand.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use loop_core::{
    base::{
        Host, Seed, Time,
        host::{NoEntropy, SystemHost},
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Engine, bootstrap},
    store::Store,
};
use loop_server::{
    config::Config,
    http::{
        Listener,
        listen::Bound,
        serve::{self, Running},
    },
    metrics::Metrics,
    outbound::{Client, Limits},
    state::{App, Parts},
    surface,
    worker::Wake,
};
use loop_store_sqlite::{Options, SqliteStore};

use super::{
    Answer,
    client::{self, request},
};

/// The key of tenant `default`.
pub const KEY: &str = "tl_own_0123456789abcdef0123456789abcdef";

/// The machine's randomness, and its clock set forward by hand.
#[derive(Default)]
pub struct Clock(AtomicI64);

impl Clock {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Host for Clock {
    fn now(&self) -> Time {
        SystemHost.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        SystemHost.seed()
    }
}

/// How the tests open a file: little patience with other processes.
pub fn options() -> Options {
    Options { busy_timeout: Duration::from_millis(50), ..Options::new(CATALOG) }
}

pub fn open(file: &Path, options: Options) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(file, options).expect("opened"))
}

/// A running server without workers.
pub struct Own {
    pub running: Running,
    pub address: SocketAddr,
    pub app: Arc<App>,
    pub clock: Arc<Clock>,
}

impl Own {
    /// A server over `store`, its first key made when the store is fresh.
    pub async fn over(store: Arc<dyn Store>) -> Self {
        let own = Self::over_as_it_is(store).await;
        bootstrap(&own.app.engine, Some(Secret::new(KEY))).await.expect("a first key");
        own
    }

    /// A server over `store` that writes nothing by itself.
    pub async fn over_as_it_is(store: Arc<dyn Store>) -> Self {
        Self::under(store, MasterKey::new([3; 32])).await
    }

    /// The same under another server's key, to read what it sealed.
    pub async fn under(store: Arc<dyn Store>, master: MasterKey) -> Self {
        let clock = Arc::new(Clock::default());
        let engine = Engine::new(store, Arc::clone(&clock) as Arc<dyn Host>, master);
        let config = Config::ephemeral();
        let listener = Listener::bind(&config.listen).await.expect("a free port");
        let outbound = Client::new(Limits { allow_private: false, ..Limits::default() }).expect("a client");
        let parts = Parts { engine, config, metrics: Metrics::new(), outbound, wake: Wake::new() };
        let app = App::new(parts, surface::rows()).expect("a sound table");
        let running = serve::start(Arc::clone(&app), listener).expect("started");
        let Bound::Tcp(address) = *running.bound() else { panic!("a TCP address") };
        Self { running, address, app, clock }
    }

    /// One request of tenant `default` on a connection of its own.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        call(self.address, method, path, KEY, body).await
    }
}

/// One request with a key on a connection of its own.
pub async fn call(address: SocketAddr, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    let mut client = client::Client::connect(address).await;
    client.send(&request(method, path, &headers, body.as_bytes())).await;
    client.answer(method == "HEAD").await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}
