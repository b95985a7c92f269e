//! The definition of a tool that another server offers: pinned when it is first seen, asked about when it changed.
//!
//! What a tool says of itself steers the agents that read it, so a definition that changes after it was looked at is a
//! call for approval like any other. Pins are a tenant's own: whoever may approve for one tenant decides for no other.

use hmac::Mac;

pub use super::definition_change::{MAX_SHOWN, is_change};
use super::{
    Approval, ApprovalError, Settled, State,
    definition_change::Change,
    settle::{latest, replace},
};
use crate::{
    access::Ctx,
    audit::{self, Event, Status},
    base::{
        TenantId, Time,
        host::keyed,
        id::ApprovalId,
        json,
        secret::{MasterKey, hex},
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, Stored, Table, Tx, Value},
    tool::Risk,
};

/// The most definitions of one server that a tenant may have pinned. A server that has used them up offers a tenant no
/// tool that it never saw; the tools of others are not touched by that.
pub const MAX_PINS: u64 = 1_024;
/// The longest definition, in bytes of its canonical form.
pub const MAX_DEFINITION: usize = 64 << 10;

/// A pinned definition.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pin {
    /// The server that offers the tool.
    pub server: String,
    /// The tool, as agents call it.
    pub tool_name: String,
    /// Its definition in canonical form.
    pub definition: String,
    /// When it was pinned.
    pub pinned_at: Time,
    /// The approval by which it took the place of another; `None` when it was the first that was seen.
    pub approved_by: Option<ApprovalId>,
    /// The last change of it that a human was asked about.
    pub asked: Option<ApprovalId>,
    /// When that was.
    #[serde(default)]
    pub asked_at: Option<Time>,
}

/// How many seconds after a question about a tool's definition the next one may be asked, when it has changed again.
pub const ASK_AGAIN: i64 = 60;

/// Where pins are kept.
pub static TOOL_PINS: Table = Table { name: "tool_pins", columns: &[Column::indexed("server", Kind::Text)] };

impl Entity for Pin {
    const TABLE: &'static Table = &TOOL_PINS;

    fn id(&self) -> String {
        self.tool_name.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.server.as_str().into()]
    }
}

/// A definition as a server offers it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The server that offers the tool.
    pub server: String,
    /// The tool, as agents call it.
    pub tool_name: String,
    /// The definition in canonical form.
    pub canonical: String,
}

/// How a definition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the pinned one, or was the first that was seen.
    Pinned,
    /// It differs from the pinned one, and nobody is asked yet.
    Changed,
    /// It differs from the pinned one, and a human is asked.
    Pending {
        /// The approval.
        id: ApprovalId,
        /// When it ends by itself.
        expires_at: Time,
        /// The members that differ, by name.
        members: Vec<String>,
    },
    /// It differs from the pinned one, and a human said no.
    Denied {
        /// The approval.
        id: ApprovalId,
        /// The members that differ, by name.
        members: Vec<String>,
    },
    /// It differs from the pinned one by more than can be shown to a human whole, see [`MAX_SHOWN`]: nobody is asked, and
    /// it stays refused.
    Unshowable {
        /// The members that differ, by name.
        members: Vec<String>,
    },
    /// It was never seen, and its server has [`MAX_PINS`] pins already.
    TooMany,
}

impl Standing {
    /// A stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pinned => "definition_pinned",
            Self::Changed => "definition_changed",
            Self::Pending { .. } => "definition_pending",
            Self::Denied { .. } => "definition_denied",
            Self::Unshowable { .. } => "definition_too_large",
            Self::TooMany => "too_many_definitions",
        }
    }

    /// What became of the call; `None` for a definition that may be called.
    const fn status(&self) -> Option<Status> {
        match self {
            Self::Pinned => None,
            Self::Pending { .. } => Some(Status::Pending),
            Self::Changed | Self::Denied { .. } | Self::Unshowable { .. } | Self::TooMany => Some(Status::Blocked),
        }
    }
}

/// Whether this very definition is pinned.
///
/// # Errors
/// Storage failures.
pub fn pinned(tx: &mut dyn Tx, tenant: &TenantId, offered: &Definition) -> Result<bool, ApprovalError> {
    let pin: Option<Stored<Pin>> = Repo::new(tx, tenant).get(&offered.tool_name)?;
    Ok(pin.is_some_and(|pin| pin.value.definition == offered.canonical))
}

/// Looks at definitions as they are listed: those never seen before are pinned, and those whose change was approved take
/// the place of the old. Nobody is asked. Answers whether each may be offered, in order.
///
/// # Errors
/// Storage failures.
pub fn look(tx: &mut dyn Tx, cx: &Ctx, master: &MasterKey, offered: &[Definition]) -> Result<Vec<bool>, ApprovalError> {
    offered.iter().map(|offered| Ok(stand(tx, cx, master, offered, false)? == Standing::Pinned)).collect()
}

/// Judges the definition of a tool that is called now. A changed one is asked about, and the call stands in the log as
/// what it is: one that waits, or that was refused.
///
/// # Errors
/// Too many open approvals, storage failures. None of them may let the call through.
pub fn judge(tx: &mut dyn Tx, cx: &Ctx, master: &MasterKey, offered: &Definition) -> Result<Standing, ApprovalError> {
    let standing = stand(tx, cx, master, offered, true)?;
    let Some(status) = standing.status() else { return Ok(standing) };
    let (id, members) = match &standing {
        Standing::Pending { id, members, .. } | Standing::Denied { id, members } => (Some(id), members.join(", ")),
        Standing::Unshowable { members } => (None, members.join(", ")),
        Standing::Pinned | Standing::Changed | Standing::TooMany => (None, String::new()),
    };
    let message = match standing {
        Standing::TooMany => "the tool was never seen, and its server has as many pinned definitions as it may have",
        Standing::Unshowable { .. } => {
            "the tool's definition changed since it was pinned, by more than can be shown to a human"
        }
        _ => "the tool's definition changed since it was pinned",
    };
    let body = serde_json::json!({
        "arguments": {},
        "message": message,
        "reason": standing.code(),
        "changed": members,
        "approval_id": id,
        "door": "mcp.definition",
        "key": cx.caller.name,
    });
    let event = Event {
        stream: audit::DECISIONS,
        op: audit::DECISION,
        status: Some(status),
        tool_name: Some(&offered.tool_name),
        agent_name: None,
        risk: Some(Risk::High),
        body: &body.to_string(),
    };
    audit::append(tx, cx, &event)?;
    audit::record_stats(tx, cx.tenant(), cx.now, status, Risk::High, 0, 0)?;
    Ok(standing)
}

/// Forgets up to `limit` definitions pinned for a server, so that each of its tools is pinned anew when it is next seen.
/// Answers how many were forgotten; fewer than `limit` when none is left.
///
/// # Errors
/// Storage failures.
pub fn forget(tx: &mut dyn Tx, cx: &Ctx, server: &str, limit: u32) -> Result<u32, ApprovalError> {
    let query = RecordQuery { conds: vec![of(server)], limit, ..RecordQuery::default() };
    let pins: Vec<Stored<Pin>> = Repo::new(tx, cx.tenant()).list(&query)?;
    for pin in &pins {
        Repo::<Pin>::new(tx, cx.tenant()).delete(&pin.value.tool_name)?;
        let body = serde_json::json!({ "tool_name": pin.value.tool_name, "by": cx.caller.name });
        let event = Event { tool_name: Some(&pin.value.tool_name), ..Event::change("tool.unpin", "") };
        audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    }
    Ok(u32::try_from(pins.len()).unwrap_or(limit))
}

fn of(server: &str) -> Cond {
    Cond::Eq("server", server.into())
}

fn stand(
    tx: &mut dyn Tx,
    cx: &Ctx,
    master: &MasterKey,
    offered: &Definition,
    ask: bool,
) -> Result<Standing, ApprovalError> {
    let mut repo: Repo<'_, Pin> = Repo::new(tx, cx.tenant());
    let Some(pin) = repo.get(&offered.tool_name)? else {
        if repo.count(&[of(&offered.server)])? >= MAX_PINS {
            return Ok(Standing::TooMany);
        }
        repo.insert(&new_pin(offered, cx.now, None), cx.now)?;
        note(tx, cx, offered, None, &[])?;
        return Ok(Standing::Pinned);
    };
    if pin.value.definition == offered.canonical {
        return Ok(Standing::Pinned);
    }
    let binding = binding(master, cx.tenant(), offered);
    let found = latest(tx, cx, &binding)?.map(|found| found.value.state_at(cx.now));
    let known = matches!(found, Some(State::Pending | State::Approved | State::Denied));
    // A server that changes at every call would have people told at every call.
    let soon = pin.value.asked_at.is_some_and(|asked| cx.now < asked.plus_seconds(ASK_AGAIN));
    if (!ask && found != Some(State::Approved)) || (!known && soon) {
        return Ok(Standing::Changed);
    }
    let change = Change::between(&pin.value.definition, &offered.canonical)?;
    let Some(proposal) = change.proposal(binding, &offered.tool_name) else {
        return Ok(Standing::Unshowable { members: change.members });
    };
    let members = change.members;
    match super::settle(tx, cx, &proposal)? {
        Settled::Approved(id) => {
            Repo::new(tx, cx.tenant()).update(&pin, &new_pin(offered, cx.now, Some(id)), cx.now)?;
            note(tx, cx, offered, Some(id), &members)?;
            Ok(Standing::Pinned)
        }
        Settled::Pending { id, expires_at } => {
            asked(tx, cx, &pin, id)?;
            Ok(Standing::Pending { id, expires_at, members })
        }
        Settled::Denied(id) => Ok(Standing::Denied { id, members }),
    }
}

/// Notes what is asked about a pin. A change that was asked about before and has changed again waits for nobody any
/// more: a server that changes without end has one question open for each of its tools, not one for each change.
fn asked(tx: &mut dyn Tx, cx: &Ctx, pin: &Stored<Pin>, id: ApprovalId) -> Result<(), ApprovalError> {
    if pin.value.asked == Some(id) {
        return Ok(());
    }
    if let Some(before) = pin.value.asked {
        let before: Option<Stored<Approval>> = Repo::new(tx, cx.tenant()).get(&before.to_string())?;
        if let Some(before) = before.filter(|before| before.value.state_at(cx.now) == State::Pending) {
            replace(tx, cx, &before)?;
        }
    }
    let noted = Pin { asked: Some(id), asked_at: Some(cx.now), ..pin.value.clone() };
    Ok(Repo::new(tx, cx.tenant()).update(pin, &noted, cx.now)?)
}

fn new_pin(offered: &Definition, now: Time, approved_by: Option<ApprovalId>) -> Pin {
    let Definition { server, tool_name, canonical } = offered.clone();
    Pin { server, tool_name, definition: canonical, pinned_at: now, approved_by, asked: None, asked_at: None }
}

fn note(
    tx: &mut dyn Tx,
    cx: &Ctx,
    offered: &Definition,
    approval: Option<ApprovalId>,
    changed: &[String],
) -> Result<(), ApprovalError> {
    let body = serde_json::json!({
        "tool_name": offered.tool_name, "approval_id": approval, "changed": changed, "by": cx.caller.name,
    });
    let event = Event::change("tool.pin", "");
    audit::append(tx, cx, &Event { tool_name: Some(&offered.tool_name), body: &body.to_string(), ..event })?;
    Ok(())
}

/// HMAC-SHA256, under a key of the tenant's own, of the tool and of the definition that would be pinned.
fn binding(master: &MasterKey, tenant: &TenantId, offered: &Definition) -> String {
    let mut text = String::from("[\"loop.approval.definition.1\",");
    json::write_string(&offered.tool_name, &mut text);
    text.push(',');
    json::write_string(&offered.canonical, &mut text);
    text.push(']');
    let mut mac = keyed(&master.derive("approval.binding", tenant.as_str()));
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
