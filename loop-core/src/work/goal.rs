//! Goals: what projects serve, with a value to reach.

use super::{
    WorkError, change,
    count::{self, WORK_COUNTS},
    error::{check_length, check_text},
    project,
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

/// The longest title, in characters.
pub const MAX_TITLE: usize = 500;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 50_000;
/// The longest name of what is measured, and of its unit, in characters.
pub const MAX_METRIC: usize = 500;

words! {
    /// Where a goal stands.
    GoalStatus {
        /// Wanted: issues of its project are dispatched before others.
        Active = "active",
        /// Reached.
        Achieved = "achieved",
        /// Given up.
        Abandoned = "abandoned",
    }
}

/// A goal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// Its id.
    pub id: GoalId,
    /// What is wanted, 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What is measured.
    pub metric: Option<String>,
    /// The value to reach.
    pub target_value: Option<f64>,
    /// The value as it is.
    pub current_value: Option<f64>,
    /// What it is measured in.
    pub unit: Option<String>,
    /// Where it stands.
    pub status: GoalStatus,
    /// The project that serves it.
    pub project_id: Option<ProjectId>,
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
}

/// Where goals are kept. Deleted ones have no columns.
pub static GOALS: Table = Table {
    name: "goals",
    columns: &[
        Column::indexed("live", Kind::Int),
        Column::indexed("project_id", Kind::Text),
        // The project that an active goal gives its bonus to.
        Column::indexed("boosts", Kind::Text),
    ],
};

impl Entity for Goal {
    const TABLE: &'static Table = &GOALS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null, Value::Null];
        }
        let project = Value::from(self.project_id.map(|id| Value::from(id.as_str())));
        let boosts = if self.status == GoalStatus::Active { project.clone() } else { Value::Null };
        vec![Value::Int(1), project, boosts]
    }
}

/// A goal to make; what is absent has its default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewGoal {
    /// What is wanted, 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// More about it, [`MAX_DESCRIPTION`] characters at most.
    pub description: Option<String>,
    /// What is measured, [`MAX_METRIC`] characters at most.
    pub metric: Option<String>,
    /// The value to reach, finite.
    pub target_value: Option<f64>,
    /// The value as it is, finite.
    pub current_value: Option<f64>,
    /// What it is measured in, [`MAX_METRIC`] characters at most.
    pub unit: Option<String>,
    /// Where it stands; `active` when absent.
    pub status: Option<GoalStatus>,
    /// The project that serves it.
    pub project_id: Option<String>,
}

/// Changes to a goal; what is absent stays, `Some(None)` clears.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GoalPatch {
    /// What is wanted.
    pub title: Option<String>,
    /// More about it.
    pub description: Option<Option<String>>,
    /// What is measured.
    pub metric: Option<Option<String>>,
    /// The value to reach.
    pub target_value: Option<Option<f64>>,
    /// The value as it is.
    pub current_value: Option<Option<f64>>,
    /// What it is measured in.
    pub unit: Option<Option<String>>,
    /// Where it stands.
    pub status: Option<GoalStatus>,
    /// The project that serves it.
    pub project_id: Option<Option<String>>,
}

/// How many goals there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoalCounts {
    /// All.
    pub total: u64,
    /// Those that are wanted.
    pub active: u64,
    /// Those that were reached.
    pub achieved: u64,
}

/// Makes a goal.
///
/// # Errors
/// Texts or numbers out of bounds, a project that is not there, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewGoal) -> Result<Goal, WorkError> {
    let now = cx.now.to_millis();
    let goal = Goal {
        id: GoalId::draw(cx.now, &mut cx.seed()),
        title: new.title.clone(),
        description: new.description.clone(),
        metric: new.metric.clone(),
        target_value: new.target_value,
        current_value: new.current_value,
        unit: new.unit.clone(),
        status: new.status.unwrap_or(GoalStatus::Active),
        project_id: new.project_id.as_deref().map(|id| serving(tx, cx.tenant(), id)).transpose()?,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    check(&goal)?;
    Repo::new(tx, cx.tenant()).insert(&goal, cx.now)?;
    tx.add(&WORK_COUNTS, cx.tenant(), account(goal.status), 1, None)?;
    moved(tx, cx, None, Some(&goal))?;
    change::write_down(tx, cx, "goal.create", goal.id.as_str(), None, &goal)?;
    Ok(goal)
}

/// The stored goal, when it is there.
///
/// # Errors
/// [`WorkError::NoGoal`], storage failures.
pub fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Goal>, WorkError> {
    let id = GoalId::parse(id).ok_or(WorkError::NoGoal)?;
    let found: Option<Stored<Goal>> = Repo::new(tx, tenant).get(id.as_str())?;
    found.filter(|stored| stored.value.deleted_at.is_none()).ok_or(WorkError::NoGoal)
}

/// One goal.
///
/// # Errors
/// [`WorkError::NoGoal`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Goal, WorkError> {
    Ok(stored(tx, tenant, id)?.value)
}

/// Goals by the time of their making, and how many there are.
///
/// # Errors
/// Storage failures.
pub fn list(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<(Vec<Goal>, u64), WorkError> {
    let query = RecordQuery { conds: vec![Cond::Eq("live", Value::Int(1))], limit, offset, ..RecordQuery::default() };
    let rows: Vec<Stored<Goal>> = Repo::new(tx, tenant).list(&query)?;
    let total = counts(tx, tenant)?.total;
    Ok((rows.into_iter().map(|stored| stored.value).collect(), total))
}

/// Changes a goal. Issues of the projects that it is linked to are dispatched accordingly from then on.
///
/// # Errors
/// [`WorkError::NoGoal`], texts or numbers out of bounds, a project that is not there, storage failures.
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &GoalPatch) -> Result<Goal, WorkError> {
    let old = stored(tx, cx.tenant(), id)?;
    let patch = patch.clone();
    let was = old.value.clone();
    let goal = Goal {
        title: patch.title.unwrap_or(was.title),
        description: patch.description.unwrap_or(was.description),
        metric: patch.metric.unwrap_or(was.metric),
        target_value: patch.target_value.unwrap_or(was.target_value),
        current_value: patch.current_value.unwrap_or(was.current_value),
        unit: patch.unit.unwrap_or(was.unit),
        status: patch.status.unwrap_or(was.status),
        project_id: match patch.project_id {
            Some(told) => told.as_deref().map(|id| serving(tx, cx.tenant(), id)).transpose()?,
            None => was.project_id,
        },
        updated_at: cx.now.to_millis(),
        ..old.value.clone()
    };
    check(&goal)?;
    Repo::new(tx, cx.tenant()).update(&old, &goal, cx.now)?;
    if old.value.status != goal.status {
        tx.add(&WORK_COUNTS, cx.tenant(), account(old.value.status), -1, None)?;
        tx.add(&WORK_COUNTS, cx.tenant(), account(goal.status), 1, None)?;
    }
    moved(tx, cx, Some(&old.value), Some(&goal))?;
    change::write_down(tx, cx, "goal.update", goal.id.as_str(), Some(&old.value), &goal)?;
    Ok(goal)
}

/// Deletes a goal. Projects that name it go on without it.
///
/// # Errors
/// [`WorkError::NoGoal`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), WorkError> {
    let old = stored(tx, cx.tenant(), id)?;
    let now = cx.now.to_millis();
    let gone = Goal { deleted_at: Some(now), updated_at: now, ..old.value.clone() };
    Repo::new(tx, cx.tenant()).update(&old, &gone, cx.now)?;
    tx.add(&WORK_COUNTS, cx.tenant(), account(old.value.status), -1, None)?;
    moved(tx, cx, Some(&old.value), None)?;
    change::write_down(tx, cx, "goal.delete", gone.id.as_str(), Some(&old.value), &gone)
}

/// How many goals stand where.
///
/// # Errors
/// Storage failures.
pub fn counts(tx: &mut dyn Tx, tenant: &TenantId) -> Result<GoalCounts, WorkError> {
    let mut counts = GoalCounts::default();
    for status in GoalStatus::ALL {
        let of = count::of_account(tx, tenant, account(*status))?;
        counts.total = counts.total.saturating_add(of);
        match status {
            GoalStatus::Active => counts.active = of,
            GoalStatus::Achieved => counts.achieved = of,
            GoalStatus::Abandoned => {}
        }
    }
    Ok(counts)
}

/// Whether an active goal names the project.
///
/// # Errors
/// Storage failures.
pub(super) fn any_active_for(tx: &mut dyn Tx, tenant: &TenantId, project: &ProjectId) -> Result<bool, StoreError> {
    let conds = vec![Cond::Eq("boosts", project.as_str().into())];
    Ok(!tx.list(&GOALS, tenant, &RecordQuery { conds, limit: 1, ..RecordQuery::default() })?.is_empty())
}

/// Keeps the bonus of the projects that the goal is linked to, before and after.
fn moved(tx: &mut dyn Tx, cx: &Ctx, before: Option<&Goal>, after: Option<&Goal>) -> Result<(), WorkError> {
    let boosts =
        |goal: Option<&Goal>| goal.filter(|goal| goal.status == GoalStatus::Active).map(|goal| goal.project_id);
    let (old, new) = (boosts(before), boosts(after));
    if old == new {
        return Ok(());
    }
    for project in [old.flatten(), new.flatten()].into_iter().flatten() {
        project::goal_moved(tx, cx, &project)?;
    }
    // Those that name it are moved by its status alone.
    match before {
        Some(goal) if old.is_some() != new.is_some() => project::served_goal_moved(tx, cx, &goal.id),
        _ => Ok(()),
    }
}

fn serving(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<ProjectId, WorkError> {
    match project::stored(tx, tenant, id) {
        Ok(stored) => Ok(stored.value.id),
        Err(WorkError::NoProject) => Err(WorkError::Unprocessable("Project not found")),
        Err(error) => Err(error),
    }
}

const fn account(status: GoalStatus) -> &'static str {
    match status {
        GoalStatus::Active => "goals/active",
        GoalStatus::Achieved => "goals/achieved",
        GoalStatus::Abandoned => "goals/abandoned",
    }
}

fn check(goal: &Goal) -> Result<(), WorkError> {
    check_text("title", &goal.title, MAX_TITLE)?;
    let texts = [
        ("description", &goal.description, MAX_DESCRIPTION),
        ("metric", &goal.metric, MAX_METRIC),
        ("unit", &goal.unit, MAX_METRIC),
    ];
    for (field, text, max) in texts {
        text.as_deref().map_or(Ok(()), |text| check_length(field, text, max))?;
    }
    for (field, value) in [("targetValue", goal.target_value), ("currentValue", goal.current_value)] {
        if value.is_some_and(|value| !value.is_finite()) {
            return Err(WorkError::field(field, "must be a number"));
        }
    }
    Ok(())
}
