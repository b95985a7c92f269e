//! What there is to do: issues and all that hangs on them.
//!
//! - [`issue`], [`project`], [`goal`], [`label`], [`comment`], [`relation`]: the things and their rules.
//! - `status`: the words of their states and kinds.
//! - `error`: why a step is refused.

pub mod comment;
mod error;
pub mod goal;
pub mod issue;
pub mod label;
pub mod project;
pub mod relation;
mod status;

pub use comment::{AuthorType, Comment};
pub use error::{WorkError, check_length, check_text};
pub use goal::{Goal, GoalStatus};
pub use issue::{CommitRef, HypothesisData, Issue, PullRequestRef};
pub use label::Label;
pub use project::{Project, ProjectHealth, ProjectStatus};
pub use relation::{IssueRelation, RelationKind};
pub use status::{IssueStatus, IssueType};
