//! A manifest as kept.

use super::content::{Content, Visibility};
use crate::{
    base::{
        Time,
        id::{LoopId, ToolId},
    },
    store::{Column, Entity, Kind, Table, Value},
};

/// Whether a version may be invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// It waits for the tenant's administrator, because others may call it.
    PendingReview,
    /// It may be invoked.
    Approved,
    /// It may not, until it is approved again.
    Suspended,
}

impl ToolStatus {
    /// The spelling in storage and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingReview => "pending_review",
            Self::Approved => "approved",
            Self::Suspended => "suspended",
        }
    }

    /// The status that a new version begins with.
    #[must_use]
    pub const fn first(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Approved,
            Visibility::Unlisted | Visibility::Marketplace => Self::PendingReview,
        }
    }
}

/// A published version of a tool.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// The version's id.
    pub id: ToolId,
    /// The loop that published it.
    pub owner: LoopId,
    /// What it says; it never changes.
    pub content: Content,
    /// Equal for equal content; see [`Content::digest`].
    pub digest: String,
    /// Whether it may be invoked.
    pub status: ToolStatus,
    /// The secret that calls are signed with, sealed.
    pub sealed_secret: String,
    /// The tenant's policy epoch when it last changed.
    pub epoch: u64,
    /// When it was published.
    pub created_at: Time,
}

/// Where manifests are kept. `version` is unique within a tenant; `shelf` is null for what only its owner may call.
pub static MANIFESTS: Table = Table {
    name: "manifests",
    columns: &[
        Column::unique("version_of", Kind::Text),
        Column::indexed("own", Kind::Text),
        Column::indexed("owner", Kind::Text),
        Column::indexed("shelf", Kind::Text),
        Column::indexed("epoch", Kind::Int),
    ],
};

impl Entity for Manifest {
    const TABLE: &'static Table = &MANIFESTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let shared = self.content.visibility != Visibility::Private && self.status == ToolStatus::Approved;
        let own = own(self.owner, &self.content.name);
        vec![
            format!("{own}/{}", self.content.version).into(),
            own.into(),
            self.owner.to_string().into(),
            shared.then_some(self.content.name.as_str()).into(),
            i64::try_from(self.epoch).unwrap_or(i64::MAX).into(),
        ]
    }
}

/// What stands in the column `own`: whose tool of which name.
pub(super) fn own(owner: LoopId, name: &str) -> String {
    format!("{owner}/{name}")
}
