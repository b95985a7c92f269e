//! Labels.

use crate::{
    base::{Time, id::LabelId, time::millis},
    store::{Column, Entity, Kind, Table, Value},
};

/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest colour, in characters.
pub const MAX_COLOR: usize = 50;

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// Its name, 1 to [`MAX_NAME`] characters, unique among those that are not deleted.
    pub name: String,
    /// Its colour, 1 to [`MAX_COLOR`] characters.
    pub color: String,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
}

/// Where labels are kept. Deleted ones have no columns, which frees their name.
pub static LABELS: Table =
    Table { name: "labels", columns: &[Column::indexed("live", Kind::Int), Column::unique("name", Kind::Text)] };

impl Entity for Label {
    const TABLE: &'static Table = &LABELS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null];
        }
        vec![Value::Int(1), self.name.as_str().into()]
    }
}
