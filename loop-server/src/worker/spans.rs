//! Spans that are too old to be read, and projects whose time is over: removed.

use std::time::Duration;

use loop_core::{
    access::{Caller, tenant},
    base::TenantId,
    engine::Engine,
    onboarding::{OnboardingError, expire, project},
    store::{Lane, StoreExt},
    telemetry::{keep, prepare::KEPT},
};

use super::{Step, Stop, every};

/// How often they are looked for. Nothing reads them once they are due.
pub const PAUSE: Duration = Duration::from_secs(600);
/// How many blocks of spans one transaction removes.
const CHUNK: u32 = 16;
/// How many tenants or projects are read at once.
const PAGE: u32 = 100;

/// Removes them until the stop.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    let asked = stop.clone();
    every("spans", pause, stop, || async {
        pass(&engine, &asked).await?;
        Ok::<_, OnboardingError>(Step::Idle)
    })
    .await;
}

/// Goes through all tenants once. One tenant's failure is logged and holds up no other.
pub(super) async fn pass(engine: &Engine, stop: &Stop) -> Result<(), OnboardingError> {
    let mut after: Option<TenantId> = None;
    loop {
        let from = after.take();
        let page = engine.store().read("spans.tenants", move |tx| tenant::page(tx, from.as_ref(), PAGE)).await?;
        for stored in &page {
            if let Err(error) = tenant_pass(engine, &stored.value.id, stop).await {
                tracing::warn!(target: "loop::worker", tenant = %stored.value.id, %error, "a tenant's spans cannot be purged");
            }
        }
        match page.last() {
            Some(last) if page.len() >= PAGE as usize && !stop.is_asked() => after = Some(last.value.id.clone()),
            _ => return Ok(()),
        }
    }
}

async fn tenant_pass(engine: &Engine, tenant: &TenantId, stop: &Stop) -> Result<(), OnboardingError> {
    let mut more = true;
    while more && !stop.is_asked() {
        let cx = engine.context(Caller::system(tenant.clone(), "spans"))?;
        let swept = engine
            .store()
            .transact("telemetry_project.expire", Lane::Bulk, move |tx| expire::sweep(tx, &cx.again(), CHUNK));
        more = swept.await?;
    }
    purge(engine, tenant, project::DEFAULT, stop).await?;
    let mut after: Option<String> = None;
    loop {
        let (id, from) = (tenant.clone(), after.take());
        let list = engine.store().read("spans.projects", move |tx| project::page(tx, &id, from.as_deref(), PAGE));
        let page = list.await?;
        for stored in &page {
            purge(engine, tenant, &stored.value.id, stop).await?;
        }
        match page.last() {
            Some(last) if page.len() >= PAGE as usize && !stop.is_asked() => after = Some(last.value.id.to_string()),
            _ => return Ok(()),
        }
    }
}

/// Removes the old spans of one project, a chunk at a time.
async fn purge(engine: &Engine, tenant: &TenantId, project: &str, stop: &Stop) -> Result<(), OnboardingError> {
    let before = engine.now().plus_seconds(-KEPT);
    let mut more = true;
    while more && !stop.is_asked() {
        let (tenant, project) = (tenant.clone(), project.to_owned());
        let gone = engine.store().transact("spans.purge", Lane::Bulk, move |tx| {
            keep::purge(tx, &tenant, &project, before, CHUNK).map_err(OnboardingError::from)
        });
        more = gone.await? >= CHUNK;
    }
    Ok(())
}
