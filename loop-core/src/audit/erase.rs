//! Forgetting: payloads of a person's entries, and entries older than the tenant keeps them.
//!
//! Both leave their own entry behind, which is what lets [`super::verify`] tell erasure from tampering.

use hmac::Mac as _;

use super::{
    append,
    entry::{AUDIT, CHANGES, DECISIONS, Event, HASH, STREAMS},
};
use crate::{
    access::Ctx,
    base::{
        TenantId, Time,
        host::keyed,
        secret::{self, MasterKey},
    },
    store::{JournalQuery, NewSpan, Spans, StoreError, Tx, Value},
};

/// Which entries speak of which person: a group per keyed tag, a row per entry number.
pub static TAGS: Spans = Spans { name: "subject_tags" };

/// Why something goes that the tenant keeps no longer.
pub const RETENTION_WHY: &str = "retention";
/// The most entries one erasure entry names.
const CHUNK: u32 = 500;
/// What is set to null with the body: everything the digest covers, and the salt that would let it be guessed.
const ERASED: [&str; 6] = ["op", "status", "tool_name", "agent_name", "risk", "salt"];

/// The keyed tags under which what speaks of these persons is found again. `subjects` are in the normal form of
/// [`crate::tool::redact::Redacted::subjects`].
#[must_use]
pub fn subject_tags(master: &MasterKey, tenant: &TenantId, subjects: &[String]) -> Vec<String> {
    if subjects.is_empty() {
        return Vec::new();
    }
    let key = master.derive("audit.subject", tenant.as_str());
    let tag = |subject: &String| {
        let mut mac = keyed(&key);
        mac.update(subject.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        secret::hex(full.first_chunk::<16>().map_or(&[][..], |half| half))
    };
    let mut tags: Vec<String> = subjects.iter().map(tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Remembers that a record speaks of these persons. Its tags are dropped with entries of the time `at`, so that they
/// last as long as what they lead to.
///
/// # Errors
/// A context that cannot make tags ([`Ctx::tagging`]): what could not be found again must not be stored. Storage
/// failures.
pub fn tag(tx: &mut dyn Tx, cx: &Ctx, at: Time, id: &str, subjects: &[String]) -> Result<(), StoreError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let master = cx.master();
    let master = master.ok_or_else(|| StoreError::Internal("a context without a key for tags".to_owned()))?;
    tag_subjects(tx, cx.tenant(), at, id, &subject_tags(master, cx.tenant(), subjects))
}

/// Remembers that an entry speaks of persons, by keyed tags of what was masked.
///
/// # Errors
/// Storage failures.
pub fn tag_subjects(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    at: Time,
    entry: &str,
    tags: &[String],
) -> Result<(), StoreError> {
    if tags.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewSpan<'_>> = tags.iter().map(|tag| NewSpan { group: tag, at, id: entry, body: "" }).collect();
    tx.put_spans(&TAGS, tenant, &rows)
}

/// What speaks of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tagged {
    /// Numbers of decisions.
    pub decisions: Vec<u64>,
    /// Ids of anything else.
    pub others: Vec<String>,
}

/// Where a page of tagged rows ended.
pub type TagCursor = (Time, String);

/// The next page of what speaks of a person, after `after`, and where it ended (`None` on the last page).
///
/// # Errors
/// Storage failures.
pub fn subject_entries(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    tag: &str,
    after: Option<(Time, &str)>,
) -> Result<(Tagged, Option<TagCursor>), StoreError> {
    let rows = tx.group(&TAGS, tenant, tag, after, CHUNK)?;
    let last = rows.last().filter(|_| rows.len() == CHUNK as usize).map(|row| (row.at, row.id.clone()));
    let mut tagged = Tagged::default();
    for row in rows {
        match row.id.strip_prefix("dec-").and_then(|seq| seq.parse().ok()) {
            Some(seq) => tagged.decisions.push(seq),
            None => tagged.others.push(row.id),
        }
    }
    Ok((tagged, last))
}

/// Writes down which records' content is gone and why; nothing when there are none.
///
/// # Errors
/// Storage failures.
pub fn forgotten(tx: &mut dyn Tx, cx: &Ctx, table: &str, ids: &[String], why: &str) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let body = serde_json::json!({ "table": table, "ids": ids, "why": why, "by": cx.caller.name });
    append(tx, cx, &Event::change("data.forget", &body.to_string())).map(drop)
}

/// Writes down how many records are gone altogether and why; nothing when there are none.
///
/// # Errors
/// Storage failures.
pub fn removed(tx: &mut dyn Tx, cx: &Ctx, table: &str, count: u64, why: &str) -> Result<(), StoreError> {
    if count == 0 {
        return Ok(());
    }
    let body = serde_json::json!({ "table": table, "count": count, "why": why, "by": cx.caller.name });
    append(tx, cx, &Event::change("data.remove", &body.to_string())).map(drop)
}

/// The numbers of the next decisions that are not erased yet, in order.
///
/// # Errors
/// Storage failures.
pub fn decisions_above(tx: &mut dyn Tx, tenant: &TenantId, above: u64, limit: u32) -> Result<Vec<u64>, StoreError> {
    let query = JournalQuery { above: Some(above), limit, ..JournalQuery::default() };
    Ok(tx.scan(&AUDIT, tenant, DECISIONS, &query)?.into_iter().map(|entry| entry.seq).collect())
}

/// Erases the payloads of decisions and writes that down. Answers how many were still there.
///
/// # Errors
/// Storage failures.
pub fn erase_entries(tx: &mut dyn Tx, cx: &Ctx, seqs: &[u64], why: &str) -> Result<u64, StoreError> {
    let mut erased = Vec::with_capacity(seqs.len());
    for seq in seqs {
        let query = JournalQuery { above: Some(seq.saturating_sub(1)), limit: 1, ..JournalQuery::default() };
        let entry = tx.scan(&AUDIT, cx.tenant(), DECISIONS, &query)?.pop();
        let held = entry.is_some_and(|entry| entry.seq == *seq && entry.body.is_some());
        if held && tx.redact(&AUDIT, cx.tenant(), DECISIONS, *seq, &ERASED)? {
            erased.push(*seq);
        }
    }
    if !erased.is_empty() {
        let body = serde_json::json!({ "stream": DECISIONS, "seqs": erased, "why": why, "by": cx.caller.name });
        append(tx, cx, &Event::change(ERASE_OP, &body.to_string()))?;
    }
    Ok(erased.len() as u64)
}

/// Removes a chunk of entries older than `before` from both streams. Answers how many went; 0 when done.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, StoreError> {
    let mut gone = 0;
    for stream in STREAMS {
        // Changes tell which decisions were erased, so old ones stay until every old decision has gone.
        if stream == CHANGES && gone >= u64::from(limit) {
            break;
        }
        // The newest entry to go: the last of the chunk's old ones. The head stays whatever its age.
        let query = JournalQuery { until: Some(before), limit, ..JournalQuery::default() };
        let Some(last) = tx.scan(&AUDIT, cx.tenant(), stream, &query)?.pop() else { continue };
        let head = tx.head(&AUDIT, cx.tenant(), stream)?.map_or(0, |head| head.seq);
        let through = last.seq.min(head.saturating_sub(1));
        if through == 0 {
            continue;
        }
        let hash = if through == last.seq {
            last.columns.get(HASH).and_then(Value::as_bytes).map(secret::hex)
        } else {
            let query = JournalQuery { above: Some(through.saturating_sub(1)), limit: 1, ..JournalQuery::default() };
            let entry = tx.scan(&AUDIT, cx.tenant(), stream, &query)?.pop().filter(|entry| entry.seq == through);
            entry.and_then(|entry| entry.columns.get(HASH).and_then(Value::as_bytes).map(secret::hex))
        };
        let Some(hash) = hash else { continue };
        let removed = tx.trim(&AUDIT, cx.tenant(), stream, through, limit)?;
        if removed > 0 {
            let mut body =
                serde_json::json!({ "stream": stream, "through": through, "hash": hash, "removed": removed });
            if stream == CHANGES
                && let Some(seq) = erased_head(tx, cx.tenant())?
                && let Some(body) = body.as_object_mut()
            {
                // The entry that told of this erasure may be among those removed.
                body.insert("erased".to_owned(), serde_json::json!([seq]));
            }
            append(tx, cx, &Event::change(PURGE_OP, &body.to_string()))?;
            gone += removed;
        }
    }
    gone += tx.drop_spans(&TAGS, cx.tenant(), before, limit)?;
    Ok(gone)
}

/// The last decision, when its payload is erased: the one old decision that a purge leaves.
fn erased_head(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Option<u64>, StoreError> {
    let Some(head) = tx.head(&AUDIT, tenant, DECISIONS)? else { return Ok(None) };
    let query = JournalQuery { above: Some(head.seq.saturating_sub(1)), limit: 1, ..JournalQuery::default() };
    let entry = tx.scan(&AUDIT, tenant, DECISIONS, &query)?.pop();
    Ok(entry.filter(|entry| entry.body.is_none()).map(|entry| entry.seq))
}

/// The entries that tell of erasures and purges are ordinary changes with these operations.
pub(super) const ERASE_OP: &str = "data.erase";
/// See [`ERASE_OP`].
pub(super) const PURGE_OP: &str = "retention.purge";
