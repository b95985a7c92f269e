//! Rules, approvals, kill switch, log and settings.

use http::Method;
use loop_core::access::Scope;
use schemars::JsonSchema;
use serde::Serialize;

use super::Surface;
use crate::http::{Access, BODY_LIMIT, Call, Example, Handler, Output, Reply, Row, schema_of, table::Outcome};

/// The rows of the surface.
pub static ROWS: &[Row] = &[Row {
    method: Method::GET,
    path: "/api/key",
    operation: "key.show",
    surface: Surface::Governance,
    access: Access::Scope(Scope::PolicyEvaluate),
    summary: "The calling key: its tenant, name and scopes",
    query: &[],
    input: None,
    output: Output::Json(schema_of::<KeyShown>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Now(show_key),
    example: Some(Example { before: &[], id: "", path: "/api/key", body: "" }),
}];

/// The calling key.
#[derive(Debug, Serialize, JsonSchema)]
struct KeyShown {
    /// Whose it is.
    tenant: String,
    /// Its name.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
}

fn show_key(call: &Call) -> Outcome {
    let caller = call.caller()?;
    Reply::json(&KeyShown {
        tenant: caller.tenant.as_str().to_owned(),
        name: caller.name.to_string(),
        scopes: caller.scopes.iter().map(Scope::as_str).collect(),
    })
}
