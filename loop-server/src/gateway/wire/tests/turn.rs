//! Turns as models make them, and their rendering in each form.
//!
//! Names hold a letter (`Ψ`) and arguments one (`Ω`) that nothing else in a stream has: one byte of either in what a
//! client gets shows.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Proposed, Wire};

#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub choices: Vec<Choice>,
    pub usage: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub text: Vec<String>,
    pub calls: Vec<Call>,
    /// The legacy form, in chat.
    pub legacy: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub name: String,
    pub text: String,
    pub custom: bool,
    /// How many letters a fragment has.
    pub step: usize,
}

pub(super) fn turns(choices: usize) -> impl Strategy<Value = Turn> {
    (prop::collection::vec(choice(), 1..=choices), any::<bool>()).prop_map(|(choices, usage)| Turn { choices, usage })
}

fn choice() -> impl Strategy<Value = Choice> {
    let word = prop::sample::select(vec!["let me", " \"look\"", "\n", " caf\u{e9} \u{1f980}", "data: [DONE]\n\n", ""]);
    (
        prop::collection::vec(word.prop_map(str::to_owned), 0..4),
        prop::collection::vec(call(), 0..4),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(text, calls, legacy)| Choice { text, calls, legacy })
}

fn call() -> impl Strategy<Value = Call> {
    let text = prop::sample::select(vec![
        "{}",
        "{\"Ω\":\"ΩΩΩ\"}",
        "{\"ΩΩ\": [\"ΩΩΩΩΩΩ\", {\"Ω\":null}]}",
        "{\"Ω\":\"}\\n\\nΩ\"}",
    ]);
    ("Ψ[a-z]{0,3}", text, any::<bool>(), 1_usize..9).prop_map(|(name, text, custom, step)| Call {
        name,
        text: text.to_owned(),
        custom,
        step,
    })
}

impl Call {
    fn pieces(&self) -> Vec<String> {
        let letters: Vec<char> = self.text.chars().collect();
        letters.chunks(self.step).map(|piece| piece.iter().collect()).collect()
    }

    fn proposed(&self, custom: bool, choice: usize) -> Proposed {
        let arguments = if custom { json!({ "input": self.text }).to_string() } else { self.text.clone() };
        Proposed { name: self.name.clone(), arguments: Ok(arguments), choice: u32::try_from(choice).unwrap() }
    }
}

impl Turn {
    /// The calls that must be found, in any order.
    pub(super) fn proposed(&self, wire: Wire) -> Vec<Proposed> {
        let choices = self.choices.iter().enumerate();
        let calls = choices.flat_map(|(index, choice)| {
            let legacy = choice.legacy && wire == Wire::Chat;
            let calls = choice.calls.iter().take(if legacy { 1 } else { usize::MAX });
            calls.map(move |call| call.proposed(call.custom && !legacy && wire != Wire::Messages, index))
        });
        calls.collect()
    }

    pub(super) fn text(&self) -> Vec<String> {
        self.choices.iter().map(|choice| choice.text.concat()).collect()
    }

    /// The events: a name, where the form has names, and the data. `order` mixes the choices.
    pub(super) fn events(&self, wire: Wire, order: &[prop::sample::Index]) -> Vec<(Option<String>, String)> {
        match wire {
            Wire::Chat => self.chat(order),
            Wire::Responses => named(self.responses(), true),
            Wire::Messages => named(self.messages(), false),
        }
    }

    fn chat(&self, order: &[prop::sample::Index]) -> Vec<(Option<String>, String)> {
        let chunk = |choices: Value| json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "system_fingerprint": null, "choices": choices});
        let mut lines: Vec<(usize, VecDeque<Value>)> = Vec::new();
        for (index, choice) in self.choices.iter().enumerate() {
            let delta = |delta: Value, finish: Value| {
                chunk(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]))
            };
            let mut line = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
            line.extend(
                choice.text.iter().map(|text| delta(json!({"content": text, "tool_calls": null}), Value::Null)),
            );
            for (at, call) in choice.calls.iter().enumerate().take(if choice.legacy { 1 } else { usize::MAX }) {
                if choice.legacy {
                    line.push(delta(json!({"function_call": {"name": call.name, "arguments": ""}}), Value::Null));
                    line.extend(
                        call.pieces()
                            .iter()
                            .map(|piece| delta(json!({"function_call": {"arguments": piece}}), Value::Null)),
                    );
                    continue;
                }
                let (kind, key) = if call.custom { ("custom", "input") } else { ("function", "arguments") };
                line.push(delta(json!({"tool_calls": [{"index": at, "id": format!("call_{at}"), "type": kind, kind: {"name": call.name, key: ""}}]}), Value::Null));
                line.extend(
                    call.pieces()
                        .iter()
                        .map(|piece| delta(json!({"tool_calls": [{"index": at, kind: {key: piece}}]}), Value::Null)),
                );
            }
            let finish = if choice.calls.is_empty() { "stop" } else { "tool_calls" };
            line.push(delta(json!({}), json!(finish)));
            lines.push((lines.len(), VecDeque::from(line)));
        }
        let mut order = order.iter().cycle();
        let (mut events, mut begun) = (Vec::new(), 0);
        while !lines.is_empty() {
            // They go on in any order, but begin in that of their indexes.
            let open = lines.iter().filter(|(index, _)| *index <= begun).count();
            let at = order.next().map_or(0, |index| index.index(open));
            begun = begun.max(lines[at].0 + 1);
            events.extend(lines[at].1.pop_front());
            lines.retain(|(_, line)| !line.is_empty());
        }
        if self.usage {
            let mut last = chunk(json!([]));
            last["usage"] = json!({"total_tokens": 7});
            events.push(last);
        }
        let data = events.into_iter().map(|event| (None, event.to_string()));
        data.chain([(None, "[DONE]".to_owned())]).collect()
    }

    fn messages(&self) -> Vec<Value> {
        let choice = &self.choices[0];
        let mut events = vec![
            json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 3, "output_tokens": 1}}}),
            json!({"type": "ping"}),
        ];
        let mut blocks = Vec::new();
        if !choice.text.is_empty() {
            let deltas = choice.text.iter().map(|text| json!({"type": "text_delta", "text": text})).collect();
            blocks.push((json!({"type": "text", "text": ""}), deltas));
        }
        for (at, call) in choice.calls.iter().enumerate() {
            let deltas =
                call.pieces().iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect();
            blocks.push((
                json!({"type": "tool_use", "id": format!("toolu_{at}"), "name": call.name, "input": {}}),
                deltas,
            ));
        }
        for (index, (start, deltas)) in blocks.into_iter().enumerate() {
            let deltas: Vec<Value> = deltas;
            events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
            events.extend(
                deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
            );
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        let reason = if choice.calls.is_empty() { "end_turn" } else { "tool_use" };
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}}));
        events.push(json!({"type": "message_stop"}));
        events
    }

    fn responses(&self) -> Vec<Value> {
        let choice = &self.choices[0];
        let response = |status: &str, output: &[Value]| json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m", "output": output, "parallel_tool_calls": true, "tools": [{"type": "function", "name": "x"}], "usage": if status == "completed" { json!({"total_tokens": 7}) } else { Value::Null }});
        let mut events = vec![
            json!({"type": "response.created", "response": response("in_progress", &[])}),
            json!({"type": "response.in_progress", "response": response("in_progress", &[])}),
        ];
        let mut output: Vec<Value> = Vec::new();
        if !choice.text.is_empty() {
            let text = choice.text.concat();
            let item = |status: &str, content: Value| json!({"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": content});
            let part = |text: &str| json!({"type": "output_text", "annotations": [], "text": text});
            events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([]))}));
            events.push(json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part("")}));
            events.extend(choice.text.iter().map(|piece| json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": piece})));
            events.push(json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": text}));
            events.push(json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part(&text)}));
            let whole = item("completed", json!([part(&text)]));
            events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": whole}));
            output.push(whole);
        }
        for (at, call) in choice.calls.iter().enumerate() {
            let index = output.len();
            let id = format!("fc_{at}");
            let (kind, key, piece) = if call.custom {
                ("custom_tool_call", "input", "response.custom_tool_call_input")
            } else {
                ("function_call", "arguments", "response.function_call_arguments")
            };
            let item = |status: &str, text: &str| json!({"id": id, "type": kind, "status": status, "call_id": format!("call_{at}"), "name": call.name, key: text});
            events.push(
                json!({"type": "response.output_item.added", "output_index": index, "item": item("in_progress", "")}),
            );
            events.extend(call.pieces().iter().map(
                |text| json!({"type": format!("{piece}.delta"), "item_id": id, "output_index": index, "delta": text}),
            ));
            events.push(json!({"type": format!("{piece}.done"), "item_id": id, "output_index": index, key: call.text}));
            events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item("completed", &call.text)}));
            output.push(item("completed", &call.text));
        }
        events.push(json!({"type": "response.completed", "response": response("completed", &output)}));
        events
    }
}

fn named(events: Vec<Value>, numbered: bool) -> Vec<(Option<String>, String)> {
    let name = |(number, mut event): (usize, Value)| {
        if numbered {
            event["sequence_number"] = json!(number);
        }
        (event["type"].as_str().map(str::to_owned), event.to_string())
    };
    events.into_iter().enumerate().map(name).collect()
}
