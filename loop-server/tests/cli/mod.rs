//! The command line, on a database that a server uses at the same time.

mod audit;
mod keys;
mod process;
mod rules;
mod tools;
mod try_out;

use clap::Parser;
use loop_server::cli::{
    Cli,
    run::{CliError, dispatch},
};

use crate::support::Fixture;

/// Runs a command on the fixture's database and answers what it wrote.
async fn run(fixture: &Fixture, args: &[&str]) -> Result<String, CliError> {
    let db = fixture.server.app.config.db.clone();
    let mut line: Vec<String> = std::iter::once("loop-server").chain(args.iter().copied()).map(str::to_owned).collect();
    line.extend(["--db".to_owned(), db.display().to_string()]);
    // Commands wait for the store on their own thread.
    tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        dispatch(Cli::parse_from(line), |_| None, &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    })
    .await
    .expect("no panic")
}
