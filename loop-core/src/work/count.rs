//! How many live issues there are of each state and kind, kept with every write, so that no list or dashboard counts.

use std::collections::BTreeMap;

use super::{Issue, IssueStatus, IssueType};
use crate::{
    base::{TenantId, id::ProjectId},
    store::{Ledger, StoreError, Tx},
};

/// The counts. Accounts: `all/{status}/{type}`, `{project id}/{status}/{type}`, `labels`, `words`, the
/// weight of [`super::words`]' list, `ready/all` and `ready/{lane}`, how many are [`super::ready`], and `number`, the last
/// number that an issue was given.
pub static WORK_COUNTS: Ledger = Ledger { name: "work_counts" };

/// The account that numbers issues.
const NUMBER: &str = "number";
/// The account that counts labels.
pub(super) const LABELS: &str = "labels";
/// What leads the accounts of all issues.
const ALL: &str = "all";
/// As many accounts as one prefix has.
const CELLS: u32 = 64;

/// How many issues there are of each state and kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<(IssueStatus, IssueType), u64>);

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those of a state and a kind.
    #[must_use]
    pub fn of(&self, status: IssueStatus, kind: IssueType) -> u64 {
        self.0.get(&(status, kind)).copied().unwrap_or(0)
    }

    /// By state; states without issues are left out.
    #[must_use]
    pub fn by_status(&self) -> BTreeMap<IssueStatus, u64> {
        self.gathered(|(status, _)| status)
    }

    /// By kind; kinds without issues are left out.
    #[must_use]
    pub fn by_type(&self) -> BTreeMap<IssueType, u64> {
        self.gathered(|(_, kind)| kind)
    }

    fn gathered<K: Ord>(&self, key: impl Fn((IssueStatus, IssueType)) -> K) -> BTreeMap<K, u64> {
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
        let cell = account.strip_prefix(&prefix).and_then(|cell| cell.split_once('/'));
        let read = cell.and_then(|(status, kind)| Some((IssueStatus::parse(status)?, IssueType::parse(kind)?)));
        let count = u64::try_from(balance.total).unwrap_or(0);
        if let Some(cell) = read.filter(|_| count > 0) {
            out.insert(cell, count);
        }
    }
    Ok(Counts(out))
}

/// Keeps the counts when an issue becomes another: `None` is an issue that is not there.
pub(super) fn moved(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    before: Option<&Issue>,
    after: Option<&Issue>,
) -> Result<(), StoreError> {
    let cell = |issue: &Issue| (issue.status, issue.kind, issue.project_id);
    let (old, new) = (before.filter(|issue| issue.is_live()), after.filter(|issue| issue.is_live()));
    if old.map(cell) == new.map(cell) {
        return Ok(());
    }
    for (issue, amount) in old.map(|issue| (issue, -1)).into_iter().chain(new.map(|issue| (issue, 1))) {
        let account = |place: &str| format!("{place}/{}/{}", issue.status, issue.kind);
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
