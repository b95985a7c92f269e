//! What a prompt may say of an issue: the issue and what stands around it, read in one transaction.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Chosen;
use crate::{
    base::{
        TenantId,
        id::{IssueId, ProjectId},
        secret::Secret,
    },
    store::{Cond, Entity, RecordQuery, Repo, StoreError, Stored, Tx},
    work::{Goal, GoalStatus, Issue, IssueRelation, Project, issue, label},
};

/// The most siblings, children, or relations of a kind that a prompt is given.
pub const MOST: usize = 100;

/// What a prompt is given beside what is stored.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where Loop is reached, without a slash at the end.
    pub loop_url: String,
    /// The key that opens the issue: of a claim, or [`crate::access::claim_key::PREVIEW`].
    pub loop_token: Secret,
}

/// What a prompt may say of an issue. It holds the claim's key: render it, and show it to nobody else.
///
/// # Errors
/// Storage failures.
pub fn context(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    issue: &Issue,
    chosen: &Chosen,
    around: &Surroundings,
) -> Result<Json, StoreError> {
    let parent: Option<Issue> = match issue.parent_id {
        Some(id) => stored(tx, tenant, id.as_str())?,
        None => None,
    };
    let mut siblings = Vec::new();
    let mut children = Vec::new();
    match issue.parent_id {
        Some(parent) => siblings = parts(tx, tenant, parent, Some(issue.id))?,
        None => children = parts(tx, tenant, issue.id, None)?,
    }
    let project: Option<Project> = match issue.project_id {
        Some(id) => stored(tx, tenant, id.as_str())?.filter(|project: &Project| project.deleted_at.is_none()),
        None => None,
    };
    let goal = match &project {
        Some(project) => goal_of(tx, tenant, project)?,
        None => None,
    };
    let labels: Vec<Json> = label::of_issue(tx, tenant, issue)?
        .into_iter()
        .map(|label| json!({ "name": label.name, "color": label.color }))
        .collect();
    let blocking = related(tx, tenant, issue.id, "blocker")?;
    let blocked_by = related(tx, tenant, issue.id, "blocked")?;
    let previous =
        issue.agent_summary.as_ref().map(|summary| json!({ "status": issue.status, "agentSummary": summary }));
    let Chosen { template, version } = chosen;
    let mut context = json!({
        "labels": labels,
        "blocking": blocking,
        "blockedBy": blocked_by,
        "previousSessions": previous.into_iter().collect::<Vec<_>>(),
        "loopUrl": around.loop_url,
        "loopToken": around.loop_token.expose(),
        "meta": {
            "templateId": template.id,
            "templateSlug": template.slug,
            "versionId": version.id,
            "versionNumber": version.version,
        },
    });
    if let Some(members) = context.as_object_mut() {
        for (name, value) in [
            ("issue", told(issue)?),
            ("parent", told(&parent)?),
            ("siblings", Json::Array(siblings)),
            ("children", Json::Array(children)),
            ("project", told(&project)?),
            ("goal", told(&goal)?),
        ] {
            members.insert(name.to_owned(), value);
        }
    }
    Ok(context)
}

fn told(thing: &impl Serialize) -> Result<Json, StoreError> {
    serde_json::to_value(thing).map_err(|error| StoreError::Internal(error.to_string()))
}

fn stored<E: Entity>(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Option<E>, StoreError> {
    let found: Option<Stored<E>> = Repo::new(tx, tenant).get(id)?;
    Ok(found.map(|stored| stored.value))
}

/// The live parts of an issue but one, without what their signals said: that may be long, and is theirs to tell.
fn parts(tx: &mut dyn Tx, tenant: &TenantId, of: IssueId, but: Option<IssueId>) -> Result<Vec<Json>, StoreError> {
    let parts = issue::children(tx, tenant, &of)?.into_iter().filter(|part| Some(part.id) != but);
    parts.take(MOST).map(|part| told(&Issue { signal_payload: None, ..part })).collect()
}

/// The goal of a project: the one that it names, else the first that names it, active ones first.
fn goal_of(tx: &mut dyn Tx, tenant: &TenantId, project: &Project) -> Result<Option<Goal>, StoreError> {
    let mut goals: Vec<Goal> = Vec::new();
    if let Some(id) = project.goal_id {
        goals.extend(stored::<Goal>(tx, tenant, id.as_str())?.filter(|goal| goal.deleted_at.is_none()));
    }
    goals.extend(naming(tx, tenant, project.id)?);
    let active = goals.iter().position(|goal| goal.status == GoalStatus::Active);
    Ok(goals.into_iter().nth(active.unwrap_or(0)))
}

fn naming(tx: &mut dyn Tx, tenant: &TenantId, project: ProjectId) -> Result<Vec<Goal>, StoreError> {
    let conds = vec![Cond::Eq("project_id", project.as_str().into())];
    let query = RecordQuery { conds, limit: 16, ..RecordQuery::default() };
    Ok(Repo::new(tx, tenant).list(&query)?.into_iter().map(|stored: Stored<Goal>| stored.value).collect())
}

/// The issues that this one blocks (`side` is `blocker`), or that block it (`blocked`), whichever way that was said.
fn related(tx: &mut dyn Tx, tenant: &TenantId, id: IssueId, side: &'static str) -> Result<Vec<Json>, StoreError> {
    let limit = u32::try_from(MOST).unwrap_or(u32::MAX);
    let query = RecordQuery { conds: vec![Cond::Eq(side, id.as_str().into())], limit, ..RecordQuery::default() };
    let relations: Vec<Stored<IssueRelation>> = Repo::new(tx, tenant).list(&query)?;
    let mut out: Vec<Json> = Vec::with_capacity(relations.len());
    let mut seen: Vec<IssueId> = Vec::with_capacity(relations.len());
    for (blocker, blocked) in relations.iter().filter_map(|relation| relation.value.blocking()) {
        let other = if blocker == id { blocked } else { blocker };
        if seen.contains(&other) {
            continue;
        }
        seen.push(other);
        if let Some(other) = stored::<Issue>(tx, tenant, other.as_str())?.filter(Issue::is_live) {
            out.push(json!({ "id": other.id, "number": other.number, "title": other.title }));
        }
    }
    Ok(out)
}
