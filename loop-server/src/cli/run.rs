//! Which command does what, and how the process ends: 0 when all went well, 1 when it did not, 2 when
//! `audit verify` found a damaged log.

use std::{
    collections::HashMap,
    error::Error,
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Parser as _, ValueEnum as _};
use loop_core::{
    access::{AccessError, Scopes},
    audit::AuditError,
    base::secret::Secret,
    engine::DecideError,
    store::StoreError,
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    args::{AuditCommand, Cli, Command, ExportFormat, KeysCommand, RulesCommand, ServeArgs, ToolsCommand},
    audit,
    hook::{self, HookCli},
    keys, rules, tools,
};
use crate::{
    hook::{Agent, process},
    http::Listener,
    log,
    open::{self, Mode, OpenError, Opened},
    start, welcome,
};

/// Where a command writes what it was asked for.
pub(super) type Out<'o> = dyn Write + 'o;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The log cannot be started.
    #[error(transparent)]
    Log(#[from] log::LogError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] start::StartError),
    /// The address cannot be used.
    #[error("cannot listen on `{0}`")]
    Listen(String, #[source] io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No such tenant.
    #[error("there is no tenant `{0}`")]
    NoTenant(String),
    /// A key was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The log cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line that is no checkpoint of ours.
    #[error("`{}`, line {line}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Checkpoints cannot be checked without the key that signed them.
    #[error("checkpoints need the key that signed them: set LOOP_SECRET_KEY or keep the key file beside the database")]
    NoMasterKey,
    /// Logs are damaged; which ones was written out.
    #[error("{0} logs are damaged")]
    Damaged(usize),
    /// The change was refused.
    #[error(transparent)]
    Refused(#[from] DecideError),
    /// The call to explain is none.
    #[error("the call is not valid: {0}")]
    NoCall(String),
    /// Policy files cannot be used.
    #[error(transparent)]
    File(#[from] crate::policies::FileError),
    /// Rules were not fully understood; which ones was written out.
    #[error("{0} rules are not fully understood")]
    Unclear(usize),
    /// A coding agent's call was blocked; why was told on standard error.
    #[error("the call is blocked")]
    Blocked,
    /// The settings of a coding agent could not be changed.
    #[error(transparent)]
    Hook(#[from] crate::hook::install::InstallError),
    /// Input or output failed.
    #[error("input or output failed")]
    Io(#[from] io::Error),
}

/// The whole program: reads the command line, does what it says and answers the process's exit code.
#[must_use]
pub fn program() -> u8 {
    let words = || std::env::args_os().skip(1);
    // A hook has a few milliseconds. Describing all the options that a server has, and looking for each of them in the
    // environment, would take a good part of one.
    let agent = |word: OsString| Agent::value_variants().iter().any(|agent| word == agent.name());
    if words().next().is_some_and(|word| word == "hook")
        && words().nth(1).is_some_and(agent)
        && let Some(run) = HookCli::parse_from(words()).command.run(|name| std::env::var(name).ok())
    {
        return process::run(run);
    }
    run(Cli::parse())
}

/// Runs the command line and answers the process's exit code.
#[must_use]
pub fn run(cli: Cli) -> u8 {
    let environment = |name: &str| std::env::var(name).ok();
    // A hook has exit codes of its own.
    if let Some(Command::Hook { command }) = &cli.command
        && let Some(run) = command.run(environment)
    {
        return process::run(run);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = dispatch(cli, environment, &mut out).and_then(|()| out.flush().map_err(CliError::from));
    match done {
        Ok(()) => 0,
        Err(error) => {
            // What was found before the failure is wanted too. Without standard error there is nobody to tell.
            let _ = out.flush();
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            let _ = writeln!(io::stderr(), "loop-server: {text}");
            if matches!(error, CliError::Damaged(_)) { 2 } else { 1 }
        }
    }
}

/// Does what the command line says; what it was asked for goes to `out`.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn dispatch(cli: Cli, environment: impl Fn(&str) -> Option<String>, out: &mut Out<'_>) -> Result<(), CliError> {
    let secret_key = environment("LOOP_SECRET_KEY").filter(|text| !text.is_empty()).map(Secret::new);
    let opened = |db: &Path, mode| open::open(db, mode, secret_key.as_ref());
    match cli.command {
        None => serve(&cli.serve, environment, out),
        Some(Command::Serve(args)) => serve(&args, environment, out),
        Some(Command::Hook { command }) => match command.run(&environment) {
            None => hook::install(command, environment, out),
            Some(run) => {
                if process::run(run) == 0 {
                    Ok(())
                } else {
                    Err(CliError::Blocked)
                }
            }
        },
        Some(Command::Keys { command }) => match command {
            KeysCommand::Create { db, tenant, name, scopes, of_loop, test } => {
                let scopes = if scopes.is_empty() { Scopes::all() } else { scopes.into_iter().collect() };
                let wanted = keys::Wanted { name, scopes, of_loop, test };
                with(opened(&db.db, Mode::Change)?, |opened| {
                    let tenant = keys::tenant(&opened.engine, &tenant)?;
                    keys::create(&opened.engine, &tenant, wanted, out)
                })
            }
            KeysCommand::List { db, tenant } => with(opened(&db.db, Mode::Read)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                keys::list(&opened.engine, &tenant, out)
            }),
            KeysCommand::Revoke { db, tenant, id } => with(opened(&db.db, Mode::Change)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                keys::revoke(&opened.engine, &tenant, id, out)
            }),
        },
        Some(Command::Tools { command }) => match command {
            ToolsCommand::Block { db, tenant, reason, name } => with(opened(&db.db, Mode::Change)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                tools::block(&opened.engine, &tenant, name, reason, out)
            }),
            ToolsCommand::Unblock { db, tenant, name } => with(opened(&db.db, Mode::Change)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                tools::unblock(&opened.engine, &tenant, name, out)
            }),
            ToolsCommand::Unpin { db, tenant, server } => with(opened(&db.db, Mode::Change)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                tools::unpin(&opened.engine, &tenant, &server, out)
            }),
            ToolsCommand::List { db, tenant } => with(opened(&db.db, Mode::Read)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                tools::list(&opened.engine, &tenant, out)
            }),
        },
        Some(Command::Rules { command }) => match command {
            RulesCommand::Check { strict, files } => rules::check(&files, strict, out),
            RulesCommand::Explain { db: None, text, action, call, .. } => {
                rules::explain(text, action, call.as_deref(), None, out)
            }
            RulesCommand::Explain { db: Some(db), tenant, text, action, call } => {
                with(opened(&db, Mode::Read)?, |opened| {
                    let tenant = keys::tenant(&opened.engine, &tenant)?;
                    rules::explain(text, action, call.as_deref(), Some((&opened.engine, &tenant)), out)
                })
            }
            RulesCommand::Backtest { db, tenant, action, since, calls, json, files, text } => {
                with(opened(&db.db, Mode::Read)?, |opened| {
                    let tenant = keys::tenant(&opened.engine, &tenant)?;
                    let asked = rules::Asked { text, files, action, since, calls, json };
                    rules::backtest(&opened.engine, &tenant, asked, out)
                })
            }
            RulesCommand::Export { db, tenant, format } => with(opened(&db.db, Mode::Read)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                rules::export(&opened.engine, &tenant, format, out)
            }),
            RulesCommand::Import { db, tenant, replace, dry_run, path } => {
                with(opened(&db.db, Mode::Change)?, |opened| {
                    let tenant = keys::tenant(&opened.engine, &tenant)?;
                    rules::import(&opened.engine, &tenant, &path, replace, dry_run, out)
                })
            }
        },
        Some(Command::Audit { command }) => match command {
            AuditCommand::Verify { db, tenant, checkpoints } => with(opened(&db.db, Mode::Read)?, |opened| {
                let engine = &opened.engine;
                let mut known = match checkpoints {
                    Some(_) if !opened.keyed => return Err(CliError::NoMasterKey),
                    Some(path) => audit::read_checkpoints(engine, &path)?,
                    None => HashMap::new(),
                };
                let tenants = match tenant {
                    Some(name) => {
                        let one = keys::tenant(engine, &name)?;
                        known.retain(|tenant, _| *tenant == one);
                        vec![one]
                    }
                    None => audit::all_tenants(engine)?,
                };
                audit::verify(engine, &tenants, known, out)
            }),
            AuditCommand::Export { db, tenant, format } => with(opened(&db.db, Mode::Read)?, |opened| {
                let tenant = keys::tenant(&opened.engine, &tenant)?;
                match format {
                    ExportFormat::Json => audit::export_json(&opened.engine, &tenant, out),
                    ExportFormat::Csv => audit::export_csv(&opened.engine, &tenant, out),
                }
            }),
        },
    }
}

/// Works on an open database and closes it however that ends.
fn with(opened: Opened, work: impl FnOnce(&Opened) -> Result<(), CliError>) -> Result<(), CliError> {
    let done = work(&opened);
    opened.close();
    done
}

fn serve(args: &ServeArgs, environment: impl Fn(&str) -> Option<String>, out: &mut Out<'_>) -> Result<(), CliError> {
    log::start(&args.log, args.log_format)?;
    let config = args.config(environment);
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    if let Some(count) = args.threads {
        threads.worker_threads(usize::from(count));
    }
    threads.enable_all().build()?.block_on(async {
        let listen = config.listen.clone();
        let listener = Listener::bind(&listen).await.map_err(|error| CliError::Listen(listen.to_string(), error))?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = start::serve(config, listener).await?;
        server.app.metrics.install();
        if server.bootstrap.fresh || server.bootstrap.minted.is_some() {
            // The one place where a key is shown; never the log.
            out.write_all(welcome::text(server.bound(), server.bootstrap.minted.as_ref()).as_bytes())?;
            out.flush()?;
        }
        tracing::info!(target: "loop::server", address = %server.bound(), version = env!("CARGO_PKG_VERSION"), "listening");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(target: "loop::server", "stopping");
        server.shutdown().await;
        Ok(())
    })
}
