//! Adding to what is proved.

use serde_json::{Map, Value as Json, json};

use super::{
    Level, Proof, ProofError, ProofKind, Subject, Verification,
    artifact::{PROOFS, data_hash},
    level::{Method, level},
};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        id::{LoopId, ProofId, TransactionId},
        json::Doc,
        secret::hex,
    },
    store::{Column, Cond, Journal, Kind, NewEntry, Repo, Stored, Tx, Value},
    tool::redact,
};

/// The largest evidence, in bytes of its masked JSON.
pub const MAX_DATA: usize = 16 << 10;
/// The most proofs of one outcome.
pub const MAX_PER_SUBJECT: u64 = 100;
/// The most verifications that are kept of one proof; beyond them failures are not written down.
const MAX_VERIFICATIONS: usize = 32;

/// The chain of a loop's proofs: stream = its id, one entry for each proof.
pub static CHAIN: Journal =
    Journal { name: "proof_chain", columns: &[Column::plain("proof", Kind::Text), Column::plain("hash", Kind::Text)] };

/// A proof to attach.
#[derive(Debug, Clone)]
pub struct NewProof {
    /// Whose outcome it proves.
    pub loop_id: LoopId,
    /// What it is of.
    pub subject: Subject,
    /// The transaction that the outcome is delivered under.
    pub transaction: Option<TransactionId>,
    /// What it consists of.
    pub kind: ProofKind,
    /// Whether the outcome was simulated.
    pub simulated: bool,
    /// The evidence, raw; it is masked before it is stored.
    pub data: Map<String, Json>,
    /// The level that is claimed; it is kept and counts for nothing.
    pub claimed_level: Option<Level>,
    /// What the server itself found.
    pub verifications: Vec<Verification>,
}

/// Attaches a proof at the end of its loop's chain. The caller has made sure that the loop may speak of the subject.
///
/// # Errors
/// Too much evidence, too many proofs, storage failures.
pub fn attach(tx: &mut dyn Tx, cx: &Ctx, new: NewProof) -> Result<Proof, ProofError> {
    let subject = new.subject.to_string();
    if tx.count(&PROOFS, cx.tenant(), &[Cond::Eq("subject", subject.as_str().into())])? >= MAX_PER_SUBJECT {
        return Err(ProofError::TooMany(MAX_PER_SUBJECT));
    }
    let (data, subjects) = masked(new.data)?;
    let id = ProofId::draw(cx.now, &mut cx.seed());
    let stream = new.loop_id.to_string();
    let head = tx.head(&CHAIN, cx.tenant(), &stream)?;
    let seq = head.as_ref().map_or(0, |head| head.seq).saturating_add(1);
    let prev_hash = head.as_ref().and_then(|head| head.columns.get(1)).and_then(Value::as_text).unwrap_or_default();
    let salt = hex(&cx.draw());
    let mut proof = Proof {
        id,
        loop_id: new.loop_id,
        subject: new.subject,
        transaction: new.transaction,
        kind: new.kind,
        simulated: new.simulated,
        level: level(new.kind, new.simulated, &new.verifications),
        data_hash: data_hash(&salt, &data),
        salt: Some(salt),
        data,
        claimed_level: new.claimed_level,
        verifications: new.verifications,
        prev_hash: prev_hash.to_owned(),
        content_hash: String::new(),
        created_at: cx.now,
    };
    proof.content_hash = proof.hash();
    let columns = [id.to_string().into(), proof.content_hash.as_str().into()];
    tx.append(&CHAIN, cx.tenant(), &stream, &NewEntry { seq, at: cx.now, columns: columns.into(), body: "" })?;
    Repo::new(tx, cx.tenant()).insert(&proof, cx.now)?;
    audit::tag(tx, cx, cx.now, &id.to_string(), &subjects)?;
    let body = json!({
        "proof_id": id, "loop_id": proof.loop_id, "subject": subject, "type": proof.kind, "level": proof.level,
        "claimed_level": proof.claimed_level, "simulated": proof.simulated, "hash": proof.content_hash,
    });
    audit::append(tx, cx, &Event::change("proof.attach", &body.to_string()))?;
    Ok(proof)
}

/// Adds a verification to a proof and assigns the level anew. A verification that succeeded before is not added
/// again: [`None`] then, and when there is no room for another failure.
///
/// # Errors
/// Storage failures.
pub fn verify(
    tx: &mut dyn Tx,
    cx: &Ctx,
    stored: &Stored<Proof>,
    found: Verification,
) -> Result<Option<Proof>, ProofError> {
    let old = &stored.value;
    let known =
        |method: Method| old.verifications.iter().any(|verification| verification.ok && verification.method == method);
    if known(found.method) || (!found.ok && old.verifications.len() >= MAX_VERIFICATIONS) {
        return Ok(None);
    }
    let mut proof = old.clone();
    let body = json!({
        "proof_id": proof.id, "method": found.method, "by": found.by, "ok": found.ok, "detail": found.detail,
    });
    proof.verifications.push(found);
    proof.level = level(proof.kind, proof.simulated, &proof.verifications);
    Repo::new(tx, cx.tenant()).update(stored, &proof, cx.now)?;
    audit::append(tx, cx, &Event::change("proof.verify", &body.to_string()))?;
    Ok(Some(proof))
}

/// The evidence without what is personal or secret in it, and the persons it speaks of.
fn masked(data: Map<String, Json>) -> Result<(Map<String, Json>, Vec<String>), ProofError> {
    let data = Json::Object(data);
    let redacted = redact::json(Doc::from_value(&data).root());
    if redacted.masked.len() > MAX_DATA {
        return Err(ProofError::TooLarge(MAX_DATA));
    }
    match serde_json::from_str(&redacted.masked) {
        Ok(Json::Object(data)) => Ok((data, redacted.subjects)),
        _ => Err(ProofError::TooLarge(MAX_DATA)),
    }
}
