//! The sidecar of Loop.

use std::process::ExitCode;

use clap::Parser;

// Requests are decided on one thread and freed on another, which is what the system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(loop_server::cli::run::run(loop_server::cli::Cli::parse()))
}
