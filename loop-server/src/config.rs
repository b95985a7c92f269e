//! What the operator decides, read once at the start.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use loop_core::{base::secret::Secret, telemetry::content::Content};

use crate::{http::Listen, judge, mcp::upstream::Spec, tracing_out};

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// A Unix socket to listen on as well.
    pub listen_unix: Option<PathBuf>,
    /// The database file; `:memory:` keeps nothing.
    pub db: PathBuf,
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// The URL under which people reach this server, without a slash at the end; links in notices begin with it.
    /// A running server has the listen address here when nothing else was given, except on a Unix socket.
    pub public_url: Option<String>,
    /// The mail server, credentials included.
    pub smtp_url: Option<Secret>,
    /// Who notices come from.
    pub smtp_from: Option<String>,
    /// What the master key is made from; without it a key file beside the database is used.
    pub secret_key: Option<Secret>,
    /// The first key of tenant `default`.
    pub api_key: Option<Secret>,
    /// Whether outbound calls may reach private addresses.
    pub allow_private_targets: bool,
    /// Whether anyone may make a tenant.
    pub allow_signup: bool,
    /// What a `GET` on an approval link does.
    pub links: Links,
    /// A file that checkpoints of the log are appended to.
    pub checkpoints: Option<PathBuf>,
    /// A folder of policy files whose rules tenant `default` has, besides those made otherwise.
    pub policies: Option<PathBuf>,
    /// What the webhooks of tenant `default` are verified with.
    pub webhooks: WebhookSecrets,
    /// Where the language models are that the proxy stands before.
    pub models: Models,
    /// The model that judges calls for rules with unclear words; without it a human is asked.
    pub judge: Option<judge::Settings>,
    /// Where spans of our own decisions go; without it none are sent.
    pub traces: Option<tracing_out::Settings>,
    /// The MCP servers whose tools are offered to tenant `default`, every call decided first.
    pub mcp_upstreams: Vec<Spec>,
    /// Whether they are offered to every other tenant too.
    pub mcp_for_all_tenants: bool,
    /// How spans are taken in.
    pub otlp: Otlp,
    /// Bounds on what clients may take.
    pub limits: Limits,
}

/// Where the language models are that the proxy stands before. The operator chose them, so private addresses and plain
/// `http` are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Models {
    /// What `/chat/completions`, `/responses` and `/models` are put behind.
    pub openai: String,
    /// What `/v1/messages` is put behind.
    pub anthropic: String,
    /// How long a model may think before the head of its answer, and pause between two pieces of it.
    pub patience: Duration,
}

/// The base of OpenAI's own API.
pub const OPENAI: &str = "https://api.openai.com/v1";
/// The base of Anthropic's own API.
pub const ANTHROPIC: &str = "https://api.anthropic.com";
/// Models that reason may be silent for minutes.
pub const MODEL_SECONDS: u64 = 600;

impl Default for Models {
    fn default() -> Self {
        Self {
            openai: OPENAI.to_owned(),
            anthropic: ANTHROPIC.to_owned(),
            patience: Duration::from_secs(MODEL_SECONDS),
        }
    }
}

/// How spans are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Otlp {
    /// The status of success.
    pub status: OtlpStatus,
    /// What becomes of content: what was said to a model or a tool, and what came back.
    pub content: Content,
}

/// The status that an exporter is answered with when its spans are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OtlpStatus {
    /// That of OTLP.
    #[value(name = "200")]
    Ok,
    /// That of LoopKit, which every exporter takes for success.
    #[default]
    #[value(name = "202")]
    Accepted,
}

impl OtlpStatus {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Accepted => 202,
        }
    }
}

/// What providers sign their webhooks with, or send along with them.
#[derive(Debug, Clone, Default)]
pub struct WebhookSecrets {
    /// GitHub's.
    pub github: Option<Secret>,
    /// Sentry's.
    pub sentry: Option<Secret>,
    /// PostHog's.
    pub posthog: Option<Secret>,
}

/// What a `GET` on an approval link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Links {
    /// Browsers get a page with a button; clients that ask for JSON decide.
    #[default]
    Page,
    /// It decides.
    Direct,
    /// It never decides.
    Strict,
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Durability {
    /// A power cut.
    #[default]
    Full,
    /// A crash of the process, but not of the machine.
    Process,
}

/// What a key may ask by default: far more than one agent does, and still a bound.
pub const REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(5_999_999);

/// Bounds on what clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections; beyond it new ones wait.
    pub connections: usize,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// For a whole body.
    pub body_time: Duration,
    /// Between requests on one connection, and between pieces of an answer that the client takes.
    pub idle_time: Duration,
    /// For requests under way when the server is told to stop.
    pub drain_time: Duration,
    /// Between messages of an MCP session.
    pub session_time: Duration,
    /// What one key may ask of the developer and the improvement surface, in requests per minute.
    pub requests_per_minute: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(60),
            drain_time: Duration::from_secs(30),
            session_time: Duration::from_secs(60 * 60),
            requests_per_minute: REQUESTS_PER_MINUTE,
        }
    }
}

impl Config {
    /// A server in memory on a free port of this machine: for tests and try-outs.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self {
            listen: Listen::Tcp("127.0.0.1:0".to_owned()),
            listen_unix: None,
            db: PathBuf::from(":memory:"),
            durability: Durability::default(),
            public_url: None,
            smtp_url: None,
            smtp_from: None,
            secret_key: None,
            api_key: None,
            allow_private_targets: false,
            allow_signup: false,
            links: Links::default(),
            checkpoints: None,
            policies: None,
            webhooks: WebhookSecrets::default(),
            models: Models::default(),
            judge: None,
            traces: None,
            mcp_upstreams: Vec::new(),
            mcp_for_all_tenants: false,
            otlp: Otlp::default(),
            limits: Limits::default(),
        }
    }
}
