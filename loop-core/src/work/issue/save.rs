//! The one way an issue is written: with its sets, its counts, its parent's liveliness, its readiness and its history.

use super::{Issue, children};
use crate::{
    access::Ctx,
    base::{TenantId, Time, id::IssueId},
    store::{Repo, StoreError, Stored, Tx},
    work::{
        WorkError, count,
        history::{self, Changes},
        ready, sets, words,
    },
};

/// Writes a new issue, which remembers where the log tells of its making: one place less to write.
pub(super) fn insert(tx: &mut dyn Tx, cx: &Ctx, issue: &mut Issue) -> Result<(), WorkError> {
    issue.made_in = Some(history::note(tx, cx, "issue.create", &issue.id, &made(issue))?);
    Repo::new(tx, cx.tenant()).insert(issue, cx.now)?;
    kept(tx, cx, None, issue)
}

/// Writes an issue that `old` has become, unless nothing changed: sets when it last changed and when it was closed.
/// Answers it as it is now.
///
/// # Errors
/// Storage failures.
pub fn save(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    old: &Stored<Issue>,
    issue: Issue,
) -> Result<Issue, WorkError> {
    save_noting(tx, cx, op, old, issue, Changes::new())
}

/// As [`save`]; the step is written down with more than what it changed.
///
/// # Errors
/// As [`save`].
pub fn save_noting(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    old: &Stored<Issue>,
    mut issue: Issue,
    noted: Changes,
) -> Result<Issue, WorkError> {
    let before = &old.value;
    let now = cx.now.to_millis().max(before.updated_at);
    if issue.status != before.status {
        issue.completed_at = issue.status.is_closed().then_some(now);
    }
    let changes = changed(before, &issue);
    if changes.is_empty() {
        return Ok(before.clone());
    }
    issue.updated_at = now;
    issue.active_at = match issue.parent_id {
        Some(_) => None,
        None => Some(before.active_at.map_or(now, |active| active.max(now))),
    };
    Repo::new(tx, cx.tenant()).update(old, &issue, cx.now)?;
    kept(tx, cx, Some(before), &issue)?;
    history::record(tx, cx, op, &issue.id, &changes.and(noted))?;
    Ok(issue)
}

/// Keeps all that is derived from an issue.
fn kept(tx: &mut dyn Tx, cx: &Ctx, before: Option<&Issue>, after: &Issue) -> Result<(), WorkError> {
    sets::moved(tx, cx.tenant(), before, Some(after))?;
    words::moved(tx, cx.tenant(), before, Some(after))?;
    count::moved(tx, cx.tenant(), before, Some(after))?;
    let (was, is) = (parent_of(before), parent_of(Some(after)));
    if let Some(parent) = was.filter(|was| Some(*was) != is) {
        left(tx, cx, &parent)?;
    }
    if let Some(parent) = is {
        stirred(tx, cx, &parent, after.updated_at)?;
    }
    ready::refresh(tx, cx, before, Some(after))?;
    Ok(())
}

fn parent_of(issue: Option<&Issue>) -> Option<IssueId> {
    issue.filter(|issue| issue.is_live()).and_then(|issue| issue.parent_id)
}

/// Something happened to a part of an issue.
fn stirred(tx: &mut dyn Tx, cx: &Ctx, id: &IssueId, at: Time) -> Result<(), StoreError> {
    set_active(tx, cx, id, |_, _, issue| Ok(issue.active_at.max(Some(at))))
}

/// A part of an issue is one no more.
fn left(tx: &mut dyn Tx, cx: &Ctx, id: &IssueId) -> Result<(), StoreError> {
    set_active(tx, cx, id, |tx, tenant, issue| {
        let parts = children(tx, tenant, &issue.id)?;
        let last = parts.iter().map(|part| part.updated_at).max();
        Ok(last.max(Some(issue.updated_at)))
    })
}

fn set_active(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &IssueId,
    when: impl FnOnce(&mut dyn Tx, &TenantId, &Issue) -> Result<Option<Time>, StoreError>,
) -> Result<(), StoreError> {
    let found: Option<Stored<Issue>> = Repo::new(tx, cx.tenant()).get(id.as_str())?;
    let Some(stored) = found.filter(|stored| stored.value.is_live()) else { return Ok(()) };
    let active_at = when(tx, cx.tenant(), &stored.value)?;
    if active_at == stored.value.active_at {
        return Ok(());
    }
    let issue = Issue { active_at, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(&stored, &issue, cx.now)
}

fn made(issue: &Issue) -> Changes {
    let mut out = Changes::new();
    out.text("title", None, Some(&issue.title));
    out.plain("type", &None, &Some(issue.kind));
    out.plain("status", &None, &Some(issue.status));
    out.plain("priority", &None, &Some(issue.priority));
    out.plain("parentId", &None, &issue.parent_id);
    out.plain("projectId", &None, &issue.project_id);
    out.text("signalSource", None, issue.signal_source.as_deref());
    if !issue.label_ids.is_empty() {
        out.plain("labelIds", &None, &Some(&issue.label_ids));
    }
    out
}

fn changed(a: &Issue, b: &Issue) -> Changes {
    let mut out = Changes::new();
    out.text("title", Some(&a.title), Some(&b.title));
    out.text("description", a.description.as_deref(), b.description.as_deref());
    out.plain("type", &a.kind, &b.kind);
    out.plain("status", &a.status, &b.status);
    out.plain("priority", &a.priority, &b.priority);
    out.plain("parentId", &a.parent_id, &b.parent_id);
    out.plain("projectId", &a.project_id, &b.project_id);
    out.text("signalSource", a.signal_source.as_deref(), b.signal_source.as_deref());
    out.document("signalPayload", &a.signal_payload, &b.signal_payload);
    out.document("hypothesis", &a.hypothesis, &b.hypothesis);
    out.text("agentSessionId", a.agent_session_id.as_deref(), b.agent_session_id.as_deref());
    out.text("agentSummary", a.agent_summary.as_deref(), b.agent_summary.as_deref());
    out.document("commits", &a.commits, &b.commits);
    out.document("pullRequests", &a.pull_requests, &b.pull_requests);
    out.plain("labelIds", &a.label_ids, &b.label_ids);
    out.plain("deletedAt", &a.deleted_at, &b.deleted_at);
    out
}
