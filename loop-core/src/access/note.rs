//! What a use case changed that the process keeps at hand: told once the change is durable.

use crate::base::id::LoopId;

/// One such change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A loop's trust moved.
    Trust {
        /// The loop.
        loop_id: LoopId,
        /// Its score now.
        score: u8,
        /// How many events made it.
        events: u64,
    },
    /// A wallet's contents changed.
    Wallet {
        /// The root loop that it belongs to.
        root: LoopId,
        /// What can be spent now.
        available: i64,
    },
}
