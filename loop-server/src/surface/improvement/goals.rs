//! `/api/goals`: what projects serve, with a value to reach.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    work::{Goal, GoalStatus, WorkError, goal},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    body::{self, told},
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/goals",
        operation: "goal.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Make a goal",
        query: &[],
        input: Some(schema_of::<CreateGoal>),
        output: Output::Json(schema_of::<One<Goal>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/goals",
            body: r#"{"title":"Fewer failed sign-ups","metric":"failures per day","targetValue":2,"unit":"failures"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/goals",
        operation: "goal.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "Goals, in the order of their making",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<Goal>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/goals", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/goals/{id}",
        operation: "goal.get",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "One goal",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<Goal>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &["goal.create"], id: "/data/id", path: "/api/goals/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/goals/{id}",
        operation: "goal.update",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Change a goal; what is absent stays",
        query: &[],
        input: Some(schema_of::<UpdateGoal>),
        output: Output::Json(schema_of::<One<Goal>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &["goal.create"],
            id: "/data/id",
            path: "/api/goals/{id}",
            body: r#"{"currentValue":3.5}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/goals/{id}",
        operation: "goal.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Delete a goal; projects that name it go on without it",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example { before: &["goal.create"], id: "/data/id", path: "/api/goals/{id}", body: "" }),
    },
];

/// A goal to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateGoal {
    /// What is wanted, 1 to 500 characters.
    title: String,
    /// More about it.
    description: Option<String>,
    /// What is measured.
    metric: Option<String>,
    /// The value to reach.
    target_value: Option<f64>,
    /// The value as it is.
    current_value: Option<f64>,
    /// What it is measured in.
    unit: Option<String>,
    /// Where it stands; `active` when absent.
    status: Option<GoalStatus>,
    /// The project that serves it. While the goal is active, the project's issues are dispatched before others.
    project_id: Option<String>,
}

/// Changes to a goal; what is absent stays, null clears.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct UpdateGoal {
    /// What is wanted.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "String")]
    title: Option<String>,
    /// More about it.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    description: Option<Option<String>>,
    /// What is measured.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    metric: Option<Option<String>>,
    /// The value to reach.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<f64>")]
    target_value: Option<Option<f64>>,
    /// The value as it is.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<f64>")]
    current_value: Option<Option<f64>>,
    /// What it is measured in.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    unit: Option<Option<String>>,
    /// Where it stands.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "GoalStatus")]
    status: Option<GoalStatus>,
    /// The project that serves it.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    project_id: Option<Option<String>>,
}

fn failed(error: WorkError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

async fn create(call: Call) -> Outcome {
    let input: CreateGoal = body::read(&call)?;
    let new = goal::NewGoal {
        title: input.title,
        description: input.description,
        metric: input.metric,
        target_value: input.target_value,
        current_value: input.current_value,
        unit: input.unit,
        status: input.status,
        project_id: input.project_id,
    };
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "goal.create", move |tx, cx| goal::create(tx, cx, &new));
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "goal.list", move |tx, cx| goal::list(tx, cx.tenant(), limit, offset));
    let (goals, total) = read.await.map_err(failed)?;
    many(goals, total)
}

async fn show(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "goal.get", move |tx, cx| goal::get(tx, cx.tenant(), &id));
    one(StatusCode::OK, &read.await.map_err(failed)?)
}

async fn update(call: Call) -> Outcome {
    let input: UpdateGoal = body::changes(&call)?;
    let patch = goal::GoalPatch {
        title: input.title,
        description: input.description,
        metric: input.metric,
        target_value: input.target_value,
        current_value: input.current_value,
        unit: input.unit,
        status: input.status,
        project_id: input.project_id,
    };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "goal.update", move |tx, cx| goal::patch(tx, cx, &id, &patch));
    one(StatusCode::OK, &changed.await.map_err(failed)?)
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    call.app.engine.write(cx, "goal.delete", move |tx, cx| goal::delete(tx, cx, &id)).await.map_err(failed)?;
    Ok(Reply::nothing())
}
