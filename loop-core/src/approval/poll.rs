//! A client that holds only an approval's id asks how it ended.

use super::{Approval, ApprovalError, State, UsedBy, query};
use crate::{
    access::Ctx,
    base::Time,
    store::{Repo, Tx},
};

/// The answer to a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// It still waits.
    Pending {
        /// When it ends by itself.
        expires_at: Time,
    },
    /// Go on. The approval is used up by this very answer, or was by an earlier one to the same client.
    Allowed {
        /// The approval.
        approval: Box<Approval>,
        /// Whether this answer used it up.
        first: bool,
    },
    /// Don't.
    Refused {
        /// Where the approval stands.
        state: State,
        /// Why, for people.
        message: &'static str,
    },
}

/// Answers a poll. `policy_hash` is the content hash of the current policy: a yes given under another policy is
/// not handed out, because a poll does not carry the call that would have to be decided again.
///
/// # Errors
/// [`ApprovalError::NotFound`], storage failures.
pub fn poll(tx: &mut dyn Tx, cx: &Ctx, id: &str, policy_hash: &str) -> Result<Polled, ApprovalError> {
    let stored = query::stored(tx, cx.tenant(), id)?;
    let approval = &stored.value;
    let refused = |state, message| Ok(Polled::Refused { state, message });
    match approval.state_at(cx.now) {
        State::Pending => Ok(Polled::Pending { expires_at: approval.expires_at }),
        State::Approved if approval.policy_hash != policy_hash => {
            refused(State::Approved, "the policy changed since the approval was asked for: send the call again")
        }
        State::Approved => {
            let used = Approval { state: State::Used, used_by: Some(UsedBy::Poll), ..approval.clone() };
            Repo::new(tx, cx.tenant()).update(&stored, &used, cx.now)?;
            Ok(Polled::Allowed { approval: Box::new(used), first: true })
        }
        // The answer is repeated only while it would be given anew: a tool blocked since then stays blocked.
        State::Used if approval.used_by == Some(UsedBy::Poll) && approval.policy_hash != policy_hash => {
            refused(State::Used, "the policy changed since the call was let through: send it again")
        }
        State::Used if approval.used_by == Some(UsedBy::Poll) => {
            Ok(Polled::Allowed { approval: Box::new(stored.value), first: false })
        }
        State::Used => refused(State::Used, "the approved call went through already"),
        State::Denied => refused(State::Denied, "denied by a human"),
        State::Expired => refused(State::Expired, "nobody approved it in time"),
        State::Void => refused(State::Void, "the approval is void: send the call again"),
    }
}
