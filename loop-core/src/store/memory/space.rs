//! The root of the store and everything of one tenant.

use imbl::OrdMap;

use super::{accounts::Accounts, heap::Heap, line::Line, rows::Rows, sets::Sets, stream::Stream, timeline::Timeline};
use crate::base::TenantId;

/// The whole store. A clone shares everything with its original.
#[derive(Clone, Default)]
pub(super) struct Root {
    /// What each tenant keeps.
    pub(super) spaces: OrdMap<TenantId, Space>,
    /// Policy epochs.
    pub(super) epochs: OrdMap<TenantId, u64>,
}

/// Everything of one tenant, by the name of its table.
#[derive(Clone, Default)]
pub(super) struct Space {
    pub(super) rows: OrdMap<&'static str, Rows>,
    /// By journal and stream.
    pub(super) streams: OrdMap<(&'static str, String), Stream>,
    pub(super) lines: OrdMap<&'static str, Line>,
    pub(super) timelines: OrdMap<&'static str, Timeline>,
    /// By table and group.
    pub(super) heaps: OrdMap<(&'static str, String), Heap>,
    pub(super) accounts: OrdMap<&'static str, Accounts>,
    pub(super) sets: OrdMap<&'static str, Sets>,
}

impl Root {
    /// The next epoch: greater than every one given so far. Epochs are never removed, so the greatest stands here.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epochs.values().max().map_or(1, |last| last.saturating_add(1))
    }
}
