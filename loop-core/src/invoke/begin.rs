//! A call that passed its gates.

use serde_json::json;

use super::{
    CallError, Metric,
    invocation::{Invocation, InvocationStatus, waiting},
    sweep, usage,
};
use crate::{
    access::{Ctx, Mode, Note},
    base::id::{ApprovalId, InvocationId, LoopId, TaskId, ToolId},
    credit,
    proof::{self, NewProof, ProofKind, Subject},
    store::{Repo, Stored, Tx},
};

/// A call to begin.
#[derive(Debug, Clone)]
pub struct Start {
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
    /// What a real call costs, in credits.
    pub cost: u64,
    /// The mode it was judged in.
    pub mode: Mode,
    /// The task it is part of.
    pub task: Option<TaskId>,
}

/// Keeps a call that waits for a human; the same one however often it comes.
///
/// # Errors
/// Storage failures.
pub fn pending(tx: &mut dyn Tx, cx: &Ctx, start: &Start, approval: ApprovalId) -> Result<Invocation, CallError> {
    if let Some(known) = waiting(tx, cx.tenant(), approval)? {
        return Ok(known.value);
    }
    let call = Invocation { approval: Some(approval), ..fresh(cx, start, InvocationStatus::PendingApproval) };
    Repo::new(tx, cx.tenant()).insert(&call, cx.now)?;
    Ok(call)
}

/// Keeps a call that is only simulated, and a proof that it was no more than that.
///
/// # Errors
/// Storage failures.
pub fn simulate(
    tx: &mut dyn Tx,
    cx: &Ctx,
    start: &Start,
    approval: Option<ApprovalId>,
) -> Result<Invocation, CallError> {
    let (known, call) = proceed(tx, cx, start, approval, InvocationStatus::Simulated)?;
    let proof = proof::attach(
        tx,
        cx,
        NewProof {
            loop_id: call.loop_id,
            subject: Subject::Invocation(call.id),
            transaction: None,
            kind: ProofKind::ExecutionTrace,
            simulated: true,
            data: trace(&call),
            claimed_level: None,
            verifications: Vec::new(),
        },
    )?;
    let call = Invocation { simulated: true, proofs: vec![proof.id], ended_at: Some(cx.now), estimated: 0, ..call };
    keep(tx, cx, known.as_ref(), &call)?;
    usage::note(tx, cx, call.loop_id, Metric::Simulated, 1)?;
    Ok(call)
}

/// Keeps a call that runs, with its credits reserved. From here on it comes to an end, if only by the sweep.
///
/// # Errors
/// [`crate::credit::CreditError::Insufficient`], storage failures. None of them lets the call run.
pub fn run(tx: &mut dyn Tx, cx: &Ctx, start: &Start, approval: Option<ApprovalId>) -> Result<Invocation, CallError> {
    let (known, call) = proceed(tx, cx, start, approval, InvocationStatus::Running)?;
    if start.cost > 0 {
        credit::reserve(tx, cx.tenant(), start.root, &call.id.to_string(), start.cost, cx.now)?;
        if let Some(wallet) = credit::balance(tx, cx.tenant(), start.root)? {
            cx.note(Note::Wallet { root: start.root, available: wallet.available() });
        }
    }
    let call = Invocation { reserved: start.cost, ..call };
    keep(tx, cx, known.as_ref(), &call)?;
    sweep::set(tx, cx, call.id)?;
    Ok(call)
}

/// What a trace tells of a call.
pub(super) fn trace(call: &Invocation) -> serde_json::Map<String, serde_json::Value> {
    let told = json!({
        "tool": call.tool_name, "version": call.version, "toolId": call.tool, "executionMode": call.mode,
    });
    if let serde_json::Value::Object(told) = told { told } else { serde_json::Map::new() }
}

/// The call that waited for this approval goes on; without one a call is new.
fn proceed(
    tx: &mut dyn Tx,
    cx: &Ctx,
    start: &Start,
    approval: Option<ApprovalId>,
    status: InvocationStatus,
) -> Result<(Option<Stored<Invocation>>, Invocation), CallError> {
    let known = match approval {
        Some(approval) => waiting(tx, cx.tenant(), approval)?,
        None => None,
    };
    let call = Invocation { approval, ..fresh(cx, start, status) };
    let call = match &known {
        Some(known) => Invocation { id: known.value.id, created_at: known.value.created_at, ..call },
        None => call,
    };
    Ok((known, call))
}

fn keep(tx: &mut dyn Tx, cx: &Ctx, known: Option<&Stored<Invocation>>, call: &Invocation) -> Result<(), CallError> {
    match known {
        Some(known) => Repo::new(tx, cx.tenant()).update(known, call, cx.now)?,
        None => Repo::new(tx, cx.tenant()).insert(call, cx.now)?,
    }
    Ok(())
}

fn fresh(cx: &Ctx, start: &Start, status: InvocationStatus) -> Invocation {
    Invocation {
        id: InvocationId::draw(cx.now, &mut cx.seed()),
        loop_id: start.loop_id,
        root: start.root,
        tool: start.tool,
        tool_name: start.tool_name.clone(),
        version: start.version.clone(),
        mode: start.mode,
        status,
        task: start.task,
        approval: None,
        estimated: start.cost,
        reserved: 0,
        charged: 0,
        simulated: false,
        proofs: Vec::new(),
        failure: None,
        created_at: cx.now,
        ended_at: None,
    }
}
