//! How to serve: the options, and the configuration that they and the environment make.

use std::{ffi::OsStr, num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{Args, builder::TypedValueParser, error::ErrorKind};
use loop_core::{base::secret::Secret, telemetry::content::Content};

use super::{args::DbArgs, judge::JudgeArgs, onboarding::OnboardingArgs};
use crate::{
    config::{
        ANTHROPIC, Config, Durability, Limits, Links, MODEL_SECONDS, Models, OPENAI, Otlp, OtlpStatus,
        REQUESTS_PER_MINUTE, WebhookSecrets,
    },
    http::Listen,
    log::LogFormat,
    mcp::upstream::{Spec, Specs},
    tracing_out,
};

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen: HOST:PORT or unix:PATH
    #[arg(long, env = "LOOP_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4242")]
    pub listen: Listen,
    /// A Unix socket to listen on as well, which only this user may open [default: none]
    #[arg(long, env = "LOOP_LISTEN_UNIX", value_name = "PATH")]
    pub listen_unix: Option<PathBuf>,
    /// The database
    #[command(flatten)]
    pub db: DbArgs,
    /// What an acknowledged write survives: a power cut (full) or a crash of the process only
    #[arg(long, env = "LOOP_DURABILITY", value_enum, default_value_t)]
    pub durability: Durability,
    /// How log lines look
    #[arg(long, env = "LOOP_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, such as `warn` or `info,loop::request=debug`
    #[arg(long, env = "LOOP_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// The URL under which people reach this server, for links [default: the listen address]
    #[arg(long, env = "LOOP_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Who notices by mail come from [default: no mail]
    #[arg(long, env = "LOOP_SMTP_FROM", value_name = "ADDRESS")]
    pub smtp_from: Option<String>,
    /// Let webhooks and forwarded calls reach private addresses [default: refused]
    #[arg(long, env = "LOOP_ALLOW_PRIVATE_TARGETS", value_parser = switch)]
    pub allow_private_targets: bool,
    /// Let anyone make a tenant at /api/signup [default: refused]
    #[arg(long, env = "LOOP_ALLOW_SIGNUP", value_parser = switch)]
    pub allow_signup: bool,
    /// What a GET on an approval link does: show a page to browsers, always decide, or never decide
    #[arg(long, env = "LOOP_LINKS", value_name = "MODE", value_enum, default_value_t = Links::Page)]
    pub links: Links,
    /// Append checkpoints of the log to a file kept elsewhere [default: none]
    #[arg(long, env = "LOOP_CHECKPOINTS", value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    /// A folder of policy files whose rules tenant `default` has, besides those made otherwise; watched [default: none]
    #[arg(long, env = "LOOP_POLICIES", value_name = "FOLDER")]
    pub policies: Option<PathBuf>,
    /// Where the proxy's OpenAI requests go
    #[arg(long, env = "LOOP_OPENAI_BASE_URL", value_name = "URL", default_value = OPENAI)]
    pub openai_base_url: String,
    /// Where the proxy's Anthropic requests go
    #[arg(long, env = "LOOP_ANTHROPIC_BASE_URL", value_name = "URL", default_value = ANTHROPIC)]
    pub anthropic_base_url: String,
    /// Seconds that a model may think before it answers, and pause while it does
    #[arg(long, env = "LOOP_UPSTREAM_SECONDS", value_name = "SECONDS", default_value_t = MODEL_SECONDS,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub upstream_seconds: u64,
    /// The judging model
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// An MCP server whose tools are offered as NAME__tool, every call decided first: its URL, or a command that speaks
    /// MCP on its standard input and output; may be given several times, in the environment a line each [default: none]
    #[arg(long = "mcp-upstream", env = "LOOP_MCP_UPSTREAMS", value_name = "NAME=URL|COMMAND", hide_env_values = true,
          value_parser = McpServers)]
    pub mcp_upstreams: Vec<Specs>,
    /// Let every tenant use the MCP servers [default: `default` only]
    #[arg(long, env = "LOOP_MCP_FOR_ALL_TENANTS", value_parser = switch)]
    pub mcp_for_all_tenants: bool,
    /// The status of success at /v1/traces: 202 as LoopKit has it, or 200 as OTLP has it
    #[arg(long, env = "LOOP_OTLP_STATUS", value_name = "STATUS", value_enum, default_value_t)]
    pub otlp_status: OtlpStatus,
    /// What becomes of prompts, answers, arguments and results in spans: keep them, masked, or drop them
    #[arg(long, env = "LOOP_OTLP_CONTENT", value_name = "WHAT", value_parser = content, default_value = "keep")]
    pub otlp_content: Content,
    /// What projects of telemetry are granted
    #[command(flatten)]
    pub onboarding: OnboardingArgs,
    /// Open connections at most; more wait
    #[arg(long, env = "LOOP_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_connections: u32,
    /// Seconds within which a request's head must arrive
    #[arg(long, env = "LOOP_HEAD_TIMEOUT", value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub head_timeout: u64,
    /// Seconds within which a request's body must arrive
    #[arg(long, env = "LOOP_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub body_timeout: u64,
    /// Seconds that a connection may lie idle
    #[arg(long, env = "LOOP_IDLE_TIMEOUT", value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub idle_timeout: u64,
    /// Seconds that requests under way get when the server is told to stop
    #[arg(long, env = "LOOP_DRAIN_TIMEOUT", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub drain_timeout: u64,
    /// Requests per minute that one key may make on the developer and the improvement surface
    #[arg(long, env = "LOOP_RATE_LIMIT", value_name = "COUNT", default_value_t = REQUESTS_PER_MINUTE)]
    pub rate_limit: NonZeroU32,
    /// Threads that serve [default: one per core]
    #[arg(long, env = "LOOP_THREADS", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Reads MCP servers. What cannot be read is refused without repeating it, as the usual parsers would: a URL or a command
/// may hold secrets.
#[derive(Clone)]
struct McpServers;

impl TypedValueParser for McpServers {
    type Value = Specs;

    fn parse_ref(&self, _: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<Specs, clap::Error> {
        let specs = value.to_str().ok_or_else(|| "it is no UTF-8".to_owned()).and_then(str::parse);
        specs.map_err(|why| {
            let text = format!("an MCP server of --mcp-upstream or LOOP_MCP_UPSTREAMS cannot be read: {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, text)
        })
    }
}

/// Whether a switch is on. A word that might mean either is refused: what it opens must not be opened by a guess.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "n" | "no" | "f" | "false" | "off" => Ok(false),
        "1" | "y" | "yes" | "t" | "true" | "on" => Ok(true),
        _ => Err("say `true` or `false`".to_owned()),
    }
}

/// What becomes of content.
fn content(text: &str) -> Result<Content, String> {
    match text {
        "keep" => Ok(Content::Kept),
        "drop" => Ok(Content::Dropped),
        _ => Err("say `keep` or `drop`".to_owned()),
    }
}

/// A setting, or its default when a variable of the environment is set to nothing.
fn given(text: &str, default: &str) -> String {
    if text.is_empty() { default } else { text }.to_owned()
}

impl ServeArgs {
    /// The configuration, its secrets read from the environment.
    #[must_use]
    pub fn config(&self, environment: impl Fn(&str) -> Option<String>) -> Config {
        let secret = |name: &str| environment(name).filter(|text| !text.is_empty()).map(Secret::new);
        Config {
            listen: self.listen.clone(),
            listen_unix: self.listen_unix.clone().filter(|path| !path.as_os_str().is_empty()),
            db: self.db.db.clone(),
            durability: self.durability,
            public_url: self
                .public_url
                .as_deref()
                .filter(|url| !url.is_empty())
                .map(|url| url.trim_end_matches('/').to_owned()),
            smtp_url: secret("LOOP_SMTP_URL"),
            smtp_from: self.smtp_from.clone().filter(|from| !from.is_empty()),
            secret_key: secret("LOOP_SECRET_KEY"),
            api_key: secret("LOOP_API_KEY"),
            allow_private_targets: self.allow_private_targets,
            allow_signup: self.allow_signup,
            links: self.links,
            checkpoints: self.checkpoints.clone(),
            policies: self.policies.clone().filter(|path| !path.as_os_str().is_empty()),
            webhooks: WebhookSecrets {
                github: secret("GITHUB_WEBHOOK_SECRET"),
                sentry: secret("SENTRY_CLIENT_SECRET"),
                posthog: secret("POSTHOG_WEBHOOK_SECRET"),
            },
            models: Models {
                openai: given(&self.openai_base_url, OPENAI),
                anthropic: given(&self.anthropic_base_url, ANTHROPIC),
                patience: Duration::from_secs(self.upstream_seconds),
            },
            judge: self.judge.settings(secret("LOOP_JUDGE_KEY")),
            traces: tracing_out::Settings::read(&environment),
            mcp_upstreams: self
                .mcp_upstreams
                .iter()
                .flat_map(|specs| &specs.0)
                .cloned()
                .map(|spec| Spec { token: secret(&spec.token_variable()), ..spec })
                .collect(),
            mcp_for_all_tenants: self.mcp_for_all_tenants,
            otlp: Otlp { status: self.otlp_status, content: self.otlp_content },
            onboarding: self.onboarding.settings(secret("SIGNUP_UPGRADE_SECRET")),
            limits: Limits {
                connections: usize::try_from(self.max_connections).unwrap_or(1024),
                head_time: Duration::from_secs(self.head_timeout),
                body_time: Duration::from_secs(self.body_timeout),
                idle_time: Duration::from_secs(self.idle_timeout),
                drain_time: Duration::from_secs(self.drain_timeout),
                requests_per_minute: self.rate_limit,
                ..Limits::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::cli::Cli;

    #[test]
    fn serving_is_what_happens_without_a_command() {
        let cli = Cli::try_parse_from(["loop-server", "--listen", "unix:loop.sock", "--db", "a.db"]).expect("parses");
        assert!(cli.command.is_none());
        let config = cli.serve.config(|name| (name == "LOOP_API_KEY").then(|| "tl_x".to_owned()));
        assert_eq!(config.listen.to_string(), "unix:loop.sock");
        assert_eq!(config.api_key.map(|key| key.expose().to_owned()).as_deref(), Some("tl_x"));
        assert!(config.secret_key.is_none());
        assert!(
            !format!("{:?}", Cli::parse_from(["loop-server"]).serve.config(|_| Some("s3cret".to_owned())))
                .contains("s3cret")
        );
    }

    #[test]
    fn a_switch_is_on_or_off_and_nothing_in_between() {
        let [on, off] = [["1", "true", " Yes "], ["", "0", "false "]];
        assert!(on.iter().all(|text| super::switch(text) == Ok(true)));
        assert!(off.iter().all(|text| super::switch(text) == Ok(false)));
        assert!(["disabled", "default", "2"].iter().all(|text| super::switch(text).is_err()));
    }

    #[test]
    fn mcp_servers_come_one_by_one_or_by_line_and_find_their_tokens() {
        let of = |arguments: &[&str]| Cli::try_parse_from([&["loop-server"], arguments].concat());
        let cli = of(&["--mcp-upstream", "a=run it", "--mcp-upstream", "b-c=http://x.example/mcp\n\nd=walk"])
            .expect("parses");
        let config = cli.serve.config(|name| (name == "LOOP_MCP_TOKEN_B_C").then(|| "t0ken".to_owned()));
        let told: Vec<(&str, bool)> =
            config.mcp_upstreams.iter().map(|spec| (spec.name.as_str(), spec.token.is_some())).collect();
        assert_eq!(told, [("a", false), ("b-c", true), ("d", false)]);
        assert!(!format!("{config:?}").contains("t0ken"));
        assert!(of(&["--mcp-upstream", "run it"]).is_err());
    }

    #[test]
    fn an_mcp_server_that_cannot_be_read_is_never_repeated_nor_shown_by_help() {
        for bad in ["s3cret", "https://me:s3cret@x.example/?a=b", "a=run 's3cret", "a=b\nc_d=s3cret"] {
            let error = Cli::try_parse_from(["loop-server", "--mcp-upstream", bad]).expect_err(bad);
            let told = format!("{error} {error:?}");
            assert!(told.contains("--mcp-upstream") && !told.contains("s3cret"), "{told}");
        }
        let command = Cli::command();
        let of_environment = command.get_arguments().find(|arg| arg.get_id() == "mcp_upstreams").expect("an option");
        assert!(of_environment.is_hide_env_values_set());
    }
}
