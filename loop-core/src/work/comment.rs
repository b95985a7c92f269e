//! Comments on issues.

use super::status::words;
use crate::{
    base::{
        Time,
        id::{CommentId, IssueId},
        time::millis,
    },
    store::{Column, Entity, Kind, Table, Value},
};

words! {
    /// Who wrote something.
    AuthorType {
        /// A person.
        Human = "human",
        /// An agent.
        Agent = "agent",
    }
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// What it says.
    pub body: String,
    /// The issue it is on.
    pub issue_id: IssueId,
    /// Who wrote it.
    pub author_name: String,
    /// What wrote it.
    pub author_type: AuthorType,
    /// The comment it answers, which answers none itself.
    pub parent_id: Option<CommentId>,
    /// When it was written.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where comments are kept.
pub static COMMENTS: Table = Table { name: "comments", columns: &[Column::indexed("issue_id", Kind::Text)] };

impl Entity for Comment {
    const TABLE: &'static Table = &COMMENTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.issue_id.as_str().into()]
    }
}
