//! The routes of MCP, and its current transport: one request, one answer, no session.

use http::{HeaderName, Method, StatusCode};
use rmcp::model::{ErrorData, ProtocolVersion};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{
    rpc,
    serve::{self, Client},
    sse,
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Param, Reply, Row, table::Outcome},
    surface::Surface,
};

const API_KEY: Param = Param { name: "api_key", kind: "string", about: "the key, for clients that cannot set headers" };
const SESSION: Param =
    Param { name: sse::SESSION, kind: "string", about: "the id that the first event of `/sse` names" };
/// The revision that a client agreed on.
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The rows of MCP.
pub static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/mcp",
        operation: "mcp.call",
        surface: Surface::Mcp,
        // Every tool has the scope of the row that carries it out.
        access: Access::Key,
        summary: "MCP over streamable HTTP",
        query: &[API_KEY],
        input: None,
        output: Output::Json(message),
        success: &[200, 202],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(post(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/sse",
        operation: "mcp.listen",
        surface: Surface::Mcp,
        access: Access::Key,
        summary: "Open an MCP session over HTTP and server-sent events",
        query: &[API_KEY],
        input: None,
        output: Output::Media(sse::EVENTS),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(sse::listen(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/sse/message",
        operation: "mcp.message",
        surface: Surface::Mcp,
        access: Access::Code,
        summary: "A message of an MCP session; its answer is an event of the session's stream",
        query: &[SESSION],
        input: None,
        output: Output::Json(message),
        success: &[202],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(sse::message(call))),
        example: None,
    },
];

fn message(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "description": "a JSON-RPC message" })
}

async fn post(call: Call) -> Outcome {
    let refused = |body: String| Ok(Reply::raw_json(body).with_status(StatusCode::BAD_REQUEST));
    if let Some(revision) = call.headers.get(&REVISION) {
        let revision = revision.to_str().unwrap_or_default();
        if !serve::revisions().iter().any(|known| known.as_str() == revision) {
            let wanted = ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == revision);
            let error = match wanted {
                Some(wanted) => ErrorData::unsupported_protocol_version(wanted.clone(), serve::revisions()),
                None => ErrorData::invalid_request("the `mcp-protocol-version` is not spoken here", None),
            };
            return refused(rpc::refusal(None, &error));
        }
    }
    let (caller, key) = (call.caller()?.clone(), call.presented_key());
    let Call { app, body, request_id, now, .. } = call;
    let work = app.mcp.works().begin(caller.key)?;
    let client = Client { app, caller, key, request_id, now };
    // A client that hangs up must not stop a call half way, nor the entry that tells how it ended.
    let answer = tokio::spawn(async move {
        let answer = serve::body(&client, &body).await;
        drop(work);
        answer
    });
    match answer.await.map_err(|_| Failure::internal("a message broke off"))? {
        Ok(Some(answer)) => Ok(Reply::raw_json(answer)),
        Ok(None) => Ok(Reply::nothing().with_status(StatusCode::ACCEPTED)),
        Err(refusal) => refused(refusal),
    }
}
