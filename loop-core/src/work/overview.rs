//! What is going on as a whole: numbers that are kept anyway, and the issues that moved last.

use super::{
    Issue, IssueRelation, WorkError,
    claim::{self, Outcome},
    count::{self, Counts},
    goal::{self, GoalCounts},
    issue::ISSUES,
    ready, relation,
    sets::{ISSUE_SETS, term},
};
use crate::{
    base::{TenantId, Time},
    store::{Cond, Order, RecordQuery, Repo, Stored, Tx},
};

/// The most parts of an issue that are shown with it.
pub const MAX_PARTS: u32 = 100;

/// How long an issue counts as done lately, in seconds: a day.
const LATELY: i64 = 24 * 3_600;

/// The numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The issues.
    pub issues: Counts,
    /// The goals.
    pub goals: GoalCounts,
    /// Issues that can be dispatched now.
    pub ready: u64,
    /// Issues done within a day.
    pub completed: u64,
    /// Claims whose lease ended without a word, ever.
    pub expired: u64,
}

/// The numbers as of `now`.
///
/// # Errors
/// Storage failures.
pub fn standing(tx: &mut dyn Tx, tenant: &TenantId, now: Time) -> Result<Standing, WorkError> {
    let lately = Cond::AtLeast("completed_at", now.plus_seconds(-LATELY).into());
    Ok(Standing {
        issues: count::counts(tx, tenant, None)?,
        goals: goal::counts(tx, tenant)?,
        ready: ready::count(tx, tenant, None)?,
        completed: tx.count(&ISSUES, tenant, &[lately])?,
        expired: claim::count(tx, tenant, Outcome::Expired)?,
    })
}

/// An issue that is no part of another, with its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The issue.
    pub root: Issue,
    /// Its parts, [`MAX_PARTS`] at most, each with its relations to others.
    pub parts: Vec<(Issue, Vec<IssueRelation>)>,
    /// When it or a part of it last changed.
    pub latest: Time,
}

/// The issues of which they or a part of them changed last, the latest first.
///
/// # Errors
/// Storage failures.
pub fn activity(tx: &mut dyn Tx, tenant: &TenantId, limit: u32) -> Result<Vec<Activity>, WorkError> {
    let query = RecordQuery { by: Some("active_at"), order: Order::Descending, limit, ..RecordQuery::default() };
    let roots: Vec<Stored<Issue>> = Repo::new(tx, tenant).list(&query)?;
    let mut out = Vec::with_capacity(roots.len());
    for root in roots {
        let mut parts = Vec::new();
        for id in tx.holders(&ISSUE_SETS, tenant, &term::parent(&root.value.id), None, MAX_PARTS, 0)? {
            let part: Option<Stored<Issue>> = Repo::new(tx, tenant).get(&id)?;
            if let Some(part) = part.map(|stored| stored.value) {
                let relations = relation::outgoing(tx, tenant, &part.id)?;
                parts.push((part, relations));
            }
        }
        let latest = root.value.active_at.unwrap_or(root.value.updated_at);
        out.push(Activity { root: root.value, parts, latest });
    }
    Ok(out)
}
