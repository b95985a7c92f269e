//! Approvals, the same as on the governance surface, in this surface's words.

use http::Method;
use loop_core::{
    access::Scope,
    approval::{self, Answer, Approval, ApprovalError, Asking, Decided, State, Via},
    base::{Code, Risk, Time, id::ApprovalId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    context,
    page::{CURSOR, LIMIT, Page, page, page_shape},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/v1/approvals",
        operation: "approval.list",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ApprovalsRead),
        summary: "Calls that wait for a human, newest first",
        query: &[LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<ApprovalPage>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/approvals", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/approvals/{id}/decide",
        operation: "approval.decide_call",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ApprovalsDecide),
        summary: "Approve or deny; exactly one decision counts",
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
            path: "/api/v1/approvals/{id}/decide",
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

/// Every spelling of yes and no.
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
#[serde(rename_all = "camelCase")]
struct ApprovalRow {
    id: ApprovalId,
    /// `pending`, `approved`, `used`, `denied`, `expired` or `void`.
    status: State,
    tool: String,
    /// The tag of the loop, or the agent's name.
    agent: Option<String>,
    /// Masked.
    #[schemars(with = "serde_json::Value")]
    input: Box<RawValue>,
    /// Masked.
    reason: Option<String>,
    risk_level: Risk,
    /// Everything that asked.
    asked_by: Vec<AskingRow>,
    created_at: Time,
    expires_at: Time,
    decided_at: Option<Time>,
    /// A key's name, `link` or `timeout`.
    decided_by: Option<String>,
    comment: Option<String>,
}

/// What asked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AskingRow {
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
    /// Its sentence, or the code of what else asked.
    text: String,
}

page_shape!(ApprovalPage, approvals: ApprovalRow);

impl ApprovalRow {
    fn of(approval: Approval, now: Time) -> Self {
        let status = approval.state_at(now);
        let asked =
            |asking: Asking| AskingRow { rule_id: asking.rule_id.map(|id| id.to_string()), text: asking.rule_text };
        Self {
            id: approval.id,
            status,
            tool: approval.tool_name,
            agent: approval.agent_name,
            input: RawValue::from_string(approval.arguments).unwrap_or_default(),
            reason: approval.reason,
            risk_level: approval.risk,
            asked_by: approval.asking.into_iter().map(asked).collect(),
            created_at: approval.created_at,
            expires_at: approval.expires_at,
            decided_at: approval.decided_at,
            decided_by: approval.decided_by,
            comment: approval.comment,
        }
    }
}

fn refusal(error: &ApprovalError) -> Failure {
    let failure = Failure::of(error.code(), error);
    match error {
        ApprovalError::Settled(state) => failure.with("status", state.as_str()),
        _ => failure,
    }
}

async fn list(call: Call) -> Outcome {
    // Few wait at a time: the cursor is how many were seen.
    let wanted = Page::of(&call, |text| text.parse::<u32>().ok())?;
    let from = wanted.after.unwrap_or(0);
    let cx = context(&call)?;
    let now = cx.now;
    let read = call
        .app
        .engine
        .read(cx, "approval.list", move |tx, cx| approval::pending(tx, cx.tenant(), cx.now, wanted.limit, from));
    let found = read.await.map_err(|error| refusal(&error))?;
    let next = wanted.full(found.len()).then(|| from.saturating_add(wanted.limit).to_string());
    let rows: Vec<ApprovalRow> = found.into_iter().map(|approval| ApprovalRow::of(approval, now)).collect();
    page("approvals", &rows, next)
}

async fn decide(call: Call) -> Outcome {
    let input: Decide = call.json()?;
    let answer = match input.action {
        Word::Approved | Word::Approve => Answer::Approve,
        Word::Denied | Word::Deny => Answer::Deny,
    };
    let id = call.param("id").to_owned();
    let cx = context(&call)?;
    let now = cx.now;
    let decided = call.app.engine.write(cx, "approval.decide", move |tx, cx| {
        approval::decide(tx, cx, &id, answer, input.comment.as_deref(), Via::Key)
    });
    match decided.await.map_err(|error| refusal(&error))? {
        Decided::Now(approval) => Reply::json(&ApprovalRow::of(approval, now)),
        Decided::Late(_) => {
            call.app.wake.ring();
            Err(Failure::new(Code::ApprovalExpired, "this approval expired before it was decided, and was denied"))
        }
    }
}
