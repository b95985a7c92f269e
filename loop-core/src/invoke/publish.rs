//! Putting a manifest on the shelf, and reviewing it.

use serde_json::json;

use super::CallError;
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::id::{LoopId, ToolId},
    store::{Repo, StoreError, Tx},
    tool::manifest::{self, Content, Manifest, ManifestError, ToolStatus},
};

/// The most versions that a loop may publish.
pub const MAX_VERSIONS: u64 = 2_000;
/// The most versions in a tenant.
pub const MAX_TOOLS: u64 = 20_000;

/// Publishes a version. The same content again changes nothing; `true` when it is new. `content` was checked before,
/// and `sealed_secret` is the sealed secret that calls of a new version are signed with.
///
/// # Errors
/// [`ManifestError::Taken`] for other content, too many versions, storage failures.
pub fn publish(
    tx: &mut dyn Tx,
    cx: &Ctx,
    owner: LoopId,
    content: &Content,
    sealed_secret: &str,
) -> Result<(Manifest, bool), CallError> {
    let digest = content.digest();
    if let Some(known) = manifest::exact(tx, cx.tenant(), owner, &content.name, &content.version)? {
        return if known.digest == digest {
            Ok((known, false))
        } else {
            Err(ManifestError::Taken(content.version.clone()).into())
        };
    }
    for (what, owner, max) in [("a loop", Some(owner), MAX_VERSIONS), ("a tenant", None, MAX_TOOLS)] {
        if manifest::count(tx, cx.tenant(), owner)? >= max {
            return Err(ManifestError::TooMany { what, max }.into());
        }
    }
    let made = Manifest {
        id: ToolId::draw(cx.now, &mut cx.seed()),
        owner,
        content: content.clone(),
        digest,
        status: ToolStatus::first(content.visibility),
        sealed_secret: sealed_secret.to_owned(),
        epoch: tx.bump_epoch(cx.tenant())?,
        created_at: cx.now,
    };
    Repo::new(tx, cx.tenant()).insert(&made, cx.now)?;
    note(tx, cx, "tool.publish", &made)?;
    Ok((made, true))
}

/// Approves or suspends a version; the administrator's to say.
///
/// # Errors
/// [`CallError::NoTool`], [`CallError::Administrator`], [`CallError::Review`], storage failures.
pub fn review(tx: &mut dyn Tx, cx: &Ctx, id: &str, status: ToolStatus) -> Result<Manifest, CallError> {
    if cx.caller.loop_id.is_some() {
        return Err(CallError::Administrator);
    }
    if status == ToolStatus::PendingReview {
        return Err(CallError::Review);
    }
    let id = ToolId::parse(id).ok_or(CallError::NoTool)?;
    let stored = manifest::by_id(tx, cx.tenant(), id)?.ok_or(CallError::NoTool)?;
    if stored.value.status == status {
        return Ok(stored.value);
    }
    let changed = Manifest { status, epoch: tx.bump_epoch(cx.tenant())?, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(&stored, &changed, cx.now)?;
    note(tx, cx, "tool.review", &changed)?;
    Ok(changed)
}

fn note(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, manifest: &Manifest) -> Result<(), StoreError> {
    let body = json!({
        "tool_id": manifest.id, "loop_id": manifest.owner, "version": manifest.content.version,
        "status": manifest.status, "risk": manifest.content.risk_level, "digest": manifest.digest,
    });
    let event = Event { tool_name: Some(&manifest.content.name), ..Event::change(op, "") };
    audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    Ok(())
}
