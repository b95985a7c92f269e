//! An approval as stored.

use crate::{
    base::{
        Time,
        id::{ApprovalId, KeyId, RuleId},
    },
    outbox::CallSummary,
    policy::Ground,
    store::{Column, Entity, Kind, Table, Value},
    tool::Risk,
};

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a human.
    Pending,
    /// A human said yes; the call has not come again yet.
    Approved,
    /// The approved call went through.
    Used,
    /// A human said no.
    Denied,
    /// Nobody answered in time; that is a no.
    Expired,
    /// A yes that was not used in time, or a wait that a newer request replaced.
    Void,
}

impl State {
    /// The spelling in storage and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }
}

/// How an approval was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsedBy {
    /// By the same call coming again.
    Call,
    /// By a client that asked for the outcome and was told to go on.
    Poll,
}

/// A rule that asked, as it read then. Without an id it is the tenant's default verdict that asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Asking {
    /// The rule.
    pub rule_id: Option<RuleId>,
    /// Its revision.
    pub revision: u64,
    /// Its sentence.
    pub rule_text: String,
    /// Whom it wants to ask.
    pub approver_email: Option<String>,
    /// Why it matched: which parts of its condition held, and what they saw, masked. Nothing once erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<Ground>,
}

impl Asking {
    /// Whether this is the same rule as it reads now.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.rule_id == other.rule_id && self.revision == other.revision
    }
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What it is bound to; see [`super::binding`].
    pub binding: String,
    /// Where it stands.
    pub state: State,
    /// The tool.
    pub tool_name: String,
    /// The agent.
    pub agent_name: Option<String>,
    /// The masked arguments as JSON text.
    pub arguments: String,
    /// The agent's reason, masked.
    pub reason: Option<String>,
    /// Method and masked URL of the forward.
    pub forward: Option<String>,
    /// The effective risk.
    pub risk: Risk,
    /// The rules that asked.
    pub asking: Vec<Asking>,
    /// The content hash of the policy that asked.
    pub policy_hash: String,
    /// The key that proposed the call.
    pub requested_by: KeyId,
    /// When it was made.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
    /// When it was decided.
    pub decided_at: Option<Time>,
    /// Who decided: a key's name, `link`, `timeout`, or `replaced` by a request that asks more.
    pub decided_by: Option<String>,
    /// What the human added, masked.
    pub comment: Option<String>,
    /// How it was used up.
    pub used_by: Option<UsedBy>,
}

/// Where approvals are kept.
pub static APPROVALS: Table = Table {
    name: "approvals",
    columns: &[
        Column::indexed("binding", Kind::Text),
        Column::indexed("state", Kind::Text),
        Column::indexed("decided_at", Kind::Int),
        // When it ends, while it waits: so that what ended already can be told apart without reading it.
        Column::indexed("waits_until", Kind::Int),
    ],
};

impl Entity for Approval {
    const TABLE: &'static Table = &APPROVALS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let waits_until = (self.state == State::Pending).then_some(self.expires_at);
        vec![self.binding.as_str().into(), self.state.as_str().into(), self.decided_at.into(), waits_until.into()]
    }
}

impl Approval {
    /// The state at `now`: what waits or lies unused past its time has ended, whether or not a worker came by.
    #[must_use]
    pub fn state_at(&self, now: Time) -> State {
        match self.state {
            State::Pending if self.expires_at <= now => State::Expired,
            State::Approved if self.expires_at <= now => State::Void,
            state => state,
        }
    }

    /// What notices tell of it.
    #[must_use]
    pub fn summary(&self) -> CallSummary {
        CallSummary {
            approval: self.id,
            tool: self.tool_name.clone(),
            agent: self.agent_name.clone(),
            arguments: self.arguments.clone(),
            reason: self.reason.clone(),
            forward: self.forward.clone(),
            rules: self.asking.iter().map(|asking| asking.rule_text.clone()).collect(),
            why: self.asking.iter().flat_map(|asking| &asking.grounds).map(ToString::to_string).collect(),
            risk: self.risk,
            expires_at: self.expires_at,
        }
    }
}
