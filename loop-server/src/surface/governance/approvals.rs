//! Pending approvals, decisions and their history.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    approval::{self, Answer, Approval, ApprovalError, Asking, Decided, State, UsedBy, Via},
    base::{Code, Time, id::ApprovalId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    intercept::{no_entropy, risk_label},
    page::{LIMIT, OFFSET, Page, list},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const DEFAULT_LIMIT: u64 = 1_000;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/pending-approvals",
        operation: "approval.pending",
        surface: Surface::Governance,
        access: Access::Scope(Scope::ApprovalsRead),
        summary: "Calls that wait for a human, newest first",
        query: &[LIMIT, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Vec<ApprovalRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(pending(call))),
        example: Some(Example { before: &[], id: "", path: "/api/pending-approvals", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/approvals/history",
        operation: "approval.history",
        surface: Surface::Governance,
        access: Access::Scope(Scope::ApprovalsRead),
        summary: "Approvals that were decided or expired, the latest first",
        query: &[LIMIT, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Vec<ApprovalRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(history(call))),
        example: Some(Example { before: &[], id: "", path: "/api/approvals/history", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/pending-approvals/{id}/decide",
        operation: "approval.decide",
        surface: Surface::Governance,
        access: Access::Scope(Scope::ApprovalsDecide),
        summary: "Approve or deny; exactly one decision counts, a later one is 409 with the outcome",
        query: &[],
        input: Some(schema_of::<Decide>),
        output: Output::Json(schema_of::<ApprovalRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(decide(call))),
        example: Some(Example {
            before: &[
                "rule.create",
                r#"POST /api/intercept {"tool_name":"wire_transfer","arguments":{"amount":5000,"currency":"GBP"}}"#,
            ],
            id: "/approval_id",
            path: "/api/pending-approvals/{id}/decide",
            body: r#"{"action":"approved"}"#,
        }),
    },
];

/// A human's answer.
#[derive(Debug, Deserialize, JsonSchema)]
struct Decide {
    /// Yes or no.
    action: Word,
    /// For the record, up to 2000 characters.
    comment: Option<String>,
}

/// Every spelling of yes and no that clients send.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    Approved,
    Approve,
    Denied,
    Deny,
}

/// An approval.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ApprovalRow {
    /// Its id.
    id: ApprovalId,
    /// `pending`, `approved`, `used`, `denied`, `expired` or `void`.
    status: State,
    tool_name: String,
    agent_name: Option<String>,
    /// Masked; of a tool whose definition changed, `now` and `was` as they are.
    #[schemars(with = "serde_json::Value")]
    arguments: Box<RawValue>,
    /// Masked.
    reason: Option<String>,
    /// Method and masked URL that the call is forwarded to.
    forward: Option<String>,
    risk: &'static str,
    /// The sentence of the first rule that asked.
    rule: Option<String>,
    /// Every rule that asked.
    rules: Vec<Asking>,
    created_at: Time,
    expires_at: Time,
    decided_at: Option<Time>,
    /// A key's name, `link` or `timeout`.
    decided_by: Option<String>,
    comment: Option<String>,
    used_by: Option<UsedBy>,
}

impl ApprovalRow {
    pub(super) fn of(approval: Approval, now: Time) -> Self {
        let status = approval.state_at(now);
        Self {
            id: approval.id,
            status,
            tool_name: approval.tool_name,
            agent_name: approval.agent_name,
            arguments: RawValue::from_string(approval.arguments).unwrap_or_default(),
            reason: approval.reason,
            forward: approval.forward,
            risk: risk_label(approval.risk),
            rule: approval.asking.first().map(|asking| asking.rule_text.clone()),
            rules: approval.asking,
            created_at: approval.created_at,
            expires_at: approval.expires_at,
            decided_at: approval.decided_at,
            decided_by: approval.decided_by,
            comment: approval.comment,
            used_by: approval.used_by,
        }
    }
}

/// The refusal that an approval's error stands for; a 409 tells the settled outcome.
pub(super) fn refusal(error: &ApprovalError) -> Failure {
    let failure = Failure::of(error.code(), error);
    match error {
        ApprovalError::Settled(state) => failure.with("status", state.as_str()),
        _ => failure,
    }
}

/// The refusal of an answer that came too late.
pub(super) fn late(approval: &Approval) -> Failure {
    Failure::new(Code::Conflict, "this approval expired before it was decided, and was denied")
        .with("status", approval.state.as_str())
}

async fn pending(call: Call) -> Outcome {
    let page = Page::of(&call, DEFAULT_LIMIT)?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let now = cx.now;
    let read = call.app.engine.read(cx, "approval.pending", move |tx, cx| {
        let rows = approval::pending(tx, cx.tenant(), cx.now, page.limit, page.offset)?;
        Ok::<_, ApprovalError>((rows, approval::pending_count(tx, cx.tenant(), cx.now)?))
    });
    let (rows, total) = read.await.map_err(|error| refusal(&error))?;
    let rows: Vec<ApprovalRow> = rows.into_iter().map(|approval| ApprovalRow::of(approval, now)).collect();
    list(&rows, total)
}

async fn history(call: Call) -> Outcome {
    let page = Page::of(&call, 100)?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let now = cx.now;
    let read = call.app.engine.read(cx, "approval.history", move |tx, cx| {
        let rows = approval::history(tx, cx.tenant(), page.limit, page.offset)?;
        Ok::<_, ApprovalError>((rows, approval::history_count(tx, cx.tenant())?))
    });
    let (rows, total) = read.await.map_err(|error| refusal(&error))?;
    let rows: Vec<ApprovalRow> = rows.into_iter().map(|approval| ApprovalRow::of(approval, now)).collect();
    list(&rows, total)
}

async fn decide(call: Call) -> Outcome {
    let input: Decide = call.json()?;
    let answer = match input.action {
        Word::Approved | Word::Approve => Answer::Approve,
        Word::Denied | Word::Deny => Answer::Deny,
    };
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let now = cx.now;
    let decided = call.app.engine.write(cx, "approval.decide", move |tx, cx| {
        approval::decide(tx, cx, &id, answer, input.comment.as_deref(), Via::Key)
    });
    match decided.await.map_err(|error| refusal(&error))? {
        Decided::Now(approval) => Ok(Reply::json(&ApprovalRow::of(approval, now))?.with_status(StatusCode::OK)),
        Decided::Late(approval) => {
            call.app.wake.ring();
            Err(late(&approval))
        }
    }
}
