//! How entries hang together.
//!
//! `digest = SHA-256("loop.audit.digest.1" ‖ salt ‖ len-prefixed columns ‖ len-prefixed body)`
//! `hash = SHA-256("loop.audit.hash.1" ‖ len-prefixed tenant ‖ len-prefixed stream ‖ seq ‖ at ‖ digest ‖ previous hash)`
//!
//! Numbers are eight bytes, big-endian; the hash before the first entry is 32 zero bytes.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entry::{AUDIT, Event, HASH, id};
use crate::{
    access::Ctx,
    base::{TenantId, Time},
    store::{NewEntry, StoreError, Tx, Value},
};

/// The hash before the first entry.
pub(super) const ORIGIN: [u8; 32] = [0; 32];

/// An event with its salt and digest: all of an entry but its body and its place in the chain. It can be made before
/// the transaction that writes it, which has the less to do.
#[derive(Debug)]
pub struct Sealed {
    stream: &'static str,
    digest: [u8; 32],
    /// Those of [`AUDIT`]; the last, the hash, is filled in when the place is known.
    columns: Arc<[Value]>,
}

/// Seals an event with a fresh salt.
#[must_use]
pub fn seal(cx: &Ctx, event: &Event<'_>) -> Sealed {
    let salt = cx.draw();
    let [op, status, tool, agent, risk] = event.columns();
    let digest = digest(&salt, [&op, &status, &tool, &agent, &risk], event.body);
    let columns =
        [op, status, tool, agent, risk, Value::Bytes(salt.to_vec()), Value::Bytes(digest.to_vec()), Value::Null];
    Sealed { stream: event.stream, digest, columns: columns.into() }
}

/// Writes an event down and answers the entry's id. The entry is durable when the transaction is.
///
/// # Errors
/// Storage failures; the caller must then refuse what it was about to do.
pub fn append(tx: &mut dyn Tx, cx: &Ctx, event: &Event<'_>) -> Result<String, StoreError> {
    append_sealed(tx, cx, &mut seal(cx, event), event.body)
}

/// As [`append`], for an event that is sealed already; `body` is the one it was sealed with.
///
/// # Errors
/// As [`append`].
pub fn append_sealed(tx: &mut dyn Tx, cx: &Ctx, sealed: &mut Sealed, body: &str) -> Result<String, StoreError> {
    let stream = sealed.stream;
    let head = tx.head(&AUDIT, cx.tenant(), stream)?;
    let (last, previous, at) = match &head {
        None => (0, ORIGIN, cx.now),
        // Two requests may be recorded in another order than they read the clock; the log only moves forward.
        Some(head) => (head.seq, stored_hash(head.columns.get(HASH), stream, head.seq)?, cx.now.max(head.at)),
    };
    let seq = last.saturating_add(1);
    let linked = link(cx.tenant(), stream, seq, at, &sealed.digest, &previous);
    if let Some(hash) = Arc::make_mut(&mut sealed.columns).get_mut(HASH) {
        *hash = Value::Bytes(linked.to_vec());
    }
    let entry = NewEntry { seq, at, columns: Arc::clone(&sealed.columns), body };
    tx.append(&AUDIT, cx.tenant(), stream, &entry)?;
    Ok(id(stream, seq))
}

/// The salted digest of a payload.
pub(super) fn digest<'v>(salt: &[u8], columns: impl IntoIterator<Item = &'v Value>, body: &str) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(b"loop.audit.digest.1");
    prefixed(&mut sha, salt);
    for column in columns {
        match column {
            Value::Text(text) => prefixed(&mut sha, text.as_bytes()),
            // Only texts and nulls occur; a null is told from an empty text by an impossible length.
            _ => sha.update(u64::MAX.to_be_bytes()),
        }
    }
    prefixed(&mut sha, body.as_bytes());
    sha.finalize().into()
}

/// The hash that chains an entry to the one before.
pub(super) fn link(
    tenant: &TenantId,
    stream: &str,
    seq: u64,
    at: Time,
    digest: &[u8; 32],
    previous: &[u8; 32],
) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(b"loop.audit.hash.1");
    prefixed(&mut sha, tenant.as_str().as_bytes());
    prefixed(&mut sha, stream.as_bytes());
    sha.update(seq.to_be_bytes());
    sha.update(at.as_micros().to_be_bytes());
    sha.update(digest);
    sha.update(previous);
    sha.finalize().into()
}

fn prefixed(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

/// Reads a 32-byte column.
pub(super) fn stored_hash(column: Option<&Value>, stream: &str, seq: u64) -> Result<[u8; 32], StoreError> {
    column
        .and_then(Value::as_bytes)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| StoreError::Corrupt(format!("`{}` has no valid hash", id(stream, seq))))
}
