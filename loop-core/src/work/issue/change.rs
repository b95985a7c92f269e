//! Changing and deleting issues.

use serde_json::{Map, Value as Json};

use super::{CommitRef, HypothesisData, Issue, PullRequestRef, bounds::Written, get, place, reach, save::save};
use crate::{
    access::Ctx,
    store::Tx,
    work::{IssueStatus, IssueType, WorkError, relation},
};

/// Changes to an issue; what is `None` stays, and `Some(None)` takes a value away.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patch {
    /// What it is about.
    pub title: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// What it is.
    pub kind: Option<IssueType>,
    /// Where it stands.
    pub status: Option<IssueStatus>,
    /// 0 to 4.
    pub priority: Option<u8>,
    /// The id of the issue it is a part of.
    pub parent_id: Option<Option<String>>,
    /// The id of its project.
    pub project_id: Option<Option<String>>,
    /// Where the signal came from.
    pub signal_source: Option<String>,
    /// What the signal said.
    pub signal_payload: Option<Map<String, Json>>,
    /// The guess.
    pub hypothesis: Option<Option<HypothesisData>>,
    /// The session of the agent that works on it.
    pub agent_session_id: Option<Option<String>>,
    /// What the agent says it did.
    pub agent_summary: Option<Option<String>>,
    /// Commits made for it.
    pub commits: Option<Option<Vec<CommitRef>>>,
    /// Pull requests made for it.
    pub pull_requests: Option<Option<Vec<PullRequestRef>>>,
    /// The ids of all its labels.
    pub label_ids: Option<Vec<String>>,
}

/// An issue before and after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// What it was.
    pub before: Issue,
    /// What it is.
    pub after: Issue,
}

/// Changes an issue, all or nothing. Claims and prompts are not this room's: who changes a state on behalf of a caller
/// ends the claim too.
///
/// # Errors
/// [`WorkError::NoIssue`], what [`super::create`] refuses, a parent for an issue that has parts or for itself.
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &Patch) -> Result<Changed, WorkError> {
    let old = reach(tx, cx, id)?;
    let written = Written {
        title: patch.title.as_deref(),
        description: patch.description.as_deref(),
        priority: patch.priority,
        signal_source: patch.signal_source.as_deref(),
        signal_payload: patch.signal_payload.as_ref(),
        hypothesis: patch.hypothesis.as_ref().and_then(Option::as_ref),
        agent_session_id: patch.agent_session_id.as_ref().and_then(Option::as_deref),
        agent_summary: patch.agent_summary.as_ref().and_then(Option::as_deref),
        commits: patch.commits.as_ref().and_then(Option::as_deref),
        pull_requests: patch.pull_requests.as_ref().and_then(Option::as_deref),
    };
    written.check()?;
    let mut issue = old.value.clone();
    if let Some(parent) = &patch.parent_id {
        issue.parent_id = match parent {
            Some(parent) if issue.parent_id.is_some_and(|own| own.as_str() == parent) => issue.parent_id,
            Some(parent) => Some(place::new_parent(tx, cx.tenant(), &issue.id, parent)?),
            None => None,
        };
    }
    if let Some(project) = &patch.project_id {
        issue.project_id = match project {
            Some(project) => Some(place::project(tx, cx.tenant(), project)?),
            None => None,
        };
    }
    if let Some(labels) = &patch.label_ids {
        issue.label_ids = place::labels(tx, cx.tenant(), labels)?;
    }
    set(&mut issue.title, patch.title.as_ref());
    issue.description = patch.description.clone().or(issue.description);
    set(&mut issue.kind, patch.kind.as_ref());
    set(&mut issue.status, patch.status.as_ref());
    set(&mut issue.priority, patch.priority.as_ref());
    issue.signal_source = patch.signal_source.clone().or(issue.signal_source);
    issue.signal_payload = patch.signal_payload.clone().or(issue.signal_payload);
    set(&mut issue.hypothesis, patch.hypothesis.as_ref());
    set(&mut issue.agent_session_id, patch.agent_session_id.as_ref());
    set(&mut issue.agent_summary, patch.agent_summary.as_ref());
    set(&mut issue.commits, patch.commits.as_ref());
    set(&mut issue.pull_requests, patch.pull_requests.as_ref());
    let after = save(tx, cx, "issue.update", &old, issue)?;
    Ok(Changed { before: old.value, after })
}

fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

/// Deletes an issue with its relations; its comments and its history stay. Its number is not given again.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Changed, WorkError> {
    let old = get(tx, cx.tenant(), id)?;
    let deleted_at = Some(cx.now.to_millis().max(old.value.updated_at));
    let after = save(tx, cx, "issue.delete", &old, Issue { deleted_at, ..old.value.clone() })?;
    relation::forget(tx, cx, &after.id)?;
    Ok(Changed { before: old.value, after })
}
