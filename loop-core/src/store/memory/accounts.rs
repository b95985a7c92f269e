//! Accounts with balances and holds.

use imbl::OrdMap;

use crate::{
    base::Time,
    store::{Balance, Hold, Ledger, StoreError},
};

/// One tenant's accounts of one ledger.
#[derive(Clone, Default)]
pub(super) struct Accounts {
    balances: OrdMap<String, Balance>,
    holds: OrdMap<String, Hold>,
}

impl Accounts {
    pub(super) fn add(
        &mut self,
        ledger: &Ledger,
        account: &str,
        amount: i64,
        floor: Option<i64>,
    ) -> Result<Option<Balance>, StoreError> {
        let changed = self.balance(account).add(ledger, amount, floor)?;
        if let Some(balance) = changed {
            self.balances.insert(account.to_owned(), balance);
        }
        Ok(changed)
    }

    pub(super) fn list(&self, prefix: &str, limit: u32) -> Vec<(String, Balance)> {
        let named = self.balances.iter().filter(|(account, _)| account.starts_with(prefix));
        named.take(limit as usize).map(|(account, balance)| (account.clone(), *balance)).collect()
    }

    pub(super) fn hold(
        &mut self,
        ledger: &Ledger,
        account: &str,
        id: &str,
        amount: i64,
        until: Time,
    ) -> Result<bool, StoreError> {
        if self.holds.contains_key(id) {
            return Err(StoreError::Duplicate { what: format!("{}_holds.id", ledger.name) });
        }
        let Some(balance) = self.balance(account).hold(ledger, amount)? else { return Ok(false) };
        self.balances.insert(account.to_owned(), balance);
        let hold = Hold { id: id.to_owned(), account: account.to_owned(), amount, until };
        self.holds.insert(id.to_owned(), hold);
        Ok(true)
    }

    pub(super) fn release(&mut self, ledger: &Ledger, id: &str, take: i64) -> Result<Option<Hold>, StoreError> {
        let Some(hold) = self.holds.get(id).cloned() else { return Ok(None) };
        let balance = self.balance(&hold.account).release(ledger, hold.amount, take)?;
        self.balances.insert(hold.account.clone(), balance);
        self.holds.remove(id);
        Ok(Some(hold))
    }

    pub(super) fn expired(&self, now: Time, limit: u32) -> Vec<Hold> {
        self.holds.values().filter(|hold| hold.until <= now).take(limit as usize).cloned().collect()
    }

    fn balance(&self, account: &str) -> Balance {
        self.balances.get(account).copied().unwrap_or_default()
    }
}
