//! Where a tenant's notices go. Webhook URLs are secrets and are sealed at rest.

use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        Code, TenantId,
        secret::{MasterKey, Secret},
    },
    store::{Entity, Repo, StoreError, Table, Tx, Value},
};

use super::{Channel, Target};

/// The longest webhook URL or e-mail address, in bytes.
const MAX_TEXT: usize = 2_048;
/// The id of the one record per tenant.
const ID: &str = "targets";
/// What webhook URLs are sealed for.
const PURPOSE: &str = "outbox.target";

/// Where notices go, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Targets {
    /// The approver of rules that name none.
    pub notify_email: Option<String>,
    /// Sealed.
    pub slack: Option<String>,
    /// Sealed.
    pub teams: Option<String>,
    /// Sealed.
    pub discord: Option<String>,
}

/// Where targets are kept.
pub static TARGETS: Table = Table { name: "notification_targets", columns: &[] };

impl Entity for Targets {
    const TABLE: &'static Table = &TARGETS;

    fn id(&self) -> String {
        ID.to_owned()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// A refused change of targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL or an address, or too long. The value is not repeated: it may be a secret.
    #[error("`{0}` is not valid")]
    Invalid(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TargetError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidRequest,
            Self::Store(error) => error.code(),
        }
    }
}

/// Changes to targets: absent stays, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct TargetsPatch {
    /// The default approver.
    pub notify_email: Option<Option<String>>,
    /// The Slack webhook.
    pub slack: Option<Option<Secret>>,
    /// The Teams webhook.
    pub teams: Option<Option<Secret>>,
    /// The Discord webhook.
    pub discord: Option<Option<Secret>>,
}

impl Targets {
    /// The URL of a webhook channel; `None` when it is not set or cannot be opened with this key.
    #[must_use]
    pub fn webhook(&self, channel: Channel, tenant: &TenantId, master: &MasterKey) -> Option<Secret> {
        let sealed = match channel {
            Channel::Slack => &self.slack,
            Channel::Teams => &self.teams,
            Channel::Discord => &self.discord,
            Channel::Email => return None,
        };
        master.open(PURPOSE, tenant.as_str(), sealed.as_deref()?)
    }

    /// Every target of a notice: the approvers that rules name (the default one for rules that name none) and
    /// every webhook.
    #[must_use]
    pub fn all<'r>(&self, approvers: impl IntoIterator<Item = Option<&'r str>>) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        let default = self.notify_email.as_deref();
        for address in approvers.into_iter().filter_map(|named| named.or(default)) {
            let target = Target::Email { address: address.to_owned() };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets.extend(self.slack.is_some().then_some(Target::Slack));
        targets.extend(self.teams.is_some().then_some(Target::Teams));
        targets.extend(self.discord.is_some().then_some(Target::Discord));
        targets
    }
}

/// The tenant's targets.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Targets, TargetError> {
    Ok(Repo::<Targets>::new(tx, tenant).get(ID)?.map(|stored| stored.value).unwrap_or_default())
}

/// Changes the tenant's targets.
///
/// # Errors
/// Values that are no addresses or URLs; storage failures.
pub fn update(tx: &mut dyn Tx, cx: &Ctx, master: &MasterKey, patch: &TargetsPatch) -> Result<Targets, TargetError> {
    let mut repo: Repo<'_, Targets> = Repo::new(tx, cx.tenant());
    let old = repo.get(ID)?;
    let mut new = old.as_ref().map(|old| old.value.clone()).unwrap_or_default();
    if let Some(email) = &patch.notify_email {
        if email.as_deref().is_some_and(|email| !is_address(email)) {
            return Err(TargetError::Invalid("notify_email"));
        }
        new.notify_email.clone_from(email);
    }
    let mut changed = Vec::new();
    for (field, change, sealed) in [
        ("slack_webhook_url", &patch.slack, &mut new.slack),
        ("teams_webhook_url", &patch.teams, &mut new.teams),
        ("discord_webhook_url", &patch.discord, &mut new.discord),
    ] {
        let Some(change) = change else { continue };
        if change.as_ref().is_some_and(|url| !is_url(url.expose())) {
            return Err(TargetError::Invalid(field));
        }
        *sealed = change.as_ref().map(|url| master.seal(PURPOSE, cx.tenant().as_str(), url.expose(), &mut cx.seed()));
        changed.push(field);
    }
    match &old {
        Some(old) => repo.update(old, &new, cx.now)?,
        None => repo.insert(&new, cx.now)?,
    }
    if patch.notify_email.is_some() {
        changed.push("notify_email");
    }
    let body = serde_json::json!({ "changed": changed, "by": cx.caller.name });
    audit::append(tx, cx, &Event::change("notifications.update", &body.to_string()))?;
    Ok(new)
}

fn is_address(text: &str) -> bool {
    let plain = !text.chars().any(|char| char.is_control() || char.is_whitespace() || matches!(char, '<' | '>' | ','));
    let whole = text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    plain && whole && text.len() <= 254
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = !text.chars().any(|char| char.is_control() || char.is_whitespace());
    plain && text.len() <= MAX_TEXT && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}
