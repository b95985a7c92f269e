//! Forgetting what was said.

use serde_json::value::RawValue;

use super::{MESSAGES, Message};
use crate::{
    access::Ctx,
    audit,
    base::{Time, id::MessageId},
    store::{Cond, RecordQuery, Repo, StoreError, Stored, Tx},
};

/// Erases what messages among `ids` said. That they were sent, by whom, to whom and when, stays. Answers how many were
/// erased.
///
/// # Errors
/// Storage failures.
pub fn erase(tx: &mut dyn Tx, cx: &Ctx, ids: &[String], why: &str) -> Result<u64, StoreError> {
    let mut erased = Vec::new();
    for id in ids.iter().filter_map(|id| MessageId::parse(id)) {
        let stored: Option<Stored<Message>> = Repo::new(tx, cx.tenant()).get(&id.to_string())?;
        let Some(stored) = stored.filter(|stored| !stored.value.erased) else { continue };
        let bare = Message {
            content: RawValue::from_string("{}".to_owned()).unwrap_or_default(),
            digest: String::new(),
            salt: String::new(),
            signature: None,
            erased: true,
            ..stored.value.clone()
        };
        Repo::new(tx, cx.tenant()).update(&stored, &bare, cx.now)?;
        erased.push(id.to_string());
    }
    audit::forgotten(tx, cx, MESSAGES.name, &erased, why)?;
    Ok(erased.len() as u64)
}

/// Removes the tenant's first messages altogether, `limit` at most; answers how many.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32, why: &str) -> Result<u64, StoreError> {
    let page = Repo::new(tx, cx.tenant()).list(&RecordQuery { limit, ..RecordQuery::default() })?;
    remove(tx, cx, &page, why)
}

/// Removes a chunk of messages that were past their own time before `before`; answers how many.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("expires_at", before.into())],
        by: Some("expires_at"),
        limit,
        ..RecordQuery::default()
    };
    let page = Repo::new(tx, cx.tenant()).list(&query)?;
    remove(tx, cx, &page, audit::RETENTION_WHY)
}

fn remove(tx: &mut dyn Tx, cx: &Ctx, page: &[Stored<Message>], why: &str) -> Result<u64, StoreError> {
    for stored in page {
        Repo::<Message>::new(tx, cx.tenant()).delete(&stored.value.id.to_string())?;
    }
    audit::removed(tx, cx, MESSAGES.name, page.len() as u64, why)?;
    Ok(page.len() as u64)
}
