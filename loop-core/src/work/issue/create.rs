//! Making issues.

use serde_json::{Map, Value as Json};

use super::{CommitRef, HypothesisData, Issue, PullRequestRef, bounds::Written, place, save};
use crate::{
    access::Ctx,
    base::id::IssueId,
    store::Tx,
    work::{IssueStatus, IssueType, WorkError, count},
};

/// An issue to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIssue {
    /// What it is about, 1 to [`super::MAX_TITLE`] characters.
    pub title: String,
    /// What it is.
    pub kind: IssueType,
    /// More about it.
    pub description: Option<String>,
    /// Where it stands.
    pub status: IssueStatus,
    /// 0 to 4.
    pub priority: u8,
    /// The id of the issue it is a part of.
    pub parent_id: Option<String>,
    /// The id of its project.
    pub project_id: Option<String>,
    /// Where the signal came from.
    pub signal_source: Option<String>,
    /// What the signal said.
    pub signal_payload: Option<Map<String, Json>>,
    /// The guess.
    pub hypothesis: Option<HypothesisData>,
    /// The session of the agent that works on it.
    pub agent_session_id: Option<String>,
    /// What the agent says it did.
    pub agent_summary: Option<String>,
    /// Commits made for it.
    pub commits: Option<Vec<CommitRef>>,
    /// Pull requests made for it.
    pub pull_requests: Option<Vec<PullRequestRef>>,
    /// The ids of its labels; one that is named twice counts once.
    pub label_ids: Vec<String>,
}

impl NewIssue {
    /// An issue of which nothing but this is said: it is in triage and has no priority.
    #[must_use]
    pub fn titled(title: impl Into<String>, kind: IssueType) -> Self {
        Self {
            title: title.into(),
            kind,
            description: None,
            status: IssueStatus::Triage,
            priority: 0,
            parent_id: None,
            project_id: None,
            signal_source: None,
            signal_payload: None,
            hypothesis: None,
            agent_session_id: None,
            agent_summary: None,
            commits: None,
            pull_requests: None,
            label_ids: Vec::new(),
        }
    }
}

/// Makes an issue.
///
/// # Errors
/// Texts out of bounds; a parent, project or label that is not there, a parent that is a part itself; storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewIssue) -> Result<Issue, WorkError> {
    let written = Written {
        title: Some(&new.title),
        description: new.description.as_deref(),
        priority: Some(new.priority),
        signal_source: new.signal_source.as_deref(),
        signal_payload: new.signal_payload.as_ref(),
        hypothesis: new.hypothesis.as_ref(),
        agent_session_id: new.agent_session_id.as_deref(),
        agent_summary: new.agent_summary.as_deref(),
        commits: new.commits.as_deref(),
        pull_requests: new.pull_requests.as_deref(),
    };
    written.check()?;
    let parent_id = match &new.parent_id {
        Some(parent) => Some(place::parent(tx, cx.tenant(), parent)?),
        None => None,
    };
    let project_id = match &new.project_id {
        Some(project) => Some(place::project(tx, cx.tenant(), project)?),
        None => None,
    };
    let label_ids = place::labels(tx, cx.tenant(), &new.label_ids)?;
    let now = cx.now.to_millis();
    let mut issue = Issue {
        id: IssueId::draw(cx.now, &mut cx.seed()),
        number: count::next_number(tx, cx.tenant())?,
        title: new.title.clone(),
        description: new.description.clone(),
        kind: new.kind,
        status: new.status,
        priority: new.priority,
        parent_id,
        project_id,
        signal_source: new.signal_source.clone(),
        signal_payload: new.signal_payload.clone(),
        hypothesis: new.hypothesis.clone(),
        agent_session_id: new.agent_session_id.clone(),
        agent_summary: new.agent_summary.clone(),
        commits: new.commits.clone(),
        pull_requests: new.pull_requests.clone(),
        label_ids,
        completed_at: new.status.is_closed().then_some(now),
        created_at: now,
        updated_at: now,
        deleted_at: None,
        active_at: parent_id.is_none().then_some(now),
        made_in: None,
    };
    save::insert(tx, cx, &mut issue)?;
    Ok(issue)
}
