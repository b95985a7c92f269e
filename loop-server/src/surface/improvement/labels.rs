//! `/api/labels`: what issues are sorted by.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    work::{Label, WorkError, label},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    body::{self, told},
    issues::failed,
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// A label to do something with; its name must be free.
macro_rules! labelled {
    ($name:literal) => {
        concat!(r#"POST /api/labels {"name":""#, $name, r##"","color":"#22c55e"}"##)
    };
}

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/labels",
        operation: "label.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Make a label",
        query: &[],
        input: Some(schema_of::<CreateLabel>),
        output: Output::Json(schema_of::<One<Label>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/labels",
            body: r##"{"name":"billing","color":"#22c55e"}"##,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/labels",
        operation: "label.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "Labels in the order of their making",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<Label>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(page(call))),
        example: Some(Example { before: &[], id: "", path: "/api/labels", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/labels/{id}",
        operation: "label.get",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "A label",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<Label>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &[labelled!("seen")], id: "/data/id", path: "/api/labels/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/labels/{id}",
        operation: "label.update",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Rename or recolour a label",
        query: &[],
        input: Some(schema_of::<ChangeLabel>),
        output: Output::Json(schema_of::<One<Label>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &[labelled!("recoloured")],
            id: "/data/id",
            path: "/api/labels/{id}",
            body: r#"{"color":"blue"}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/labels/{id}",
        operation: "label.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Delete a label: no issue shows it any more, and its name is free",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example { before: &[labelled!("deleted")], id: "/data/id", path: "/api/labels/{id}", body: "" }),
    },
];

/// A label to make.
#[derive(Debug, Deserialize, JsonSchema)]
struct CreateLabel {
    /// Its name, 1 to 100 characters, unique.
    name: String,
    /// Its colour, 1 to 50 characters.
    color: String,
}

/// Changes to a label; what is absent stays.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct ChangeLabel {
    /// Its name.
    #[serde(deserialize_with = "told")]
    name: Option<String>,
    /// Its colour.
    #[serde(deserialize_with = "told")]
    color: Option<String>,
}

async fn create(call: Call) -> Outcome {
    let input: CreateLabel = body::read(&call)?;
    let cx = super::context(&call)?;
    let made =
        call.app.engine.write(cx, "label.create", move |tx, cx| label::create(tx, cx, &input.name, &input.color));
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn page(call: Call) -> Outcome {
    let page = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "label.list", move |tx, cx| {
        Ok::<_, WorkError>(label::page(tx, cx.tenant(), page.limit, page.offset)?)
    });
    let (labels, total) = read.await.map_err(failed)?;
    many(labels, total)
}

async fn show(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "label.get", move |tx, cx| label::get(tx, cx.tenant(), &id));
    one(StatusCode::OK, &read.await.map_err(failed)?.value)
}

async fn update(call: Call) -> Outcome {
    let input: ChangeLabel = body::changes(&call)?;
    let patch = label::Patch { name: input.name, color: input.color };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "label.update", move |tx, cx| label::patch(tx, cx, &id, &patch));
    one(StatusCode::OK, &changed.await.map_err(failed)?)
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let gone = call.app.engine.write(cx, "label.delete", move |tx, cx| label::delete(tx, cx, &id));
    gone.await.map_err(failed)?;
    Ok(Reply::nothing())
}
