//! Completions of language models that wait, with the approvals of their calls, to be handed on as they are.
//!
//! - [`key`]: which request a completion answers.
//! - [`completion`]: a completion as stored, sealed.
//! - [`sweep`]: what happens when its time is over, or when it is to be forgotten.

mod completion;
mod key;
mod sweep;

pub use completion::{
    COMPLETIONS, Completion, KEYS, Kept, MAX_COMPLETION, MAX_KEPT, Sealed, keys, open, put, read, remove, seal,
    standing, stay,
};
pub use key::{KeptKey, MAX_REQUEST};
pub use sweep::{TIMERS, erase_chunk, sweep};
