//! Tool manifests: publishing, finding and reviewing them.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::{
        Time,
        id::{LoopId, ToolId},
    },
    invoke::{self, CallError},
    tool::manifest::{self, Content, Manifest, ProviderType, ToolStatus, Viewer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    context,
    page::{CURSOR, LIMIT, Page, page, page_shape},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/developer/tools/manifest",
        operation: "tool.publish",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ToolsPublish),
        summary: "Publish a version of a tool; 200 when it was published before with the same content",
        query: &[],
        input: Some(schema_of::<Content>),
        output: Output::Json(schema_of::<Published>),
        success: &[201, 200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(publish(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/api/v1/tools",
        operation: "tool.list",
        surface: Surface::Developer,
        access: Access::Key,
        summary: "Tools of the caller's loop, and those on the marketplace, newest first",
        query: &[LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<ToolPage>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/tools", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/tools/{name}",
        operation: "tool.get",
        surface: Surface::Developer,
        access: Access::Key,
        summary: "One tool by its name, the highest version unless one is named",
        query: &[VERSION],
        input: None,
        output: Output::Json(schema_of::<ToolRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(get(call))),
        example: None,
    },
    Row {
        method: Method::POST,
        path: "/api/v1/tools/{name}/review",
        operation: "tool.review",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ToolsBlock),
        summary: "Approve or suspend a version, named by its `toolId`; for the tenant's administrator",
        query: &[],
        input: Some(schema_of::<Review>),
        output: Output::Json(schema_of::<ToolRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(review(call))),
        example: None,
    },
];

const VERSION: Param = Param { name: "version", kind: "string", about: "a version such as 1.0.0" };

/// A published version.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Published {
    /// The version's id.
    tool_id: ToolId,
    name: String,
    version: String,
    /// `approved`, or `pending_review` when others may call it.
    status: ToolStatus,
    /// What calls of this version are signed with. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
}

/// A tool. Its signing secret is never shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ToolRow {
    /// The version's id.
    tool_id: ToolId,
    /// The loop that published it.
    owner_loop_id: LoopId,
    status: ToolStatus,
    created_at: Time,
    #[serde(flatten)]
    content: Content,
}

page_shape!(ToolPage, tools: ToolRow);

/// What a review says.
#[derive(Debug, Deserialize, JsonSchema)]
struct Review {
    /// `approved` or `suspended`.
    status: ToolStatus,
}

impl ToolRow {
    /// As the viewer may see it: where a tool's provider is, is its owner's and the administrator's to know.
    fn of(manifest: Manifest, viewer: Viewer) -> Self {
        let mut content = manifest.content;
        if viewer != Viewer::Administrator && viewer != Viewer::Loop(manifest.owner) {
            content.endpoint = None;
        }
        Self {
            tool_id: manifest.id,
            owner_loop_id: manifest.owner,
            status: manifest.status,
            created_at: manifest.created_at,
            content,
        }
    }
}

/// The refusal that a room's error stands for.
pub(super) fn refusal(error: &CallError) -> Failure {
    Failure::of(error.code(), error)
}

fn viewer(call: &Call) -> Result<Viewer, Failure> {
    Ok(call.caller()?.loop_id.map_or(Viewer::Administrator, Viewer::Loop))
}

async fn publish(call: Call) -> Outcome {
    let content: Content = call.json()?;
    if let Some(endpoint) = &content.endpoint
        && !matches!(content.provider_type, ProviderType::Native | ProviderType::Sandbox)
    {
        let bad = |error| Failure::invalid(format!("`endpoint`: {error}"));
        call.app.outbound.target(endpoint).map_err(bad)?;
    }
    let published = call.app.engine.publish_tool(call.caller()?, content).await;
    let (manifest, secret) = published.map_err(|error| refusal(&error))?;
    let status = if secret.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let answer = Published {
        tool_id: manifest.id,
        name: manifest.content.name,
        version: manifest.content.version,
        status: manifest.status,
        signing_secret: secret.map(|secret| secret.expose().to_owned()),
    };
    Ok(Reply::json(&answer)?.with_status(status).showing_once(&["signingSecret"]))
}

async fn list(call: Call) -> Outcome {
    let wanted = Page::of(&call, ToolId::parse)?;
    let viewer = viewer(&call)?;
    let read = call.app.engine.read(context(&call)?, "tool.list", move |tx, cx| {
        Ok::<_, CallError>(manifest::page(tx, cx.tenant(), viewer, wanted.after, wanted.limit)?)
    });
    let found = read.await.map_err(|error| refusal(&error))?;
    let next = found.last().filter(|_| wanted.full(found.len())).map(|last| last.id.to_string());
    let rows: Vec<ToolRow> = found.into_iter().map(|manifest| ToolRow::of(manifest, viewer)).collect();
    page("tools", &rows, next)
}

async fn get(call: Call) -> Outcome {
    let viewer = viewer(&call)?;
    let (name, version) = (call.param("name").to_owned(), call.query("version").map(std::borrow::Cow::into_owned));
    let read = call.app.engine.read(context(&call)?, "tool.get", move |tx, cx| {
        let found = manifest::shown(tx, cx.tenant(), viewer, &name, version.as_deref())?;
        found.ok_or(CallError::NoTool)
    });
    let manifest = read.await.map_err(|error| refusal(&error))?;
    Reply::json(&ToolRow::of(manifest, viewer))
}

async fn review(call: Call) -> Outcome {
    let Review { status } = call.json()?;
    let viewer = viewer(&call)?;
    let id = call.param("name").to_owned();
    let written =
        call.app.engine.write(context(&call)?, "tool.review", move |tx, cx| invoke::review(tx, cx, &id, status));
    let manifest = written.await.map_err(|error| refusal(&error))?;
    Reply::json(&ToolRow::of(manifest, viewer))
}

#[cfg(test)]
mod tests {
    use loop_core::tool::manifest::Content;

    const EXAMPLE: &str = r#"{"name":"find_dental_leads","description":"Find and enrich dental office leads by city.","category":"sales_revenue_ops","riskLevel":"low","requiresApprovalDefault":false,"expectedProofs":["source_url","retrieved_at"],"inputSchema":{"type":"object","required":["city"]},"outputSchema":{"type":"object"},"providerType":"custom_connector","visibility":"marketplace","version":"1.0.0"}"#;

    #[test]
    fn the_documented_manifest_is_read() {
        let content: Content = serde_json::from_str(EXAMPLE).unwrap();
        assert!(content.check().is_ok());
    }
}
