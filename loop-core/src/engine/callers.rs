//! Callers seen lately, by the hash of their key.

use std::sync::{PoisonError, RwLock};

use hashbrown::HashMap;

use crate::{access::Caller, base::secret::TokenHash};

/// How many callers are remembered. Past it the memory starts anew: looking keys up again is cheap.
const MAX: usize = 16_384;

/// The memory. Only valid callers are in it; whether one is still valid is the tenant's epoch's to say.
#[derive(Default)]
pub(super) struct Callers(RwLock<HashMap<TokenHash, Caller, foldhash::fast::RandomState>>);

impl Callers {
    pub(super) fn get(&self, hash: TokenHash) -> Option<Caller> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    pub(super) fn put(&self, caller: Caller) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(caller.hash, caller);
    }

    pub(super) fn forget(&self, hash: TokenHash) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&hash);
    }
}
