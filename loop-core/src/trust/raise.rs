//! A proof that was verified further.

use super::{TrustError, outcome};
use crate::{
    access::Ctx,
    proof::{self, Proof, Verification},
    store::Tx,
};

/// Adds a verification to a proof and pays its loop for what that adds to the outcome. Answers the proof as it is now;
/// verifying again by the same method changes nothing.
///
/// # Errors
/// An unknown proof, storage failures.
pub fn raise(tx: &mut dyn Tx, cx: &Ctx, id: &str, found: Verification) -> Result<Proof, TrustError> {
    let stored = proof::stored(tx, cx.tenant(), id)?;
    let Some(proof) = proof::verify(tx, cx, &stored, found)? else { return Ok(stored.value) };
    if proof.level > stored.value.level {
        outcome::reward(tx, cx, &proof.subject.to_string(), proof.loop_id, proof.id, proof.level)?;
    }
    Ok(proof)
}
