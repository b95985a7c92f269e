//! OpenAI's chat completions: calls are `tool_calls` (functions and custom tools) and the older `function_call`, in
//! every choice.

mod calls;
pub(super) mod whole;

use loop_core::base::json::View;

use self::calls::Calls;
use super::{
    CALLS_MAX, MARK, Proposed, Unreadable, compose,
    compose::Events,
    spelling::{self, says},
    stream::{Form, Look},
};

/// What of an answer outside of its choices is kept when the choices are replaced.
const KEPT: &[&str] = &["id", "object", "created", "model", "system_fingerprint", "service_tier", "provider"];

/// A chat completion as it streams by.
#[derive(Debug, Default)]
pub(super) struct Chat {
    choices: Vec<Choice>,
    calls: Calls,
    /// The members of a chunk that stay the same, noted when the holding begins.
    members: Option<String>,
    /// Whether chunks with fragments say what they are.
    labelled: Option<bool>,
    /// Whether clients would join the fragments of different choices, or leave some out.
    astray: bool,
    /// How many chunks have come.
    chunks: u64,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    /// The last chunk that it stood in.
    chunk: u64,
    /// Whether a piece of it, a text of it and its end were handed on.
    begun: bool,
    text: bool,
    ended: bool,
    /// Whether its end has come, handed on or not.
    finished: bool,
}

#[derive(Debug)]
struct Usage {
    json: String,
    /// Whether it came in a chunk of its own.
    apart: bool,
}

impl Chat {
    fn choice(&mut self, index: u32) -> Result<&mut Choice, Unreadable> {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None if self.choices.len() >= CALLS_MAX => return Err(Unreadable::TooLarge),
            None => {
                // Some clients count the choices as they begin, and join by that.
                self.astray |= u32::try_from(self.choices.len()) != Ok(index);
                self.choices.push(Choice { index, chunk: 0, begun: false, text: false, ended: false, finished: false });
                self.choices.len() - 1
            }
        };
        self.choices.get_mut(at).ok_or(Unreadable::Structure)
    }

    fn note_usage(&mut self, root: View<'_>, apart: bool) {
        if let Some(usage) = root.get("usage").filter(|usage| usage.is_object()) {
            let mut json = String::new();
            loop_core::base::json::write(usage, &mut json);
            self.usage = Some(Usage { json, apart });
        }
    }

    /// Refuses a fragment that only some clients read: those that look at the name of an event or the kind of a chunk
    /// pass over others.
    fn same_readers(&mut self, name: Option<&str>, root: View<'_>) -> Result<(), Unreadable> {
        let object = root.get("object");
        let labelled = object.is_some();
        let read = name.is_none_or(|name| name == "message")
            && object.is_none_or(|object| object.as_str() == Some("chat.completion.chunk"))
            && self.labelled.is_none_or(|before| before == labelled);
        self.labelled = Some(labelled);
        if read { Ok(()) } else { Err(Unreadable::Structure) }
    }

    /// A chunk of one choice, or of none.
    fn chunk(&self, choice: Option<(u32, &str, &str)>, usage: bool, meta: Option<&str>) -> String {
        let mut out = format!("{{{}", self.members.as_deref().unwrap_or_default());
        compose::name(&mut out, "choices");
        out.push('[');
        if let Some((index, delta, finish)) = choice {
            out.push_str(&format!("{{\"index\":{index},\"delta\":{delta},\"finish_reason\":{finish}}}"));
        }
        out.push(']');
        if let Some(found) = self.usage.as_ref().filter(|_| usage) {
            compose::json(&mut out, "usage", &found.json);
        }
        if let Some(meta) = meta {
            compose::meta(&mut out, MARK, meta);
        }
        out.push('}');
        out
    }
}

impl Form for Chat {
    fn look(&mut self, name: Option<&str>, root: View<'_>, holding: bool) -> Result<Look, Unreadable> {
        let suspects = root.walk().filter(|value| guarded(value.key()) && says(*value)).count();
        let Some(choices) = root.get("choices").filter(|choices| !choices.is_null()) else {
            if suspects > 0 {
                return Err(Unreadable::Misplaced);
            }
            self.note_usage(root, true);
            return Ok(if root.get("error").is_some_and(says) { Look::Error } else { Look::Tail });
        };
        if choices.kind() != loop_core::base::json::Kind::Array {
            return Err(Unreadable::Structure);
        }
        let (mut found, mut finishes, mut all_finished, mut twice) = (0, false, true, false);
        self.chunks = self.chunks.saturating_add(1);
        let chunk = self.chunks;
        for choice in choices.items() {
            if !choice.is_object() {
                return Err(Unreadable::Structure);
            }
            let index = choice.get("index").and_then(spelling::whole).ok_or(Unreadable::Structure)?;
            let delta = choice.get("delta").filter(|delta| !delta.is_null());
            if delta.is_some_and(|delta| !delta.is_object()) {
                return Err(Unreadable::Structure);
            }
            let state = self.choice(index)?;
            let finished = state.finished;
            twice |= std::mem::replace(&mut state.chunk, chunk) == chunk;
            let mut text = false;
            let mut here = 0;
            for member in delta.iter().flat_map(|delta| delta.members()) {
                match member.key() {
                    "content" => text |= member.as_str().is_some_and(|text| !text.is_empty()),
                    "tool_calls" if says(member) => {
                        here += 1;
                        self.calls.fragments(index, member)?;
                    }
                    "function_call" if says(member) => {
                        here += 1;
                        self.calls.legacy(index, member)?;
                    }
                    _ => {}
                }
            }
            if here > 0 && finished {
                return Err(Unreadable::Fragments);
            }
            let finish = choice.get("finish_reason").is_some_and(says);
            finishes |= finish;
            found += here;
            let state = self.choice(index)?;
            state.finished |= finish;
            all_finished &= state.finished;
            if suspects == 0 && !holding {
                state.begun = true;
                state.text |= text;
                state.ended |= finish;
            }
        }
        if found != suspects {
            return Err(Unreadable::Misplaced);
        }
        if finishes || choices.is_empty() || all_finished || holding {
            self.note_usage(root, choices.is_empty());
        }
        if found > 0 {
            self.same_readers(name, root)?;
            // Of a choice that stands in the first chunk twice some clients take the second part only.
            self.astray |= twice;
        }
        if found > 0 && self.members.is_none() {
            let mut members = String::from("{");
            compose::members(&mut members, root, KEPT);
            self.members = members.strip_prefix('{').map(str::to_owned);
        }
        let told = choices.is_empty() && root.get("error").is_some_and(says);
        Ok(match () {
            () if told => Look::Error,
            () if found > 0 => Look::Hold,
            () if finishes || all_finished => Look::Tail,
            () => Look::Pass,
        })
    }

    fn calls(&mut self) -> Result<Vec<Proposed>, Unreadable> {
        let mut calls = self.calls.proposed()?;
        if self.astray {
            calls.iter_mut().for_each(|call| call.arguments = Err(Unreadable::Fragments));
        }
        Ok(calls)
    }

    fn complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finished)
    }

    fn refused(&self, error: &str, events: &mut Events) {
        events.event(None, error);
    }

    fn begun(&self) -> Vec<String> {
        self.calls.names()
    }

    fn replaced(&self, message: &str, meta: &str, events: &mut Events) {
        let apart = self.usage.as_ref().is_some_and(|usage| usage.apart);
        let mut open: Vec<&Choice> = self.choices.iter().filter(|choice| !choice.ended).collect();
        open.sort_by_key(|choice| choice.index);
        for (at, choice) in open.iter().enumerate() {
            let last = at + 1 == open.len() && !apart;
            let mut delta = String::from("{");
            if !choice.begun {
                compose::text(&mut delta, "role", "assistant");
            }
            let message = if choice.text { format!("\n\n{message}") } else { message.to_owned() };
            compose::text(&mut delta, "content", &message);
            delta.push('}');
            events.event(None, &self.chunk(Some((choice.index, &delta, "null")), false, None));
            let end = Some((choice.index, "{}", "\"stop\""));
            events.event(None, &self.chunk(end, last && !apart, last.then_some(meta)));
        }
        if apart || open.is_empty() {
            events.event(None, &self.chunk(None, true, Some(meta)));
        }
        events.event(None, "[DONE]");
    }
}

/// A chunk that only carries the verdict, for an answer that had none.
pub(super) fn bare(meta: &str, events: &mut Events) {
    let members = "\"id\":\"\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"\"".to_owned();
    let chat = Chat { members: Some(members), ..Chat::default() };
    events.event(None, &chat.chunk(None, false, Some(meta)));
}

/// Whether a lenient reader could find a tool call under this name.
fn guarded(name: &str) -> bool {
    const NAMES: [&str; 6] = ["tool_calls", "tool_call", "function_call", "function_calls", "tool_use", "tool_uses"];
    match name.as_bytes().first() {
        None => false,
        Some(b't' | b'f') if spelling::plain(name) => {
            NAMES.contains(&name) || matches!(name, "toolcalls" | "toolcall" | "functioncall" | "functioncalls")
        }
        Some(_) if spelling::plain(name) && !name.starts_with('_') => false,
        Some(_) => NAMES.iter().any(|guarded| spelling::alike(name, guarded)),
    }
}
