//! Where an issue belongs: its parent, its project, its labels.

use super::{MAX_CHILDREN, MAX_LABELS, get};
use crate::{
    base::{
        TenantId,
        id::{IssueId, LabelId, ProjectId},
    },
    store::{Repo, Stored, Tx},
    work::{
        Project, WorkError, label,
        sets::{ISSUE_SETS, term},
    },
};

const NO_PARENT: WorkError = WorkError::Unprocessable("Parent issue not found");
const NO_PROJECT: WorkError = WorkError::Unprocessable("Project not found");
const NO_LABEL: WorkError = WorkError::Unprocessable("Label not found");
const TOO_DEEP: WorkError =
    WorkError::Unprocessable("Cannot create a child of an issue that already has a parent (1-level hierarchy limit)");
const HAS_CHILDREN: WorkError =
    WorkError::Unprocessable("Cannot make a child of an issue that has children (1-level hierarchy limit)");
const OWN_PARENT: WorkError = WorkError::Unprocessable("An issue cannot be its own parent");
const TOO_MANY: WorkError = WorkError::Unprocessable("The parent issue has too many children");

/// The parent of a new issue.
pub(super) fn parent(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<IssueId, WorkError> {
    let parent = get(tx, tenant, id).map_err(|error| match error {
        WorkError::NoIssue => NO_PARENT,
        other => other,
    })?;
    if parent.value.parent_id.is_some() {
        return Err(TOO_DEEP);
    }
    let parent = parent.value.id;
    if children(tx, tenant, &parent)? >= MAX_CHILDREN {
        return Err(TOO_MANY);
    }
    Ok(parent)
}

/// The new parent of an issue that is there.
pub(super) fn new_parent(tx: &mut dyn Tx, tenant: &TenantId, of: &IssueId, id: &str) -> Result<IssueId, WorkError> {
    if id == of.as_str() {
        return Err(OWN_PARENT);
    }
    let parent = parent(tx, tenant, id)?;
    if children(tx, tenant, of)? > 0 {
        return Err(HAS_CHILDREN);
    }
    Ok(parent)
}

fn children(tx: &mut dyn Tx, tenant: &TenantId, of: &IssueId) -> Result<u64, WorkError> {
    Ok(tx.count_holders(&ISSUE_SETS, tenant, &term::parent(of))?)
}

/// The project of an issue.
pub(super) fn project(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<ProjectId, WorkError> {
    let id = ProjectId::parse(id).ok_or(NO_PROJECT)?;
    let found: Option<Stored<Project>> = Repo::new(tx, tenant).get(id.as_str())?;
    found.filter(|stored| stored.value.deleted_at.is_none()).map(|_| id).ok_or(NO_PROJECT)
}

/// The labels of an issue, each once.
pub(super) fn labels(tx: &mut dyn Tx, tenant: &TenantId, ids: &[String]) -> Result<Vec<LabelId>, WorkError> {
    if ids.len() > MAX_LABELS {
        return Err(WorkError::field("labelIds", format!("must have {MAX_LABELS} items at most")));
    }
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let id = LabelId::parse(id).ok_or(NO_LABEL)?;
        if !out.contains(&id) {
            label::find(tx, tenant, &id)?.ok_or(NO_LABEL)?;
            out.push(id);
        }
    }
    Ok(out)
}
