//! Inbox and threads.

use serde_json::{json, value::RawValue};

use super::{
    Draft, Kind, Message, MessageError, Seen, Status,
    envelope::{beyond, of_sender, place},
};
use crate::{
    access::{Ctx, Loop},
    audit::{self, Event},
    base::{
        TenantId, Time,
        id::{ContractId, LoopId, MessageId},
        secret::hex,
    },
    store::{Cond, Order, RecordQuery, Repo, StoreError, Stored, Tx},
};

/// The most messages of one page.
pub const MAX_PAGE: u32 = 100;
/// How many messages a page of an inbox looks through at most when it picks types out.
const MAX_LOOKED_THROUGH: u32 = 2_000;

/// A message to put into its receiver's inbox, whose place in a contract is settled.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// What is sent.
    pub draft: &'a Draft,
    /// Who sends it.
    pub from: &'a Loop,
    /// Whom it is for.
    pub to: &'a Loop,
    /// The thread.
    pub correlation_id: &'a str,
    /// The contract.
    pub contract_id: ContractId,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// When it ends.
    pub expires_at: Time,
    /// The sender's key under which its signature was verified, when it has one.
    pub signed_by: Option<&'a str>,
}

/// Which part of an inbox is wanted.
#[derive(Debug, Clone, Default)]
pub struct InboxQuery {
    /// Only messages sent after this.
    pub since: Option<Time>,
    /// Only these types; empty for all.
    pub kinds: Vec<Kind>,
    /// Only messages sent before this: where the page before ended.
    pub before: Option<Time>,
    /// At most so many, up to [`MAX_PAGE`].
    pub limit: u32,
}

/// A page of messages.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Time>,
}

/// Puts a message into its receiver's inbox.
///
/// # Errors
/// Storage failures.
pub fn deliver(tx: &mut dyn Tx, cx: &Ctx, new: NewMessage<'_>) -> Result<Message, MessageError> {
    let last = RecordQuery { by: Some("sent"), order: Order::Descending, limit: 1, ..RecordQuery::default() };
    let last: Option<Stored<Message>> = Repo::new(tx, cx.tenant()).list(&last)?.pop();
    let created_at = last.map_or(cx.now, |last| cx.now.max(last.value.created_at.plus_micros(1)));
    let draft = new.draft;
    let content = RawValue::from_string(draft.content.clone())
        .map_err(|error| StoreError::Internal(format!("a message's content: {error}")))?;
    let message = Message {
        id: MessageId::draw(cx.now, &mut cx.seed()),
        kind: draft.kind,
        from: new.from.id,
        from_tag: new.from.tag.clone(),
        to: new.to.id,
        to_tag: new.to.tag.clone(),
        correlation_id: new.correlation_id.to_owned(),
        in_reply_to: new.in_reply_to,
        contract_id: new.contract_id,
        content,
        client_id: draft.client_id.clone(),
        nonce: draft.nonce.clone(),
        digest: hex(&draft.digest),
        salt: hex(&cx.draw()),
        signature: new.signed_by.and(draft.signed.as_ref()).map(|signed| signed.signature.clone()),
        signed_by: new.signed_by.map(str::to_owned),
        erased: false,
        simulated: cx.caller.sandboxed,
        status: Status::Queued,
        created_at,
        expires_at: new.expires_at,
    };
    Repo::new(tx, cx.tenant()).insert(&message, cx.now)?;
    // A message is kept beyond its own end only.
    audit::tag(tx, cx, message.expires_at, &message.id.to_string(), &draft.subjects)?;
    Ok(message)
}

/// One message of the tenant.
///
/// # Errors
/// [`MessageError::NotFound`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Message, MessageError> {
    let id = MessageId::parse(id).ok_or(MessageError::NotFound)?;
    let stored: Option<Stored<Message>> = Repo::new(tx, tenant).get(&id.to_string())?;
    Ok(stored.ok_or(MessageError::NotFound)?.value)
}

/// The message that the sender calls by this id.
///
/// # Errors
/// Storage failures.
pub fn of_client(tx: &mut dyn Tx, tenant: &TenantId, from: LoopId, id: &str) -> Result<Option<Message>, MessageError> {
    found(tx, tenant, "client", from, id)
}

/// The message for which the sender used this word.
///
/// # Errors
/// Storage failures.
pub fn of_nonce(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    from: LoopId,
    nonce: &str,
) -> Result<Option<Message>, MessageError> {
    found(tx, tenant, "nonce", from, nonce)
}

fn found(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    column: &str,
    from: LoopId,
    name: &str,
) -> Result<Option<Message>, MessageError> {
    let stored: Option<Stored<Message>> = Repo::new(tx, tenant).find(column, &of_sender(from, name).into())?;
    Ok(stored.map(|stored| stored.value))
}

/// What a loop received, newest first.
///
/// # Errors
/// Storage failures.
pub fn inbox(tx: &mut dyn Tx, tenant: &TenantId, of: LoopId, query: &InboxQuery) -> Result<Page, MessageError> {
    let owner = of.to_string();
    let limit = query.limit.clamp(1, MAX_PAGE) as usize;
    let low = query.since.map_or_else(|| format!("{owner}/"), |since| place(&owner, since.plus_micros(1)));
    let mut high = query.before.map_or_else(|| beyond(&owner), |before| place(&owner, before));
    let mut page = Page::default();
    let mut looked = 0_u32;
    loop {
        let chunk = RecordQuery {
            conds: vec![Cond::AtLeast("inbox", low.as_str().into()), Cond::Below("inbox", high.as_str().into())],
            by: Some("inbox"),
            order: Order::Descending,
            limit: MAX_PAGE.saturating_add(1),
            ..RecordQuery::default()
        };
        let rows: Vec<Stored<Message>> = Repo::new(tx, tenant).list(&chunk)?;
        let more = rows.len() > MAX_PAGE as usize;
        for stored in rows {
            let message = stored.value;
            if page.messages.len() == limit || looked == MAX_LOOKED_THROUGH {
                // Something is left: the next page begins below what was looked at last.
                return Ok(page);
            }
            looked = looked.saturating_add(1);
            page.next = Some(message.created_at);
            high = place(&owner, message.created_at);
            if query.kinds.is_empty() || query.kinds.contains(&message.kind) {
                page.messages.push(message);
            }
        }
        if !more {
            page.next = None;
            return Ok(page);
        }
    }
}

/// A thread, oldest first, from after `after` on. All messages of a thread go between the same two loops.
///
/// # Errors
/// [`MessageError::NoThread`] when there is none or `viewer` is neither of the two; storage failures.
pub fn thread(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    viewer: Option<LoopId>,
    correlation_id: &str,
    after: Option<Time>,
    limit: u32,
) -> Result<Page, MessageError> {
    let first = in_thread(tx, tenant, correlation_id)?.ok_or(MessageError::NoThread)?;
    if viewer.is_some_and(|viewer| viewer != first.from && viewer != first.to) {
        return Err(MessageError::NoThread);
    }
    let limit = limit.clamp(1, MAX_PAGE);
    let low = after.map_or_else(|| format!("{correlation_id}/"), |at| place(correlation_id, at.plus_micros(1)));
    let mut messages = range(tx, tenant, low, correlation_id, limit.saturating_add(1))?;
    let more = messages.len() > limit as usize;
    messages.truncate(limit as usize);
    let next = messages.last().filter(|_| more).map(|last| last.created_at);
    Ok(Page { messages, next })
}

/// The first message of a thread.
///
/// # Errors
/// Storage failures.
pub fn in_thread(tx: &mut dyn Tx, tenant: &TenantId, correlation_id: &str) -> Result<Option<Message>, MessageError> {
    Ok(range(tx, tenant, format!("{correlation_id}/"), correlation_id, 1)?.pop())
}

fn range(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    low: String,
    thread: &str,
    limit: u32,
) -> Result<Vec<Message>, MessageError> {
    // A name with a `/` would reach into another thread's keys.
    if thread.contains('/') {
        return Ok(Vec::new());
    }
    let query = RecordQuery {
        conds: vec![Cond::AtLeast("thread", low.into()), Cond::Below("thread", beyond(thread).into())],
        by: Some("thread"),
        limit,
        ..RecordQuery::default()
    };
    let rows: Vec<Stored<Message>> = Repo::new(tx, tenant).list(&query)?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}

/// Notes what the receiver did with a message; answers whether that changed its status.
///
/// # Errors
/// Storage failures.
pub fn see(tx: &mut dyn Tx, cx: &Ctx, id: MessageId, seen: Seen) -> Result<bool, MessageError> {
    let stored: Option<Stored<Message>> = Repo::new(tx, cx.tenant()).get(&id.to_string())?;
    let Some(stored) = stored else { return Ok(false) };
    let status = stored.value.status_at(cx.now).after(seen);
    // Expiry is judged when looked at and never stored.
    if status == stored.value.status || status == Status::Expired {
        return Ok(false);
    }
    let message = Message { status, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(&stored, &message, cx.now)?;
    Ok(true)
}

/// Notes that the receiver fetched or opened these messages.
///
/// # Errors
/// Storage failures.
pub fn see_all(tx: &mut dyn Tx, cx: &Ctx, ids: &[MessageId], seen: Seen) -> Result<(), MessageError> {
    let mut changed = Vec::new();
    for id in ids {
        if see(tx, cx, *id, seen)? {
            changed.push(*id);
        }
    }
    if !changed.is_empty() {
        let body = json!({ "loop_id": cx.caller.loop_id, "messages": changed });
        let op = if seen == Seen::Fetched { "aap.deliver" } else { "aap.open" };
        audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    }
    Ok(())
}
