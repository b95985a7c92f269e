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

const SCOPE: Access = Access::Scope(Scope::PolicyEvaluate);

/// The rows of the proxy and of MCP.
pub static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/v1/chat/completions",
        operation: "proxy.chat",
        surface: Surface::OpenAi,
        access: SCOPE,
        summary: "Chat completion through the proxy, every tool call decided",
        query: &[],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: PROXY_BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/v1/responses",
        operation: "proxy.responses",
        surface: Surface::OpenAi,
        access: SCOPE,
        summary: "Model response through the proxy, every tool call decided",
        query: &[],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: PROXY_BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/v1/models",
        operation: "proxy.models",
        surface: Surface::OpenAi,
        access: SCOPE,
        summary: "The upstream's models",
        query: &[],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/v1/messages",
        operation: "proxy.messages",
        surface: Surface::Anthropic,
        access: SCOPE,
        summary: "Message through the proxy, every tool call decided",
        query: &[],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: PROXY_BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/sse",
        operation: "mcp.sse",
        surface: Surface::Mcp,
        access: SCOPE,
        summary: "MCP over HTTP and server-sent events",
        query: &[API_KEY],
        input: None,
        output: Output::Media("text/event-stream"),
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/sse/message",
        operation: "mcp.message",
        surface: Surface::Mcp,
        access: SCOPE,
        summary: "A message of an MCP session opened at /sse",
        query: &[API_KEY],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/mcp",
        operation: "mcp.call",
        surface: Surface::Mcp,
        access: SCOPE,
        summary: "MCP over streamable HTTP",
        query: &[API_KEY],
        input: None,
        output: Output::Json(anything),
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/mcp",
        operation: "mcp.listen",
        surface: Surface::Mcp,
        access: SCOPE,
        summary: "The server's side of an MCP session",
        query: &[API_KEY],
        input: None,
        output: Output::Media("text/event-stream"),
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    },
];

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

fn not_built(call: &Call) -> Outcome {
    Err(Failure::new(Code::NotImplemented, format!("`{}` is not built yet", call.row.operation)))
}
