//! Content blocks: which of them are tool calls.

use loop_core::base::json::View;

use crate::gateway::wire::{Unreadable, spelling};

/// What a content block is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text, thought, or what the provider ran itself.
    Passes,
    /// A call that the client is to make.
    Call,
    /// A type that is not known: decided under its name.
    Unknown,
}

const CALL: &str = "tool_use";
/// Results, which only what the provider ran itself has.
const RESULT: &str = "_tool_result";
const PASSING: &[&str] =
    &["text", "thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload", "compaction"];

/// A block's type, and what that is to us.
pub(super) fn shape(block: View<'_>) -> Result<(&str, Shape), Unreadable> {
    spelling::exact(block, &["type", "name", "input", "id"])?;
    let kind = block.get("type").and_then(View::as_str).ok_or(Unreadable::Structure)?;
    if kind == CALL {
        return Ok((kind, Shape::Call));
    }
    if spelling::alike(kind, CALL) {
        return Err(Unreadable::Structure);
    }
    if PASSING.contains(&kind) || kind.ends_with(RESULT) {
        clean(block)?;
        return Ok((kind, Shape::Passes));
    }
    Ok((kind, Shape::Unknown))
}

/// Under which names a call is decided: its own; of an unknown type that and the type's.
pub(super) fn names(block: View<'_>, kind: &str, shape: Shape) -> Vec<String> {
    let name = block.get("name").and_then(View::as_str).unwrap_or_default();
    match shape {
        Shape::Unknown if name.is_empty() => vec![kind.to_owned()],
        Shape::Unknown => vec![kind.to_owned(), name.to_owned()],
        _ => vec![name.to_owned()],
    }
}

/// Refuses a value with a call anywhere in it.
pub(super) fn clean(value: View<'_>) -> Result<(), Unreadable> {
    let call = |value: View<'_>| {
        spelling::reads(value.key(), "type") && value.as_str().is_some_and(|kind| spelling::reads(kind, CALL))
    };
    if value.walk().any(call) { Err(Unreadable::Misplaced) } else { Ok(()) }
}
