//! Who calls: tenants, loops, keys and scopes.

mod caller;
pub mod claim_key;
mod error;
pub mod idempotency;
pub mod issue;
pub mod key;
mod lineage;
pub mod loops;
mod mode;
mod note;
mod scope;
pub mod tenant;
#[cfg(test)]
mod tests;
mod word;

pub use caller::{Caller, Ctx};
pub use error::AccessError;
pub use lineage::{Effective, MAX_LINE};
pub use loops::{Loop, LoopKind, LoopStatus, SigningKey};
pub use mode::{Mode, Plan};
pub use note::Note;
pub use scope::{Scope, Scopes};
