//! The MCP servers whose tools are offered here: reached for at the start, and again whenever they are lost.
//!
//! - [`spec`]: how they are configured.
//! - [`link`]: the way to one of them; rmcp keeps the conversation.
//! - [`child`], [`remote`]: what moves the bytes.
//! - [`tool`]: what they offer.

mod child;
mod link;
mod remote;
mod spec;
mod tool;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::HeaderValue;
use rmcp::{
    ClientHandler, Peer, RoleClient, ServiceError, ServiceExt,
    model::{
        CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest, CustomResult,
        Implementation, ListToolsRequest, PaginatedRequestParams, ProtocolVersion, ServerResult,
    },
    service::{NotificationContext, PeerRequestOptions},
};
use serde_json::Value;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use link::{Exact, Link, MAX_MESSAGE, Until};
use remote::Remote;
pub use spec::{Place, Spec, Specs};
pub use tool::Tool;

use crate::outbound::{self, Client, Limits};

/// How long a server may take to start and to say hello.
const HELLO: Duration = Duration::from_secs(30);
/// How long it may take to list its tools.
const LIST: Duration = Duration::from_secs(15);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(120);
/// How long to wait before a lost server is reached for again: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long a connection holds that is worth an early try.
const STEADY: Duration = Duration::from_secs(60);
/// How long a server gets to end.
const END: Duration = Duration::from_secs(5);
/// The most pages of a list of tools.
const MAX_PAGES: usize = 32;
/// How much of a server's own error is told, in characters.
const SHOWN: usize = 1_000;

/// Why the servers cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UnfitServer {
    /// Two of one name.
    #[error("two MCP servers are called `{0}`")]
    Twice(String),
    /// An address that cannot be used.
    #[error("the URL of the MCP server `{0}` cannot be used")]
    Url(String, #[source] outbound::Error),
    /// A token that no header can carry.
    #[error("the token of the MCP server `{0}` cannot stand in a header")]
    Token(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It is not there, or was lost before it answered. Whether it did what it was asked is not known then.
    #[error("the MCP server `{0}` cannot be reached now, or was lost before it answered")]
    Away(String),
    /// It took too long. Whether it did what it was asked is not known.
    #[error("the MCP server `{0}` took too long")]
    Slow(String),
    /// It refused, in its own words.
    #[error("the MCP server `{0}` refused: {1}")]
    Refused(String, String),
    /// It answered what makes no sense.
    #[error("the MCP server `{0}` answered what cannot be read")]
    Unreadable(String),
}

/// A server.
pub struct Upstream {
    name: String,
    way: Way,
    live: Mutex<Option<Live>>,
    listing: tokio::sync::Mutex<()>,
    /// How often it said that its tools changed.
    changes: Arc<AtomicU64>,
    stopping: watch::Sender<bool>,
    keeping: Mutex<Option<JoinHandle<()>>>,
    moving: Mutex<Option<JoinHandle<()>>>,
}

/// How a server is reached.
#[derive(Clone)]
enum Way {
    Child(String, Vec<String>),
    Remote(Box<Remote>),
}

/// A server that is there.
#[derive(Clone)]
struct Live {
    peer: Peer<RoleClient>,
    tools: Arc<Vec<Arc<Tool>>>,
    /// When they were asked for, and how many changes were told of by then.
    listed: Option<(Instant, u64)>,
}

/// Hears that a list of tools changed.
struct Ear {
    changes: Arc<AtomicU64>,
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("loop", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The servers of a configuration, none of them reached for yet.
///
/// # Errors
/// Two of one name, a bad URL or token.
pub fn all(specs: &[Spec]) -> Result<Vec<Arc<Upstream>>, UnfitServer> {
    let mut all: Vec<Arc<Upstream>> = Vec::new();
    for spec in specs {
        if all.iter().any(|known| known.name.eq_ignore_ascii_case(&spec.name)) {
            return Err(UnfitServer::Twice(spec.name.clone()));
        }
        all.push(Arc::new(Upstream::new(spec)?));
    }
    Ok(all)
}

impl Upstream {
    fn new(spec: &Spec) -> Result<Self, UnfitServer> {
        let way = match &spec.place {
            Place::Command(program, arguments) => Way::Child(program.clone(), arguments.clone()),
            Place::Url(url) => {
                // The operator named it: private addresses are as good as others.
                let limits = Limits { allow_private: true, seconds: CALL.as_secs(), body_max: MAX_MESSAGE };
                let client = Client::new(limits)?;
                let target = client.target(url).map_err(|error| UnfitServer::Url(spec.name.clone(), error))?;
                let bearer = |token: &loop_core::base::secret::Secret| {
                    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                        .map_err(|_| UnfitServer::Token(spec.name.clone()))?;
                    value.set_sensitive(true);
                    Ok::<_, UnfitServer>(value)
                };
                Way::Remote(Box::new(Remote {
                    client,
                    target,
                    authorization: spec.token.as_ref().map(bearer).transpose()?,
                }))
            }
        };
        Ok(Self {
            name: spec.name.clone(),
            way,
            live: Mutex::default(),
            listing: tokio::sync::Mutex::default(),
            changes: Arc::default(),
            stopping: watch::Sender::default(),
            keeping: Mutex::default(),
            moving: Mutex::default(),
        })
    }

    /// What its tools' names begin with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reaches for it, and again whenever it is lost, until [`Upstream::stop`].
    pub fn start(this: &Arc<Self>) {
        let keeping = tokio::spawn(Self::keep(Arc::clone(this)));
        *lock(&this.keeping) = Some(keeping);
    }

    /// Ends the connection, and the process that was started for it.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let tasks = [lock(&self.keeping).take(), lock(&self.moving).take()];
        for task in tasks.into_iter().flatten() {
            let abort = task.abort_handle();
            if timeout(END, task).await.is_err() {
                // A process is killed when its task goes.
                abort.abort();
            }
        }
        *lock(&self.live) = None;
    }

    async fn keep(this: Arc<Self>) {
        let mut stopping = this.stopping.subscribe();
        let (mut wait, longest) = AGAIN;
        loop {
            let begun = Instant::now();
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                () = this.converse() => {}
            }
            *lock(&this.live) = None;
            let moving = lock(&this.moving).take();
            if let Some(moving) = moving {
                // The old process is gone before a new one starts.
                let abort = moving.abort_handle();
                if timeout(END, moving).await.is_err() {
                    abort.abort();
                }
            }
            if begun.elapsed() >= STEADY {
                wait = AGAIN.0;
            }
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = wait.saturating_mul(2).min(longest);
        }
    }

    /// One connection, from the first byte to the last.
    async fn converse(&self) {
        let (link, outgoing, incoming) = Link::new();
        let (name, way) = (self.name.clone(), self.way.clone());
        let moving = tokio::spawn(async move {
            match way {
                Way::Child(program, arguments) => {
                    if let Err(error) = child::run(&name, &program, &arguments, outgoing, incoming).await {
                        tracing::warn!(target: "loop::mcp", upstream = name, %error, "the process of an MCP server failed");
                    }
                }
                Way::Remote(remote) => remote::run(*remote, outgoing, incoming).await,
            }
        });
        *lock(&self.moving) = Some(moving);
        let ear = Ear { changes: Arc::clone(&self.changes) };
        let Ok(Ok(service)) = timeout(HELLO, ear.serve(link)).await else {
            tracing::warn!(target: "loop::mcp", upstream = self.name, "an MCP server did not say hello");
            return;
        };
        let peer = service.peer().clone();
        *lock(&self.live) = Some(Live { peer, tools: Arc::default(), listed: None });
        let tools = self.tools(Duration::ZERO).await.map_or(0, |tools| tools.len());
        tracing::info!(target: "loop::mcp", upstream = self.name, tools, "an MCP server is there");
        // However it ends, it is reached for again.
        let _ = service.waiting().await;
        tracing::warn!(target: "loop::mcp", upstream = self.name, "an MCP server is lost");
    }

    /// Its tools, as it told them within `age`.
    ///
    /// # Errors
    /// When it is not there, or does not tell in time.
    pub async fn tools(&self, age: Duration) -> Result<Arc<Vec<Arc<Tool>>>, CallError> {
        if let Some(tools) = self.told(age)? {
            return Ok(tools);
        }
        // However many wait for their turn to ask.
        let told = timeout(LIST, self.ask_tools(age)).await;
        told.unwrap_or_else(|_| Err(CallError::Slow(self.name.clone())))
    }

    async fn ask_tools(&self, age: Duration) -> Result<Arc<Vec<Arc<Tool>>>, CallError> {
        let _alone = self.listing.lock().await;
        if let Some(tools) = self.told(age)? {
            return Ok(tools);
        }
        let peer = lock(&self.live).as_ref().map(|live| live.peer.clone()).ok_or_else(|| self.away())?;
        // What changes from here on is asked for anew.
        let asked = (Instant::now(), self.changed());
        let tools = Arc::new(self.list(&peer).await?);
        if let Some(live) = lock(&self.live).as_mut() {
            live.tools = Arc::clone(&tools);
            live.listed = Some(asked);
        }
        Ok(tools)
    }

    fn told(&self, age: Duration) -> Result<Option<Arc<Vec<Arc<Tool>>>>, CallError> {
        let live = lock(&self.live);
        let live = live.as_ref().ok_or_else(|| self.away())?;
        let fresh = live.listed.is_some_and(|(at, changes)| at.elapsed() < age && changes == self.changed());
        Ok(fresh.then(|| Arc::clone(&live.tools)))
    }

    fn changed(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    fn away(&self) -> CallError {
        CallError::Away(self.name.clone())
    }

    async fn list(&self, peer: &Peer<RoleClient>) -> Result<Vec<Arc<Tool>>, CallError> {
        let unreadable = || CallError::Unreadable(self.name.clone());
        let mut all = Vec::new();
        let mut cursor = None;
        let until = Instant::now() + LIST;
        for _ in 0..MAX_PAGES {
            let mut request = ListToolsRequest::with_param(PaginatedRequestParams::default().with_cursor(cursor));
            request.extensions.insert(Until(until));
            let result = self.ask(peer, ClientRequest::ListToolsRequest(request), until).await?;
            let page = tool::page(&self.name, &result).ok_or_else(unreadable)?;
            tool::add(&mut all, page.tools);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable())
    }

    /// Whether it still offers this very tool, as far as it told.
    #[must_use]
    pub fn offers(&self, tool: &Tool) -> bool {
        let live = lock(&self.live);
        let unchanged = |live: &&Live| live.listed.is_some_and(|(_, changes)| changes == self.changed());
        live.as_ref().filter(unchanged).is_some_and(|live| live.tools.iter().any(|known| **known == *tool))
    }

    /// Calls a tool with exactly these arguments, a JSON object. It is sent once at most; what comes back is the result
    /// as it was received.
    ///
    /// # Errors
    /// Whatever keeps it from being carried out, or from being known to be.
    pub async fn call(&self, tool: &Tool, arguments: String) -> Result<String, CallError> {
        let peer = lock(&self.live).as_ref().map(|live| live.peer.clone()).ok_or_else(|| self.away())?;
        let mut request = CallToolRequest::new(CallToolRequestParams::new(tool.name.clone()));
        let until = Instant::now() + CALL;
        request.extensions.insert(Exact(arguments));
        request.extensions.insert(Until(until));
        self.ask(&peer, ClientRequest::CallToolRequest(request), until).await
    }

    /// Asks for something. What is not on its way by `until` never is.
    async fn ask(&self, peer: &Peer<RoleClient>, request: ClientRequest, until: Instant) -> Result<String, CallError> {
        let name = || self.name.clone();
        let failed = |error: ServiceError| match error {
            ServiceError::McpError(error) if error.code.0 == remote::AWAY => CallError::Away(name()),
            ServiceError::McpError(error) => CallError::Refused(name(), error.message.chars().take(SHOWN).collect()),
            ServiceError::Timeout { .. } => CallError::Slow(name()),
            _ => CallError::Away(name()),
        };
        let slow = |_| CallError::Slow(name());
        let options = PeerRequestOptions::with_timeout(until.saturating_duration_since(Instant::now()));
        let handle = timeout_at(until, peer.send_request_with_option(request, options)).await.map_err(slow)?;
        let handle = handle.map_err(failed)?;
        // It goes on by itself to tell the server that nobody waits any more.
        let answer = tokio::spawn(handle.await_response());
        let answer = timeout_at(until, answer).await.map_err(slow)?;
        match answer.map_err(|_| self.away())?.map_err(failed)? {
            ServerResult::CustomResult(CustomResult(Value::String(result))) => Ok(result),
            _ => Err(CallError::Unreadable(name())),
        }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rmcp::{RoleClient, ServiceExt, service::RunningService};
    use tokio::{
        sync::mpsc,
        time::{Instant, timeout},
    };

    use super::{CALL, CallError, Ear, LIST, Link, Live, Spec, Tool, UnfitServer, Upstream, all, link::Outgoing, lock};

    /// A server that said hello and says nothing more, and what is sent to it.
    async fn silent() -> (std::sync::Arc<Upstream>, mpsc::Receiver<Outgoing>, RunningService<RoleClient, Ear>) {
        let server = all(&specs(&["fs=run"])).expect("one server").remove(0);
        let (link, mut outgoing, incoming) = Link::new();
        let hello = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}"#;
        incoming.send(hello.to_owned()).await.expect("open");
        let service = Ear { changes: server.changes.clone() }.serve(link).await.expect("hello");
        for method in ["initialize", "notifications/initialized"] {
            assert!(outgoing.recv().await.expect("a message").text.contains(method));
        }
        // The other end stays open.
        tokio::spawn(async move { incoming.closed().await });
        *lock(&server.live) = Some(Live { peer: service.peer().clone(), tools: Default::default(), listed: None });
        (server, outgoing, service)
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_wait_for_a_list_none_waits_longer_than_it_may_take() {
        let (server, _outgoing, _service) = silent().await;
        let begun = Instant::now();
        let asking: Vec<_> = (0..5)
            .map(|_| {
                let server = server.clone();
                tokio::spawn(async move { server.tools(Duration::MAX).await.err() })
            })
            .collect();
        for one in asking {
            assert_eq!(one.await.expect("asked"), Some(CallError::Slow("fs".to_owned())));
        }
        assert!(begun.elapsed() <= LIST + Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_nobody_answers_ends_in_time_and_tells_when_it_may_not_be_sent_any_more() {
        let (server, mut outgoing, _service) = silent().await;
        let tool =
            super::tool::page("fs", r#"{"tools":[{"name":"echo","inputSchema":{}}]}"#).expect("a list").tools.remove(0);
        let begun = Instant::now();
        let called = timeout(CALL * 2, server.call(&tool, "{}".to_owned())).await.expect("in time");
        assert_eq!(called, Err(CallError::Slow("fs".to_owned())));
        let call = outgoing.recv().await.expect("a call");
        assert!(call.text.contains("tools/call") && call.until == begun + CALL, "{call:?}");
        assert!(outgoing.recv().await.expect("a notice").text.contains("notifications/cancelled"));
    }

    fn specs(texts: &[&str]) -> Vec<Spec> {
        texts.iter().map(|text| text.parse().expect("sound")).collect()
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_offers_nothing_and_is_not_called() {
        let servers = all(&specs(&["fs=run"])).expect("one server");
        let tool =
            super::tool::page("fs", r#"{"tools":[{"name":"echo","inputSchema":{}}]}"#).expect("a list").tools.remove(0);
        let away = CallError::Away("fs".to_owned());
        let server = &servers[0];
        assert!(!server.offers(&Tool::clone(&tool)));
        assert_eq!(server.tools(Duration::MAX).await.err(), Some(away.clone()));
        assert_eq!(server.call(&tool, "{}".to_owned()).await.err(), Some(away));
        server.stop().await;
    }

    #[test]
    fn servers_that_make_no_sense_are_refused_at_the_start() {
        assert!(matches!(all(&specs(&["fs=run", "FS=walk"])), Err(UnfitServer::Twice(_))));
        assert!(matches!(all(&specs(&["fs=https://user:password@x.example/"])), Err(UnfitServer::Url(..))));
        let mut odd = specs(&["fs=http://127.0.0.1/mcp"]);
        odd[0].token = Some(loop_core::base::secret::Secret::new("a\nb"));
        assert!(matches!(all(&odd), Err(UnfitServer::Token(_))));
    }
}
