//! Relations between issues.

use super::status::words;
use crate::{
    base::{
        Time,
        id::{IssueId, RelationId},
        time::millis,
    },
    store::{Column, Entity, Kind, Table, Value},
};

words! {
    /// What an issue is to another.
    RelationKind {
        /// The other waits for it.
        Blocks = "blocks",
        /// It waits for the other.
        BlockedBy = "blocked_by",
        /// They have to do with each other.
        Related = "related",
        /// They are the same.
        Duplicate = "duplicate",
    }
}

/// A relation from one issue to another. No inverse is stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueRelation {
    /// Its id.
    pub id: RelationId,
    /// What the first is to the other.
    #[serde(rename = "type")]
    pub kind: RelationKind,
    /// The first.
    pub issue_id: IssueId,
    /// The other.
    pub related_issue_id: IssueId,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where relations are kept.
pub static RELATIONS: Table = Table {
    name: "issue_relations",
    columns: &[
        Column::indexed("issue_id", Kind::Text),
        Column::indexed("related_id", Kind::Text),
        // `issue/type/related`: said once.
        Column::unique("edge", Kind::Text),
        // Who waits for whom, however it was said.
        Column::indexed("blocker", Kind::Text),
        Column::indexed("blocked", Kind::Text),
    ],
};

impl IssueRelation {
    /// Who keeps whom waiting: the blocker, then the blocked; `None` for relations that keep nobody waiting.
    #[must_use]
    pub const fn blocking(&self) -> Option<(IssueId, IssueId)> {
        match self.kind {
            RelationKind::Blocks => Some((self.issue_id, self.related_issue_id)),
            RelationKind::BlockedBy => Some((self.related_issue_id, self.issue_id)),
            RelationKind::Related | RelationKind::Duplicate => None,
        }
    }
}

impl Entity for IssueRelation {
    const TABLE: &'static Table = &RELATIONS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let text = |id: IssueId| Value::from(id.as_str());
        let blocking = self.blocking();
        vec![
            text(self.issue_id),
            text(self.related_issue_id),
            format!("{}/{}/{}", self.issue_id, self.kind, self.related_issue_id).into(),
            blocking.map(|(blocker, _)| text(blocker)).into(),
            blocking.map(|(_, blocked)| text(blocked)).into(),
        ]
    }
}
