//! Deciding on the database file itself, with the engine of the server and the gates of its route.

use std::{ffi::OsString, mem, path::Path};

use loop_core::{
    base::{json::Doc, secret::Secret},
    store::wait,
};

use super::{Agent, HookError, event::Event, route, told::Told};
use crate::{
    http::auth,
    master_key,
    open::{self, Mode},
};

/// The size of the log, in bytes, from which on it is moved into the file.
const LOG_MAX: u64 = 768 << 10;

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
    // Projects set variables too, and another master key would not find what a human said no to.
    let secret_key = secret_key.filter(|_| !master_key::path_beside(db).exists());
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
    // The decision is durable. Closing would move the log into the file, and a hook has little time: one of many does it.
    if log_is_short(db) {
        mem::forget(opened);
    }
    Ok(decision.into())
}

/// Whether the log beside the file may grow further. Whoever opens the file has to read it.
fn log_is_short(db: &Path) -> bool {
    let mut log = OsString::from(db);
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() < LOG_MAX)
}
