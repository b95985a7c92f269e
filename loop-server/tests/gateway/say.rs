//! What the model says in these tests, in OpenAI's words.

use serde_json::{Value, json};

/// A chat completion that calls these tools, or says a text when there are none.
pub fn completion(calls: &[(&str, Value)]) -> String {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(at, (name, arguments))| {
            let function = json!({ "name": name, "arguments": arguments.to_string() });
            json!({ "id": format!("call_{at}"), "type": "function", "function": function })
        })
        .collect();
    let (message, finish) = if calls.is_empty() {
        (json!({ "role": "assistant", "content": "hello" }), "stop")
    } else {
        (json!({ "role": "assistant", "content": null, "tool_calls": calls }), "tool_calls")
    };
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7 },
    })
    .to_string()
}

/// A chunk of a stream.
pub fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    let chunk = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    });
    format!("data: {chunk}\n\n")
}

/// A chunk of text.
pub fn text(text: &str) -> String {
    chunk(&json!({ "content": text }), None)
}

/// The chunks of one call, its arguments in fragments.
pub fn call(name: &str, arguments: &str) -> Vec<String> {
    let function = json!({ "name": name, "arguments": "" });
    let begin = json!({ "tool_calls": [{ "index": 0, "id": "call_0", "type": "function", "function": function }] });
    let mut chunks = vec![chunk(&begin, None)];
    for piece in arguments.as_bytes().chunks(4) {
        let fragment = json!({ "arguments": String::from_utf8_lossy(piece) });
        chunks.push(chunk(&json!({ "tool_calls": [{ "index": 0, "function": fragment }] }), None));
    }
    chunks
}

/// The end of a stream.
pub fn end(finish: &str) -> String {
    chunk(&json!({}), Some(finish)) + "data: [DONE]\n\n"
}

/// A whole stream that calls one tool.
pub fn stream(name: &str, arguments: &str) -> String {
    call(name, arguments).concat() + &end("tool_calls")
}

/// What a client makes of a stream: its text, its calls' argument bytes, how it finished, and the verdict.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    pub text: String,
    pub names: Vec<String>,
    pub arguments: String,
    pub finish: Option<String>,
    pub verdict: Value,
    pub done: bool,
}

/// Reads a stream as a client does.
pub fn heard(stream: &str) -> Heard {
    let mut heard = Heard::default();
    for data in stream.split("\n\n").filter_map(|event| event.strip_prefix("data: ")) {
        assert!(!heard.done, "nothing follows the end");
        if data == "[DONE]" {
            heard.done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data).expect("a chunk");
        if let Some(verdict) = chunk.get("_trustloop") {
            heard.verdict = verdict.clone();
        }
        for choice in chunk["choices"].as_array().expect("choices") {
            let delta = &choice["delta"];
            heard.text.push_str(delta["content"].as_str().unwrap_or_default());
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                heard.names.extend(call["function"]["name"].as_str().map(str::to_owned));
                heard.arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
            if let Some(finish) = choice["finish_reason"].as_str() {
                heard.finish = Some(finish.to_owned());
            }
        }
    }
    heard
}
