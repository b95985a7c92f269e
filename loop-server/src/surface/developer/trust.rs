//! Trust scores and the events that made them.

use http::Method;
use loop_core::{
    access::{AccessError, Scope, loops},
    base::{
        Time,
        id::{LoopId, ProofId, TrustEventId},
    },
    proof::Level,
    trust::{self, Event, EventKind, Penalties, Tier, TrustError},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    context,
    page::{CURSOR, LIMIT, Page},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const MADE: &str = r#"POST /api/v1/loops {"kind":"developer"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/v1/trust/{id}",
        operation: "trust.get",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TrustRead),
        summary: "A loop's trust score and its events, newest first",
        query: &[LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<Trust>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(get(call))),
        example: Some(Example { before: &[MADE], id: "/id", path: "/api/v1/trust/{id}", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/trust-penalties",
        operation: "trust.penalties",
        surface: Surface::Developer,
        access: Access::Scope(Scope::TrustRead),
        summary: "What misconduct costs",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Penalties>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(penalties(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/trust-penalties", body: "" }),
    },
    Row {
        method: Method::PUT,
        path: "/api/v1/trust-penalties",
        operation: "trust.set_penalties",
        surface: Surface::Developer,
        access: Access::Scope(Scope::SettingsWrite),
        summary: "Set what misconduct costs; what is absent takes its default",
        query: &[],
        input: Some(schema_of::<Penalties>),
        output: Output::Json(schema_of::<Penalties>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(set_penalties(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/trust-penalties", body: r#"{"dispute_lost":-7}"# }),
    },
];

/// A loop's trust.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Trust {
    loop_id: LoopId,
    /// 0 to 100; every loop starts at 50.
    score: u8,
    tier: Tier,
    /// Newest first.
    events: Vec<EventRow>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// What moved the score.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EventRow {
    id: TrustEventId,
    loop_id: LoopId,
    #[serde(rename = "type")]
    kind: EventKind,
    /// By how much, before the score was kept within 0 and 100.
    delta: i16,
    previous_score: u8,
    new_score: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_id: Option<ProofId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_level: Option<Level>,
    /// Always false: what is simulated moves no score.
    simulated: bool,
    /// The invocation, task, message or transaction that it is about.
    reference_id: String,
    reason: String,
    created_at: Time,
}

impl From<Event> for EventRow {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            loop_id: event.loop_id,
            kind: event.kind,
            delta: event.delta,
            previous_score: event.previous,
            new_score: event.score,
            proof_id: event.proof,
            proof_level: event.level,
            simulated: false,
            reference_id: event.reference,
            reason: event.reason,
            created_at: event.at,
        }
    }
}

fn refusal(error: &TrustError) -> Failure {
    Failure::of(error.code(), error)
}

async fn get(call: Call) -> Outcome {
    let wanted = Page::of(&call, |text| text.parse::<u64>().ok().filter(|seq| *seq > 0))?;
    let name = call.param("id").to_owned();
    let read = call.app.engine.read(context(&call)?, "trust.get", move |tx, cx| {
        let of = loops::resolve(tx, cx.tenant(), &name)?.id;
        let score = trust::score(tx, cx.tenant(), of)?;
        Ok::<_, AccessError>((of, score, trust::page(tx, cx.tenant(), of, wanted.after, wanted.limit)?))
    });
    let (loop_id, score, events) = read.await.map_err(|error| Failure::of(error.code(), &error))?;
    let next = events.last().filter(|last| wanted.full(events.len()) && last.seq > 1).map(|last| last.seq.to_string());
    let events = events.into_iter().map(EventRow::from).collect();
    Reply::json(&Trust { loop_id, score, tier: Tier::of(score), events, next_cursor: next })
}

async fn penalties(call: Call) -> Outcome {
    let read = call
        .app
        .engine
        .read(context(&call)?, "trust.penalties", |tx, cx| Ok::<_, TrustError>(trust::penalties(tx, cx.tenant())?));
    Reply::json(&read.await.map_err(|error| refusal(&error))?)
}

async fn set_penalties(call: Call) -> Outcome {
    let new: Penalties = call.json()?;
    call.caller()?.loop_id.map_or(Ok(()), |_| {
        Err(Failure::new(loop_core::base::Code::InsufficientScope, "this is for the tenant's administrator"))
    })?;
    let written =
        call.app.engine.write(context(&call)?, "trust.set_penalties", move |tx, cx| trust::set_penalties(tx, cx, &new));
    written.await.map_err(|error| refusal(&error))?;
    Reply::json(&new)
}
