//! MCP: Loop's own tools over both transports, and the tools of other servers behind its decisions.

mod child;
mod client;
mod definitions;
mod ends;
mod fake;
mod gateway;
mod own_tools;
mod process;
mod sessions;

use serde_json::{Value, json};

use crate::support::{Answer, Fixture};

/// Posts a message as it is to `/mcp`.
async fn post(fixture: &Fixture, key: &str, message: &str) -> Answer {
    fixture.call("POST", "/mcp", key, message).await
}

/// Asks for something and answers the result.
async fn ask(fixture: &Fixture, key: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let answer = post(fixture, key, &message.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)), "{answer}");
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// Calls a tool with these arguments, as JSON text, and answers the result.
async fn call(fixture: &Fixture, key: &str, tool: &str, arguments: &str) -> Value {
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    let message = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#);
    let answer = post(fixture, key, &message).await.json();
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// The text of a result.
fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {result}")).to_owned()
}

/// The names of the tools that a key is offered.
async fn offered(fixture: &Fixture, key: &str) -> Vec<String> {
    let result = ask(fixture, key, "tools/list", json!({})).await;
    let tools = result["tools"].as_array().expect("a list");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}
