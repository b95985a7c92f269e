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

use loop_core::access::{AccessError, Ctx};

use crate::http::{Call, Failure, Row};

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[aap::ROWS, evaluate::ROWS, loops::ROWS, keys::ROWS, tasks::ROWS, transactions::ROWS];

/// What a use case runs in.
fn context(call: &Call) -> Result<Ctx, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(AccessError::from);
    cx.map_err(|error| Failure::of(error.code(), &error))
}
