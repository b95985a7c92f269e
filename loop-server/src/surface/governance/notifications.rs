//! `/api/notification-settings`: where notices go.

use http::Method;
use loop_core::{
    access::{AccessError, Scope},
    base::{
        TenantId,
        secret::{MasterKey, Secret},
    },
    outbox::{
        Channel,
        targets::{self, TargetError, Targets, TargetsPatch},
    },
    store::StoreError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{intercept::no_entropy, rules::given};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/notification-settings",
        operation: "notifications.get",
        surface: Surface::Governance,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Where notices go; webhook URLs are secrets, so reading them takes the scope to write them",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Shown>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &[], id: "", path: "/api/notification-settings", body: "" }),
    },
    Row {
        method: Method::PUT,
        path: "/api/notification-settings",
        operation: "notifications.update",
        surface: Surface::Governance,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Change where notices go; what is absent stays, `null` clears",
        query: &[],
        input: Some(schema_of::<Patch>),
        output: Output::Json(schema_of::<Shown>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/notification-settings",
            body: r#"{"notify_email":"ops@example.com"}"#,
        }),
    },
];

/// Where notices go.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// The approver of rules that name none.
    notify_email: Option<String>,
    /// A Slack incoming webhook.
    slack_webhook_url: Option<String>,
    /// A Teams Workflows webhook.
    teams_webhook_url: Option<String>,
    /// A Discord webhook.
    discord_webhook_url: Option<String>,
}

/// Changes to where notices go.
#[derive(Deserialize, JsonSchema)]
struct Patch {
    /// See [`Shown`].
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    notify_email: Option<Option<String>>,
    /// See [`Shown`].
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    slack_webhook_url: Option<Option<String>>,
    /// See [`Shown`].
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    teams_webhook_url: Option<Option<String>>,
    /// See [`Shown`].
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    discord_webhook_url: Option<Option<String>>,
}

/// A failed change.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Target(error.into())
    }
}

fn failed(error: Failed) -> Failure {
    match &error {
        Failed::Target(inner) => Failure::of(inner.code(), inner),
        Failed::Access(inner) => Failure::of(inner.code(), inner),
    }
}

fn shown(targets: &Targets, tenant: &TenantId, master: &MasterKey) -> Shown {
    let url = |channel| targets.webhook(channel, tenant, master).map(|url| url.expose().to_owned());
    Shown {
        notify_email: targets.notify_email.clone(),
        slack_webhook_url: url(Channel::Slack),
        teams_webhook_url: url(Channel::Teams),
        discord_webhook_url: url(Channel::Discord),
    }
}

async fn show(call: Call) -> Outcome {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "notifications.get", |tx, cx| Ok::<_, Failed>(targets::get(tx, cx.tenant())?));
    let targets = read.await.map_err(failed)?;
    Reply::json(&shown(&targets, &call.caller()?.tenant, call.app.engine.master()))
}

async fn update(call: Call) -> Outcome {
    let input: Patch = call.json()?;
    // Clients clear a field with an empty text as well as with `null`.
    let filled = |text: Option<Option<String>>| text.map(|text| text.filter(|text| !text.is_empty()));
    let secret = |text| filled(text).map(|text| text.map(Secret::new));
    let patch = TargetsPatch {
        notify_email: filled(input.notify_email),
        slack: secret(input.slack_webhook_url),
        teams: secret(input.teams_webhook_url),
        discord: secret(input.discord_webhook_url),
    };
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let master = call.app.engine.master().clone();
    let changed = call
        .app
        .engine
        .write(cx, "notifications.update", move |tx, cx| Ok::<_, Failed>(targets::update(tx, cx, &master, &patch)?));
    let targets = changed.await.map_err(failed)?;
    Reply::json(&shown(&targets, &call.caller()?.tenant, call.app.engine.master()))
}
