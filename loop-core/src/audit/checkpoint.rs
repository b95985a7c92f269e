//! Checkpoints: what the log's end looked like, kept where the log's writer cannot reach.

use hmac::Mac;

use super::entry::{AUDIT, HASH, STREAMS};
use crate::{
    base::{
        TenantId, Time,
        host::keyed,
        secret::{self, MasterKey},
    },
    store::{StoreError, Tx, Value},
};

/// The end of one stream at one moment. Kept as JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// The tenant.
    pub tenant: TenantId,
    /// The stream.
    pub stream: String,
    /// The number of the last entry.
    pub seq: u64,
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// When this was taken.
    pub at: Time,
    /// HMAC-SHA256 over the rest, in hexadecimal.
    pub mac: String,
}

impl Checkpoint {
    /// Whether this checkpoint was made with `master`.
    #[must_use]
    pub fn is_genuine(&self, master: &MasterKey) -> bool {
        secret::same(self.sign(master).as_bytes(), self.mac.as_bytes())
    }

    fn sign(&self, master: &MasterKey) -> String {
        let mut mac = keyed(&master.derive("audit.checkpoint", self.tenant.as_str()));
        mac.update(format!("{}\n{}\n{}\n{}", self.stream, self.seq, self.hash, self.at.as_micros()).as_bytes());
        secret::hex(&mac.finalize().into_bytes())
    }
}

/// The ends of a tenant's streams.
///
/// # Errors
/// Storage failures.
pub fn checkpoints(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    master: &MasterKey,
    now: Time,
) -> Result<Vec<Checkpoint>, StoreError> {
    let mut all = Vec::new();
    for stream in STREAMS {
        let Some(head) = tx.head(&AUDIT, tenant, stream)? else { continue };
        let Some(hash) = head.columns.get(HASH).and_then(Value::as_bytes) else { continue };
        let mut checkpoint = Checkpoint {
            tenant: tenant.clone(),
            stream: stream.to_owned(),
            seq: head.seq,
            hash: secret::hex(hash),
            at: now,
            mac: String::new(),
        };
        checkpoint.mac = checkpoint.sign(master);
        all.push(checkpoint);
    }
    Ok(all)
}
