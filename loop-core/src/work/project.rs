//! Projects: what issues are gathered in.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{
    Goal, GoalStatus, IssueStatus, WorkError, change,
    count::{self, WORK_COUNTS},
    error::{check_length, check_text},
    goal, ready,
    status::words,
};
use crate::{
    access::Ctx,
    base::{
        TenantId, Time,
        id::{GoalId, ProjectId},
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
};

/// The longest name, in characters.
pub const MAX_NAME: usize = 500;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 50_000;
/// The most projects that serve one goal: so many rows move when it is reached.
pub const MAX_OF_GOAL: u64 = 1_000;

/// The account that counts projects.
const ACCOUNT: &str = "projects";
/// How many projects are read at once.
const CHUNK: u32 = 100;

words! {
    /// Where a project stands.
    ProjectStatus {
        /// Wanted, not yet.
        Backlog = "backlog",
        /// Decided on.
        Planned = "planned",
        /// Under way.
        Active = "active",
        /// Halted.
        Paused = "paused",
        /// Done.
        Completed = "completed",
        /// Given up.
        Canceled = "canceled",
    }
}

words! {
    /// How a project goes.
    ProjectHealth {
        /// Well.
        OnTrack = "on_track",
        /// Not surely well.
        AtRisk = "at_risk",
        /// Not well.
        OffTrack = "off_track",
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name, 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// Where it stands.
    pub status: ProjectStatus,
    /// How it goes.
    pub health: ProjectHealth,
    /// The goal it serves.
    pub goal_id: Option<GoalId>,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it last changed.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub updated_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
    /// Whether an active goal is linked to it, either way: its issues are dispatched before others. Stored only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(skip)]
    pub boosted: bool,
}

/// Where projects are kept. Deleted ones have no columns.
pub static PROJECTS: Table =
    Table { name: "projects", columns: &[Column::indexed("live", Kind::Int), Column::indexed("goal_id", Kind::Text)] };

impl Entity for Project {
    const TABLE: &'static Table = &PROJECTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null];
        }
        vec![Value::Int(1), self.goal_id.map(|id| Value::from(id.as_str())).into()]
    }
}

/// A project to make; what is absent has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewProject {
    /// Its name, 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// More about it, [`MAX_DESCRIPTION`] characters at most.
    pub description: Option<String>,
    /// Where it stands; `backlog` when absent.
    pub status: Option<ProjectStatus>,
    /// How it goes; `on_track` when absent.
    pub health: Option<ProjectHealth>,
    /// The goal it serves.
    pub goal_id: Option<String>,
}

/// Changes to a project; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectPatch {
    /// Its name.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Option<ProjectStatus>,
    /// How it goes.
    pub health: Option<ProjectHealth>,
    /// The goal it serves; `Some(None)` for none.
    pub goal_id: Option<Option<String>>,
}

/// A project with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The project.
    pub project: Project,
    /// The goal it serves, unless that is deleted.
    pub goal: Option<Goal>,
    /// How many of its issues stand where; no zeros.
    pub issues: BTreeMap<IssueStatus, u64>,
}

/// Makes a project.
///
/// # Errors
/// Texts out of bounds, a goal that is not there, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewProject) -> Result<Project, WorkError> {
    check(Some(&new.name), new.description.as_deref())?;
    let goal_id = new.goal_id.as_deref().map(|id| serve(tx, cx.tenant(), id)).transpose()?;
    let now = cx.now.to_millis();
    let mut project = Project {
        id: ProjectId::draw(cx.now, &mut cx.seed()),
        name: new.name.clone(),
        description: new.description.clone(),
        status: new.status.unwrap_or(ProjectStatus::Backlog),
        health: new.health.unwrap_or(ProjectHealth::OnTrack),
        goal_id,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        boosted: false,
    };
    project.boosted = boosted(tx, cx.tenant(), &project)?;
    Repo::new(tx, cx.tenant()).insert(&project, cx.now)?;
    tx.add(&WORK_COUNTS, cx.tenant(), ACCOUNT, 1, None)?;
    change::write_down(tx, cx, "project.create", project.id.as_str(), None, &project)?;
    Ok(project)
}

/// The stored project, when it is there.
///
/// # Errors
/// [`WorkError::NoProject`], storage failures.
pub fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Project>, WorkError> {
    let id = ProjectId::parse(id).ok_or(WorkError::NoProject)?;
    let found: Option<Stored<Project>> = Repo::new(tx, tenant).get(id.as_str())?;
    found.filter(|stored| stored.value.deleted_at.is_none()).ok_or(WorkError::NoProject)
}

/// A project with its goal and the standing of its issues.
///
/// # Errors
/// [`WorkError::NoProject`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Overview, WorkError> {
    let project = stored(tx, tenant, id)?.value;
    let goal = match project.goal_id {
        Some(id) => match goal::get(tx, tenant, id.as_str()) {
            Ok(goal) => Some(goal),
            Err(WorkError::NoGoal) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let issues = count::counts(tx, tenant, Some(&project.id))?.by_status();
    Ok(Overview { project, goal, issues })
}

/// Projects by the time of their making, and how many there are.
///
/// # Errors
/// Storage failures.
pub fn list(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<(Vec<Project>, u64), WorkError> {
    let query = RecordQuery { conds: vec![Cond::Eq("live", Value::Int(1))], limit, offset, ..RecordQuery::default() };
    let rows: Vec<Stored<Project>> = Repo::new(tx, tenant).list(&query)?;
    let total = count::of_account(tx, tenant, ACCOUNT)?;
    Ok((rows.into_iter().map(|stored| stored.value).collect(), total))
}

/// Changes a project.
///
/// # Errors
/// [`WorkError::NoProject`], texts out of bounds, a goal that is not there, storage failures.
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &ProjectPatch) -> Result<Project, WorkError> {
    let old = stored(tx, cx.tenant(), id)?;
    check(patch.name.as_deref(), patch.description.as_deref())?;
    let mut project = Project { updated_at: cx.now.to_millis(), ..old.value.clone() };
    if let Some(name) = &patch.name {
        project.name.clone_from(name);
    }
    if let Some(description) = &patch.description {
        project.description = Some(description.clone());
    }
    project.status = patch.status.unwrap_or(project.status);
    project.health = patch.health.unwrap_or(project.health);
    if let Some(goal) = &patch.goal_id {
        let told = goal.as_deref();
        // Who serves a goal already is not one more.
        let same = told.is_some() && told == old.value.goal_id.as_ref().map(GoalId::as_str);
        project.goal_id = match told {
            Some(id) if same => Some(goal::stored(tx, cx.tenant(), id).map_err(missing_goal)?.value.id),
            Some(id) => Some(serve(tx, cx.tenant(), id)?),
            None => None,
        };
    }
    project.boosted = boosted(tx, cx.tenant(), &project)?;
    save(tx, cx, &old, &project)?;
    change::write_down(tx, cx, "project.update", project.id.as_str(), Some(&old.value), &project)?;
    Ok(project)
}

/// Deletes a project. Its issues stay, without its goal's bonus.
///
/// # Errors
/// [`WorkError::NoProject`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), WorkError> {
    let old = stored(tx, cx.tenant(), id)?;
    let now = cx.now.to_millis();
    let gone = Project { deleted_at: Some(now), updated_at: now, boosted: false, ..old.value.clone() };
    save(tx, cx, &old, &gone)?;
    tx.add(&WORK_COUNTS, cx.tenant(), ACCOUNT, -1, None)?;
    change::write_down(tx, cx, "project.delete", gone.id.as_str(), Some(&old.value), &gone)
}

/// Keeps the bonus of a project that a goal names after the goal changed.
///
/// # Errors
/// Storage failures.
pub(super) fn goal_moved(tx: &mut dyn Tx, cx: &Ctx, id: &ProjectId) -> Result<(), WorkError> {
    let found: Option<Stored<Project>> = Repo::new(tx, cx.tenant()).get(id.as_str())?;
    let Some(old) = found.filter(|stored| stored.value.deleted_at.is_none()) else { return Ok(()) };
    let boosted = boosted(tx, cx.tenant(), &old.value)?;
    save_if_moved(tx, cx, &old, boosted)
}

/// Keeps the bonus of all projects that name a goal after it changed.
///
/// # Errors
/// Storage failures.
pub(super) fn served_goal_moved(tx: &mut dyn Tx, cx: &Ctx, goal: &GoalId) -> Result<(), WorkError> {
    let mut after: Option<(Value, String)> = None;
    loop {
        let conds = vec![Cond::Eq("goal_id", goal.as_str().into())];
        let query = RecordQuery { conds, after: after.take(), limit: CHUNK, ..RecordQuery::default() };
        let rows: Vec<Stored<Project>> = Repo::new(tx, cx.tenant()).list(&query)?;
        for old in &rows {
            let boosted = boosted(tx, cx.tenant(), &old.value)?;
            save_if_moved(tx, cx, old, boosted)?;
        }
        match rows.last() {
            Some(last) if rows.len() >= CHUNK as usize => after = Some((Value::Null, last.value.id.to_string())),
            _ => return Ok(()),
        }
    }
}

fn save_if_moved(tx: &mut dyn Tx, cx: &Ctx, old: &Stored<Project>, boosted: bool) -> Result<(), WorkError> {
    if old.value.boosted == boosted {
        return Ok(());
    }
    let project = Project { boosted, ..old.value.clone() };
    save(tx, cx, old, &project)
}

fn save(tx: &mut dyn Tx, cx: &Ctx, old: &Stored<Project>, project: &Project) -> Result<(), WorkError> {
    Repo::new(tx, cx.tenant()).update(old, project, cx.now)?;
    if old.value.boosted != project.boosted {
        ready::project_changed(tx, cx, &project.id)?;
    }
    Ok(())
}

/// Whether an active goal is linked to the project, from either side.
fn boosted(tx: &mut dyn Tx, tenant: &TenantId, project: &Project) -> Result<bool, StoreError> {
    if let Some(id) = project.goal_id {
        let goal: Option<Stored<Goal>> = Repo::new(tx, tenant).get(id.as_str())?;
        if goal.is_some_and(|goal| goal.value.deleted_at.is_none() && goal.value.status == GoalStatus::Active) {
            return Ok(true);
        }
    }
    goal::any_active_for(tx, tenant, &project.id)
}

/// The goal of this id, when one more project may serve it.
fn serve(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<GoalId, WorkError> {
    let goal = goal::stored(tx, tenant, id).map_err(missing_goal)?.value.id;
    if tx.count(&PROJECTS, tenant, &[Cond::Eq("goal_id", goal.as_str().into())])? >= MAX_OF_GOAL {
        return Err(WorkError::Unprocessable("Goal is served by as many projects as one may be"));
    }
    Ok(goal)
}

fn missing_goal(error: WorkError) -> WorkError {
    match error {
        WorkError::NoGoal => WorkError::Unprocessable("Goal not found"),
        other => other,
    }
}

fn check(name: Option<&str>, description: Option<&str>) -> Result<(), WorkError> {
    name.map_or(Ok(()), |name| check_text("name", name, MAX_NAME))?;
    description.map_or(Ok(()), |text| check_length("description", text, MAX_DESCRIPTION))
}
