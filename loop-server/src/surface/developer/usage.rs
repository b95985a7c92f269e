//! How much a loop called and paid, by month.

use http::Method;
use loop_core::{
    access::{AccessError, Scope, loops},
    base::id::LoopId,
    invoke::{self, Metric, Month},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{context, credits::LOOP};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const MADE: &str = r#"POST /api/v1/loops {"kind":"developer"}"#;

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::GET,
    path: "/api/v1/usage",
    operation: "usage.get",
    surface: Surface::Developer,
    access: Access::Key,
    summary: "Calls and credits by month: the caller's own, or with `credits:read` any loop's",
    query: &[LOOP],
    input: None,
    output: Output::Json(schema_of::<Usage>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(get(call))),
    example: Some(Example { before: &[MADE], id: "/id", path: "/api/v1/usage?loopId={id}", body: "" }),
}];

/// What a loop used.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Usage {
    loop_id: LoopId,
    /// Oldest first; months without use are left out.
    months: Vec<MonthRow>,
}

/// A month.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MonthRow {
    /// In UTC, such as `2026-11`.
    month: String,
    /// Real calls that succeeded.
    succeeded: u64,
    /// Real calls that failed.
    failed: u64,
    /// Simulated calls.
    simulated: u64,
    /// Calls that were denied.
    denied: u64,
    /// Credits that were taken.
    credits: u64,
}

impl From<Month> for MonthRow {
    fn from(month: Month) -> Self {
        Self {
            succeeded: month.of(Metric::Succeeded),
            failed: month.of(Metric::Failed),
            simulated: month.of(Metric::Simulated),
            denied: month.of(Metric::Denied),
            credits: month.of(Metric::Credits),
            month: month.month,
        }
    }
}

async fn get(call: Call) -> Outcome {
    let named = call.query("loopId").map(std::borrow::Cow::into_owned);
    let read = call.app.engine.read(context(&call)?, "usage.get", move |tx, cx| {
        let of = match &named {
            Some(name) => loops::resolve(tx, cx.tenant(), name)?.id,
            None => cx.caller.acting_loop()?,
        };
        if cx.caller.loop_id != Some(of) {
            cx.caller.require(Scope::CreditsRead)?;
            cx.caller.commands(&loops::lineage(tx, cx.tenant(), of)?)?;
        }
        Ok::<_, AccessError>((of, invoke::months(tx, cx.tenant(), of)?))
    });
    let (loop_id, months) = read.await.map_err(|error| Failure::of(error.code(), &error))?;
    Reply::json(&Usage { loop_id, months: months.into_iter().map(MonthRow::from).collect() })
}
