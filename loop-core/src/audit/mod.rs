//! The tamper-evident log: every decision and every change of state, chained by hash.
//!
//! A tenant has two streams. [`DECISIONS`] holds what agents proposed and what became of it, [`CHANGES`]
//! everything else. Each entry's hash covers the one before it and the salted digest of its own payload, so a
//! payload can be erased and the chain still verifies.

mod chain;
mod checkpoint;
mod entry;
mod erase;
mod error;
mod query;
pub mod retention;
mod stats;
mod verify;

pub use chain::{Sealed, append, append_sealed, seal};
pub use checkpoint::{Checkpoint, checkpoints};
pub use entry::{AUDIT, AuditEntry, CHANGES, DECISION, DECISIONS, Event, STREAMS, Status};
pub use erase::{
    RETENTION_WHY, TAGS, TagCursor, Tagged, decisions_above, erase_entries, forgotten, purge_before, removed,
    subject_entries, subject_tags, tag, tag_subjects,
};
pub use error::AuditError;
pub use query::{Filter, LentDecision, count, entry, page, walk};
pub use stats::{STATS, Stats, TOOLS, known_tools, record as record_stats, record_tool, stats};
pub use verify::{Finding, Verified, Verifier, verify};
