//! Which template and which version an issue gets. Previews and claims ask the same question and get the same answer.

use sha2::{Digest, Sha256};

use super::{
    PromptTemplate, PromptVersion,
    condition::Facts,
    template::{TEMPLATES, ranked},
    version,
};
use crate::{
    base::{
        TenantId,
        id::{IssueId, ProjectId, TemplateId},
    },
    store::{Entity, StoreError, Tx, Value},
    work::{Issue, IssueStatus, IssueType, issue, label},
};

/// How many templates are looked at with one question to the store.
const CHUNK: u32 = 16;

/// The template and version of an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The template.
    pub template: PromptTemplate,
    /// The version.
    pub version: PromptVersion,
}

/// The template and version of an issue; `None` when no template that has a version in use is for it.
///
/// Of those whose conditions it meets, one that its project prefers goes before the others, then the greatest
/// specificity, then age. Of a template under rollout it gets the version that is tried when its id falls in the
/// percentage, always the same way.
///
/// # Errors
/// Storage failures.
pub fn choose(tx: &mut dyn Tx, tenant: &TenantId, issue: &Issue) -> Result<Option<Chosen>, StoreError> {
    let Some(template) = fitting(tx, tenant, issue)? else { return Ok(None) };
    let tried = template.rollout.filter(|rollout| falls_in(template.id, issue.id, rollout.percent));
    for id in [tried.map(|rollout| rollout.version_id), template.active_version_id].into_iter().flatten() {
        if let Some(version) = version::find(tx, tenant, id)? {
            return Ok(Some(Chosen { template, version: version.value }));
        }
    }
    Ok(None)
}

/// Whether an issue is among the `percent` of a hundred that get the version that is tried. Raising the percentage
/// moves no issue away from it.
fn falls_in(template: TemplateId, issue: IssueId, percent: u8) -> bool {
    let hash = Sha256::new().chain_update(template.as_str()).chain_update("/").chain_update(issue.as_str()).finalize();
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number % 100 < u64::from(percent)
}

fn fitting(tx: &mut dyn Tx, tenant: &TenantId, issue: &Issue) -> Result<Option<PromptTemplate>, StoreError> {
    let mut known = Known { tx, tenant, issue, labels: None, failed: None };
    let classes = [issue.kind.as_str(), "*"];
    if let Some(project) = issue.project_id {
        let prefixes = classes.map(|class| format!("{project}/{class}/"));
        if let Some(found) = best(&mut known, "project_rank", prefixes)? {
            return Ok(Some(found));
        }
    }
    best(&mut known, "rank", classes.map(|class| format!("{class}/")))
}

/// The first that fits in the merged order of two ranges.
fn best(
    known: &mut Known<'_>,
    column: &'static str,
    prefixes: [String; 2],
) -> Result<Option<PromptTemplate>, StoreError> {
    let mut ranges = prefixes.map(|prefix| Range {
        column,
        prefix,
        rows: Vec::new().into_iter().peekable(),
        after: None,
        done: false,
    });
    loop {
        let mut least: Option<(usize, String)> = None;
        for (at, range) in ranges.iter_mut().enumerate() {
            if let Some(order) = range.order(known)?
                && least.as_ref().is_none_or(|(_, other)| order < *other)
            {
                least = Some((at, order));
            }
        }
        let next = least.and_then(|(at, _)| ranges.get_mut(at)).and_then(|range| range.rows.next());
        let Some(template) = next else { return Ok(None) };
        if template.conditions.met_by(known)? {
            return Ok(Some(template));
        }
    }
}

/// Templates of one rank prefix, read a chunk at a time.
struct Range {
    column: &'static str,
    prefix: String,
    rows: std::iter::Peekable<std::vec::IntoIter<PromptTemplate>>,
    after: Option<(Value, String)>,
    done: bool,
}

impl Range {
    /// Where its next template stands, chunks being read as needed.
    fn order(&mut self, known: &mut Known<'_>) -> Result<Option<String>, StoreError> {
        if self.rows.peek().is_none() && !self.done {
            let rows = ranked(known.tx, known.tenant, self.column, &self.prefix, self.after.take(), CHUNK)?;
            self.done = rows.len() < CHUNK as usize;
            self.after = rows.last().map(|last| (place(last, self.column), last.id()));
            self.rows = rows.into_iter().peekable();
        }
        Ok(self.rows.peek().map(PromptTemplate::order))
    }
}

fn place(template: &PromptTemplate, column: &str) -> Value {
    let at = TEMPLATES.columns.iter().position(|declared| declared.name == column);
    at.and_then(|at| template.columns().into_iter().nth(at)).unwrap_or(Value::Null)
}

/// What conditions ask of an issue, looked up when they do.
struct Known<'a> {
    tx: &'a mut dyn Tx,
    tenant: &'a TenantId,
    issue: &'a Issue,
    labels: Option<Vec<String>>,
    failed: Option<bool>,
}

impl Facts for Known<'_> {
    type Error = StoreError;

    fn kind(&self) -> IssueType {
        self.issue.kind
    }

    fn signal_source(&self) -> Option<&str> {
        self.issue.signal_source.as_deref()
    }

    fn project(&self) -> Option<ProjectId> {
        self.issue.project_id
    }

    fn confidence(&self) -> Option<f64> {
        self.issue.hypothesis.as_ref().map(|hypothesis| hypothesis.confidence)
    }

    fn has_label(&mut self, name: &str) -> Result<bool, StoreError> {
        let labels = match self.labels.take() {
            Some(labels) => labels,
            None => label::of_issue(self.tx, self.tenant, self.issue)?.into_iter().map(|label| label.name).collect(),
        };
        let has = labels.iter().any(|label| label == name);
        self.labels = Some(labels);
        Ok(has)
    }

    fn has_failed_sessions(&mut self) -> Result<bool, StoreError> {
        let failed = match (self.failed, &self.issue.parent_id) {
            (Some(failed), _) => failed,
            (None, None) => false,
            (None, Some(parent)) => {
                let parts = issue::children(self.tx, self.tenant, parent)?;
                parts.iter().any(|part| part.status == IssueStatus::Canceled && part.agent_summary.is_some())
            }
        };
        self.failed = Some(failed);
        Ok(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::falls_in;
    use crate::base::{
        Seed, Time,
        id::{IssueId, TemplateId},
    };

    #[test]
    fn an_issue_falls_in_always_or_never_and_stays_in_when_the_percentage_rises() {
        let mut seed = Seed::new([1; 32]);
        let template = TemplateId::draw(Time::EPOCH, &mut seed);
        let issues: Vec<IssueId> = (0..4_000).map(|n| IssueId::draw(Time::from_micros(n), &mut seed)).collect();
        let share = |percent| issues.iter().filter(|issue| falls_in(template, **issue, percent)).count();
        assert!((1_050..1_350).contains(&share(30)), "{}", share(30));
        assert!((2_250..2_550).contains(&share(60)), "{}", share(60));
        for issue in &issues {
            assert!(!falls_in(template, *issue, 30) || falls_in(template, *issue, 31));
            assert!(!falls_in(template, *issue, 0) && falls_in(template, *issue, 100));
        }
    }
}
