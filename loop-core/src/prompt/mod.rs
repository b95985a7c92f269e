//! Prompts: templates with versions, which one an issue gets and what it says, and how good those who got it found it.
//!
//! - [`template`], [`version`]: what is kept, and the versions in use.
//! - [`condition`]: which issues a template is for.
//! - [`select`]: the template and version of one issue.
//! - [`context`](mod@context): what a prompt may say of an issue.
//! - [`render`], [`syntax`], `program`, `evaluate`, `partial`: from text to prompt.
//! - [`defaults`]: what every tenant starts with.
//! - [`ewma`], [`health`], [`review`]: how well versions do.

pub mod condition;
pub mod context;
pub mod defaults;
mod error;
pub mod evaluate;
pub mod ewma;
pub mod health;
mod partial;
mod program;
pub mod render;
#[cfg(test)]
mod render_tests;
pub mod review;
pub mod select;
pub mod syntax;
pub mod template;
#[cfg(test)]
mod tests;
pub mod version;

pub use condition::Conditions;
pub use context::{Surroundings, context};
pub use error::PromptError;
pub use evaluate::RenderError;
pub use ewma::{Condition, Health, Outcome};
pub use health::{count_use, record_outcome};
pub use render::Renderer;
pub use review::PromptReview;
pub use select::{Chosen, choose};
pub use template::{PromptTemplate, Rollout};
pub use version::{PromptVersion, VersionStatus};
