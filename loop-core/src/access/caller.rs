//! The authenticated caller, and the context that a use case runs in.

use std::{cell::Cell, sync::Arc};

use super::{AccessError, Scope, Scopes, key};
use crate::{
    base::{Seed, TenantId, Time, id::KeyId, secret::TokenHash},
    store::Tx,
};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose data the caller may touch.
    pub tenant: TenantId,
    /// The key it presented.
    pub key: KeyId,
    /// The hash of that key, by which it is looked up again.
    pub hash: TokenHash,
    /// The key's name, as shown in the log.
    pub name: Arc<str>,
    /// What the key may do.
    pub scopes: Scopes,
    /// When the key stops working by itself.
    pub expires_at: Option<Time>,
    /// The tenant's policy epoch when the key was last seen valid in storage. Every transaction that finds
    /// another epoch looks the key up again.
    pub epoch: u64,
}

impl Caller {
    /// Loop itself, acting for a tenant: a worker, or a person who followed a link. It holds no scope.
    #[must_use]
    pub fn system(tenant: TenantId, name: &'static str) -> Self {
        Self {
            tenant,
            key: KeyId::NONE,
            hash: TokenHash::NONE,
            name: name.into(),
            scopes: Scopes::NONE,
            expires_at: None,
            epoch: 0,
        }
    }

    /// Refuses a caller without the scope.
    ///
    /// # Errors
    /// [`AccessError::Scope`].
    pub const fn require(&self, scope: Scope) -> Result<(), AccessError> {
        if self.scopes.has(scope) { Ok(()) } else { Err(AccessError::Scope(scope)) }
    }

    /// Whether the key still works at `now`, as far as its own expiry tells.
    #[must_use]
    pub fn alive(&self, now: Time) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Makes sure, inside a transaction, that the key is still valid: it is looked up again if the tenant's
    /// policy epoch moved since it was last seen, which every revocation does, in whatever process.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`] when it was revoked or has expired.
    pub fn recheck(&self, tx: &mut dyn Tx, now: Time) -> Result<(), AccessError> {
        if !self.alive(now) {
            return Err(AccessError::Unauthenticated);
        }
        if tx.epoch(&self.tenant)? == self.epoch {
            return Ok(());
        }
        let fresh = key::authenticate(tx, self.hash, now)?;
        // A key that lost scopes meanwhile must come in again with what it still has.
        if fresh.tenant == self.tenant && fresh.scopes == self.scopes {
            Ok(())
        } else {
            Err(AccessError::Unauthenticated)
        }
    }
}

/// What a use case knows besides its input: who asks, when, and from where ids and tokens are drawn.
#[derive(Debug)]
pub struct Ctx {
    /// Who asks.
    pub caller: Caller,
    /// When.
    pub now: Time,
    seed: Seed,
    drawn: Cell<u64>,
}

impl Ctx {
    /// A context for one request.
    #[must_use]
    pub const fn new(caller: Caller, now: Time, seed: Seed) -> Self {
        Self { caller, now, seed, drawn: Cell::new(0) }
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    /// A seed of its own for the next thing to be drawn.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed::new(self.draw())
    }

    /// Thirty-two unpredictable bytes.
    #[must_use]
    pub fn draw(&self) -> [u8; 32] {
        let n = self.drawn.get().wrapping_add(1);
        self.drawn.set(n);
        self.seed.at(n)
    }

    /// The same request in a run of its own; draws go on from where they are and never repeat.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.caller.clone(), self.now, self.seed())
    }
}
