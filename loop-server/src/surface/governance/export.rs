//! `/api/logs/export`: the decisions as CSV, streamed.

use http::{HeaderValue, Method, header};
use loop_core::{
    access::Scope,
    audit::{self, AuditEntry, Filter},
    engine::DecideError,
};

use super::{
    intercept::no_entropy,
    logs::{FILTERS, LogRow, filter},
};
use crate::{
    http::{
        Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row,
        stream::{Gone, Sender},
        table::Outcome,
    },
    surface::Surface,
};

/// How many rows are read and written at a time.
const CHUNK: u32 = 500;

/// The columns, in order.
const COLUMNS: [&str; 11] =
    ["id", "created_at", "agent_name", "tool_name", "arguments", "status", "risk", "rule", "message", "reason", "hash"];

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::GET,
    path: "/api/logs/export",
    operation: "log.export",
    surface: Surface::Governance,
    access: Access::Scope(Scope::LogsRead),
    summary: "Decisions as CSV, newest first, however many there are",
    query: &FILTERS,
    input: None,
    output: Output::Media("text/csv"),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(export(call))),
    example: Some(Example { before: &["decision.intercept"], id: "", path: "/api/logs/export", body: "" }),
}];

async fn export(call: Call) -> Outcome {
    let filter = filter(&call)?;
    // The first page is read before the head is sent, so that a refusal still has its status.
    let first = page(&call, &filter).await?;
    let (sender, reply) = Reply::stream("text/csv; charset=utf-8");
    tokio::spawn(async move {
        // A reader that went away needs no more rows; a store that failed cuts the answer short.
        let _ = write(&call, filter, first, sender).await;
    });
    Ok(reply.with_header(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"loop-decisions.csv\""),
    ))
}

async fn page(call: &Call, filter: &Filter) -> Result<Vec<(u64, LogRow)>, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let filter = filter.clone();
    let read = call.app.engine.read(cx, "log.export", move |tx, cx| {
        Ok::<_, DecideError>(audit::page(tx, cx.tenant(), audit::DECISIONS, &filter, CHUNK, 0)?)
    });
    let entries = read.await.map_err(|error| Failure::of(error.code(), &error))?;
    Ok(entries.into_iter().map(|entry| (entry.seq, LogRow::from(entry))).collect())
}

async fn write(call: &Call, mut filter: Filter, first: Vec<(u64, LogRow)>, sender: Sender) -> Result<(), Gone> {
    sender.send(csv_head()).await?;
    let mut rows = first;
    loop {
        filter.below = rows.last().map(|(seq, _)| *seq);
        let more = rows.len() == CHUNK as usize;
        sender.send(csv_of(rows.into_iter().map(|(_, row)| cells(row)))).await?;
        if !more {
            return sender.finish().await;
        }
        match page(call, &filter).await {
            Ok(next) => rows = next,
            Err(_) => return Err(Gone),
        }
    }
}

fn cells(row: LogRow) -> Vec<String> {
    let arguments = row.arguments.map_or_else(String::new, |arguments| arguments.get().to_owned());
    let text = Option::unwrap_or_default;
    [
        row.id,
        row.created_at.to_string(),
        text(row.agent_name),
        text(row.tool_name),
        arguments,
        text(row.status),
        text(row.risk),
        text(row.rule),
        text(row.message),
        text(row.reason),
        row.hash,
    ]
    .into_iter()
    .map(harmless)
    .collect()
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// The line of column names.
pub(crate) fn csv_head() -> Vec<u8> {
    csv_of(std::iter::once(COLUMNS.map(str::to_owned).to_vec()))
}

/// Decisions as lines.
pub(crate) fn csv_lines(entries: Vec<AuditEntry>) -> Vec<u8> {
    csv_of(entries.into_iter().map(|entry| cells(LogRow::from(entry))))
}

fn csv_of(rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing to memory does not fail.
        let _ = writer.write_record(&row);
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{csv_of, harmless};

    #[test]
    fn cells_that_look_like_formulas_are_defused() {
        for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(harmless(cell.to_owned()), format!("'{cell}"));
        }
        assert_eq!(harmless("a=1".to_owned()), "a=1");
    }

    #[test]
    fn quotes_commas_and_newlines_survive() {
        let out = csv_of(std::iter::once(vec!["a \"b\", c".to_owned(), "x\ny".to_owned()]));
        assert_eq!(String::from_utf8(out).unwrap(), "\"a \"\"b\"\", c\",\"x\ny\"\n");
    }
}
