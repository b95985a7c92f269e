//! A wallet and its reservations.

use serde_json::json;

use super::CreditError;
use crate::{
    access::{Ctx, Note},
    audit::{self, Event},
    base::{TenantId, Time, id::LoopId},
    store::{Balance, Hold, Ledger, StoreError, Tx},
};

/// The wallets: account = the id of the root loop. A hold's id is that of what it is held for.
pub static CREDITS: Ledger = Ledger { name: "credits" };

/// The most credits that are granted at once.
pub const MAX_GRANT: u64 = 1_000_000_000_000;
/// The most credits in a wallet.
pub const MAX_BALANCE: i64 = 1_000_000_000_000_000;
/// How long a reservation holds when nothing becomes of it, in seconds.
pub const RESERVED_SECONDS: i64 = 15 * 60;

/// What a wallet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wallet {
    /// Everything in it.
    pub balance: i64,
    /// The part that is reserved.
    pub reserved: i64,
}

impl Wallet {
    /// What can be spent: the balance without what is reserved.
    #[must_use]
    pub const fn available(self) -> i64 {
        self.balance.saturating_sub(self.reserved)
    }
}

impl From<Balance> for Wallet {
    fn from(balance: Balance) -> Self {
        Self { balance: balance.total, reserved: balance.held }
    }
}

/// What the wallet of a root loop holds; nothing when there is none. Reservations whose time is over count until they
/// are ended.
///
/// # Errors
/// Storage failures.
pub fn balance(tx: &mut dyn Tx, tenant: &TenantId, root: LoopId) -> Result<Option<Wallet>, StoreError> {
    let account = root.to_string();
    let found = tx.balances(&CREDITS, tenant, &account, 1)?.into_iter().next();
    Ok(found.filter(|(name, _)| *name == account).map(|(_, balance)| balance.into()))
}

/// Puts credits into a wallet.
///
/// # Errors
/// [`CreditError::Amount`], [`CreditError::Full`], storage failures.
pub fn grant(tx: &mut dyn Tx, cx: &Ctx, root: LoopId, amount: u64) -> Result<Wallet, CreditError> {
    let amount = i64::try_from(amount).ok().filter(|_| (1..=MAX_GRANT).contains(&amount));
    let amount = amount.ok_or(CreditError::Amount(MAX_GRANT))?;
    let before = balance(tx, cx.tenant(), root)?.unwrap_or_default();
    if before.balance.saturating_add(amount) > MAX_BALANCE {
        return Err(CreditError::Full(MAX_BALANCE));
    }
    let after = tx.add(&CREDITS, cx.tenant(), &root.to_string(), amount, None)?.map(Wallet::from).unwrap_or(before);
    let body = json!({ "loop_id": root, "amount": amount, "balance": after.balance }).to_string();
    audit::append(tx, cx, &Event::change("credit.grant", &body))?;
    cx.note(Note::Wallet { root, available: after.available() });
    Ok(after)
}

/// Holds `amount` back from the wallet of a root loop for [`RESERVED_SECONDS`], under the id of what it is for.
///
/// # Errors
/// [`CreditError::Insufficient`], storage failures.
pub fn reserve(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    root: LoopId,
    id: &str,
    amount: u64,
    now: Time,
) -> Result<(), CreditError> {
    let held = match i64::try_from(amount) {
        Ok(amount) => tx.hold(&CREDITS, tenant, &root.to_string(), id, amount, now.plus_seconds(RESERVED_SECONDS))?,
        Err(_) => false,
    };
    if held {
        return Ok(());
    }
    let available = balance(tx, tenant, root)?.unwrap_or_default().available();
    Err(CreditError::Insufficient { cost: amount, available })
}

/// Ends a reservation and takes `amount` of it, never more than was reserved; answers what was taken, `None` when the
/// reservation ended before.
///
/// # Errors
/// Storage failures.
pub fn commit(tx: &mut dyn Tx, tenant: &TenantId, id: &str, amount: u64) -> Result<Option<u64>, StoreError> {
    let take = i64::try_from(amount).unwrap_or(i64::MAX);
    let hold = tx.release(&CREDITS, tenant, id, take)?;
    Ok(hold.map(|hold| amount.min(u64::try_from(hold.amount).unwrap_or(0))))
}

/// Ends a reservation and takes nothing; `false` when it ended before.
///
/// # Errors
/// Storage failures.
pub fn release(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
    Ok(tx.release(&CREDITS, tenant, id, 0)?.is_some())
}

/// Ends reservations whose time is over, `limit` at most, and answers them.
///
/// # Errors
/// Storage failures.
pub fn expire(tx: &mut dyn Tx, tenant: &TenantId, now: Time, limit: u32) -> Result<Vec<Hold>, StoreError> {
    let over = tx.expired_holds(&CREDITS, tenant, now, limit)?;
    for hold in &over {
        tx.release(&CREDITS, tenant, &hold.id, 0)?;
    }
    Ok(over)
}
