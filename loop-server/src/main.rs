//! The sidecar of Loop.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    ExitCode::from(loop_server::cli::run::run(loop_server::cli::Cli::parse()))
}
