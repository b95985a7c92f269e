//! Rules as a document, to be kept in files: read from and written to JSON or TOML by whoever has the text.

use serde::{Deserialize, Serialize, de::Error as _};

use super::{
    CompiledRule, Form, PolicyError, Rule, RuleAction, RuleMode, condition::Condition, given, interpret, rulebook,
};
use crate::{
    access::Ctx,
    base::{Seed, Time, id::RuleId},
};

/// The version of the format.
pub const VERSION: u32 = 1;
/// The most rules of one document.
pub const MAX_ENTRIES: usize = 20_000;

/// Rules as they stand in a file. Reading one checks it whole, so that what is wrong is told with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of the format, 1.
    #[serde(deserialize_with = "version")]
    pub version: u32,
    /// The rules.
    #[serde(rename = "rule", default, skip_serializing_if = "Vec::is_empty", deserialize_with = "entries")]
    pub rules: Vec<Entry>,
}

/// One rule of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Entry {
    /// The id of the rule that it was exported from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RuleId>,
    /// What files know it by: letters, digits, `-`, `_` and `.`. A rule without one is known by its text and condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sentence. With a condition it only tells people of it.
    pub text: String,
    /// What it does.
    pub action: RuleAction,
    /// Whether it decides.
    #[serde(default, skip_serializing_if = "is_enforced")]
    pub mode: RuleMode,
    /// Whom it asks instead of the tenant's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver_email: Option<String>,
    /// When it stops by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// The condition, instead of the sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Box<Condition>>,
}

/// An entry before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<RuleId>,
    name: Option<String>,
    text: Option<String>,
    action: RuleAction,
    #[serde(default)]
    mode: RuleMode,
    approver_email: Option<String>,
    expires_at: Option<Time>,
    #[serde(default, deserialize_with = "condition")]
    condition: Option<Box<Condition>>,
}

/// Reads a condition that makes sense, so that one that makes none is told where it stands.
fn condition<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Box<Condition>>, D::Error> {
    let condition = Option::<Box<Condition>>::deserialize(from)?;
    if let Some(condition) = &condition {
        given::check(condition).map_err(D::Error::custom)?;
    }
    Ok(condition)
}

// `skip_serializing_if` hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_enforced(mode: &RuleMode) -> bool {
    *mode == RuleMode::Enforce
}

fn version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        VERSION => Ok(VERSION),
        other => Err(D::Error::custom(format_args!("version `{other}` is not known; this reads version {VERSION}"))),
    }
}

/// Reads the rules one by one, so that a second one of the same name is told where it stands.
fn entries<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Entry>, D::Error> {
    struct Each;
    impl<'de> serde::de::Visitor<'de> for Each {
        type Value = Vec<Entry>;
        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a list of rules")
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut rules: A) -> Result<Self::Value, A::Error> {
            let (mut all, mut keys): (Vec<Entry>, _) = (Vec::new(), std::collections::BTreeSet::new());
            while let Some(entry) = rules.next_element::<Entry>()? {
                if let Some(name) = &entry.name
                    && !keys.insert(name.clone())
                {
                    return Err(A::Error::custom(format_args!("another rule has the name `{name}`")));
                }
                if let Some(id) = entry.id
                    && !keys.insert(format!("id {id}"))
                {
                    return Err(A::Error::custom(format_args!("another rule has the id `{id}`")));
                }
                if all.len() >= MAX_ENTRIES {
                    return Err(A::Error::custom(format_args!("more than {MAX_ENTRIES} rules")));
                }
                all.push(entry);
            }
            Ok(all)
        }
    }
    from.deserialize_seq(Each)
}

impl TryFrom<Written> for Entry {
    type Error = PolicyError;

    fn try_from(written: Written) -> Result<Self, PolicyError> {
        let Written { id, name, text, action, mode, approver_email, expires_at, condition } = written;
        let text = match (text, &condition) {
            (Some(text), _) => text,
            (None, Some(condition)) => told(condition, action),
            (None, None) => {
                return Err(PolicyError::Invalid { field: "rule", value: "neither `text` nor `condition`".to_owned() });
            }
        };
        let entry = Self { id, name, text, action, mode, approver_email, expires_at, condition };
        rulebook::check(&entry.text, entry.approver_email.as_deref())?;
        rulebook::check_form(&entry.form(None))?;
        Ok(entry)
    }
}

/// A sentence that tells of a condition.
#[must_use]
pub fn told(condition: &Condition, action: RuleAction) -> String {
    let form = Form { condition: Some(Box::new(condition.clone())), ..Form::default() };
    let rule = Rule {
        revision: 0,
        epoch: 0,
        form,
        ..Rule::new(RuleId::draw(Time::EPOCH, &mut Seed::new([0; 32])), String::new(), action)
    };
    let told = interpret(&CompiledRule::compile(rule), &[]).summary;
    match told.char_indices().nth(rulebook::MAX_TEXT) {
        None => told,
        // What is cut must not read as a whole sentence.
        Some(_) => told.chars().take(rulebook::MAX_TEXT - 1).chain(['…']).collect(),
    }
}

impl Document {
    /// Rules as a document.
    #[must_use]
    pub fn of(rules: Vec<Rule>) -> Self {
        Self { version: VERSION, rules: rules.into_iter().map(Entry::of).collect() }
    }
}

impl Entry {
    /// A rule as it stands in a document.
    #[must_use]
    pub fn of(rule: Rule) -> Self {
        let Rule { id, rule_text: text, action, approver_email, mode, expires_at, form, .. } = rule;
        let (name, condition) = (form.name, form.condition);
        Self { id: Some(id), name, text, action, mode, approver_email, expires_at, condition }
    }

    pub(super) fn form(&self, file: Option<&str>) -> Form {
        Form { condition: self.condition.clone(), name: self.name.clone(), file: file.map(str::to_owned) }
    }

    /// The rule, not stored yet: with its own id, or with `id`.
    pub(super) fn rule(&self, id: RuleId, file: Option<&str>) -> Rule {
        Rule {
            id: self.id.unwrap_or(id),
            rule_text: self.text.clone(),
            action: self.action,
            approver_email: self.approver_email.clone(),
            mode: self.mode,
            expires_at: self.expires_at,
            revision: 0,
            epoch: 0,
            form: self.form(file),
            deleted_at: None,
        }
    }

    /// The rule, to be judged without being stored.
    #[must_use]
    pub fn draft(&self, cx: &Ctx) -> Rule {
        self.rule(RuleId::draw(cx.now, &mut cx.seed()), None)
    }
}
