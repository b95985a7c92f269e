//! The server itself: health, metrics and documents. Nothing here depends on a tenant's data.

use http::{Method, StatusCode};
use loop_core::base::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Surface;
use crate::http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome};

/// The rows of the surface.
pub static ROWS: &[Row] = &[
    page(
        "/",
        "system.about",
        "What this server is and where its documents are",
        Output::Json(schema_of::<About>),
        Handler::Now(about),
    ),
    page(
        "/health",
        "system.health",
        "Whether the server can decide: its store answers",
        Output::Json(schema_of::<Health>),
        Handler::Later(|call| Box::pin(ready(call))),
    ),
    page(
        "/readyz",
        "system.readyz",
        "Whether the server can decide: its store answers",
        Output::Json(schema_of::<Health>),
        Handler::Later(|call| Box::pin(ready(call))),
    ),
    page(
        "/livez",
        "system.livez",
        "Whether the process answers at all",
        Output::Json(schema_of::<Health>),
        Handler::Now(|_| Reply::json(&Health { ok: true, status: "ok", version: VERSION })),
    ),
    page(
        "/metrics",
        "system.metrics",
        "Counts and latencies by operation, in Prometheus' format",
        Output::Media("text/plain"),
        Handler::Now(|call| Ok(Reply::bytes("text/plain; version=0.0.4; charset=utf-8", call.app.metrics.render()))),
    ),
    page(
        "/openapi.json",
        "system.openapi",
        "This API as an OpenAPI 3.1 document",
        Output::Json(document),
        Handler::Now(openapi),
    ),
    page(
        "/api/openapi.json",
        "system.openapi_api",
        "The same document, beside the routes it describes",
        Output::Json(document),
        Handler::Now(openapi),
    ),
    page(
        "/docs",
        "system.docs",
        "This API as one readable page",
        Output::Media("text/html"),
        Handler::Now(|call| Ok(Reply::page(call.app.documents().page.clone()))),
    ),
];

/// A row that anyone may read.
const fn page(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    output: Output,
    handler: Handler,
) -> Row {
    Row {
        method: Method::GET,
        path,
        operation,
        surface: Surface::System,
        access: Access::Public,
        summary,
        query: &[],
        input: None,
        output,
        success: &[200],
        body_limit: BODY_LIMIT,
        handler,
        example: Some(Example { before: &[], id: "", path, body: "" }),
    }
}

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
    /// Always true; anything else comes as an error.
    ok: bool,
    /// `ok`, for clients that look here.
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
    Reply::json(&Health { ok: true, status: "ok", version: VERSION })
}

fn openapi(call: &Call) -> Outcome {
    Ok(Reply::raw_json(call.app.documents().openapi.clone()))
}

fn document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "required": ["openapi", "info", "paths"] })
}
