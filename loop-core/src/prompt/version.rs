//! Versions of a template's text: one is in use, one may be tried beside it, the others wait or have had their time.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{PromptError, PromptTemplate, Rollout, syntax, template};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{TemplateId, VersionId},
        secret::hex,
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
    work::AuthorType,
};

/// The longest text, in bytes.
pub const MAX_CONTENT: usize = 128 << 10;
/// The longest change log, in characters.
pub const MAX_CHANGELOG: usize = 10_000;
/// The longest name of an author, in characters.
pub const MAX_AUTHOR: usize = 200;
/// The most versions of one template.
pub const MAX_VERSIONS: u32 = 10_000;

/// Whether a version is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionStatus {
    /// Issues get it: all of them, or a part while it is tried.
    Active,
    /// It was never used.
    Draft,
    /// It was used.
    Retired,
}

/// A version. Its text never changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptVersion {
    /// Its id.
    pub id: VersionId,
    /// The template that it is of.
    pub template_id: TemplateId,
    /// Its number within the template, from 1.
    pub version: u32,
    /// Its text.
    pub content: String,
    /// SHA-256 of the text, in hexadecimal: what compiled texts are remembered by.
    pub digest: String,
    /// What is new in it.
    pub changelog: Option<String>,
    /// What wrote it.
    pub author_type: AuthorType,
    /// Who wrote it.
    pub author_name: String,
    /// Whether it is used.
    pub status: VersionStatus,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Time,
}

/// Where versions are kept.
pub static VERSIONS: Table = Table {
    name: "prompt_versions",
    columns: &[
        // `template/number`.
        Column::unique("place", Kind::Text),
    ],
};

impl Entity for PromptVersion {
    const TABLE: &'static Table = &VERSIONS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![format!("{}/{:010}", self.template_id, self.version).into()]
    }
}

/// A version to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// Its text.
    pub content: String,
    /// What is new in it.
    pub changelog: Option<String>,
    /// What wrote it.
    pub author_type: AuthorType,
    /// Who wrote it.
    pub author_name: String,
}

impl NewVersion {
    /// Refuses what is out of bounds or no template. It may take a while for long texts: do it before a transaction.
    ///
    /// # Errors
    /// Members out of bounds, [`PromptError::TripleBrace`], [`PromptError::Syntax`].
    pub fn check(&self) -> Result<(), PromptError> {
        if self.content.is_empty() || self.content.len() > MAX_CONTENT {
            return Err(PromptError::invalid("content", format!("must have 1 to {MAX_CONTENT} bytes")));
        }
        if self.changelog.as_ref().is_some_and(|text| text.chars().count() > MAX_CHANGELOG) {
            return Err(PromptError::invalid("changelog", format!("must have {MAX_CHANGELOG} characters at most")));
        }
        if !(1..=MAX_AUTHOR).contains(&self.author_name.chars().count()) {
            return Err(PromptError::invalid("authorName", format!("must have 1 to {MAX_AUTHOR} characters")));
        }
        if self.content.contains("{{{") {
            return Err(PromptError::TripleBrace);
        }
        syntax::check(&self.content)?;
        Ok(())
    }
}

/// Makes a version of a template from what [`NewVersion::check`] let pass. The first is in use at once.
///
/// # Errors
/// [`PromptError::NoTemplate`], too many, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, template_id: &str, new: &NewVersion) -> Result<PromptVersion, PromptError> {
    let old = template::stored(tx, cx.tenant(), template_id)?;
    let mut template = PromptTemplate { updated_at: cx.now.to_millis(), ..old.value.clone() };
    if template.versions >= MAX_VERSIONS {
        return Err(PromptError::TooMany { what: "versions of a template", max: MAX_VERSIONS });
    }
    template.versions = template.versions.saturating_add(1);
    let first = template.active_version_id.is_none();
    let version = PromptVersion {
        id: VersionId::draw(cx.now, &mut cx.seed()),
        template_id: template.id,
        version: template.versions,
        digest: digest(&new.content),
        content: new.content.clone(),
        changelog: new.changelog.clone(),
        author_type: new.author_type,
        author_name: new.author_name.clone(),
        status: if first { VersionStatus::Active } else { VersionStatus::Draft },
        created_at: cx.now.to_millis(),
    };
    Repo::new(tx, cx.tenant()).insert(&version, cx.now)?;
    if first {
        template.active_version_id = Some(version.id);
    }
    Repo::new(tx, cx.tenant()).update(&old, &template, cx.now)?;
    write_down(tx, cx, "template.version.create", &version, None)?;
    Ok(version)
}

/// What a text is remembered by.
pub(super) fn digest(content: &str) -> String {
    hex(&Sha256::digest(content.as_bytes()))
}

/// A version.
///
/// # Errors
/// [`PromptError::NoVersion`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<PromptVersion, PromptError> {
    let id = VersionId::parse(id).ok_or(PromptError::NoVersion)?;
    Ok(find(tx, tenant, id)?.ok_or(PromptError::NoVersion)?.value)
}

pub(super) fn find(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: VersionId,
) -> Result<Option<Stored<PromptVersion>>, StoreError> {
    Repo::new(tx, tenant).get(id.as_str())
}

/// Versions of a template, the newest first.
///
/// # Errors
/// Storage failures.
pub fn list(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    template: TemplateId,
    offset: u32,
    limit: u32,
) -> Result<Vec<PromptVersion>, PromptError> {
    let conds = vec![
        Cond::AtLeast("place", format!("{template}/").into()),
        Cond::Below("place", format!("{template}0").into()),
    ];
    let query =
        RecordQuery { conds, by: Some("place"), order: Order::Descending, offset, limit, ..RecordQuery::default() };
    Ok(Repo::new(tx, tenant).list(&query)?.into_iter().map(|stored| stored.value).collect())
}

/// Puts a version in use: alone, or with a `percent` below 100 beside the one in use. A rollout that is under way ends,
/// or goes on with the new percentage when it is this version's; 0 percent ends it.
///
/// # Errors
/// [`PromptError::NoTemplate`], [`PromptError::NoVersion`] for another template's too, [`PromptError::AlreadyActive`],
/// [`PromptError::NoRollout`], a percentage above 100, storage failures.
pub fn promote(
    tx: &mut dyn Tx,
    cx: &Ctx,
    template_id: &str,
    version_id: &str,
    percent: Option<u8>,
) -> Result<PromptVersion, PromptError> {
    let percent = percent.unwrap_or(100);
    if percent > 100 {
        return Err(PromptError::invalid("percent", "must be a whole number from 0 to 100"));
    }
    let old = template::stored(tx, cx.tenant(), template_id)?;
    let id = VersionId::parse(version_id).ok_or(PromptError::NoVersion)?;
    let found = find(tx, cx.tenant(), id)?.filter(|found| found.value.template_id == old.value.id);
    let found = found.ok_or(PromptError::NoVersion)?;
    let mut template = PromptTemplate { updated_at: cx.now.to_millis(), ..old.value.clone() };
    let (primary, tried) = (template.active_version_id, template.rollout.map(|rollout| rollout.version_id));
    if primary == Some(id) {
        return Err(PromptError::AlreadyActive);
    }
    if percent == 0 && tried != Some(id) {
        return Err(PromptError::NoRollout);
    }
    let status = if percent == 0 { VersionStatus::Retired } else { VersionStatus::Active };
    // Whoever is not in use any more after this; with the first version in use nothing can be tried beside it.
    let gone = match (percent, primary) {
        (100, _) | (_, None) => {
            template.active_version_id = Some(id);
            template.rollout = None;
            [primary, tried]
        }
        (0, Some(_)) => {
            template.rollout = None;
            [None, None]
        }
        (1.., Some(_)) => {
            template.rollout = Some(Rollout { version_id: id, percent });
            [tried, None]
        }
    };
    for gone in gone.into_iter().flatten().filter(|gone| *gone != id) {
        if let Some(stored) = find(tx, cx.tenant(), gone)? {
            set_status(tx, cx, &stored, VersionStatus::Retired)?;
        }
    }
    let version = set_status(tx, cx, &found, status)?;
    Repo::new(tx, cx.tenant()).update(&old, &template, cx.now)?;
    write_down(tx, cx, "template.version.promote", &version, Some(percent))?;
    Ok(version)
}

fn set_status(
    tx: &mut dyn Tx,
    cx: &Ctx,
    old: &Stored<PromptVersion>,
    status: VersionStatus,
) -> Result<PromptVersion, PromptError> {
    let version = PromptVersion { status, ..old.value.clone() };
    if version != old.value {
        Repo::new(tx, cx.tenant()).update(old, &version, cx.now)?;
    }
    Ok(version)
}

fn write_down(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    version: &PromptVersion,
    percent: Option<u8>,
) -> Result<(), PromptError> {
    let PromptVersion { id, template_id, version, digest, status, .. } = version;
    let body = json!({
        "version_id": id, "template_id": template_id, "version": version, "digest": digest, "status": status,
        "percent": percent, "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}
