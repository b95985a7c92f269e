//! Which project and which window of time a request is about.

use loop_core::{
    access::{AccessError, Ctx},
    base::{Code, Time},
    onboarding::{self, OnboardingError, project::DEFAULT},
    telemetry::{
        TelemetryError,
        prepare::{AHEAD_MAX, KEPT},
        window::Window,
    },
};

use crate::http::{Call, Failure, table::Param};

/// The parameter by which a tenant's own key names a project.
pub(super) const PROJECT: Param = Param {
    name: "project_id",
    kind: "string",
    about: "One of the tenant's projects; `default` for keys that are not bound to one",
};

/// The parameter of a window.
pub(super) const SINCE: Param =
    Param { name: "since_minutes", kind: "integer", about: "How far back the window reaches, 1 to 43200" };

/// The longest window, in minutes.
pub(super) const MOST_MINUTES: u64 = (KEPT / 60).unsigned_abs();

/// What a use case runs in.
pub(super) fn context(call: &Call) -> Result<Ctx, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(AccessError::from);
    cx.map_err(|error| Failure::of(error.code(), &error))
}

/// The project that a request is about: that of its key, else the one it names, else the tenant's own
/// ([`onboarding::project::DEFAULT`]).
///
/// # Errors
/// [`Code::InsufficientScope`] for a key of a project that names another one, [`Code::NotFound`] for a project that the
/// tenant does not have.
pub(super) async fn project(call: &Call) -> Result<String, Failure> {
    let named = call.query(PROJECT.name).filter(|name| !name.is_empty());
    match (&call.caller()?.project, named) {
        (Some(own), None) => Ok(own.to_string()),
        (Some(own), Some(named)) if **own == *named => Ok(own.to_string()),
        (Some(_), Some(_)) => Err(Failure::new(Code::InsufficientScope, "this key is another project's")),
        (None, None) => Ok(DEFAULT.to_owned()),
        (None, Some(named)) => {
            let (cx, id) = (context(call)?, named.into_owned());
            let found = call.app.engine.read(cx, "telemetry_project.check", move |tx, cx| {
                onboarding::project::check(tx, cx.tenant(), &id, cx.now)?;
                Ok::<_, OnboardingError>(id.clone())
            });
            found.await.map_err(|error| Failure::of(error.code(), &error))
        }
    }
}

/// The window of the query's `since_minutes`, or of `default` minutes.
pub(super) fn window(call: &Call, default: u64) -> Result<Window, Failure> {
    let minutes = number(call, SINCE.name, default, MOST_MINUTES)?;
    Ok(window_of(minutes, call.app.engine.now()))
}

/// The window of the last so many minutes. Clocks differ: what ends a little later belongs to it.
pub(super) fn window_of(minutes: u64, now: Time) -> Window {
    let seconds = i64::try_from(minutes).unwrap_or(KEPT).saturating_mul(60);
    Window { from: now.plus_seconds(-seconds), to: now.plus_seconds(AHEAD_MAX.saturating_add(1)) }
}

/// A whole number of the query from 1 to `most`.
///
/// # Errors
/// [`Code::InvalidRequest`] for anything else.
pub(super) fn number(call: &Call, name: &str, default: u64, most: u64) -> Result<u64, Failure> {
    let Some(text) = call.query(name) else { return Ok(default) };
    let digits = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits && (1..=most).contains(&number) => Ok(number),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(Failure::invalid(format!("`{name}` must be a whole number from 1 to {most}, not `{shown}`")))
        }
    }
}

/// A room's refusal.
pub(super) fn refused(error: &TelemetryError) -> Failure {
    Failure::of(error.code(), error)
}
