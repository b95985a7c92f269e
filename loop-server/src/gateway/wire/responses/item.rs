//! Output items: which of them are tool calls, and what those ask for.

use loop_core::base::json::{Kind, View, write};

use crate::gateway::wire::{Proposed, Unreadable, arguments, call, spelling};

/// What an output item is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text, thought, or what the provider ran itself.
    Passes,
    /// A call with a name, its arguments a text of JSON under `arguments`.
    Function,
    /// A call with a name, its argument any text under `input`.
    Custom,
    /// A call known or taken for one by its type, decided under that.
    Other,
}

/// The types that clients know as calls they are to make.
const CALLS: &[&str] = &[
    "function_call",
    "custom_tool_call",
    "local_shell_call",
    "shell_call",
    "computer_call",
    "apply_patch_call",
    "mcp_approval_request",
];
const PASSING: &[&str] = &[
    "message",
    "reasoning",
    "compaction",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
];
/// What was answered to calls, by the provider.
const OUTPUT: &str = "_output";

/// A call as an item tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub kind: String,
    pub name: String,
    /// The arguments' text, the custom input, or the other members as JSON.
    pub text: String,
    shape: Shape,
    fault: Option<Unreadable>,
}

/// The call that an output item is; none for one that passes.
pub(super) fn call(item: View<'_>) -> Result<Option<Call>, Unreadable> {
    if !item.is_object() {
        return Err(Unreadable::Structure);
    }
    spelling::exact(item, &["type", "name", "arguments", "input", "id", "call_id", "action", "operation"])?;
    let kind = item.get("type").and_then(View::as_str).ok_or(Unreadable::Structure)?;
    let shape = shape(kind)?;
    if shape == Shape::Passes {
        clean(item)?;
        return Ok(None);
    }
    let mut fault = None;
    let mut string = |key: &str| match item.get(key).map(View::kind) {
        Some(Kind::String(text)) => text.to_owned(),
        None | Some(Kind::Null) => String::new(),
        Some(_) => {
            fault = Some(Unreadable::Structure);
            String::new()
        }
    };
    let name = string("name");
    let text = match shape {
        Shape::Function => match item.get("arguments").filter(|arguments| arguments.is_object()) {
            Some(object) => {
                let mut text = String::new();
                write(object, &mut text);
                text
            }
            None => string("arguments"),
        },
        Shape::Custom => string("input"),
        _ => arguments::of_members(item, &["type", "id", "call_id", "status"]),
    };
    Ok(Some(Call { kind: kind.to_owned(), name, text, shape, fault }))
}

fn shape(kind: &str) -> Result<Shape, Unreadable> {
    match kind {
        "function_call" | "mcp_approval_request" => return Ok(Shape::Function),
        "custom_tool_call" => return Ok(Shape::Custom),
        kind if CALLS.contains(&kind) => return Ok(Shape::Other),
        kind if PASSING.contains(&kind) || kind.ends_with(OUTPUT) => return Ok(Shape::Passes),
        _ => {}
    }
    if CALLS.iter().any(|known| spelling::alike(kind, known)) { Err(Unreadable::Structure) } else { Ok(Shape::Other) }
}

/// Refuses a value with a call anywhere in it.
pub(super) fn clean(value: View<'_>) -> Result<(), Unreadable> {
    let call = |value: View<'_>| {
        spelling::reads(value.key(), "type")
            && value.as_str().is_some_and(|kind| CALLS.iter().any(|known| spelling::reads(kind, known)))
    };
    if value.walk().any(call) { Err(Unreadable::Misplaced) } else { Ok(()) }
}

impl Call {
    /// Whether its text comes in fragments.
    pub(super) const fn fragmented(&self) -> bool {
        matches!(self.shape, Shape::Function | Shape::Custom)
    }

    /// Adds what it proposes, unless `fault` says that it can only be denied.
    pub(super) fn propose(&self, fault: Option<Unreadable>, out: &mut Vec<Proposed>) -> Result<(), Unreadable> {
        let arguments = match (fault.or(self.fault), self.shape) {
            (Some(fault), _) => Err(fault),
            (None, Shape::Function) => arguments::of_text(&self.text),
            (None, Shape::Custom) => Ok(arguments::of_custom(&self.text)),
            (None, _) => Ok(self.text.clone()),
        };
        if !self.fragmented() {
            call::push(out, Proposed::new(&self.kind, arguments.clone(), 0))?;
            // The type may be a new one for calls by name: a name is decided as well.
            if self.name.is_empty() {
                return Ok(());
            }
        }
        call::push(out, Proposed::new(&self.name, arguments, 0))
    }
}
