//! `/v1/signup/upgrade`: making a project permanent.

use http::Method;
use loop_core::{
    access::Scope,
    base::{TenantId, Time},
    onboarding::{OnboardingError, keep},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{scope::context, shown::refused};
use crate::{
    http::{Access, Call, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/v1/signup/upgrade",
    operation: "telemetry_project.upgrade",
    surface: Surface::Telemetry,
    access: Access::Scope(Scope::RunsWrite),
    summary: "Make the project of an agent's key permanent, by a code that the operator of the server gives out",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Principal>),
    success: &[200],
    body_limit: 16 << 10,
    handler: Handler::Later(|call| Box::pin(upgrade(call))),
    example: None,
}];

/// A code. Keys in the body are not looked at: the key that is presented tells the project.
#[derive(Debug, Deserialize, JsonSchema)]
struct Input {
    /// HMAC-SHA256 of `signup-upgrade:sandbox:` and the project's id, in hexadecimal.
    code: String,
}

/// Who the key speaks for now.
#[derive(Debug, Serialize, JsonSchema)]
struct Principal {
    /// Always true: a refusal is an error.
    ok: bool,
    /// The project.
    project_id: String,
    /// The tenant it belongs to.
    tenant_id: TenantId,
    /// What the key may do.
    scopes: Vec<&'static str>,
    /// How many spans the project may send in all, as before; null for any number.
    quota_spans: Option<u64>,
    /// Null: it is permanent.
    expires_at: Option<Time>,
}

async fn upgrade(call: Call) -> Outcome {
    let input: Input = call.json()?;
    let settings = &call.app.config.onboarding;
    let caller = call.caller()?;
    if caller.tenant != settings.sandbox {
        return Err(refused(&OnboardingError::UpgradeCode));
    }
    let scopes = caller.scopes.iter().map(Scope::as_str).collect();
    let secret = settings.secret.clone();
    let upgraded = call.app.engine.write(context(&call)?, "telemetry_project.upgrade", move |tx, cx| {
        keep::upgrade(tx, cx, secret.as_ref(), &input.code)
    });
    let project = upgraded.await.map_err(|error| refused(&error))?;
    Reply::json(&Principal {
        ok: true,
        project_id: project.id.to_string(),
        tenant_id: project.tenant,
        scopes,
        quota_spans: project.quota_spans,
        expires_at: project.expires_at,
    })
}
