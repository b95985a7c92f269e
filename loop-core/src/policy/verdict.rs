//! What a decision says.

use std::sync::Arc;

use smallvec::SmallVec;

use super::snapshot::CompiledRule;
use crate::tool::Risk;

/// What shall happen, from the mildest to the strictest; the strictest reason wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Do it.
    Allow,
    /// Only pretend to do it.
    Simulate,
    /// Ask a human first.
    RequireApproval,
    /// Don't.
    Deny,
}

/// Why, as a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// The kill switch names the tool.
    ToolBlocked,
    /// A block rule matched.
    RuleDeny,
    /// An approve rule matched.
    RuleAsk,
    /// More rules ask than an approval can cover.
    TooManyRules,
    /// No rule objected and the tenant's default is not to allow.
    DefaultVerdict,
    /// The call could not be judged.
    EvaluationError,
}

impl ReasonCode {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolBlocked => "TOOL_BLOCKED",
            Self::RuleDeny => "RULE_DENY",
            Self::RuleAsk => "RULE_ASK",
            Self::TooManyRules => "TOO_MANY_RULES",
            Self::DefaultVerdict => "DEFAULT_VERDICT",
            Self::EvaluationError => "EVALUATION_ERROR",
        }
    }
}

/// One reason.
#[derive(Debug, Clone)]
pub struct Reason {
    /// Its code.
    pub code: ReasonCode,
    /// What it makes of the call.
    pub outcome: Outcome,
    /// The rule, when one matched.
    pub rule: Option<Arc<CompiledRule>>,
}

/// A decision. Making one that allows allocates nothing.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What shall happen.
    pub outcome: Outcome,
    /// The effective risk.
    pub risk: Risk,
    /// The reasons that tightened the outcome, strictest first, rules of one outcome by their id; at most
    /// [`Verdict::REASONS_MAX`].
    pub reasons: SmallVec<[Reason; 2]>,
    /// How many more rules matched than are listed. An approval cannot satisfy a rule that is not listed, so a call
    /// that as many rules ask about is denied.
    pub unlisted: u32,
    /// Rules in shadow mode that matched: recorded, without effect.
    pub shadow: SmallVec<[Arc<CompiledRule>; 1]>,
}

impl Verdict {
    /// How many reasons, and how many shadow rules, are listed.
    pub const REASONS_MAX: usize = 64;
    /// What callers are told whose call more rules ask about.
    pub const TOO_MANY_RULES: &str =
        "more than 64 rules ask about this call, which is more than one approval can cover: narrow or merge them";
}
