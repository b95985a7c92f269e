//! `/api/settings` and `/api/retention`.

use http::Method;
use loop_core::{
    access::Scope,
    audit::retention::{self, Retention},
    engine::DecideError,
    policy::settings::{self, Settings, SettingsPatch},
};

use super::intercept::no_entropy;
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/settings",
        operation: "settings.get",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesRead),
        summary: "The tenant's settings",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Settings>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &[], id: "", path: "/api/settings", body: "" }),
    },
    Row {
        method: Method::PUT,
        path: "/api/settings",
        operation: "settings.update",
        surface: Surface::Governance,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Change settings; what is absent stays",
        query: &[],
        input: Some(schema_of::<SettingsPatch>),
        output: Output::Json(schema_of::<Settings>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example { before: &[], id: "", path: "/api/settings", body: r#"{"timezone":"Europe/London"}"# }),
    },
    Row {
        method: Method::GET,
        path: "/api/retention",
        operation: "retention.get",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesRead),
        summary: "How long the log is kept",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Retention>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(kept(call))),
        example: Some(Example { before: &[], id: "", path: "/api/retention", body: "" }),
    },
    Row {
        method: Method::PUT,
        path: "/api/retention",
        operation: "retention.update",
        surface: Surface::Governance,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Set how long the log is kept; older entries are purged in the background",
        query: &[],
        input: Some(schema_of::<Retention>),
        output: Output::Json(schema_of::<Retention>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(keep(call))),
        example: Some(Example { before: &[], id: "", path: "/api/retention", body: r#"{"retention_days":365}"# }),
    },
];

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn show(call: Call) -> Outcome {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "settings.get", |tx, cx| Ok::<_, DecideError>(settings::get(tx, cx.tenant())?));
    Reply::json(&read.await.map_err(failed)?)
}

async fn update(call: Call) -> Outcome {
    let patch: SettingsPatch = call.json()?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let changed = call
        .app
        .engine
        .write(cx, "settings.update", move |tx, cx| Ok::<_, DecideError>(settings::update(tx, cx, &patch)?));
    Reply::json(&changed.await.map_err(failed)?)
}

async fn kept(call: Call) -> Outcome {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read =
        call.app.engine.read(cx, "retention.get", |tx, cx| Ok::<_, DecideError>(retention::get(tx, cx.tenant())?));
    Reply::json(&read.await.map_err(failed)?)
}

async fn keep(call: Call) -> Outcome {
    let new: Retention = call.json()?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let changed =
        call.app.engine.write(cx, "retention.update", move |tx, cx| Ok::<_, DecideError>(retention::put(tx, cx, new)?));
    Reply::json(&changed.await.map_err(failed)?)
}
