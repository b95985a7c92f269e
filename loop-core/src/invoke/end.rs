//! What came of a running call: credits, proof and trust, in one transaction.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    CallError, Captured, Metric,
    begin::trace,
    invocation::{Invocation, InvocationStatus, stored},
    sweep, usage,
};
use crate::{
    access::{Ctx, Note},
    audit::{self, Event, Status},
    base::{id::InvocationId, json::View, json::canonical, secret::hex},
    credit,
    proof::{self, Method, NewProof, ProofKind, Subject, Verification},
    store::{Repo, Stored, Tx},
    tool::Risk,
    trust::{self, EventKind},
};

/// A call that came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The call.
    pub call: Invocation,
    /// What can be spent from the wallet now, when there is one.
    pub remaining: Option<i64>,
}

/// Ends a call that succeeded: takes the credits, writes the proof, pays the trust. `None` when the call had come to an
/// end before: then it counts as that says.
///
/// # Errors
/// [`CallError::NoInvocation`], storage failures.
pub fn succeed(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: InvocationId,
    output: View<'_>,
    captured: Option<&Captured>,
) -> Result<Option<Ended>, CallError> {
    let Some(running) = running(tx, cx, id)? else { return Ok(None) };
    let call = &running.value;
    let charged = match call.reserved {
        0 => 0,
        reserved => credit::commit(tx, cx.tenant(), &id.to_string(), reserved)?.unwrap_or(0),
    };
    let by = |method| Verification { method, by: "loop".to_owned(), at: cx.now, ok: true, detail: None };
    let mut data = trace(call);
    data.insert("outputHash".to_owned(), hex(&Sha256::digest(canonical(output).as_bytes())).into());
    let mut verifications = vec![by(Method::Trace)];
    if let Some(captured) = captured {
        data.extend(captured.data.clone());
        verifications.push(by(Method::Capture));
    }
    let new = NewProof {
        loop_id: call.loop_id,
        subject: Subject::Invocation(id),
        transaction: None,
        kind: captured.map_or(ProofKind::ExecutionTrace, |captured| captured.kind),
        simulated: false,
        data,
        claimed_level: None,
        verifications,
    };
    let proof = proof::attach(tx, cx, new)?;
    trust::reward(tx, cx, &id.to_string(), call.loop_id, proof.id, proof.level)?;
    usage::note(tx, cx, call.loop_id, Metric::Succeeded, 1)?;
    usage::note(tx, cx, call.loop_id, Metric::Credits, charged)?;
    let ended = Invocation {
        status: InvocationStatus::Succeeded,
        charged,
        proofs: vec![proof.id],
        ended_at: Some(cx.now),
        ..call.clone()
    };
    let body = json!({
        "invocation_id": id, "loop_id": ended.loop_id, "version": ended.version, "charged": charged,
        "proof_id": proof.id, "level": proof.level,
    });
    let event = Event { tool_name: Some(&ended.tool_name), ..Event::change("invoke.succeed", "") };
    audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    finish(tx, cx, &running, ended).map(Some)
}

/// Ends a call that failed: gives the credits back and takes the trust. `None` when the call had come to an end before.
///
/// # Errors
/// [`CallError::NoInvocation`], storage failures.
pub fn fail(tx: &mut dyn Tx, cx: &Ctx, id: InvocationId, reason: &str, risk: Risk) -> Result<Option<Ended>, CallError> {
    let Some(running) = running(tx, cx, id)? else { return Ok(None) };
    let call = &running.value;
    credit::release(tx, cx.tenant(), &id.to_string())?;
    trust::penalise(tx, cx, call.loop_id, EventKind::ExecutionFailed, &id.to_string(), reason)?;
    usage::note(tx, cx, call.loop_id, Metric::Failed, 1)?;
    let ended = Invocation {
        status: InvocationStatus::Failed,
        failure: Some(reason.to_owned()),
        ended_at: Some(cx.now),
        ..call.clone()
    };
    let body = json!({
        "arguments": {}, "message": format!("the provider failed: {reason}"), "door": "invoke",
        "invocation_id": id, "loop_id": ended.loop_id, "version": ended.version,
    });
    let event = Event {
        stream: audit::DECISIONS,
        op: "invoke",
        status: Some(Status::Error),
        tool_name: Some(&ended.tool_name),
        agent_name: None,
        risk: Some(risk),
        body: &body.to_string(),
    };
    audit::append(tx, cx, &event)?;
    audit::record_stats(tx, cx.tenant(), cx.now, Status::Error, risk, 0, 0)?;
    finish(tx, cx, &running, ended).map(Some)
}

fn running(tx: &mut dyn Tx, cx: &Ctx, id: InvocationId) -> Result<Option<Stored<Invocation>>, CallError> {
    let stored = stored(tx, cx.tenant(), id)?.ok_or(CallError::NoInvocation)?;
    Ok(Some(stored).filter(|stored| stored.value.status == InvocationStatus::Running))
}

fn finish(tx: &mut dyn Tx, cx: &Ctx, running: &Stored<Invocation>, call: Invocation) -> Result<Ended, CallError> {
    Repo::new(tx, cx.tenant()).update(running, &call, cx.now)?;
    sweep::clear(tx, cx, call.id)?;
    let remaining = credit::balance(tx, cx.tenant(), call.root)?.map(credit::Wallet::available);
    if let Some(available) = remaining {
        cx.note(Note::Wallet { root: call.root, available });
    }
    Ok(Ended { call, remaining })
}
