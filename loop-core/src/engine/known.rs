//! Which tools are known to be recorded, so that a busy tool costs no write.

use std::{
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::base::TenantId;

/// How many names are remembered; a power of two. A name that lost its place is recorded once more.
const PLACES: usize = 4_096;

/// Names of tools that the store holds, by their hash.
pub(super) struct KnownTools {
    hasher: foldhash::fast::RandomState,
    places: Box<[AtomicU64]>,
}

impl Default for KnownTools {
    fn default() -> Self {
        Self {
            hasher: foldhash::fast::RandomState::default(),
            places: std::iter::repeat_with(AtomicU64::default).take(PLACES).collect(),
        }
    }
}

impl KnownTools {
    pub(super) fn has(&self, tenant: &TenantId, tool: &str) -> bool {
        let hash = self.hash(tenant, tool);
        self.place(hash).is_some_and(|place| place.load(Ordering::Relaxed) == hash)
    }

    /// To be called once the name is durable.
    pub(super) fn add(&self, tenant: &TenantId, tool: &str) {
        let hash = self.hash(tenant, tool);
        if let Some(place) = self.place(hash) {
            place.store(hash, Ordering::Relaxed);
        }
    }

    fn hash(&self, tenant: &TenantId, tool: &str) -> u64 {
        // Zero is the mark of an empty place.
        self.hasher.hash_one((tenant, tool)).max(1)
    }

    fn place(&self, hash: u64) -> Option<&AtomicU64> {
        self.places.get(hash as usize % PLACES)
    }
}

#[cfg(test)]
mod tests {
    use super::KnownTools;
    use crate::base::TenantId;

    #[test]
    fn a_name_is_known_to_the_tenant_that_added_it_and_to_no_other() {
        let known = KnownTools::default();
        let (a, b) = (TenantId::default_tenant(), TenantId::parse("b").unwrap());
        assert!(!known.has(&a, "pay"));
        known.add(&a, "pay");
        assert!(known.has(&a, "pay") && !known.has(&b, "pay") && !known.has(&a, "pay2"));
    }
}
