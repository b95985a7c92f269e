//! The developer surface.
//!
//! - [`aap`]: messages between loops.
//! - [`evaluate`]: what the policy says of a step.
//! - [`loops`] and [`keys`]: who acts, and with which keys.
//! - [`page`]: lists.
//! - [`tasks`] and [`transactions`]: work, and what is held in escrow for it.

mod aap;
mod evaluate;
mod keys;
mod loops;
mod page;
mod tasks;
mod transactions;

use loop_core::{
    access::{AccessError, Ctx},
    base::{TenantId, id::LoopId},
};

use crate::{
    http::{Call, Failure, Row},
    state::App,
};

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[aap::ROWS, evaluate::ROWS, loops::ROWS, keys::ROWS, tasks::ROWS, transactions::ROWS];

/// What a use case runs in.
fn context(call: &Call) -> Result<Ctx, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(AccessError::from);
    cx.map_err(|error| Failure::of(error.code(), &error))
}

/// What the wallet that pays for a loop still holds, when there is one. Asked with every answer: it must not touch
/// storage.
pub(crate) fn credits_left(_app: &App, _tenant: &TenantId, _loop_id: LoopId) -> Option<u64> {
    None
}

/// Decides an invocation anew whose answer is about to be told again. What is denied by now is not told.
pub(crate) async fn decide_again(_call: &Call) -> Result<(), Failure> {
    Ok(())
}
