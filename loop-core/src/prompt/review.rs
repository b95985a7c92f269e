//! Reviews: what those who were given a prompt say of it. Each one counts, however many come at once, and a version that
//! does poorly gets an issue to have it improved, one at a time.

use serde_json::json;

use super::{Health, PromptError, PromptTemplate, PromptVersion, ewma::Marks, health, version};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{IssueId, ReviewId, TemplateId, VersionId},
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, Stored, Table, Tx, Value},
    work::{AuthorType, Issue, IssueStatus, IssueType, issue, label},
};

/// The longest feedback, in characters.
pub const MAX_FEEDBACK: usize = 10_000;
/// The longest id of an issue as told, in characters.
pub const MAX_ISSUE: usize = 100;
/// The labels of an issue that has a template improved, with their colours.
const LABELS: [(&str, &str); 2] = [("prompt-improvement", "#f59e0b"), ("meta", "#6b7280")];
/// Its priority: medium.
const PRIORITY: u8 = 3;

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptReview {
    /// Its id.
    pub id: ReviewId,
    /// The version that is reviewed.
    pub version_id: VersionId,
    /// The template that the version is of.
    pub template_id: TemplateId,
    /// The issue that it was given for, as told.
    pub issue_id: String,
    /// Whether it was clear what to do, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    pub clarity: u8,
    /// Whether everything needed was there, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    pub completeness: u8,
    /// Whether what was there was needed, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    pub relevance: u8,
    /// What was missing, wrong or in the way.
    pub feedback: Option<String>,
    /// What wrote it.
    pub author_type: AuthorType,
    /// When it was written.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where reviews are kept.
pub static REVIEWS: Table = Table { name: "prompt_reviews", columns: &[Column::indexed("template_id", Kind::Text)] };

impl Entity for PromptReview {
    const TABLE: &'static Table = &REVIEWS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.template_id.as_str().into()]
    }
}

/// A review to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// The version that is reviewed, as told.
    pub version_id: String,
    /// The issue that it was given for, as told. A key that is bound to a claim reviews for its own issue only.
    pub issue_id: String,
    /// Whether it was clear what to do.
    pub clarity: u8,
    /// Whether everything needed was there.
    pub completeness: u8,
    /// Whether what was there was needed.
    pub relevance: u8,
    /// What was missing, wrong or in the way.
    pub feedback: Option<String>,
    /// What wrote it.
    pub author_type: AuthorType,
}

/// Takes a review in.
///
/// # Errors
/// Members out of bounds, [`PromptError::NoVersion`], no such issue for a key whose claim is another's or over,
/// storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewReview) -> Result<PromptReview, PromptError> {
    for (field, mark) in [("clarity", new.clarity), ("completeness", new.completeness), ("relevance", new.relevance)] {
        if !(1..=5).contains(&mark) {
            return Err(PromptError::invalid(field, "must be a whole number from 1 to 5"));
        }
    }
    if new.feedback.as_ref().is_some_and(|text| text.chars().count() > MAX_FEEDBACK) {
        return Err(PromptError::invalid("feedback", format!("must have {MAX_FEEDBACK} characters at most")));
    }
    if !(1..=MAX_ISSUE).contains(&new.issue_id.chars().count()) {
        return Err(PromptError::invalid("issueId", format!("must have 1 to {MAX_ISSUE} characters")));
    }
    // Whether the issue is there is asked for a claim's key only: others may review what is long gone.
    if cx.caller.claimed.is_some() {
        issue::reach(tx, cx, &new.issue_id)?;
    }
    let version = version::get(tx, cx.tenant(), &new.version_id)?;
    let review = PromptReview {
        id: ReviewId::draw(cx.now, &mut cx.seed()),
        version_id: version.id,
        template_id: version.template_id,
        issue_id: new.issue_id.clone(),
        clarity: new.clarity,
        completeness: new.completeness,
        relevance: new.relevance,
        feedback: new.feedback.clone(),
        author_type: new.author_type,
        created_at: cx.now.to_millis(),
    };
    Repo::new(tx, cx.tenant()).insert(&review, cx.now)?;
    let marks = Marks { clarity: new.clarity, completeness: new.completeness, relevance: new.relevance };
    let (health, summary) = health::record_review(tx, cx.tenant(), &version, marks, cx.now)?;
    let body = json!({
        "review_id": review.id, "version_id": version.id, "issue_id": review.issue_id, "score": health.score,
        "reviews": health.reviews, "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change("template.review", &body.to_string()))?;
    if health.asks() && !under_way(tx, cx.tenant(), summary.improvement)? {
        let template: Option<Stored<PromptTemplate>> = Repo::new(tx, cx.tenant()).get(version.template_id.as_str())?;
        // What is deleted is not improved.
        if let Some(template) = template.filter(|template| template.value.deleted_at.is_none()) {
            let issue = ask(tx, cx, &template.value, &version, &health)?;
            health::improving(tx, cx.tenant(), summary, issue, cx.now)?;
        }
    }
    Ok(review)
}

/// Whether the issue that was made last is still open.
fn under_way(tx: &mut dyn Tx, tenant: &TenantId, issue: Option<IssueId>) -> Result<bool, PromptError> {
    let Some(id) = issue else { return Ok(false) };
    let stored: Option<Stored<Issue>> = Repo::new(tx, tenant).get(id.as_str())?;
    Ok(stored.is_some_and(|stored| stored.value.is_open()))
}

/// Makes the issue that has a version improved.
fn ask(
    tx: &mut dyn Tx,
    cx: &Ctx,
    template: &PromptTemplate,
    version: &PromptVersion,
    health: &Health,
) -> Result<IssueId, PromptError> {
    let mut labels = Vec::with_capacity(LABELS.len());
    for (name, color) in LABELS {
        labels.push(label::ensure(tx, cx, name, color)?.id.to_string());
    }
    let score = health.score.unwrap_or(0.0);
    let (slug, number, reviews) = (&template.slug, version.version, health.reviews);
    let title = format!("Improve prompt template: {slug} (avg review {score:.1}/5, {reviews} reviews since v{number})");
    let new = issue::NewIssue {
        description: Some(description(template, version, health)),
        status: IssueStatus::Todo,
        priority: PRIORITY,
        label_ids: labels,
        ..issue::NewIssue::titled(title, IssueType::Task)
    };
    Ok(issue::create(tx, cx, &new)?.id)
}

fn description(template: &PromptTemplate, version: &PromptVersion, health: &Health) -> String {
    let score = health.score.unwrap_or(0.0);
    let done = health.completion_rate.map_or_else(|| "not known yet".to_owned(), |rate| format!("{rate:.2}"));
    format!(
        "Those who were given the prompt `{slug}` say that it could be better.\n\n\
         - Score: {score:.2} of 5 (moving average of its reviews, the newest count most)\n\
         - Reviews of this version: {reviews}\n\
         - Completion rate: {done}\n\
         - Version: {number} (`{version}`)\n\
         - Template: `{template}`\n\n\
         What to do:\n\n\
         1. Read what the reviews say: `GET /api/templates/{template}/reviews`.\n\
         2. Write a better version: `POST /api/templates/{template}/versions`, with what is new in `changelog`.\n\
         3. Try it on some issues, then on all: `POST /api/templates/{template}/versions/{{versionId}}/promote`, with \
         `percent` at first.\n",
        slug = template.slug,
        reviews = health.reviews,
        number = version.version,
        version = version.id,
        template = template.id,
    )
}

/// Reviews of all versions of a template, the newest first, and how many there are.
///
/// # Errors
/// Storage failures.
pub fn list(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    template: TemplateId,
    offset: u32,
    limit: u32,
) -> Result<(Vec<PromptReview>, u64), PromptError> {
    let conds = vec![Cond::Eq("template_id", template.as_str().into())];
    let query = RecordQuery { conds, order: Order::Descending, offset, limit, ..RecordQuery::default() };
    let rows = Repo::new(tx, tenant).list(&query)?.into_iter().map(|stored| stored.value).collect();
    Ok((rows, health::summary(tx, tenant, template)?.reviews))
}
