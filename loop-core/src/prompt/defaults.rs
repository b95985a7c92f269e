//! The templates that every tenant starts with, one for each type of issue. They are a tenant's own from then on: it may
//! change them, and what it deletes stays deleted.

use super::{Conditions, PromptTemplate, PromptVersion, VersionStatus, template::SPECIFICITY, version::digest};
use crate::{
    base::{
        TenantId, Time,
        id::{TemplateId, VersionId},
    },
    store::{Repo, StoreError, Tx},
    work::{AuthorType, IssueType},
};

/// A template that every tenant starts with.
struct Given {
    /// Its slug, with `_` for `-`, as ids hold it.
    word: &'static str,
    kind: IssueType,
    name: &'static str,
    description: &'static str,
    content: &'static str,
}

static DEFAULTS: [Given; 5] = [
    Given {
        word: "signal_triage",
        kind: IssueType::Signal,
        name: "Signal triage",
        description: "Finds out what a signal means and whether anybody has to act",
        content: include_str!("texts/signal_triage.hbs"),
    },
    Given {
        word: "hypothesis_planning",
        kind: IssueType::Hypothesis,
        name: "Hypothesis planning",
        description: "Turns a hypothesis into steps that show whether it holds",
        content: include_str!("texts/hypothesis_planning.hbs"),
    },
    Given {
        word: "task_execution",
        kind: IssueType::Task,
        name: "Task execution",
        description: "Does a task and shows that it works",
        content: include_str!("texts/task_execution.hbs"),
    },
    Given {
        word: "plan_decomposition",
        kind: IssueType::Plan,
        name: "Plan decomposition",
        description: "Cuts a plan into tasks that can be checked one by one",
        content: include_str!("texts/plan_decomposition.hbs"),
    },
    Given {
        word: "monitor_check",
        kind: IssueType::Monitor,
        name: "Monitor check",
        description: "Reads what is watched and compares it with what was expected",
        content: include_str!("texts/monitor_check.hbs"),
    },
];

/// Gives a new tenant its templates.
///
/// # Errors
/// Storage failures, also when it has them already.
pub fn plant(tx: &mut dyn Tx, tenant: &TenantId, now: Time) -> Result<(), StoreError> {
    let at = now.to_millis();
    for given in &DEFAULTS {
        let (Some(template_id), Some(version_id)) = (
            TemplateId::parse(&format!("tpl_default_{}", given.word)),
            VersionId::parse(&format!("ver_default_{}_v1", given.word)),
        ) else {
            return Err(StoreError::Internal(format!("`{}` makes no id", given.word)));
        };
        let version = PromptVersion {
            id: version_id,
            template_id,
            version: 1,
            content: given.content.to_owned(),
            digest: digest(given.content),
            changelog: Some("Initial default template".to_owned()),
            author_type: AuthorType::Human,
            author_name: "system".to_owned(),
            status: VersionStatus::Active,
            created_at: at,
        };
        let template = PromptTemplate {
            id: template_id,
            slug: given.word.replace('_', "-"),
            name: given.name.to_owned(),
            description: Some(given.description.to_owned()),
            conditions: Conditions { kind: Some(given.kind), ..Conditions::default() },
            specificity: SPECIFICITY,
            project_id: None,
            active_version_id: Some(version_id),
            rollout: None,
            versions: 1,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        };
        Repo::new(tx, tenant).insert(&version, now)?;
        Repo::new(tx, tenant).insert(&template, now)?;
    }
    Ok(())
}
