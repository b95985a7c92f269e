//! The decision, and what the tool is told of it.

use loop_core::{audit::Status, engine::Decision};
use serde::{Deserialize, Serialize};

use super::{Agent, HookError};

/// A decision in the words of the server's answer. What is missing in an answer that allows makes it none.
#[derive(Debug, Clone, Deserialize)]
pub struct Told {
    allowed: bool,
    status: Status,
    message: String,
    rule: Option<String>,
    approval_id: Option<String>,
    expires_at: Option<String>,
}

impl From<Decision> for Told {
    fn from(decision: Decision) -> Self {
        Self {
            allowed: decision.allowed(),
            status: decision.status,
            approval_id: decision.approval.map(|id| id.to_string()),
            expires_at: decision.expires_at.map(|at| at.to_string()),
            message: decision.message.into_owned(),
            rule: decision.rule,
        }
    }
}

/// What the tool is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Nothing: nothing objects, and the tool's own permissions decide.
    Silence,
    /// The call is refused, with the reason that the model is shown.
    Deny(String),
    /// The person at the terminal is asked, with the reason that they are shown.
    Ask(String),
}

impl Told {
    /// What the tool is told. `ask` leaves a call that waits for approval to the person at the terminal.
    ///
    /// # Errors
    /// [`HookError::NoDecision`] for an answer that contradicts itself.
    pub fn word(&self, agent: Agent, ask: bool) -> Result<Word, HookError> {
        match (self.allowed, self.status) {
            (true, Status::Allowed) => Ok(Word::Silence),
            (false, Status::Blocked) => Ok(Word::Deny(format!("Loop blocked this call. {}", self.why()))),
            (false, Status::Pending) => {
                let approval = self.approval_id.as_deref().ok_or(HookError::NoDecision(None))?;
                let until = self.expires_at.as_deref().map(|at| format!(" until {at}")).unwrap_or_default();
                let reason = format!(
                    "Loop asks a human about this call. {} Approval {approval} waits{until}. Once it is approved, \
                     the identical call passes, once: make it again without changing any argument.",
                    self.why()
                );
                Ok(if ask && agent.can_ask() { Word::Ask(reason) } else { Word::Deny(reason) })
            }
            _ => Err(HookError::NoDecision(None)),
        }
    }

    /// The decision's message and, when it does not quote it, the rule.
    fn why(&self) -> String {
        let sentence = |text: &str| format!("{}.", text.trim_end().trim_end_matches('.'));
        match &self.rule {
            Some(rule) if !self.message.contains(rule.as_str()) => {
                format!("{} Rule: {}", sentence(&self.message), sentence(rule))
            }
            _ => sentence(&self.message),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    hook_specific_output: Specific<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Specific<'a> {
    hook_event_name: &'static str,
    permission_decision: &'static str,
    permission_decision_reason: &'a str,
}

impl Word {
    /// What is written to standard output; nothing for silence.
    ///
    /// # Errors
    /// [`HookError::NoDecision`], which a text never causes.
    pub fn to_json(&self) -> Result<Option<String>, HookError> {
        let (permission_decision, permission_decision_reason) = match self {
            Self::Silence => return Ok(None),
            Self::Deny(reason) => ("deny", reason),
            Self::Ask(reason) => ("ask", reason),
        };
        let hook_specific_output =
            Specific { hook_event_name: "PreToolUse", permission_decision, permission_decision_reason };
        let text = serde_json::to_string(&Output { hook_specific_output });
        text.map(Some).map_err(|error| HookError::NoDecision(Some(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Told, Word};
    use crate::hook::Agent;

    fn word(answer: &str, ask: bool) -> Option<Word> {
        let told: Told = serde_json::from_str(answer).ok()?;
        told.word(Agent::ClaudeCode, ask).ok()
    }

    #[test]
    fn only_a_whole_yes_is_silence() {
        assert_eq!(word(r#"{"allowed":true,"status":"ALLOWED","message":"Allowed"}"#, false), Some(Word::Silence));
        for answer in [
            "{}",
            "null",
            r#"{"status":"ALLOWED","message":"m"}"#,
            r#"{"allowed":true,"message":"m"}"#,
            r#"{"allowed":true,"status":"ALLOWED"}"#,
            r#"{"allowed":"true","status":"ALLOWED","message":"m"}"#,
            r#"{"allowed":1,"status":"ALLOWED","message":"m"}"#,
            r#"{"allowed":null,"status":"ALLOWED","message":"m"}"#,
            r#"{"allowed":true,"status":"allowed","message":"m"}"#,
            r#"{"allowed":true,"status":"BLOCKED","message":"m"}"#,
            r#"{"allowed":true,"status":"PENDING","message":"m","approval_id":"a"}"#,
            r#"{"allowed":true,"status":"ERROR","message":"m"}"#,
            r#"{"allowed":false,"status":"ALLOWED","message":"m"}"#,
            r#"{"allowed":false,"status":"PENDING","message":"m"}"#,
            r#"{"allowed":false,"allowed":true,"status":"ALLOWED","message":"m"}"#,
        ] {
            assert_eq!(word(answer, true), None, "{answer}");
        }
    }

    #[test]
    fn a_refusal_quotes_the_rule_once() {
        let answer =
            r#"{"allowed":false,"status":"BLOCKED","message":"Matched rule: Never do it.","rule":"Never do it."}"#;
        let refusal = "Loop blocked this call. Matched rule: Never do it.";
        assert_eq!(word(answer, true), Some(Word::Deny(refusal.to_owned())));
        let answer = r#"{"allowed":false,"status":"BLOCKED","message":"Denied by a human","rule":"Ask first"}"#;
        let refusal = "Loop blocked this call. Denied by a human. Rule: Ask first.";
        assert_eq!(word(answer, false), Some(Word::Deny(refusal.to_owned())));
    }

    #[test]
    fn what_waits_is_refused_with_its_approval_unless_the_terminal_may_be_asked() {
        let answer = r#"{"allowed":false,"status":"PENDING","message":"m","approval_id":"apr_1","expires_at":"T"}"#;
        let told: Told = serde_json::from_str(answer).expect("a decision");
        let refused = told.word(Agent::ClaudeCode, false).expect("a word");
        let Word::Deny(reason) = &refused else { panic!("{refused:?}") };
        assert!(reason.contains("apr_1") && reason.contains("identical call passes"), "{reason}");
        assert_eq!(told.word(Agent::ClaudeCode, true).expect("a word"), Word::Ask(reason.clone()));
        assert_eq!(told.word(Agent::Codex, true).expect("a word"), refused, "Codex runs what it is asked to ask about");
    }

    #[test]
    fn the_output_is_what_both_tools_know_and_nothing_else() {
        let text = Word::Deny("a \"reason\"\nof two lines".to_owned()).to_json().expect("written");
        insta::assert_snapshot!(text.unwrap_or_default(), @r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"a \"reason\"\nof two lines"}}"#);
        assert_eq!(Word::Silence.to_json().expect("nothing"), None);
    }
}
