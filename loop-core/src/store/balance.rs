//! The arithmetic of accounts, the same for every store.

use super::{Ledger, StoreError};

/// An account's state. `held` is never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Everything in the account, holds included.
    pub total: i64,
    /// The part held back.
    pub held: i64,
}

impl Balance {
    /// What can be spent or held: `total - held`.
    #[must_use]
    pub fn available(self) -> i128 {
        i128::from(self.total) - i128::from(self.held)
    }

    /// The state after [`super::Tx::add`], `None` when it would fall below `floor`.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when the total leaves 64 bits.
    pub fn add(self, ledger: &Ledger, amount: i64, floor: Option<i64>) -> Result<Option<Self>, StoreError> {
        let total = self.total.checked_add(amount).ok_or_else(|| overflow(ledger))?;
        let after = Self { total, ..self };
        Ok(floor.is_none_or(|floor| after.available() >= i128::from(floor)).then_some(after))
    }

    /// The state after [`super::Tx::hold`], `None` when less than `amount` is available.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when `amount` is negative or what is held leaves 64 bits.
    pub fn hold(self, ledger: &Ledger, amount: i64) -> Result<Option<Self>, StoreError> {
        if amount < 0 {
            return Err(StoreError::Misuse(format!("a negative hold in `{}`", ledger.name)));
        }
        if self.available() < i128::from(amount) {
            return Ok(None);
        }
        let held = self.held.checked_add(amount).ok_or_else(|| overflow(ledger))?;
        Ok(Some(Self { held, ..self }))
    }

    /// The state after a hold of `amount` ended with `take` of it spent.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when the total leaves 64 bits.
    pub fn release(self, ledger: &Ledger, amount: i64, take: i64) -> Result<Self, StoreError> {
        let total = self.total.checked_sub(take.clamp(0, amount.max(0))).ok_or_else(|| overflow(ledger))?;
        Ok(Self { total, held: self.held.saturating_sub(amount).max(0) })
    }
}

fn overflow(ledger: &Ledger) -> StoreError {
    StoreError::Misuse(format!("an account of `{}` left 64 bits", ledger.name))
}

#[cfg(test)]
mod tests {
    use super::{Balance, Ledger};

    static MONEY: Ledger = Ledger { name: "money" };

    #[test]
    fn a_floor_counts_what_is_held_and_refuses_without_change() {
        let balance = Balance { total: 100, held: 40 };
        assert_eq!(balance.add(&MONEY, -60, Some(0)), Ok(Some(Balance { total: 40, held: 40 })));
        assert_eq!(balance.add(&MONEY, -61, Some(0)), Ok(None));
        assert_eq!(balance.add(&MONEY, -61, None), Ok(Some(Balance { total: 39, held: 40 })));
    }

    #[test]
    fn numbers_beyond_64_bits_are_errors() {
        let most = Balance { total: i64::MAX, held: 0 };
        assert!(most.add(&MONEY, 1, None).is_err());
        let least = Balance { total: i64::MIN, held: 1 };
        assert!(least.release(&MONEY, 1, 1).is_err());
        assert_eq!(least.hold(&MONEY, 0), Ok(None));
        assert!(most.hold(&MONEY, -1).is_err());
    }

    #[test]
    fn releasing_takes_no_more_than_was_held() {
        let balance = Balance { total: 100, held: 40 };
        assert_eq!(balance.release(&MONEY, 40, 99), Ok(Balance { total: 60, held: 0 }));
        assert_eq!(balance.release(&MONEY, 40, -5), Ok(Balance { total: 100, held: 0 }));
    }
}
