//! Projects: what issues are gathered in.

use super::status::words;
use crate::{
    base::{
        Time,
        id::{GoalId, ProjectId},
        time::millis,
    },
    store::{Column, Entity, Kind, Table, Value},
};

/// The longest name, in characters.
pub const MAX_NAME: usize = 500;

words! {
    /// Where a project stands.
    ProjectStatus {
        /// Wanted, not yet.
        Backlog = "backlog",
        /// Decided on.
        Planned = "planned",
        /// Under way.
        Active = "active",
        /// Halted.
        Paused = "paused",
        /// Done.
        Completed = "completed",
        /// Given up.
        Canceled = "canceled",
    }
}

words! {
    /// How a project goes.
    ProjectHealth {
        /// Well.
        OnTrack = "on_track",
        /// Not surely well.
        AtRisk = "at_risk",
        /// Not well.
        OffTrack = "off_track",
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name, 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// Where it stands.
    pub status: ProjectStatus,
    /// How it goes.
    pub health: ProjectHealth,
    /// The goal it serves.
    pub goal_id: Option<GoalId>,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it last changed.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub updated_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
    /// Whether an active goal is linked to it, either way: its issues are dispatched before others. Stored only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(skip)]
    pub boosted: bool,
}

/// Where projects are kept. Deleted ones have no columns.
pub static PROJECTS: Table =
    Table { name: "projects", columns: &[Column::indexed("live", Kind::Int), Column::indexed("goal_id", Kind::Text)] };

impl Entity for Project {
    const TABLE: &'static Table = &PROJECTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null];
        }
        vec![Value::Int(1), self.goal_id.map(|id| Value::from(id.as_str())).into()]
    }
}
