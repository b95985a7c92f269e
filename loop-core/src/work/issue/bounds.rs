//! How large the parts of an issue may be.

use super::{CommitRef, HypothesisData, MAX_TITLE, PullRequestRef};
use crate::{
    store::StoreError,
    work::{WorkError, check_length, check_text},
};

/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 50_000;
/// The longest word of where a signal came from or of an agent's session, in characters.
pub const MAX_NAME: usize = 500;
/// The longest text of a hypothesis or an agent's summary, in characters.
pub const MAX_TEXT: usize = 20_000;
/// The largest payload, in bytes of JSON.
pub const MAX_PAYLOAD: usize = 128 * 1024;
/// The most pieces of evidence, commits or pull requests.
pub const MAX_ITEMS: usize = 100;
/// The most labels of an issue.
pub const MAX_LABELS: usize = 50;
/// The most parts of an issue.
pub const MAX_CHILDREN: u64 = 1_000;
/// The longest message of a commit, in characters.
const MAX_MESSAGE: usize = 5_000;
/// The longest link, in characters.
const MAX_URL: usize = 2_000;

/// The parts of an issue that callers write, whatever changes them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) priority: Option<u8>,
    pub(super) signal_source: Option<&'a str>,
    pub(super) signal_payload: Option<&'a serde_json::Map<String, serde_json::Value>>,
    pub(super) hypothesis: Option<&'a HypothesisData>,
    pub(super) agent_session_id: Option<&'a str>,
    pub(super) agent_summary: Option<&'a str>,
    pub(super) commits: Option<&'a [CommitRef]>,
    pub(super) pull_requests: Option<&'a [PullRequestRef]>,
}

impl Written<'_> {
    /// Refuses what is out of bounds.
    ///
    /// # Errors
    /// [`WorkError::Invalid`].
    pub(super) fn check(&self) -> Result<(), WorkError> {
        self.title.map_or(Ok(()), |title| check_text("title", title, MAX_TITLE))?;
        length("description", self.description, MAX_DESCRIPTION)?;
        if self.priority.is_some_and(|priority| priority > 4) {
            return Err(WorkError::field("priority", "must be a whole number from 0 to 4"));
        }
        length("signalSource", self.signal_source, MAX_NAME)?;
        if let Some(payload) = self.signal_payload {
            check_payload("signalPayload", payload)?;
        }
        self.hypothesis.map_or(Ok(()), check_hypothesis)?;
        length("agentSessionId", self.agent_session_id, MAX_NAME)?;
        length("agentSummary", self.agent_summary, MAX_TEXT)?;
        items("commits", self.commits, |at, commit| {
            check_text(&format!("commits[{at}].sha"), &commit.sha, MAX_NAME)?;
            check_length(&format!("commits[{at}].message"), &commit.message, MAX_MESSAGE)?;
            link(&format!("commits[{at}].url"), commit.url.as_deref())?;
            length(&format!("commits[{at}].author"), commit.author.as_deref(), MAX_NAME)?;
            length(&format!("commits[{at}].timestamp"), commit.timestamp.as_deref(), MAX_NAME)
        })?;
        items("pullRequests", self.pull_requests, |at, request| {
            check_text(&format!("pullRequests[{at}].title"), &request.title, MAX_NAME)?;
            link(&format!("pullRequests[{at}].url"), request.url.as_deref())?;
            length(&format!("pullRequests[{at}].state"), request.state.as_deref(), MAX_NAME)?;
            length(&format!("pullRequests[{at}].mergedAt"), request.merged_at.as_deref(), MAX_NAME)
        })
    }
}

fn length(field: &str, text: Option<&str>, max: usize) -> Result<(), WorkError> {
    text.map_or(Ok(()), |text| check_length(field, text, max))
}

/// Refuses a payload that is larger than [`MAX_PAYLOAD`].
///
/// # Errors
/// [`WorkError::Invalid`].
pub fn check_payload(field: &str, payload: &serde_json::Map<String, serde_json::Value>) -> Result<(), WorkError> {
    let text = serde_json::to_string(payload).map_err(|error| StoreError::Internal(error.to_string()))?;
    if text.len() > MAX_PAYLOAD {
        return Err(WorkError::field(field, format!("must have {MAX_PAYLOAD} bytes at most")));
    }
    Ok(())
}

fn check_hypothesis(hypothesis: &HypothesisData) -> Result<(), WorkError> {
    check_text("hypothesis.statement", &hypothesis.statement, MAX_TEXT)?;
    check_text("hypothesis.validationCriteria", &hypothesis.validation_criteria, MAX_TEXT)?;
    hypothesis.prediction.as_ref().map_or(Ok(()), |text| check_length("hypothesis.prediction", text, MAX_TEXT))?;
    // Written so that a number that is none is refused.
    if !(0.0..=1.0).contains(&hypothesis.confidence) {
        return Err(WorkError::field("hypothesis.confidence", "must be a number from 0 to 1"));
    }
    items("hypothesis.evidence", Some(&hypothesis.evidence), |at, text| {
        check_length(&format!("hypothesis.evidence[{at}]"), text, MAX_MESSAGE)
    })
}

fn items<T>(
    field: &str,
    items: Option<&[T]>,
    check: impl Fn(usize, &T) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    let items = items.unwrap_or_default();
    if items.len() > MAX_ITEMS {
        return Err(WorkError::field(field, format!("must have {MAX_ITEMS} items at most")));
    }
    items.iter().enumerate().try_for_each(|(at, item)| check(at, item))
}

fn link(field: &str, url: Option<&str>) -> Result<(), WorkError> {
    let Some(url) = url else { return Ok(()) };
    check_text(field, url, MAX_URL)?;
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    Err(WorkError::field(field, "must be a link that begins with `https://` or `http://`"))
}
