//! A proof that was verified further.

use super::{TrustError, outcome};
use crate::{
    access::{Ctx, loops},
    proof::{self, Method, Proof, Verification},
    store::Tx,
};

/// Adds a verification to a proof and pays its loop for what that adds to the outcome. Answers the proof as it is now;
/// verifying again by the same method changes nothing.
///
/// # Errors
/// An unknown proof, storage failures.
pub fn raise(tx: &mut dyn Tx, cx: &Ctx, id: &str, found: Verification) -> Result<Proof, TrustError> {
    let stored = proof::stored(tx, cx.tenant(), id)?;
    let settlement = found.ok && found.method == Method::Settlement;
    let Some(proof) = proof::verify(tx, cx, &stored, found)? else { return Ok(stored.value) };
    let subject = proof.subject.to_string();
    // One deal pays for one outcome, or a penny would settle a hundred of them.
    let pays = match proof.transaction {
        Some(deal) if settlement => outcome::settles(tx, cx, deal, &subject, proof.loop_id)?,
        _ => true,
    };
    if pays && proof.level > stored.value.level {
        outcome::reward(tx, cx, &subject, proof.loop_id, proof.id, proof.level)?;
    }
    Ok(proof)
}

/// A loop of another owner acknowledges an outcome. `false` beside the proof when the caller may not: the attempt is
/// kept with the proof, and changes nothing else.
///
/// # Errors
/// An unknown proof, a key without a loop, storage failures.
pub fn acknowledge(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(Proof, bool), TrustError> {
    let by = cx.caller.acting_loop()?;
    let proof = proof::get(tx, cx.tenant(), id)?;
    let ok = !cx.caller.sandboxed && loops::apart(tx, cx.tenant(), by, proof.loop_id)?;
    let found = Verification { method: Method::Acknowledgement, by: by.to_string(), at: cx.now, ok, detail: None };
    Ok((raise(tx, cx, id, found)?, ok))
}
