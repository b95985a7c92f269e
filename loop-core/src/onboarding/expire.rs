//! Projects whose time is over, removed with their keys and their spans.

use crate::{
    access::{Ctx, key},
    base::Time,
    store::{Repo, Stored, Tx},
    telemetry::keep,
};

use super::{
    OnboardingError,
    project::{self, Project},
    provision::write_down,
};

/// Removes a chunk of what is left of projects whose time is over: blocks of spans, `limit` at most, or else one
/// project and its keys. Answers whether there may be more.
///
/// # Errors
/// Storage failures.
pub fn sweep(tx: &mut dyn Tx, cx: &Ctx, limit: u32) -> Result<bool, OnboardingError> {
    let Some(stored) = project::over(tx, cx.tenant(), cx.now, 1)?.pop() else { return Ok(false) };
    let ever = Time::from_micros(i64::MAX);
    if keep::purge(tx, cx.tenant(), &stored.value.id, ever, limit)? == 0 {
        remove(tx, cx, &stored)?;
    }
    Ok(true)
}

fn remove(tx: &mut dyn Tx, cx: &Ctx, stored: &Stored<Project>) -> Result<(), OnboardingError> {
    for id in [stored.value.producer, stored.value.agent] {
        key::remove(tx, cx.tenant(), id)?;
    }
    Repo::<'_, Project>::new(tx, cx.tenant()).delete(&stored.value.id)?;
    write_down(tx, cx, "telemetry_project.expire", &stored.value)
}
