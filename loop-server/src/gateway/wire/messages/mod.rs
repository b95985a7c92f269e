//! Anthropic's messages: calls are content blocks of type `tool_use`. What the provider ran itself (`server_tool_use`,
//! `mcp_tool_use` and their results) passes.

pub(super) mod block;
pub(super) mod whole;

use std::collections::BTreeMap;

use loop_core::base::json::{Kind, View, write};

use self::block::Shape;
use super::{
    CALLS_MAX, MARK, Proposed, Unreadable, arguments, call,
    compose::{self, Events},
    spelling,
    stream::{Form, Look},
};

/// The most content blocks of one message.
const BLOCKS_MAX: usize = 4_096;

/// A message as it streams by.
#[derive(Debug, Default)]
pub(super) struct Messages {
    started: bool,
    blocks: BTreeMap<u32, Block>,
    /// Whether a text was handed on.
    text: bool,
    usage: Option<String>,
}

#[derive(Debug)]
struct Block {
    /// Whether its start was handed on.
    sent: bool,
    open: bool,
    /// Whether it is a call that the provider makes itself, whose input comes in fragments too.
    hosted: bool,
    call: Option<Call>,
}

#[derive(Debug)]
struct Call {
    /// Under which names it is decided.
    names: Vec<String>,
    /// The input that its start gave, unless it was empty.
    input: Option<String>,
    fragments: String,
    fault: Option<Unreadable>,
}

impl Messages {
    fn start(&mut self, root: View<'_>, holding: bool) -> Result<Look, Unreadable> {
        let index = root.get("index").and_then(spelling::whole).ok_or(Unreadable::Structure)?;
        let block = root.get("content_block").filter(|block| block.is_object()).ok_or(Unreadable::Structure)?;
        // Clients put a block behind the others, and find it by its index afterwards.
        let next = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        if !self.started || index != next || self.blocks.len() >= BLOCKS_MAX {
            return Err(Unreadable::Structure);
        }
        root.members().filter(|member| member.key() != "content_block").try_for_each(block::clean)?;
        let (kind, shape) = block::shape(block)?;
        let call = match shape {
            Shape::Passes => None,
            Shape::Call | Shape::Unknown => {
                if self.blocks.values().filter(|block| block.call.is_some()).count() >= CALLS_MAX {
                    return Err(Unreadable::TooLarge);
                }
                let input = block.get("input").filter(|input| spelling::says(*input));
                Some(Call {
                    names: block::names(block, kind, shape),
                    input: match shape {
                        Shape::Unknown => Some(arguments::of_members(block, &["type", "id"])),
                        _ => input.map(arguments::of_value),
                    },
                    fragments: String::new(),
                    fault: None,
                })
            }
        };
        let look = if call.is_some() { Look::Hold } else { Look::Pass };
        let sent = call.is_none() && !holding;
        self.text |= sent && block.get("text").and_then(View::as_str).is_some_and(|text| !text.is_empty());
        let hosted = matches!(kind, "server_tool_use" | "mcp_tool_use");
        self.blocks.insert(index, Block { sent, open: true, hosted, call });
        Ok(look)
    }

    fn delta(&mut self, root: View<'_>, holding: bool) -> Result<Look, Unreadable> {
        let index = root.get("index").and_then(spelling::whole).ok_or(Unreadable::Structure)?;
        let delta = root.get("delta").filter(|delta| delta.is_object()).ok_or(Unreadable::Structure)?;
        spelling::exact(delta, &["type", "partial_json", "text"])?;
        let block = self.blocks.get_mut(&index).filter(|block| block.open).ok_or(Unreadable::Structure)?;
        let json = delta.get("partial_json").map(|json| json.as_str().ok_or(Unreadable::Structure)).transpose()?;
        if let Some(call) = &mut block.call {
            match json {
                Some(json) if delta.get("type").and_then(View::as_str) == Some("input_json_delta") => {
                    call.fragments.push_str(json);
                }
                _ => call.fault = Some(Unreadable::Fragments),
            }
            return Ok(Look::Hold);
        }
        if json.is_some() && !block.hosted {
            return Err(Unreadable::Structure);
        }
        let text = delta.get("text").and_then(View::as_str).is_some_and(|text| !text.is_empty());
        self.text |= !holding && text;
        Ok(Look::Pass)
    }

    fn stop(&mut self, root: View<'_>) -> Result<Look, Unreadable> {
        let index = root.get("index").and_then(spelling::whole).ok_or(Unreadable::Structure)?;
        let block = self.blocks.get_mut(&index).filter(|block| block.open).ok_or(Unreadable::Structure)?;
        block.open = false;
        Ok(if block.call.is_some() { Look::Hold } else { Look::Pass })
    }
}

impl Form for Messages {
    fn look(&mut self, name: Option<&str>, root: View<'_>, holding: bool) -> Result<Look, Unreadable> {
        spelling::exact(root, &["type", "index", "content_block", "delta", "message"])?;
        let kind = root.get("type").and_then(View::as_str).ok_or(Unreadable::Structure)?;
        // Clients pass over what has no name.
        if name != Some(kind) {
            return Err(Unreadable::Structure);
        }
        if kind != "content_block_start" {
            block::clean(root)?;
        }
        match kind {
            "content_block_delta" => self.delta(root, holding),
            "content_block_start" => self.start(root, holding),
            "content_block_stop" => self.stop(root),
            "message_start" => {
                let message = root.get("message").filter(|message| message.is_object()).ok_or(Unreadable::Structure)?;
                spelling::exact(message, &["content"])?;
                let empty =
                    message.get("content").is_none_or(|content| content.kind() == Kind::Array && content.is_empty());
                if self.started || !empty {
                    return Err(Unreadable::Structure);
                }
                self.started = true;
                Ok(Look::Pass)
            }
            "message_delta" => {
                if let Some(usage) = root.get("usage").filter(|usage| usage.is_object()) {
                    let mut json = String::new();
                    write(usage, &mut json);
                    self.usage = Some(json);
                }
                Ok(Look::Pass)
            }
            "message_stop" if self.started => Ok(Look::Last),
            "message_stop" => Err(Unreadable::Structure),
            "ping" => Ok(Look::Pass),
            "error" => Ok(Look::Error),
            // Nobody here knows what it would tell a client.
            _ => Ok(Look::Hold),
        }
    }

    fn calls(&mut self) -> Result<Vec<Proposed>, Unreadable> {
        let mut out = Vec::new();
        for block in self.blocks.values() {
            let Some(call) = &block.call else { continue };
            let arguments = match (call.fault, &call.input) {
                (Some(fault), _) => Err(fault),
                _ if block.open => Err(Unreadable::Unfinished),
                (None, None) => arguments::of_text(&call.fragments),
                (None, Some(input)) if call.fragments.is_empty() => Ok(input.clone()),
                // Readers differ on which of the two counts.
                (None, Some(_)) => Err(Unreadable::Fragments),
            };
            for name in &call.names {
                call::push(&mut out, Proposed::new(name, arguments.clone(), 0))?;
            }
        }
        Ok(out)
    }

    fn refused(&self, error: &str, events: &mut Events) {
        events.event(Some("error"), error);
    }

    fn begun(&self) -> Vec<String> {
        self.blocks.values().filter_map(|block| block.call.as_ref()?.names.first().cloned()).collect()
    }

    fn replaced(&self, message: &str, meta: &str, events: &mut Events) {
        let event = |kind: &str, members: &dyn Fn(&mut String)| {
            let mut out = String::from("{");
            compose::text(&mut out, "type", kind);
            members(&mut out);
            out.push('}');
            out
        };
        let indexed = |kind: &str, index: u32, member: &str, value: &str| {
            event(kind, &|out| {
                compose::json(out, "index", &index.to_string());
                if !member.is_empty() {
                    compose::json(out, member, value);
                }
            })
        };
        for (index, _) in self.blocks.iter().filter(|(_, block)| block.sent && block.open) {
            events.event(Some("content_block_stop"), &indexed("content_block_stop", *index, "", ""));
        }
        let sent = self.blocks.iter().filter(|(_, block)| block.sent).map(|(index, _)| index.saturating_add(1));
        let index = sent.max().unwrap_or(0);
        let mut delta = String::from("{\"type\":\"text_delta\"");
        let text = if self.text { format!("\n\n{message}") } else { message.to_owned() };
        compose::text(&mut delta, "text", &text);
        delta.push('}');
        let start = indexed("content_block_start", index, "content_block", "{\"type\":\"text\",\"text\":\"\"}");
        events.event(Some("content_block_start"), &start);
        events.event(Some("content_block_delta"), &indexed("content_block_delta", index, "delta", &delta));
        events.event(Some("content_block_stop"), &indexed("content_block_stop", index, "", ""));
        let ended = event("message_delta", &|out| {
            compose::json(out, "delta", "{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}");
            compose::json(out, "usage", self.usage.as_deref().unwrap_or("{\"output_tokens\":0}"));
        });
        events.event(Some("message_delta"), &ended);
        events.event(Some("message_stop"), &event("message_stop", &|out| compose::meta(out, MARK, meta)));
    }
}
