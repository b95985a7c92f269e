//! What a tool says before a call.

use loop_core::{
    base::json::{Doc, View},
    engine::Call,
    policy::Action,
};

use super::{Agent, HookError};

/// The event that is served.
const EVENT: &str = "PreToolUse";

/// A proposed call, borrowed from the event. What else the event says (paths, modes, models) decides nothing.
#[derive(Debug, Clone, Copy)]
pub struct Event<'d> {
    tool: &'d str,
    arguments: View<'d>,
    session: Option<&'d str>,
}

impl<'d> Event<'d> {
    /// Reads an event. `empty` stands for arguments that are `null`.
    ///
    /// # Errors
    /// [`HookError::Event`] for another event, and for one whose members are missing or of another type.
    pub fn read(doc: &'d Doc<'d>, empty: &'d Doc<'d>) -> Result<Self, HookError> {
        let wrong = |text: String| HookError::Event(text);
        let root = doc.root();
        if !root.is_object() {
            return Err(wrong("the event must be a JSON object".to_owned()));
        }
        match root.get("hook_event_name").and_then(View::as_str) {
            Some(EVENT) => {}
            Some(other) => return Err(wrong(format!("`{}` is not an event that is decided", cut(other)))),
            None => return Err(wrong("`hook_event_name` is missing".to_owned())),
        }
        let tool =
            root.get("tool_name").and_then(View::as_str).ok_or_else(|| wrong("`tool_name` is missing".into()))?;
        let arguments = match root.get("tool_input") {
            Some(input) if input.is_object() => input,
            Some(input) if input.is_null() => empty.root(),
            Some(_) => return Err(wrong("`tool_input` must be an object".into())),
            None => return Err(wrong("`tool_input` is missing".into())),
        };
        let session = match root.get("session_id").filter(|view| !view.is_null()) {
            None => None,
            Some(view) => Some(view.as_str().ok_or_else(|| wrong("`session_id` must be text".into()))?),
        };
        Ok(Self { tool, arguments, session })
    }

    /// The call that the engine decides.
    #[must_use]
    pub fn call(&self, agent: Agent) -> Call<'d> {
        let action = Action {
            tool: self.tool,
            agent: Some(agent.name()),
            arguments: self.arguments,
            forward: None,
            claimed_risk: None,
            stage: None,
        };
        Call { action, reason: None, session: self.session, door: agent.door() }
    }
}

/// The beginning of a text that is only shown.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use loop_core::base::json::Doc;

    use super::Event;
    use crate::hook::Agent;

    fn refusal(text: &str) -> Option<String> {
        let (doc, empty) = (Doc::parse(text.as_bytes()).expect("JSON"), Doc::empty_object());
        Event::read(&doc, &empty).err().map(|error| error.to_string())
    }

    #[test]
    fn a_call_is_read_with_its_name_every_digit_and_its_session() {
        let text = br#"{"session_id":"s1","transcript_path":"/t","cwd":"/c","permission_mode":"default",
            "hook_event_name":"PreToolUse","tool_name":"mcp__bank__pay","tool_input":{"amount":9007199254740993.10},
            "tool_use_id":"toolu_1","another":{"member":1}}"#;
        let (doc, empty) = (Doc::parse(text).expect("JSON"), Doc::empty_object());
        let call = Event::read(&doc, &empty).expect("an event").call(Agent::ClaudeCode);
        assert_eq!((call.action.tool, call.action.agent), ("mcp__bank__pay", Some("claude-code")));
        assert_eq!((call.session, call.door), (Some("s1"), "hook.claude-code"));
        let amount = call.action.arguments.get("amount").and_then(|view| view.as_number());
        assert_eq!(amount, Some("9007199254740993.10"));
    }

    #[test]
    fn what_is_not_the_event_of_a_call_is_refused() {
        for (text, problem) in [
            ("[]", "the event must be a JSON object"),
            ("{}", "`hook_event_name` is missing"),
            (
                r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{}}"#,
                "`PostToolUse` is not an event that is decided",
            ),
            (r#"{"hook_event_name":1,"tool_name":"Bash","tool_input":{}}"#, "`hook_event_name` is missing"),
            (r#"{"hook_event_name":"PreToolUse","tool_input":{}}"#, "`tool_name` is missing"),
            (r#"{"hook_event_name":"PreToolUse","tool_name":["Bash"],"tool_input":{}}"#, "`tool_name` is missing"),
            (r#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#, "`tool_input` is missing"),
            (
                r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":"rm"}"#,
                "`tool_input` must be an object",
            ),
            (
                r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"session_id":1}"#,
                "`session_id` must be text",
            ),
        ] {
            assert_eq!(refusal(text).as_deref(), Some(problem), "{text}");
        }
        assert_eq!(refusal(r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":null}"#), None);
    }
}
