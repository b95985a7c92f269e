//! `/api/v1/aap`: messages between loops.

use http::{Method, StatusCode};
use loop_core::{
    access::{AccessError, Ctx, Scope, loops},
    base::{
        Code, Time,
        id::{ContractId, LoopId, MessageId},
        json::Doc,
    },
    message::{self, Draft, InboxQuery, Kind, MAX_BODY, Message, MessageError, Seen, Status, VERSION},
    store::Tx,
    task::{
        TaskError,
        contract::{self, Contract, State},
        exchange::{self, Sent},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    context,
    page::{CURSOR, LIMIT, Page, page_shape},
    proof::NOT_ANOTHER,
    transactions::failed,
};
use crate::{
    http::{Access, Call, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The most contracts that are shown with a thread.
const CONTRACTS: u32 = 100;
/// The most types that an inbox is asked for, each named once.
const MAX_TYPES: usize = Kind::ALL.len();

const LOOP_ID: Param =
    Param { name: "loopId", kind: "string", about: "whose inbox, an id or `@tag`; for keys that belong to no loop" };

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/aap/send",
        operation: "aap.send",
        surface: Surface::Developer,
        access: Access::Scope(Scope::AapSend),
        summary: "Send a message to another loop",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<SentRow>),
        success: &[201],
        body_limit: MAX_BODY,
        handler: Handler::Later(|call| Box::pin(send(call))),
        // Only a loop's own key sends.
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/api/v1/aap/inbox",
        operation: "aap.inbox",
        surface: Surface::Developer,
        access: Access::Scope(Scope::AapRead),
        summary: "What the key's loop received, newest first",
        query: &[
            LIMIT,
            CURSOR,
            Param { name: "since", kind: "string", about: "only messages sent after this RFC 3339 time" },
            Param { name: "types", kind: "string", about: "only these types, with commas between" },
            LOOP_ID,
        ],
        input: None,
        output: Output::Json(schema_of::<MessageList>),
        success: &[200],
        body_limit: MAX_BODY,
        handler: Handler::Later(|call| Box::pin(inbox(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/api/v1/aap/threads/{correlationId}",
        operation: "aap.thread",
        surface: Surface::Developer,
        access: Access::Scope(Scope::AapRead),
        summary: "A thread, oldest first, and its contracts; for the two loops it is between",
        query: &[LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<Thread>),
        success: &[200],
        body_limit: MAX_BODY,
        handler: Handler::Later(|call| Box::pin(thread(call))),
        example: None,
    },
];

/// A message to send. It is read by our own reader; this is its shape for documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// What it is about.
    r#type: Kind,
    /// Whom it is for: an id or `@tag`.
    to: String,
    /// Your own id for it: the same one again is the same message.
    id: Option<String>,
    /// The thread; a `TASK_REQUEST` without one begins a new one.
    correlation_id: Option<String>,
    /// The message that it answers.
    in_reply_to: Option<String>,
    /// The contract; every type but `TASK_REQUEST` needs it.
    contract_id: Option<String>,
    /// When it ends: within 30 days, 7 days unless told.
    expires_at: Option<Time>,
    /// A word to be used once: used again for another message, it is a replay.
    nonce: Option<String>,
    /// An Ed25519 signature in base64 or hexadecimal, by a key registered on the sending loop, of the RFC 8785 form of
    /// this body without `signature`. Numbers that a double does not keep are refused then. A wrong signature is
    /// refused with `POLICY_DENIED` and costs trust.
    signature: Option<String>,
    #[serde(flatten)]
    content: Content,
}

/// What a message carries, every digit as it was sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Content {
    /// The name of the task, 1 to 200 characters; a `TASK_REQUEST` needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    task: Option<Box<RawValue>>,
    /// The task's inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    inputs: Option<Box<RawValue>>,
    /// Text or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    context: Option<Box<RawValue>>,
    /// What the buyer would spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    budget: Option<Box<RawValue>>,
    /// When the task must be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Time>")]
    deadline: Option<Box<RawValue>>,
    /// What is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    proposed_value: Option<Box<RawValue>>,
    /// The reward in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    reward_amount_cents: Option<Box<RawValue>>,
    /// Text or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    terms: Option<Box<RawValue>>,
    /// The offer that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    accepted_offer_id: Option<Box<RawValue>>,
    /// What is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    action: Option<Box<RawValue>>,
    /// What it is done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    payload: Option<Box<RawValue>>,
    /// Text or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    outcome: Option<Box<RawValue>>,
    /// Words about the proof; they prove nothing by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    proof: Option<Box<RawValue>>,
    /// A proof. An `ACK` that names one acknowledges it, as `POST /api/v1/proof/{id}/acknowledge` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    proof_id: Option<Box<RawValue>>,
    /// The amount in minor units; `PAYMENT_REQUEST` and `PAYMENT_CONFIRM` need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    amount_cents: Option<Box<RawValue>>,
    /// Its ISO 4217 currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    currency: Option<Box<RawValue>>,
    /// The transaction that pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    transaction_id: Option<Box<RawValue>>,
    /// A reference of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    reference_id: Option<Box<RawValue>>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    reason: Option<Box<RawValue>>,
}

/// A message.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MessageRow {
    /// Its id.
    id: MessageId,
    /// The version of the envelope.
    version: &'static str,
    /// What it is about.
    r#type: Kind,
    /// Who sent it: the loop of the key that it was sent with.
    from: LoopId,
    /// The sender's tag when it was sent.
    from_tag: String,
    /// Whom it is for.
    to: LoopId,
    /// The receiver's tag when it was sent.
    to_tag: String,
    /// The thread.
    correlation_id: String,
    /// The message that it answers.
    in_reply_to: Option<MessageId>,
    /// The contract.
    contract_id: ContractId,
    #[serde(flatten)]
    content: Content,
    /// The sender's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The word that the sender used once.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    /// The sender's signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The registered key of the sender under which the signature was verified when it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// Whether it was signed, and the signature verified.
    verified: bool,
    /// Whether what it said was erased.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
    /// Whether it was sent with a sandbox key.
    simulated: bool,
    /// How far it got.
    status: Status,
    /// When it was sent; a later message has a later time.
    created_at: Time,
    /// When it ends.
    expires_at: Time,
}

/// A message that was sent, and where its contract stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SentRow {
    #[serde(flatten)]
    message: MessageRow,
    /// Where the contract stands.
    contract_status: State,
}

page_shape!(MessageList, messages: MessageRow);

/// A thread.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Thread {
    /// The messages, oldest first.
    messages: Vec<MessageRow>,
    /// The contracts that the thread is about, oldest first.
    contracts: Vec<ContractRow>,
    /// Where the next page begins.
    next_cursor: Option<String>,
}

/// A contract.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ContractRow {
    /// Its id.
    id: ContractId,
    /// Who asked for the work and pays for it.
    buyer_loop_id: LoopId,
    /// Who does it.
    seller_loop_id: LoopId,
    /// The name of the task.
    task: String,
    /// Where it stands.
    status: State,
    /// What the seller asked to be paid, in minor units.
    amount_cents: Option<u64>,
    /// Its currency.
    currency: Option<String>,
    /// Whether it was opened with a sandbox key.
    simulated: bool,
    /// When it was opened.
    created_at: Time,
    /// When it last moved.
    updated_at: Time,
}

impl MessageRow {
    fn of(message: Message, now: Time) -> Result<Self, Failure> {
        let content = serde_json::from_str(message.content.get())
            .map_err(|error| Failure::internal(format!("`messages.{}`: {error}", message.id)))?;
        Ok(Self {
            id: message.id,
            version: VERSION,
            r#type: message.kind,
            from: message.from,
            status: message.status_at(now),
            from_tag: message.from_tag,
            to: message.to,
            to_tag: message.to_tag,
            correlation_id: message.correlation_id,
            in_reply_to: message.in_reply_to,
            contract_id: message.contract_id,
            content,
            client_id: message.client_id,
            nonce: message.nonce,
            signature: message.signature,
            verified: message.signed_by.is_some(),
            signed_by: message.signed_by,
            erased: message.erased,
            simulated: message.simulated,
            created_at: message.created_at,
            expires_at: message.expires_at,
        })
    }

    fn all(messages: Vec<Message>, now: Time) -> Result<Vec<Self>, Failure> {
        messages.into_iter().map(|message| Self::of(message, now)).collect()
    }
}

impl ContractRow {
    fn of(contract: Contract) -> Self {
        Self {
            id: contract.id,
            buyer_loop_id: contract.buyer,
            seller_loop_id: contract.seller,
            task: contract.task,
            status: contract.state,
            amount_cents: contract.amount_cents,
            currency: contract.currency,
            simulated: contract.simulated,
            created_at: contract.created_at,
            updated_at: contract.updated_at,
        }
    }
}

/// A place in a list of messages: their times tell them apart.
fn written(at: Time) -> String {
    format!("{:016x}", at.as_micros().max(0))
}

fn read(cursor: &str) -> Option<Time> {
    (cursor.len() == 16).then(|| i64::from_str_radix(cursor, 16).ok()).flatten().map(Time::from_micros)
}

async fn send(call: Call) -> Outcome {
    let doc = Doc::parse(&call.body).map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
    if !doc.root().is_object() {
        return Err(Failure::invalid("invalid body: a JSON object is expected"));
    }
    let draft = Draft::read(doc.root()).map_err(|error| Failure::of(error.code(), &error))?;
    let cx = context(&call)?;
    let sent = call.app.engine.write(cx, "aap.send", move |tx, cx| exchange::send(tx, cx, &draft));
    match sent.await.map_err(failed)? {
        Sent::Now(message, contract) | Sent::Before(message, contract) => {
            let row = SentRow { message: MessageRow::of(*message, call.now)?, contract_status: contract.state };
            Ok(Reply::json(&row)?.with_status(StatusCode::CREATED))
        }
        Sent::Replayed => Err(Failure::new(Code::ReplayDetected, "this `nonce` was used before for another message")),
        Sent::Forged => {
            let message = "`signature` is not that of a registered key of this loop over this message";
            Err(Failure::new(Code::PolicyDenied, message).with("reason", "signature"))
        }
        Sent::NotAnother => Err(Failure::new(Code::PolicyDenied, NOT_ANOTHER)),
    }
}

/// Whose inbox a caller asks for.
fn owner(tx: &mut dyn Tx, cx: &Ctx, named: Option<&str>) -> Result<LoopId, TaskError> {
    match (cx.caller.loop_id, named) {
        (Some(own), None) => Ok(own),
        (None, None) => Err(AccessError::Loopless.into()),
        (own, Some(named)) => {
            let of = loops::resolve(tx, cx.tenant(), named)?.id;
            // Letters are read by their receiver and the tenant's administrator, and by nobody who stands above.
            if own.is_none_or(|own| own == of) { Ok(of) } else { Err(AccessError::Foreign.into()) }
        }
    }
}

async fn inbox(call: Call) -> Outcome {
    let types = call.query("types").unwrap_or_default();
    let mut kinds = Vec::new();
    for name in types.split(',').filter(|name| !name.is_empty()).take(MAX_TYPES.saturating_add(1)) {
        let shown = || name.chars().take(40).collect::<String>();
        kinds.push(
            Kind::parse(name)
                .ok_or_else(|| Failure::invalid(format!("`types` holds an unknown type: `{}`", shown())))?,
        );
    }
    let since = match call.query("since").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(Time::parse(&text).ok_or_else(|| Failure::invalid("`since` must be an RFC 3339 time"))?),
    };
    let Page { limit, after } = Page::of(&call, read)?;
    let query = InboxQuery { since, kinds, before: after, limit };
    let named = call.query("loopId").map(|name| name.into_owned());
    let cx = context(&call)?;
    let found = call.app.engine.read(cx, "aap.inbox", move |tx, cx| {
        let of = owner(tx, cx, named.as_deref())?;
        Ok::<_, TaskError>(message::inbox(tx, cx.tenant(), of, &query)?)
    });
    let page = seen(&call, found.await.map_err(failed)?, Seen::Fetched).await?;
    let next_cursor = page.next.map(written);
    Reply::json(&MessageList { messages: MessageRow::all(page.messages, call.now)?, next_cursor })
}

async fn thread(call: Call) -> Outcome {
    let name = call.param("correlationId").to_owned();
    let Page { limit, after } = Page::of(&call, read)?;
    let cx = context(&call)?;
    let found = call.app.engine.read(cx, "aap.thread", move |tx, cx| {
        let page = message::thread(tx, cx.tenant(), cx.caller.loop_id, &name, after, limit)?;
        Ok::<_, TaskError>((page, contract::of_thread(tx, cx.tenant(), &name, CONTRACTS)?))
    });
    let (page, contracts) = found.await.map_err(failed)?;
    let page = seen(&call, page, Seen::Opened).await?;
    Reply::json(&Thread {
        next_cursor: page.next.map(written),
        messages: MessageRow::all(page.messages, call.now)?,
        contracts: contracts.into_iter().map(ContractRow::of).collect(),
    })
}

/// Notes that the receiver itself looked at these messages, where that is news. Looking at the head alone, or as the
/// administrator, is not reading.
async fn seen(call: &Call, mut page: message::Page, seen: Seen) -> Result<message::Page, Failure> {
    let reader = call.caller()?.loop_id.filter(|_| call.method == Method::GET);
    let mut news = Vec::new();
    for message in page.messages.iter_mut().filter(|message| Some(message.to) == reader) {
        let status = message.status_at(call.now).after(seen);
        if status != message.status_at(call.now) {
            message.status = status;
            news.push(message.id);
        }
    }
    if !news.is_empty() {
        let cx = context(call)?;
        let noted = call.app.engine.write(cx, "aap.seen", move |tx, cx| message::see_all(tx, cx, &news, seen));
        noted.await.map_err(|error: MessageError| Failure::of(error.code(), &error))?;
    }
    Ok(page)
}
