//! How versions do, as it is kept: apart from their texts, because it changes with every claim, outcome and review.

use super::{
    Health, Outcome, PromptVersion,
    ewma::{Condition, Marks},
};
use crate::{
    base::{
        TenantId, Time,
        id::{IssueId, TemplateId, VersionId},
    },
    store::{Entity, Ledger, Repo, StoreError, Stored, Table, Tx, Value},
};

/// Where the health of versions is kept, by the version's id.
pub static HEALTH: Table = Table { name: "prompt_health", columns: &[] };
/// Where the reviews of a template's versions are summed up, by the template's id.
pub static SUMMARIES: Table = Table { name: "prompt_summaries", columns: &[] };
/// How often each version was given to an agent; accounts are versions' ids.
pub static USES: Ledger = Ledger { name: "prompt_uses" };

/// The health of one version.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Kept {
    id: VersionId,
    #[serde(flatten)]
    health: Health,
}

impl Entity for Kept {
    const TABLE: &'static Table = &HEALTH;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// The reviews of all versions of a template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// The template.
    pub id: TemplateId,
    /// How many reviews there are.
    pub reviews: u64,
    /// The sum of their marks for clarity.
    pub clarity: u64,
    /// The sum of their marks for completeness.
    pub completeness: u64,
    /// The sum of their marks for relevance.
    pub relevance: u64,
    /// The issue that was last made to have it improved.
    pub improvement: Option<IssueId>,
}

impl Entity for Summary {
    const TABLE: &'static Table = &SUMMARIES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// The means of all reviews of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// Of the marks for clarity.
    pub clarity: f64,
    /// Of the marks for completeness.
    pub completeness: f64,
    /// Of the marks for relevance.
    pub relevance: f64,
    /// Of all marks.
    pub composite: f64,
}

impl Summary {
    const fn new(id: TemplateId) -> Self {
        Self { id, reviews: 0, clarity: 0, completeness: 0, relevance: 0, improvement: None }
    }

    fn add(&mut self, marks: Marks) {
        self.reviews = self.reviews.saturating_add(1);
        for (sum, mark) in [
            (&mut self.clarity, marks.clarity),
            (&mut self.completeness, marks.completeness),
            (&mut self.relevance, marks.relevance),
        ] {
            *sum = sum.saturating_add(u64::from(mark));
        }
    }

    /// The means of the marks; `None` without a review.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sums of marks stay far below 2^53")]
    pub fn means(&self) -> Option<Means> {
        let count = self.reviews as f64;
        let mean = |sum: u64| sum as f64 / count;
        let (clarity, completeness, relevance) = (mean(self.clarity), mean(self.completeness), mean(self.relevance));
        let composite = (clarity + completeness + relevance) / 3.0;
        (self.reviews > 0).then_some(Means { clarity, completeness, relevance, composite })
    }
}

/// A version and how it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The version.
    pub version: PromptVersion,
    /// How often it was given to an agent.
    pub uses: u64,
    /// How it does.
    pub health: Health,
}

impl Known {
    /// A version that nobody has seen yet.
    #[must_use]
    pub fn fresh(version: PromptVersion) -> Self {
        Self { version, uses: 0, health: Health::default() }
    }

    /// How it does, in one word.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.health.condition()
    }
}

/// Puts to a version how it does.
///
/// # Errors
/// Storage failures.
pub fn of(tx: &mut dyn Tx, tenant: &TenantId, version: PromptVersion) -> Result<Known, StoreError> {
    let account = version.id.as_str();
    // An account's name is no other's beginning: all ids of one form have one length.
    let counted = tx.balances(&USES, tenant, account, 8)?.into_iter().find(|(name, _)| name == account);
    let uses = counted.map_or(0, |(_, balance)| u64::try_from(balance.total).unwrap_or(0));
    let health = kept(tx, tenant, version.id)?.map_or_else(Health::default, |stored| stored.value.health);
    Ok(Known { version, uses, health })
}

/// The reviews of a template.
///
/// # Errors
/// Storage failures.
pub fn summary(tx: &mut dyn Tx, tenant: &TenantId, template: TemplateId) -> Result<Summary, StoreError> {
    let stored: Option<Stored<Summary>> = Repo::new(tx, tenant).get(template.as_str())?;
    Ok(stored.map_or_else(|| Summary::new(template), |stored| stored.value))
}

/// Counts that a version was given to an agent.
///
/// # Errors
/// Storage failures.
pub fn count_use(tx: &mut dyn Tx, tenant: &TenantId, version: VersionId) -> Result<(), StoreError> {
    tx.add(&USES, tenant, version.as_str(), 1, None)?;
    Ok(())
}

/// Takes in how an issue ended that a version was given for, and how long that took.
///
/// # Errors
/// Storage failures.
pub fn record_outcome(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    version: VersionId,
    outcome: Outcome,
    duration_micros: i64,
    now: Time,
) -> Result<(), StoreError> {
    #[expect(clippy::cast_precision_loss, reason = "a duration of more than 2^53 µs is 285 years")]
    let milliseconds = duration_micros.max(0) as f64 / 1_000.0;
    change(tx, tenant, version, now, |health| health.outcome(outcome, milliseconds))?;
    Ok(())
}

/// Takes a review in; answers how the version does and the reviews of its template with it.
pub(super) fn record_review(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    version: &PromptVersion,
    marks: Marks,
    now: Time,
) -> Result<(Health, Summary), StoreError> {
    let health = change(tx, tenant, version.id, now, |health| health.review(marks))?;
    let old: Option<Stored<Summary>> = Repo::new(tx, tenant).get(version.template_id.as_str())?;
    let mut summary = old.as_ref().map_or_else(|| Summary::new(version.template_id), |old| old.value.clone());
    summary.add(marks);
    put(tx, tenant, old.as_ref(), &summary, now)?;
    Ok((health, summary))
}

/// Keeps which issue was made to have a template improved.
pub(super) fn improving(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    summary: Summary,
    issue: IssueId,
    now: Time,
) -> Result<(), StoreError> {
    let old: Option<Stored<Summary>> = Repo::new(tx, tenant).get(summary.id.as_str())?;
    put(tx, tenant, old.as_ref(), &Summary { improvement: Some(issue), ..summary }, now)
}

fn put<E: Entity>(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    old: Option<&Stored<E>>,
    new: &E,
    now: Time,
) -> Result<(), StoreError> {
    match old {
        Some(old) => Repo::new(tx, tenant).update(old, new, now),
        None => Repo::new(tx, tenant).insert(new, now),
    }
}

fn kept(tx: &mut dyn Tx, tenant: &TenantId, id: VersionId) -> Result<Option<Stored<Kept>>, StoreError> {
    Repo::new(tx, tenant).get(id.as_str())
}

fn change(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: VersionId,
    now: Time,
    work: impl FnOnce(&mut Health),
) -> Result<Health, StoreError> {
    let old = kept(tx, tenant, id)?;
    let mut kept = old.as_ref().map_or_else(|| Kept { id, health: Health::default() }, |old| old.value.clone());
    work(&mut kept.health);
    put(tx, tenant, old.as_ref(), &kept, now)?;
    Ok(kept.health)
}
