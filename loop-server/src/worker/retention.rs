//! What tenants do not want to keep, removed in chunks that let everything else go first.

use std::{fmt::Display, time::Duration};

use loop_core::{
    access::{AccessError, Caller, Ctx, idempotency, tenant},
    approval::{self, ApprovalError},
    audit::{self, AuditError, retention},
    base::{TenantId, Time, host::NoEntropy},
    engine::Engine,
    invoke, message, outbox, proof,
    store::{Lane, StoreError, StoreExt, Tx},
    task,
};

use super::{Step, Stop, every};

/// How often the log is looked through.
pub const PAUSE: Duration = Duration::from_secs(3_600);
/// How many entries or records one transaction removes.
const CHUNK: u32 = 1_000;
/// How many tenants are read at once.
const TENANTS: u32 = 100;
/// How long delivered notices are kept at most. They repeat what the log and the approvals say.
const NOTICE_DAYS: i64 = 30;
/// How long dead links are kept: long enough to tell a late click why it does nothing.
const LINK_DAYS: i64 = 7;

/// Purges until the stop.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    let asked = stop.clone();
    every("retention", pause, stop, || async {
        pass(&engine, &asked).await?;
        Ok::<_, AccessError>(Step::Idle)
    })
    .await;
}

/// Goes through all tenants once. One tenant's failure is logged and holds up no other.
async fn pass(engine: &Engine, stop: &Stop) -> Result<(), AccessError> {
    let now = engine.now();
    let before = days_before(now, LINK_DAYS);
    chunks(stop, || {
        engine
            .store()
            .transact("links.purge", Lane::Bulk, move |tx| outbox::links::purge(tx, before, CHUNK).map(u64::from))
    })
    .await?;
    let mut after: Option<TenantId> = None;
    loop {
        let from = after.take();
        let page = engine.store().read("retention.tenants", move |tx| tenant::page(tx, from.as_ref(), TENANTS)).await?;
        for stored in &page {
            if let Err(error) = tenant_pass(engine, &stored.value.id, now, stop).await {
                tracing::warn!(target: "loop::worker", tenant = %stored.value.id, %error, "a tenant's log cannot be purged");
            }
        }
        match page.last() {
            Some(last) if page.len() >= TENANTS as usize && !stop.is_asked() => after = Some(last.value.id.clone()),
            _ => return Ok(()),
        }
    }
}

async fn tenant_pass(engine: &Engine, tenant: &TenantId, now: Time, stop: &Stop) -> Result<(), AuditError> {
    let id = tenant.clone();
    let kept = engine.store().read("retention.get", move |tx| retention::get(tx, &id)).await?;
    let days = kept.retention_days.map(i64::from);
    let notices = days_before(now, days.map_or(NOTICE_DAYS, |days| days.min(NOTICE_DAYS)));
    chunks(stop, || {
        let id = tenant.clone();
        engine
            .store()
            .transact("notices.purge", Lane::Bulk, move |tx| outbox::purge(tx, &id, notices, CHUNK).map(u64::from))
    })
    .await?;
    let answers = chunks(stop, || {
        let id = tenant.clone();
        engine.store().transact("idempotency.purge", Lane::Bulk, move |tx| idempotency::purge(tx, &id, now, CHUNK))
    });
    answers.await.map_err(|error: AccessError| StoreError::Internal(error.to_string()))?;
    let Some(days) = days else { return Ok(()) };
    let before = days_before(now, days);
    for (name, remove) in KINDS {
        chunks(stop, || purge(engine, tenant, now, name, move |tx, cx| remove(tx, cx, before))).await?;
    }
    let entries =
        || purge(engine, tenant, now, "audit.purge", move |tx, cx| audit::purge_before(tx, cx, before, CHUNK));
    let gone = chunks(stop, entries).await?;
    if gone > 0 {
        tracing::info!(target: "loop::worker", %tenant, gone, days, "old entries were purged");
    }
    Ok(())
}

/// What goes with the log: each removes a chunk of what is older than a time and answers how much it did.
type Remove = fn(&mut dyn Tx, &Ctx, Time) -> Result<u64, StoreError>;
const KINDS: [(&str, Remove); 5] = [
    ("approvals.purge", |tx, cx, before| match approval::purge_before(tx, cx, before, CHUNK) {
        Err(ApprovalError::Store(error)) => Err(error),
        done => done.map_err(|error| StoreError::Internal(error.to_string())),
    }),
    ("messages.purge", |tx, cx, before| message::purge_before(tx, cx, before, CHUNK)),
    ("tasks.purge", |tx, cx, before| task::erase::purge_before(tx, cx, before, CHUNK)),
    ("proofs.purge", |tx, cx, before| proof::purge_before(tx, cx, before, CHUNK)),
    ("invocations.purge", |tx, cx, before| invoke::erase::purge_before(tx, cx, before, CHUNK)),
];

/// Removes one chunk in a transaction of its own.
async fn purge(
    engine: &Engine,
    tenant: &TenantId,
    now: Time,
    name: &'static str,
    chunk: impl Fn(&mut dyn Tx, &Ctx) -> Result<u64, StoreError> + Send + 'static,
) -> Result<u64, AuditError> {
    let entropy = |error: NoEntropy| StoreError::Internal(error.to_string());
    let mut cx = engine.context(Caller::system(tenant.clone(), "retention")).map_err(entropy)?;
    cx.now = now;
    let removed = engine.store().transact(name, Lane::Bulk, move |tx| chunk(tx, &cx.again()));
    Ok(removed.await?)
}

/// Repeats a step until it removes nothing more or the stop; answers how much went.
async fn chunks<S, F, E>(stop: &Stop, mut step: S) -> Result<u64, E>
where
    S: FnMut() -> F,
    F: Future<Output = Result<u64, E>>,
    E: Display,
{
    let mut all = 0_u64;
    while !stop.is_asked() {
        let gone = step().await?;
        if gone == 0 {
            break;
        }
        all = all.saturating_add(gone);
    }
    Ok(all)
}

const fn days_before(now: Time, days: i64) -> Time {
    now.plus_seconds(days.saturating_mul(-86_400))
}
