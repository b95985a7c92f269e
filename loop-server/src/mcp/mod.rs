//! The Model Context Protocol: Loop's own tools, and the tools of other servers behind its decisions.
//!
//! - [`rows`]: the routes, and the current transport, `POST /mcp`.
//! - [`sse`]: the older transport, `/sse`.
//! - [`rpc`]: messages, read without losing a digit.
//! - [`serve`]: what a message is answered with, whichever transport brought it.
//! - [`tools`]: Loop's own tools, each a row of the REST API.
//! - [`gateway`]: tools of other servers, decided before they are called.
//! - [`upstream`]: those servers.
//! - [`work`]: messages that are worked on, bounded and awaited.

mod gateway;
mod rows;
mod rpc;
mod serve;
mod sse;
mod tools;
pub mod upstream;
mod work;

use std::{sync::Arc, time::Duration};

pub use rows::ROWS;
use sse::Sessions;
use tokio::task::JoinSet;
use tools::Tool;
use upstream::{Spec, UnfitServer, Upstream};
use work::Works;

use crate::http::Router;

/// What MCP keeps while the server runs.
pub struct Mcp {
    sessions: Sessions,
    tools: Vec<Tool>,
    upstreams: Vec<Arc<Upstream>>,
    works: Works,
}

/// How long messages get to tell how they ended, once no upstream answers any more.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Mcp {
    /// Loop's own tools over this route table, and these upstreams, which are not reached for yet.
    ///
    /// # Errors
    /// Two upstreams of one name, or an address that cannot be used.
    pub fn new(router: &Router, upstreams: &[Spec]) -> Result<Self, UnfitServer> {
        let (sessions, works) = (Sessions::default(), Works::default());
        Ok(Self { sessions, tools: tools::all(router), upstreams: upstream::all(upstreams)?, works })
    }

    /// Reaches for every upstream, and again whenever one is lost, until [`Mcp::stop`].
    pub fn start(&self) {
        self.upstreams.iter().for_each(Upstream::start);
    }

    /// Ends the streams that are open; no other is opened.
    pub fn close_streams(&self) {
        self.sessions.close();
    }

    /// Lets messages that are worked on end within `patience`, then ends every upstream, and the processes that were
    /// started for them. What waited for an upstream until then writes down that it was lost.
    pub async fn stop(&self, patience: Duration) {
        self.works.ended(patience).await;
        let mut stopping: JoinSet<()> =
            self.upstreams.iter().cloned().map(|upstream| async move { upstream.stop().await }).collect();
        while stopping.join_next().await.is_some() {}
        if !self.works.ended(LAST_WORDS).await {
            tracing::warn!(target: "loop::mcp", "messages are worked on still");
        }
    }

    /// How many sessions of the older transport are open.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.count()
    }

    /// The upstreams, as they were configured.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The messages that are worked on.
    const fn works(&self) -> &Works {
        &self.works
    }

    fn tools(&self) -> &[Tool] {
        &self.tools
    }
}

impl std::fmt::Debug for Mcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mcp({} upstreams)", self.upstreams.len())
    }
}
