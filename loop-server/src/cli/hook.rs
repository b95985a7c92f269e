//! `hook claude-code`, `hook codex` and `hook install`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use loop_core::base::secret::Secret;

use super::run::{CliError, Out};
use crate::hook::{
    Agent,
    entry::Entry,
    install::{self, Done},
    process::{DEFAULT_URL, Run},
};

const EXIT: &str =
    "Reads a `PreToolUse` event on standard input. Nothing objects: no output, exit 0. Blocked, or waiting for
approval: the refusal in the tool's own form, exit 0. Anything else: one line on standard error, exit 2, which blocks
the call too.";

/// The part of the command line that a hook needs: what follows `loop-server`.
#[derive(Debug, Parser)]
#[command(name = "hook", bin_name = "loop-server hook")]
pub(super) struct HookCli {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: HookCommand,
}

/// What to do about hooks.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Decide one call of Claude Code
    #[command(after_help = EXIT)]
    ClaudeCode {
        /// How.
        #[command(flatten)]
        args: HookArgs,
        /// Leave a call that waits for approval to the person at the terminal [default: refused until approved]
        #[arg(long)]
        ask: bool,
    },
    /// Decide one call of Codex
    #[command(after_help = EXIT)]
    Codex {
        /// How.
        #[command(flatten)]
        args: HookArgs,
    },
    /// Write the hook into a coding agent's settings, or take it out again
    Install {
        /// Whose settings
        #[arg(value_enum)]
        agent: Agent,
        /// The settings of the project in this folder [default: the user's own]
        #[arg(long)]
        project: bool,
        /// Take out what was installed and nothing else [default: install]
        #[arg(long)]
        uninstall: bool,
        /// How.
        #[command(flatten)]
        args: HookArgs,
        /// Leave a call that waits for approval to the person at the terminal [default: refused until approved]
        #[arg(long)]
        ask: bool,
    },
}

/// How a hook comes to a decision. The key itself is in LOOP_API_KEY or in a file, never an argument.
///
/// INVARIANT: no variable of the environment names who decides. A project's own settings and `.env` files set such
/// variables, and could name a server that allows everything.
#[derive(Debug, Clone, Args)]
pub struct HookArgs {
    /// The server: http://HOST:PORT or unix:PATH [default: http://127.0.0.1:4242]
    #[arg(long, value_name = "URL", conflicts_with = "db")]
    pub url: Option<String>,
    /// Decide on this database file [default: ask the server]
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// A file that holds the key [default: the key in LOOP_API_KEY]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

impl HookCommand {
    /// The run that decides a call; `None` for a command that decides none.
    pub fn run(&self, environment: impl Fn(&str) -> Option<String>) -> Option<Run> {
        let (agent, args, ask) = match self {
            Self::ClaudeCode { args, ask } => (Agent::ClaudeCode, args, *ask),
            Self::Codex { args } => (Agent::Codex, args, false),
            Self::Install { .. } => return None,
        };
        let set = |name: &str| environment(name).filter(|text| !text.is_empty());
        Some(Run {
            agent,
            url: args.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned()),
            db: args.db.clone(),
            key_file: args.key_file.clone(),
            key: set("LOOP_API_KEY").map(Secret::new),
            secret_key: set("LOOP_SECRET_KEY").map(Secret::new),
            ask,
        })
    }
}

/// Installs or takes out a hook and says what it did.
pub(super) fn install(
    command: HookCommand,
    environment: impl Fn(&str) -> Option<String>,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let HookCommand::Install { agent, project, uninstall, args, ask } = command else { return Ok(()) };
    let file = install::file(agent, project, environment)?;
    if uninstall {
        match install::uninstall(agent, &file)? {
            Done::Nothing => writeln!(out, "no hook of ours in {}", file.display())?,
            Done::Removed => writeln!(out, "removed {}, which held nothing else", file.display())?,
            Done::Written { .. } => writeln!(out, "took our hook out of {}", file.display())?,
        }
        return Ok(());
    }
    let entry = Entry::new(agent, args.url, args.db, args.key_file.clone(), ask)?;
    match install::install(&entry, &file)? {
        Done::Nothing | Done::Removed => writeln!(out, "already installed in {}", file.display())?,
        Done::Written { backup: Some(backup) } => {
            writeln!(out, "installed in {}; as it was before: {}", file.display(), backup.display())?;
        }
        Done::Written { backup: None } => writeln!(out, "installed in {}", file.display())?,
    }
    if args.key_file.is_none() {
        writeln!(out, "the key is taken from LOOP_API_KEY, which a project may set as well: better give --key-file")?;
    }
    if agent == Agent::Codex {
        writeln!(out, "Codex runs a new or changed hook only after you trusted it: open /hooks there once")?;
    }
    Ok(())
}
