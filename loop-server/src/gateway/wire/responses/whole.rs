//! A response that comes whole.

use loop_core::base::json::{Kind, View, write};

use super::item;
use crate::gateway::wire::{MARK, Proposed, Unreadable, compose, spelling};

/// What of a response is kept when its output is replaced.
const KEPT: &[&str] = &[
    "id",
    "object",
    "created_at",
    "completed_at",
    "background",
    "conversation",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
    "user",
];
/// What of a response repeats the request, where anything may stand.
pub(super) const ECHOES: &[&str] =
    &["instructions", "input", "metadata", "prompt", "reasoning", "text", "tool_choice", "tools", "user"];

/// The calls among the output items.
pub(in crate::gateway::wire) fn proposed(root: View<'_>) -> Result<Vec<Proposed>, Unreadable> {
    if root.get("output").is_none() && root.get("error").is_some_and(spelling::says) {
        return item::clean(root).map(|()| Vec::new());
    }
    let mut out = Vec::new();
    for call in output(root)? {
        if let Some(call) = item::call(call)? {
            call.propose(None, &mut out)?;
        }
    }
    Ok(out)
}

/// The output items of a response that has no call outside of them.
pub(super) fn output(response: View<'_>) -> Result<loop_core::base::json::Items<'_>, Unreadable> {
    spelling::exact(response, &["output"])?;
    let mut others = response.members().filter(|member| member.key() != "output" && !ECHOES.contains(&member.key()));
    others.try_for_each(item::clean)?;
    let output = response.get("output").filter(|output| output.kind() == Kind::Array).ok_or(Unreadable::Structure)?;
    Ok(output.items())
}

/// The output replaced by `message`.
pub(in crate::gateway::wire) fn replaced(root: View<'_>, message: &str, meta: &str) -> String {
    let id = message_id(root);
    finished(root, &[self::message(&id, "completed", Some(message))], meta)
}

/// The id of a message of ours in a response.
pub(super) fn message_id(response: View<'_>) -> String {
    format!("msg_trustloop_{}", response.get("id").and_then(View::as_str).unwrap_or_default())
}

/// A message item, as JSON; without a text it has only begun.
pub(super) fn message(id: &str, status: &str, text: Option<&str>) -> String {
    let mut out = String::from("{");
    compose::text(&mut out, "id", id);
    compose::text(&mut out, "type", "message");
    compose::text(&mut out, "status", status);
    compose::text(&mut out, "role", "assistant");
    compose::name(&mut out, "content");
    out.push('[');
    if let Some(text) = text {
        out.push_str(&part(text));
    }
    out.push_str("]}");
    out
}

/// A part of a message that is text, as JSON.
pub(super) fn part(text: &str) -> String {
    let mut out = String::from("{");
    compose::text(&mut out, "type", "output_text");
    compose::json(&mut out, "annotations", "[]");
    compose::json(&mut out, "logprobs", "[]");
    compose::text(&mut out, "text", text);
    out.push('}');
    out
}

/// A completed response with these output items.
pub(super) fn finished(response: View<'_>, items: &[String], meta: &str) -> String {
    let mut out = String::from("{");
    compose::members(&mut out, response, KEPT);
    compose::text(&mut out, "status", "completed");
    compose::json(&mut out, "error", "null");
    compose::json(&mut out, "incomplete_details", "null");
    compose::json(&mut out, "output", &format!("[{}]", items.join(",")));
    compose::meta(&mut out, MARK, meta);
    out.push('}');
    out
}

/// A value as compact JSON.
pub(super) fn text_of(value: View<'_>) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}
