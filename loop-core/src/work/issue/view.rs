//! Reading issues.

use super::{Issue, MAX_CHILDREN};
use crate::{
    access::Ctx,
    base::{TenantId, id::IssueId},
    store::{Repo, StoreError, Stored, Tx},
    work::{
        IssueRelation, Label, WorkError, claim, label, relation,
        sets::{ISSUE_SETS, term},
    },
};

/// An issue that is not deleted.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Issue>, WorkError> {
    let id = IssueId::parse(id).ok_or(WorkError::NoIssue)?;
    let found: Option<Stored<Issue>> = Repo::new(tx, tenant).get(id.as_str())?;
    found.filter(|stored| stored.value.is_live()).ok_or(WorkError::NoIssue)
}

/// An issue that is not deleted, for a caller that wants to do something with it. Whoever holds the key of a claim
/// reaches the issue that was claimed, and only until it is given back or claimed anew.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn reach(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Stored<Issue>, WorkError> {
    let issue = get(tx, cx.tenant(), id)?;
    if claim::admits(tx, cx, &issue.value.id)? { Ok(issue) } else { Err(WorkError::NoIssue) }
}

/// The live parts of an issue, in the order of their making.
///
/// # Errors
/// Storage failures.
pub fn children(tx: &mut dyn Tx, tenant: &TenantId, of: &IssueId) -> Result<Vec<Issue>, StoreError> {
    let most = u32::try_from(MAX_CHILDREN).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    for id in tx.holders(&ISSUE_SETS, tenant, &term::parent(of), None, most, 0)? {
        let found: Option<Stored<Issue>> = Repo::new(tx, tenant).get(&id)?;
        out.extend(found.map(|stored| stored.value));
    }
    Ok(out)
}

/// An issue with what hangs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The issue.
    pub issue: Issue,
    /// The issue it is a part of, unless that is deleted.
    pub parent: Option<Issue>,
    /// Its parts.
    pub children: Vec<Issue>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// The relations from it to others.
    pub relations: Vec<IssueRelation>,
}

/// An issue with what hangs on it.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn whole(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Whole, WorkError> {
    let issue = reach(tx, cx, id)?.value;
    let tenant = cx.tenant();
    let parent = match &issue.parent_id {
        Some(parent) => match get(tx, tenant, parent.as_str()) {
            Ok(parent) => Some(parent.value),
            Err(WorkError::NoIssue) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let children = if issue.parent_id.is_none() { children(tx, tenant, &issue.id)? } else { Vec::new() };
    let labels = label::of_issue(tx, tenant, &issue)?;
    let relations = relation::outgoing(tx, tenant, &issue.id)?;
    Ok(Whole { issue, parent, children, labels, relations })
}
