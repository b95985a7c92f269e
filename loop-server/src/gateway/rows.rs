//! The routes of the proxy.

use http::Method;
use loop_core::access::Scope;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::models;
use crate::{
    http::{Access, BODY_LIMIT, Handler, Output, Row},
    surface::Surface,
};

/// Bodies of requests carry documents and pictures.
const REQUEST_LIMIT: usize = 32 << 20;

/// The rows of the proxy.
pub static ROWS: &[Row] = &[{
    let handler = Handler::Later(|call| Box::pin(models::list(call)));
    let mut row = row(Method::GET, "/v1/models", "proxy.models", Surface::OpenAi, handler);
    row.summary = "The upstream's models; Anthropic's with an `anthropic-version` header";
    row.body_limit = BODY_LIMIT;
    row
}];

/// A row of the proxy. Its body and its answer are the provider's to describe.
const fn row(method: Method, path: &'static str, operation: &'static str, surface: Surface, handler: Handler) -> Row {
    Row {
        method,
        path,
        operation,
        surface,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary: "",
        query: &[],
        input: None,
        output: Output::Json(anything),
        success: &[200],
        body_limit: REQUEST_LIMIT,
        handler,
        example: None,
    }
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}
