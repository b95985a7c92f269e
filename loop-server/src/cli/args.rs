//! What can be said on the command line. Secrets come from the environment only: arguments are seen by every
//! user of the machine.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use loop_core::{access::Scope, base::Time};

use super::hook::HookCommand;
pub use super::serve::ServeArgs;
use crate::policies;

const ENVIRONMENT: &str = "Environment, besides the variables named above:
  LOOP_API_KEY     the first key of tenant `default` [default: minted and printed once]
  LOOP_SECRET_KEY  what stored secrets are sealed with [default: a key file beside the database]
  LOOP_SMTP_URL    the mail server: smtps://user:password@host, or smtp:// for STARTTLS, which a password makes
                   compulsory unless the URL ends in ?tls=none [default: no mail]
  LOOP_JUDGE_KEY   what the judging model is shown as a bearer token [default: none]
  LOOP_MCP_TOKEN_<NAME>
                   what the MCP server of this name is shown as a bearer token [default: none]
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME
                   where spans of our own decisions are sent, as OTLP's JSON [default: nowhere]
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
