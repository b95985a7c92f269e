//! Finding manifests. Whoever may not call a tool does not learn that it is there.

use super::{
    content::Visibility,
    stored::{MANIFESTS, Manifest, ToolStatus, own},
};
use crate::{
    base::{
        TenantId,
        id::{LoopId, ToolId},
    },
    store::{Cond, Order, RecordQuery, Repo, StoreError, Stored, Tx, Value},
    tool::Risk,
};

/// How many versions of one name are looked at.
const CANDIDATES: u32 = 1_000;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// The tenant's administrator, who sees everything.
    Administrator,
    /// A loop, which sees its own tools and those that were reviewed for others.
    Loop(LoopId),
}

/// What a decision reads of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The version's id.
    pub id: ToolId,
    /// The loop that published it.
    pub owner: LoopId,
    /// The tool's name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The domain it works in.
    pub category: String,
    /// How much harm a call can do.
    pub risk: Risk,
    /// Whether a human is asked also where the mode would not.
    pub requires_approval_default: bool,
    /// Who may call it.
    pub visibility: Visibility,
    /// Whether it may be invoked.
    pub status: ToolStatus,
    /// What a call costs, in credits.
    pub credit_cost: u64,
}

impl From<Manifest> for Summary {
    fn from(manifest: Manifest) -> Self {
        let content = manifest.content;
        Self {
            id: manifest.id,
            owner: manifest.owner,
            name: content.name,
            version: content.version,
            category: content.category,
            risk: content.risk_level,
            requires_approval_default: content.requires_approval_default,
            visibility: content.visibility,
            status: manifest.status,
            credit_cost: content.credit_cost,
        }
    }
}

/// Of several versions, the one that a call means when it names none: the highest, a finished version before one that
/// is not.
pub fn pick<'m, T>(versions: impl IntoIterator<Item = &'m T>, version: impl Fn(&T) -> &str) -> Option<&'m T> {
    let read =
        |item: &&'m T| semver::Version::parse(version(item)).ok().map(|version| (version.pre.is_empty(), version));
    versions.into_iter().filter(|item| read(item).is_some()).max_by_key(read)
}

/// The version of a tool that a call by this name means: the viewer's own before another's, of the others the one
/// whose name was taken first; among its versions the named one, or the highest. Only what may be invoked counts.
///
/// # Errors
/// Storage failures.
pub fn find(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    viewer: LoopId,
    name: &str,
    version: Option<&str>,
) -> Result<Option<Manifest>, StoreError> {
    let approved = |found: Vec<Manifest>| {
        found.into_iter().filter(|manifest| manifest.status == ToolStatus::Approved).collect::<Vec<_>>()
    };
    let mut found = approved(list(tx, tenant, Cond::Eq("own", own(viewer, name).into()))?);
    if found.is_empty() {
        found = approved(list(tx, tenant, Cond::Eq("shelf", name.into()))?);
        if let Some(first) = found.iter().min_by_key(|manifest| manifest.id).map(|manifest| manifest.owner) {
            found.retain(|manifest| manifest.owner == first);
        }
    }
    found.retain(|manifest| version.is_none_or(|version| manifest.content.version == version));
    Ok(pick(&found, |manifest| &manifest.content.version).cloned())
}

/// The version of a tool that is shown under this name; its owner and the administrator see it before it is approved.
///
/// # Errors
/// Storage failures.
pub fn shown(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    viewer: Viewer,
    name: &str,
    version: Option<&str>,
) -> Result<Option<Manifest>, StoreError> {
    let mut found = match viewer {
        Viewer::Loop(viewer) => {
            let own = list(tx, tenant, Cond::Eq("own", own(viewer, name).into()))?;
            if own.is_empty() { list(tx, tenant, Cond::Eq("shelf", name.into()))? } else { own }
        }
        Viewer::Administrator => list(tx, tenant, Cond::Eq("shelf", name.into()))?,
    };
    if let Some(first) = found.iter().min_by_key(|manifest| manifest.id).map(|manifest| manifest.owner) {
        found.retain(|manifest| manifest.owner == first);
    }
    found.retain(|manifest| version.is_none_or(|version| manifest.content.version == version));
    Ok(pick(&found, |manifest| &manifest.content.version).cloned())
}

/// One published version, by its id.
///
/// # Errors
/// Storage failures.
pub fn by_id(tx: &mut dyn Tx, tenant: &TenantId, id: ToolId) -> Result<Option<Stored<Manifest>>, StoreError> {
    Repo::new(tx, tenant).get(&id.to_string())
}

/// One published version, by its owner, name and version.
///
/// # Errors
/// Storage failures.
pub fn exact(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    owner: LoopId,
    name: &str,
    version: &str,
) -> Result<Option<Manifest>, StoreError> {
    let value = format!("{}/{version}", own(owner, name)).into();
    let stored: Option<Stored<Manifest>> = Repo::new(tx, tenant).find("version_of", &value)?;
    Ok(stored.map(|stored| stored.value))
}

/// Published versions that the viewer has listed, newest first, `limit` at most, those before the id `after`.
///
/// # Errors
/// Storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    viewer: Viewer,
    after: Option<ToolId>,
    limit: u32,
) -> Result<Vec<Manifest>, StoreError> {
    const CHUNK: u32 = 200;
    let visible = |manifest: &Manifest| match viewer {
        Viewer::Administrator => true,
        Viewer::Loop(viewer) => {
            manifest.owner == viewer
                || (manifest.content.visibility == Visibility::Marketplace && manifest.status == ToolStatus::Approved)
        }
    };
    let mut all = Vec::new();
    let mut after = after.map(|id| (Value::Null, id.to_string()));
    loop {
        let query = RecordQuery { order: Order::Descending, after, limit: CHUNK, ..RecordQuery::default() };
        let page: Vec<Stored<Manifest>> = Repo::new(tx, tenant).list(&query)?;
        let full = page.len() == CHUNK as usize;
        after = page.last().map(|last| (Value::Null, last.value.id.to_string()));
        for stored in page {
            if visible(&stored.value) {
                all.push(stored.value);
                if all.len() >= limit as usize {
                    return Ok(all);
                }
            }
        }
        if !full {
            return Ok(all);
        }
    }
}

/// How many versions a loop, or with `None` the tenant, has published.
///
/// # Errors
/// Storage failures.
pub fn count(tx: &mut dyn Tx, tenant: &TenantId, owner: Option<LoopId>) -> Result<u64, StoreError> {
    let conds: Vec<Cond> = owner.map(|owner| Cond::Eq("owner", owner.to_string().into())).into_iter().collect();
    tx.count(&MANIFESTS, tenant, &conds)
}

/// What a decision reads of every version that changed after an epoch; all of them from epoch 0.
///
/// # Errors
/// Storage failures.
pub fn changed_after(tx: &mut dyn Tx, tenant: &TenantId, epoch: u64) -> Result<Vec<Summary>, StoreError> {
    const CHUNK: u32 = 200;
    let since = i64::try_from(epoch.saturating_add(1)).unwrap_or(i64::MAX);
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = RecordQuery {
            conds: vec![Cond::AtLeast("epoch", Value::Int(since))],
            by: Some("epoch"),
            after,
            limit: CHUNK,
            ..RecordQuery::default()
        };
        let page: Vec<Stored<Manifest>> = Repo::new(tx, tenant).list(&query)?;
        let full = page.len() == CHUNK as usize;
        after = page
            .last()
            .map(|last| (Value::Int(i64::try_from(last.value.epoch).unwrap_or(i64::MAX)), last.value.id.to_string()));
        all.extend(page.into_iter().map(|stored| Summary::from(stored.value)));
        if !full {
            return Ok(all);
        }
    }
}

fn list(tx: &mut dyn Tx, tenant: &TenantId, cond: Cond) -> Result<Vec<Manifest>, StoreError> {
    let query = RecordQuery { conds: vec![cond], limit: CANDIDATES, ..RecordQuery::default() };
    let page: Vec<Stored<Manifest>> = Repo::new(tx, tenant).list(&query)?;
    Ok(page.into_iter().map(|stored| stored.value).collect())
}
