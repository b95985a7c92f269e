//! `audit verify` and `audit export`.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use loop_core::{
    access::tenant,
    audit::{self, AuditEntry, Checkpoint, DECISIONS, Filter, STREAMS, Verified, Verifier},
    base::{TenantId, Time},
    engine::Engine,
    store::{StoreExt, Tx, wait},
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::run::{CliError, Out};
use crate::surface::governance::export::{csv_head, csv_lines};

/// How many tenants and entries are read at a time.
const PAGE: u32 = 500;
/// The longest line of a file of checkpoints, in bytes.
const LINE_MAX: usize = 4096;

/// Checks the logs of the given tenants and says what came of each. `Err` when any is damaged.
pub(super) fn verify(
    engine: &Engine,
    tenants: &[TenantId],
    mut checkpoints: HashMap<TenantId, Vec<Checkpoint>>,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let mut damaged = 0_usize;
    for tenant in tenants {
        let known = checkpoints.remove(tenant).unwrap_or_default();
        let kept = known.len();
        let outcome = check(engine, tenant, known)?;
        match outcome.first_bad {
            None => writeln!(
                out,
                "{tenant}: {} entries verified, {} of them erased, {kept} checkpoints met",
                outcome.entries, outcome.erased
            )?,
            Some(bad) => {
                damaged = damaged.saturating_add(1);
                writeln!(out, "{tenant}: DAMAGED at {} of stream {}: {}", bad.entry, bad.stream, bad.problem)?;
            }
        }
    }
    for (tenant, known) in checkpoints.into_iter().filter(|(tenant, _)| !tenants.contains(tenant)) {
        damaged = damaged.saturating_add(1);
        writeln!(out, "{tenant}: DAMAGED: gone, but {} checkpoints know it", known.len())?;
    }
    if damaged == 0 { Ok(()) } else { Err(CliError::Damaged(damaged)) }
}

fn check(engine: &Engine, tenant: &TenantId, checkpoints: Vec<Checkpoint>) -> Result<Verified, CliError> {
    let verifier = Arc::new(Mutex::new(Verifier::new(checkpoints)));
    loop {
        let (verifier, tenant) = (Arc::clone(&verifier), tenant.clone());
        let step = move |tx: &mut dyn Tx| verifier.lock().unwrap_or_else(PoisonError::into_inner).step(tx, &tenant);
        if let Some(outcome) = wait(engine.store().read("audit.verify", step))? {
            return Ok(outcome);
        }
    }
}

/// Every tenant there is.
pub(super) fn all_tenants(engine: &Engine) -> Result<Vec<TenantId>, CliError> {
    let mut all: Vec<TenantId> = Vec::new();
    loop {
        let after = all.last().cloned();
        let page =
            wait(engine.store().read("tenant.page", move |tx: &mut dyn Tx| tenant::page(tx, after.as_ref(), PAGE)))?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page.into_iter().map(|stored| stored.value.id));
    }
}

/// Reads a file of checkpoints; a line that this installation did not write is an error.
pub(super) fn read_checkpoints(engine: &Engine, path: &Path) -> Result<HashMap<TenantId, Vec<Checkpoint>>, CliError> {
    let bad = |line: usize, problem: &'static str| CliError::Checkpoint { path: path.to_owned(), line, problem };
    let mut all: HashMap<TenantId, Vec<Checkpoint>> = HashMap::new();
    for (at, line) in BufReader::new(File::open(path)?).split(b'\n').enumerate() {
        let (line, at) = (line?, at.saturating_add(1));
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = (line.len() <= LINE_MAX).then(|| serde_json::from_slice::<Checkpoint>(&line).ok()).flatten();
        let checkpoint = read.ok_or_else(|| bad(at, "not a checkpoint"))?;
        if !checkpoint.is_genuine(engine.master()) {
            return Err(bad(at, "not signed with this installation's key"));
        }
        all.entry(checkpoint.tenant.clone()).or_default().push(checkpoint);
    }
    Ok(all)
}

/// A line of an export.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    at: Time,
    op: Option<&'a str>,
    status: Option<&'a str>,
    tool_name: Option<&'a str>,
    agent_name: Option<&'a str>,
    risk: Option<&'a str>,
    body: Option<&'a RawValue>,
    hash: &'a str,
}

/// Writes a tenant's log as JSON: both streams, newest entries first, one object per line.
pub(super) fn export_json(engine: &Engine, tenant: &TenantId, out: &mut Out<'_>) -> Result<(), CliError> {
    for stream in STREAMS {
        for_each_page(engine, tenant, stream, |page| {
            for entry in &page {
                let body = entry.body.as_deref().and_then(|body| serde_json::from_str::<&RawValue>(body).ok());
                let line = Line {
                    id: entry.id(),
                    at: entry.at,
                    op: entry.op.as_deref(),
                    status: entry.status.as_deref(),
                    tool_name: entry.tool_name.as_deref(),
                    agent_name: entry.agent_name.as_deref(),
                    risk: entry.risk.as_deref(),
                    body,
                    hash: &entry.hash,
                };
                serde_json::to_writer(&mut *out, &line).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Writes a tenant's decisions as CSV, newest first, in the columns of `/api/logs/export`.
pub(super) fn export_csv(engine: &Engine, tenant: &TenantId, out: &mut Out<'_>) -> Result<(), CliError> {
    out.write_all(&csv_head())?;
    for_each_page(engine, tenant, DECISIONS, |page| Ok(out.write_all(&csv_lines(page))?))
}

/// Reads a stream page by page, so that a long log pins no snapshot.
fn for_each_page(
    engine: &Engine,
    tenant: &TenantId,
    stream: &'static str,
    mut work: impl FnMut(Vec<AuditEntry>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut below = None;
    loop {
        let (subject, filter) = (tenant.clone(), Filter { below, ..Filter::default() });
        let page = wait(
            engine
                .store()
                .read("audit.export", move |tx: &mut dyn Tx| audit::page(tx, &subject, stream, &filter, PAGE, 0)),
        )?;
        let Some(last) = page.last() else { return Ok(()) };
        below = Some(last.seq);
        work(page)?;
    }
}
