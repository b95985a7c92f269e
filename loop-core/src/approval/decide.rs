//! A human's answer.

use super::{Approval, ApprovalError, State, expire, query};
use crate::{
    access::{Ctx, key},
    audit::{self, Event},
    base::id::KeyId,
    outbox,
    policy::settings,
    store::{Repo, Tx},
    tool::redact,
};

/// The longest comment, in characters.
const MAX_COMMENT: usize = 2_000;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The call may go through once.
    Approve,
    /// It may not.
    Deny,
}

/// How the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By a key that holds the scope.
    Key,
    /// By a link from a notice.
    Link,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// The answer counts.
    Now(Approval),
    /// It came too late: the approval had expired, which is a no.
    Late(Approval),
}

/// Whether the caller is who proposed the call: the same key, or another of the same loop.
fn proposed(tx: &mut dyn Tx, cx: &Ctx, key: KeyId) -> Result<bool, ApprovalError> {
    let own = cx.caller.loop_id;
    Ok(key == cx.caller.key || (own.is_some() && key::loop_of(tx, cx.tenant(), key)? == own))
}

/// Takes a human's answer. However many answer, exactly one answer counts.
///
/// # Errors
/// [`ApprovalError::NotFound`], [`ApprovalError::Settled`], [`ApprovalError::OwnCall`], too long a comment,
/// storage failures.
pub fn decide(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &str,
    answer: Answer,
    comment: Option<&str>,
    via: Via,
) -> Result<Decided, ApprovalError> {
    if comment.is_some_and(|comment| comment.chars().count() > MAX_COMMENT) {
        return Err(ApprovalError::Length { field: "comment", max: MAX_COMMENT });
    }
    let stored = query::stored(tx, cx.tenant(), id)?;
    if via == Via::Key
        && proposed(tx, cx, stored.value.requested_by)?
        && !settings::get(tx, cx.tenant())?.allow_self_approval
    {
        return Err(ApprovalError::OwnCall);
    }
    match (stored.value.state, stored.value.state_at(cx.now)) {
        (_, State::Pending) => {}
        (State::Pending, _) => {
            expire::end(tx, cx, &stored)?;
            let ended = query::stored(tx, cx.tenant(), id)?;
            return Ok(Decided::Late(ended.value));
        }
        (_, state) => return Err(ApprovalError::Settled(state)),
    }
    let (state, op) = match answer {
        Answer::Approve => (State::Approved, "approval.approve"),
        Answer::Deny => (State::Denied, "approval.deny"),
    };
    let decided = Approval {
        state,
        decided_at: Some(cx.now),
        decided_by: Some(cx.caller.name.to_string()),
        comment: comment.map(|comment| redact::text(comment).masked),
        ..stored.value.clone()
    };
    Repo::new(tx, cx.tenant()).update(&stored, &decided, cx.now)?;
    outbox::links::kill(tx, cx.tenant(), decided.id)?;
    outbox::withdraw(tx, cx.tenant(), decided.id, cx.now)?;
    let body = serde_json::json!({
        "approval_id": decided.id,
        "state": decided.state,
        "tool_name": decided.tool_name,
        "by": cx.caller.name,
    });
    let event = Event { tool_name: Some(&decided.tool_name), ..Event::change(op, "") };
    audit::append(tx, cx, &Event { body: &body.to_string(), ..event })?;
    Ok(Decided::Now(decided))
}
