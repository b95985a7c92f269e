//! Signals, and taking one in: the signal and its issue are made together or not at all.

use serde_json::{Map, Value as Json};

use super::SignalError;
use crate::{
    access::Ctx,
    base::{
        TenantId, Time,
        id::{IssueId, SignalId},
        time::millis,
    },
    store::{Entity, RecordQuery, Repo, Stored, Table, Tx, Value},
    work::{
        Issue, IssueStatus, IssueType, check_length, check_text,
        count::{self, WORK_COUNTS},
        issue::{self, MAX_TITLE, NewIssue, bounds::check_payload},
    },
};

/// The longest name of a source and of a type, in characters.
pub const MAX_NAME: usize = 200;
/// The longest id of a signal at its source, in characters.
pub const MAX_SOURCE_ID: usize = 500;

/// The account that counts signals.
const ACCOUNT: &str = "signals";

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can wait.
    Low,
    /// It should be looked at.
    Medium,
    /// It should be looked at soon.
    High,
    /// It should be looked at now.
    Critical,
}

impl Severity {
    /// The priority of the issue that it makes.
    #[must_use]
    pub const fn priority(self) -> u8 {
        match self {
            Self::Critical => 1,
            Self::High => 2,
            Self::Medium => 3,
            Self::Low => 4,
        }
    }
}

/// A signal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// Its id. Ids sort by creation.
    pub id: SignalId,
    /// Where it came from.
    pub source: String,
    /// What it is known by there.
    pub source_id: Option<String>,
    /// What it is about, in its source's words.
    #[serde(rename = "type")]
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub payload: Map<String, Json>,
    /// The issue that it made.
    pub issue_id: IssueId,
    /// When it came.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where signals are kept.
pub static SIGNALS: Table = Table { name: "signals", columns: &[] };

impl Entity for Signal {
    const TABLE: &'static Table = &SIGNALS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// A signal to take in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSignal {
    /// Where it comes from, 1 to [`MAX_NAME`] characters.
    pub source: String,
    /// What it is known by there, [`MAX_SOURCE_ID`] characters at most.
    pub source_id: Option<String>,
    /// What it is about, 1 to [`MAX_NAME`] characters.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it says, [`crate::work::issue::MAX_PAYLOAD`] bytes of JSON at most.
    pub payload: Map<String, Json>,
    /// The project that its issue shall belong to.
    pub project_id: Option<String>,
    /// The title of its issue; made of source, type and payload when absent. What is too long is cut.
    pub title: Option<String>,
}

impl NewSignal {
    /// The title of its issue.
    fn title(&self) -> String {
        let text = |name: &str| self.payload.get(name).and_then(Json::as_str);
        let said = || text("message").or_else(|| text("title")).unwrap_or(&self.kind);
        let whole = match &self.title {
            Some(title) => title.clone(),
            None => format!("[{}] {}: {}", self.source, self.kind, said()),
        };
        whole.chars().take(MAX_TITLE).collect()
    }
}

/// Takes a signal in and makes its issue.
///
/// # Errors
/// Fields out of bounds, a project that is not there, storage failures.
pub fn take_in(tx: &mut dyn Tx, cx: &Ctx, new: &NewSignal) -> Result<(Signal, Issue), SignalError> {
    check_text("source", &new.source, MAX_NAME)?;
    check_text("type", &new.kind, MAX_NAME)?;
    new.source_id.as_deref().map_or(Ok(()), |id| check_length("sourceId", id, MAX_SOURCE_ID))?;
    check_payload("payload", &new.payload)?;
    let made = NewIssue {
        status: IssueStatus::Triage,
        priority: new.severity.priority(),
        project_id: new.project_id.clone(),
        signal_source: Some(new.source.clone()),
        signal_payload: Some(new.payload.clone()),
        ..NewIssue::titled(new.title(), IssueType::Signal)
    };
    let issue = issue::create(tx, cx, &made)?;
    let signal = Signal {
        id: SignalId::draw(cx.now, &mut cx.seed()),
        source: new.source.clone(),
        source_id: new.source_id.clone(),
        kind: new.kind.clone(),
        severity: new.severity,
        payload: new.payload.clone(),
        issue_id: issue.id,
        created_at: cx.now.to_millis(),
    };
    Repo::new(tx, cx.tenant()).insert(&signal, cx.now)?;
    tx.add(&WORK_COUNTS, cx.tenant(), ACCOUNT, 1, None)?;
    Ok((signal, issue))
}

/// Signals by the time of their coming, and how many there are.
///
/// # Errors
/// Storage failures.
pub fn list(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<(Vec<Signal>, u64), SignalError> {
    let query = RecordQuery { limit, offset, ..RecordQuery::default() };
    let rows: Vec<Stored<Signal>> = Repo::new(tx, tenant).list(&query)?;
    let total = count::of_account(tx, tenant, ACCOUNT)?;
    Ok((rows.into_iter().map(|stored| stored.value).collect(), total))
}
