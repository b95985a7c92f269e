//! `/enforce`: the same decision in the words of navige 3, and how its approvals end.

use std::time::Duration;

use http::Method;
use loop_core::{
    access::Scope,
    approval::Polled,
    audit::Status,
    base::{Time, id::ApprovalId, json::Doc},
    engine::{self, Decision},
    policy::Action,
    tool::Risk,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intercept::{arguments, read, refusal, text};
use crate::{
    http::{
        Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, stream::Sender,
        table::Outcome,
    },
    surface::Surface,
};

/// How long `wait: true` waits for a human, in seconds.
const WAIT_SECONDS: u64 = 300;
/// How often a waiting answer says that it is still there, in seconds: a client gives up after five.
const PULSE_SECONDS: u64 = 2;
/// How often a waiting answer looks whether a human decided, in milliseconds.
const LOOK_MILLIS: u64 = 200;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/enforce",
        operation: "decision.enforce",
        surface: Surface::Governance,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary: "Decide a tool call and, with `wait`, hold the answer until a human decided",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<Answer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(enforce(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/enforce",
            body: r#"{"tool":"read_file","arguments":{"path":"a"}}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/enforce/status/{id}",
        operation: "decision.enforce_status",
        surface: Surface::Governance,
        access: Access::Scope(Scope::PolicyEvaluate),
        summary: "How an approval ended; an answer that allows uses the approval up",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Answer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(status(call))),
        example: Some(Example {
            before: &[
                "rule.create",
                r#"POST /enforce {"tool":"wire_transfer","arguments":{"amount":7000,"currency":"GBP"}}"#,
            ],
            id: "/approvalId",
            path: "/enforce/status/{id}",
            body: "",
        }),
    },
];

/// A proposed call; see [`super::intercept`].
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the shape of the body, for documents; the body itself is read as a tape")]
struct Input {
    /// The tool, 1 to 256 bytes.
    tool: String,
    /// Its arguments.
    arguments: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether to hold the answer, up to five minutes, until a human decided.
    wait: Option<bool>,
    /// The system the tool acts on.
    system: Option<String>,
    /// `read`, `write`, `destructive` or `financial`: a claim that can raise the risk, never lower it.
    classification: Option<String>,
}

/// The decision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// `allow`, `deny`, `pending`, or `error`.
    decision: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    /// When waiting ends in a no.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
}

impl Answer {
    fn of(decision: Decision) -> Self {
        let pending = decision.status == Status::Pending;
        Self {
            decision: match decision.status {
                Status::Allowed => "allow",
                Status::Pending => "pending",
                Status::Blocked | Status::Error => "deny",
            },
            reason: (!decision.allowed()).then(|| decision.message.into_owned()),
            approval_id: decision.approval.filter(|_| pending),
            expires_at: decision.expires_at,
        }
    }

    fn error(reason: String) -> Self {
        Self { decision: "error", reason: Some(reason), approval_id: None, expires_at: None }
    }
}

/// What was asked, apart from `wait`.
struct Asked<'d> {
    proposed: engine::Call<'d>,
    wait: bool,
}

fn asked<'d>(doc: &'d Doc<'d>, empty: &'d Doc<'d>) -> Result<Asked<'d>, Failure> {
    let root = doc.root();
    let claimed_risk = match text(root, "classification")? {
        None => None,
        Some("read") => Some(Risk::Low),
        Some("write" | "financial") => Some(Risk::Medium),
        Some("destructive") => Some(Risk::High),
        Some(other) => {
            let shown: String = other.chars().take(40).collect();
            return Err(Failure::invalid(format!("`classification` is not valid: `{shown}`")));
        }
    };
    let wait = match root.get("wait").filter(|view| !view.is_null()) {
        None => false,
        Some(view) => view.as_bool().ok_or_else(|| Failure::invalid("`wait` must be true or false"))?,
    };
    text(root, "system")?;
    let action = Action {
        tool: text(root, "tool")?.ok_or_else(|| Failure::invalid("`tool` is missing"))?,
        agent: None,
        arguments: arguments(root, empty)?,
        forward: None,
        claimed_risk,
        stage: None,
    };
    Ok(Asked { proposed: engine::Call { action, reason: None, session: None, door: "enforce" }, wait })
}

async fn enforce(call: Call) -> Outcome {
    let (decision, wait) = {
        let doc = read(&call)?;
        let empty = Doc::empty_object();
        let asked = asked(&doc, &empty)?;
        let decision = call.app.engine.intercept(call.caller()?, &asked.proposed).await;
        (decision.map_err(|error| refusal(&error))?, asked.wait)
    };
    if decision.status != Status::Pending {
        return Reply::json(&Answer::of(decision));
    }
    call.app.wake.ring();
    if !wait {
        return Reply::json(&Answer::of(decision));
    }
    let (sender, reply) = Reply::stream("application/json");
    tokio::spawn(async move {
        // Nobody reads any more: then nobody may be told, and the approval stays as it is.
        let _ = hold(&call, decision, sender).await;
    });
    Ok(reply)
}

/// Waits for a human, then lets the very same call come again.
async fn hold(call: &Call, first: Decision, sender: Sender) -> Result<(), crate::http::stream::Gone> {
    let mut pulse = tokio::time::interval(Duration::from_secs(PULSE_SECONDS));
    let mut look = tokio::time::interval(Duration::from_millis(LOOK_MILLIS));
    let end = tokio::time::sleep(Duration::from_secs(WAIT_SECONDS));
    tokio::pin!(end);
    let id = first.approval;
    let mut last = first;
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = pulse.tick() => sender.send(" ").await?,
            _ = look.tick() => match settled(call, id).await {
                Ok(false) => {}
                Ok(true) => match again(call).await {
                    Ok(decision) if decision.status == Status::Pending && decision.approval == id => last = decision,
                    Ok(decision) => {
                        last = decision;
                        break;
                    }
                    Err(error) => return finish(sender, &Answer::error(error)).await,
                },
                Err(error) => return finish(sender, &Answer::error(error)).await,
            },
        }
    }
    finish(sender, &Answer::of(last)).await
}

async fn finish(sender: Sender, answer: &Answer) -> Result<(), crate::http::stream::Gone> {
    let json = serde_json::to_vec(answer).unwrap_or_else(|_| br#"{"decision":"error"}"#.to_vec());
    sender.send(json).await?;
    sender.finish().await
}

/// Whether an approval no longer waits.
async fn settled(call: &Call, id: Option<ApprovalId>) -> Result<bool, String> {
    let caller = call.caller().map_err(|_| "unauthenticated".to_owned())?.clone();
    let cx = call.app.engine.context(caller).map_err(|error| error.to_string())?;
    let Some(id) = id.map(|id| id.to_string()) else { return Ok(true) };
    let state = call.app.engine.read(cx, "approval.look", move |tx, cx| {
        loop_core::approval::get(tx, cx.tenant(), &id).map(|approval| approval.state_at(cx.now))
    });
    state.await.map(|state| state != loop_core::approval::State::Pending).map_err(|error| error.to_string())
}

/// Decides the call once more, now that its approval is settled.
async fn again(call: &Call) -> Result<Decision, String> {
    let doc = Doc::parse(&call.body).map_err(|error| error.to_string())?;
    let empty = Doc::empty_object();
    let asked = asked(&doc, &empty).map_err(|_| "the call cannot be read again".to_owned())?;
    let caller = call.caller().map_err(|_| "unauthenticated".to_owned())?;
    call.app.engine.intercept(caller, &asked.proposed).await.map_err(|error| error.to_string())
}

async fn status(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let polled = call.app.engine.poll(call.caller()?, &id).await.map_err(|error| refusal(&error))?;
    Reply::json(&match polled {
        Polled::Allowed { .. } => Answer { decision: "allow", reason: None, approval_id: None, expires_at: None },
        Polled::Refused { message, .. } => Answer {
            decision: "deny",
            reason: Some(message.to_owned()),
            approval_id: ApprovalId::parse(&id),
            expires_at: None,
        },
        Polled::Pending { expires_at } => Answer {
            decision: "pending",
            reason: Some("waiting for human approval".to_owned()),
            approval_id: ApprovalId::parse(&id),
            expires_at: Some(expires_at),
        },
    })
}
