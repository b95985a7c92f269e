//! Proofs: what shows that an outcome is real, and how far it was verified.
//!
//! - [`level`]: V0 to V5, and what reaches them. Only the server assigns them.
//! - [`artifact`]: the proof as stored.
//! - [`attach`]: adding a proof to its loop's chain, and a verification to a proof.
//! - [`query`]: reading proofs.
//! - [`erase`]: forgetting evidence.
//! - [`receipt`]: receipts under a connector's secret.

mod artifact;
mod attach;
mod erase;
mod error;
mod level;
mod query;
mod receipt;

pub use artifact::{PROOFS, Proof, ProofKind, Subject, Verification};
pub use attach::{CHAIN, MAX_DATA, MAX_PER_SUBJECT, NewProof, attach, verify};
pub use erase::{erase, erase_chunk, purge_before};
pub use error::ProofError;
pub use level::{Level, Method, level};
pub use query::{get, of_subject, stored};
pub use receipt::receipt_mac;
