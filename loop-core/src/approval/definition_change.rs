//! What an approver is shown of a definition that changed: all of it, as agents would read it.

use super::{Approval, ApprovalError, Asking, Proposal, definition::MAX_DEFINITION};
use crate::{
    base::json::{self, Doc, View},
    policy::PolicyError,
    tool::Risk,
};

/// The most bytes of JSON that an approver is shown of a change: what every way to decide shows whole. A larger change
/// cannot be approved, because what is approved must be what was seen.
pub const MAX_SHOWN: usize = 32 << 10;

/// No policy has this hash: a poll never uses the approval of a change up, only the pinning does.
const HASH: &str = "definition";

/// Whether the approval is about a changed definition. Its `arguments` are then `now` and `was`, unmasked and whole, and
/// whoever decides must have them before his eyes.
#[must_use]
pub fn is_change(approval: &Approval) -> bool {
    approval.policy_hash == HASH
}

/// What differs between two definitions.
pub(super) struct Change {
    /// The members that differ, by name.
    pub members: Vec<String>,
    /// The members that differ, the new ones first, as JSON.
    shown: String,
}

impl Change {
    /// Compares two definitions in canonical form.
    pub fn between(was: &str, now: &str) -> Result<Self, ApprovalError> {
        let read =
            |text| Doc::parse(text).map_err(|_| PolicyError::Length { field: "definition", max: MAX_DEFINITION });
        let (was, now) = (read(was.as_bytes())?, read(now.as_bytes())?);
        let (was, now) = (was.root(), now.root());
        let mut members: Vec<&str> = was.members().chain(now.members()).map(View::key).collect();
        members.sort_unstable();
        members.dedup();
        let canonical = |of: View<'_>, name: &str| of.get(name).map(json::canonical);
        members.retain(|name| canonical(was, name) != canonical(now, name));
        // Whatever shows only a beginning shows of what is to be approved.
        let mut shown = String::from("{\"now\":{");
        some(now, &members, &mut shown);
        shown.push_str("},\"was\":{");
        some(was, &members, &mut shown);
        shown.push_str("}}");
        Ok(Self { members: members.into_iter().map(str::to_owned).collect(), shown })
    }

    /// What is asked; `None` when it could not be shown whole.
    pub fn proposal(&self, binding: String, tool_name: &str) -> Option<Proposal> {
        if self.shown.len() > MAX_SHOWN {
            return None;
        }
        let members = self.members.join(", ");
        let text = format!("The definition of this tool changed since it was pinned: {members}");
        Some(Proposal {
            binding,
            tool_name: tool_name.to_owned(),
            agent_name: None,
            // A definition is a server's, not a person's: a mask would hide what is to be judged.
            arguments: self.shown.clone(),
            reason: None,
            forward: None,
            risk: Risk::High,
            asking: vec![Asking {
                rule_id: None,
                revision: 0,
                rule_text: text,
                approver_email: None,
                grounds: Vec::new(),
            }],
            policy_hash: HASH.to_owned(),
        })
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
