//! Reading the log.

use super::{
    AuditError,
    entry::{AUDIT, AuditEntry, DECISIONS, Status, id, risk_of},
};
use crate::{
    base::{TenantId, Time},
    store::{Cond, JournalQuery, Order, StoreError, Tx},
    tool::Risk,
};

/// Which entries to read; every field that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The status of decisions.
    pub status: Option<Status>,
    /// The tool's exact name.
    pub tool_name: Option<String>,
    /// The agent's exact name.
    pub agent_name: Option<String>,
    /// At or after.
    pub since: Option<Time>,
    /// Before.
    pub until: Option<Time>,
    /// Only entries with a smaller number: where the page before ended.
    pub below: Option<u64>,
}

impl Filter {
    fn query(&self, limit: u32, offset: u32) -> JournalQuery {
        // The most selective condition first: it drives the index.
        let tool = self.tool_name.as_deref().map(|name| Cond::Eq("tool_name", name.into()));
        let agent = self.agent_name.as_deref().map(|name| Cond::Eq("agent_name", name.into()));
        let status = self.status.map(|status| Cond::Eq("status", status.as_str().into()));
        JournalQuery {
            conds: [tool, agent, status].into_iter().flatten().collect(),
            since: self.since,
            until: self.until,
            above: None,
            below: self.below,
            order: Order::Descending,
            limit,
            offset,
        }
    }
}

/// Entries of a stream, newest first.
///
/// # Errors
/// Storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    stream: &'static str,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> Result<Vec<AuditEntry>, AuditError> {
    let entries = tx.scan(&AUDIT, tenant, stream, &filter.query(limit, offset))?;
    Ok(entries.into_iter().map(|entry| AuditEntry::read(stream, entry)).collect::<Result<_, _>>()?)
}

/// A decision while the log is walked over.
#[derive(Debug, Clone, Copy)]
pub struct LentDecision<'a> {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Time,
    /// The operation: [`super::DECISION`] for a call that was decided, another for one that came to nothing afterwards.
    /// `None`, as all that follows, once erased.
    pub op: Option<&'a str>,
    /// The status.
    pub status: Option<&'a str>,
    /// The tool.
    pub tool_name: Option<&'a str>,
    /// The agent.
    pub agent_name: Option<&'a str>,
    /// The risk.
    pub risk: Option<Risk>,
    /// The details as JSON.
    pub body: Option<&'a str>,
}

impl LentDecision<'_> {
    /// The entry's id: `dec-7`.
    #[must_use]
    pub fn id(&self) -> String {
        id(DECISIONS, self.seq)
    }
}

/// Lends the decisions below number `below` to `each`, newest first and `limit` at most, until it answers `false`.
/// For reading very many: nothing is copied.
///
/// # Errors
/// Storage failures.
pub fn walk(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    below: Option<u64>,
    limit: u32,
    each: &mut dyn FnMut(&LentDecision<'_>) -> bool,
) -> Result<(), AuditError> {
    let query = Filter { below, ..Filter::default() }.query(limit, 0);
    let columns = ["op", "status", "tool_name", "agent_name", "risk"];
    tx.walk(&AUDIT, tenant, DECISIONS, &query, &columns, &mut |lent| {
        let text = |at: usize| lent.texts.get(at).copied().flatten();
        each(&LentDecision {
            seq: lent.seq,
            at: lent.at,
            op: text(0),
            status: text(1),
            tool_name: text(2),
            agent_name: text(3),
            risk: text(4).and_then(risk_of),
            body: lent.body,
        })
    })?;
    Ok(())
}

/// How many entries a filter lets through.
///
/// # Errors
/// Storage failures.
pub fn count(tx: &mut dyn Tx, tenant: &TenantId, stream: &'static str, filter: &Filter) -> Result<u64, AuditError> {
    Ok(tx.tally(&AUDIT, tenant, stream, &filter.query(0, 0))?)
}

/// One entry by its number; `None` when there is none, or none any more.
///
/// # Errors
/// Storage failures.
pub fn entry(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    stream: &'static str,
    seq: u64,
) -> Result<Option<AuditEntry>, StoreError> {
    let query = JournalQuery { above: seq.checked_sub(1), limit: 1, ..JournalQuery::default() };
    let found = tx.scan(&AUDIT, tenant, stream, &query)?.into_iter().find(|entry| entry.seq == seq);
    found.map(|entry| AuditEntry::read(stream, entry)).transpose()
}
