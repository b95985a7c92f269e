//! A tenant's whole policy, compiled for deciding.

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    Loops, Published, canonical,
    condition::Condition,
    english::{self, Reading},
    index::{Index, Plan},
    rule::{Rule, RuleAction},
    verdict::Outcome,
    zone::zone,
};
use crate::{base::Time, tool::Risk};

/// What happens when no rule objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultVerdict {
    /// The call is allowed.
    #[default]
    Allow,
    /// A human is asked.
    Ask,
    /// The call is refused.
    Deny,
}

/// The settings a decision reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySettings {
    /// What happens when no rule objects.
    pub default_verdict: DefaultVerdict,
    /// The IANA zone that times in rules are meant in. Times are unclear in a zone that is not known, so rules with
    /// times match.
    pub timezone: String,
    /// The least risk of a step in a field, by the field's slug.
    pub domain_floors: BTreeMap<String, Risk>,
}

impl Default for PolicySettings {
    /// What holds where a tenant never set anything.
    fn default() -> Self {
        Self { default_verdict: DefaultVerdict::Allow, timezone: "UTC".to_owned(), domain_floors: BTreeMap::new() }
    }
}

/// A rule with its compiled condition.
#[derive(Debug)]
pub struct CompiledRule {
    /// The rule as written.
    pub rule: Rule,
    /// What its text means.
    pub condition: Condition,
    /// Words that could not be placed. The rule is widened by them: it asks, also where its action is block.
    pub unresolved: Vec<String>,
    digest: [u8; 32],
}

impl CompiledRule {
    /// Compiles a rule. Every text compiles: what is not understood widens the rule.
    #[must_use]
    pub fn compile(rule: Rule) -> Self {
        let Reading { condition, unresolved } = match &rule.form.condition {
            Some(given) => Reading { condition: Condition::clone(given), unresolved: Vec::new() },
            // A text in canonical form is the rule exactly.
            None => match canonical::read(&rule.rule_text) {
                Some(condition) => Reading { condition, unresolved: Vec::new() },
                None => english::read(&rule.rule_text),
            },
        };
        let mut hash = Sha256::new();
        let expires = rule.expires_at.map(|at| at.to_string()).unwrap_or_default();
        let id = rule.id.to_string();
        let revision = rule.revision.to_string();
        let action = match rule.action {
            RuleAction::Approve => "approve",
            RuleAction::Block => "block",
        };
        let mode = match rule.mode {
            super::RuleMode::Enforce => "enforce",
            super::RuleMode::Shadow => "shadow",
        };
        let approver = rule.approver_email.as_deref().unwrap_or_default();
        let given = rule.form.condition.as_ref().map(serde_json::to_string);
        let given = given.and_then(Result::ok).unwrap_or_default();
        for part in [id.as_str(), &revision, action, mode, &expires, approver, &rule.rule_text, &given] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self { condition, unresolved, digest: hash.finalize().into(), rule }
    }

    /// What it makes of a call that it matches.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.rule.action {
            RuleAction::Block if self.unresolved.is_empty() => Outcome::Deny,
            RuleAction::Block | RuleAction::Approve => Outcome::RequireApproval,
        }
    }

    /// Whether it still applies.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.rule.deleted_at.is_none() && self.rule.expires_at.is_none_or(|end| end > now)
    }
}

/// An immutable, compiled policy.
#[derive(Debug)]
pub struct PolicySnapshot {
    epoch: u64,
    hash: Arc<str>,
    settings: PolicySettings,
    zone: Option<jiff::tz::TimeZone>,
    index: Arc<Index>,
    loops: Loops,
    tools: Published,
}

impl PolicySnapshot {
    /// Compiles a policy from its live rules, the names of blocked tools and the settings. The order of rules and
    /// names is nothing.
    #[must_use]
    pub fn build(
        epoch: u64,
        mut rules: Vec<Arc<CompiledRule>>,
        mut blocked: Vec<String>,
        settings: PolicySettings,
    ) -> Self {
        rules.retain(|rule| rule.rule.deleted_at.is_none());
        rules.sort_by_cached_key(|rule| rule.rule.id);
        rules.dedup_by_key(|rule| rule.rule.id);
        blocked.sort_unstable();
        blocked.dedup();
        let hash = content_hash(&rules, &blocked, &settings).into();
        let zone = zone(&settings.timezone);
        let index = Arc::new(Index::build(rules, blocked));
        Self { epoch, hash, zone, settings, index, loops: Loops::default(), tools: Published::default() }
    }

    /// The same rules, blocked tools and settings with these loops and tools, as read at `epoch`. What was worked
    /// out about tools stays.
    #[must_use]
    pub fn with(&self, epoch: u64, loops: Loops, tools: Published) -> Self {
        Self {
            epoch,
            hash: Arc::clone(&self.hash),
            settings: self.settings.clone(),
            zone: self.zone.clone(),
            index: Arc::clone(&self.index),
            loops,
            tools,
        }
    }

    /// The tenant's loops.
    #[must_use]
    pub const fn loops(&self) -> &Loops {
        &self.loops
    }

    /// The tenant's published tools.
    #[must_use]
    pub const fn tools(&self) -> &Published {
        &self.tools
    }

    /// The policy epoch it was read at.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// SHA-256 over the policy's content, in hexadecimal: equal for equal policies.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The same, to keep.
    #[must_use]
    pub fn shared_hash(&self) -> Arc<str> {
        Arc::clone(&self.hash)
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &PolicySettings {
        &self.settings
    }

    /// The rules, by id.
    #[must_use]
    pub fn rules(&self) -> &[Arc<CompiledRule>] {
        self.index.rules()
    }

    /// Whether the kill switch names a tool.
    #[must_use]
    pub fn is_blocked(&self, tool: &str) -> bool {
        self.index.is_blocked(tool)
    }

    pub(super) const fn zone(&self) -> Option<&jiff::tz::TimeZone> {
        self.zone.as_ref()
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// What the tool's name says it does, for storing facts: see [`super::facts::extract`].
    #[must_use]
    pub fn class(&self, tool: &str) -> super::deed::Class {
        self.index.with_plan(tool, |plan: &Plan| plan.class.clone())
    }
}

fn content_hash(rules: &[Arc<CompiledRule>], blocked: &[String], settings: &PolicySettings) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    let mut list = |items: &mut dyn ExactSizeIterator<Item = &[u8]>| {
        hash.update((items.len() as u64).to_be_bytes());
        for item in items {
            hash.update((item.len() as u64).to_be_bytes());
            hash.update(item);
        }
    };
    list(&mut rules.iter().map(|rule| rule.digest.as_slice()));
    list(&mut blocked.iter().map(String::as_bytes));
    let default: &[u8] = match settings.default_verdict {
        DefaultVerdict::Allow => b"allow",
        DefaultVerdict::Ask => b"ask",
        DefaultVerdict::Deny => b"deny",
    };
    list(&mut [default, settings.timezone.as_bytes()].into_iter());
    // Policies without floors keep the hash that they had before there were any.
    if !settings.domain_floors.is_empty() {
        let floors = settings.domain_floors.iter();
        let floors: Vec<&[u8]> = floors.flat_map(|(slug, risk)| [slug.as_bytes(), risk.as_str().as_bytes()]).collect();
        list(&mut floors.into_iter());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
