//! The proxy before language models, and MCP. The routes stand behind their keys from the start; until their
//! handlers are built they say so.

use http::Method;
use loop_core::{access::Scope, base::Code};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::Surface;
use crate::http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Param, Row, table::Outcome};

/// Bodies of chat requests carry documents and pictures.
const PROXY_BODY_LIMIT: usize = 32 << 20;

const API_KEY: Param = Param { name: "api_key", kind: "string", about: "the key, for clients that cannot set headers" };

/// The rows of the proxy and of MCP.
pub static ROWS: &[Row] = &[
    proxy(
        Method::POST,
        "/v1/chat/completions",
        "proxy.chat",
        Surface::OpenAi,
        "Chat completion through the proxy, every tool call decided",
    ),
    proxy(
        Method::POST,
        "/v1/responses",
        "proxy.responses",
        Surface::OpenAi,
        "Model response through the proxy, every tool call decided",
    ),
    {
        let mut row = proxy(Method::GET, "/v1/models", "proxy.models", Surface::OpenAi, "The upstream's models");
        row.body_limit = BODY_LIMIT;
        row
    },
    proxy(
        Method::POST,
        "/v1/messages",
        "proxy.messages",
        Surface::Anthropic,
        "Message through the proxy, every tool call decided",
    ),
    mcp(Method::GET, "/sse", "mcp.sse", "MCP over HTTP and server-sent events", EVENTS),
    mcp(Method::POST, "/sse/message", "mcp.message", "A message of an MCP session opened at /sse", JSON),
    mcp(Method::POST, "/mcp", "mcp.call", "MCP over streamable HTTP", JSON),
    mcp(Method::GET, "/mcp", "mcp.listen", "The server's side of an MCP session", EVENTS),
];

const JSON: Output = Output::Json(anything);
const EVENTS: Output = Output::Media("text/event-stream");

/// A row of the proxy.
const fn proxy(
    method: Method,
    path: &'static str,
    operation: &'static str,
    surface: Surface,
    summary: &'static str,
) -> Row {
    Row {
        method,
        path,
        operation,
        surface,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary,
        query: &[],
        input: None,
        output: JSON,
        success: &[501],
        body_limit: PROXY_BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    }
}

/// A row of MCP.
const fn mcp(
    method: Method,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    output: Output,
) -> Row {
    let mut row = proxy(method, path, operation, Surface::Mcp, summary);
    row.query = &[API_KEY];
    row.output = output;
    row.body_limit = BODY_LIMIT;
    row
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

fn not_built(call: &Call) -> Outcome {
    Err(Failure::new(Code::NotImplemented, format!("`{}` is not built yet", call.row.operation)))
}
