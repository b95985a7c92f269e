//! A priority queue with leases.

use std::ops::Bound;

use imbl::{OrdMap, OrdSet};

use crate::{
    base::Time,
    store::{Claim, QueueItem},
};

/// One tenant's items of one queue. An item is in `ready` or in `leased`, never in both.
#[derive(Clone, Default)]
pub(super) struct Line {
    /// `(key, id)`.
    ready: OrdSet<(Vec<u8>, String)>,
    /// The key of each ready item, by id.
    keys: OrdMap<String, Vec<u8>>,
    leased: OrdMap<String, Claim>,
}

impl Line {
    pub(super) fn push(&mut self, key: &[u8], id: &str) {
        self.remove(id);
        self.ready.insert((key.to_vec(), id.to_owned()));
        self.keys.insert(id.to_owned(), key.to_vec());
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        let ready = self.keys.remove(id).map(|key| self.ready.remove(&(key, id.to_owned())));
        self.leased.remove(id).is_some() || ready.is_some()
    }

    pub(super) fn claim(&mut self, up_to: Option<&[u8]>, until: Time, holder: &[u8; 16], limit: u32) -> Vec<QueueItem> {
        let due = |key: &[u8]| up_to.is_none_or(|up_to| key <= up_to);
        let items: Vec<_> = self.ready.iter().take_while(|(key, _)| due(key)).take(limit as usize).map(item).collect();
        for item in &items {
            self.remove(&item.id);
            self.leased.insert(item.id.clone(), Claim { item: item.clone(), until, holder: *holder });
        }
        items
    }

    pub(super) fn extend(&mut self, id: &str, holder: &[u8; 16], until: Time) -> bool {
        let Some(claim) = self.leased.get_mut(id).filter(|claim| claim.holder == *holder) else { return false };
        claim.until = until;
        true
    }

    pub(super) fn settle(&mut self, id: &str, holder: &[u8; 16], again: Option<&[u8]>) -> bool {
        if self.leased.get(id).is_none_or(|claim| claim.holder != *holder) {
            return false;
        }
        self.remove(id);
        if let Some(key) = again {
            self.push(key, id);
        }
        true
    }

    pub(super) fn reclaim(&mut self, now: Time, limit: u32) -> Vec<QueueItem> {
        let mut over: Vec<Claim> = self.leased.values().filter(|claim| claim.until <= now).cloned().collect();
        over.sort_by(|a, b| (a.until, &a.item.id).cmp(&(b.until, &b.item.id)));
        let items: Vec<_> = over.into_iter().take(limit as usize).map(|claim| claim.item).collect();
        for item in &items {
            self.push(&item.key, &item.id);
        }
        items
    }

    pub(super) fn ready(&self, after: Option<(&[u8], &str)>, limit: u32) -> Vec<QueueItem> {
        let from = after.map(|(key, id)| (key.to_vec(), id.to_owned()));
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        self.ready.range((from, Bound::Unbounded)).take(limit as usize).map(item).collect()
    }

    pub(super) fn lease(&self, id: &str) -> Option<Claim> {
        self.leased.get(id).cloned()
    }
}

fn item((key, id): &(Vec<u8>, String)) -> QueueItem {
    QueueItem { key: key.clone(), id: id.clone() }
}
