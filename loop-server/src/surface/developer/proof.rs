//! Proofs: attaching them, reading them, and what others say of them.

use http::{Method, StatusCode};
use loop_core::{
    access::{Scope, loops},
    base::{
        Code, Time,
        id::{InvocationId, LoopId, ProofId, TaskId, TransactionId},
    },
    invoke::{self, CallError, Claim},
    proof::{self, Level, Method as Verified, Proof, ProofKind, Subject, Verification},
    trust,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{context, tools::refusal};
use crate::{
    http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    outbound::provider::reference,
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/proof",
        operation: "proof.attach",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ProofCreate),
        summary: "Attach a proof to a task or invocation; the server alone assigns its level",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<ProofRow>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(attach(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/api/v1/proof/{id}",
        operation: "proof.get",
        surface: Surface::Developer,
        access: Access::AnyOf(&[Scope::TrustRead, Scope::ProofCreate, Scope::ProofAudit]),
        summary: "A proof with its level and how it was verified",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<ProofRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(get(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/api/v1/proof/{id}/acknowledge",
        operation: "proof.acknowledge",
        surface: Surface::Developer,
        access: Access::AnyOf(&[Scope::ProofCreate, Scope::AapSend]),
        summary: "Acknowledge an outcome, as a loop of another owner",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<ProofRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(acknowledge(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/api/v1/proof/{id}/verify",
        operation: "proof.verify",
        surface: Surface::Developer,
        access: Access::AnyOf(&[Scope::ProofCreate, Scope::ProofAudit]),
        summary: "Have a captured reference fetched, or give an auditor's word",
        query: &[],
        input: Some(schema_of::<Verify>),
        output: Output::Json(schema_of::<ProofRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(verify(call))),
        example: None,
    },
];

/// Why an acknowledgement does not count.
pub(super) const NOT_ANOTHER: &str = "an outcome is acknowledged by a loop of another owner";

/// A proof that a loop brings. Exactly one of `taskId` and `invocationId` is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Input {
    task_id: Option<String>,
    invocation_id: Option<String>,
    /// The transaction that the outcome is delivered under.
    transaction_id: Option<String>,
    #[serde(rename = "type")]
    kind: ProofKind,
    /// The evidence, up to 16 KiB. A `connector_receipt` counts with `receipt` and `hmac` under the secret of another
    /// owner's connector, a `signed_record` with `record`, `signer` and `signature` by a key of another owner's loop.
    data: Map<String, Value>,
    /// Kept, and counts for nothing.
    claimed_level: Option<Level>,
    /// Whether nothing real was done.
    simulated: Option<bool>,
}

/// How a proof is to be verified.
#[derive(Debug, Deserialize, JsonSchema)]
struct Verify {
    /// `http_get` (the default) fetches the captured `source_url`; `audit` is an auditor's word.
    method: Option<How>,
    /// The captured reference, to make sure that it is the one that is meant.
    reference: Option<String>,
}

/// What a caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    HttpGet,
    Audit,
}

/// A proof.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProofRow {
    id: ProofId,
    /// Whose outcome it proves.
    loop_id: LoopId,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<InvocationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    #[serde(rename = "type")]
    kind: ProofKind,
    /// Whether nothing real was done.
    simulated: bool,
    /// The evidence, masked.
    data: Map<String, Value>,
    /// What was claimed; it counts for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_level: Option<Level>,
    /// What the server assigned.
    level: Level,
    verifications: Vec<Verification>,
    /// SHA-256 over what never changes and the hash before.
    content_hash: String,
    /// The hash of the loop's proof before this one; empty for its first.
    prev_hash: String,
    created_at: Time,
}

impl From<Proof> for ProofRow {
    fn from(proof: Proof) -> Self {
        let (task_id, invocation_id) = match proof.subject {
            Subject::Task(id) => (Some(id), None),
            Subject::Invocation(id) => (None, Some(id)),
        };
        Self {
            id: proof.id,
            loop_id: proof.loop_id,
            task_id,
            invocation_id,
            transaction_id: proof.transaction,
            kind: proof.kind,
            simulated: proof.simulated,
            data: proof.data,
            claimed_level: proof.claimed_level,
            level: proof.level,
            verifications: proof.verifications,
            content_hash: proof.content_hash,
            prev_hash: proof.prev_hash,
            created_at: proof.created_at,
        }
    }
}

async fn attach(call: Call) -> Outcome {
    let input: Input = call.json()?;
    let claim = Claim {
        task: input.task_id,
        invocation: input.invocation_id,
        transaction: input.transaction_id,
        kind: input.kind,
        simulated: input.simulated.unwrap_or(false),
        data: input.data,
        claimed_level: input.claimed_level,
    };
    let engine = call.app.engine.clone();
    let written = call.app.engine.write(context(&call)?, "proof.attach", move |tx, cx| {
        invoke::attach(tx, cx, claim.clone(), &|sealed| engine.tool_secret(cx.tenant(), sealed))
    });
    let proof = written.await.map_err(|error| refusal(&error))?;
    Ok(Reply::json(&ProofRow::from(proof))?.with_status(StatusCode::CREATED))
}

async fn get(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let read = call
        .app
        .engine
        .read(context(&call)?, "proof.get", move |tx, cx| Ok::<_, CallError>(proof::get(tx, cx.tenant(), &id)?));
    Reply::json(&ProofRow::from(read.await.map_err(|error| refusal(&error))?))
}

async fn acknowledge(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let written = call.app.engine.write(context(&call)?, "proof.acknowledge", move |tx, cx| {
        Ok::<_, CallError>(trust::acknowledge(tx, cx, &id)?)
    });
    judged(written.await, NOT_ANOTHER)
}

/// A proof as it is now, or why somebody may not speak for it. The attempt stands with the proof either way.
fn judged(outcome: Result<(Proof, bool), CallError>, why: &'static str) -> Outcome {
    match outcome.map_err(|error| refusal(&error))? {
        (proof, true) => Reply::json(&ProofRow::from(proof)),
        (_, false) => Err(Failure::new(Code::PolicyDenied, why)),
    }
}

async fn verify(call: Call) -> Outcome {
    let Verify { method, reference: named } = call.json()?;
    let id = call.param("id").to_owned();
    if method == Some(How::Audit) {
        let written =
            call.app.engine.write(context(&call)?, "proof.audit", move |tx, cx| invoke::audit_proof(tx, cx, &id));
        return judged(written.await, "an outcome is audited by the administrator or a loop of another owner");
    }
    call.caller()?.require(Scope::ProofCreate).map_err(|error| Failure::of(error.code(), &error))?;
    let wanted = id.clone();
    let read = call.app.engine.read(context(&call)?, "proof.get", move |tx, cx| {
        let proof = proof::get(tx, cx.tenant(), &wanted)?;
        let line = loops::lineage(tx, cx.tenant(), proof.loop_id)?;
        cx.caller.commands(&line)?;
        Ok::<_, CallError>(proof)
    });
    let proof = read.await.map_err(|error| refusal(&error))?;
    let captured = proof.verifications.iter().any(|one| one.ok && one.method == Verified::Capture);
    let url = proof.data.get("source_url").and_then(Value::as_str).filter(|_| captured && !proof.simulated);
    let Some(url) = url else { return Err(refusal(&CallError::NoReference)) };
    if named.is_some_and(|named| named != url) {
        return Err(Failure::invalid("`reference` is not the one that was captured"));
    }
    if proof.verifications.iter().any(|one| one.ok && one.method == Verified::HttpGet) {
        return Reply::json(&ProofRow::from(proof));
    }
    let fetched = reference::fetch(&call.app.outbound, url).await;
    let written = call.app.engine.write(context(&call)?, "proof.verify", move |tx, cx| {
        invoke::fetched(tx, cx, &id, fetched.ok, fetched.detail.clone())
    });
    Reply::json(&ProofRow::from(written.await.map_err(|error| refusal(&error))?))
}
