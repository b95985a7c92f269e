//! Deciding on the database file itself, with the engine of the server and the gates of its route.

use std::{mem, path::Path};

use loop_core::{
    base::{json::Doc, secret::Secret},
    store::wait,
};

use super::{Agent, HookError, event::Event, route, told::Told};
use crate::{
    http::auth,
    open::{self, Mode},
};

/// Decides an event for the holder of `key`. The record is durable when this answers.
///
/// # Errors
/// An event that is none, a file that cannot be opened, a key that is not admitted, a decision that cannot be made.
pub fn decide(
    db: &Path,
    agent: Agent,
    key: &Secret,
    secret_key: Option<&Secret>,
    event: &[u8],
) -> Result<Told, HookError> {
    let (doc, empty) = (Doc::parse(event)?, Doc::empty_object());
    let call = Event::read(&doc, &empty)?.call(agent);
    let opened = open::open(db, Mode::Hook, secret_key)?;
    // Approvals are bound under the master key: with another one none would be found, and every call would ask anew.
    if !opened.keyed {
        return Err(HookError::NoMasterKey);
    }
    let engine = &opened.engine;
    let decision = wait(async {
        let caller = engine.authenticate(key.expose()).await?;
        if !caller.alive(engine.now()) {
            return Err(loop_core::access::AccessError::Unauthenticated.into());
        }
        auth::admit(route::of(agent), &caller)?;
        Ok::<_, HookError>(engine.intercept(&caller, &call).await?)
    })?;
    // The decision is durable. Closing would only move the log into the file, which whoever comes next does too.
    mem::forget(opened);
    Ok(decision.into())
}
