//! What is told to whom.

use crate::{
    base::{
        Seed, Time,
        id::{ApprovalId, NoticeId},
    },
    store::{Column, Entity, Kind, Table, Value},
    tool::Risk,
};

/// Where notices are kept. They leave by [`super::purge`] some time after they were settled.
pub static NOTICES: Table = Table {
    name: "notices",
    columns: &[
        Column::indexed("approval", Kind::Text),
        Column::plain("state", Kind::Text),
        Column::indexed("settled_at", Kind::Int),
    ],
};

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A call waits for a decision; the notice carries links to decide it.
    ApprovalRequested,
    /// Nobody decided in time and the call was denied; the notice carries no links.
    ApprovalExpired,
}

/// By which means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// E-mail over SMTP.
    Email,
    /// A Slack incoming webhook.
    Slack,
    /// A Teams Workflows webhook.
    Teams,
    /// A Discord webhook.
    Discord,
}

impl Channel {
    /// The spelling in storage, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Discord => "discord",
        }
    }
}

/// Who is told. A webhook's URL is a secret, so a notice only says that it is the one in the tenant's settings
/// at the time of delivery.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "channel", rename_all = "lowercase")]
pub enum Target {
    /// This e-mail address.
    Email {
        /// The address, as the rule or the settings give it.
        address: String,
    },
    /// The Slack webhook of the tenant's settings.
    Slack,
    /// The Teams webhook of the tenant's settings.
    Teams,
    /// The Discord webhook of the tenant's settings.
    Discord,
}

impl Target {
    /// By which means the target is reached.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Email { .. } => Channel::Email,
            Self::Slack => Channel::Slack,
            Self::Teams => Channel::Teams,
            Self::Discord => Channel::Discord,
        }
    }
}

/// How far a notice got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    /// It waits for its (next) attempt.
    Queued,
    /// The channel accepted it.
    Sent,
    /// It was given up.
    Failed,
    /// It became pointless before it was delivered.
    Withdrawn,
}

impl NoticeState {
    /// The spelling in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The call a notice is about, masked as it is for storage.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallSummary {
    /// The approval that waits or waited.
    pub approval: ApprovalId,
    /// The tool's name.
    pub tool: String,
    /// The agent's name, when it gave one.
    pub agent: Option<String>,
    /// The masked arguments as JSON text.
    pub arguments: String,
    /// Why the agent says it calls, masked.
    pub reason: Option<String>,
    /// Method and masked URL that an allowed call is forwarded to.
    pub forward: Option<String>,
    /// The texts of the rules that ask.
    pub rules: Vec<String>,
    /// Why they ask: the parts of their conditions that held and what they saw, masked, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// The effective risk.
    pub risk: Risk,
    /// When the approval ends by itself.
    pub expires_at: Time,
}

/// The most a summary keeps of one text, in characters. Channels show less.
const TEXT_MAX: usize = 8_000;
/// The most rules a summary keeps.
const RULES_MAX: usize = 20;
/// The most lines of why a summary keeps.
const WHY_MAX: usize = 16;

impl CallSummary {
    /// Cuts the texts to what a notice can show at most; a cut text ends in `…`.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut(&mut self.tool);
        cut(&mut self.arguments);
        for text in [&mut self.agent, &mut self.reason, &mut self.forward].into_iter().flatten() {
            cut(text);
        }
        self.rules.truncate(RULES_MAX);
        self.why.truncate(WHY_MAX);
        self.rules.iter_mut().chain(&mut self.why).for_each(cut);
        self
    }
}

fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(at);
        text.push('…');
    }
}

/// One message to one person or room.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// Why it is sent.
    pub kind: NoticeKind,
    /// Where it goes.
    pub target: Target,
    /// What it is about.
    pub call: CallSummary,
    /// How far it got.
    pub state: NoticeState,
    /// How many deliveries were begun.
    pub attempts: u32,
    /// Why the last one failed: our own words and status codes, never the other side's text.
    pub last_error: Option<String>,
    /// When it was sent, given up or withdrawn.
    pub settled_at: Option<Time>,
}

impl Notice {
    /// A notice that waits for its first attempt.
    #[must_use]
    pub fn new(kind: NoticeKind, target: Target, call: CallSummary, now: Time, seed: &mut Seed) -> Self {
        Self {
            id: NoticeId::draw(now, seed),
            kind,
            target,
            call: call.bounded(),
            state: NoticeState::Queued,
            attempts: 0,
            last_error: None,
            settled_at: None,
        }
    }
}

impl Entity for Notice {
    const TABLE: &'static Table = &NOTICES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.call.approval.to_string().into(), self.state.as_str().into(), self.settled_at.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::{TEXT_MAX, cut};

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut text = "é".repeat(TEXT_MAX + 1);
        cut(&mut text);
        assert_eq!(text.chars().count(), TEXT_MAX + 1);
        assert!(text.ends_with("é…"));
        let mut short = "é".repeat(TEXT_MAX);
        cut(&mut short);
        assert!(!short.ends_with('…'));
    }
}
