//! What a tenant can set about its decisions and approvals.

use std::collections::BTreeMap;

use super::{DefaultVerdict, PolicyError, is_domain, zone};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{Risk, TenantId},
    store::{Entity, Repo, Table, Tx, Value},
};

/// The most fields that a tenant may give a least risk.
pub const MAX_DOMAIN_FLOORS: usize = 256;

/// The settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Settings {
    /// Whether a key that proposed a call may decide its approval, given the scope `approvals:decide`.
    pub allow_self_approval: bool,
    /// What happens to a call that no rule objects to.
    pub default_verdict: DefaultVerdict,
    /// The IANA time zone that times in rules are meant in.
    pub timezone: String,
    /// How long an approval waits for a human, and then for its call, in seconds (60 to 2,592,000).
    pub approval_ttl_seconds: u32,
    /// The least risk of a loop's steps in a field, by the field's slug. A step in no field has the greatest of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub domain_floors: BTreeMap<String, Risk>,
}

impl Default for Settings {
    /// The strictest sensible ones: what a tenant has that never set anything.
    fn default() -> Self {
        Self {
            allow_self_approval: false,
            default_verdict: DefaultVerdict::Allow,
            timezone: "UTC".to_owned(),
            approval_ttl_seconds: 86_400,
            domain_floors: BTreeMap::new(),
        }
    }
}

/// Where settings are kept: one record per tenant.
pub static SETTINGS: Table = Table { name: "settings", columns: &[] };

/// The id of the one record.
const ID: &str = "settings";

impl Entity for Settings {
    const TABLE: &'static Table = &SETTINGS;

    fn id(&self) -> String {
        ID.to_owned()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Changes to settings; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct SettingsPatch {
    /// See [`Settings::allow_self_approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_self_approval: Option<bool>,
    /// See [`Settings::default_verdict`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_verdict: Option<DefaultVerdict>,
    /// See [`Settings::timezone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// See [`Settings::approval_ttl_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_ttl_seconds: Option<u32>,
    /// See [`Settings::domain_floors`]; replaces all of them. 256 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_floors: Option<BTreeMap<String, Risk>>,
}

/// The tenant's settings.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Settings, PolicyError> {
    Ok(Repo::<Settings>::new(tx, tenant).get(ID)?.map(|stored| stored.value).unwrap_or_default())
}

/// Changes the settings.
///
/// # Errors
/// An unknown time zone or a time out of bounds; storage failures.
pub fn update(tx: &mut dyn Tx, cx: &Ctx, patch: &SettingsPatch) -> Result<Settings, PolicyError> {
    let mut new = get(tx, cx.tenant())?;
    if let Some(value) = patch.allow_self_approval {
        new.allow_self_approval = value;
    }
    if let Some(value) = patch.default_verdict {
        new.default_verdict = value;
    }
    if let Some(value) = &patch.timezone {
        if zone(value).is_none() {
            return Err(PolicyError::Invalid { field: "timezone", value: value.chars().take(64).collect() });
        }
        new.timezone.clone_from(value);
    }
    if let Some(value) = patch.approval_ttl_seconds {
        if !(60..=2_592_000).contains(&value) {
            return Err(PolicyError::Invalid { field: "approval_ttl_seconds", value: value.to_string() });
        }
        new.approval_ttl_seconds = value;
    }
    if let Some(floors) = &patch.domain_floors {
        if floors.len() > MAX_DOMAIN_FLOORS {
            let max = MAX_DOMAIN_FLOORS as u64;
            return Err(PolicyError::TooMany { what: "domain floors", max });
        }
        if let Some(slug) = floors.keys().find(|slug| !is_domain(slug)) {
            return Err(PolicyError::Invalid { field: "domain_floors", value: slug.chars().take(64).collect() });
        }
        new.domain_floors.clone_from(floors);
    }
    put(tx, cx, &new)?;
    let body = serde_json::json!({ "settings": new, "by": cx.caller.name });
    audit::append(tx, cx, &Event::change("settings.update", &body.to_string()))?;
    tx.bump_epoch(cx.tenant())?;
    Ok(new)
}

/// Stores settings without a trace in the log: for a tenant's first ones.
///
/// # Errors
/// Storage failures.
pub fn put(tx: &mut dyn Tx, cx: &Ctx, new: &Settings) -> Result<(), PolicyError> {
    let mut repo: Repo<'_, Settings> = Repo::new(tx, cx.tenant());
    match repo.get(ID)? {
        Some(old) => repo.update(&old, new, cx.now)?,
        None => repo.insert(new, cx.now)?,
    }
    Ok(())
}
