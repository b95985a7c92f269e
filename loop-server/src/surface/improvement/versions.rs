//! `/api/templates/{id}/versions`: the texts of a template, and which of them are in use.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::{
        Time,
        id::{TemplateId, VersionId},
        time::millis,
    },
    prompt::{
        Condition, PromptError, VersionStatus, health, template,
        version::{self, NewVersion},
    },
    work::AuthorType,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    body,
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
    templates::{failed, one_template},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Handler, Output, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/templates/{id}/versions",
        operation: "template.version.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsWrite),
        summary: "Write a version; the first is in use at once, later ones wait to be promoted",
        query: &[],
        input: Some(schema_of::<CreateVersion>),
        output: Output::Json(schema_of::<One<PromptVersion>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: one_template!("version"),
            id: "/data/id",
            path: "/api/templates/{id}/versions",
            body: r##"{"content":"# {{issue.title}}\n\n{{> api_reference}}","changelog":"First","authorType":"human","authorName":"Ada"}"##,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/templates/{id}/versions",
        operation: "template.version.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsRead),
        summary: "The versions of a template, the newest first",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<PromptVersion>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example {
            before: one_template!("versions"),
            id: "/data/id",
            path: "/api/templates/{id}/versions",
            body: "",
        }),
    },
    Row {
        method: Method::POST,
        path: "/api/templates/{id}/versions/{versionId}/promote",
        operation: "template.version.promote",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsWrite),
        summary: "Put a version in use: alone, or beside the one in use for a part of the issues",
        query: &[],
        input: Some(schema_of::<Promote>),
        output: Output::Json(schema_of::<One<PromptVersion>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(promote(call))),
        example: None,
    },
];

/// A version to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateVersion {
    /// Its text in Handlebars, 1 to 131072 bytes. `{{{` is refused.
    content: String,
    /// What is new in it.
    changelog: Option<String>,
    /// What wrote it.
    author_type: AuthorType,
    /// Who wrote it, 1 to 200 characters.
    author_name: String,
}

/// How far a version is promoted. The body may be left out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct Promote {
    /// How many issues of a hundred get it; all when absent. The same issues always do. 0 ends its rollout.
    #[schemars(range(max = 100))]
    percent: Option<u8>,
}

/// A version of a template.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptVersion {
    /// Its id.
    pub id: VersionId,
    /// The template that it is of.
    pub template_id: TemplateId,
    /// Its number within the template, from 1.
    pub version: u32,
    /// Its text.
    pub content: String,
    /// What is new in it.
    pub changelog: Option<String>,
    /// What wrote it.
    pub author_type: AuthorType,
    /// Who wrote it.
    pub author_name: String,
    /// Whether it is used.
    pub status: VersionStatus,
    /// How often it was given to an agent.
    pub usage_count: u64,
    /// The moving average of outcomes: 1 for done, 0 for canceled, released or expired.
    pub completion_rate: Option<f64>,
    /// The moving average of how long what was done took, in milliseconds.
    pub avg_duration_ms: Option<f64>,
    /// The moving average of its reviews, 1 to 5.
    pub review_score: Option<f64>,
    /// How it does.
    pub health: TemplateHealth,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// How a version does.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct TemplateHealth {
    /// The moving average of its reviews, 1 to 5.
    pub score: Option<f64>,
    /// The score after each of the last 20 reviews, oldest first.
    pub trend: Vec<f64>,
    /// How many reviews it has.
    pub reviews: u64,
    /// How it does, in one word.
    pub status: Condition,
}

impl PromptVersion {
    pub(super) fn of(known: health::Known) -> Self {
        let status = known.condition();
        let health::Known { version, uses, health } = known;
        Self {
            id: version.id,
            template_id: version.template_id,
            version: version.version,
            content: version.content,
            changelog: version.changelog,
            author_type: version.author_type,
            author_name: version.author_name,
            status: version.status,
            usage_count: uses,
            completion_rate: health.completion_rate,
            avg_duration_ms: health.avg_duration_ms,
            review_score: health.score,
            health: TemplateHealth { score: health.score, trend: health.trend, reviews: health.reviews, status },
            created_at: version.created_at,
        }
    }
}

async fn create(call: Call) -> Outcome {
    let input: CreateVersion = body::read(&call)?;
    let new = NewVersion {
        content: input.content,
        changelog: input.changelog,
        author_type: input.author_type,
        author_name: input.author_name,
    };
    new.check().map_err(failed)?;
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "template.version.create", move |tx, cx| version::create(tx, cx, &id, &new));
    let made = made.await.map_err(failed)?;
    one(StatusCode::CREATED, &PromptVersion::of(health::Known::fresh(made)))
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "template.version.list", move |tx, cx| {
        let template = template::get(tx, cx.tenant(), &id)?;
        let versions = version::list(tx, cx.tenant(), template.id, offset, limit)?;
        let known: Result<Vec<_>, PromptError> =
            versions.into_iter().map(|version| Ok(PromptVersion::of(health::of(tx, cx.tenant(), version)?))).collect();
        Ok::<_, PromptError>((known?, template.versions))
    });
    let (versions, total) = read.await.map_err(failed)?;
    many(versions, u64::from(total))
}

async fn promote(call: Call) -> Outcome {
    let Promote { percent } = if call.body.is_empty() { Promote::default() } else { body::read(&call)? };
    let (id, version_id) = (call.param("id").to_owned(), call.param("versionId").to_owned());
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "template.version.promote", move |tx, cx| {
        let version = version::promote(tx, cx, &id, &version_id, percent)?;
        Ok::<_, PromptError>(health::of(tx, cx.tenant(), version)?)
    });
    one(StatusCode::OK, &PromptVersion::of(changed.await.map_err(failed)?))
}
