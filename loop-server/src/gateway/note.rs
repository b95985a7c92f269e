//! What the log tells of answers that were not handed on without having been decided.

use std::fmt::Display;

use loop_core::{
    engine::{DecideError, Failed},
    tool::{Risk, redact},
};
use serde_json::json;

use super::turn::Context;

/// The most of a tool's name that is told, in characters.
const NAME_MAX: usize = 64;

/// Writes down that an answer was withheld: which tool it proposed, as far as that is known, and why. Nothing else of
/// it is told.
pub(super) async fn withheld(cx: &Context, tool: Option<&str>, why: &(dyn Display + Sync)) {
    if let Err(error) = write(cx, tool, format!("the model's answer was withheld: {why}")).await {
        tracing::error!(target: "loop::gateway", door = cx.door(), %error, "a withheld answer cannot be written down");
    }
}

async fn write(cx: &Context, tool: Option<&str>, message: String) -> Result<(), DecideError> {
    let masked = |text: &Option<String>| text.as_deref().map(|text| redact::text(text).masked);
    let (agent_name, session) = (masked(&cx.said.agent), masked(&cx.said.session));
    let body = json!({ "arguments": {}, "message": message, "session": session, "door": cx.door() }).to_string();
    // A name that was never decided may be of any length.
    let tool_name = tool.map(|name| name.chars().take(NAME_MAX).collect::<String>()).filter(|name| !name.is_empty());
    let failed = Failed { op: "proxy", tool_name, agent_name, risk: Risk::Medium, body };
    cx.app.engine.note_failed(&cx.caller, "proxy.withheld", failed).await
}
