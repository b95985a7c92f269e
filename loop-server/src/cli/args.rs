//! What can be said on the command line. Secrets come from the environment only: arguments are seen by every
//! user of the machine.

use std::{ffi::OsStr, num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, builder::TypedValueParser, error::ErrorKind};
use loop_core::{
    access::Scope,
    base::{Time, secret::Secret},
};

use super::{hook::HookCommand, judge::JudgeArgs};
use crate::{
    config::{
        ANTHROPIC, Config, Durability, Limits, Links, MODEL_SECONDS, Models, OPENAI, REQUESTS_PER_MINUTE,
        WebhookSecrets,
    },
    http::Listen,
    log::LogFormat,
    mcp::upstream::{Spec, Specs},
    policies,
};

const ENVIRONMENT: &str = "Environment, besides the variables named above:
  LOOP_API_KEY     the first key of tenant `default` [default: minted and printed once]
  LOOP_SECRET_KEY  what stored secrets are sealed with [default: a key file beside the database]
  LOOP_SMTP_URL    the mail server: smtps://user:password@host, or smtp:// for STARTTLS, which a password makes
                   compulsory unless the URL ends in ?tls=none [default: no mail]
  LOOP_JUDGE_KEY   what the judging model is shown as a bearer token [default: none]
  LOOP_MCP_TOKEN_<NAME>
                   what the MCP server of this name is shown as a bearer token [default: none]
  GITHUB_WEBHOOK_SECRET, SENTRY_CLIENT_SECRET, POSTHOG_WEBHOOK_SECRET
                   what the webhooks of tenant `default` are verified with [default: those webhooks are refused]";

/// Loop governs AI agents: every action decided, approved, proved and learnt from
#[derive(Debug, Parser)]
#[command(name = "loop-server", version, after_help = ENVIRONMENT, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve, when no command is given.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (what happens without a command)
    #[command(after_help = ENVIRONMENT)]
    Serve(Box<ServeArgs>),
    /// Manage API keys, also while the server runs
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Block and unblock tools, also while the server runs
    Tools {
        /// What to do with them.
        #[command(subcommand)]
        command: ToolsCommand,
    },
    /// Check, explain and try rules, and bring them in and out as files, also while the server runs
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Check and export the log, also while the server runs
    Audit {
        /// What to do with it.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Decide the calls of a coding agent: what its hooks run, and how they are installed
    Hook {
        /// What to do.
        #[command(subcommand)]
        command: HookCommand,
    },
}

/// Where the database is.
#[derive(Debug, Clone, Args)]
pub struct DbArgs {
    /// The database file
    #[arg(long, env = "LOOP_DB", value_name = "FILE", default_value = "loop.db")]
    pub db: PathBuf,
}

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

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it once
    Create {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose key it is
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What people call it
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas [default: everything]
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// The loop it belongs to, by id or @tag [default: the tenant itself]
        #[arg(long = "loop", value_name = "LOOP")]
        of_loop: Option<String>,
        /// Make a sandbox key: everything it does is simulated [default: a live one]
        #[arg(long)]
        test: bool,
    },
    /// List keys, never the keys themselves
    List {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose keys
        #[arg(long, default_value = "default")]
        tenant: String,
    },
    /// Revoke a key; no request with it is served any more
    Revoke {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose key it is
        #[arg(long, default_value = "default")]
        tenant: String,
        /// Its id, as `keys list` shows it
        id: String,
    },
}

/// What to do with tools.
#[derive(Debug, Subcommand)]
pub enum ToolsCommand {
    /// Block a tool; no decision allows it any more
    Block {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose tool
        #[arg(long, default_value = "default")]
        tenant: String,
        /// Why, for people
        #[arg(long, default_value = "")]
        reason: String,
        /// Its exact name
        name: String,
    },
    /// Let a tool be called again
    Unblock {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose tool
        #[arg(long, default_value = "default")]
        tenant: String,
        /// Its exact name
        name: String,
    },
    /// Forget the pinned definitions of an MCP server's tools; each is pinned anew when it is next seen
    Unpin {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose pins
        #[arg(long, default_value = "default")]
        tenant: String,
        /// The server's name, as it is configured or was
        server: String,
    },
    /// List blocked tools
    List {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose tools
        #[arg(long, default_value = "default")]
        tenant: String,
    },
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check policy files, and say of every rule how it was understood
    Check {
        /// Fail when words of a rule are not understood
        #[arg(long)]
        strict: bool,
        /// Files, or folders of .toml and .json files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Explain a rule: what it means, what it reads, a call that it matches and one that it does not
    Explain {
        /// The database whose tools are told apart [default: none]
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
        /// Whose tools
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What it does
        #[arg(long, value_enum, default_value_t)]
        action: RuleAct,
        /// A call to say of whether it would be matched and why:
        /// {"tool_name": "…", "arguments": {…}, "agent_name": "…"}
        #[arg(long, value_name = "JSON")]
        call: Option<String>,
        /// The sentence
        text: String,
    },
    /// Say what a rule, or the rules of files together, would have done to the calls in the log
    Backtest {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose log
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What the sentence does
        #[arg(long, value_enum, default_value_t)]
        action: RuleAct,
        /// Only calls at or after this time, such as 2026-03-01T00:00:00Z [default: all]
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Time>,
        /// At most so many calls, the newest [default: 1000000]
        #[arg(long, value_name = "COUNT")]
        calls: Option<u64>,
        /// Write JSON
        #[arg(long)]
        json: bool,
        /// A policy file or a folder of them; may be given several times
        #[arg(long = "file", value_name = "PATH")]
        files: Vec<PathBuf>,
        /// The sentence
        #[arg(required_unless_present = "files")]
        text: Option<String>,
    },
    /// Write the rules to standard output, as `rules import` reads them
    Export {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose rules
        #[arg(long, default_value = "default")]
        tenant: String,
        /// In which form
        #[arg(long, value_enum, default_value_t)]
        format: policies::Form,
    },
    /// Add and change rules as a file or folder says: all of it or nothing
    Import {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose rules
        #[arg(long, default_value = "default")]
        tenant: String,
        /// Delete rules that do not stand there, but for those of the server's own policy files
        #[arg(long)]
        replace: bool,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// The file or folder
        path: PathBuf,
    },
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum RuleAct {
    /// Ask a human.
    #[default]
    Approve,
    /// Refuse at once.
    Block,
}

/// Whether a switch is on. A word that might mean either is refused: what it opens must not be opened by a guess.
fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "n" | "no" | "f" | "false" | "off" => Ok(false),
        "1" | "y" | "yes" | "t" | "true" | "on" => Ok(true),
        _ => Err("say `true` or `false`".to_owned()),
    }
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "not a time such as 2026-03-01T00:00:00Z".to_owned())
}

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no entry was changed, removed or moved; the first bad entry is named
    Verify {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Check one tenant only [default: all]
        #[arg(long)]
        tenant: Option<String>,
        /// A file of checkpoints kept elsewhere, which reveals a cut tail [default: none]
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
    },
    /// Write the log to standard output
    Export {
        /// The database.
        #[command(flatten)]
        db: DbArgs,
        /// Whose log
        #[arg(long, default_value = "default")]
        tenant: String,
        /// In which form
        #[arg(long, value_enum, default_value_t)]
        format: ExportFormat,
    },
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ExportFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// The columns of `/api/logs/export`.
    Csv,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("unknown scope; known are {}", known.join(", "))
    })
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
            mcp_upstreams: self
                .mcp_upstreams
                .iter()
                .flat_map(|specs| &specs.0)
                .cloned()
                .map(|spec| Spec { token: secret(&spec.token_variable()), ..spec })
                .collect(),
            mcp_for_all_tenants: self.mcp_for_all_tenants,
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

    use super::{Cli, Command, KeysCommand};

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_tells_its_default() {
        for command in std::iter::once(&mut Cli::command()).chain(Cli::command().get_subcommands_mut()) {
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let told = !arg.get_default_values().is_empty() || help.contains("[default:");
                let exempt = matches!(arg.get_id().as_str(), "help" | "version");
                assert!(told || exempt, "{} {}", command.get_name(), arg.get_id());
            }
        }
    }

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

    #[test]
    fn keys_are_made_with_known_scopes_only() {
        let of =
            |scopes: &str| Cli::try_parse_from(["loop-server", "keys", "create", "--name", "ci", "--scopes", scopes]);
        let Some(Command::Keys { command: KeysCommand::Create { scopes, tenant, .. } }) =
            of("policy:evaluate,logs:read").expect("parses").command
        else {
            panic!("another command");
        };
        assert_eq!((scopes.len(), tenant.as_str()), (2, "default"));
        assert!(of("everything").is_err());
    }
}
