//! `/api/issues/{id}/comments`: what people and agents say about an issue.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    work::{AuthorType, Comment, WorkError, comment},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    body,
    page::{One, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/issues/{id}/comments",
        operation: "comment.create",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::IssuesWrite, Scope::IssuesClaimed]),
        summary: "Comment an issue, or answer a comment on it",
        query: &[],
        input: Some(schema_of::<CreateComment>),
        output: Output::Json(schema_of::<One<Comment>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[r#"POST /api/issues {"title":"Sign-ups fail","type":"task"}"#],
            id: "/data/id",
            path: "/api/issues/{id}/comments",
            body: r#"{"body":"Seen since Monday","authorName":"Ann","authorType":"human"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/issues/{id}/comments",
        operation: "comment.list",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::IssuesRead, Scope::IssuesClaimed]),
        summary: "All comments on an issue by thread, in the order of their writing",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Threads>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example {
            before: &[r#"POST /api/issues {"title":"Sign-ups fail","type":"task"}"#],
            id: "/data/id",
            path: "/api/issues/{id}/comments",
            body: "",
        }),
    },
];

/// A comment to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateComment {
    /// What it says, 1 to 20000 characters.
    body: String,
    /// Who writes it.
    author_name: String,
    /// What writes it.
    author_type: AuthorType,
    /// The comment on the same issue that it answers. An answer to an answer joins the thread.
    parent_id: Option<String>,
}

/// The comments on an issue.
#[derive(Debug, Serialize, JsonSchema)]
struct Threads {
    /// Those that answer none, each with its answers.
    data: Vec<ThreadAnswer>,
}

/// A comment and its answers.
#[derive(Debug, Serialize, JsonSchema)]
struct ThreadAnswer {
    /// The comment.
    #[serde(flatten)]
    root: Comment,
    /// Its answers, in the order of their writing.
    replies: Vec<Comment>,
}

fn failed(error: WorkError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

async fn create(call: Call) -> Outcome {
    let input: CreateComment = body::read(&call)?;
    let new = comment::NewComment {
        body: input.body,
        author_name: input.author_name,
        author_type: input.author_type,
        parent_id: input.parent_id,
    };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "comment.create", move |tx, cx| comment::create(tx, cx, &id, &new));
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn list(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "comment.list", move |tx, cx| comment::threads(tx, cx, &id));
    let threads = read.await.map_err(failed)?;
    let told = |thread: comment::Thread| ThreadAnswer { root: thread.root, replies: thread.replies };
    Reply::json(&Threads { data: threads.into_iter().map(told).collect() })
}
