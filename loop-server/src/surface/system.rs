//! The server itself: health, metrics and documents. Nothing here depends on a tenant's data.

use http::{Method, StatusCode};
use loop_core::base::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Surface;
use crate::http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome};

/// The rows of the surface.
pub static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/",
        operation: "system.about",
        surface: Surface::System,
        access: Access::Public,
        summary: "What this server is and where its documents are",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<About>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(about),
        example: Some(Example { before: &[], id: "", path: "/", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/health",
        operation: "system.health",
        surface: Surface::System,
        access: Access::Public,
        summary: "Whether the server can decide: its store answers",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Health>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(ready(call))),
        example: Some(Example { before: &[], id: "", path: "/health", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/readyz",
        operation: "system.readyz",
        surface: Surface::System,
        access: Access::Public,
        summary: "Whether the server can decide: its store answers",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Health>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(ready(call))),
        example: Some(Example { before: &[], id: "", path: "/readyz", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/livez",
        operation: "system.livez",
        surface: Surface::System,
        access: Access::Public,
        summary: "Whether the process answers at all",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Health>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(|_| Reply::json(&Health { status: "ok", version: VERSION })),
        example: Some(Example { before: &[], id: "", path: "/livez", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/metrics",
        operation: "system.metrics",
        surface: Surface::System,
        access: Access::Public,
        summary: "Counts and latencies by operation, in Prometheus' format",
        query: &[],
        input: None,
        output: Output::Media("text/plain"),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(|call| {
            Ok(Reply::bytes("text/plain; version=0.0.4; charset=utf-8", call.app.metrics.render()))
        }),
        example: Some(Example { before: &[], id: "", path: "/metrics", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/openapi.json",
        operation: "system.openapi",
        surface: Surface::System,
        access: Access::Public,
        summary: "This API as an OpenAPI 3.1 document",
        query: &[],
        input: None,
        output: Output::Json(document),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(openapi),
        example: Some(Example { before: &[], id: "", path: "/openapi.json", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/openapi.json",
        operation: "system.openapi_api",
        surface: Surface::System,
        access: Access::Public,
        summary: "The same document, beside the routes it describes",
        query: &[],
        input: None,
        output: Output::Json(document),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(openapi),
        example: Some(Example { before: &[], id: "", path: "/api/openapi.json", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/docs",
        operation: "system.docs",
        surface: Surface::System,
        access: Access::Public,
        summary: "This API as one readable page",
        query: &[],
        input: None,
        output: Output::Media("text/html"),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(|call| Ok(Reply::page(call.app.documents().page.clone()))),
        example: Some(Example { before: &[], id: "", path: "/docs", body: "" }),
    },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What this server is.
#[derive(Debug, Serialize, JsonSchema)]
struct About {
    /// The product.
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// What it does, in one line.
    about: &'static str,
    /// The readable documents.
    docs: &'static str,
    /// The OpenAPI document.
    openapi: &'static str,
}

/// How the server is.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `ok`; anything else comes as an error.
    status: &'static str,
    /// The server's version.
    version: &'static str,
}

fn about(_: &Call) -> Outcome {
    Reply::json(&About {
        name: "Loop",
        version: VERSION,
        about: "the governance layer for AI agents",
        docs: "/docs",
        openapi: "/openapi.json",
    })
}

async fn ready(call: Call) -> Outcome {
    // What is wrong with the store is for the log: this answer is public.
    call.app.engine.ready().await.map_err(|error| {
        tracing::error!(target: "loop::server", %error, "the store does not answer");
        Failure::new(Code::Unavailable, "the store does not answer").with_status(StatusCode::SERVICE_UNAVAILABLE)
    })?;
    Reply::json(&Health { status: "ok", version: VERSION })
}

fn openapi(call: &Call) -> Outcome {
    Ok(Reply::raw_json(call.app.documents().openapi.clone()))
}

fn document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "required": ["openapi", "info", "paths"] })
}
