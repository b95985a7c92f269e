//! A response as it streams by. A call is told up to four times (as it begins, in fragments, done, and in the
//! finished response); clients differ on which they read, so all must say the same.

use std::collections::BTreeMap;

use loop_core::base::json::{Doc, View};

use super::{
    item::{self, Call},
    whole,
};
use crate::gateway::wire::{
    CALLS_MAX, MARK, Proposed, Unreadable, call,
    compose::{self, Events},
    spelling,
    stream::{Form, Look},
};

/// The most output items of one response.
const ITEMS_MAX: usize = 4_096;

/// Events that carry no call, whatever item they belong to.
const PASSING: &[&str] = &[
    "response.output_text.",
    "response.content_part.",
    "response.refusal.",
    "response.reasoning.",
    "response.reasoning_text.",
    "response.reasoning_summary.",
    "response.reasoning_summary_part.",
    "response.reasoning_summary_text.",
    "response.audio.",
    "response.web_search_call.",
    "response.file_search_call.",
    "response.code_interpreter_call.",
    "response.code_interpreter_call_code.",
    "response.image_generation_call.",
    "response.mcp_call.",
    "response.mcp_call_arguments.",
    "response.mcp_list_tools.",
];

/// A response as it streams by.
#[derive(Debug, Default)]
pub(in crate::gateway::wire) struct Responses {
    items: BTreeMap<u32, Item>,
    /// The next event's number, by those that were handed on.
    sequence: u64,
    /// Whether a text was handed on.
    text: bool,
    /// What is held of items that were begun before: they are ended as they were meant to.
    rest: Vec<(String, String)>,
    /// The finished response, when there are calls.
    finished: Option<String>,
    finished_calls: BTreeMap<u32, Call>,
}

#[derive(Debug, Default)]
struct Item {
    /// Whether its beginning was handed on, and whether it is over.
    sent: bool,
    done: bool,
    begun: Option<Call>,
    fragments: Option<String>,
    /// The whole text, as the last fragment tells it.
    said: Option<String>,
    whole: Option<Call>,
    fault: Option<Unreadable>,
}

impl Item {
    const fn is_call(&self) -> bool {
        self.begun.is_some() || self.whole.is_some() || self.fragments.is_some() || self.said.is_some()
    }
}

impl Responses {
    fn item(&mut self, root: View<'_>) -> Result<(u32, &mut Item), Unreadable> {
        let index = root.get("output_index").and_then(spelling::whole).ok_or(Unreadable::Structure)?;
        let next = self.items.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        let calls = self.items.values().filter(|item| item.is_call()).count();
        if !self.items.contains_key(&index) && (self.items.len() >= ITEMS_MAX || calls >= CALLS_MAX) {
            return Err(Unreadable::TooLarge);
        }
        let item = self
            .items
            .entry(index)
            .or_insert_with(|| Item { fault: (index > next).then_some(Unreadable::Fragments), ..Item::default() });
        Ok((index, item))
    }

    fn whole_item(&mut self, root: View<'_>, done: bool, holding: bool) -> Result<Look, Unreadable> {
        let call = item::call(root.get("item").ok_or(Unreadable::Structure)?)?;
        let (_, item) = self.item(root)?;
        if item.done || (!done && (item.sent || item.begun.is_some())) {
            return Err(Unreadable::Structure);
        }
        item.done = done;
        if call.is_some() && item.sent {
            // What began as a text cannot end as a call.
            return Err(Unreadable::Misplaced);
        }
        if call.is_none() && item.is_call() {
            item.fault = Some(Unreadable::Fragments);
            return Ok(Look::Hold);
        }
        let Some(call) = call else {
            item.sent |= !holding;
            return Ok(Look::Pass);
        };
        *(if done { &mut item.whole } else { &mut item.begun }) = Some(call);
        Ok(Look::Hold)
    }

    fn fragment(&mut self, kind: &str, root: View<'_>) -> Result<Look, Unreadable> {
        let (_, item) = self.item(root)?;
        if item.sent || item.done {
            return Err(Unreadable::Misplaced);
        }
        let text = |key: &str| root.get(key).and_then(View::as_str).ok_or(Unreadable::Structure);
        match kind {
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let text = text("delta")?;
                item.fragments.get_or_insert_default().push_str(text);
            }
            _ => {
                let key = if kind == "response.function_call_arguments.done" { "arguments" } else { "input" };
                let text = text(key)?.to_owned();
                if item.said.as_ref().is_some_and(|said| *said != text) {
                    item.fault = Some(Unreadable::Fragments);
                }
                if let (Some(name), Some(begun)) = (root.get("name").and_then(View::as_str), &item.begun)
                    && name != begun.name
                {
                    item.fault = Some(Unreadable::Fragments);
                }
                item.said = Some(text);
            }
        }
        Ok(Look::Hold)
    }

    fn last(&mut self, root: View<'_>) -> Result<Look, Unreadable> {
        let response = root.get("response").filter(|response| response.is_object()).ok_or(Unreadable::Structure)?;
        if response.get(MARK).is_some() {
            return Err(Unreadable::Marked);
        }
        root.members().filter(|member| member.key() != "response").try_for_each(item::clean)?;
        for (found, index) in whole::output(response)?.zip(0..) {
            match item::call(found)? {
                Some(call) if self.finished_calls.len() >= CALLS_MAX => {
                    drop(call);
                    return Err(Unreadable::TooLarge);
                }
                Some(call) => {
                    self.finished_calls.insert(index, call);
                }
                None => {}
            }
        }
        if !self.finished_calls.is_empty() || self.items.values().any(Item::is_call) {
            self.finished = Some(whole::text_of(response));
        }
        Ok(Look::Last)
    }

    /// Keeps what is held of an item whose beginning was handed on.
    fn keep_rest(&mut self, kind: &str, root: View<'_>) {
        let index = root.get("output_index").and_then(spelling::whole);
        if !index.and_then(|index| self.items.get(&index)).is_some_and(|item| item.sent) {
            return;
        }
        let mut out = String::from("{");
        for member in root.members().filter(|member| member.key() != "sequence_number") {
            compose::member(&mut out, member);
        }
        self.rest.push((kind.to_owned(), out));
    }
}

impl Form for Responses {
    fn look(&mut self, name: Option<&str>, root: View<'_>, holding: bool) -> Result<Look, Unreadable> {
        spelling::exact(root, &["type", "item", "response", "output_index", "delta", "arguments", "input", "name"])?;
        let Some(kind) = root.get("type").and_then(View::as_str) else {
            let told = root.get("error").is_some_and(spelling::says);
            item::clean(root)?;
            return if told { Ok(Look::Error) } else { Err(Unreadable::Structure) };
        };
        if name.is_some_and(|name| name != kind) {
            return Err(Unreadable::Structure);
        }
        let passing = PASSING.iter().any(|passing| kind.starts_with(passing));
        if passing || matches!(kind, "keepalive" | "error") {
            item::clean(root)?;
        }
        let look = match kind {
            _ if passing => {
                self.text |= !holding && kind == "response.output_text.delta";
                Look::Pass
            }
            "response.output_item.added" => self.whole_item(root, false, holding)?,
            "response.output_item.done" => self.whole_item(root, true, holding)?,
            "response.function_call_arguments.delta"
            | "response.function_call_arguments.done"
            | "response.custom_tool_call_input.delta"
            | "response.custom_tool_call_input.done" => self.fragment(kind, root)?,
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = root.get("response").filter(|response| response.is_object());
                let response = response.ok_or(Unreadable::Structure)?;
                if response.get("output").is_some_and(spelling::says) {
                    // Nothing was answered yet.
                    return Err(Unreadable::Misplaced);
                }
                root.members().filter(|member| member.key() != "response").try_for_each(item::clean)?;
                let mut others = response.members().filter(|member| !whole::ECHOES.contains(&member.key()));
                others.try_for_each(item::clean)?;
                Look::Pass
            }
            "response.completed" | "response.incomplete" | "response.failed" => self.last(root)?,
            "error" => Look::Error,
            "keepalive" => Look::Pass,
            // Nobody here knows what it would tell a client.
            _ => {
                item::clean(root)?;
                Look::Hold
            }
        };
        if holding && look == Look::Pass {
            self.keep_rest(kind, root);
        } else if look == Look::Pass
            && let Some(number) = root.get("sequence_number").and_then(View::as_number)
        {
            self.sequence = number.parse::<u64>().map_err(|_| Unreadable::Structure)?.saturating_add(1);
        }
        Ok(look)
    }

    fn calls(&mut self) -> Result<Vec<Proposed>, Unreadable> {
        let mut out = Vec::new();
        for (index, item) in &self.items {
            let finished = self.finished_calls.remove(index);
            let Some(call) = item.whole.as_ref().or(finished.as_ref()).or(item.begun.as_ref()) else {
                if item.is_call() {
                    call::push(&mut out, Proposed::refused("", Unreadable::Fragments, 0))?;
                }
                continue;
            };
            if item.sent {
                // Handed on as something else, and a call at the end.
                return Err(Unreadable::Misplaced);
            }
            let differs = |other: &Call| other.kind != call.kind || other.name != call.name;
            let other_text = |text: &String| call.fragmented() && *text != call.text;
            // Some clients add the fragments to what its beginning told.
            let fragmented = item.fragments.as_ref().is_some_and(|fragments| !fragments.is_empty());
            let told_twice =
                |begun: &Call| begun.fragmented() && !begun.text.is_empty() && (begun.text != call.text || fragmented);
            let fault = if item.fault.is_some() {
                item.fault
            } else if item.whole.is_none() {
                Some(Unreadable::Unfinished)
            } else if item.begun.as_ref().is_some_and(|begun| differs(begun) || told_twice(begun))
                || finished.as_ref().is_some_and(|finished| finished != call)
                || item.fragments.as_ref().is_some_and(other_text)
                || item.said.as_ref().is_some_and(other_text)
            {
                Some(Unreadable::Fragments)
            } else {
                None
            };
            call.propose(fault, &mut out)?;
            if let Some(begun) = item.begun.as_ref().filter(|begun| !begun.fragmented() && *begun != call) {
                // Others act on how it began.
                begun.propose(fault, &mut out)?;
            }
        }
        // Only the finished response tells these.
        for call in self.finished_calls.values() {
            call.propose(None, &mut out)?;
        }
        Ok(out)
    }

    fn refused(&self, error: &str, events: &mut Events) {
        let doc = Doc::parse(error.as_bytes()).unwrap_or_else(|_| Doc::empty_object());
        let mut out = String::from("{\"type\":\"error\"");
        // Clients that know the event read its members, those that know errors the object.
        if let Some(told) = doc.root().get("error") {
            compose::members(&mut out, told, &["code", "message", "param"]);
            compose::json(&mut out, "error", &whole::text_of(told));
        }
        compose::json(&mut out, "sequence_number", &self.sequence.to_string());
        out.push('}');
        events.event(Some("error"), &out);
    }

    fn begun(&self) -> Vec<String> {
        let named = |item: &Item| item.begun.as_ref().or(item.whole.as_ref()).map(name_of);
        self.items.values().filter_map(named).collect()
    }

    fn replaced(&self, message: &str, meta: &str, events: &mut Events) {
        let doc = self.finished.as_deref().and_then(|text| Doc::parse(text.as_bytes()).ok());
        let doc = doc.unwrap_or_else(Doc::empty_object);
        let response = doc.root();
        let mut sequence = self.sequence;
        let mut send = |kind: &str, mut members: String| {
            compose::json(&mut members, "sequence_number", &sequence.to_string());
            members.push('}');
            sequence = sequence.saturating_add(1);
            events.event(Some(kind), &members);
        };
        for (kind, members) in &self.rest {
            send(kind, members.clone());
        }
        let sent: Vec<u32> = self.items.iter().filter(|(_, item)| item.sent).map(|(index, _)| *index).collect();
        let index = sent.last().map_or(0, |last| last.saturating_add(1));
        let id = whole::message_id(response);
        let text = if self.text { format!("\n\n{message}") } else { message.to_owned() };
        let of_item = |kind: &str, item: &str| {
            let mut out = String::from("{");
            compose::text(&mut out, "type", kind);
            compose::json(&mut out, "output_index", &index.to_string());
            compose::json(&mut out, "item", item);
            out
        };
        let of_part = |kind: &str| {
            let mut out = String::from("{");
            compose::text(&mut out, "type", kind);
            compose::text(&mut out, "item_id", &id);
            compose::json(&mut out, "output_index", &index.to_string());
            compose::json(&mut out, "content_index", "0");
            out
        };
        let whole_message = whole::message(&id, "completed", Some(&text));
        let added = "response.output_item.added";
        send(added, of_item(added, &whole::message(&id, "in_progress", None)));
        for (kind, key, value) in [
            ("response.content_part.added", "part", whole::part("")),
            ("response.output_text.delta", "delta", quoted(&text)),
            ("response.output_text.done", "text", quoted(&text)),
            ("response.content_part.done", "part", whole::part(&text)),
        ] {
            let mut out = of_part(kind);
            compose::json(&mut out, key, &value);
            if key != "part" {
                compose::json(&mut out, "logprobs", "[]");
            }
            send(kind, out);
        }
        let done = "response.output_item.done";
        send(done, of_item(done, &whole_message));
        let kept = response.get("output").into_iter().flat_map(View::items).zip(0..);
        let mut items: Vec<String> =
            kept.filter(|(_, at)| sent.contains(at)).map(|(item, _)| whole::text_of(item)).collect();
        items.push(whole_message);
        let mut out = String::from("{");
        compose::text(&mut out, "type", "response.completed");
        compose::json(&mut out, "response", &whole::finished(response, &items, meta));
        compose::meta(&mut out, MARK, meta);
        send("response.completed", out);
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    loop_core::base::json::write_string(text, &mut out);
    out
}

fn name_of(call: &Call) -> String {
    if call.name.is_empty() { call.kind.clone() } else { call.name.clone() }
}
