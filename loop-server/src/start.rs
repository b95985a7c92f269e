//! From a configuration to a running server.

use std::{io, sync::Arc, time::Duration};

use loop_core::base::host::SystemHost;

use crate::{
    config::Config,
    http::{
        Listener, Row,
        serve::{self, Running},
    },
    metrics::Metrics,
    state::{App, AppError},
    stub_engine::Engine,
    surface,
};

/// How often raw samples are folded into buckets.
const FOLD: Duration = Duration::from_secs(5);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The parts do not fit together.
    #[error(transparent)]
    App(#[from] AppError),
    /// The socket cannot be used.
    #[error("cannot listen")]
    Listen(#[source] io::Error),
}

/// A server that is running, and what it serves.
#[derive(Debug)]
pub struct Server {
    /// What every request can reach.
    pub app: Arc<App>,
    running: Running,
    folding: tokio::task::JoinHandle<()>,
}

/// Opens the store and serves the whole route table on `listener`.
///
/// # Errors
/// A store that cannot be opened, or a configuration that makes no sense.
pub async fn serve(config: Config, listener: Listener) -> Result<Server, StartError> {
    serve_rows(config, listener, surface::rows()).await
}

/// As [`serve`], with a route table of one's own.
///
/// # Errors
/// As [`serve`], or a table that cannot be routed.
pub async fn serve_rows(config: Config, listener: Listener, rows: Vec<&'static Row>) -> Result<Server, StartError> {
    let metrics = Metrics::new();
    let engine = Engine::new(Arc::new(SystemHost));
    let app = App::new(engine, config, metrics.clone(), rows)?;
    let running = serve::start(Arc::clone(&app), listener).map_err(StartError::Listen)?;
    let folding = tokio::spawn(async move {
        loop {
            tokio::time::sleep(FOLD).await;
            metrics.fold();
        }
    });
    Ok(Server { app, running, folding })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn bound(&self) -> &crate::http::listen::Bound {
        self.running.bound()
    }

    /// Stops accepting, lets requests under way finish, and closes the store.
    pub async fn shutdown(self) {
        self.running.shutdown().await;
        self.folding.abort();
    }
}
