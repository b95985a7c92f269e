//! The improvement surface: what Loop's own loop of work is made of.
//!
//! - [`issues`], [`relations`] and [`labels`]: what there is to do.
//! - [`projects`], [`goals`] and [`comments`]: what stands around issues.
//! - [`signals`] and [`webhooks`]: what was noticed outside.
//! - [`templates`], [`versions`] and [`reviews`]: what agents are told, and what they say of it.
//! - [`dispatch`]: handing issues out.
//! - [`dashboard`]: what is going on as a whole.
//! - [`body`] and [`page`]: what requests bring and lists answer.

mod body;
mod comments;
mod dashboard;
mod dispatch;
mod goals;
mod issues;
mod labels;
mod page;
mod projects;
mod relations;
mod reviews;
mod signals;
mod templates;
mod versions;
mod webhooks;

use std::error::Error;

use loop_core::{
    access::{AccessError, Ctx},
    base::Code,
};

use crate::http::{Call, Failure, Row};

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[
    issues::ROWS,
    relations::ROWS,
    labels::ROWS,
    projects::ROWS,
    goals::ROWS,
    comments::ROWS,
    signals::ROWS,
    webhooks::ROWS,
    dashboard::ROWS,
    templates::ROWS,
    versions::ROWS,
    reviews::ROWS,
    dispatch::ROWS,
];

/// What the surface's paths begin with.
const ROOTS: [&str; 11] = [
    "/api/issues",
    "/api/relations",
    "/api/projects",
    "/api/goals",
    "/api/labels",
    "/api/signals",
    "/api/templates",
    "/api/prompt-reviews",
    "/api/dispatch",
    "/api/dashboard",
    "/api/webhook-settings",
];

/// Whether a path is one of this surface's.
pub(super) fn serves(path: &str) -> bool {
    let under = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROOTS.iter().any(|root| under(root))
}

/// What a use case runs in.
fn context(call: &Call) -> Result<Ctx, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(AccessError::from);
    cx.map_err(|error| Failure::of(error.code(), &error))
}

/// A room's refusal. A malformed input names the field at fault, when there is one.
fn refused(code: Code, field: Option<&str>, error: &(dyn Error + 'static)) -> Failure {
    match field {
        Some(field) if code == Code::InvalidRequest => body::invalid(field, &error.to_string()),
        _ => Failure::of(code, error),
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, serves};
    use crate::surface::Surface;

    #[test]
    fn every_row_of_the_surface_is_served_by_it() {
        for row in ROWS.iter().copied().flatten() {
            assert!(serves(row.path) && row.surface == Surface::Improvement, "{row:?}");
        }
        assert!(!serves("/api/issuesx") && !serves("/api") && !serves("/api/settings"));
    }
}
