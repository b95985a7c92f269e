//! A proof as stored.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Level, Method};
use crate::{
    base::{
        Time,
        id::{InvocationId, LoopId, ProofId, TaskId, TransactionId},
        json::{Doc, canonical},
        secret::hex,
    },
    store::{Column, Entity, Kind, Table, Value},
};

/// What a proof consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// The gateway's trace of an execution.
    ExecutionTrace,
    /// A connector's receipt.
    ConnectorReceipt,
    /// The id of a message that was sent.
    MessageId,
    /// A source with its URL and the time it was read.
    Source,
    /// A reference to a payment.
    PaymentReference,
    /// Another party's acknowledgement.
    CounterpartyAck,
    /// A signed record.
    SignedRecord,
    /// An auditor's statement.
    Audit,
    /// A summary in words, which proves nothing.
    Summary,
}

/// What a proof is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A task's outcome.
    Task(TaskId),
    /// An invocation's outcome.
    Invocation(InvocationId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(id) => id.fmt(f),
            Self::Invocation(id) => id.fmt(f),
        }
    }
}

/// One attempt to verify a proof.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Verification {
    /// How.
    pub method: Method,
    /// Who: `loop` for the gateway itself, a loop's id, or a key's name.
    pub by: String,
    /// When.
    pub at: Time,
    /// Whether it succeeded.
    pub ok: bool,
    /// What was found, such as the hash of a fetched reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Map<String, Json>>,
}

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// Its id.
    pub id: ProofId,
    /// Whose outcome it proves.
    pub loop_id: LoopId,
    /// What it is of.
    pub subject: Subject,
    /// The transaction that the outcome is delivered under.
    #[serde(default)]
    pub transaction: Option<TransactionId>,
    /// What it consists of.
    pub kind: ProofKind,
    /// Whether the outcome was simulated.
    pub simulated: bool,
    /// The evidence, masked; empty once erased.
    pub data: Map<String, Json>,
    /// What the evidence is salted with in [`Self::data_hash`]; gone once erased, so that nobody can guess it.
    pub salt: Option<String>,
    /// SHA-256, in hexadecimal, of the salt and the canonical form of the evidence.
    pub data_hash: String,
    /// The level that was claimed; it counts for nothing.
    #[serde(default)]
    pub claimed_level: Option<Level>,
    /// The level the server assigned.
    pub level: Level,
    /// How it was verified.
    pub verifications: Vec<Verification>,
    /// SHA-256, in hexadecimal, over everything above that never changes, the hash of the evidence in its place, and the
    /// hash before.
    pub content_hash: String,
    /// The hash of the loop's proof before this one; empty for its first.
    pub prev_hash: String,
    /// When it was attached.
    pub created_at: Time,
}

/// Where proofs are kept.
pub static PROOFS: Table = Table {
    name: "proofs",
    columns: &[
        Column::indexed("subject", Kind::Text),
        Column::indexed("loop_id", Kind::Text),
        Column::indexed("deal", Kind::Text),
        // When it was attached, while its evidence is there.
        Column::indexed("told_at", Kind::Int),
    ],
};

impl Entity for Proof {
    const TABLE: &'static Table = &PROOFS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let deal = self.transaction.map(|id| id.to_string());
        let told_at = self.salt.as_ref().map(|_| self.created_at);
        vec![self.subject.to_string().into(), self.loop_id.to_string().into(), deal.into(), told_at.into()]
    }
}

impl Proof {
    /// Whether the hashes are those of what is there. Evidence that was erased counts by its hash.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let told = match &self.salt {
            Some(salt) => data_hash(salt, &self.data) == self.data_hash,
            None => self.data.is_empty(),
        };
        told && self.hash() == self.content_hash
    }

    /// What [`Self::content_hash`] is.
    pub(super) fn hash(&self) -> String {
        let content = json!({
            "id": self.id, "loopId": self.loop_id, "subject": self.subject.to_string(),
            "transactionId": self.transaction, "type": self.kind, "simulated": self.simulated,
            "dataHash": self.data_hash, "prevHash": self.prev_hash, "createdAt": self.created_at,
        });
        hex(&Sha256::digest(canonical(Doc::from_value(&content).root()).as_bytes()))
    }
}

/// What [`Proof::data_hash`] is.
pub(super) fn data_hash(salt: &str, data: &Map<String, Json>) -> String {
    let data = Json::Object(data.clone());
    let told = canonical(Doc::from_value(&data).root());
    hex(&Sha256::new_with_prefix(salt).chain_update(told).finalize())
}
