//! A client of each form that accepts nothing odd.

use serde_json::Value;

use super::Wire;

/// What a client made of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// The text of each choice; of the other forms, of all blocks or items.
    pub text: Vec<String>,
    pub finish: Vec<Option<String>>,
    /// Names and arguments, of all choices.
    pub calls: Vec<(String, String)>,
    pub usage: Option<Value>,
    /// The verdict of the last event that could carry it.
    pub mark: Option<Value>,
}

/// The data of the events of a stream.
pub(super) fn events(stream: &[u8]) -> Vec<(Option<String>, String)> {
    let text = String::from_utf8(stream.to_vec()).expect("UTF-8");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    for event in text.split("\n\n") {
        let field = |name: &'static str| {
            event
                .lines()
                .filter_map(move |line| line.strip_prefix(name))
                .map(|value| value.strip_prefix(' ').unwrap_or(value))
        };
        let data: Vec<&str> = field("data:").collect();
        if !data.is_empty() {
            events.push((field("event:").next_back().map(str::to_owned), data.join("\n")));
        }
    }
    events
}

/// Reads a stream to its end.
pub(super) fn read(wire: Wire, stream: &[u8]) -> Seen {
    let events = events(stream);
    match wire {
        Wire::Chat => chat(&events),
        Wire::Responses => responses(&events),
        Wire::Messages => messages(&events),
    }
}

fn json(data: &str) -> Value {
    serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn chat(events: &[(Option<String>, String)]) -> Seen {
    let mut seen = Seen::default();
    let (done, chunks) = events.split_last().expect("events");
    assert_eq!(done.1, "[DONE]");
    let mut calls: std::collections::BTreeMap<(usize, u64), (String, String)> = Default::default();
    for (at, (_, data)) in chunks.iter().enumerate() {
        let chunk = json(data);
        assert!(
            chunk["id"].is_string() && chunk["object"] == "chat.completion.chunk" && chunk["model"].is_string(),
            "{chunk}"
        );
        assert_eq!(
            chunk.get("_trustloop").is_some(),
            at + 1 == chunks.len(),
            "the verdict is on the last chunk: {chunk}"
        );
        seen.mark = chunk.get("_trustloop").cloned();
        if chunk["usage"].is_object() {
            assert_eq!(seen.usage.replace(chunk["usage"].clone()), None, "usage twice");
        }
        for choice in chunk["choices"].as_array().expect("choices") {
            let index = usize::try_from(choice["index"].as_u64().expect("index")).unwrap();
            if seen.text.len() <= index {
                seen.text.resize(index + 1, String::new());
                seen.finish.resize(index + 1, None);
            }
            assert_eq!(seen.finish[index], None, "a choice goes on behind its end: {chunk}");
            seen.text[index].push_str(&text(&choice["delta"]["content"]));
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                let entry = calls.entry((index, call["index"].as_u64().unwrap())).or_default();
                for body in ["function", "custom"] {
                    entry.0.push_str(&text(&call[body]["name"]));
                    entry.1.push_str(&text(&call[body]["arguments"]));
                    entry.1.push_str(&text(&call[body]["input"]));
                }
            }
            if choice["delta"]["function_call"].is_object() {
                let entry = calls.entry((index, u64::MAX)).or_default();
                entry.0.push_str(&text(&choice["delta"]["function_call"]["name"]));
                entry.1.push_str(&text(&choice["delta"]["function_call"]["arguments"]));
            }
            seen.finish[index] = choice["finish_reason"].as_str().map(str::to_owned);
        }
    }
    seen.calls = calls.into_values().collect();
    seen
}

fn messages(events: &[(Option<String>, String)]) -> Seen {
    let mut seen = Seen { text: vec![String::new()], ..Seen::default() };
    let mut blocks: Vec<(Value, String)> = Vec::new();
    let mut open: Option<usize> = None;
    let mut ended = false;
    for (name, data) in events {
        let event = json(data);
        assert_eq!(name.as_deref(), event["type"].as_str());
        assert!(!ended, "{event} behind the end");
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(open, None, "{event} within another block");
                assert_eq!(event["index"].as_u64().unwrap() as usize, blocks.len());
                open = Some(blocks.len());
                blocks.push((event["content_block"].clone(), String::new()));
            }
            "content_block_delta" => {
                let (block, partial) = &mut blocks[open.expect("an open block")];
                match event["delta"]["type"].as_str().unwrap() {
                    "text_delta" => {
                        assert_eq!(block["type"], "text");
                        seen.text[0].push_str(&text(&event["delta"]["text"]));
                    }
                    "input_json_delta" => {
                        assert!(block["type"].as_str().unwrap().ends_with("tool_use"));
                        partial.push_str(&text(&event["delta"]["partial_json"]));
                    }
                    other => assert_eq!((other, &block["type"]), ("thinking_delta", &Value::from("thinking"))),
                }
            }
            "content_block_stop" => assert_eq!(open.take(), Some(event["index"].as_u64().unwrap() as usize)),
            "message_delta" => {
                assert_eq!(open, None);
                seen.finish = vec![event["delta"]["stop_reason"].as_str().map(str::to_owned)];
                seen.usage = Some(event["usage"].clone());
            }
            "message_stop" => {
                ended = true;
                seen.mark = event.get("_trustloop").cloned();
            }
            other => assert!(matches!(other, "message_start" | "ping"), "{event}"),
        }
    }
    assert!(ended, "no end");
    let calls = blocks.into_iter().filter(|(block, _)| block["type"] == "tool_use");
    seen.calls = calls.map(|(block, input)| (text(&block["name"]), input)).collect();
    seen
}

fn responses(events: &[(Option<String>, String)]) -> Seen {
    let mut seen = Seen { text: vec![String::new()], ..Seen::default() };
    let mut items: Vec<Value> = Vec::new();
    let mut ended = false;
    for (at, (name, data)) in events.iter().enumerate() {
        let event = json(data);
        assert!(!ended, "{event} behind the end");
        assert_eq!(name.as_deref(), event["type"].as_str());
        assert_eq!(event["sequence_number"].as_u64(), Some(at as u64), "{event}");
        match event["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert_eq!(event["output_index"].as_u64().unwrap() as usize, items.len());
                items.push(Value::Null);
            }
            "response.output_text.delta" => seen.text[0].push_str(&text(&event["delta"])),
            "response.output_item.done" => {
                let item = &mut items[event["output_index"].as_u64().unwrap() as usize];
                assert!(item.is_null(), "{event} again");
                *item = event["item"].clone();
            }
            "response.completed" => {
                ended = true;
                let response = &event["response"];
                seen.finish = vec![response["status"].as_str().map(str::to_owned)];
                seen.usage = Some(response["usage"].clone());
                seen.mark = event.get("_trustloop").cloned();
                assert_eq!(response.get("_trustloop"), event.get("_trustloop"));
                assert_eq!(response["output"].as_array().unwrap(), &items, "the end tells what was sent");
                let parts = items.iter().flat_map(|item| item["content"].as_array().into_iter().flatten());
                let told: String = parts.map(|part| text(&part["text"])).collect();
                assert_eq!(told, seen.text[0]);
            }
            _ => {}
        }
    }
    assert!(ended, "no end");
    let calls = items.iter().filter(|item| item["type"] == "function_call" || item["type"] == "custom_tool_call");
    seen.calls = calls.map(|item| (text(&item["name"]), text(&item["arguments"]) + &text(&item["input"]))).collect();
    seen
}
