//! What there is to do: issues and all that hangs on them.
//!
//! - [`issue`], [`project`], [`goal`], [`label`], [`comment`], [`relation`]: the things and their rules.
//! - [`list`], [`search`], [`sets`], [`words`]: how issues are found.
//! - [`count`]: how many there are.
//! - [`history`]: what happened to an issue.
//! - [`score`] and [`ready`]: what can be worked on, and in which order.
//! - [`claim`]: who works on what.
//! - [`overview`]: what is going on as a whole.
//! - `status`: the words of their states and kinds.
//! - `error`: why a step is refused.

mod change;
pub mod claim;
pub mod comment;
pub mod count;
mod error;
pub mod goal;
pub mod history;
pub mod issue;
pub mod label;
pub mod list;
pub mod overview;
pub mod project;
pub mod ready;
pub mod relation;
pub mod score;
pub mod search;
pub mod sets;
mod status;
#[cfg(test)]
mod tests;
pub mod words;

pub use comment::{AuthorType, Comment};
pub use error::{WorkError, check_length, check_text};
pub use goal::{Goal, GoalStatus};
pub use issue::{CommitRef, HypothesisData, Issue, PullRequestRef};
pub use label::Label;
pub use project::{Project, ProjectHealth, ProjectStatus};
pub use relation::{IssueRelation, RelationKind};
pub use status::{IssueStatus, IssueType};
