//! The routes of the proxy.

use http::Method;
use loop_core::access::Scope;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{models, proxy};
use crate::{
    http::{Access, BODY_LIMIT, Handler, Output, Row},
    surface::Surface,
};

/// Bodies of requests carry documents and pictures.
const REQUEST_LIMIT: usize = 32 << 20;

/// The rows of the proxy.
pub static ROWS: &[Row] = &[
    Row {
        path: "/v1/chat/completions",
        operation: "proxy.chat",
        summary: "Chat completion through the proxy, every tool call decided",
        handler: Handler::Later(|call| Box::pin(proxy::chat(call))),
        ..TURN
    },
    Row {
        path: "/v1/responses",
        operation: "proxy.responses",
        summary: "Model response through the proxy, every tool call decided",
        handler: Handler::Later(|call| Box::pin(proxy::responses(call))),
        ..TURN
    },
    Row {
        path: "/v1/messages",
        operation: "proxy.messages",
        surface: Surface::Anthropic,
        summary: "Message through the proxy, every tool call decided",
        handler: Handler::Later(|call| Box::pin(proxy::messages(call))),
        ..TURN
    },
    Row {
        method: Method::GET,
        path: "/v1/models",
        operation: "proxy.models",
        summary: "The upstream's models; Anthropic's with an `anthropic-version` header",
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(models::list(call))),
        ..TURN
    },
];

/// What the rows share. A body and its answer are the provider's to describe.
const TURN: Row = Row {
    method: Method::POST,
    path: "/v1/chat/completions",
    operation: "proxy.chat",
    surface: Surface::OpenAi,
    access: Access::Scope(Scope::PolicyEvaluate),
    summary: "",
    query: &[],
    input: None,
    output: Output::Json(anything),
    success: &[200],
    body_limit: REQUEST_LIMIT,
    handler: Handler::Later(|call| Box::pin(proxy::chat(call))),
    example: None,
};

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}
