//! Loop's own tools: each a row of the REST API, with its scope, its answer and its refusals.

use loop_core::access::{Scope, Scopes};
use serde_json::json;

use super::{ask, call, offered, post, text};
use crate::support::Fixture;

const ALL: [&str; 8] = [
    "intercept",
    "list_rules",
    "create_rule",
    "list_pending_approvals",
    "decide_approval",
    "block_tool",
    "unblock_tool",
    "get_logs",
];

#[tokio::test]
async fn every_revision_that_is_spoken_is_agreed_on_and_any_other_gets_the_newest() {
    let fixture = Fixture::start().await;
    let hello = |revision: &str| json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let result = ask(&fixture, &fixture.key, "initialize", hello(revision)).await;
        assert_eq!(result["protocolVersion"], revision);
        assert!(result["capabilities"]["tools"].is_object() && result["serverInfo"]["name"] == "loop", "{result}");
    }
    for revision in ["2026-07-28", "1999-01-01", "x"] {
        assert_eq!(ask(&fixture, &fixture.key, "initialize", hello(revision)).await["protocolVersion"], "2025-11-25");
    }
    // A newer client asks first and is told what is spoken here.
    let probe = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}"#;
    let headers = [("x-api-key", fixture.key.as_str()), ("mcp-protocol-version", "2026-07-28")];
    let answer = fixture.send("POST", "/mcp", &headers, probe.as_bytes()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("2025-11-25"), "{}", answer.text());
    assert_eq!(post(&fixture, &fixture.key, probe).await.json()["error"]["code"], -32601);
}

#[tokio::test]
async fn a_key_is_offered_the_tools_of_its_scopes_and_refused_all_others() {
    let fixture = Fixture::start().await;
    assert_eq!(offered(&fixture, &fixture.key).await, ALL);
    let needed = [
        (Scope::PolicyEvaluate, "intercept", r#"{"tool_name":"read_file"}"#),
        (Scope::RulesRead, "list_rules", "{}"),
        (Scope::RulesWrite, "create_rule", r#"{"rule_text":"No deletions","action":"block"}"#),
        (Scope::ApprovalsRead, "list_pending_approvals", "{}"),
        (Scope::ApprovalsDecide, "decide_approval", r#"{"approval_id":"x","action":"approve"}"#),
        (Scope::ToolsBlock, "block_tool", r#"{"tool_name":"x"}"#),
        (Scope::ToolsBlock, "unblock_tool", r#"{"tool_name":"x"}"#),
        (Scope::LogsRead, "get_logs", "{}"),
    ];
    for (scope, tool, arguments) in needed {
        let others: Scopes = Scope::ALL.into_iter().filter(|other| !Scopes::from_iter([*other]).has(scope)).collect();
        let key = fixture.key_with(others).await;
        assert!(!offered(&fixture, &key).await.iter().any(|name| name == tool), "{tool} is offered");
        let result = call(&fixture, &key, tool, arguments).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        assert!(text(&result).contains(scope.as_str()), "{tool}: {result}");
        assert!(result.get("structuredContent").is_none(), "{tool}: {result}");
    }
    let blocked = fixture.call("GET", "/api/blocked-tools", &fixture.key, "").await.json();
    assert_eq!(blocked, json!([]), "a refused call did something");
}

#[tokio::test]
async fn a_tool_answers_what_its_row_answers() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    let made =
        call(&fixture, key, "create_rule", r#"{"rule_text":"Any wire transfer over £1,000 needs approval"}"#).await;
    assert_eq!(made["isError"], false);
    assert_eq!(text(&made), made["structuredContent"].to_string());
    let rest = fixture.call("GET", "/api/approval-rules", key, "").await;
    let listed = call(&fixture, key, "list_rules", r#"{"limit":5}"#).await;
    assert_eq!(text(&listed), rest.text());
    assert_eq!(listed["structuredContent"]["result"], rest.json());

    let asked = call(&fixture, key, "intercept", r#"{"tool_name":"wire_transfer","arguments":{"amount":5000}}"#).await;
    assert_eq!((&asked["isError"], &asked["structuredContent"]["status"]), (&json!(false), &json!("PENDING")));
    let id = asked["structuredContent"]["approval_id"].as_str().expect("an approval").to_owned();
    let waiting = call(&fixture, key, "list_pending_approvals", "{}").await;
    assert_eq!(waiting["structuredContent"]["result"][0]["id"], id.as_str());
    let decided =
        call(&fixture, key, "decide_approval", &format!(r#"{{"approval_id":"{id}","action":"approve"}}"#)).await;
    assert_eq!(decided["structuredContent"]["status"], "approved", "{decided}");
    let again = call(&fixture, key, "intercept", r#"{"tool_name":"wire_transfer","arguments":{"amount":5e3}}"#).await;
    assert_eq!(again["structuredContent"]["allowed"], true, "{again}");

    assert_eq!(call(&fixture, key, "block_tool", r#"{"tool_name":"a/b c"}"#).await["isError"], false);
    let killed = call(&fixture, key, "intercept", r#"{"tool_name":"a/b c"}"#).await;
    assert_eq!(killed["structuredContent"]["status"], "BLOCKED");
    let freed = call(&fixture, key, "unblock_tool", r#"{"tool_name":"a/b c"}"#).await;
    assert_eq!(freed["structuredContent"]["tool_name"], "a/b c", "{freed}");
    let log = call(&fixture, key, "get_logs", r#"{"tool_name":"a/b c","status":"BLOCKED","limit":10}"#).await;
    assert_eq!(log["structuredContent"]["result"].as_array().map(Vec::len), Some(1), "{log}");
    let refused = call(&fixture, key, "unblock_tool", r#"{"tool_name":"never blocked"}"#).await;
    assert_eq!(refused["isError"], true);
    assert!(text(&refused).contains("error"), "{refused}");
}

#[tokio::test]
async fn arguments_keep_every_digit_and_no_key_stands_twice() {
    let fixture = Fixture::start().await;
    let exact = r#"{"tool_name":"pay","arguments":{"amount":12345678901234567890.10,"n":9007199254740993}}"#;
    assert_eq!(call(&fixture, &fixture.key, "intercept", exact).await["structuredContent"]["allowed"], true);
    let log = fixture.call("GET", "/api/logs?tool_name=pay", &fixture.key, "").await.text();
    assert!(log.contains("12345678901234567890.10") && log.contains("9007199254740993"), "{log}");
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"intercept","arguments":{"tool_name":"a","tool_name":"b"}}}"#;
    let answer = post(&fixture, &fixture.key, twice).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(-32700)), "{}", answer.text());
}

#[tokio::test]
async fn schemas_say_what_the_rows_take() {
    let fixture = Fixture::start().await;
    let result = ask(&fixture, &fixture.key, "tools/list", json!({})).await;
    let tools = result["tools"].as_array().expect("a list");
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert!(!tool.to_string().contains("$ref"), "{tool}");
    }
    let schema = |name: &str| tools.iter().find(|tool| tool["name"] == name).expect("listed")["inputSchema"].clone();
    for argument in ["tool_name", "arguments", "agent_name", "reason"] {
        assert!(schema("intercept")["properties"][argument].is_object(), "{argument}");
    }
    assert_eq!(schema("intercept")["required"], json!(["tool_name"]));
    assert!(schema("decide_approval")["required"].as_array().expect("a list").contains(&json!("approval_id")));
    assert!(schema("get_logs")["properties"]["since"].is_object());
}

#[tokio::test]
async fn what_wants_no_answer_gets_an_empty_one_and_nonsense_a_refusal() {
    let fixture = Fixture::start().await;
    let send = async |message: &str| post(&fixture, &fixture.key, message).await;
    let noted = send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!((noted.status, noted.body.len()), (202, 0));
    assert_eq!(
        send(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#).await.text(),
        r#"{"jsonrpc":"2.0","id":"a","result":{}}"#
    );
    let batch =
        send(r#"[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":1,"method":"ping"},7]"#).await;
    assert_eq!(batch.json().as_array().map(Vec::len), Some(2), "{}", batch.text());
    for (message, status, code) in [
        ("{", 400, -32700),
        ("[]", 400, -32600),
        ("7", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nothing/known"}"#, 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such_tool"}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nobody__tool"}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"intercept","arguments":[]}}"#, 200, -32602),
    ] {
        let answer = send(message).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_i64()),
            (status, Some(code)),
            "{message}: {}",
            answer.text()
        );
    }
    let many = format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#; 33].join(","));
    assert_eq!(send(&many).await.status, 400);
    assert_eq!(fixture.call("GET", "/mcp", &fixture.key, "").await.status, 405);
}

#[tokio::test]
async fn a_forward_that_would_carry_our_own_key_outside_is_not_sent() {
    let fixture = Fixture::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let forward = json!({ "url": format!("http://{address}/"), "headers": { "x-note": fixture.key } });
    let arguments = json!({ "tool_name": "read_file", "forward_to": forward }).to_string();
    let result = call(&fixture, &fixture.key, "intercept", &arguments).await;
    let told = &result["structuredContent"];
    assert_eq!((&told["allowed"], &told["forward_error"]), (&json!(true), &json!("the request holds a Loop key")));
    let came = tokio::select! {
        biased;
        _ = listener.accept() => true,
        () = std::future::ready(()) => false,
    };
    assert!(!came, "somebody was connected to");
}
