//! Goals: what projects serve, with a value to reach.

use super::status::words;
use crate::{
    base::{
        Time,
        id::{GoalId, ProjectId},
        time::millis,
    },
    store::{Column, Entity, Kind, Table, Value},
};

/// The longest title, in characters.
pub const MAX_TITLE: usize = 500;

words! {
    /// Where a goal stands.
    GoalStatus {
        /// Wanted: issues of its project are dispatched before others.
        Active = "active",
        /// Reached.
        Achieved = "achieved",
        /// Given up.
        Abandoned = "abandoned",
    }
}

/// A goal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// Its id.
    pub id: GoalId,
    /// What is wanted, 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What is measured.
    pub metric: Option<String>,
    /// The value to reach.
    pub target_value: Option<f64>,
    /// The value as it is.
    pub current_value: Option<f64>,
    /// What it is measured in.
    pub unit: Option<String>,
    /// Where it stands.
    pub status: GoalStatus,
    /// The project that serves it.
    pub project_id: Option<ProjectId>,
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
}

/// Where goals are kept. Deleted ones have no columns.
pub static GOALS: Table = Table {
    name: "goals",
    columns: &[
        Column::indexed("live", Kind::Int),
        Column::indexed("status", Kind::Text),
        Column::indexed("project_id", Kind::Text),
    ],
};

impl Entity for Goal {
    const TABLE: &'static Table = &GOALS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null, Value::Null];
        }
        let project = self.project_id.map(|id| Value::from(id.as_str()));
        vec![Value::Int(1), Value::fixed(self.status.as_str()), project.into()]
    }
}
