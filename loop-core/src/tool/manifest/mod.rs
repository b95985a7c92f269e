//! Tool manifests: what a loop publishes for others, or itself, to invoke.
//!
//! - [`content`]: what a manifest says, checked. A published version never changes.
//! - [`schema`]: JSON Schema 2020-12 without references to elsewhere and without endless work.
//! - [`sample`]: an output made up from a schema.
//! - [`stored`]: the manifest as kept.
//! - [`shelf`]: finding manifests.

mod content;
mod sample;
mod schema;
mod shelf;
mod stored;

pub use content::{
    Content, DEFAULT_TIMEOUT_MS, MAX_COST, MAX_TIMEOUT_MS, ManifestError, ProviderType, Visibility, is_slug,
};
pub use sample::sample;
pub use schema::{Misfit, Schema, SchemaError};
pub use shelf::{Summary, Viewer, by_id, changed_after, count, exact, find, page, pick, shown};
pub use stored::{MANIFESTS, Manifest, ToolStatus};
