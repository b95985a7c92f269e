//! `/api/projects`: what issues are gathered in.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    work::{Goal, Project, ProjectHealth, ProjectStatus, WorkError, project},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        path: "/api/projects",
        operation: "project.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Make a project",
        query: &[],
        input: Some(schema_of::<CreateProject>),
        output: Output::Json(schema_of::<One<Project>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/projects",
            body: r#"{"name":"Sign-up","description":"From the first page to the first login"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/projects",
        operation: "project.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "Projects, in the order of their making",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<Project>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/projects", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/projects/{id}",
        operation: "project.get",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "A project, its goal and where its issues stand",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<ProjectDetail>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &["project.create"], id: "/data/id", path: "/api/projects/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/projects/{id}",
        operation: "project.update",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Change a project; what is absent stays",
        query: &[],
        input: Some(schema_of::<UpdateProject>),
        output: Output::Json(schema_of::<One<Project>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &["project.create"],
            id: "/data/id",
            path: "/api/projects/{id}",
            body: r#"{"status":"active","health":"at_risk"}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/projects/{id}",
        operation: "project.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Delete a project; its issues stay",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example { before: &["project.create"], id: "/data/id", path: "/api/projects/{id}", body: "" }),
    },
];

/// A project to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateProject {
    /// Its name, 1 to 500 characters.
    name: String,
    /// More about it.
    description: Option<String>,
    /// Where it stands; `backlog` when absent.
    status: Option<ProjectStatus>,
    /// How it goes; `on_track` when absent.
    health: Option<ProjectHealth>,
    /// The goal it serves. While that is active, the project's issues are dispatched before others.
    goal_id: Option<String>,
}

/// Changes to a project; what is absent stays.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct UpdateProject {
    /// Its name.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "String")]
    name: Option<String>,
    /// More about it.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "String")]
    description: Option<String>,
    /// Where it stands.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "ProjectStatus")]
    status: Option<ProjectStatus>,
    /// How it goes.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "ProjectHealth")]
    health: Option<ProjectHealth>,
    /// The goal it serves; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    goal_id: Option<Option<String>>,
}

/// A project with what belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectDetail {
    /// The project.
    #[serde(flatten)]
    project: Project,
    /// The goal it serves; null when there is none, or it was deleted.
    goal: Option<Goal>,
    /// How many of its issues have which status; no zeros.
    issue_counts: BTreeMap<String, u64>,
}

/// The project without what is kept for the queue only.
fn shown(project: Project) -> Project {
    Project { boosted: false, ..project }
}

fn failed(error: WorkError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

async fn create(call: Call) -> Outcome {
    let input: CreateProject = body::read(&call)?;
    let new = project::NewProject {
        name: input.name,
        description: input.description,
        status: input.status,
        health: input.health,
        goal_id: input.goal_id,
    };
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "project.create", move |tx, cx| project::create(tx, cx, &new));
    one(StatusCode::CREATED, &shown(made.await.map_err(failed)?))
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "project.list", move |tx, cx| project::list(tx, cx.tenant(), limit, offset));
    let (projects, total) = read.await.map_err(failed)?;
    many(projects.into_iter().map(shown).collect(), total)
}

async fn show(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "project.get", move |tx, cx| project::get(tx, cx.tenant(), &id));
    let project::Overview { project, goal, issues } = read.await.map_err(failed)?;
    let issue_counts = issues.into_iter().map(|(status, count)| (status.to_string(), count)).collect();
    one(StatusCode::OK, &ProjectDetail { project: shown(project), goal, issue_counts })
}

async fn update(call: Call) -> Outcome {
    let input: UpdateProject = body::changes(&call)?;
    let patch = project::ProjectPatch {
        name: input.name,
        description: input.description,
        status: input.status,
        health: input.health,
        goal_id: input.goal_id,
    };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "project.update", move |tx, cx| project::patch(tx, cx, &id, &patch));
    one(StatusCode::OK, &shown(changed.await.map_err(failed)?))
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    call.app.engine.write(cx, "project.delete", move |tx, cx| project::delete(tx, cx, &id)).await.map_err(failed)?;
    Ok(Reply::nothing())
}
