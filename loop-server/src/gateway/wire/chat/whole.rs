//! A chat completion that comes whole.

use loop_core::base::json::{Kind, View};

use super::{KEPT, calls::Calls, guarded};
use crate::gateway::wire::{
    MARK, Proposed, Unreadable, compose,
    spelling::{self, says},
};

/// The calls of every choice.
pub(in crate::gateway::wire) fn proposed(root: View<'_>) -> Result<Vec<Proposed>, Unreadable> {
    let suspects = root.walk().filter(|value| guarded(value.key()) && says(*value)).count();
    let Some(choices) = root.get("choices") else {
        let told = root.get("error").is_some_and(says) && suspects == 0;
        return if told { Ok(Vec::new()) } else { Err(Unreadable::Structure) };
    };
    if choices.kind() != Kind::Array {
        return Err(Unreadable::Structure);
    }
    let mut calls = Calls::default();
    let mut found = 0;
    for (choice, at) in choices.items().zip(0..) {
        let message = choice.get("message").filter(|message| message.is_object()).ok_or(Unreadable::Structure)?;
        let index = choice.get("index").map_or(Some(at), spelling::whole).ok_or(Unreadable::Structure)?;
        if let Some(list) = message.get("tool_calls").filter(|list| says(*list)) {
            found += 1;
            calls.whole(index, list)?;
        }
        if let Some(call) = message.get("function_call").filter(|call| says(*call)) {
            found += 1;
            calls.legacy(index, call)?;
        }
    }
    if found != suspects {
        return Err(Unreadable::Misplaced);
    }
    calls.proposed()
}

/// Every choice replaced by `message`.
pub(in crate::gateway::wire) fn replaced(root: View<'_>, message: &str, meta: &str) -> String {
    let mut out = String::from("{");
    compose::members(&mut out, root, KEPT);
    compose::name(&mut out, "choices");
    out.push('[');
    let mut indexes: Vec<u32> = root.get("choices").iter().flat_map(|all| all.items()).zip(0..).map(index).collect();
    if indexes.is_empty() {
        indexes.push(0);
    }
    for index in indexes {
        if !out.ends_with('[') {
            out.push(',');
        }
        out.push('{');
        compose::json(&mut out, "index", &index.to_string());
        compose::name(&mut out, "message");
        out.push('{');
        compose::text(&mut out, "role", "assistant");
        compose::text(&mut out, "content", message);
        compose::json(&mut out, "refusal", "null");
        out.push('}');
        compose::json(&mut out, "logprobs", "null");
        compose::text(&mut out, "finish_reason", "stop");
        out.push('}');
    }
    out.push(']');
    compose::members(&mut out, root, &["usage"]);
    compose::meta(&mut out, MARK, meta);
    out.push('}');
    out
}

fn index((choice, at): (View<'_>, u32)) -> u32 {
    choice.get("index").and_then(spelling::whole).unwrap_or(at)
}
