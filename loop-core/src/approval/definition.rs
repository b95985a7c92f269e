//! The definition of a tool that another server offers: pinned when it is first seen, asked about when it changed.
//!
//! What a tool says of itself steers the agents that read it, so a definition that changes after it was looked at is a
//! call for approval like any other. Pins are a tenant's own: whoever may approve for one tenant decides for no other.

use hmac::Mac;

use super::{Approval, ApprovalError, Asking, Proposal, Settled, State, settle::latest};
use crate::{
    access::Ctx,
    audit::{self, Event, Status},
    base::{
        TenantId, Time,
        host::keyed,
        id::ApprovalId,
        json::{self, Doc, View},
        secret::{MasterKey, hex},
    },
    policy::PolicyError,
    store::{Entity, Repo, Stored, Table, Tx, Value},
    tool::{Risk, redact},
};

/// The most definitions that a tenant may have pinned.
pub const MAX_PINS: u64 = 10_000;
/// The longest definition, in bytes of its canonical form.
pub const MAX_DEFINITION: usize = 64 << 10;

/// A pinned definition.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pin {
    /// The tool, as agents call it.
    pub tool_name: String,
    /// Its definition in canonical form.
    pub definition: String,
    /// When it was pinned.
    pub pinned_at: Time,
    /// The approval by which it took the place of another; `None` when it was the first that was seen.
    pub approved_by: Option<ApprovalId>,
}

/// Where pins are kept.
pub static TOOL_PINS: Table = Table { name: "tool_pins", columns: &[] };

impl Entity for Pin {
    const TABLE: &'static Table = &TOOL_PINS;

    fn id(&self) -> String {
        self.tool_name.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// A definition as a server offers it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
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
/// Too many pins, storage failures.
pub fn look(tx: &mut dyn Tx, cx: &Ctx, master: &MasterKey, offered: &[Definition]) -> Result<Vec<bool>, ApprovalError> {
    offered.iter().map(|offered| Ok(stand(tx, cx, master, offered, false)? == Standing::Pinned)).collect()
}

/// Judges the definition of a tool that is called now. A changed one is asked about, and the call stands in the log as
/// what it is: one that waits, or that was refused.
///
/// # Errors
/// Too many pins, too many open approvals, storage failures. None of them may let the call through.
pub fn judge(tx: &mut dyn Tx, cx: &Ctx, master: &MasterKey, offered: &Definition) -> Result<Standing, ApprovalError> {
    let standing = stand(tx, cx, master, offered, true)?;
    let (status, id, members) = match &standing {
        Standing::Pinned => return Ok(standing),
        Standing::Pending { id, members, .. } => (Status::Pending, Some(id), members.join(", ")),
        Standing::Denied { id, members } => (Status::Blocked, Some(id), members.join(", ")),
        Standing::Changed => (Status::Blocked, None, String::new()),
    };
    let body = serde_json::json!({
        "arguments": {},
        "message": "the tool's definition changed since it was pinned",
        "changed": members,
        "approval_id": id,
        "door": "mcp.definition",
        "key": cx.caller.name,
    });
    let event = Event {
        stream: audit::DECISIONS,
        op: "decision",
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

fn stand(
    tx: &mut dyn Tx,
    cx: &Ctx,
    master: &MasterKey,
    offered: &Definition,
    ask: bool,
) -> Result<Standing, ApprovalError> {
    let mut repo: Repo<'_, Pin> = Repo::new(tx, cx.tenant());
    let Some(pin) = repo.get(&offered.tool_name)? else {
        if repo.count(&[])? >= MAX_PINS {
            return Err(PolicyError::TooMany { what: "pinned tools", max: MAX_PINS }.into());
        }
        repo.insert(&new_pin(offered, cx.now, None), cx.now)?;
        note(tx, cx, offered, None, &[])?;
        return Ok(Standing::Pinned);
    };
    if pin.value.definition == offered.canonical {
        return Ok(Standing::Pinned);
    }
    let binding = binding(master, cx.tenant(), offered);
    if !ask && !latest(tx, cx, &binding)?.is_some_and(|found| approved(&found.value, cx.now)) {
        return Ok(Standing::Changed);
    }
    let change = Change::between(&pin.value.definition, &offered.canonical)?;
    let members = change.members.clone();
    match super::settle(tx, cx, &change.proposal(binding, &offered.tool_name))? {
        Settled::Approved(id) => {
            Repo::new(tx, cx.tenant()).update(&pin, &new_pin(offered, cx.now, Some(id)), cx.now)?;
            note(tx, cx, offered, Some(id), &members)?;
            Ok(Standing::Pinned)
        }
        Settled::Pending { id, expires_at } => Ok(Standing::Pending { id, expires_at, members }),
        Settled::Denied(id) => Ok(Standing::Denied { id, members }),
    }
}

fn approved(approval: &Approval, now: Time) -> bool {
    approval.state_at(now) == State::Approved
}

fn new_pin(offered: &Definition, now: Time, approved_by: Option<ApprovalId>) -> Pin {
    let Definition { tool_name, canonical } = offered.clone();
    Pin { tool_name, definition: canonical, pinned_at: now, approved_by }
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

/// What differs between two definitions.
struct Change {
    members: Vec<String>,
    /// The members that differ, before and after, as JSON.
    shown: String,
}

impl Change {
    fn between(was: &str, now: &str) -> Result<Self, ApprovalError> {
        let read =
            |text| Doc::parse(text).map_err(|_| PolicyError::Length { field: "definition", max: MAX_DEFINITION });
        let (was, now) = (read(was.as_bytes())?, read(now.as_bytes())?);
        let (was, now) = (was.root(), now.root());
        let mut members: Vec<&str> = was.members().chain(now.members()).map(View::key).collect();
        members.sort_unstable();
        members.dedup();
        let canonical = |of: View<'_>, name: &str| of.get(name).map(json::canonical);
        members.retain(|name| canonical(was, name) != canonical(now, name));
        let mut shown = String::from("{\"was\":{");
        some(was, &members, &mut shown);
        shown.push_str("},\"now\":{");
        some(now, &members, &mut shown);
        shown.push_str("}}");
        Ok(Self { members: members.into_iter().map(str::to_owned).collect(), shown })
    }

    fn proposal(&self, binding: String, tool_name: &str) -> Proposal {
        let masked = match Doc::parse(self.shown.as_bytes()) {
            Ok(doc) => redact::json(doc.root()).masked,
            Err(_) => "{}".to_owned(),
        };
        let members = self.members.join(", ");
        let text = format!("The definition of this tool changed since it was pinned: {members}");
        Proposal {
            binding,
            tool_name: tool_name.to_owned(),
            agent_name: None,
            arguments: masked,
            reason: None,
            forward: None,
            risk: Risk::High,
            asking: vec![Asking { rule_id: None, revision: 0, rule_text: text, approver_email: None }],
            // No policy has this hash: a poll never uses the approval up, only the pinning does.
            policy_hash: "definition".to_owned(),
        }
    }
}

fn some(of: View<'_>, members: &[&str], out: &mut String) {
    for (at, member) in of.members().filter(|member| members.contains(&member.key())).enumerate() {
        if at > 0 {
            out.push(',');
        }
        json::write_string(member.key(), out);
        out.push(':');
        json::write(member, out);
    }
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
