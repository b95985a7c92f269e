//! The sidecar of Loop.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(loop_server::cli::run::program())
}
