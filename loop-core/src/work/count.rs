//! How many live issues there are of each state, kind and priority, kept with every write, so that no list or dashboard counts.

use std::collections::BTreeMap;

use super::{Issue, IssueStatus, IssueType};
use crate::{
    base::{TenantId, id::ProjectId},
    store::{Ledger, StoreError, Tx},
};

/// The counts. Accounts: `all/{status}/{type}/{priority}`, `{project id}/{status}/{type}/{priority}`, `labels`, `words`,
/// the weight of [`super::words`]' list, `ready/all` and `ready/{lane}`, how many are [`super::ready`], and `number`, the last
/// number that an issue was given.
pub static WORK_COUNTS: Ledger = Ledger { name: "work_counts" };

/// The account that numbers issues.
const NUMBER: &str = "number";
/// The account that counts labels.
pub(super) const LABELS: &str = "labels";
/// What leads the accounts of all issues.
const ALL: &str = "all";
/// More accounts than one prefix has: seven states of five kinds with five priorities.
const CELLS: u32 = 256;

/// What issues are counted and found by: state, kind, priority.
pub(super) type Cell = (IssueStatus, IssueType, u8);

pub(super) const fn cell(issue: &Issue) -> Cell {
    (issue.status, issue.kind, issue.priority)
}

/// How many issues there are of each state, kind and priority.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<Cell, u64>);

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The cells that have issues, and how many.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Cell, u64)> {
        self.0.iter().map(|(cell, count)| (*cell, *count))
    }

    /// By state; states without issues are left out.
    #[must_use]
    pub fn by_status(&self) -> BTreeMap<IssueStatus, u64> {
        self.gathered(|(status, ..)| status)
    }

    /// By kind; kinds without issues are left out.
    #[must_use]
    pub fn by_type(&self) -> BTreeMap<IssueType, u64> {
        self.gathered(|(_, kind, _)| kind)
    }

    fn gathered<K: Ord>(&self, key: impl Fn(Cell) -> K) -> BTreeMap<K, u64> {
        let mut out = BTreeMap::new();
        for (cell, count) in &self.0 {
            *out.entry(key(*cell)).or_insert(0_u64) += count;
        }
        out
    }
}

/// The counts of a project's issues, or of all.
///
/// # Errors
/// Storage failures.
pub fn counts(tx: &mut dyn Tx, tenant: &TenantId, project: Option<&ProjectId>) -> Result<Counts, StoreError> {
    let prefix = format!("{}/", project.map_or(ALL, ProjectId::as_str));
    let mut out = BTreeMap::new();
    for (account, balance) in tx.balances(&WORK_COUNTS, tenant, &prefix, CELLS)? {
        let count = u64::try_from(balance.total).unwrap_or(0);
        if let Some(cell) = account.strip_prefix(&prefix).and_then(parse).filter(|_| count > 0) {
            out.insert(cell, count);
        }
    }
    Ok(Counts(out))
}

fn parse(text: &str) -> Option<Cell> {
    let mut parts = text.split('/');
    Some((IssueStatus::parse(parts.next()?)?, IssueType::parse(parts.next()?)?, parts.next()?.parse().ok()?))
}

/// Keeps the counts when an issue becomes another: `None` is an issue that is not there.
pub(super) fn moved(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    before: Option<&Issue>,
    after: Option<&Issue>,
) -> Result<(), StoreError> {
    let (old, new) = (before.filter(|issue| issue.is_live()), after.filter(|issue| issue.is_live()));
    let place = |issue: &Issue| (cell(issue), issue.project_id);
    if old.map(place) == new.map(place) {
        return Ok(());
    }
    for (issue, amount) in old.map(|issue| (issue, -1)).into_iter().chain(new.map(|issue| (issue, 1))) {
        let account = |place: &str| format!("{place}/{}/{}/{}", issue.status, issue.kind, issue.priority);
        tx.add(&WORK_COUNTS, tenant, &account(ALL), amount, None)?;
        if let Some(project) = &issue.project_id {
            tx.add(&WORK_COUNTS, tenant, &account(project.as_str()), amount, None)?;
        }
    }
    Ok(())
}

/// The next issue's number.
pub(super) fn next_number(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, StoreError> {
    let last = tx.add(&WORK_COUNTS, tenant, NUMBER, 1, None)?;
    Ok(last.and_then(|last| u64::try_from(last.total).ok()).unwrap_or(0))
}

/// What one account holds; 0 when there is none.
///
/// # Errors
/// Storage failures.
pub fn of_account(tx: &mut dyn Tx, tenant: &TenantId, account: &str) -> Result<u64, StoreError> {
    let found = tx.balances(&WORK_COUNTS, tenant, account, 1)?;
    let total = found.first().filter(|(name, _)| name == account).map_or(0, |(_, balance)| balance.total);
    Ok(u64::try_from(total).unwrap_or(0))
}
