//! The developer surface.
//!
//! - [`aap`]: messages between loops.
//! - [`evaluate`]: what the policy says of a step.
//! - [`loops`] and [`keys`]: who acts, and with which keys.
//! - [`tools`] and [`invoke`]: manifests, and the gated calls of what they publish.
//! - [`proof`] and [`trust`]: what shows that an outcome is real, and what that is worth.
//! - [`credits`] and [`usage`]: what calls cost.
//! - [`approvals`]: what waits for a human.
//! - [`tasks`] and [`transactions`]: work, and what is held in escrow for it.
//! - [`page`]: what lists have in common.

mod aap;
mod approvals;
mod credits;
mod evaluate;
mod invoke;
mod keys;
mod loops;
mod page;
mod proof;
mod tasks;
mod tools;
mod transactions;
mod trust;
mod usage;

use loop_core::{
    access::{AccessError, Ctx},
    base::{TenantId, id::LoopId},
};

use crate::{
    http::{Call, Failure, Row},
    state::App,
};

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[
    evaluate::ROWS,
    loops::ROWS,
    keys::ROWS,
    tools::ROWS,
    invoke::ROWS,
    proof::ROWS,
    trust::ROWS,
    credits::ROWS,
    usage::ROWS,
    approvals::ROWS,
    aap::ROWS,
    tasks::ROWS,
    transactions::ROWS,
];

/// What a use case runs in.
fn context(call: &Call) -> Result<Ctx, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(AccessError::from);
    cx.map_err(|error| Failure::of(error.code(), &error))
}

/// What the wallet that pays for a loop still holds, when there is one. Asked with every answer: it must not touch
/// storage.
pub(crate) fn credits_left(app: &App, tenant: &TenantId, loop_id: LoopId) -> Option<u64> {
    let root = app.engine.policy_at_hand(tenant)?.loops().lineage(loop_id)?.last().copied()?;
    app.engine.credits_at_hand(root).and_then(|left| u64::try_from(left).ok())
}

/// Decides an invocation anew whose answer is about to be told again. What is denied by now is not told.
pub(crate) async fn decide_again(call: &Call) -> Result<(), Failure> {
    invoke::again(call).await
}
