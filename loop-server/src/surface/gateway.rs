//! MCP. The routes stand behind their keys from the start; until their handlers are built they say so.

use http::Method;
use loop_core::{access::Scope, base::Code};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::Surface;
use crate::http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Param, Row, table::Outcome};

const API_KEY: Param = Param { name: "api_key", kind: "string", about: "the key, for clients that cannot set headers" };

/// The rows of MCP.
pub static ROWS: &[Row] = &[
    mcp(Method::GET, "/sse", "mcp.sse", "MCP over HTTP and server-sent events", EVENTS),
    mcp(Method::POST, "/sse/message", "mcp.message", "A message of an MCP session opened at /sse", JSON),
    mcp(Method::POST, "/mcp", "mcp.call", "MCP over streamable HTTP", JSON),
    mcp(Method::GET, "/mcp", "mcp.listen", "The server's side of an MCP session", EVENTS),
];

const JSON: Output = Output::Json(anything);
const EVENTS: Output = Output::Media("text/event-stream");

/// A row of MCP.
const fn mcp(
    method: Method,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    output: Output,
) -> Row {
    Row {
        method,
        path,
        operation,
        surface: Surface::Mcp,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary,
        query: &[API_KEY],
        input: None,
        output,
        success: &[501],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(not_built),
        example: None,
    }
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

fn not_built(call: &Call) -> Outcome {
    Err(Failure::new(Code::NotImplemented, format!("`{}` is not built yet", call.row.operation)))
}
