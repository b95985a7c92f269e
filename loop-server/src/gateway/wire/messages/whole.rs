//! A message that comes whole.

use loop_core::base::json::{Kind, View};

use super::block::{self, Shape};
use crate::gateway::wire::{MARK, Proposed, Unreadable, arguments, call, compose, spelling};

/// What of a message is kept when its content is replaced.
const KEPT: &[&str] = &["id", "type", "role", "model", "container"];

/// The calls among the content blocks.
pub(in crate::gateway::wire) fn proposed(root: View<'_>) -> Result<Vec<Proposed>, Unreadable> {
    spelling::exact(root, &["type", "content"])?;
    root.members().filter(|member| member.key() != "content").try_for_each(block::clean)?;
    let Some(content) = root.get("content") else {
        let told = root.get("error").is_some_and(spelling::says);
        return if told { Ok(Vec::new()) } else { Err(Unreadable::Structure) };
    };
    if content.kind() != Kind::Array {
        return Err(Unreadable::Structure);
    }
    let mut out = Vec::new();
    for block in content.items() {
        if !block.is_object() {
            return Err(Unreadable::Structure);
        }
        let (kind, shape) = block::shape(block)?;
        let arguments = match shape {
            Shape::Passes => continue,
            Shape::Call => block.get("input").map_or_else(|| "{}".to_owned(), arguments::of_value),
            Shape::Unknown => arguments::of_members(block, &["type", "id"]),
        };
        for name in block::names(block, kind, shape) {
            call::push(&mut out, Proposed::new(&name, Ok(arguments.clone()), 0))?;
        }
    }
    Ok(out)
}

/// The content replaced by `message`.
pub(in crate::gateway::wire) fn replaced(root: View<'_>, message: &str, meta: &str) -> String {
    let mut out = String::from("{");
    compose::members(&mut out, root, KEPT);
    compose::name(&mut out, "content");
    out.push_str("[{");
    compose::text(&mut out, "type", "text");
    compose::text(&mut out, "text", message);
    out.push_str("}]");
    compose::text(&mut out, "stop_reason", "end_turn");
    compose::json(&mut out, "stop_sequence", "null");
    compose::members(&mut out, root, &["usage"]);
    compose::meta(&mut out, MARK, meta);
    out.push('}');
    out
}
