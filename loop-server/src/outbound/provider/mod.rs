//! Providers of tools: calls that leave the process, each through the guarded client, signed and bounded.
//!
//! - [`endpoint`]: a connector or any HTTP endpoint.
//! - [`mcp`]: a tool of an MCP server.
//! - [`signing`]: the signature that a provider knows Loop by.
//! - [`mod@reference`]: fetching what a proof refers to.

mod endpoint;
mod mcp;
pub mod reference;
mod signing;

use std::time::Duration;

use loop_core::{
    invoke::{Answering, Fault, Job, Natives, Provider},
    tool::manifest::{MAX_TIMEOUT_MS, ProviderType},
};

use super::{Client, Error, Limits};

/// The providers of a server.
#[derive(Clone)]
pub struct Providers {
    client: Client,
    natives: Natives,
}

impl Providers {
    /// Providers that are called with `client`'s permissions, and the functions that the embedder registered.
    #[must_use]
    pub fn new(client: &Client, natives: Natives) -> Self {
        // A manifest's own time-out is what ends a call; the client's is only the last resort.
        let seconds = u64::from(MAX_TIMEOUT_MS).div_ceil(1_000);
        Self { client: client.within(Limits { seconds, ..client.limits() }), natives }
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Providers(..)")
    }
}

impl Provider for Providers {
    fn call<'a>(&'a self, job: &'a Job) -> Answering<'a> {
        Box::pin(async move {
            let limit = Duration::from_millis(u64::from(job.manifest.content.timeout_ms));
            let work = async {
                match job.manifest.content.provider_type {
                    ProviderType::CustomConnector | ProviderType::Http => endpoint::call(&self.client, job).await,
                    ProviderType::Mcp => mcp::call(&self.client, job).await,
                    ProviderType::Native | ProviderType::Sandbox => self.natives.call(job).await,
                }
            };
            match tokio::time::timeout(limit, work).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Fault::new("timeout", format!("no complete answer within {} ms", limit.as_millis()))),
            }
        })
    }
}

/// The tool's endpoint.
fn endpoint_of(job: &Job) -> Result<&str, Fault> {
    job.manifest.content.endpoint.as_deref().ok_or_else(|| Fault::new("no_endpoint", "the tool names no endpoint"))
}

/// An outbound failure as the caller is told of it.
fn fault(error: &Error) -> Fault {
    let reason = match error {
        Error::Timeout { .. } => "timeout",
        Error::Refused { .. } | Error::Url(_) | Error::Method(_) | Error::Header(_) | Error::OwnKey => "refused",
        Error::Unresolved(_) | Error::Connect(_) | Error::Broken { .. } => "unreachable",
    };
    Fault::new(reason, error.to_string())
}

/// A status that is no success.
fn status(code: http::StatusCode) -> Fault {
    Fault::new("status", format!("the provider answered {}", code.as_u16()))
}
