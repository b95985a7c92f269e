//! The sets that live issues are found by. Every filter of a list is one of these sets or a union of some. Each set is
//! another place to write for every issue, so states, kinds and priorities share one.

use super::{
    Issue,
    count::{Cell, cell as cell_of},
};
use crate::{
    base::{
        TenantId,
        id::{IssueId, LabelId, ProjectId},
    },
    store::{StoreError, Terms, Tx},
};

/// Issues by what they have in common: the terms that [`term`] names.
pub static ISSUE_SETS: Terms = Terms { name: "issue_sets" };

/// The names of the sets.
pub(super) mod term {
    use super::{Cell, IssueId, LabelId, ProjectId};

    /// Every live issue.
    pub(crate) const ALL: &str = "all";

    pub(crate) fn cell((status, kind, priority): Cell) -> String {
        format!("s/{status}/{kind}/{priority}")
    }

    pub(crate) fn project(id: &ProjectId) -> String {
        format!("p/{id}")
    }

    pub(crate) fn project_cell(id: &ProjectId, (status, kind, priority): Cell) -> String {
        format!("p/{id}/{status}/{kind}/{priority}")
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
    let mut out = vec![term::ALL.to_owned(), term::cell(cell_of(issue))];
    if let Some(project) = &issue.project_id {
        out.push(term::project(project));
        out.push(term::project_cell(project, cell_of(issue)));
    }
    out.extend(issue.parent_id.iter().map(term::parent));
    out.extend(issue.label_ids.iter().map(term::label));
    out
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
    let (old, new) = (old.map(of).unwrap_or_default(), new.map(of).unwrap_or_default());
    let gone: Vec<&str> = old.iter().filter(|term| !new.contains(term)).map(String::as_str).collect();
    let come: Vec<&str> = new.iter().filter(|term| !old.contains(term)).map(String::as_str).collect();
    tx.drop_terms(&ISSUE_SETS, tenant, id.as_str(), &gone)?;
    tx.put_terms(&ISSUE_SETS, tenant, id.as_str(), &come)
}
