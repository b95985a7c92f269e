//! Reading proofs.

use super::{Proof, ProofError, Subject};
use crate::{
    base::{TenantId, id::ProofId},
    store::{Cond, RecordQuery, Repo, Stored, Tx},
};

/// One proof of the tenant.
///
/// # Errors
/// [`ProofError::NotFound`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Proof, ProofError> {
    stored(tx, tenant, id).map(|stored| stored.value)
}

/// One proof with its version, to add a verification to.
///
/// # Errors
/// [`ProofError::NotFound`], storage failures.
pub fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Proof>, ProofError> {
    let id = ProofId::parse(id).ok_or(ProofError::NotFound)?;
    Repo::new(tx, tenant).get(&id.to_string())?.ok_or(ProofError::NotFound)
}

/// The proofs of one outcome, oldest first, `limit` at most.
///
/// # Errors
/// Storage failures.
pub fn of_subject(tx: &mut dyn Tx, tenant: &TenantId, subject: Subject, limit: u32) -> Result<Vec<Proof>, ProofError> {
    let query =
        RecordQuery { conds: vec![Cond::Eq("subject", subject.to_string().into())], limit, ..RecordQuery::default() };
    let page: Vec<Stored<Proof>> = Repo::new(tx, tenant).list(&query)?;
    Ok(page.into_iter().map(|stored| stored.value).collect())
}
