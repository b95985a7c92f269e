//! Forgetting evidence. What it proved, and the chain, stay.

use serde_json::Map;

use super::{PROOFS, Proof};
use crate::{
    access::Ctx,
    audit,
    base::{Time, id::ProofId},
    store::{Cond, RecordQuery, Repo, StoreError, Stored, Tx, Value},
};

/// Erases the evidence of the proofs among `ids`. Answers of how many there still was some.
///
/// # Errors
/// Storage failures.
pub fn erase(tx: &mut dyn Tx, cx: &Ctx, ids: &[String], why: &str) -> Result<u64, StoreError> {
    let mut page = Vec::new();
    for id in ids.iter().filter_map(|id| ProofId::parse(id)) {
        page.extend(Repo::new(tx, cx.tenant()).get(&id.to_string())?);
    }
    forget(tx, cx, page, why)
}

/// Erases the evidence of the tenant's oldest proofs that have some, `limit` at most; answers of how many.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32, why: &str) -> Result<u64, StoreError> {
    let page = told(tx, cx, Cond::AtLeast("told_at", Value::Int(i64::MIN)), limit)?;
    forget(tx, cx, page, why)
}

/// Erases the evidence of a chunk of proofs that were attached before `before`; answers of how many.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, StoreError> {
    let page = told(tx, cx, Cond::Below("told_at", before.into()), limit)?;
    forget(tx, cx, page, audit::RETENTION_WHY)
}

fn told(tx: &mut dyn Tx, cx: &Ctx, cond: Cond, limit: u32) -> Result<Vec<Stored<Proof>>, StoreError> {
    let query = RecordQuery { conds: vec![cond], by: Some("told_at"), limit, ..RecordQuery::default() };
    Repo::new(tx, cx.tenant()).list(&query)
}

fn forget(tx: &mut dyn Tx, cx: &Ctx, page: Vec<Stored<Proof>>, why: &str) -> Result<u64, StoreError> {
    let mut erased = Vec::new();
    for stored in page.into_iter().filter(|stored| stored.value.salt.is_some()) {
        let mut bare = Proof { data: Map::new(), salt: None, ..stored.value.clone() };
        // What was found tells of the evidence too.
        bare.verifications.iter_mut().for_each(|verification| verification.detail = None);
        Repo::new(tx, cx.tenant()).update(&stored, &bare, cx.now)?;
        erased.push(bare.id.to_string());
    }
    audit::forgotten(tx, cx, PROOFS.name, &erased, why)?;
    Ok(erased.len() as u64)
}
