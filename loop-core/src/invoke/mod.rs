//! The gated call of a tool: what is kept of it, how it begins and how it ends.
//!
//! The gates themselves are the engine's ([`crate::engine::Engine::invoke`]): they need the compiled policy.
//!
//! - [`publish`]: putting a manifest on the shelf, and reviewing it.
//! - [`invocation`]: a call as kept.
//! - [`begin`]: a call that passed its gates: simulated, waiting for a human, or running with its credits reserved.
//! - [`end`]: what came of a running call: credits, proof and trust.
//! - [`capture`]: what an answer carries to prove itself.
//! - [`sweep`]: calls that never came to an end.
//! - [`attach`]: a proof that a loop brings of its own.
//! - [`erase`]: forgetting calls.
//! - [`usage`]: how much was called and paid.
//! - [`provider`]: who executes a call.

mod attach;
mod begin;
mod capture;
mod end;
pub mod erase;
mod error;
mod invocation;
pub mod provider;
mod publish;
mod sweep;
mod usage;

pub use attach::{Claim, attach, audit_proof, fetched};
pub use begin::{Start, pending, run, simulate};
pub use capture::{Captured, capture};
pub use end::{Ended, fail, succeed};
pub use error::CallError;
pub use invocation::{INVOCATIONS, Invocation, InvocationStatus, get, of_task};
pub use provider::{Answering, Fault, Job, Natives, Provider};
pub use publish::{MAX_TOOLS, MAX_VERSIONS, publish, review};
pub use sweep::{Swept, TIMERS, sweep};
pub use usage::{Metric, Month, USAGE, months, note};
