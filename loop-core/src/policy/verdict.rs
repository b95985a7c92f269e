//! What a decision says.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Explained, Ground, judge::Judged, snapshot::CompiledRule};
use crate::{access::Mode, tool::Risk};

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
    /// A block rule matched as far as it was understood, and a model judged that it means the call.
    RuleJudged,
    /// An approve rule matched.
    RuleAsk,
    /// More rules ask than an approval can cover.
    TooManyRules,
    /// No rule objected and the tenant's default is not to allow.
    DefaultVerdict,
    /// The call could not be judged.
    EvaluationError,
    /// Sandbox only pretends.
    ModeSandbox,
    /// Guided mode asks about everything but low risk.
    ModeGuided,
    /// The risk is too great for the mode.
    RiskTooHigh,
    /// Autopilot asks for more trust at this risk.
    TrustTooLow,
    /// The plan has no autopilot; the step is judged as guided.
    PlanRestricted,
    /// The loop or one above it may not take this risk, or not spend this much.
    SubloopCeiling,
    /// The loop or one above it is suspended.
    LoopSuspended,
    /// The tool's manifest wants each call approved.
    ApprovalDefault,
    /// The call, or what it was proposed with, could not be read.
    CallUnreadable,
    /// Another call of the same turn may not go, or not yet.
    TurnWithheld,
}

impl ReasonCode {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolBlocked => "TOOL_BLOCKED",
            Self::RuleDeny => "RULE_DENY",
            Self::RuleJudged => "RULE_JUDGED",
            Self::RuleAsk => "RULE_ASK",
            Self::TooManyRules => "TOO_MANY_RULES",
            Self::DefaultVerdict => "DEFAULT_VERDICT",
            Self::EvaluationError => "EVALUATION_ERROR",
            Self::ModeSandbox => "MODE_SANDBOX",
            Self::ModeGuided => "MODE_GUIDED",
            Self::RiskTooHigh => "RISK_TOO_HIGH",
            Self::TrustTooLow => "TRUST_TOO_LOW",
            Self::PlanRestricted => "PLAN_RESTRICTED",
            Self::SubloopCeiling => "SUBLOOP_CEILING",
            Self::LoopSuspended => "LOOP_SUSPENDED",
            Self::ApprovalDefault => "APPROVAL_DEFAULT",
            Self::CallUnreadable => "CALL_UNREADABLE",
            Self::TurnWithheld => "TURN_WITHHELD",
        }
    }

    /// What it means, for people. Where a rule matched, its own text says more.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::ToolBlocked => "the tool is blocked",
            Self::RuleDeny => "a rule refuses the call",
            Self::RuleJudged => "a rule refuses the call, by what a model judged of its unclear words",
            Self::RuleAsk => "a rule asks for approval",
            Self::TooManyRules => Verdict::TOO_MANY_RULES,
            Self::DefaultVerdict => "no rule objected, and the default is not to allow",
            Self::EvaluationError => "the call could not be judged",
            Self::ModeSandbox => "sandbox only simulates",
            Self::ModeGuided => "guided mode asks for approval above low risk",
            Self::RiskTooHigh => "the risk is too great for the mode",
            Self::TrustTooLow => "the trust score is too low for this risk on autopilot",
            Self::PlanRestricted => "the plan has no autopilot, so the step is judged as guided",
            Self::SubloopCeiling => "the risk or the cost is above a limit of the loop or of one above it",
            Self::LoopSuspended => "the loop or one above it is suspended",
            Self::ApprovalDefault => "the tool wants each call approved",
            Self::CallUnreadable => "the call could not be read",
            Self::TurnWithheld => "another call of the same turn may not go",
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

impl Reason {
    /// Why its rule matched; nothing where it is no rule's.
    #[must_use]
    pub fn grounds<'e>(&self, explained: &'e Explained) -> &'e [Ground] {
        self.rule.as_ref().map(|compiled| explained.of(compiled.rule.id)).unwrap_or_default()
    }
}

/// A decision. Making one that allows allocates nothing.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What shall happen.
    pub outcome: Outcome,
    /// The effective risk.
    pub risk: Risk,
    /// The mode it was judged in, for a call with a [`super::Stage`].
    pub mode: Option<Mode>,
    /// What the call costs at most, in credits, as far as its [`super::Stage`] and the tool's manifest say.
    pub credits: Option<u64>,
    /// The reasons that tightened the outcome, strictest first, rules of one outcome by their id; at most
    /// [`Verdict::REASONS_MAX`]. A plan without autopilot is told even when it changed nothing.
    pub reasons: SmallVec<[Reason; 2]>,
    /// How many more rules matched than are listed. An approval cannot satisfy a rule that is not listed, so a call
    /// that as many rules ask about is denied.
    pub unlisted: u32,
    /// Rules in shadow mode that matched: recorded, without effect.
    pub shadow: SmallVec<[Arc<CompiledRule>; 1]>,
    /// What a model was asked about rules that are listed, and what came of it.
    pub judged: Vec<Judged>,
}

impl Verdict {
    /// How many reasons, and how many shadow rules, are listed.
    pub const REASONS_MAX: usize = 64;
    /// What callers are told whose call more rules ask about.
    pub const TOO_MANY_RULES: &str =
        "more than 64 rules ask about this call, which is more than one approval can cover: narrow or merge them";

    /// A verdict that allows, until something objects.
    pub(crate) fn allowing(risk: Risk) -> Self {
        Self {
            outcome: Outcome::Allow,
            risk,
            mode: None,
            credits: None,
            reasons: SmallVec::new(),
            unlisted: 0,
            shadow: SmallVec::new(),
            judged: Vec::new(),
        }
    }

    /// The same verdict with one more reason to refuse, before all others.
    #[must_use]
    pub(crate) fn refused(mut self, code: ReasonCode) -> Self {
        self.outcome = Outcome::Deny;
        self.reasons.truncate(Self::REASONS_MAX.saturating_sub(1));
        self.reasons.insert(0, Reason { code, outcome: Outcome::Deny, rule: None });
        self
    }
}
