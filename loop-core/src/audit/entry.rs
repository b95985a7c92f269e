//! An entry of the log.

use crate::{
    base::Time,
    store::{Column, Entry, Journal, Kind, StoreError, Value},
    tool::Risk,
};

/// The operation of an entry of [`DECISIONS`] that tells of a call that was decided. Entries with another one tell
/// what became of such a call.
pub const DECISION: &str = "decision";
/// The stream of decisions.
pub const DECISIONS: &str = "decisions";
/// The stream of everything else.
pub const CHANGES: &str = "changes";
/// Both streams.
pub const STREAMS: [&str; 2] = [DECISIONS, CHANGES];

/// Where the log is kept. `digest` covers `salt`, the columns before it and the body; `hash` covers `digest`
/// and the hash before.
pub static AUDIT: Journal = Journal {
    name: "audit",
    columns: &[
        Column::plain("op", Kind::Text),
        Column::indexed("status", Kind::Text),
        Column::indexed("tool_name", Kind::Text),
        Column::indexed("agent_name", Kind::Text),
        Column::plain("risk", Kind::Text),
        Column::plain("salt", Kind::Bytes),
        Column::plain("digest", Kind::Bytes),
        Column::plain("hash", Kind::Bytes),
    ],
};

/// How many of [`AUDIT`]'s columns the digest covers: those before `salt`.
pub(super) const COVERED: usize = 5;
/// Where `salt`, `digest` and `hash` stand.
pub(super) const SALT: usize = 5;
/// See [`SALT`].
pub(super) const DIGEST: usize = 6;
/// See [`SALT`].
pub(super) const HASH: usize = 7;

/// What became of a proposed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It was allowed.
    Allowed,
    /// It was refused.
    Blocked,
    /// A human was asked.
    Pending,
    /// It was allowed and its forwarding failed.
    Error,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Blocked, Self::Pending, Self::Error];

    /// The spelling in logs and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::Blocked => "BLOCKED",
            Self::Pending => "PENDING",
            Self::Error => "ERROR",
        }
    }

    /// Reads the spelling, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text))
    }
}

/// The upper-case spelling of a risk that logs and answers use.
#[must_use]
pub(super) const fn risk_str(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "LOW",
        Risk::Medium => "MEDIUM",
        Risk::High => "HIGH",
        Risk::Critical => "CRITICAL",
    }
}

/// Reads that spelling.
#[must_use]
pub(super) fn risk_of(text: &str) -> Option<Risk> {
    [Risk::Low, Risk::Medium, Risk::High, Risk::Critical].into_iter().find(|risk| risk_str(*risk) == text)
}

/// Something to write down. Everything in it must be masked already.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// [`DECISIONS`] or [`CHANGES`].
    pub stream: &'static str,
    /// The operation, such as `rule.create`.
    pub op: &'static str,
    /// The status of a decision.
    pub status: Option<Status>,
    /// The tool concerned.
    pub tool_name: Option<&'a str>,
    /// The agent concerned.
    pub agent_name: Option<&'a str>,
    /// The effective risk of a decision.
    pub risk: Option<Risk>,
    /// The details as JSON.
    pub body: &'a str,
}

impl<'a> Event<'a> {
    /// A change of state with its details.
    #[must_use]
    pub const fn change(op: &'static str, body: &'a str) -> Self {
        Self { stream: CHANGES, op, status: None, tool_name: None, agent_name: None, risk: None, body }
    }

    pub(super) fn columns(&self) -> [Value; COVERED] {
        [
            Value::fixed(self.op),
            self.status.map(|status| Value::fixed(status.as_str())).into(),
            self.tool_name.into(),
            self.agent_name.into(),
            self.risk.map(|risk| Value::fixed(risk_str(risk))).into(),
        ]
    }
}

/// An entry as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its stream.
    pub stream: &'static str,
    /// Its number in the stream, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Time,
    /// The operation; `None` once erased.
    pub op: Option<String>,
    /// The status of a decision.
    pub status: Option<String>,
    /// The tool.
    pub tool_name: Option<String>,
    /// The agent.
    pub agent_name: Option<String>,
    /// The risk.
    pub risk: Option<String>,
    /// The details as JSON; `None` once erased.
    pub body: Option<String>,
    /// The chained hash, in hexadecimal.
    pub hash: String,
}

impl AuditEntry {
    /// The entry's id: `dec-7` or `chg-7`.
    #[must_use]
    pub fn id(&self) -> String {
        id(self.stream, self.seq)
    }

    pub(super) fn read(stream: &'static str, entry: Entry) -> Result<Self, StoreError> {
        let text = |at: usize| entry.columns.get(at).and_then(Value::as_text).map(str::to_owned);
        let hash = entry.columns.get(HASH).and_then(Value::as_bytes);
        let hash = hash.ok_or_else(|| StoreError::Corrupt(format!("`{}` has no hash", id(stream, entry.seq))))?;
        Ok(Self {
            stream,
            seq: entry.seq,
            at: entry.at,
            op: text(0),
            status: text(1),
            tool_name: text(2),
            agent_name: text(3),
            risk: text(4),
            hash: crate::base::secret::hex(hash),
            body: entry.body,
        })
    }
}

/// The id of an entry.
#[must_use]
pub(super) fn id(stream: &str, seq: u64) -> String {
    let prefix = if stream == DECISIONS { "dec" } else { "chg" };
    format!("{prefix}-{seq}")
}
