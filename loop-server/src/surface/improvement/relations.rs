//! `/api/issues/{id}/relations` and `/api/relations`: what issues are to each other.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    work::{IssueRelation, RelationKind, relation},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    body,
    issues::failed,
    page::{One, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/issues/{id}/relations",
        operation: "relation.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Relate an issue to another; no issue may come to wait for itself",
        query: &[],
        input: Some(schema_of::<CreateRelation>),
        output: Output::Json(schema_of::<One<IssueRelation>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        // Takes two issues.
        example: None,
    },
    Row {
        method: Method::DELETE,
        path: "/api/relations/{id}",
        operation: "relation.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Take a relation away",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: None,
    },
];

/// A relation to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateRelation {
    /// What the issue is to the other.
    r#type: RelationKind,
    /// The other.
    related_issue_id: String,
}

async fn create(call: Call) -> Outcome {
    let input: CreateRelation = body::read(&call)?;
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "relation.create", move |tx, cx| {
        relation::create(tx, cx, &id, input.r#type, &input.related_issue_id)
    });
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let gone = call.app.engine.write(cx, "relation.delete", move |tx, cx| relation::delete(tx, cx, &id));
    gone.await.map_err(failed)?;
    Ok(Reply::nothing())
}
