//! Approvals: asking a human, and letting the one approved call through once.
//!
//! - [`binding`]: what exactly was approved.
//! - [`request`]: the approval as stored.
//! - [`settle`]: what a call that needs approval finds: nothing yet, a wait, a yes to use up, or a no.
//! - [`decide`]: a human's answer.
//! - [`definition`]: tools of others, whose definitions are pinned and asked about when they change.
//! - [`definition_change`]: what an approver is shown of such a change.
//! - [`erase`]: forgetting what an approval was about.
//! - [`expire`]: what happens when nobody answers.
//! - [`query`]: reading approvals.
//! - [`poll`]: a client that holds only the id asks how it ended.

mod binding;
mod decide;
pub mod definition;
mod definition_change;
mod erase;
mod error;
mod expire;
mod poll;
mod query;
mod request;
mod settle;

pub use binding::{binding, invocation_binding, repeat_binding};
pub use decide::{Answer, Decided, Via, decide};
pub use erase::{erase, erase_chunk, purge_before};
pub use error::ApprovalError;
pub use expire::{TIMERS, expire_due};
pub use poll::{Polled, poll};
pub use query::{all, get, history, history_count, pending, pending_count};
pub use request::{APPROVALS, Approval, Asking, State, UsedBy};
pub use settle::{DENIAL_SECONDS, Proposal, Settled, Standing, look, settle};
