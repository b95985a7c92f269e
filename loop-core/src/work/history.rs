//! What happened to an issue, read out of the log.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{Issue, WorkError};
use crate::{
    access::Ctx,
    audit::{self, CHANGES, Event},
    base::{TenantId, Time, id::IssueId, json::Doc, time::millis},
    store::{Repo, StoreError, Terms, Tx},
    tool::redact,
};

/// Which entries of the log speak of which issue, but the one of its making, which the issue itself knows: a term per
/// issue, ids that sort the newest entry first.
pub static ISSUE_HISTORY: Terms = Terms { name: "issue_history" };

/// The most characters of a text that the log keeps.
const MAX_TEXT: usize = 500;
/// The most bytes of a document that the log keeps.
const MAX_DOCUMENT: usize = 1024;

/// What a step changed: for each field what it was and what it is.
#[derive(Debug, Clone, Default)]
pub struct Changes(Map<String, Json>);

impl Changes {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field whose values hold nothing of a person's: ids, words, numbers, times.
    pub fn plain<T: Serialize + PartialEq>(&mut self, name: &str, from: &T, to: &T) {
        if from != to {
            self.set(name, told(from), told(to));
        }
    }

    /// A text, masked and cut.
    pub fn text(&mut self, name: &str, from: Option<&str>, to: Option<&str>) {
        if from != to {
            self.set(name, from.map_or(Json::Null, masked), to.map_or(Json::Null, masked));
        }
    }

    /// A document, masked; of a large one only its size is kept.
    pub fn document<T: Serialize + PartialEq>(&mut self, name: &str, from: &T, to: &T) {
        if from != to {
            self.set(name, summary(from), summary(to));
        }
    }

    /// These and others.
    #[must_use]
    pub(super) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    fn set(&mut self, name: &str, from: Json, to: Json) {
        self.0.insert(name.to_owned(), json!({ "from": from, "to": to }));
    }
}

fn told<T: Serialize>(value: &T) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

fn masked(text: &str) -> Json {
    let masked = redact::text(text).masked;
    match masked.char_indices().nth(MAX_TEXT).and_then(|(at, _)| masked.get(..at)) {
        Some(cut) => Json::String(format!("{cut}…")),
        None => Json::String(masked),
    }
}

fn summary<T: Serialize>(value: &T) -> Json {
    let text = serde_json::to_string(value).unwrap_or_default();
    if text.len() > MAX_DOCUMENT {
        return json!({ "bytes": text.len() });
    }
    let masked = Doc::parse(text.as_bytes()).map(|doc| redact::json(doc.root()).masked);
    masked.ok().and_then(|masked| serde_json::from_str(&masked).ok()).unwrap_or(Json::Null)
}

/// Writes a step down in the log, as one of an issue's history.
///
/// # Errors
/// Storage failures; the caller must then refuse what it was about to do.
pub fn record(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    issue: &IssueId,
    changes: &Changes,
) -> Result<(), StoreError> {
    let seq = note(tx, cx, op, issue, changes)?;
    tx.put_terms(&ISSUE_HISTORY, cx.tenant(), &newest_first(seq), &[issue.as_str()])
}

/// Writes a step down in the log alone; answers the entry's number.
pub(super) fn note(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    issue: &IssueId,
    changes: &Changes,
) -> Result<u64, StoreError> {
    let body = json!({ "issue_id": issue, "by": cx.caller.name, "changes": changes.0 }).to_string();
    let entry = audit::append(tx, cx, &Event::change(op, &body))?;
    let seq = entry.rsplit_once('-').and_then(|(_, seq)| seq.parse().ok());
    seq.ok_or_else(|| StoreError::Internal(format!("`{entry}` has no number")))
}

fn newest_first(seq: u64) -> String {
    format!("{:020}", u64::MAX - seq)
}

/// One step of an issue's history.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Step {
    /// When.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub at: Time,
    /// Who: the name of a key, or of a part of Loop.
    pub actor: Option<String>,
    /// What, such as `issue.update`; null once it is erased.
    pub op: Option<String>,
    /// Field by field what it was (`from`) and what it is (`to`). Texts are masked and cut; of large documents only
    /// the size is kept.
    pub changes: Map<String, Json>,
}

/// An issue's history, newest first, and how many steps it has. A deleted issue has one too.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: &str,
    limit: u32,
    offset: u32,
) -> Result<(Vec<Step>, u64), WorkError> {
    let id = IssueId::parse(id).ok_or(WorkError::NoIssue)?;
    let Some(issue) = Repo::<Issue>::new(tx, tenant).get(id.as_str())? else { return Err(WorkError::NoIssue) };
    let later = tx.count_holders(&ISSUE_HISTORY, tenant, id.as_str())?;
    let places = tx.holders(&ISSUE_HISTORY, tenant, id.as_str(), None, limit, offset)?;
    let mut entries: Vec<u64> =
        places.iter().map(|place| place.parse().map(|place: u64| u64::MAX - place).unwrap_or(0)).collect();
    // Its making comes last.
    if u64::from(offset) <= later && entries.len() < limit as usize {
        entries.extend(issue.value.made_in);
    }
    let total = later.saturating_add(issue.value.made_in.map_or(0, |_| 1));
    let mut steps = Vec::new();
    for seq in entries {
        // What retention removed from the log is left out.
        let Some(entry) = audit::entry(tx, tenant, CHANGES, seq)? else { continue };
        let body: Option<Json> = entry.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        let of = |name: &str| body.as_ref().and_then(|body| body.get(name)).cloned();
        steps.push(Step {
            at: entry.at.to_millis(),
            actor: of("by").and_then(|by| by.as_str().map(str::to_owned)),
            op: entry.op,
            changes: of("changes").and_then(|changes| changes.as_object().cloned()).unwrap_or_default(),
        });
    }
    Ok((steps, total))
}
