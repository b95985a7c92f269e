//! Reviews of prompts: `/api/prompt-reviews`, `/api/templates/{id}/reviews`, and `/api/dashboard/prompts`, which tells
//! what came of them.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::TenantId,
    prompt::{
        PromptError, PromptReview, PromptTemplate, health,
        review::{self, NewReview},
        template, version,
    },
    store::Tx,
    work::AuthorType,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    body,
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
    templates::{failed, in_use, one_template},
    versions::{PromptVersion, TemplateHealth},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Handler, Output, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// How many of its newest versions the dashboard shows of a template.
const RECENT: u32 = 5;
/// The mean of all marks below which a template needs attention.
const POOR: f64 = 3.0;
/// The completion rate of the version in use below which it does.
const HALF: f64 = 0.5;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/prompt-reviews",
        operation: "prompt_review.create",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::PromptsWrite, Scope::DispatchClaim, Scope::IssuesClaimed]),
        summary: "Say how good a prompt was; whoever was given it may",
        query: &[],
        input: Some(schema_of::<CreateReview>),
        output: Output::Json(schema_of::<One<PromptReview>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/prompt-reviews",
            body: r#"{"versionId":"ver_default_task_execution_v1","issueId":"i00000000000000000000000","clarity":4,"completeness":3,"relevance":5,"feedback":"Where are the tests?","authorType":"agent"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/templates/{id}/reviews",
        operation: "prompt_review.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::PromptsRead),
        summary: "The reviews of all versions of a template, the newest first",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<PromptReview>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example {
            before: one_template!("reviews"),
            id: "/data/id",
            path: "/api/templates/{id}/reviews",
            body: "",
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/dashboard/prompts",
        operation: "dashboard.prompts",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DashboardRead),
        summary: "How prompt templates do",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<PromptStanding>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(dashboard(call))),
        example: Some(Example { before: &[], id: "", path: "/api/dashboard/prompts", body: "" }),
    },
];

/// A review to take in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateReview {
    /// The version that is reviewed.
    version_id: String,
    /// The issue that it was given for.
    issue_id: String,
    /// Whether it was clear what to do, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    clarity: u8,
    /// Whether everything needed was there, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    completeness: u8,
    /// Whether what was there was needed, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    relevance: u8,
    /// What was missing, wrong or in the way.
    feedback: Option<String>,
    /// What wrote it.
    author_type: AuthorType,
}

/// How a template does.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PromptStanding {
    /// The template.
    template: PromptTemplate,
    /// The version in use; null before the first.
    active_version: Option<PromptVersion>,
    /// The newest versions, 5 at most, the newest first.
    recent_versions: Vec<PromptVersion>,
    /// What the reviews of all versions say.
    review_summary: ReviewSummary,
    /// How the version in use does; null before the first.
    health: Option<TemplateHealth>,
    /// Whether its reviews are poor, or half of what it was given for is not done.
    needs_attention: bool,
}

/// The means of all reviews of a template; null without a review.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewSummary {
    /// How many there are.
    total_reviews: u64,
    /// Of the marks for clarity.
    avg_clarity: Option<f64>,
    /// Of the marks for completeness.
    avg_completeness: Option<f64>,
    /// Of the marks for relevance.
    avg_relevance: Option<f64>,
    /// Of all marks.
    composite_score: Option<f64>,
}

async fn create(call: Call) -> Outcome {
    let input: CreateReview = body::read(&call)?;
    let new = NewReview {
        version_id: input.version_id,
        issue_id: input.issue_id,
        clarity: input.clarity,
        completeness: input.completeness,
        relevance: input.relevance,
        feedback: input.feedback,
        author_type: input.author_type,
    };
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "prompt_review.create", move |tx, cx| review::create(tx, cx, &new));
    one(StatusCode::CREATED, &made.await.map_err(failed)?)
}

async fn list(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "prompt_review.list", move |tx, cx| {
        let template = template::get(tx, cx.tenant(), &id)?;
        review::list(tx, cx.tenant(), template.id, offset, limit)
    });
    let (reviews, total) = read.await.map_err(failed)?;
    many(reviews, total)
}

async fn dashboard(call: Call) -> Outcome {
    let Page { limit, offset } = Page::of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "dashboard.prompts", move |tx, cx| {
        let (templates, total) = template::list(tx, cx.tenant(), offset, limit)?;
        let rows: Result<Vec<_>, PromptError> =
            templates.into_iter().map(|template| standing(tx, cx.tenant(), template)).collect();
        Ok::<_, PromptError>((rows?, total))
    });
    let (rows, total) = read.await.map_err(failed)?;
    many(rows, total)
}

fn standing(tx: &mut dyn Tx, tenant: &TenantId, template: PromptTemplate) -> Result<PromptStanding, PromptError> {
    let mut recent_versions = Vec::new();
    for version in version::list(tx, tenant, template.id, 0, RECENT)? {
        recent_versions.push(PromptVersion::of(health::of(tx, tenant, version)?));
    }
    let active_version = in_use(tx, tenant, template.active_version_id)?;
    let summary = health::summary(tx, tenant, template.id)?;
    let means = summary.means();
    let failing = active_version.as_ref().and_then(|version| version.completion_rate).is_some_and(|rate| rate < HALF);
    let health = active_version.as_ref().map(|version| version.health.clone());
    Ok(PromptStanding {
        template,
        active_version,
        recent_versions,
        review_summary: ReviewSummary {
            total_reviews: summary.reviews,
            avg_clarity: means.map(|means| means.clarity),
            avg_completeness: means.map(|means| means.completeness),
            avg_relevance: means.map(|means| means.relevance),
            composite_score: means.map(|means| means.composite),
        },
        health,
        needs_attention: failing || means.is_some_and(|means| means.composite < POOR),
    })
}
