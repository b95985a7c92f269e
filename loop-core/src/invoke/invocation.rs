//! A call as kept. Neither input nor output is: the log has the masked arguments, proofs have what proves.

use super::CallError;
use crate::{
    access::Mode,
    base::{
        TenantId, Time,
        id::{ApprovalId, InvocationId, LoopId, ProofId, TaskId, ToolId},
    },
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvocationStatus {
    /// A human is asked.
    PendingApproval,
    /// It was only simulated.
    Simulated,
    /// Its provider works.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed, or never came to an end.
    Failed,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Invocation {
    /// Its id.
    pub id: InvocationId,
    /// The loop that calls.
    pub loop_id: LoopId,
    /// The loop whose wallet pays.
    pub root: LoopId,
    /// The version of the tool.
    pub tool: ToolId,
    /// The tool's name.
    pub tool_name: String,
    /// The version.
    pub version: String,
    /// The mode it was judged in.
    pub mode: Mode,
    /// Where it stands.
    pub status: InvocationStatus,
    /// The task it is part of.
    pub task: Option<TaskId>,
    /// The approval that it waited for.
    pub approval: Option<ApprovalId>,
    /// What it costs, in credits.
    pub estimated: u64,
    /// What was reserved for it.
    pub reserved: u64,
    /// What was taken for it.
    pub charged: u64,
    /// Whether nothing real was done.
    pub simulated: bool,
    /// The proofs that the gateway wrote.
    pub proofs: Vec<ProofId>,
    /// Why it failed, in a word.
    pub failure: Option<String>,
    /// When it was first proposed.
    pub created_at: Time,
    /// When it came to an end.
    pub ended_at: Option<Time>,
}

/// Where calls are kept.
pub static INVOCATIONS: Table = Table {
    name: "invocations",
    columns: &[
        Column::indexed("loop_id", Kind::Text),
        Column::indexed("task", Kind::Text),
        Column::indexed("waits_for", Kind::Text),
        // When it came to an end, or was put before a human. A call that runs has none.
        Column::indexed("rests_since", Kind::Int),
    ],
};

impl Entity for Invocation {
    const TABLE: &'static Table = &INVOCATIONS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let waits = self.approval.filter(|_| self.status == InvocationStatus::PendingApproval);
        vec![
            self.loop_id.to_string().into(),
            self.task.map(|task| task.to_string()).into(),
            waits.map(|approval| approval.to_string()).into(),
            self.ended_at.or(waits.map(|_| self.created_at)).into(),
        ]
    }
}

/// One call of the tenant.
///
/// # Errors
/// [`CallError::NoInvocation`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Invocation, CallError> {
    let id = InvocationId::parse(id).ok_or(CallError::NoInvocation)?;
    stored(tx, tenant, id)?.map(|stored| stored.value).ok_or(CallError::NoInvocation)
}

pub(super) fn stored(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: InvocationId,
) -> Result<Option<Stored<Invocation>>, StoreError> {
    Repo::new(tx, tenant).get(&id.to_string())
}

/// The call that waits for an approval.
pub(super) fn waiting(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    approval: ApprovalId,
) -> Result<Option<Stored<Invocation>>, StoreError> {
    let conds = vec![Cond::Eq("waits_for", approval.to_string().into())];
    Ok(Repo::new(tx, tenant).list(&RecordQuery { conds, limit: 1, ..RecordQuery::default() })?.pop())
}

/// The calls of a task, oldest first, `limit` at most.
///
/// # Errors
/// Storage failures.
pub fn of_task(tx: &mut dyn Tx, tenant: &TenantId, task: TaskId, limit: u32) -> Result<Vec<Invocation>, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Eq("task", task.to_string().into())],
        order: Order::Ascending,
        limit,
        ..RecordQuery::default()
    };
    let page: Vec<Stored<Invocation>> = Repo::new(tx, tenant).list(&query)?;
    Ok(page.into_iter().map(|stored| stored.value).collect())
}
