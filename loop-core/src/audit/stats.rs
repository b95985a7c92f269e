//! Counters of decisions, kept by the transactions that decide.

use super::entry::{Status, risk_str};
use crate::{
    base::{TenantId, Time},
    store::{Ledger, StoreError, Tx},
    tool::Risk,
};

/// Where the counters are kept.
pub static STATS: Ledger = Ledger { name: "stats" };

/// The tools that were ever proposed, as accounts by their names. The balance means nothing: only the first call of
/// a tool, and now and then a later one, is noted here.
pub static TOOLS: Ledger = Ledger { name: "tools" };

/// How many known tools are read.
const MAX_KNOWN: u32 = 5_000;

/// The counters of one tenant. Decisions count by the status they had when they were made.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Stats {
    /// All decisions.
    pub total: i64,
    /// Those that allowed.
    pub allowed: i64,
    /// Those that refused.
    pub blocked: i64,
    /// Those that asked a human.
    pub pending: i64,
    /// Allowed calls whose forwarding failed.
    pub errors: i64,
    /// Decisions by effective risk.
    pub by_risk: ByRisk,
    /// Personal data masked before storage.
    pub pii_masked: i64,
    /// Secrets removed before storage.
    pub secrets_redacted: i64,
    /// Decisions in the current calendar month, UTC.
    pub month_usage: i64,
}

/// Decisions by effective risk.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub struct ByRisk {
    /// Low risk.
    pub low: i64,
    /// Medium risk.
    pub medium: i64,
    /// High risk.
    pub high: i64,
    /// Critical risk.
    pub critical: i64,
}

/// Counts one decision.
///
/// # Errors
/// Storage failures.
pub fn record(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    now: Time,
    status: Status,
    risk: Risk,
    personal: u32,
    secrets: u32,
) -> Result<(), StoreError> {
    let mut add = |account: &str, amount: u32| -> Result<(), StoreError> {
        if amount > 0 {
            tx.add(&STATS, tenant, account, i64::from(amount), None)?;
        }
        Ok(())
    };
    add(status.as_str(), 1)?;
    add(risk_str(risk), 1)?;
    add(&month(now), 1)?;
    add("pii", personal)?;
    add("secrets", secrets)
}

/// Notes that a tool was proposed.
///
/// # Errors
/// Storage failures.
pub fn record_tool(tx: &mut dyn Tx, tenant: &TenantId, tool: &str) -> Result<(), StoreError> {
    tx.add(&TOOLS, tenant, tool, 1, None).map(|_| ())
}

/// The tools that were ever proposed, by name, 5,000 at most.
///
/// # Errors
/// Storage failures.
pub fn known_tools(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
    Ok(tx.balances(&TOOLS, tenant, "", MAX_KNOWN)?.into_iter().map(|(tool, _)| tool).collect())
}

/// Reads the counters.
///
/// # Errors
/// Storage failures.
pub fn stats(tx: &mut dyn Tx, tenant: &TenantId, now: Time) -> Result<Stats, StoreError> {
    let mut stats = Stats::default();
    let month = month(now);
    // A dozen accounts and one for every month of use.
    for (account, balance) in tx.balances(&STATS, tenant, "", 10_000)? {
        let total = balance.total;
        match account.as_str() {
            "ALLOWED" => stats.allowed = total,
            "BLOCKED" => stats.blocked = total,
            "PENDING" => stats.pending = total,
            "ERROR" => stats.errors = total,
            "LOW" => stats.by_risk.low = total,
            "MEDIUM" => stats.by_risk.medium = total,
            "HIGH" => stats.by_risk.high = total,
            "CRITICAL" => stats.by_risk.critical = total,
            "pii" => stats.pii_masked = total,
            "secrets" => stats.secrets_redacted = total,
            _ if account == month => stats.month_usage = total,
            _ => {}
        }
    }
    let counted = [stats.allowed, stats.blocked, stats.pending, stats.errors];
    stats.total = counted.into_iter().fold(0, i64::saturating_add);
    Ok(stats)
}

fn month(now: Time) -> String {
    let date = now.to_timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    format!("month.{:04}-{:02}", date.year(), date.month())
}
