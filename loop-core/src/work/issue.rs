//! Issues.
//!
//! - [`bounds`]: how large their parts may be.
//! - `create`, `change`, `view`: what callers do with them.
//! - `place`: what they belong to.
//! - `save`: the one way they are written.

pub mod bounds;
mod change;
mod create;
mod place;
mod save;
mod view;

pub use bounds::{MAX_CHILDREN, MAX_DESCRIPTION, MAX_LABELS, MAX_PAYLOAD};
pub use change::{Changed, Patch, delete, patch};
pub use create::{NewIssue, create};
pub use save::{save, save_noting};
pub use view::{Whole, children, get, reach, whole};

use serde_json::{Map, Value as Json};

use super::{IssueStatus, IssueType};
use crate::{
    base::{
        Time,
        id::{IssueId, LabelId, ProjectId},
        time::millis,
    },
    store::{Column, Entity, Kind, Table, Value},
};

/// The longest title, in characters.
pub const MAX_TITLE: usize = 500;

/// An issue, as it is stored and as it is told.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// Its id. Ids sort by creation.
    pub id: IssueId,
    /// Its number, unique within the tenant and growing; numbers may be left out.
    pub number: u64,
    /// What it is about, 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: IssueType,
    /// Where it stands.
    pub status: IssueStatus,
    /// 0 none, 1 urgent, 2 high, 3 medium, 4 low.
    #[schemars(range(max = 4))]
    pub priority: u8,
    /// The issue it is a part of; that one has no parent itself.
    pub parent_id: Option<IssueId>,
    /// The project it belongs to.
    pub project_id: Option<ProjectId>,
    /// Where the signal came from.
    pub signal_source: Option<String>,
    /// What the signal said.
    pub signal_payload: Option<Map<String, Json>>,
    /// The guess.
    pub hypothesis: Option<HypothesisData>,
    /// The session of the agent that works on it.
    pub agent_session_id: Option<String>,
    /// What the agent says it did.
    pub agent_summary: Option<String>,
    /// Commits made for it.
    pub commits: Option<Vec<CommitRef>>,
    /// Pull requests made for it.
    pub pull_requests: Option<Vec<PullRequestRef>>,
    /// Its labels, each once, in their order.
    #[serde(default)]
    pub label_ids: Vec<LabelId>,
    /// When it was done or given up; null while it is open.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub completed_at: Option<Time>,
    /// When it was made, in whole milliseconds.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it last changed, in whole milliseconds.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub updated_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
    /// For an issue without a parent: when it or a part of it last changed. Stored, and told on the dashboard only.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub active_at: Option<Time>,
    /// The number of the log's entry that tells of its making. Stored, and told by no
    /// route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub made_in: Option<u64>,
}

/// A guess that can be tested.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HypothesisData {
    /// The guess.
    pub statement: String,
    /// How sure one is, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub confidence: f64,
    /// What speaks for it.
    pub evidence: Vec<String>,
    /// How to tell whether it holds.
    pub validation_criteria: String,
    /// What will be seen if it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitRef {
    /// Its hash.
    pub sha: String,
    /// Its message.
    pub message: String,
    /// Where to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When it was made, as told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Where to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it stands, as told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// When it was merged, as told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_at: Option<String>,
}

/// Where issues are kept. Deleted ones have no columns, so that no list sees them.
pub static ISSUES: Table = Table {
    name: "issues",
    columns: &[
        // Of issues without a parent: when they or a part of them last changed.
        Column::indexed("active_at", Kind::Int),
        // Of those that are done.
        Column::indexed("completed_at", Kind::Int),
    ],
};

impl Entity for Issue {
    const TABLE: &'static Table = &ISSUES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null];
        }
        let active = if self.parent_id.is_none() { self.active_at } else { None };
        let completed = if self.status == IssueStatus::Done { self.completed_at } else { None };
        vec![active.into(), completed.into()]
    }
}

impl Issue {
    /// Whether it is there: not deleted.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Whether it keeps those it blocks from being dispatched.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_live() && !self.status.is_closed()
    }
}
