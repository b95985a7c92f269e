//! What a fresh store needs before the first call: the tenant of a single-user sidecar and a key.

use super::Engine;
use crate::{
    access::{AccessError, Caller, Ctx, Scopes, key, tenant},
    audit::{self, Event},
    base::{TenantId, secret::Secret},
    policy::settings::{self, Settings},
    prompt,
    store::Lane,
};

/// What came of it.
#[derive(Debug)]
pub struct Bootstrap {
    /// Whether the store was fresh.
    pub fresh: bool,
    /// The first key, when none was given and the tenant had none. Show it once.
    pub minted: Option<Secret>,
}

/// Makes sure that the tenant `default` exists and has a key: the one of the environment when given, else, on a
/// tenant without any live key, a new one.
///
/// A fresh tenant may approve its own calls, so that one person with one key can try everything.
///
/// # Errors
/// Storage failures, no randomness.
pub async fn bootstrap(engine: &Engine, env_key: Option<Secret>) -> Result<Bootstrap, AccessError> {
    let id = TenantId::default_tenant();
    let now = engine.now();
    let seed = engine.seed()?;
    let work = move |tx: &mut dyn crate::store::Tx| {
        let cx = Ctx::new(Caller::system(TenantId::default_tenant(), "bootstrap"), now, seed.clone());
        let fresh = tenant::ensure_default(tx, now)?;
        if fresh {
            let open = Settings { allow_self_approval: true, ..Settings::default() };
            settings::put(tx, &cx, &open).map_err(|error| match error {
                crate::policy::PolicyError::Store(error) => AccessError::Store(error),
                other => AccessError::Store(crate::store::StoreError::Internal(other.to_string())),
            })?;
            prompt::defaults::plant(tx, cx.tenant(), now)?;
            audit::append(tx, &cx, &Event::change("tenant.create", "{}"))?;
            tx.bump_epoch(cx.tenant())?;
        }
        let minted = match &env_key {
            Some(token) => {
                if key::put_env(tx, cx.tenant(), token, now, &mut cx.seed())? {
                    audit::append(tx, &cx, &Event::change("key.replace", r#"{"name":"env"}"#))?;
                }
                None
            }
            None if key::list(tx, cx.tenant())?.iter().any(|key| key.value.revoked_at.is_none()) => None,
            None => {
                let first = key::NewKey::operator("first", Scopes::all());
                let minted = key::mint(tx, cx.tenant(), &first, now, &mut cx.seed())?;
                audit::append(tx, &cx, &Event::change("key.create", r#"{"name":"first"}"#))?;
                Some(minted.token)
            }
        };
        Ok(Bootstrap { fresh, minted })
    };
    engine.write_as_system(&id, "bootstrap", Lane::Normal, work).await
}
