//! `tools block`, `tools unblock`, `tools list`: the kill switch at the operator's hand; `tools unpin`: a way out for
//! definitions that are pinned. All of them also while a server runs.

use loop_core::{
    approval::definition,
    base::TenantId,
    engine::{DecideError, Engine},
    policy::kill_switch,
    store::{Lane, StoreExt, Tx, wait},
};

use super::{
    keys::context,
    run::{CliError, Out},
};

/// Blocks a tool. From the moment this commits no decision allows it, in any process.
pub(super) fn block(
    engine: &Engine,
    tenant: &TenantId,
    name: String,
    reason: String,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let cx = context(engine, tenant)?;
    let blocked = wait(engine.write_as_system(tenant, "tool.block", Lane::Decision, move |tx| {
        Ok::<_, DecideError>(kill_switch::block(tx, &cx, &name, &reason)?)
    }))?;
    writeln!(out, "blocked {}", shown(&blocked.tool_name))?;
    Ok(())
}

/// Lets a tool be called again.
pub(super) fn unblock(engine: &Engine, tenant: &TenantId, name: String, out: &mut Out<'_>) -> Result<(), CliError> {
    let cx = context(engine, tenant)?;
    let freed = wait(engine.write_as_system(tenant, "tool.unblock", Lane::Normal, move |tx| {
        Ok::<_, DecideError>(kill_switch::unblock(tx, &cx, &name)?)
    }))?;
    writeln!(out, "unblocked {}", shown(&freed.tool_name))?;
    Ok(())
}

/// How many pins one transaction forgets.
const CHUNK: u32 = 256;

/// Forgets the definitions that are pinned for a server's tools.
pub(super) fn unpin(engine: &Engine, tenant: &TenantId, server: &str, out: &mut Out<'_>) -> Result<(), CliError> {
    let mut all = 0_u32;
    loop {
        let (cx, name) = (context(engine, tenant)?, server.to_owned());
        let forgotten = wait(engine.write_as_system(tenant, "tool.unpin", Lane::Normal, move |tx| {
            Ok::<_, DecideError>(definition::forget(tx, &cx, &name, CHUNK)?)
        }))?;
        all = all.saturating_add(forgotten);
        if forgotten < CHUNK {
            break;
        }
    }
    writeln!(out, "forgot {all} definitions of {}", shown(server))?;
    Ok(())
}

/// Lists blocked tools: since when, name, reason.
pub(super) fn list(engine: &Engine, tenant: &TenantId, out: &mut Out<'_>) -> Result<(), CliError> {
    let subject = tenant.clone();
    let read = engine.store().read("tool.blocked", move |tx: &mut dyn Tx| kill_switch::list(tx, &subject));
    for tool in wait(read).map_err(DecideError::from)? {
        writeln!(out, "{}  {}  {}", tool.created_at, shown(&tool.tool_name), shown(&tool.reason))?;
    }
    Ok(())
}

/// Text without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}
