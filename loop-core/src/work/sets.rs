//! The sets that live issues are found by. Every filter of a list is one of these sets or a union of some.

use super::{Issue, IssueStatus, IssueType, search};
use crate::{
    base::{
        TenantId,
        id::{IssueId, LabelId, ProjectId},
    },
    store::{StoreError, Terms, Tx},
};

/// Issues by what they have in common: the terms that [`term`] names.
pub static ISSUE_SETS: Terms = Terms { name: "issue_sets" };
/// Issues by the words of their title and description.
pub static ISSUE_WORDS: Terms = Terms { name: "issue_words" };

/// The names of the sets.
pub(super) mod term {
    use super::{IssueId, IssueStatus, IssueType, LabelId, ProjectId};

    /// Every live issue.
    pub(crate) const ALL: &str = "all";

    pub(crate) fn cell(status: IssueStatus, kind: IssueType) -> String {
        format!("s/{status}/{kind}")
    }

    pub(crate) fn project(id: &ProjectId) -> String {
        format!("p/{id}")
    }

    pub(crate) fn project_cell(id: &ProjectId, status: IssueStatus, kind: IssueType) -> String {
        format!("p/{id}/{status}/{kind}")
    }

    pub(crate) fn priority(priority: u8) -> String {
        format!("n/{priority}")
    }

    pub(crate) fn parent(id: &IssueId) -> String {
        format!("c/{id}")
    }

    pub(crate) fn label(id: &LabelId) -> String {
        format!("l/{id}")
    }
}

/// The sets that an issue is in.
fn of(issue: &Issue) -> Vec<String> {
    let mut out = vec![term::ALL.to_owned(), term::cell(issue.status, issue.kind), term::priority(issue.priority)];
    if let Some(project) = &issue.project_id {
        out.push(term::project(project));
        out.push(term::project_cell(project, issue.status, issue.kind));
    }
    out.extend(issue.parent_id.iter().map(term::parent));
    out.extend(issue.label_ids.iter().map(term::label));
    out
}

/// The words that an issue is found by.
pub(super) fn words_of(issue: &Issue) -> std::collections::BTreeSet<String> {
    search::words([issue.title.as_str(), issue.description.as_deref().unwrap_or("")])
}

/// Keeps the sets when an issue becomes another: `None` is an issue that is not there.
pub(super) fn moved(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    before: Option<&Issue>,
    after: Option<&Issue>,
) -> Result<(), StoreError> {
    let Some(id) = before.or(after).map(|issue| issue.id) else { return Ok(()) };
    let (old, new) = (before.filter(|issue| issue.is_live()), after.filter(|issue| issue.is_live()));
    replace(tx, &ISSUE_SETS, tenant, &id, &old.map(of).unwrap_or_default(), &new.map(of).unwrap_or_default())?;
    let same = |(a, b): (&Issue, &Issue)| a.title == b.title && a.description == b.description;
    if old.zip(new).is_some_and(same) {
        return Ok(());
    }
    let words = |issue: Option<&Issue>| issue.map(|issue| words_of(issue).into_iter().collect()).unwrap_or_default();
    let (old, new): (Vec<String>, Vec<String>) = (words(old), words(new));
    replace(tx, &ISSUE_WORDS, tenant, &id, &old, &new)
}

fn replace(
    tx: &mut dyn Tx,
    terms: &'static Terms,
    tenant: &TenantId,
    id: &IssueId,
    old: &[String],
    new: &[String],
) -> Result<(), StoreError> {
    let gone: Vec<&str> = old.iter().filter(|term| !new.contains(term)).map(String::as_str).collect();
    let come: Vec<&str> = new.iter().filter(|term| !old.contains(term)).map(String::as_str).collect();
    if !gone.is_empty() {
        tx.drop_terms(terms, tenant, id.as_str(), &gone)?;
    }
    if !come.is_empty() {
        tx.put_terms(terms, tenant, id.as_str(), &come)?;
    }
    Ok(())
}
