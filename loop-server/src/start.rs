//! From a configuration to a running server.

use std::{io, sync::Arc, time::Duration};

use loop_core::{
    access::AccessError,
    engine::{Bootstrap, bootstrap},
};

use crate::{
    config::Config,
    http::{
        Listen, Listener, Row,
        listen::Bound,
        serve::{self, Running},
    },
    judge::{JudgeError, ModelJudge},
    metrics::Metrics,
    open::{self, Mode, OpenError, Opened},
    outbound::{
        Client, Limits,
        post::{Post, Smtp, SmtpError},
    },
    policies::{Folder, SyncError},
    state::{App, AppError, Parts},
    surface,
    tracing_out::{self, Exporter, UnfitTarget},
    worker::{self, CheckpointFile, Wake, Workers},
};

/// How often raw samples are folded into buckets.
const FOLD: Duration = Duration::from_secs(5);

/// How long background work gets to end. What does not is done again after the next start.
const WORKERS_END: Duration = Duration::from_secs(10);

/// How long to wait before the policy files are looked at again, when they seem to be written just now.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The first key cannot be stored.
    #[error("the first key cannot be stored")]
    FirstKey(#[source] AccessError),
    /// Mail cannot be sent as configured.
    #[error("LOOP_SMTP_URL and LOOP_SMTP_FROM cannot be used")]
    Smtp(#[from] SmtpError),
    /// There is a mail server and no sender.
    #[error("LOOP_SMTP_URL is set and LOOP_SMTP_FROM is not")]
    NoSender,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The judging model cannot be connected.
    #[error("the judging model cannot be connected")]
    Judge(#[from] JudgeError),
    /// Spans cannot be sent as configured.
    #[error(transparent)]
    Traces(#[from] UnfitTarget),
    /// The parts do not fit together.
    #[error(transparent)]
    App(#[from] AppError),
    /// The policy files are not sound.
    #[error("the policy files cannot be used")]
    Policies(#[source] SyncError),
    /// The socket cannot be used.
    #[error("cannot listen")]
    Listen(#[source] io::Error),
}

/// A server that is running, and what it serves.
pub struct Server {
    /// What every request can reach.
    pub app: Arc<App>,
    /// What the first start made. A minted key is shown once.
    pub bootstrap: Bootstrap,
    running: Running,
    /// On the Unix socket beside.
    beside: Option<Running>,
    workers: Workers,
    opened: Opened,
    folding: tokio::task::JoinHandle<()>,
}

/// Opens the database and serves the whole route table on `listener`.
///
/// # Errors
/// A database that cannot be opened, or a configuration that makes no sense.
pub async fn serve(config: Config, listener: Listener) -> Result<Server, StartError> {
    serve_rows(config, listener, surface::rows()).await
}

/// As [`serve()`], with a route table of one's own.
///
/// # Errors
/// As [`serve()`], or a table that cannot be routed.
pub async fn serve_rows(mut config: Config, listener: Listener, rows: Vec<&'static Row>) -> Result<Server, StartError> {
    let bound = listener.bound().map_err(StartError::Listen)?;
    let beside = match &config.listen_unix {
        Some(path) => Some(Listener::bind(&Listen::Unix(path.clone())).await.map_err(StartError::Listen)?),
        None => None,
    };
    config.public_url = config.public_url.or_else(|| Some(bound.url()).filter(|url| !url.is_empty()));
    let opened = open::open(&config.db, Mode::Serve(config.durability), config.secret_key.as_ref())?;
    let bootstrap = bootstrap(&opened.engine, config.api_key.clone()).await.map_err(StartError::FirstKey)?;
    let engine = opened.engine.clone();
    if let Some(settings) = &config.judge {
        engine.connect_judge(Arc::new(ModelJudge::new(settings.clone())?));
    }
    let exporter = config.traces.as_ref().map(Exporter::new).transpose()?;
    if let Some(exporter) = &exporter {
        engine.connect_witness(Arc::new(exporter.clone()));
    }
    let mut folder = config.policies.clone().map(Folder::new);
    if let Some(folder) = &mut folder {
        // Without the rules that it is to have, the server must not decide anything.
        folder.start(&engine, LOOK_AGAIN).await.map_err(StartError::Policies)?;
    }
    let outbound = Client::new(Limits { allow_private: config.allow_private_targets, ..Limits::default() })?;
    let post = Post::new(outbound.clone(), smtp(&config)?, config.public_url.clone().unwrap_or_default());
    let checkpoints = config.checkpoints.as_ref().map(CheckpointFile::new);
    let (metrics, wake) = (Metrics::new(), Wake::new());
    if let Some(file) = opened.file() {
        metrics.watch(file);
    }
    let parts = Parts { engine: engine.clone(), config, metrics: metrics.clone(), outbound, wake: wake.clone() };
    let app = App::new(parts, rows)?;
    let mut workers = worker::start(&engine, &post, &wake, checkpoints.as_ref());
    if let Some(folder) = folder {
        let held = engine.clone();
        workers.spawn("policies", move |stop| {
            worker::policies::run(held.clone(), folder.clone(), worker::policies::PAUSE, stop)
        });
    }
    if let Some(exporter) = exporter {
        let held = engine.clone();
        workers.spawn("traces", move |stop| tracing_out::run(exporter.clone(), held.clone(), stop));
    }
    app.mcp.start();
    let running = serve::start(Arc::clone(&app), listener).map_err(StartError::Listen)?;
    let beside = beside.map(|listener| serve::start(Arc::clone(&app), listener)).transpose();
    let beside = beside.map_err(StartError::Listen)?;
    let folding = tokio::spawn(async move {
        loop {
            tokio::time::sleep(FOLD).await;
            metrics.fold();
        }
    });
    Ok(Server { app, bootstrap, running, beside, workers, opened, folding })
}

fn smtp(config: &Config) -> Result<Option<Smtp>, StartError> {
    match (&config.smtp_url, &config.smtp_from) {
        (Some(url), Some(from)) => Ok(Some(Smtp::new(url, from)?)),
        (Some(_), None) => Err(StartError::NoSender),
        (None, _) => Ok(None),
    }
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        self.running.bound()
    }

    /// Stops accepting, lets requests under way and background work finish, and closes the
    /// database.
    pub async fn shutdown(self) {
        let begun = tokio::time::Instant::now();
        // Streams that never end by themselves would hold up the rest.
        self.app.mcp.close_streams();
        match self.beside {
            Some(beside) => drop(tokio::join!(self.running.shutdown(), beside.shutdown())),
            None => self.running.shutdown().await,
        }
        self.app.mcp.stop(self.app.config.limits.drain_time.saturating_sub(begun.elapsed())).await;
        self.workers.stop(WORKERS_END).await;
        self.folding.abort();
        // Closing waits for the store's threads, which must not hold up the runtime's.
        if tokio::task::spawn_blocking(|| self.opened.close()).await.is_err() {
            tracing::error!(target: "loop::server", "the database could not be closed");
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.bound())
    }
}
