//! `/api/v1/tasks`: a loop's own tasks.

use http::{Method, StatusCode};
use loop_core::{
    access::{Mode, Scope, loops},
    base::{
        Time,
        id::{ApprovalId, InvocationId, LoopId, TaskId},
    },
    invoke,
    proof::{self, Proof, Subject},
    store::Tx,
    task::{
        Job, JobStatus, NewJob, TaskError, TaskStatus,
        tasks::{self, NewTask, Patch, Task},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    context,
    page::{CURSOR, LIMIT, Page, page_shape},
    transactions::{ProofRow, failed},
};
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The largest body, in bytes: a plan and its jobs.
const TASK_LIMIT: usize = 64 << 10;
/// The most proofs of a task that are shown.
const PROOFS: u32 = 100;
/// The most invocations of a task that are shown.
const CALLS: u32 = 100;

/// A loop of an example, told from those of the others, and a task of its.
macro_rules! task {
    ($row:literal) => {
        &[
            concat!(r#"POST /api/v1/loops {"kind":"developer","tag":"worker_"#, $row, r#""}"#),
            concat!(r#"POST /api/v1/tasks {"title":"Find leads","loopId":"@worker_"#, $row, r#""}"#),
        ]
    };
}

const WORKER: &str = r#"POST /api/v1/loops {"kind":"developer","tag":"worker_create"}"#;
const CREATE: &str =
    r#"{"loopId":"@worker_create","title":"Find leads","domain":"sales_revenue_ops","executionMode":"guided"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/tasks",
        operation: "task.create",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TasksWrite),
        summary: "Lay out a task",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<TaskDetail>),
        success: &[201],
        body_limit: TASK_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example { before: &[WORKER], id: "", path: "/api/v1/tasks", body: CREATE }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/tasks",
        operation: "task.list",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TasksRead),
        summary: "Tasks, newest first: those of the key's loop, or all for the administrator",
        query: &[
            LIMIT,
            CURSOR,
            Param { name: "loopId", kind: "string", about: "the tasks of this loop, an id or `@tag`" },
        ],
        input: None,
        output: Output::Json(schema_of::<TaskList>),
        success: &[200],
        body_limit: TASK_LIMIT,
        handler: Handler::Later(|call| Box::pin(all(call))),
        example: Some(Example { before: task!("list"), id: "", path: "/api/v1/tasks", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/tasks/{id}",
        operation: "task.get",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TasksRead),
        summary: "A task: plan, jobs, approvals, invocations and proof",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<TaskDetail>),
        success: &[200],
        body_limit: TASK_LIMIT,
        handler: Handler::Later(|call| Box::pin(one(call))),
        example: Some(Example { before: task!("get"), id: "/id", path: "/api/v1/tasks/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/v1/tasks/{id}",
        operation: "task.update",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TasksWrite),
        summary: "Move a task and its jobs",
        query: &[],
        input: Some(schema_of::<PatchInput>),
        output: Output::Json(schema_of::<TaskDetail>),
        success: &[200],
        body_limit: TASK_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: task!("update"),
            id: "/id",
            path: "/api/v1/tasks/{id}",
            body: r#"{"status":"running"}"#,
        }),
    },
];

/// A new task.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Input {
    /// Whose it is, an id or `@tag`; the key's own loop when absent.
    loop_id: Option<String>,
    /// What it is about, 1 to 200 characters.
    title: String,
    /// A slug such as `sales_revenue_ops`.
    domain: Option<String>,
    /// `sandbox`, `guided` (the default) or `autopilot`.
    execution_mode: Option<Mode>,
    /// A text or an object for each step, 100 at most.
    plan: Option<Vec<serde_json::Value>>,
    /// What is to be done, 100 at most.
    jobs: Option<Vec<JobInput>>,
}

/// A job of a new task.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JobInput {
    /// Its name, unique in the task.
    name: String,
    /// The tool it will be done with.
    tool: Option<String>,
    /// The names of the jobs that must succeed first.
    depends_on: Option<Vec<String>>,
}

/// Changes to a task; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
struct PatchInput {
    /// Where it shall stand. `completed_unverified` is not for callers to say.
    status: Option<TaskStatus>,
    /// Where jobs shall stand; they move before the task does.
    jobs: Option<Vec<JobMove>>,
}

/// Where a job shall stand.
#[derive(Debug, Deserialize, JsonSchema)]
struct JobMove {
    /// The job's id.
    id: String,
    /// Where it shall stand.
    status: JobStatus,
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TaskRow {
    /// Its id.
    id: TaskId,
    /// Whose it is.
    loop_id: LoopId,
    /// What it is about.
    title: String,
    /// The domain it belongs to.
    domain: Option<String>,
    /// How its steps are executed.
    execution_mode: Mode,
    /// Where it stands.
    status: TaskStatus,
    /// A text or an object for each step.
    plan: Vec<serde_json::Value>,
    /// What is to be done.
    jobs: Vec<Job>,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

/// A task and what was done for it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TaskDetail {
    #[serde(flatten)]
    task: TaskRow,
    /// The approvals that its invocations asked for.
    approvals: Vec<ApprovalId>,
    /// Its invocations, oldest first.
    invocations: Vec<InvocationId>,
    /// The proofs of it and of its invocations.
    proofs: Vec<ProofRow>,
}

page_shape!(TaskList, tasks: TaskRow);

impl TaskRow {
    fn of(task: Task) -> Self {
        Self {
            id: task.id,
            loop_id: task.loop_id,
            title: task.title,
            domain: task.domain,
            execution_mode: task.mode,
            status: task.status,
            plan: task.plan,
            jobs: task.jobs,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// What was done for a task.
#[derive(Default)]
struct Done {
    approvals: Vec<ApprovalId>,
    invocations: Vec<InvocationId>,
    proofs: Vec<Proof>,
}

impl Done {
    fn of(tx: &mut dyn Tx, cx: &loop_core::access::Ctx, task: &Task) -> Result<Self, TaskError> {
        let mut proofs = proof::of_subject(tx, cx.tenant(), Subject::Task(task.id), PROOFS)?;
        let calls = invoke::of_task(tx, cx.tenant(), task.id, CALLS)?;
        for call in &calls {
            let room = PROOFS.saturating_sub(u32::try_from(proofs.len()).unwrap_or(u32::MAX));
            if room > 0 && !call.proofs.is_empty() {
                proofs.extend(proof::of_subject(tx, cx.tenant(), Subject::Invocation(call.id), room)?);
            }
        }
        Ok(Self {
            approvals: calls.iter().filter_map(|call| call.approval).collect(),
            invocations: calls.iter().map(|call| call.id).collect(),
            proofs,
        })
    }

    fn detail(self, task: Task) -> TaskDetail {
        TaskDetail {
            task: TaskRow::of(task),
            approvals: self.approvals,
            invocations: self.invocations,
            proofs: self.proofs.iter().map(ProofRow::of).collect(),
        }
    }
}

async fn create(call: Call) -> Outcome {
    let input: Input = call.json()?;
    let job = |job: JobInput| NewJob { name: job.name, tool: job.tool, depends_on: job.depends_on.unwrap_or_default() };
    let new = NewTask {
        of: input.loop_id,
        title: input.title,
        domain: input.domain,
        mode: input.execution_mode.unwrap_or(Mode::Guided),
        plan: input.plan.unwrap_or_default(),
        jobs: input.jobs.unwrap_or_default().into_iter().map(job).collect(),
    };
    let cx = context(&call)?;
    let made = call.app.engine.write(cx, "task.create", move |tx, cx| tasks::create(tx, cx, &new));
    let made = made.await.map_err(failed)?;
    Ok(Reply::json(&Done::default().detail(made))?.with_status(StatusCode::CREATED))
}

async fn all(call: Call) -> Outcome {
    let Page { limit, after } = Page::of(&call, TaskId::parse)?;
    let of = call.query("loopId").map(|name| name.into_owned());
    let cx = context(&call)?;
    let read = call.app.engine.read(cx, "task.list", move |tx, cx| {
        let of = match &of {
            None => cx.caller.loop_id,
            Some(name) => {
                let of = loops::resolve(tx, cx.tenant(), name)?.id;
                cx.caller.commands(&loops::lineage(tx, cx.tenant(), of)?)?;
                Some(of)
            }
        };
        tasks::list(tx, cx.tenant(), of, after, limit.saturating_add(1))
    });
    let mut tasks = read.await.map_err(failed)?;
    let more = tasks.len() > limit as usize;
    tasks.truncate(limit as usize);
    let next_cursor = tasks.last().filter(|_| more).map(|last| last.id.to_string());
    Reply::json(&TaskList { tasks: tasks.into_iter().map(TaskRow::of).collect(), next_cursor })
}

async fn one(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = context(&call)?;
    let read = call.app.engine.read(cx, "task.get", move |tx, cx| {
        let task = tasks::get(tx, cx, &id)?;
        let done = Done::of(tx, cx, &task)?;
        Ok::<_, TaskError>(done.detail(task))
    });
    Reply::json(&read.await.map_err(failed)?)
}

async fn update(call: Call) -> Outcome {
    let input: PatchInput = call.json()?;
    if input.status == Some(TaskStatus::CompletedUnverified) {
        return Err(Failure::invalid("`completed_unverified` is for the server to say: `completed` asks for it"));
    }
    let jobs = input.jobs.unwrap_or_default();
    if input.status.is_none() && jobs.is_empty() {
        return Err(Failure::invalid("`status` is missing"));
    }
    let patch = Patch { status: input.status, jobs: jobs.into_iter().map(|job| (job.id, job.status)).collect() };
    let id = call.param("id").to_owned();
    let cx = context(&call)?;
    let changed = call.app.engine.write(cx, "task.update", move |tx, cx| {
        let task = tasks::get(tx, cx, &id)?;
        let done = Done::of(tx, cx, &task)?;
        let task = tasks::update(tx, cx, &id, &patch, &done.proofs)?;
        Ok::<_, TaskError>(done.detail(task))
    });
    Reply::json(&changed.await.map_err(failed)?)
}
