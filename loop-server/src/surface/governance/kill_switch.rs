//! `/api/blocked-tools`: tools that nobody may call.

use http::Method;
use loop_core::{
    access::Scope,
    engine::DecideError,
    policy::kill_switch::{self, BlockedTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{intercept::no_entropy, page::list};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/blocked-tools",
        operation: "tool.blocked",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesRead),
        summary: "The blocked tools, by name",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Vec<BlockedTool>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(all(call))),
        example: Some(Example { before: &[], id: "", path: "/api/blocked-tools", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/blocked-tools",
        operation: "tool.block",
        surface: Surface::Governance,
        access: Access::Scope(Scope::ToolsBlock),
        summary: "Block a tool at once; no decision after the answer allows it",
        query: &[],
        input: Some(schema_of::<Block>),
        output: Output::Json(schema_of::<BlockedTool>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(block(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/blocked-tools",
            body: r#"{"tool_name":"delete_file"}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/blocked-tools/{*tool_name}",
        operation: "tool.unblock",
        surface: Surface::Governance,
        access: Access::Scope(Scope::ToolsBlock),
        summary: "Let a tool be called again",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Unblocked>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(unblock(call))),
        example: Some(Example { before: &["tool.block"], id: "", path: "/api/blocked-tools/delete_file", body: "" }),
    },
];

/// A tool to block.
#[derive(Debug, Deserialize, JsonSchema)]
struct Block {
    /// Its exact name, 1 to 256 bytes.
    tool_name: String,
    /// Why, for people.
    reason: Option<String>,
}

/// An unblocked tool.
#[derive(Debug, Serialize, JsonSchema)]
struct Unblocked {
    /// Always true.
    unblocked: bool,
    /// Its name.
    tool_name: String,
}

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn all(call: Call) -> Outcome {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read =
        call.app.engine.read(cx, "tool.blocked", |tx, cx| Ok::<_, DecideError>(kill_switch::list(tx, cx.tenant())?));
    let rows = read.await.map_err(failed)?;
    list(&rows, rows.len() as u64)
}

async fn block(call: Call) -> Outcome {
    let input: Block = call.json()?;
    let reason = input.reason.unwrap_or_default();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let blocked = call.app.engine.write(cx, "tool.block", move |tx, cx| {
        Ok::<_, DecideError>(kill_switch::block(tx, cx, &input.tool_name, &reason)?)
    });
    Ok(Reply::json(&blocked.await.map_err(failed)?)?.with_status(http::StatusCode::CREATED))
}

async fn unblock(call: Call) -> Outcome {
    let name = call.param("tool_name").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let unblocked = call
        .app
        .engine
        .write(cx, "tool.unblock", move |tx, cx| Ok::<_, DecideError>(kill_switch::unblock(tx, cx, &name)?));
    Reply::json(&Unblocked { unblocked: true, tool_name: unblocked.await.map_err(failed)?.tool_name })
}
