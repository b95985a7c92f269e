//! A message as stored.

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{Kind, Status};
use crate::{
    base::{
        Time,
        id::{ContractId, LoopId, MessageId},
        secret::hex,
    },
    store::{Column, Entity, Kind as ColumnKind, Table, Value},
};

/// The version of the envelope.
pub const VERSION: &str = "aap/1.0";

/// A message.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its type.
    pub kind: Kind,
    /// Who sent it.
    pub from: LoopId,
    /// The sender's tag when it was sent.
    pub from_tag: String,
    /// Whom it is for.
    pub to: LoopId,
    /// The receiver's tag when it was sent.
    pub to_tag: String,
    /// The thread it belongs to.
    pub correlation_id: String,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// The contract it belongs to.
    pub contract_id: ContractId,
    /// The members for the receiver, one JSON object, as they were sent.
    pub content: Box<RawValue>,
    /// The sender's own id for it.
    pub client_id: Option<String>,
    /// The word that the sender used once.
    pub nonce: Option<String>,
    /// SHA-256 of what was said, in hexadecimal; empty once erased.
    pub digest: String,
    /// Told to nobody: under it the log tells what was said, so that nobody can guess it from there.
    pub salt: String,
    /// The sender's signature; gone once erased.
    #[serde(default)]
    pub signature: Option<String>,
    /// The registered key of the sender under which the signature was verified when it was sent.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// Whether what was said is gone.
    #[serde(default)]
    pub erased: bool,
    /// Whether it was sent with a sandbox key.
    pub simulated: bool,
    /// How far it got, expiry apart.
    pub status: Status,
    /// When it was sent. No two messages of a tenant have the same time, and a later message has a later one.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

/// Where messages are kept.
pub static MESSAGES: Table = Table {
    name: "messages",
    columns: &[
        // Receiver and time.
        Column::indexed("inbox", ColumnKind::Text),
        // Thread and time.
        Column::indexed("thread", ColumnKind::Text),
        Column::indexed("sent", ColumnKind::Int),
        Column::indexed("expires_at", ColumnKind::Int),
        // Sender and the sender's own id or nonce.
        Column::unique("client", ColumnKind::Text),
        Column::unique("nonce", ColumnKind::Text),
    ],
};

impl Entity for Message {
    const TABLE: &'static Table = &MESSAGES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let of_sender = |name: &Option<String>| name.as_ref().map(|name| of_sender(self.from, name));
        vec![
            place(&self.to.to_string(), self.created_at).into(),
            place(&self.correlation_id, self.created_at).into(),
            self.created_at.into(),
            self.expires_at.into(),
            of_sender(&self.client_id).into(),
            of_sender(&self.nonce).into(),
        ]
    }
}

impl Message {
    /// What the log tells of what was said: its digest, salted.
    #[must_use]
    pub fn salted_digest(&self) -> String {
        hex(&Sha256::new_with_prefix(&self.salt).chain_update(&self.digest).finalize())
    }

    /// How far it got at `now`.
    #[must_use]
    pub fn status_at(&self, now: Time) -> Status {
        self.status.at(now, self.expires_at)
    }
}

/// What a sender calls something, told from what others do.
pub(super) fn of_sender(from: LoopId, name: &str) -> String {
    format!("{from}/{name}")
}

/// The key under which something of `name` at a time sorts: names hold no `/`, and times have one width.
pub(super) fn place(name: &str, at: Time) -> String {
    format!("{name}/{:016x}", at.as_micros().max(0))
}

/// Behind every key of [`place`] with this name and no other.
pub(super) fn beyond(name: &str) -> String {
    format!("{name}0")
}
