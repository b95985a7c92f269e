//! A loop's own tasks.

use serde_json::{Value as Json, json};

use super::{
    Job, JobStatus, NewJob, TaskError, TaskStatus,
    job::{call_off, lay_out, settle},
};
use crate::{
    access::{AccessError, Ctx, Effective, Mode, loops},
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{JobId, LoopId, TaskId},
        json::Doc,
    },
    proof::{Level, Proof},
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, Stored, Table, Tx, Value},
    tool::redact,
};

/// The longest title, in characters.
pub const MAX_TITLE: usize = 200;
/// The most steps of a plan.
pub const MAX_STEPS: usize = 100;
/// The longest domain, in characters.
pub const MAX_DOMAIN: usize = 64;

/// A task.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Whose it is.
    pub loop_id: LoopId,
    /// What it is about.
    pub title: String,
    /// The domain it belongs to.
    pub domain: Option<String>,
    /// How its steps are executed.
    pub mode: Mode,
    /// Its plan: a text or an object for each step.
    pub plan: Vec<Json>,
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// Where it stands.
    pub status: TaskStatus,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// Since when it has been kept as it is: its last change, or the last look of retention at a task that goes on.
    pub kept_since: Time,
    /// Whether what it was about is gone.
    #[serde(default)]
    pub erased: bool,
}

/// Where tasks are kept.
pub static TASKS: Table = Table {
    name: "tasks",
    columns: &[Column::indexed("loop_id", Kind::Text), Column::indexed("kept_since", Kind::Int)],
};

impl Entity for Task {
    const TABLE: &'static Table = &TASKS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.loop_id.to_string().into(), self.kept_since.into()]
    }
}

impl Task {
    /// The persons that it speaks of.
    pub(super) fn subjects(&self) -> Vec<String> {
        let told = json!({ "title": self.title, "plan": self.plan, "jobs": self.jobs });
        redact::json(Doc::from_value(&told).root()).subjects
    }
}

/// A task to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Whose it is, an id or a tag; the caller's own loop when absent.
    pub of: Option<String>,
    /// What it is about, 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// The domain: `a-z`, `0-9` and `_`, a letter first, 2 to [`MAX_DOMAIN`] characters.
    pub domain: Option<String>,
    /// How its steps are executed. A sandbox key's tasks are simulated whatever is said.
    pub mode: Mode,
    /// Its plan, [`MAX_STEPS`] steps at most.
    pub plan: Vec<Json>,
    /// Its jobs.
    pub jobs: Vec<NewJob>,
}

/// Changes to a task; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// Where it shall stand.
    pub status: Option<TaskStatus>,
    /// Where jobs shall stand, by id; before the task itself moves.
    pub jobs: Vec<(String, JobStatus)>,
}

/// Makes a task. A caller that is bound to a loop makes tasks of its own and of the loops under it.
///
/// # Errors
/// Texts out of bounds, jobs that cannot be worked off, a loop that is not the caller's.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewTask) -> Result<Task, TaskError> {
    if !(1..=MAX_TITLE).contains(&new.title.chars().count()) {
        return Err(TaskError::Length { field: "title", max: MAX_TITLE });
    }
    if new.domain.as_deref().is_some_and(|domain| !is_domain(domain)) {
        return Err(TaskError::Invalid("`domain` must be a slug such as `sales_revenue_ops`"));
    }
    if new.plan.len() > MAX_STEPS {
        return Err(TaskError::TooMany { field: "plan", max: MAX_STEPS });
    }
    if !new.plan.iter().all(|step| step.is_object() || step.as_str().is_some_and(|text| !text.is_empty())) {
        return Err(TaskError::Invalid("`plan` must hold texts and objects"));
    }
    let jobs = lay_out(&new.jobs, cx.now, &mut cx.seed())?;
    let of = match (&new.of, cx.caller.loop_id) {
        (Some(named), _) => loops::resolve(tx, cx.tenant(), named)?.id,
        (None, Some(own)) => own,
        (None, None) => return Err(TaskError::Invalid("`loopId` is missing: this key belongs to no loop")),
    };
    let line = loops::lineage(tx, cx.tenant(), of)?;
    cx.caller.commands(&line)?;
    if Effective::of(&line).suspended {
        return Err(AccessError::Suspended.into());
    }
    let task = Task {
        id: TaskId::draw(cx.now, &mut cx.seed()),
        loop_id: of,
        title: new.title.clone(),
        domain: new.domain.clone(),
        mode: if cx.caller.sandboxed { Mode::Sandbox } else { new.mode },
        plan: new.plan.clone(),
        jobs,
        status: TaskStatus::Planned,
        created_at: cx.now,
        updated_at: cx.now,
        kept_since: cx.now,
        erased: false,
    };
    Repo::new(tx, cx.tenant()).insert(&task, cx.now)?;
    audit::tag(tx, cx, cx.now, &task.id.to_string(), &task.subjects())?;
    write_down(tx, cx, "task.create", &task, None)?;
    Ok(task)
}

fn is_domain(text: &str) -> bool {
    let slug = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    slug && (2..=MAX_DOMAIN).contains(&text.len()) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// One task: of the caller's loop, of one under it, or of any when the caller is the administrator.
///
/// # Errors
/// [`TaskError::NoTask`], storage failures.
pub fn get(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Task, TaskError> {
    Ok(stored(tx, cx, id)?.value)
}

fn stored(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Stored<Task>, TaskError> {
    let id = TaskId::parse(id).ok_or(TaskError::NoTask)?;
    let stored: Stored<Task> = Repo::new(tx, cx.tenant()).get(&id.to_string())?.ok_or(TaskError::NoTask)?;
    let of = stored.value.loop_id;
    let near = cx.caller.loop_id.is_none_or(|own| own == of);
    if near || cx.caller.stands_above(&loops::lineage(tx, cx.tenant(), of)?) {
        Ok(stored)
    } else {
        Err(TaskError::NoTask)
    }
}

/// Tasks of a loop, or of the whole tenant, newest first, after `after`.
///
/// # Errors
/// Storage failures.
pub fn list(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    of: Option<LoopId>,
    after: Option<TaskId>,
    limit: u32,
) -> Result<Vec<Task>, TaskError> {
    let query = RecordQuery {
        conds: of.map(|of| Cond::Eq("loop_id", of.to_string().into())).into_iter().collect(),
        order: Order::Descending,
        after: after.map(|id| (Value::Null, id.to_string())),
        limit,
        ..RecordQuery::default()
    };
    let rows: Vec<Stored<Task>> = Repo::new(tx, tenant).list(&query)?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}

/// Moves a task and its jobs. `proofs` are all that were attached to the task and to its invocations: without one that
/// the server could check, a task of a mode that acts for real ends as [`TaskStatus::CompletedUnverified`].
///
/// # Errors
/// [`TaskError::NoTask`], [`TaskError::NoJob`], [`TaskError::Transition`], storage failures.
pub fn update(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &Patch, proofs: &[Proof]) -> Result<Task, TaskError> {
    let old = stored(tx, cx, id)?;
    if Effective::of(&loops::lineage(tx, cx.tenant(), old.value.loop_id)?).suspended {
        return Err(AccessError::Suspended.into());
    }
    let mut task = Task { updated_at: cx.now, kept_since: cx.now, ..old.value.clone() };
    for (id, to) in &patch.jobs {
        move_job(&mut task, id, *to)?;
    }
    if let Some(to) = patch.status {
        if !task.status.may_become(to) {
            return Err(TaskError::Transition { from: task.status.as_str(), to: to.as_str() });
        }
        let unproven = to == TaskStatus::Completed && task.mode != Mode::Sandbox && !proofs.iter().any(shows_something);
        task.status = if unproven { TaskStatus::CompletedUnverified } else { to };
        if task.status.ended() {
            call_off(&mut task.jobs);
        }
    }
    Repo::new(tx, cx.tenant()).update(&old, &task, cx.now)?;
    // So that its tags last as long as it does.
    audit::tag(tx, cx, cx.now, &task.id.to_string(), &task.subjects())?;
    write_down(tx, cx, "task.update", &task, Some(old.value.status))?;
    Ok(task)
}

fn shows_something(proof: &Proof) -> bool {
    !proof.simulated && proof.level > Level::V0
}

fn move_job(task: &mut Task, id: &str, to: JobStatus) -> Result<(), TaskError> {
    let unknown = || TaskError::NoJob(id.chars().take(super::MAX_JOB_NAME).collect());
    let wanted = JobId::parse(id).ok_or_else(unknown)?;
    let job = task.jobs.iter_mut().find(|job| job.id == wanted).ok_or_else(unknown)?;
    // Nothing begins in a task that is not under way.
    let idle = task.status != TaskStatus::Running && matches!(to, JobStatus::Running);
    if idle || !job.status.may_become(to) {
        return Err(TaskError::Transition { from: job.status.as_str(), to: to.as_str() });
    }
    job.status = to;
    settle(&mut task.jobs);
    Ok(())
}

fn write_down(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    task: &Task,
    before: Option<TaskStatus>,
) -> Result<(), TaskError> {
    let jobs: Vec<Json> = task.jobs.iter().map(|job| json!({ "id": job.id, "status": job.status })).collect();
    let body = json!({
        "task_id": task.id, "loop_id": task.loop_id, "mode": task.mode, "status": task.status, "before": before,
        "jobs": jobs,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}
