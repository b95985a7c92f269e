//! The secrets of a tenant's webhooks. They are sealed at rest and never shown.

use super::{Provider, SignalError};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{
        TenantId,
        secret::{MasterKey, Secret},
    },
    store::{Entity, Repo, StoreError, Stored, Table, Tx, Value},
    work::WorkError,
};

/// The shortest secret, in bytes: shorter ones are guessed.
pub const MIN_SECRET: usize = 8;
/// The longest secret, in bytes.
pub const MAX_SECRET: usize = 512;
/// The longest name of a header, in bytes.
pub const MAX_HEADER: usize = 64;

/// The id of the one record per tenant.
const ID: &str = "webhooks";
/// What secrets are sealed for.
const PURPOSE: &str = "signal.webhook";

/// What a tenant's webhooks are verified with, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WebhookSettings {
    /// Sealed.
    github: Option<String>,
    /// Sealed.
    sentry: Option<String>,
    /// Sealed.
    posthog: Option<String>,
    /// The header in which PostHog sends its secret, when it is not the usual one.
    pub posthog_header: Option<String>,
}

/// Where they are kept.
pub static WEBHOOK_SETTINGS: Table = Table { name: "webhook_settings", columns: &[] };

impl Entity for WebhookSettings {
    const TABLE: &'static Table = &WEBHOOK_SETTINGS;

    fn id(&self) -> String {
        ID.to_owned()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Changes to a tenant's webhooks: absent stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// GitHub's secret, [`MIN_SECRET`] to [`MAX_SECRET`] printable ASCII characters.
    pub github: Option<Option<Secret>>,
    /// Sentry's.
    pub sentry: Option<Option<Secret>>,
    /// PostHog's.
    pub posthog: Option<Option<Secret>>,
    /// The header in which PostHog sends its secret.
    pub posthog_header: Option<Option<String>>,
}

impl WebhookSettings {
    const fn sealed(&self, provider: Provider) -> Option<&String> {
        match provider {
            Provider::Github => self.github.as_ref(),
            Provider::Sentry => self.sentry.as_ref(),
            Provider::Posthog => self.posthog.as_ref(),
        }
    }

    /// Whether the provider's webhooks can be verified.
    #[must_use]
    pub const fn configured(&self, provider: Provider) -> bool {
        self.sealed(provider).is_some()
    }

    /// The provider's secret; `None` when there is none or it cannot be opened with this key.
    #[must_use]
    pub fn secret(&self, provider: Provider, tenant: &TenantId, master: &MasterKey) -> Option<Secret> {
        master.open(PURPOSE, &subject(tenant, provider), self.sealed(provider)?)
    }

    /// The header that carries the provider's proof.
    #[must_use]
    pub fn proof_header(&self, provider: Provider) -> &str {
        let own = self.posthog_header.as_deref().filter(|_| provider == Provider::Posthog);
        own.unwrap_or(provider.proof_header())
    }
}

/// A secret that is sealed for one provider is none of another.
fn subject(tenant: &TenantId, provider: Provider) -> String {
    format!("{tenant}/{}", provider.as_str())
}

/// A tenant's settings, the defaults when it never set any.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId) -> Result<WebhookSettings, StoreError> {
    let found: Option<Stored<WebhookSettings>> = Repo::new(tx, tenant).get(ID)?;
    Ok(found.map(|stored| stored.value).unwrap_or_default())
}

/// Changes a tenant's settings.
///
/// # Errors
/// Secrets or names out of bounds, storage failures.
pub fn update(
    tx: &mut dyn Tx,
    cx: &Ctx,
    master: &MasterKey,
    patch: &WebhookPatch,
) -> Result<WebhookSettings, SignalError> {
    let old: Option<Stored<WebhookSettings>> = Repo::new(tx, cx.tenant()).get(ID)?;
    let mut settings = old.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
    let secrets = [
        (Provider::Github, "github_secret", &patch.github),
        (Provider::Sentry, "sentry_secret", &patch.sentry),
        (Provider::Posthog, "posthog_secret", &patch.posthog),
    ];
    for (provider, field, told) in secrets {
        let Some(told) = told else { continue };
        told.as_ref().map_or(Ok(()), |secret| check_secret(field, secret))?;
        let sealed = told
            .as_ref()
            .map(|secret| master.seal(PURPOSE, &subject(cx.tenant(), provider), secret.expose(), &mut cx.seed()));
        match provider {
            Provider::Github => settings.github = sealed,
            Provider::Sentry => settings.sentry = sealed,
            Provider::Posthog => settings.posthog = sealed,
        }
    }
    if let Some(header) = &patch.posthog_header {
        header.as_deref().map_or(Ok(()), check_header)?;
        settings.posthog_header.clone_from(header);
    }
    match &old {
        Some(old) => Repo::new(tx, cx.tenant()).update(old, &settings, cx.now)?,
        None => Repo::new(tx, cx.tenant()).insert(&settings, cx.now)?,
    }
    let shown = |provider| settings.configured(provider);
    let body = serde_json::json!({
        "github": shown(Provider::Github), "sentry": shown(Provider::Sentry), "posthog": shown(Provider::Posthog),
    });
    audit::append(tx, cx, &Event::change("webhook_settings.update", &body.to_string()))?;
    Ok(settings)
}

fn check_secret(field: &str, secret: &Secret) -> Result<(), WorkError> {
    let text = secret.expose();
    // A header carries nothing else, and what cannot be typed is mistyped.
    let fits = (MIN_SECRET..=MAX_SECRET).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let message = || format!("must have {MIN_SECRET} to {MAX_SECRET} printable ASCII characters without spaces");
    if fits { Ok(()) } else { Err(WorkError::field(field, message())) }
}

fn check_header(name: &str) -> Result<(), WorkError> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    // What every request carries anyway proves nothing.
    let taken = ["authorization", "cookie", "host", "content-type", "content-length"];
    if plain && (1..=MAX_HEADER).contains(&name.len()) && !taken.contains(&name.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(WorkError::field("posthog_header", format!("must be the name of a header of 1 to {MAX_HEADER} characters")))
}
