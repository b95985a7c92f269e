//! Who calls: tenants, keys and scopes.

mod caller;
mod error;
pub mod key;
mod scope;
pub mod tenant;

pub use caller::{Caller, Ctx};
pub use error::AccessError;
pub use scope::{Scope, Scopes};
