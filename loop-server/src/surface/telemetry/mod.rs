//! The telemetry surface: what agents tell of themselves, in spans of OpenTelemetry.
//!
//! - [`traces`]: spans come in.
//! - `otlp`: the protocol that they come by.
//! - [`provision`]: making projects, by name and by signing up.
//! - [`recover`]: new keys for a project, also by the page at `/dashboard`.
//! - [`upgrade`]: making a project permanent.
//! - [`shown`]: a project as it is answered.
//! - [`sessions`]: reading what is stored.
//! - [`runs`], [`dashboard`], [`report`]: what went wrong, and the numbers.
//! - [`scope`]: which project and which window a request is about.

mod dashboard;
mod otlp;
mod provision;
mod recover;
mod report;
mod runs;
mod scope;
mod sessions;
mod shown;
mod traces;
mod upgrade;

use crate::http::Row;

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[
    sessions::ROWS,
    traces::ROWS,
    provision::ROWS,
    recover::ROWS,
    upgrade::ROWS,
    runs::ROWS,
    dashboard::ROWS,
    report::ROWS,
];

/// What the surface's paths begin with.
const ROOTS: [&str; 10] = [
    "/v1/traces",
    "/v1/telemetry",
    "/v1/sessions",
    "/v1/runs",
    "/v1/dashboard",
    "/v1/reports",
    "/v1/provision",
    "/v1/signup",
    "/v1/recover",
    "/dashboard",
];

/// Whether a path is one of this surface's.
pub(super) fn serves(path: &str) -> bool {
    let under = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROOTS.iter().any(|root| under(root))
}

#[cfg(test)]
mod tests {
    use super::{ROWS, serves};
    use crate::surface::Surface;

    #[test]
    fn every_row_of_the_surface_is_served_by_it() {
        for row in ROWS.iter().copied().flatten() {
            assert!(serves(row.path) && row.surface == Surface::Telemetry, "{row:?}");
        }
        assert!(!serves("/v1/tracesx") && !serves("/v1") && !serves("/v1/chat/completions"));
    }
}
