//! What is known of a problem from earlier windows.

use sha2::{Digest, Sha256};

use super::cluster::{Cause, Error};
use crate::{
    base::{TenantId, Time, id::IssueId, secret::hex, time::millis},
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
    telemetry::dialect::Class,
};

/// The most problems that are remembered of a project.
pub const STATES_MAX: u64 = 5_000;
/// The most of them that are looked at in one diagnosis, to see whether they are mended.
pub const WATCHED_MAX: u32 = 1_000;

/// Where a problem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ClusterStatus")]
pub enum Status {
    /// Nobody has been told to look at it.
    New,
    /// There is an issue about it, which is not done, or whose mend is not seen yet.
    InProgress,
    /// Its issue is done, and what failed has run well since.
    Verified,
    /// It failed again after its issue was done.
    Regression,
}

impl Status {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::Verified => "verified",
            Self::Regression => "regression",
        }
    }
}

/// A problem, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct State {
    /// Of which project: [`group`].
    pub group: String,
    /// The id of the problem.
    pub cluster_id: String,
    /// What failed: the number of its class.
    pub class: u8,
    /// The tool, or the name of the spans.
    pub name: String,
    /// The type of its errors.
    pub error_type: Option<String>,
    /// Their masked message, when they have no type.
    pub message: Option<String>,
    /// Where it stood when it was last looked at.
    pub status: Status,
    /// The issue that it made last.
    pub issue_id: Option<IssueId>,
    /// Whether it is looked at in windows in which it does not occur.
    pub watched: bool,
    /// How often it came back.
    pub regressions: u32,
    /// When its first failure ended that was seen.
    #[serde(with = "millis")]
    pub first_seen: Time,
    /// When its last one did, rounded down.
    #[serde(with = "millis")]
    pub last_seen: Time,
    /// When it was last found mended.
    #[serde(with = "millis::option")]
    pub verified_at: Option<Time>,
}

/// Where problems are remembered.
pub static CLUSTERS: Table = Table {
    name: "telemetry_clusters",
    columns: &[
        // Group and time, so that a project's are counted and the oldest found.
        Column::indexed("seen", Kind::Text),
        // The group of those that are watched.
        Column::indexed("watched", Kind::Text),
    ],
};

impl Entity for State {
    const TABLE: &'static Table = &CLUSTERS;

    fn id(&self) -> String {
        id(&self.group, &self.cluster_id)
    }

    fn columns(&self) -> Vec<Value> {
        let watched = self.watched.then(|| self.group.clone());
        vec![seen(&self.group, self.last_seen).into(), watched.into()]
    }
}

/// A project in keys: its name has no bounds that a key could rely on.
#[must_use]
pub fn group(project: &str) -> String {
    hex(Sha256::digest(project).get(..16).unwrap_or_default())
}

fn id(group: &str, cluster_id: &str) -> String {
    format!("{group}/{cluster_id}")
}

fn seen(group: &str, at: Time) -> String {
    format!("{group}/{:016x}", at.as_micros().max(0))
}

impl State {
    /// A problem that is seen for the first time.
    #[must_use]
    pub fn of(project: &str, cause: &Cause, first: Time, last: Time) -> Self {
        let (error_type, message) = match &cause.error {
            Error::Type(error) => (Some(error.to_string()), None),
            Error::Message(message) => (None, Some(message.to_string())),
        };
        Self {
            group: group(project),
            cluster_id: cause.id(),
            class: cause.class as u8,
            name: cause.name.to_string(),
            error_type,
            message,
            status: Status::New,
            issue_id: None,
            watched: false,
            regressions: 0,
            first_seen: first,
            last_seen: last.to_millis(),
            verified_at: None,
        }
    }

    /// What its failures have in common.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let error = match (&self.error_type, &self.message) {
            (Some(error), _) => Error::Type(error.as_str().into()),
            (None, message) => Error::Message(message.as_deref().unwrap_or("").into()),
        };
        Cause { class: Class::from_number(self.class), name: self.name.as_str().into(), error }
    }
}

/// A remembered problem.
///
/// # Errors
/// Storage failures.
pub fn get(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    project: &str,
    cluster_id: &str,
) -> Result<Option<Stored<State>>, StoreError> {
    Repo::new(tx, tenant).get(&id(&group(project), cluster_id))
}

/// The problems of a project that have an issue, [`WATCHED_MAX`] at most.
///
/// # Errors
/// Storage failures.
pub fn watched(tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<Vec<Stored<State>>, StoreError> {
    let conds = vec![Cond::Eq("watched", group(project).into())];
    Repo::new(tx, tenant).list(&RecordQuery { conds, limit: WATCHED_MAX, ..RecordQuery::default() })
}

/// Whether one more may be remembered.
///
/// # Errors
/// Storage failures.
pub fn has_room(tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<bool, StoreError> {
    let conds = of_project(project);
    Ok(Repo::<State>::new(tx, tenant).count(&conds)? < STATES_MAX)
}

/// Forgets problems that were last seen before `before`, `limit` at most, unless they are watched.
///
/// # Errors
/// Storage failures.
pub fn forget(tx: &mut dyn Tx, tenant: &TenantId, project: &str, before: Time, limit: u32) -> Result<(), StoreError> {
    let conds = of_project(project);
    let query = RecordQuery { conds, by: Some("seen"), order: Order::Ascending, limit, ..RecordQuery::default() };
    let mut states = Repo::<State>::new(tx, tenant);
    for old in states.list(&query)? {
        if old.value.last_seen < before && !old.value.watched {
            states.delete(&old.value.id())?;
        }
    }
    Ok(())
}

/// '0' follows '/'.
fn of_project(project: &str) -> Vec<Cond> {
    let group = group(project);
    vec![Cond::AtLeast("seen", format!("{group}/").into()), Cond::Below("seen", format!("{group}0").into())]
}
