//! `/api/signals/{provider}`: webhooks of GitHub, Sentry and PostHog, and the secrets that they are verified with.
//! Nothing of a body is believed before its sender is known.

use http::{Method, StatusCode};
use loop_core::{
    access::{Caller, Ctx, Scope},
    base::{TenantId, secret::Secret},
    signal::{
        Provider, SignalError, delivery,
        reading::{self, Heads},
        settings::{self, WebhookPatch, WebhookSettings},
    },
    store::{Lane, StoreExt},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    body::{self, told},
    page::{One, one},
    signals::{SignalAndIssue, failed},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Row, schema_of, table::Outcome},
    state::App,
    surface::Surface,
};

const TENANT: Param = Param { name: "tenant", kind: "string", about: "whose webhook it is, default `default`" };

pub(super) static ROWS: &[Row] = &[
    webhook(
        "/api/signals/github",
        "webhook.github",
        "Take a webhook of GitHub in, signed in `X-Hub-Signature-256`; a repeated delivery is taken in once",
        Access::Webhook("X-Hub-Signature-256"),
        Handler::Later(|call| Box::pin(receive(call, Provider::Github))),
    ),
    webhook(
        "/api/signals/sentry",
        "webhook.sentry",
        "Take a webhook of Sentry in, signed in `Sentry-Hook-Signature`; an issue's action is taken in once",
        Access::Webhook("Sentry-Hook-Signature"),
        Handler::Later(|call| Box::pin(receive(call, Provider::Sentry))),
    ),
    webhook(
        "/api/signals/posthog",
        "webhook.posthog",
        "Take a webhook of PostHog in, its secret in `X-PostHog-Secret`; an identical one is taken in once",
        Access::Webhook("X-PostHog-Secret"),
        Handler::Later(|call| Box::pin(receive(call, Provider::Posthog))),
    ),
    Row {
        method: Method::GET,
        path: "/api/webhook-settings",
        operation: "webhook_settings.get",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Which webhooks can be verified; secrets are never shown",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<Shown>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &[], id: "", path: "/api/webhook-settings", body: "" }),
    },
    Row {
        method: Method::PUT,
        path: "/api/webhook-settings",
        operation: "webhook_settings.update",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Change what webhooks are verified with; what is absent stays, null clears",
        query: &[],
        input: Some(schema_of::<UpdateWebhooks>),
        output: Output::Json(schema_of::<One<Shown>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/webhook-settings",
            body: r#"{"github_secret":"It-is-a-secret-to-everybody"}"#,
        }),
    },
];

const fn webhook(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    access: Access,
    handler: Handler,
) -> Row {
    Row {
        method: Method::POST,
        path,
        operation,
        surface: Surface::Improvement,
        access,
        summary,
        query: &[TENANT],
        // The body is the provider's, in the provider's words.
        input: None,
        output: Output::Json(schema_of::<One<SignalAndIssue>>),
        success: &[201, 200],
        body_limit: BODY_LIMIT,
        handler,
        example: None,
    }
}

/// Changes to what webhooks are verified with; what is absent stays, null clears.
#[derive(Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct UpdateWebhooks {
    /// What GitHub signs with, 8 to 512 characters.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    github_secret: Option<Option<String>>,
    /// What Sentry signs with: the client secret of its integration.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    sentry_secret: Option<Option<String>>,
    /// What PostHog sends along.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    posthog_secret: Option<Option<String>>,
    /// The header in which PostHog sends it; null for `X-PostHog-Secret`.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    posthog_header: Option<Option<String>>,
}

/// Which webhooks can be verified.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    /// GitHub's.
    github: ProviderShown,
    /// Sentry's.
    sentry: ProviderShown,
    /// PostHog's.
    posthog: ProviderShown,
}

/// Whether a provider's webhooks can be verified, and by what.
#[derive(Debug, Serialize, JsonSchema)]
struct ProviderShown {
    /// Whether its secret is known; without it they are refused.
    configured: bool,
    /// The header that must carry the proof.
    header: String,
}

fn shown(app: &App, tenant: &TenantId, settings: &WebhookSettings) -> Shown {
    let of = |provider: Provider| ProviderShown {
        configured: settings.configured(provider) || of_operator(app, tenant, provider).is_some(),
        header: settings.proof_header(provider).to_owned(),
    };
    Shown { github: of(Provider::Github), sentry: of(Provider::Sentry), posthog: of(Provider::Posthog) }
}

/// What the operator set for tenant `default`.
fn of_operator<'a>(app: &'a App, tenant: &TenantId, provider: Provider) -> Option<&'a Secret> {
    let secrets = &app.config.webhooks;
    let secret = match provider {
        Provider::Github => &secrets.github,
        Provider::Sentry => &secrets.sentry,
        Provider::Posthog => &secrets.posthog,
    };
    secret.as_ref().filter(|_| *tenant == TenantId::default_tenant())
}

async fn show(call: Call) -> Outcome {
    let cx = super::context(&call)?;
    let tenant = cx.tenant().clone();
    let read = call
        .app
        .engine
        .read(cx, "webhook_settings.get", |tx, cx| Ok::<_, SignalError>(settings::get(tx, cx.tenant())?));
    let settings = read.await.map_err(failed)?;
    one(StatusCode::OK, &shown(&call.app, &tenant, &settings))
}

async fn update(call: Call) -> Outcome {
    let input: UpdateWebhooks = body::changes(&call)?;
    let secret = |told: Option<Option<String>>| told.map(|told| told.map(Secret::new));
    let patch = WebhookPatch {
        github: secret(input.github_secret),
        sentry: secret(input.sentry_secret),
        posthog: secret(input.posthog_secret),
        posthog_header: input.posthog_header,
    };
    let cx = super::context(&call)?;
    let tenant = cx.tenant().clone();
    let master = call.app.engine.master().clone();
    let changed =
        call.app.engine.write(cx, "webhook_settings.update", move |tx, cx| settings::update(tx, cx, &master, &patch));
    one(StatusCode::OK, &shown(&call.app, &tenant, &changed.await.map_err(failed)?))
}

async fn receive(call: Call, provider: Provider) -> Outcome {
    let name = call.query("tenant");
    // A tenant that is not there has no secrets, and is not told from one that set none.
    let tenant = name.as_deref().map_or_else(|| Some(TenantId::default_tenant()), TenantId::parse);
    let tenant = tenant.ok_or_else(|| unconfigured(provider))?;
    let asked = tenant.clone();
    let read = call.app.engine.store().read("webhook.settings", move |tx| settings::get(tx, &asked));
    let settings = read.await?;
    let own = settings.secret(provider, &tenant, call.app.engine.master());
    let secret = match (own, settings.configured(provider)) {
        (Some(secret), _) => secret,
        // What is set and cannot be opened is not replaced by another.
        (None, true) => return Err(unconfigured(provider)),
        (None, false) => of_operator(&call.app, &tenant, provider).cloned().ok_or_else(|| unconfigured(provider))?,
    };
    let header = settings.proof_header(provider);
    let proof = call.headers.get(header).and_then(|value| value.to_str().ok());
    provider.verify(&secret, header, proof, &call.body).map_err(failed)?;

    let payload = body::read_bytes(&call.body)?;
    let of = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let heads = match provider {
        Provider::Github => Heads { event: of("x-github-event"), delivery: of("x-github-delivery") },
        Provider::Sentry | Provider::Posthog => Heads::default(),
    };
    let reading = reading::read(provider, heads, payload, &call.body);
    let engine = &call.app.engine;
    let seed = engine.seed().map_err(|error| Failure::of(loop_core::base::Code::Unavailable, &error))?;
    let cx = Ctx::new(Caller::system(tenant.clone(), provider.as_str()), engine.now(), seed);
    let taken = engine.write_as_system(&tenant, call.row.operation, Lane::Normal, move |tx| {
        delivery::take_in(tx, &cx.again(), provider, &reading)
    });
    let taken = taken.await.map_err(failed)?;
    let status = if taken.first { StatusCode::CREATED } else { StatusCode::OK };
    one(status, &SignalAndIssue::of(taken.signal, taken.issue))
}

fn unconfigured(provider: Provider) -> Failure {
    failed(SignalError::Unconfigured(provider.secret_name())).with_status(StatusCode::INTERNAL_SERVER_ERROR)
}
