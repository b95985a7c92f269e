//! What the operator decides, read once at the start.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use loop_core::{
    base::{TenantId, secret::Secret},
    onboarding::provision::Grants,
    telemetry::content::Content,
};

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
    /// What projects of telemetry are granted.
    pub onboarding: Onboarding,
    /// Bounds on what clients may take.
    pub limits: Limits,
}

/// What projects of telemetry are granted.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// What the codes are made with that recover keys and make projects permanent; without it there are none.
    pub secret: Option<Secret>,
    /// Whether provisioned projects are permanent at once. Without [`Self::secret`] none is.
    pub auto_graduate: bool,
    /// The tenant of projects that are made without a key.
    pub sandbox: TenantId,
    /// How many of them there may be; 0 switches making them off.
    pub sandbox_projects: u64,
    /// How many spans one of them may send.
    pub sandbox_quota: u64,
    /// How many days one of them lives.
    pub sandbox_days: u32,
    /// How many spans a project of a tenant's own may send; `None` for any number.
    pub project_quota: Option<u64>,
    /// How many projects one network address may make without a key, per minute.
    pub provisions_per_minute: NonZeroU32,
    /// How often one network address may try to recover keys, per minute.
    pub recoveries_per_minute: NonZeroU32,
}

/// The usual tenant of projects that are made without a key.
pub const SANDBOX: &str = "sandbox";
/// How many projects may be made without a key, unless the operator says otherwise.
pub const SANDBOX_PROJECTS: u64 = 10_000;
/// How many spans one of them may send, unless the operator says otherwise.
pub const SANDBOX_QUOTA: u64 = 10_000;
/// How many days one of them lives, unless the operator says otherwise.
pub const SANDBOX_DAYS: u32 = 7;
/// How many projects an address may make per minute, unless the operator says otherwise.
pub const PROVISIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// How often an address may try to recover keys per minute, unless the operator says otherwise.
pub const RECOVERIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

impl Default for Onboarding {
    fn default() -> Self {
        Self {
            secret: None,
            auto_graduate: false,
            sandbox: TenantId::parse(SANDBOX).unwrap_or_else(TenantId::directory),
            sandbox_projects: SANDBOX_PROJECTS,
            sandbox_quota: SANDBOX_QUOTA,
            sandbox_days: SANDBOX_DAYS,
            project_quota: None,
            provisions_per_minute: PROVISIONS,
            recoveries_per_minute: RECOVERIES,
        }
    }
}

impl Onboarding {
    /// The same for the core.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants {
            sandbox: self.sandbox.clone(),
            most: self.sandbox_projects,
            quota_spans: self.sandbox_quota,
            life: i64::from(self.sandbox_days).saturating_mul(86_400),
            graduates: self.auto_graduate && self.secret.is_some(),
            tenant_quota: self.project_quota,
        }
    }
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
            onboarding: Onboarding::default(),
            limits: Limits::default(),
        }
    }
}
