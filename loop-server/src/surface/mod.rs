//! The API surfaces: each has a dialect and its rows of the route table.
//!
//! - [`governance`]: intercept, rules, approvals, kill switch, log, settings.
//! - [`developer`]: loops, tools, calls, proofs, messages, tasks.
//! - [`improvement`]: issues, signals, prompts, and the queue that agents work off.
//! - [`telemetry`]: spans, sessions, diagnosis, projects and their keys.
//! - [`system`]: health, metrics, documents.
//! - [`error_shape`]: how failures look in each dialect.

pub mod developer;
mod error_shape;
pub mod governance;
pub mod improvement;
pub mod system;
pub mod telemetry;

use crate::{
    http::{
        Dialect, Row,
        auth::REFUSED,
        dialect::{
            KeyPlace::{Bearer, ExactBearer, Header},
            QueryKey,
        },
    },
    mcp,
};

/// Which API a route belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// Rules, approvals, log and settings.
    Governance,
    /// Policy, tools, proofs for developers.
    Developer,
    /// Issues, signals, prompts and their queue.
    Improvement,
    /// Spans, sessions and their diagnosis.
    Telemetry,
    /// The proxy in OpenAI's shape.
    OpenAi,
    /// The proxy in Anthropic's shape.
    Anthropic,
    /// The Model Context Protocol.
    Mcp,
    /// The server itself.
    System,
}

static GOVERNANCE: Dialect = Dialect {
    name: "governance",
    keys: &[Header("x-api-key"), Bearer],
    query_key: QueryKey::OnGet,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::flat,
};

static DEVELOPER: Dialect = Dialect {
    name: "developer",
    keys: &[Bearer, Header("x-api-key")],
    query_key: QueryKey::Never,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::nested,
};

static IMPROVEMENT: Dialect = Dialect {
    name: "improvement",
    keys: &[ExactBearer, Header("x-api-key")],
    query_key: QueryKey::Never,
    no_key: "Missing or malformed Authorization header",
    bad_key: "Invalid API key",
    origins: &["http://localhost:5668", "https://app.looped.me"],
    failure: error_shape::bare,
};

static TELEMETRY: Dialect = Dialect {
    name: "telemetry",
    keys: &[Bearer, Header("x-api-key")],
    query_key: QueryKey::Never,
    no_key: "authorization required",
    bad_key: "authorization required",
    origins: &[],
    failure: error_shape::spoken,
};

// The proxy's `Authorization` carries the upstream's key, and `x-api-key` may too: `x-loop-key` wins over it.
static OPENAI: Dialect = Dialect {
    name: "openai proxy",
    keys: &[Header("x-loop-key"), Header("x-api-key")],
    query_key: QueryKey::Never,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::openai,
};

static ANTHROPIC: Dialect = Dialect {
    name: "anthropic proxy",
    keys: &[Header("x-loop-key"), Header("x-api-key")],
    query_key: QueryKey::Never,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::anthropic,
};

static MCP: Dialect = Dialect {
    name: "mcp",
    keys: &[Header("x-api-key"), Bearer],
    query_key: QueryKey::Always,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::flat,
};

static SYSTEM: Dialect = Dialect {
    name: "system",
    keys: &[Header("x-api-key"), Bearer],
    query_key: QueryKey::Never,
    no_key: REFUSED,
    bad_key: REFUSED,
    origins: &[],
    failure: error_shape::flat,
};

impl Surface {
    /// Every surface, in the order of documents.
    pub const ALL: [Self; 8] = [
        Self::Governance,
        Self::Developer,
        Self::Improvement,
        Self::Telemetry,
        Self::OpenAi,
        Self::Anthropic,
        Self::Mcp,
        Self::System,
    ];

    /// How it speaks.
    #[must_use]
    pub fn dialect(self) -> &'static Dialect {
        match self {
            Self::Governance => &GOVERNANCE,
            Self::Developer => &DEVELOPER,
            Self::Improvement => &IMPROVEMENT,
            Self::Telemetry => &TELEMETRY,
            Self::OpenAi => &OPENAI,
            Self::Anthropic => &ANTHROPIC,
            Self::Mcp => &MCP,
            Self::System => &SYSTEM,
        }
    }
}

/// The surface that a path belongs to, also when no row serves it.
#[must_use]
pub fn of_path(path: &str) -> Surface {
    if path.starts_with("/api/v1/") || path.starts_with("/api/developer/") {
        Surface::Developer
    } else if improvement::serves(path) {
        Surface::Improvement
    } else if telemetry::serves(path) {
        Surface::Telemetry
    } else if path.starts_with("/v1/messages") {
        Surface::Anthropic
    } else if path.starts_with("/v1/") {
        Surface::OpenAi
    } else {
        Surface::Governance
    }
}

/// The whole route table.
#[must_use]
pub fn rows() -> Vec<&'static Row> {
    let others = [crate::gateway::ROWS, crate::hook::route::ROWS, mcp::ROWS, system::ROWS];
    governance::ROWS
        .iter()
        .chain(developer::ROWS)
        .chain(improvement::ROWS)
        .chain(telemetry::ROWS)
        .copied()
        .chain(others)
        .flatten()
        .collect()
}
