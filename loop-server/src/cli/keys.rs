//! `keys create`, `keys list`, `keys revoke`.

use loop_core::{
    access::{
        Caller, Ctx, Scopes,
        key::{self, Form},
        loops,
        tenant::Tenant,
    },
    audit::{self, Event},
    base::TenantId,
    engine::Engine,
    store::{Lane, Repo, StoreError, StoreExt, Tx, wait},
};

use super::run::{CliError, Out};

/// Finds a tenant by its name.
pub(super) fn tenant(engine: &Engine, name: &str) -> Result<TenantId, CliError> {
    let unknown = || CliError::NoTenant(name.to_owned());
    let id = TenantId::parse(name).ok_or_else(unknown)?;
    let wanted = id.clone();
    let found = wait(engine.store().read("tenant.get", move |tx: &mut dyn Tx| {
        Ok::<_, StoreError>(Repo::<'_, Tenant>::new(tx, &TenantId::directory()).get(wanted.as_str())?.is_some())
    }))?;
    if found { Ok(id) } else { Err(unknown()) }
}

/// What a new key shall be.
pub(super) struct Wanted {
    pub name: String,
    pub scopes: Scopes,
    /// The loop it belongs to, by id or `@tag`.
    pub of_loop: Option<String>,
    /// Whether everything it does is simulated.
    pub test: bool,
}

/// Makes a key. The key alone goes to `out`, so that a script can take it.
pub(super) fn create(engine: &Engine, tenant: &TenantId, wanted: Wanted, out: &mut Out<'_>) -> Result<(), CliError> {
    let cx = context(engine, tenant)?;
    let minted = wait(engine.write_as_system(tenant, "key.create", Lane::Normal, move |tx| {
        let loop_id = match &wanted.of_loop {
            Some(name) => Some(loops::resolve(tx, cx.tenant(), name)?.id),
            None => None,
        };
        let form = match (wanted.test, loop_id) {
            (true, _) => Form::Test,
            (false, Some(_)) => Form::Live,
            (false, None) => Form::Operator,
        };
        let new = key::NewKey { loop_id, form, ..key::NewKey::operator(wanted.name.clone(), wanted.scopes) };
        let minted = key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?;
        let made = &minted.key;
        let body = serde_json::json!({
            "id": made.id, "name": made.name, "scopes": made.scopes, "loop_id": made.loop_id,
            "sandboxed": made.sandboxed,
        })
        .to_string();
        audit::append(tx, &cx, &Event::change("key.create", &body))?;
        Ok::<_, loop_core::access::AccessError>(minted)
    }))?;
    writeln!(out, "{}", minted.token.expose())?;
    Ok(())
}

/// Lists keys: id, state, name, how the key begins, scopes, loop.
pub(super) fn list(engine: &Engine, tenant: &TenantId, out: &mut Out<'_>) -> Result<(), CliError> {
    let subject = tenant.clone();
    let keys = wait(engine.store().read("key.list", move |tx: &mut dyn Tx| key::list(tx, &subject)))?;
    let now = engine.now();
    for stored in keys {
        let key = stored.value;
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            (None, _) => "live",
        };
        let scopes: Vec<&str> = key.scopes.iter().map(loop_core::access::Scope::as_str).collect();
        let scopes = if key.scopes == Scopes::all() { "all".to_owned() } else { scopes.join(",") };
        let begins = if key.prefix.is_empty() { "-" } else { &key.prefix };
        // A name may hold what a terminal would obey.
        let name: String = key.name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let whose = key.loop_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        writeln!(out, "{}  {:<7}  {name}  {begins}  {scopes}  {whose}  {}", key.id, state, stored.created_at)?;
    }
    Ok(())
}

/// Revokes a key.
pub(super) fn revoke(engine: &Engine, tenant: &TenantId, id: String, out: &mut Out<'_>) -> Result<(), CliError> {
    let cx = context(engine, tenant)?;
    let key = wait(engine.write_as_system(tenant, "key.revoke", Lane::Normal, move |tx| {
        let key = key::revoke(tx, cx.tenant(), &id, cx.now)?;
        let body = serde_json::json!({ "id": key.id, "name": key.name }).to_string();
        audit::append(tx, &cx, &Event::change("key.revoke", &body))?;
        Ok::<_, loop_core::access::AccessError>(key)
    }))?;
    writeln!(out, "revoked {}", key.id)?;
    Ok(())
}

/// What a command runs in.
pub(super) fn context(engine: &Engine, tenant: &TenantId) -> Result<Ctx, CliError> {
    Ok(engine.context(Caller::system(tenant.clone(), "command line")).map_err(loop_core::access::AccessError::from)?)
}
