//! Answers that come whole.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    super::{annotated, proposed, replaced},
    MESSAGE, META, Proposed, Unreadable, Wire, call,
};

fn of(wire: Wire, body: &Value) -> Result<Vec<Proposed>, Unreadable> {
    proposed(wire, body.to_string().as_bytes())
}

fn chat(messages: &[Value]) -> Value {
    let choice =
        |(index, message): (usize, &Value)| json!({"index": index, "message": message, "finish_reason": "tool_calls"});
    let choices: Vec<Value> = messages.iter().enumerate().map(choice).collect();
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "x_vendor": {"raw": "zzz"}, "choices": choices, "usage": {"total_tokens": 7}})
}

#[test]
fn calls_are_found_in_every_choice_and_every_form() {
    let body = chat(&[
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "read", "arguments": "{\"a\": 1}"}},
            {"id": "2", "type": "custom", "custom": {"name": "sh", "input": "rm -rf"}},
            {"id": "3", "function": {"name": "odd", "arguments": {"a": 1}}},
            {"id": "4", "type": "function", "function": {"name": "bad", "arguments": "{not json"}},
        ]}),
        json!({"role": "assistant", "content": "x", "tool_calls": null, "function_call": {"name": "old", "arguments": ""}}),
        json!({"role": "assistant", "content": "x", "tool_calls": [], "function_call": null}),
    ]);
    let mut old = call("old", "{}");
    old.choice = 1;
    let bad = Proposed { arguments: Err(Unreadable::Arguments), ..call("bad", "") };
    let expected =
        [call("read", "{\"a\": 1}"), call("sh", "{\"input\":\"rm -rf\"}"), call("odd", "{\"a\":1}"), bad, old];
    assert_eq!(of(Wire::Chat, &body).unwrap(), expected);

    let body = json!({"id": "resp_1", "tools": [{"type": "function_call"}], "output": [
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "name": "read", "arguments": "[1]"},
        {"type": "web_search_call", "action": {"type": "search"}},
        {"type": "custom_tool_call", "name": "sh", "input": "ls"},
    ]});
    assert_eq!(
        of(Wire::Responses, &body).unwrap(),
        [call("read", "{\"value\":[1]}"), call("sh", "{\"input\":\"ls\"}")]
    );

    let body = json!({"id": "msg_1", "type": "message", "content": [
        {"type": "text", "text": "x"},
        {"type": "server_tool_use", "name": "web_search", "input": {"q": 1}},
        {"type": "tool_use", "id": "t", "name": "read", "input": {"a": 1, "type": "tool_use"}},
        {"type": "tool_use", "id": "t", "name": "none"},
    ]});
    assert_eq!(
        of(Wire::Messages, &body).unwrap(),
        [call("read", "{\"a\":1,\"type\":\"tool_use\"}"), call("none", "{}")]
    );
}

#[test]
fn an_answer_that_is_not_understood_is_refused() {
    let message = json!({"role": "assistant", "content": "x"});
    let hidden = json!([{"function": {"name": "kill", "arguments": "{}"}}]);
    let with = |name: &str| {
        let mut body = chat(std::slice::from_ref(&message));
        body["choices"][0]["message"][name] = hidden.clone();
        body
    };
    for (wire, body, why) in [
        (Wire::Chat, with("toolCalls"), Unreadable::Misplaced),
        (Wire::Chat, with("TOOL_CALLS"), Unreadable::Misplaced),
        (Wire::Chat, json!({"choices": [{"message": {}, "delta": {"tool_calls": hidden}}]}), Unreadable::Misplaced),
        (Wire::Chat, json!({"choices": [{"text": "x"}]}), Unreadable::Structure),
        (Wire::Chat, json!({"choices": {}}), Unreadable::Structure),
        (Wire::Chat, json!({"output": []}), Unreadable::Structure),
        (Wire::Chat, json!({"choices": [], "_trustloop": {}}), Unreadable::Marked),
        (Wire::Responses, json!({"id": "r"}), Unreadable::Structure),
        (Wire::Responses, json!({"output": {}}), Unreadable::Structure),
        (Wire::Responses, json!({"output": ["x"]}), Unreadable::Structure),
        (Wire::Responses, json!({"output": [], "Output": [{"type": "function_call"}]}), Unreadable::Structure),
        (
            Wire::Responses,
            json!({"output": [{"type": "message", "content": [{"type": "function_call"}]}]}),
            Unreadable::Misplaced,
        ),
        (Wire::Responses, json!({"output": [], "x": [{"type": "function_call"}]}), Unreadable::Misplaced),
        (Wire::Messages, json!({"type": "message"}), Unreadable::Structure),
        (Wire::Messages, json!({"content": "x"}), Unreadable::Structure),
        (Wire::Messages, json!({"content": [{"text": "x"}]}), Unreadable::Structure),
        (Wire::Messages, json!({"content": [{"type": "TOOL_USE"}]}), Unreadable::Structure),
        (Wire::Messages, json!({"content": [], "Content": [{"type": "tool_use"}]}), Unreadable::Structure),
        (Wire::Messages, json!({"content": [], "x": {"type": "tool_use"}}), Unreadable::Misplaced),
    ] {
        assert_eq!(of(wire, &body), Err(why), "{wire:?} {body}");
    }
    for wire in [Wire::Chat, Wire::Responses, Wire::Messages] {
        for body in ["", "[]", "null", "{\"choices\":[],\"choices\":[]}", "{\"a\":\"\\ud800\"}", "<html>"] {
            assert_eq!(proposed(wire, body.as_bytes()), Err(Unreadable::Json), "{body}");
        }
        assert_eq!(proposed(wire, b"{\"a\":\"\xff\"}"), Err(Unreadable::Json));
        assert_eq!(proposed(wire, b"{\"error\":{\"message\":\"x\"}}"), Ok(Vec::new()));
    }
    let many: Vec<Value> = (0..129).map(|_| json!({"type": "tool_use", "name": "x", "input": {}})).collect();
    assert_eq!(of(Wire::Messages, &json!({ "content": many })), Err(Unreadable::TooLarge));
}

#[test]
fn a_call_whose_name_is_no_tool_s_can_only_be_denied() {
    for name in [json!(null), json!(""), json!("x".repeat(257))] {
        let calls = of(Wire::Messages, &json!({"content": [{"type": "tool_use", "name": name, "input": {}}]})).unwrap();
        assert_eq!(calls, [Proposed { name: "unknown".to_owned(), arguments: Err(Unreadable::Name), choice: 0 }]);
    }
}

#[test]
fn the_verdict_is_added_and_no_other_byte_changed() {
    for body in ["{\"a\": {\"b\":1.0}\t}\r\n ", "{}", " { \"z\":[] } "] {
        let out = annotated(&Bytes::from_static(body.as_bytes()), META);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["_trustloop"]["mark"], "verdict");
        let text = String::from_utf8(out.to_vec()).unwrap();
        let member = format!("\"_trustloop\":{META}");
        assert_eq!(text.replace(&format!(",{member}"), "").replace(&member, ""), body);
    }
}

#[test]
fn a_replaced_turn_is_a_sound_answer_with_nothing_of_the_old_one() {
    let call = json!({"id": "1", "type": "function", "function": {"name": "Ψ", "arguments": "{\"Ω\":1}"}});
    let body = chat(&[json!({"role": "assistant", "content": "ΨΩ", "tool_calls": [call]}), json!({"content": "x"})]);
    let bodies = [
        (Wire::Chat, body),
        (
            Wire::Responses,
            json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output_text": "Ω",
            "parallel_tool_calls": true, "usage": {"total_tokens": 7}, "output": [{"type": "function_call", "name": "Ψ", "arguments": "{\"Ω\":1}"}]}),
        ),
        (
            Wire::Messages,
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use", "usage": {"output_tokens": 7},
            "content": [{"type": "text", "text": "Ω"}, {"type": "tool_use", "name": "Ψ", "input": {"Ω": 1}}]}),
        ),
    ];
    for (wire, body) in bodies {
        let out = replaced(wire, body.to_string().as_bytes(), MESSAGE, META);
        assert!(!String::from_utf8_lossy(&out).contains(['Ψ', 'Ω']));
        assert_eq!(proposed(wire, String::from_utf8_lossy(&out).replace("_trustloop", "x").as_bytes()), Ok(Vec::new()));
        insta::assert_json_snapshot!(format!("replaced_{wire:?}"), serde_json::from_slice::<Value>(&out).unwrap());
    }
}
