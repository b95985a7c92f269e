//! The running server: what every request can reach.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use loop_core::{base::host::NoEntropy, engine::Engine, invoke::Natives};

use crate::{
    config::Config,
    gateway::{Upstreams, upstream::SetUpError},
    http::{
        Router, Row, by_address::ByAddress, docs_page, openapi, rate::Rates, request_id::RequestIds, room::Room,
        router::TableError,
    },
    mcp::{Mcp, upstream::UnfitServer},
    metrics::{Meters, Metrics},
    outbound::{Client, provider::Providers},
    worker::Wake,
};

/// The running server.
pub struct App {
    /// The core.
    pub engine: Engine,
    /// What the operator decided.
    pub config: Config,
    /// What is counted.
    pub metrics: Metrics,
    /// Guarded calls to other servers.
    pub outbound: Client,
    /// Who executes the calls of published tools.
    pub providers: Providers,
    /// The language models behind the proxy.
    pub upstreams: Upstreams,
    /// Rung once a notice is durable, so that it leaves at once.
    pub wake: Wake,
    /// The Model Context Protocol: open sessions, and the servers behind.
    pub mcp: Mcp,
    /// How many requests each key may make.
    pub rates: Rates,
    /// How often one address may make projects of telemetry without a key.
    pub provisions: ByAddress,
    /// How often one address may try to recover the keys of a project.
    pub recoveries: ByAddress,
    /// The route table.
    pub router: Router,
    /// Memory for large bodies.
    pub room: Room,
    /// Numbers requests.
    pub ids: RequestIds,
    /// Counts requests that no row serves.
    pub unrouted: Meters,
    public_host: Option<String>,
    documents: OnceLock<Documents>,
}

/// What a server is put together from.
pub struct Parts {
    /// The core.
    pub engine: Engine,
    /// What the operator decided.
    pub config: Config,
    /// What is counted.
    pub metrics: Metrics,
    /// Guarded calls to other servers.
    pub outbound: Client,
    /// The bell of the worker that delivers notices.
    pub wake: Wake,
}

/// The table as documents, made when first asked for.
pub struct Documents {
    /// The OpenAPI document.
    pub openapi: Bytes,
    /// The readable page.
    pub page: Bytes,
}

/// Why a server cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The route table is wrong.
    #[error("the route table is wrong")]
    Table(#[from] TableError),
    /// The machine gives no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The MCP servers cannot be set up.
    #[error(transparent)]
    Mcp(#[from] UnfitServer),
    /// The public URL is none.
    #[error("`{0}` is not an http or https URL")]
    PublicUrl(String),
    /// The language models cannot be asked where the operator says they are.
    #[error(transparent)]
    Upstream(#[from] SetUpError),
}

impl App {
    /// A server of these parts with these rows.
    ///
    /// # Errors
    /// A table with two rows for one place, a bad public URL, or no randomness.
    pub fn new(parts: Parts, rows: Vec<&'static Row>) -> Result<Arc<Self>, AppError> {
        let Parts { engine, config, metrics, outbound, wake } = parts;
        let public_host = config.public_url.as_deref().map(host_of).transpose()?;
        let mut seed = engine.seed()?;
        let router = Router::new(rows, &metrics)?;
        Ok(Arc::new(Self {
            mcp: Mcp::new(&router, &config.mcp_upstreams)?,
            rates: Rates::new(config.limits.requests_per_minute),
            provisions: ByAddress::new(config.onboarding.provisions_per_minute),
            recoveries: ByAddress::new(config.onboarding.recoveries_per_minute),
            router,
            room: Room::default(),
            ids: RequestIds::new(&mut seed),
            unrouted: metrics.meters("unrouted"),
            documents: OnceLock::new(),
            upstreams: Upstreams::new(&config.models)?,
            engine,
            config,
            metrics,
            providers: Providers::new(&outbound, Natives::default()),
            outbound,
            wake,
            public_host,
        }))
    }

    /// Host and port of the public URL.
    #[must_use]
    pub fn public_host(&self) -> Option<&str> {
        self.public_host.as_deref()
    }

    /// The table as documents.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        self.documents.get_or_init(|| {
            let rows = self.router.rows();
            let document = openapi::document(rows);
            Documents {
                page: docs_page::page(rows, &document).into(),
                openapi: serde_json::to_vec(&document).unwrap_or_default().into(),
            }
        })
    }
}

/// Host and port of a URL, as a browser writes them in `Host`.
fn host_of(url: &str) -> Result<String, AppError> {
    let bad = || AppError::PublicUrl(url.to_owned());
    let parsed = url::Url::parse(url).map_err(|_| bad())?;
    let host = parsed.host_str().filter(|_| matches!(parsed.scheme(), "http" | "https")).ok_or_else(bad)?;
    Ok(parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_public_host_is_what_a_browser_sends() {
        assert_eq!(host_of("https://loop.example/x").ok().as_deref(), Some("loop.example"));
        assert_eq!(host_of("http://loop.example:8080").ok().as_deref(), Some("loop.example:8080"));
        assert_eq!(host_of("https://loop.example:443").ok().as_deref(), Some("loop.example"));
        for bad in ["loop.example", "ftp://loop.example", ""] {
            assert!(host_of(bad).is_err(), "{bad}");
        }
    }
}
