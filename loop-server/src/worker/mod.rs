//! Work in the background. None of it stands in the way of a decision, all of it may be killed at any point: what
//! is to be done is a row in the store, and what was begun and not ended is done again.
//!
//! - [`supervise`]: starting, restarting and stopping workers.
//! - [`wake`]: telling a worker that there is something to do.
//! - [`periodic`]: a step repeated for ever, its failures backed off.
//! - [`delivery`]: notices out of the outbox.
//! - [`places`]: how many deliveries run at once, and whose.
//! - [`expiry`]: approvals that nobody decided.
//! - [`invocations`]: calls of tools that never came to an end.
//! - [`kept`]: completions of language models whose time is over.
//! - [`leases`]: claims of issues that were not held on to.
//! - [`retention`]: what tenants do not want to keep.
//! - [`spans`]: spans that are too old, and projects whose time is over.
//! - [`epochs`]: policies that changed in another process.
//! - [`policies`]: rules of policy files, when they change.
//! - [`checkpoints`]: ends of the log written to a file of their own.

pub mod checkpoints;
pub mod delivery;
pub mod epochs;
pub mod expiry;
pub mod invocations;
pub mod kept;
pub mod leases;
pub mod periodic;
pub mod places;
pub mod policies;
pub mod retention;
pub mod spans;
pub mod supervise;
#[cfg(test)]
mod tests;
pub mod wake;

pub use checkpoints::CheckpointFile;
pub use delivery::Delivery;
pub use periodic::{Step, every};
pub use supervise::{Stop, Workers};
pub use wake::Wake;

use loop_core::engine::Engine;

use crate::outbound::post::Post;

/// Starts every worker on the current tokio runtime.
///
/// Ring `wake` once a notice is durable, that is when a decision answered that a human is asked.
#[must_use]
pub fn start(engine: &Engine, post: &Post, wake: &Wake, checkpoints: Option<&CheckpointFile>) -> Workers {
    let mut workers = Workers::new();
    let delivery = Delivery::new(engine.clone(), post.clone(), wake.clone());
    workers.spawn("delivery", move |stop| delivery.clone().run(stop));
    let (held, bell) = (engine.clone(), wake.clone());
    workers.spawn("expiry", move |stop| expiry::run(held.clone(), bell.clone(), expiry::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("invocations", move |stop| invocations::run(held.clone(), invocations::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("kept", move |stop| kept::run(held.clone(), kept::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("leases", move |stop| leases::run(held.clone(), leases::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("retention", move |stop| retention::run(held.clone(), retention::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("spans", move |stop| spans::run(held.clone(), spans::PAUSE, stop));
    let held = engine.clone();
    workers.spawn("epochs", move |stop| epochs::run(held.clone(), epochs::PAUSE, stop));
    if let Some(file) = checkpoints.cloned() {
        let held = engine.clone();
        workers
            .spawn("checkpoints", move |stop| checkpoints::run(held.clone(), file.clone(), checkpoints::PAUSE, stop));
    }
    workers
}
