//! How much a loop called and paid, by month.

use std::collections::BTreeMap;

use crate::{
    access::Ctx,
    base::{TenantId, id::LoopId},
    store::{Ledger, StoreError, Tx},
};

/// The counters: account = `loop/month/metric`.
pub static USAGE: Ledger = Ledger { name: "usage" };

/// How many counters of a loop are read: ten years of them.
const COUNTERS: u32 = 600;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Real calls that succeeded.
    Succeeded,
    /// Real calls that failed.
    Failed,
    /// Simulated calls.
    Simulated,
    /// Calls that were denied.
    Denied,
    /// Credits that were taken.
    Credits,
}

impl Metric {
    /// The spelling in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Simulated => "simulated",
            Self::Denied => "denied",
            Self::Credits => "credits",
        }
    }
}

/// A month's counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Month {
    /// The month in UTC, such as `2026-11`.
    pub month: String,
    /// By the spelling of their metric.
    pub counts: BTreeMap<String, u64>,
}

impl Month {
    /// What was counted.
    #[must_use]
    pub fn of(&self, metric: Metric) -> u64 {
        self.counts.get(metric.as_str()).copied().unwrap_or(0)
    }
}

/// Counts.
///
/// # Errors
/// Storage failures.
pub fn note(tx: &mut dyn Tx, cx: &Ctx, loop_id: LoopId, metric: Metric, amount: u64) -> Result<(), StoreError> {
    let month: String = cx.now.to_string().chars().take(7).collect();
    let amount = i64::try_from(amount).unwrap_or(i64::MAX);
    if amount > 0 {
        tx.add(&USAGE, cx.tenant(), &format!("{loop_id}/{month}/{}", metric.as_str()), amount, None)?;
    }
    Ok(())
}

/// A loop's months, oldest first.
///
/// # Errors
/// Storage failures.
pub fn months(tx: &mut dyn Tx, tenant: &TenantId, loop_id: LoopId) -> Result<Vec<Month>, StoreError> {
    let mut months: Vec<Month> = Vec::new();
    for (account, balance) in tx.balances(&USAGE, tenant, &format!("{loop_id}/"), COUNTERS)? {
        let mut parts = account.split('/').skip(1);
        let (Some(month), Some(metric)) = (parts.next(), parts.next()) else { continue };
        if months.last().is_none_or(|last| last.month != month) {
            months.push(Month { month: month.to_owned(), counts: BTreeMap::new() });
        }
        if let Some(last) = months.last_mut() {
            last.counts.insert(metric.to_owned(), u64::try_from(balance.total).unwrap_or(0));
        }
    }
    Ok(months)
}
