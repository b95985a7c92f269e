//! What the commands do.

use std::{error::Error, io::Write as _};

use tokio::signal::unix::{SignalKind, signal};

use super::args::{Cli, Command, ServeArgs};
use crate::{http::Listener, log, start, welcome};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The log cannot be started.
    #[error(transparent)]
    Log(#[from] log::LogError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] start::StartError),
    /// The address cannot be used.
    #[error("cannot listen on `{0}`")]
    Listen(String, #[source] std::io::Error),
    /// The system refuses threads or signals.
    #[error("the system refuses")]
    System(#[from] std::io::Error),
    /// The command is not built yet.
    #[error("`{0}` is not built yet")]
    NotBuilt(&'static str),
}

/// Runs the command line and answers the process's exit code.
#[must_use]
pub fn run(cli: Cli) -> u8 {
    let done = match cli.command {
        None => serve(&cli.serve),
        Some(Command::Serve(args)) => serve(&args),
        Some(Command::Keys { .. }) => Err(CliError::NotBuilt("keys")),
        Some(Command::Audit { .. }) => Err(CliError::NotBuilt("audit")),
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "loop-server: {text}");
            1
        }
    }
}

fn serve(args: &ServeArgs) -> Result<(), CliError> {
    log::start(&args.log, args.log_format)?;
    let config = args.config(|name| std::env::var(name).ok());
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    if let Some(count) = args.threads {
        threads.worker_threads(usize::from(count));
    }
    threads.enable_all().build()?.block_on(async {
        let listen = config.listen.clone();
        let listener =
            Listener::bind(&listen).await.map_err(|error| CliError::Listen(listen.to_string(), error))?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = start::serve(config, listener).await?;
        server.app.metrics.install();
        if server.bootstrap.fresh || server.bootstrap.minted.is_some() {
            // The one place where a key is shown; never the log. Without standard output there is nobody to tell.
            let _ = std::io::stdout().write_all(
                welcome::text(server.bound(), server.bootstrap.minted.as_ref()).as_bytes(),
            );
        }
        tracing::info!(target: "loop::server", address = %server.bound(), version = env!("CARGO_PKG_VERSION"), "listening");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(target: "loop::server", "stopping");
        server.shutdown().await;
        Ok(())
    })
}
