//! `POST /api/signup`: a tenant of one's own, where the operator allows it.

use std::{num::NonZeroU32, sync::LazyLock};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{Method, StatusCode};
use loop_core::{
    access::{
        AccessError, Caller, Ctx,
        tenant::{self, SignUp},
    },
    audit::{self, Event},
    base::{Code, TenantId},
    prompt,
    store::Lane,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intercept::no_entropy;
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// Tenants that this process makes, per minute.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

static LIMIT: LazyLock<DefaultDirectRateLimiter> = LazyLock::new(|| RateLimiter::direct(Quota::per_minute(PER_MINUTE)));

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/signup",
    operation: "tenant.sign_up",
    surface: Surface::Governance,
    access: Access::Public,
    summary: "Make an isolated tenant and its first key; only where the operator allows it",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Made>),
    success: &[201],
    body_limit: 16 << 10,
    handler: Handler::Later(|call| Box::pin(sign_up(call))),
    example: Some(Example { before: &[], id: "", path: "/api/signup", body: r#"{"email":"jane@example.com"}"# }),
}];

/// Who signs up.
#[derive(Debug, Deserialize, JsonSchema)]
struct Input {
    /// An e-mail address.
    email: String,
    /// The person's name.
    name: Option<String>,
    /// The company's name.
    company: Option<String>,
}

/// A new tenant.
#[derive(Serialize, JsonSchema)]
struct Made {
    /// Its id.
    tenant_id: TenantId,
    /// Its first key, which holds every scope. It is shown this once.
    api_key: String,
}

async fn sign_up(call: Call) -> Outcome {
    if !call.app.config.allow_signup {
        return Err(Failure::not_found("signing up is switched off here"));
    }
    let input: Input = call.json()?;
    if LIMIT.check().is_err() {
        return Err(Failure::new(Code::RateLimited, "too many new tenants, try again in a minute").retry_after(60));
    }
    let wanted = SignUp { email: input.email, name: input.name, company: input.company };
    let (now, seed) = (call.app.engine.now(), call.app.engine.seed().map_err(no_entropy)?);
    let directory = TenantId::directory();
    let made = call.app.engine.write_as_system(&directory, "tenant.sign_up", Lane::Normal, move |tx| {
        let (tenant, minted) = tenant::sign_up(tx, &wanted, now, &mut seed.clone())?;
        let cx = Ctx::new(Caller::system(tenant.id.clone(), "signup"), now, seed.clone().fork());
        prompt::defaults::plant(tx, cx.tenant(), now)?;
        audit::append(tx, &cx, &Event::change("tenant.create", "{}"))?;
        Ok::<_, AccessError>((tenant.id, minted.token))
    });
    let (tenant_id, token) = made.await.map_err(|error| Failure::of(error.code(), &error))?;
    Ok(Reply::json(&Made { tenant_id, api_key: token.expose().to_owned() })?.with_status(StatusCode::CREATED))
}
