//! An approval rule as people write and store it.

use crate::{
    base::{Time, id::RuleId},
    policy::condition::Condition,
    store::{Column, Entity, Kind, Table, Value},
};

/// What a matching rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Ask a human.
    Approve,
    /// Refuse at once.
    Block,
}

/// Whether a matching rule has an effect.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RuleMode {
    /// It decides.
    #[default]
    Enforce,
    /// It is only recorded.
    Shadow,
}

/// How a rule is written and kept, where that is more than a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Form {
    /// Its condition, where it is given as such: then the sentence only tells people of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Box<Condition>>,
    /// A name that no other live rule of the tenant has, by which files speak of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The policy file that it is kept in. Only what reads those files changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A rule: a sentence in plain English, or a condition with a sentence that tells of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// The sentence, as written.
    pub rule_text: String,
    /// What it does.
    pub action: RuleAction,
    /// Whom it asks instead of the tenant's default.
    pub approver_email: Option<String>,
    /// Whether it decides.
    #[serde(default)]
    pub mode: RuleMode,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// Raised by every change that can alter a verdict. An approval satisfies a rule only at this revision.
    pub revision: u64,
    /// The tenant's policy epoch of its last change.
    pub epoch: u64,
    /// How it is written and kept, where that is more than a sentence.
    #[serde(default)]
    pub form: Form,
    /// When it was deleted; kept so that snapshots learn of it.
    pub deleted_at: Option<Time>,
}

impl Rule {
    /// A rule that decides at once, for ever, and asks the tenant's default approver; its first revision in the first
    /// epoch.
    #[must_use]
    pub fn new(id: RuleId, text: impl Into<String>, action: RuleAction) -> Self {
        Self {
            id,
            rule_text: text.into(),
            action,
            approver_email: None,
            mode: RuleMode::default(),
            expires_at: None,
            revision: 1,
            epoch: 1,
            form: Form::default(),
            deleted_at: None,
        }
    }
}

/// Where rules are kept.
pub static RULES: Table = Table {
    name: "rules",
    columns: &[
        Column::indexed("epoch", Kind::Int),
        Column::indexed("live", Kind::Int),
        Column::unique("name", Kind::Text),
    ],
};

impl Entity for Rule {
    const TABLE: &'static Table = &RULES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let live = self.deleted_at.is_none();
        vec![
            Value::Int(i64::try_from(self.epoch).unwrap_or(i64::MAX)),
            live.then_some(1).into(),
            self.form.name.as_deref().filter(|_| live).into(),
        ]
    }
}
