//! `/v1/reports/latest.md`: a window in Markdown.

use http::Method;
use loop_core::{access::Scope, diagnosis::report};

use super::{
    dashboard::looked,
    scope::{PROJECT, SINCE},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Handler, Output, Reply, Row, table::Outcome},
    surface::Surface,
};

/// What the report is.
const MARKDOWN: &str = "text/markdown; charset=utf-8";

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::GET,
    path: "/v1/reports/latest.md",
    operation: "report.latest",
    surface: Surface::Telemetry,
    access: Access::Scope(Scope::ReportsRead),
    summary: "What went wrong in a window, 60 minutes unless it is named, as a report in Markdown",
    query: &[SINCE, PROJECT],
    input: None,
    output: Output::Media("text/markdown"),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(latest(call))),
    example: Some(Example { before: &[], id: "", path: "/v1/reports/latest.md", body: "" }),
}];

async fn latest(call: Call) -> Outcome {
    let text = looked(&call, report::write).await?;
    Ok(Reply::bytes(MARKDOWN, text))
}
