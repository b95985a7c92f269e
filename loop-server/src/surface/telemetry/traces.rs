//! `/v1/traces`: spans come in.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::Code,
    onboarding::{OnboardingError, quota},
    telemetry::{
        keep,
        prepare::{Prepared, Rules, prepare},
    },
};
use schemars::JsonSchema;

use super::{
    otlp::{
        Undecodable, answer, decode,
        inflate::{Coding, gunzip},
        media::Media,
    },
    scope::{PROJECT, context, project},
    shown::refused,
};
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Row, room::Held, schema_of, table::Outcome},
    surface::Surface,
};

/// The largest body, before and after it is inflated.
const LIMIT: usize = 64 << 20;
/// Bodies up to this are read where they are; the threads of others are not to be kept waiting longer.
const INLINE: usize = 64 << 10;

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/v1/traces",
    operation: "telemetry.ingest",
    surface: Surface::Telemetry,
    access: Access::Scope(Scope::TelemetryWrite),
    summary: "Take in spans: OTLP as JSON or as protocol buffers, plain or by gzip",
    query: &[PROJECT],
    input: Some(schema_of::<Request>),
    output: Output::Json(schema_of::<Answer>),
    success: &[202, 200],
    body_limit: LIMIT,
    handler: Handler::Later(|call| Box::pin(ingest(call))),
    example: Some(Example { before: &[], id: "", path: "/v1/traces", body: r#"{"resourceSpans":[]}"# }),
}];

/// `ExportTraceServiceRequest` of OTLP.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", rename = "ExportTraceServiceRequest")]
#[expect(dead_code, reason = "bodies are read member by member; this is their document")]
struct Request {
    /// Spans, by the resource that they are of.
    resource_spans: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// `ExportTraceServiceResponse` of OTLP; empty when every span was stored.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", rename = "ExportTraceServiceResponse")]
#[expect(dead_code, reason = "answers are written as they are; this is their document")]
struct Answer {
    /// What was not stored.
    #[schemars(skip_serializing_if = "Option::is_none")]
    partial_success: Option<Partial>,
}

/// What of a request was not stored.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", rename = "ExportTracePartialSuccess")]
#[expect(dead_code, reason = "answers are written as they are; this is their document")]
struct Partial {
    /// How many spans, in digits.
    rejected_spans: String,
    /// Why.
    error_message: String,
}

async fn ingest(mut call: Call) -> Outcome {
    let media = Media::of(&call.headers)?;
    let coding = Coding::of(&call.headers)?;
    let project = project(&call).await?;
    let cx = context(&call)?;
    let otlp = call.app.config.otlp;
    let rules = Rules { content: otlp.content, now: call.app.engine.now() };
    let body = std::mem::take(&mut call.body);
    let mut held = call.held.take().unwrap_or_else(|| call.app.room.held());
    let inline = coding == Coding::Identity && body.len() <= INLINE;
    let work = move || read(media, coding, &body, rules, &mut held).map(|prepared| (prepared, held));
    let (prepared, held) = if inline {
        work()?
    } else {
        let turn = call.app.room.turn().await;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Failure::internal("reading spans broke off"))??
    };
    let rejected = prepared.rejected;
    if prepared.spans > 0 {
        let stored = call.app.engine.write_bulk(cx, "telemetry.ingest", move |tx, cx| {
            let new = keep::store(tx, cx.tenant(), &project, &prepared)?;
            quota::take(tx, cx, &project, new)
        });
        stored.await.map_err(|error| over_or_failed(&error))?;
    }
    drop(held);
    answer::accepted(media, StatusCode::from_u16(otlp.status.code()).unwrap_or(StatusCode::ACCEPTED), &rejected)
}

/// Whoever is over the quota is not asked to come back at once.
fn over_or_failed(error: &OnboardingError) -> Failure {
    match error {
        OnboardingError::Quota(_) => refused(error).retry_after(quota::RETRY_AFTER),
        _ => refused(error),
    }
}

/// From a body to blocks.
fn read(media: Media, coding: Coding, body: &[u8], rules: Rules, held: &mut Held) -> Result<Prepared, Failure> {
    let inflated;
    let body = match coding {
        Coding::Identity => body,
        Coding::Gzip => {
            inflated = gunzip(body, LIMIT, held)?;
            &inflated
        }
    };
    // About as much is made of it as it has itself.
    held.grow(held.bytes().saturating_add(body.len()))?;
    let batch = decode(media, body).map_err(|error| match error {
        Undecodable::TooMany => Failure::of(Code::TooLarge, &error),
        _ => Failure::of(Code::InvalidRequest, &error),
    })?;
    Ok(prepare(&batch, rules))
}
