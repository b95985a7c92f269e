//! How telemetry begins: projects, their keys, and how much they may send.
//!
//! - [`project`]: a project of telemetry, and how it is found.
//! - [`code`]: the codes by which lost keys are recovered and a project becomes permanent.
//! - [`provision`]: making a project, and finding it again by its name.
//! - [`keep`]: keys made anew, and a project made permanent.
//! - [`quota`]: how many spans a project may send.
//! - [`expire`]: projects whose time is over, removed.

pub mod code;
mod error;
pub mod expire;
pub mod keep;
pub mod project;
pub mod provision;
pub mod quota;
#[cfg(test)]
mod tests;

pub use error::OnboardingError;
pub use project::Project;
