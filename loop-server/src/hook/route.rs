//! The server's side: an event in a tool's own form is decided like any proposed call.

use http::Method;
use loop_core::{access::Scope, audit::Status, base::json::Doc};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Agent, event::Event};
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::{
        Surface,
        governance::intercept::{Answer, answer, read, refusal},
    },
};

/// The largest event, in bytes: a tool that writes a file has the whole file among its arguments.
pub const EVENT_LIMIT: usize = 8 << 20;

/// The rows that hooks ask.
pub static ROWS: &[Row] = &HOOKS;

static HOOKS: [Row; 2] = [
    row(
        Agent::ClaudeCode,
        "hook.claude_code",
        "Decide a tool call of Claude Code, in the form of its `PreToolUse` event; 200 whatever the decision is",
        Handler::Later(|call| Box::pin(decide(call, Agent::ClaudeCode))),
    ),
    row(
        Agent::Codex,
        "hook.codex",
        "Decide a tool call of Codex, in the form of its `PreToolUse` event; 200 whatever the decision is",
        Handler::Later(|call| Box::pin(decide(call, Agent::Codex))),
    ),
];

const fn row(agent: Agent, operation: &'static str, summary: &'static str, handler: Handler) -> Row {
    Row {
        method: Method::POST,
        path: agent.path(),
        operation,
        surface: Surface::Governance,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary,
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<Answer>),
        success: &[200],
        body_limit: EVENT_LIMIT,
        handler,
        example: Some(Example {
            before: &[],
            id: "",
            path: agent.path(),
            body: r#"{"hook_event_name":"PreToolUse","session_id":"s","tool_name":"Read","tool_input":{"file_path":"a"}}"#,
        }),
    }
}

/// The row that decides an agent's calls.
#[must_use]
pub fn of(agent: Agent) -> &'static Row {
    let [claude_code, codex] = &HOOKS;
    match agent {
        Agent::ClaudeCode => claude_code,
        Agent::Codex => codex,
    }
}

/// The event before a call. It is read by our own reader; this is its shape for documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// `PreToolUse`.
    hook_event_name: String,
    /// The tool, 1 to 256 bytes.
    tool_name: String,
    /// Its arguments.
    tool_input: Option<serde_json::Map<String, serde_json::Value>>,
    /// The conversation it belongs to.
    session_id: Option<String>,
}

async fn decide(call: Call, agent: Agent) -> Outcome {
    let (doc, empty) = (read(&call)?, Doc::empty_object());
    let event = Event::read(&doc, &empty).map_err(|error| Failure::invalid(error.to_string()))?;
    let proposed = event.call(agent);
    let decision = call.app.engine.intercept(call.caller()?, &proposed).await.map_err(|error| refusal(&error))?;
    if decision.status == Status::Pending {
        call.app.wake.ring();
    }
    Reply::json(&answer(decision))
}
