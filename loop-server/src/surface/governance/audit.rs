//! `/api/audit`: every entry of the log, and its check.

use http::Method;
use loop_core::{
    access::Scope,
    audit::{self, AuditEntry, Filter, Verified, Verifier},
    base::Time,
    engine::DecideError,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    intercept::no_entropy,
    page::{LIMIT, OFFSET, Page, list},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const STREAM: Param =
    Param { name: "stream", kind: "string", about: "`decisions` or `changes`; both, merged by time, when absent" };

/// How far both streams together can be paged; one stream has no such bound.
const MAX_MERGED: u32 = 10_000;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/audit",
        operation: "audit.list",
        surface: Surface::Governance,
        access: Access::Scope(Scope::LogsRead),
        summary: "Every entry of the audit log, newest first",
        query: &[LIMIT, OFFSET, STREAM],
        input: None,
        output: Output::Json(schema_of::<Vec<EntryRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(entries(call))),
        example: Some(Example { before: &[], id: "", path: "/api/audit", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/audit/verify",
        operation: "audit.verify",
        surface: Surface::Governance,
        access: Access::Scope(Scope::LogsRead),
        summary: "Check the whole log; names the first bad entry",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Verified>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(verify(call))),
        example: Some(Example { before: &[], id: "", path: "/api/audit/verify", body: "" }),
    },
];

/// An entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EntryRow {
    /// Its id, such as `chg-7`.
    id: String,
    /// When it was written.
    created_at: Time,
    /// What happened; `null` once erased.
    op: Option<String>,
    /// The status of a decision.
    status: Option<String>,
    /// The tool concerned.
    tool_name: Option<String>,
    /// The agent concerned.
    agent_name: Option<String>,
    /// The details; `null` once erased.
    #[schemars(with = "serde_json::Value")]
    details: Option<Box<RawValue>>,
    /// The chained hash.
    hash: String,
}

impl From<AuditEntry> for EntryRow {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id(),
            created_at: entry.at,
            op: entry.op,
            status: entry.status,
            tool_name: entry.tool_name,
            agent_name: entry.agent_name,
            details: entry.body.and_then(|body| RawValue::from_string(body).ok()),
            hash: entry.hash,
        }
    }
}

async fn entries(call: Call) -> Outcome {
    let page = Page::of(&call, 100)?;
    let streams: &'static [&'static str] = match call.query("stream").as_deref() {
        None | Some("") => &audit::STREAMS,
        Some("changes") => &[audit::CHANGES],
        Some("decisions") => &[audit::DECISIONS],
        Some(_) => return Err(Failure::invalid("`stream` must be `changes` or `decisions`")),
    };
    // Merged pages are cut from the newest entries of each stream; a single stream is paged by the store.
    let (read, offset, skip) = match streams {
        [_] => (page.limit, page.offset, 0),
        _ if page.offset > MAX_MERGED => {
            return Err(Failure::invalid(format!("beyond an `offset` of {MAX_MERGED} name a `stream`")));
        }
        _ => (page.offset.saturating_add(page.limit), 0, page.offset),
    };
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let entries = call.app.engine.read(cx, "audit.list", move |tx, cx| {
        let filter = Filter::default();
        let (mut rows, mut total) = (Vec::new(), 0_u64);
        for stream in streams {
            rows.extend(audit::page(tx, cx.tenant(), stream, &filter, read, offset)?);
            total = total.saturating_add(audit::count(tx, cx.tenant(), stream, &filter)?);
        }
        Ok::<_, DecideError>((rows, total))
    });
    let (mut rows, total) = entries.await.map_err(|error| Failure::of(error.code(), &error))?;
    rows.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let rows: Vec<EntryRow> = rows.into_iter().skip(skip).take(limit).map(EntryRow::from).collect();
    list(&rows, total)
}

async fn verify(call: Call) -> Outcome {
    let mut verifier = Verifier::new(Vec::new());
    loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        // A chunk per transaction: a long log pins no snapshot, and nobody waits behind the check.
        let step = call.app.engine.read(cx, "audit.verify", move |tx, cx| {
            let outcome = verifier.step(tx, cx.tenant())?;
            Ok::<_, DecideError>((outcome, std::mem::replace(&mut verifier, Verifier::new(Vec::new()))))
        });
        let (outcome, next) = step.await.map_err(|error| Failure::of(error.code(), &error))?;
        match outcome {
            Some(verified) => return Reply::json(&verified),
            None => verifier = next,
        }
    }
}
