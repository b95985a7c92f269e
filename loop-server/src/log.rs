//! The log: one line per event on standard error, for people or for machines.
//!
//! No line ever holds a header, a query, a body or a path, because any of these may hold a key or a token. A
//! request is named by its operation and its id.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is malformed.
    #[error("`{0}` is not a log filter such as `info` or `info,loop::request=debug`")]
    Filter(String),
    /// Something else writes the log of this process already.
    #[error("a log is running already")]
    Running,
}

/// Starts the log on standard error and keeps the text of panics out of it.
///
/// # Errors
/// A malformed filter, or a second start.
pub fn start(filter: &str, format: LogFormat) -> Result<(), LogError> {
    let colour = std::io::stderr().is_terminal();
    subscriber(filter, format, colour, std::io::stderr)?.try_init().map_err(|_| LogError::Running)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "loop::server", %place, "a part of the program panicked");
    }));
    Ok(())
}

/// The log as a subscriber that writes wherever the caller wants.
///
/// # Errors
/// A malformed filter.
pub fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    colour: bool,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wrong = || LogError::Filter(filter.to_owned());
    let mut lines_of = EnvFilter::try_new(filter).map_err(|_| wrong())?;
    if !filter.contains("rmcp") {
        // Its lines hold whole messages.
        lines_of = lines_of.add_directive("rmcp=off".parse().map_err(|_| wrong())?);
    }
    let filter = lines_of;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let base = tracing_subscriber::registry().with(filter);
    Ok(match format {
        LogFormat::Human => Box::new(base.with(lines.with_ansi(colour))),
        LogFormat::Json => Box::new(base.with(lines.json().flatten_event(true))),
    })
}
