//! `/api/templates`: prompt templates, and what an issue would get.

use http::{Method, StatusCode};
use loop_core::{
    access::{Scope, claim_key::PREVIEW},
    base::{
        TenantId,
        id::{IssueId, TemplateId, VersionId},
        secret::Secret,
    },
    prompt::{
        Conditions, PromptError, PromptTemplate, Surroundings, choose, condition, context, health,
        template::{self, NewTemplate, Patch},
        version,
    },
    store::Tx,
    work::{IssueType, issue},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::{
    body::{self, told},
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
    versions::{PromptVersion, TemplateHealth},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    state::App,
    surface::Surface,
};

/// A template of an example, told from those of the others, with a version that issues of one project get.
macro_rules! one_template {
    ($row:literal) => {
        &[concat!(
            r#"POST /api/templates {"slug":"example-"#,
            $row,
            r#"","name":"Example","conditions":{"type":"monitor"}}"#
        )]
    };
}

pub(super) use one_template;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/templates",
        operation: "template.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsWrite),
        summary: "Make a prompt template, without a version",
        query: &[],
        input: Some(schema_of::<CreateTemplate>),
        output: Output::Json(schema_of::<One<PromptTemplate>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/templates",
            body: r#"{"slug":"triage-crashes","name":"Triage of crashes","conditions":{"type":"signal","signalSource":"sentry"},"specificity":40}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/templates",
        operation: "template.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsRead),
        summary: "Prompt templates, in the order of their making",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<PromptTemplate>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/templates", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/templates/{id}",
        operation: "template.get",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsRead),
        summary: "A prompt template with the version in use and how it does",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<TemplateDetail>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: one_template!("get"), id: "/data/id", path: "/api/templates/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/templates/{id}",
        operation: "template.update",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsWrite),
        summary: "Change a prompt template; what is absent stays, and so does the slug",
        query: &[],
        input: Some(schema_of::<UpdateTemplate>),
        output: Output::Json(schema_of::<One<PromptTemplate>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: one_template!("update"),
            id: "/data/id",
            path: "/api/templates/{id}",
            body: r#"{"specificity":60}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/templates/{id}",
        operation: "template.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsWrite),
        summary: "Delete a prompt template; its slug is free again",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example {
            before: one_template!("delete"),
            id: "/data/id",
            path: "/api/templates/{id}",
            body: "",
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/templates/preview/{issueId}",
        operation: "template.preview",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsRead),
        summary: "The prompt that a claim of this issue would get; its key opens nothing, and no use is counted",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Preview>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(preview(call))),
        example: None,
    },
];

/// A template to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateTemplate {
    /// Words of `a-z` and `0-9` joined by `-`, 200 characters at most, unique.
    slug: String,
    /// Its name, 1 to 500 characters.
    name: String,
    /// More about it.
    description: Option<String>,
    /// The issues that it is for; all when absent. Unknown members are refused.
    #[serde(default, deserialize_with = "conditions")]
    #[schemars(with = "Option<Conditions>")]
    conditions: Option<Conditions>,
    /// Of several that fit, the greatest wins; 0 to 100, 10 when absent.
    specificity: Option<u8>,
    /// The project whose issues prefer it.
    project_id: Option<String>,
}

/// Changes to a template; what is absent stays, null clears.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct UpdateTemplate {
    /// Its name.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "String")]
    name: Option<String>,
    /// More about it.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    description: Option<Option<String>>,
    /// The issues that it is for.
    #[serde(deserialize_with = "conditions")]
    #[schemars(with = "Conditions")]
    conditions: Option<Conditions>,
    /// Of several that fit, the greatest wins.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "u8")]
    specificity: Option<u8>,
    /// The project whose issues prefer it.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    project_id: Option<Option<String>>,
}

fn conditions<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Conditions>, D::Error> {
    condition::read(from).map(Some)
}

/// A template, the version in use, and how it does.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TemplateDetail {
    #[serde(flatten)]
    template: PromptTemplate,
    /// The version in use; null before the first.
    active_version: Option<PromptVersion>,
    /// The version that is tried beside it, if any.
    rollout_version: Option<PromptVersion>,
    /// How the version in use does; null before the first.
    health: Option<TemplateHealth>,
}

/// What a claim of an issue would get. `data` holds the same members once more.
#[derive(Debug, Serialize, JsonSchema)]
struct Preview {
    #[serde(flatten)]
    preview: PreviewData,
    /// The same.
    data: PreviewData,
}

/// What a claim of an issue would get.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PreviewData {
    /// The issue.
    issue: PreviewIssue,
    /// The template; null when none is for this issue.
    template: Option<PreviewTemplate>,
    /// The version.
    version: Option<PreviewVersion>,
    /// The prompt.
    prompt: Option<String>,
    /// Why the prompt could not be rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_error: Option<String>,
    /// Why there is no template.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// An issue in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct PreviewIssue {
    /// Its id.
    id: IssueId,
    /// Its number.
    number: u64,
    /// Its title.
    title: String,
    /// What it is.
    #[serde(rename = "type")]
    kind: IssueType,
}

/// A template in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct PreviewTemplate {
    /// Its id.
    id: TemplateId,
    /// Its slug.
    slug: String,
    /// Its name.
    name: String,
    /// The issues that it is for.
    conditions: Conditions,
    /// Of several that fit, the greatest wins.
    specificity: u8,
}

/// A version in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct PreviewVersion {
    /// Its id.
    id: VersionId,
    /// Its number.
    version: u32,
}

/// A room's refusal; what is wrong with a text is told with its place.
pub(super) fn failed(error: PromptError) -> Failure {
    let failure = super::refused(error.code(), error.at_fault(), &error);
    match &error {
        PromptError::Syntax(syntax) => {
            let place = json!({
                "field": "content", "message": syntax.message, "line": syntax.line, "column": syntax.column,
            });
            failure.with("details", json!([place]))
        }
        PromptError::TripleBrace => {
            failure.with("details", json!([{ "field": "content", "message": error.to_string() }]))
        }
        _ => failure,
    }
}

async fn create(call: Call) -> Outcome {
    let input: CreateTemplate = body::read(&call)?;
    let new = NewTemplate {
        slug: input.slug,
        name: input.name,
        description: input.description,
        conditions: input.conditions.unwrap_or_default(),
        specificity: input.specificity.unwrap_or(template::SPECIFICITY),
        project_id: input.project_id,
    };
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "template.create", move |tx, cx| template::create(tx, cx, &new));
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "template.list", move |tx, cx| template::list(tx, cx.tenant(), offset, limit));
    let (templates, total) = read.await.map_err(failed)?;
    many(templates, total)
}

async fn show(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "template.get", move |tx, cx| {
        let template = template::get(tx, cx.tenant(), &id)?;
        let active_version = in_use(tx, cx.tenant(), template.active_version_id)?;
        let rollout_version = in_use(tx, cx.tenant(), template.rollout.map(|rollout| rollout.version_id))?;
        let health = active_version.as_ref().map(|version| version.health.clone());
        Ok::<_, PromptError>(TemplateDetail { template, active_version, rollout_version, health })
    });
    one(StatusCode::OK, &read.await.map_err(failed)?)
}

/// A version and how it does.
pub(super) fn in_use(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: Option<VersionId>,
) -> Result<Option<PromptVersion>, PromptError> {
    let Some(id) = id else { return Ok(None) };
    match version::get(tx, tenant, id.as_str()) {
        Ok(version) => Ok(Some(PromptVersion::of(health::of(tx, tenant, version)?))),
        Err(PromptError::NoVersion) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn update(call: Call) -> Outcome {
    let input: UpdateTemplate = body::changes(&call)?;
    let patch = Patch {
        name: input.name,
        description: input.description,
        conditions: input.conditions,
        specificity: input.specificity,
        project_id: input.project_id,
    };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "template.update", move |tx, cx| template::patch(tx, cx, &id, &patch));
    one(StatusCode::OK, &changed.await.map_err(failed)?)
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    call.app.engine.write(cx, "template.delete", move |tx, cx| template::delete(tx, cx, &id)).await.map_err(failed)?;
    Ok(Reply::nothing())
}

/// Where this server is reached, for prompts.
pub(super) fn loop_url(app: &App) -> String {
    let url = app.config.public_url.as_deref().unwrap_or("http://localhost");
    url.trim_end_matches('/').to_owned()
}

async fn preview(call: Call) -> Outcome {
    let id = call.param("issueId").to_owned();
    let around = Surroundings { loop_url: loop_url(&call.app), loop_token: Secret::new(PREVIEW) };
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "template.preview", move |tx, cx| {
        let issue = issue::get(tx, cx.tenant(), &id)?.value;
        let chosen = choose(tx, cx.tenant(), &issue)?;
        let chosen = match chosen {
            Some(chosen) => {
                let context = context(tx, cx.tenant(), &issue, &chosen, &around)?;
                Some((chosen, context))
            }
            None => None,
        };
        Ok::<_, PromptError>((issue, chosen))
    });
    let (issue, chosen) = read.await.map_err(failed)?;
    let mut preview = PreviewData {
        issue: PreviewIssue { id: issue.id, number: issue.number, title: issue.title, kind: issue.kind },
        template: None,
        version: None,
        prompt: None,
        prompt_error: None,
        message: None,
    };
    match chosen {
        None => preview.message = Some("No matching template found"),
        Some((chosen, context)) => {
            match call.app.engine.renderer().render(&chosen.version, &context) {
                Ok(prompt) => preview.prompt = Some(prompt),
                Err(error) => preview.prompt_error = Some(error.to_string()),
            }
            let PromptTemplate { id, slug, name, conditions, specificity, .. } = chosen.template;
            preview.template = Some(PreviewTemplate { id, slug, name, conditions, specificity });
            preview.version = Some(PreviewVersion { id: chosen.version.id, version: chosen.version.version });
        }
    }
    Reply::json(&Preview { data: preview.clone(), preview })
}
