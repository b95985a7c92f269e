//! Templates: which prompt an issue gets, and the rules of their slugs, ranks and versions in use.

use serde_json::json;

use super::{Conditions, PromptError};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{ProjectId, TemplateId, VersionId},
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
    work::Project,
};

/// The longest slug, in characters.
pub const MAX_SLUG: usize = 200;
/// The longest name, in characters.
pub const MAX_NAME: usize = 500;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// The greatest specificity.
pub const MAX_SPECIFICITY: u8 = 100;
/// The specificity of a template of which none is told.
pub const SPECIFICITY: u8 = 10;
/// The most live templates a tenant may have: a claim may have to look at each.
pub const MAX_TEMPLATES: u32 = 1_000;

/// A template.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptTemplate {
    /// Its id.
    pub id: TemplateId,
    /// Its name in paths and titles, unique among those that are not deleted: words of `a-z` and `0-9` joined by `-`.
    pub slug: String,
    /// Its name for people, 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// The issues that it is for.
    pub conditions: Conditions,
    /// Of several that fit, the greatest wins; 0 to [`MAX_SPECIFICITY`].
    #[schemars(range(max = 100))]
    pub specificity: u8,
    /// Issues of this project prefer it. It may serve others too.
    pub project_id: Option<ProjectId>,
    /// The version in use; null before the first.
    pub active_version_id: Option<VersionId>,
    /// The version that is being tried beside it, if any.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// How many versions were ever made.
    #[serde(default)]
    pub versions: u32,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it last changed.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub updated_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
}

/// A version that some issues get in place of the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The version.
    pub version_id: VersionId,
    /// How many issues of a hundred get it, 1 to 99.
    #[schemars(range(min = 1, max = 99))]
    pub percent: u8,
}

/// Where templates are kept. Deleted ones have no columns, which frees their slug.
pub static TEMPLATES: Table = Table {
    name: "prompt_templates",
    columns: &[
        // When it was made; the program's own ids do not sort by time.
        Column::indexed("live", Kind::Int),
        Column::unique("slug", Kind::Text),
        // Of those with a version in use: `type/rank/created/`, the best first.
        Column::indexed("rank", Kind::Text),
        // The same behind `project/`, of those that a project prefers.
        Column::indexed("project_rank", Kind::Text),
    ],
};

impl Entity for PromptTemplate {
    const TABLE: &'static Table = &TEMPLATES;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null, Value::Null, Value::Null];
        }
        let rank = self.active_version_id.is_some().then(|| self.rank());
        let preferred = rank.as_ref().zip(self.project_id).map(|(rank, project)| format!("{project}/{rank}"));
        vec![self.created_at.into(), self.slug.as_str().into(), rank.into(), preferred.into()]
    }
}

impl PromptTemplate {
    /// Where it stands among those for issues of the same type.
    fn rank(&self) -> String {
        let (class, order) = (self.class(), self.order());
        format!("{class}/{order}")
    }

    /// The type that it is for, or `*`.
    pub(super) fn class(&self) -> &'static str {
        self.conditions.kind.map_or("*", |kind| kind.as_str())
    }

    /// What the better of two fitting templates has less of: distance from the greatest specificity, then age.
    pub(super) fn order(&self) -> String {
        let distance = MAX_SPECIFICITY.saturating_sub(self.specificity);
        format!("{distance:03}/{:020}/{}", self.created_at.as_micros().max(0), self.id)
    }
}

/// A template to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTemplate {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// The issues that it is for.
    pub conditions: Conditions,
    /// Of several that fit, the greatest wins.
    pub specificity: u8,
    /// The project that prefers it, as told.
    pub project_id: Option<String>,
}

/// Changes to a template; what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patch {
    /// Its name.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<Option<String>>,
    /// The issues that it is for.
    pub conditions: Option<Conditions>,
    /// Of several that fit, the greatest wins.
    pub specificity: Option<u8>,
    /// The project that prefers it, as told.
    pub project_id: Option<Option<String>>,
}

/// Makes a template, without a version.
///
/// # Errors
/// Members out of bounds, [`PromptError::SlugTaken`], [`PromptError::NoProject`], too many, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewTemplate) -> Result<PromptTemplate, PromptError> {
    if !is_slug(&new.slug) {
        let message = format!("must be words of `a-z` and `0-9` joined by `-`, {MAX_SLUG} characters at most");
        return Err(PromptError::invalid("slug", message));
    }
    check(Some(&new.name), new.description.as_deref(), Some(&new.conditions), Some(new.specificity))?;
    let project_id = resolve(tx, cx.tenant(), new.project_id.as_deref())?;
    let template = PromptTemplate {
        id: TemplateId::draw(cx.now, &mut cx.seed()),
        slug: new.slug.clone(),
        name: new.name.clone(),
        description: new.description.clone(),
        conditions: new.conditions.clone(),
        specificity: new.specificity,
        project_id,
        active_version_id: None,
        rollout: None,
        versions: 0,
        created_at: cx.now.to_millis(),
        updated_at: cx.now.to_millis(),
        deleted_at: None,
    };
    let mut repo = Repo::<PromptTemplate>::new(tx, cx.tenant());
    if repo.find("slug", &template.slug.as_str().into())?.is_some() {
        return Err(PromptError::SlugTaken);
    }
    if repo.count(&[live()])? >= u64::from(MAX_TEMPLATES) {
        return Err(PromptError::TooMany { what: "templates", max: MAX_TEMPLATES });
    }
    repo.insert(&template, cx.now)?;
    write_down(tx, cx, "template.create", &template)?;
    Ok(template)
}

/// Whether a text can be a slug.
fn is_slug(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
    text.len() <= MAX_SLUG && text.split('-').all(word)
}

fn check(
    name: Option<&str>,
    description: Option<&str>,
    conditions: Option<&Conditions>,
    specificity: Option<u8>,
) -> Result<(), PromptError> {
    if name.is_some_and(|name| !(1..=MAX_NAME).contains(&name.chars().count())) {
        return Err(PromptError::invalid("name", format!("must have 1 to {MAX_NAME} characters")));
    }
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        return Err(PromptError::invalid("description", format!("must have {MAX_DESCRIPTION} characters at most")));
    }
    if specificity.is_some_and(|specificity| specificity > MAX_SPECIFICITY) {
        return Err(PromptError::invalid("specificity", format!("must be 0 to {MAX_SPECIFICITY}")));
    }
    conditions.map_or(Ok(()), Conditions::check).map_err(|(field, message)| PromptError::invalid(field, message))
}

/// The project of this id, which must be there.
fn resolve(tx: &mut dyn Tx, tenant: &TenantId, id: Option<&str>) -> Result<Option<ProjectId>, PromptError> {
    let Some(text) = id else { return Ok(None) };
    let id = ProjectId::parse(text).ok_or(PromptError::NoProject)?;
    let found: Option<Stored<Project>> = Repo::new(tx, tenant).get(id.as_str())?;
    let there = found.is_some_and(|project| project.value.deleted_at.is_none());
    if there { Ok(Some(id)) } else { Err(PromptError::NoProject) }
}

const fn live() -> Cond {
    Cond::AtLeast("live", Value::Int(i64::MIN))
}

/// A template that is not deleted.
///
/// # Errors
/// [`PromptError::NoTemplate`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<PromptTemplate, PromptError> {
    Ok(stored(tx, tenant, id)?.value)
}

pub(super) fn stored(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<PromptTemplate>, PromptError> {
    let id = TemplateId::parse(id).ok_or(PromptError::NoTemplate)?;
    let stored: Option<Stored<PromptTemplate>> = Repo::new(tx, tenant).get(id.as_str())?;
    stored.filter(|stored| stored.value.deleted_at.is_none()).ok_or(PromptError::NoTemplate)
}

/// Templates in the order of their making, and how many there are in all.
///
/// # Errors
/// Storage failures.
pub fn list(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    offset: u32,
    limit: u32,
) -> Result<(Vec<PromptTemplate>, u64), PromptError> {
    let query = RecordQuery { by: Some("live"), limit, offset, ..RecordQuery::default() };
    let mut repo = Repo::<PromptTemplate>::new(tx, tenant);
    let rows = repo.list(&query)?.into_iter().map(|stored| stored.value).collect();
    Ok((rows, repo.count(&[live()])?))
}

/// Changes a template.
///
/// # Errors
/// As [`create`], [`PromptError::NoTemplate`].
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &Patch) -> Result<PromptTemplate, PromptError> {
    let old = stored(tx, cx.tenant(), id)?;
    let description = patch.description.as_ref().and_then(Option::as_deref);
    check(patch.name.as_deref(), description, patch.conditions.as_ref(), patch.specificity)?;
    let mut template = PromptTemplate { updated_at: cx.now.to_millis(), ..old.value.clone() };
    if let Some(project) = &patch.project_id {
        template.project_id = resolve(tx, cx.tenant(), project.as_deref())?;
    }
    if let Some(name) = &patch.name {
        template.name.clone_from(name);
    }
    if let Some(description) = &patch.description {
        template.description.clone_from(description);
    }
    if let Some(conditions) = &patch.conditions {
        template.conditions.clone_from(conditions);
    }
    if let Some(specificity) = patch.specificity {
        template.specificity = specificity;
    }
    put(tx, cx, "template.update", &old, &template)?;
    Ok(template)
}

/// Deletes a template; its slug is free again, its versions and reviews stay.
///
/// # Errors
/// [`PromptError::NoTemplate`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), PromptError> {
    let old = stored(tx, cx.tenant(), id)?;
    let now = cx.now.to_millis();
    let template = PromptTemplate { deleted_at: Some(now), updated_at: now, ..old.value.clone() };
    put(tx, cx, "template.delete", &old, &template)
}

/// Stores a changed template and writes it down.
pub(super) fn put(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    old: &Stored<PromptTemplate>,
    new: &PromptTemplate,
) -> Result<(), PromptError> {
    Repo::new(tx, cx.tenant()).update(old, new, cx.now)?;
    write_down(tx, cx, op, new)
}

fn write_down(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, template: &PromptTemplate) -> Result<(), PromptError> {
    let PromptTemplate { id, slug, conditions, specificity, project_id, active_version_id, rollout, .. } = template;
    let body = json!({
        "template_id": id, "slug": slug, "conditions": conditions, "specificity": specificity, "project_id": project_id,
        "active_version_id": active_version_id, "rollout": rollout, "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}

/// The templates with a version in use whose rank (or project rank) begins with `prefix`, best first, after `after`.
pub(super) fn ranked(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    column: &'static str,
    prefix: &str,
    after: Option<(Value, String)>,
    limit: u32,
) -> Result<Vec<PromptTemplate>, StoreError> {
    // `0` is what follows `/`.
    let end = prefix.strip_suffix('/').map_or_else(|| prefix.to_owned(), |start| format!("{start}0"));
    let conds = vec![Cond::AtLeast(column, prefix.into()), Cond::Below(column, end.into())];
    let query = RecordQuery { conds, by: Some(column), after, limit, ..RecordQuery::default() };
    Ok(Repo::new(tx, tenant).list(&query)?.into_iter().map(|stored| stored.value).collect())
}

#[cfg(test)]
mod tests {
    use super::is_slug;

    #[test]
    fn slugs_are_words_joined_by_hyphens() {
        for good in ["a", "a-b", "a1-2b", "9", &"a".repeat(200)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "A-b", "a_b", "-a", "a-", "a--b", "a b", "ż", &"a".repeat(201)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
