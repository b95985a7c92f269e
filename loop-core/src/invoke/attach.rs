//! A proof that a loop brings of its own, and what others say of it.

use serde_json::{Map, Value as Json, json};

use super::{
    CallError,
    invocation::{self, InvocationStatus},
};
use crate::{
    access::{AccessError, Ctx, Mode, Scope, loops},
    base::{
        id::LoopId,
        json::{Doc, canonical},
        secret::{Secret, same},
        signature,
    },
    proof::{self, Level, Method, NewProof, Proof, ProofKind, Subject, Verification, receipt_mac},
    store::Tx,
    task::{tasks, transaction},
    tool::manifest,
    trust,
};

/// What a loop claims.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The task it is a proof of.
    pub task: Option<String>,
    /// The invocation it is a proof of.
    pub invocation: Option<String>,
    /// The transaction that the outcome is delivered under.
    pub transaction: Option<String>,
    /// What it consists of.
    pub kind: ProofKind,
    /// Whether the loop says itself that nothing real was done.
    pub simulated: bool,
    /// The evidence.
    pub data: Map<String, Json>,
    /// The level that is claimed; it counts for nothing.
    pub claimed_level: Option<Level>,
}

/// What a claim is about, once it was found.
struct About {
    subject: Subject,
    loop_id: LoopId,
    simulated: bool,
    /// The sealed secret of the tool's connector, when another owner registered it.
    sealed_receipts: Option<String>,
}

/// Attaches a proof that a loop brings. What the server cannot check itself stays at V0, whatever is claimed: a receipt
/// counts under the secret of another owner's connector, a signed record under a key of another owner's loop, an
/// auditor's word with the auditor's scope. `open` opens a sealed secret.
///
/// # Errors
/// An unknown subject, too much evidence, storage failures.
pub fn attach(
    tx: &mut dyn Tx,
    cx: &Ctx,
    claim: Claim,
    open: &dyn Fn(&str) -> Option<Secret>,
) -> Result<Proof, CallError> {
    let about = about(tx, cx, &claim)?;
    // Only a party of a transaction delivers under it.
    let deal = match &claim.transaction {
        Some(id) => Some(transaction::get(tx, cx.tenant(), Some(about.loop_id), id)?.0),
        None => None,
    };
    let subject = about.subject.to_string();
    let found = match claim.kind {
        ProofKind::ConnectorReceipt => receipt(cx, &about, &subject, &claim.data, open),
        ProofKind::SignedRecord => signed(tx, cx, &about, &subject, &claim.data)?,
        ProofKind::Audit => audited(tx, cx, &about)?,
        _ => None,
    };
    let new = NewProof {
        loop_id: about.loop_id,
        subject: about.subject,
        transaction: deal.as_ref().map(|deal| deal.id),
        kind: claim.kind,
        simulated: claim.simulated || about.simulated || cx.caller.sandboxed,
        data: claim.data,
        claimed_level: claim.claimed_level,
        verifications: found.into_iter().collect(),
    };
    let proof = proof::attach(tx, cx, new)?;
    if proof.level > Level::V0 {
        trust::reward(tx, cx, &subject, proof.loop_id, proof.id, proof.level)?;
    }
    // A transaction that completed before settles what its seller delivered under it now.
    if let Some(deal) = deal.filter(|deal| deal.seller == proof.loop_id)
        && transaction::settles(tx, cx.tenant(), &deal)?
    {
        return Ok(trust::raise(tx, cx, &proof.id.to_string(), transaction::settlement(&deal, cx.now))?);
    }
    Ok(proof)
}

/// An auditor's word on an outcome. The auditor is the tenant's administrator or a loop of another owner; `false`
/// beside the proof when it is not.
///
/// # Errors
/// An unknown proof, a key without the scope, storage failures.
pub fn audit_proof(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(Proof, bool), CallError> {
    cx.caller.require(Scope::ProofAudit)?;
    let proof = proof::get(tx, cx.tenant(), id)?;
    let ok = auditor(tx, cx, proof.loop_id)?;
    let found = said(cx, Method::Audit, cx.caller.name.to_string(), ok, None);
    Ok((trust::raise(tx, cx, id, found)?, ok))
}

/// What fetching a proof's reference found. `detail` tells of it: the reference, the status, the SHA-256.
///
/// # Errors
/// An unknown proof, storage failures.
pub fn fetched(tx: &mut dyn Tx, cx: &Ctx, id: &str, ok: bool, detail: Map<String, Json>) -> Result<Proof, CallError> {
    Ok(trust::raise(tx, cx, id, said(cx, Method::HttpGet, "loop".to_owned(), ok, Some(detail)))?)
}

fn said(cx: &Ctx, method: Method, by: String, ok: bool, detail: Option<Map<String, Json>>) -> Verification {
    Verification { method, by, at: cx.now, ok, detail }
}

fn about(tx: &mut dyn Tx, cx: &Ctx, claim: &Claim) -> Result<About, CallError> {
    match (&claim.task, &claim.invocation) {
        (None, Some(id)) => {
            let call = invocation::get(tx, cx.tenant(), id)?;
            commands(tx, cx, call.loop_id, CallError::NoInvocation)?;
            let tool = manifest::by_id(tx, cx.tenant(), call.tool)?.map(|stored| stored.value);
            let sealed = match tool {
                Some(tool) if loops::apart(tx, cx.tenant(), tool.owner, call.loop_id)? => Some(tool.sealed_secret),
                _ => None,
            };
            Ok(About {
                subject: Subject::Invocation(call.id),
                loop_id: call.loop_id,
                // What did not succeed proves nothing either.
                simulated: call.simulated || call.status != InvocationStatus::Succeeded,
                sealed_receipts: sealed,
            })
        }
        (Some(id), None) => {
            let task = tasks::get(tx, cx, id)?;
            Ok(About {
                subject: Subject::Task(task.id),
                loop_id: task.loop_id,
                simulated: task.mode == Mode::Sandbox,
                sealed_receipts: None,
            })
        }
        _ => Err(CallError::Subject),
    }
}

/// A loop that the caller does not stand above is, to the caller, not there.
fn commands(tx: &mut dyn Tx, cx: &Ctx, loop_id: LoopId, otherwise: CallError) -> Result<(), CallError> {
    let line = loops::lineage(tx, cx.tenant(), loop_id)?;
    if cx.caller.stands_above(&line) { Ok(()) } else { Err(otherwise) }
}

fn auditor(tx: &mut dyn Tx, cx: &Ctx, of: LoopId) -> Result<bool, AccessError> {
    match cx.caller.loop_id {
        _ if cx.caller.sandboxed || !cx.caller.scopes.has(Scope::ProofAudit) => Ok(false),
        None => Ok(true),
        Some(own) => loops::apart(tx, cx.tenant(), own, of),
    }
}

fn audited(tx: &mut dyn Tx, cx: &Ctx, about: &About) -> Result<Option<Verification>, CallError> {
    let ok = auditor(tx, cx, about.loop_id)?;
    Ok(ok.then(|| said(cx, Method::Audit, cx.caller.name.to_string(), true, None)))
}

/// `data.receipt` under the connector's secret: `data.hmac` in base64.
fn receipt(
    cx: &Ctx,
    about: &About,
    subject: &str,
    data: &Map<String, Json>,
    open: &dyn Fn(&str) -> Option<Secret>,
) -> Option<Verification> {
    let secret = open(about.sealed_receipts.as_deref()?)?;
    let given = data.get("hmac").and_then(Json::as_str)?;
    let wanted = receipt_mac(&secret, subject, Doc::from_value(data.get("receipt")?).root())?;
    let ok = same(wanted.as_bytes(), given.as_bytes());
    Some(said(cx, Method::HmacReceipt, "loop".to_owned(), ok, None))
}

/// `data.record` signed by a key of the loop `data.signer`: `data.signature` over the canonical
/// `{"record":…,"subject":"<id>"}`.
fn signed(
    tx: &mut dyn Tx,
    cx: &Ctx,
    about: &About,
    subject: &str,
    data: &Map<String, Json>,
) -> Result<Option<Verification>, CallError> {
    let text = |name: &str| data.get(name).and_then(Json::as_str);
    let (Some(signer), Some(given), Some(record)) = (text("signer"), text("signature"), data.get("record")) else {
        return Ok(None);
    };
    let signer = match loops::resolve(tx, cx.tenant(), signer) {
        Ok(signer) => signer,
        Err(AccessError::NoLoop) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !loops::apart(tx, cx.tenant(), signer.id, about.loop_id)? {
        return Ok(None);
    }
    let message = json!({ "record": record, "subject": subject });
    let message = canonical(Doc::from_value(&message).root());
    let ok = signer.signing_keys.iter().any(|key| signature::verifies(&key.public_key, message.as_bytes(), given));
    Ok(Some(said(cx, Method::Signature, signer.id.to_string(), ok, None)))
}
