//! Who calls: tenants, keys and scopes.

mod scope;

pub use scope::{Scope, Scopes};

use crate::base::{TenantId, id::KeyId};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose data the caller may touch.
    pub tenant: TenantId,
    /// The key it presented.
    pub key: KeyId,
    /// The key's name, as shown in the log.
    pub name: std::sync::Arc<str>,
    /// What the key may do.
    pub scopes: Scopes,
    /// When the key stops working by itself.
    pub expires_at: Option<crate::base::Time>,
    /// The tenant's policy epoch when the key was last seen valid in storage. Every transaction that finds
    /// another epoch looks the key up again.
    pub epoch: u64,
}
