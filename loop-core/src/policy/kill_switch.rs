//! The kill switch: tools that nobody may call, whatever rules or approvals say.

use super::PolicyError;
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{TenantId, Time},
    store::{Entity, Repo, Stored, Table, Tx, Value},
    tool::redact,
};

/// The most tools a tenant may block.
pub const MAX_BLOCKED: u64 = 10_000;
/// The longest tool name, in bytes.
pub const MAX_TOOL_NAME: usize = 256;
/// The longest reason, in characters.
const MAX_REASON: usize = 1_000;

/// A blocked tool.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct BlockedTool {
    /// The exact name, compared byte by byte.
    pub tool_name: String,
    /// Why, for people; masked.
    pub reason: String,
    /// When it was blocked.
    pub created_at: Time,
}

/// Where blocked tools are kept.
pub static BLOCKED_TOOLS: Table = Table { name: "blocked_tools", columns: &[] };

impl Entity for BlockedTool {
    const TABLE: &'static Table = &BLOCKED_TOOLS;

    fn id(&self) -> String {
        self.tool_name.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Refuses names that no tool can have.
///
/// # Errors
/// [`PolicyError::Length`].
pub const fn check_name(name: &str) -> Result<(), PolicyError> {
    if name.is_empty() || name.len() > MAX_TOOL_NAME {
        return Err(PolicyError::Length { field: "tool_name", max: MAX_TOOL_NAME });
    }
    Ok(())
}

/// Blocks a tool. Blocking it again only changes the reason.
///
/// # Errors
/// A bad name, too long a reason, too many blocked tools, storage failures.
pub fn block(tx: &mut dyn Tx, cx: &Ctx, tool_name: &str, reason: &str) -> Result<BlockedTool, PolicyError> {
    check_name(tool_name)?;
    if reason.chars().count() > MAX_REASON {
        return Err(PolicyError::Length { field: "reason", max: MAX_REASON });
    }
    let reason = redact::text(reason).masked;
    let mut repo: Repo<'_, BlockedTool> = Repo::new(tx, cx.tenant());
    let blocked = match repo.get(tool_name)? {
        Some(old) => {
            let new = BlockedTool { reason: reason.clone(), ..old.value.clone() };
            repo.update(&old, &new, cx.now)?;
            new
        }
        None => {
            if repo.count(&[])? >= MAX_BLOCKED {
                return Err(PolicyError::TooMany { what: "blocked tools", max: MAX_BLOCKED });
            }
            let new = BlockedTool { tool_name: tool_name.to_owned(), reason: reason.clone(), created_at: cx.now };
            repo.insert(&new, cx.now)?;
            new
        }
    };
    note(tx, cx, "tool.block", tool_name, &reason)?;
    Ok(blocked)
}

/// Lets a tool be called again.
///
/// # Errors
/// [`PolicyError::NotFound`] when it is not blocked; storage failures.
pub fn unblock(tx: &mut dyn Tx, cx: &Ctx, tool_name: &str) -> Result<BlockedTool, PolicyError> {
    let mut repo: Repo<'_, BlockedTool> = Repo::new(tx, cx.tenant());
    let old = repo.get(tool_name)?.ok_or(PolicyError::NotFound("blocked tool"))?;
    repo.delete(tool_name)?;
    note(tx, cx, "tool.unblock", tool_name, "")?;
    Ok(old.value)
}

/// Every blocked tool, by name.
///
/// # Errors
/// Storage failures.
pub fn list(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<BlockedTool>, PolicyError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = crate::store::RecordQuery { after, limit: 1_000, ..Default::default() };
        let page: Vec<Stored<BlockedTool>> = Repo::new(tx, tenant).list(&query)?;
        after = page.last().map(|last| (Value::Null, last.value.tool_name.clone()));
        all.extend(page.into_iter().map(|stored| stored.value));
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn note(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, tool_name: &str, reason: &str) -> Result<(), PolicyError> {
    let body = serde_json::json!({ "tool_name": tool_name, "reason": reason, "by": cx.caller.name });
    let event = Event { tool_name: Some(tool_name), ..Event::change(op, "") };
    audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    tx.bump_epoch(cx.tenant())?;
    Ok(())
}
