//! The gated call of a tool. Each gate can only stop it, and leaves a trace:
//! tool → scope → input schema → estimate → policy → approval → credits → provider → output schema → proof → credits →
//! trust.
//!
//! - [`approach`]: up to the policy.
//! - [`execution`]: the provider, and how the call ends.

mod approach;
mod execution;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{json, value::RawValue};

use super::{
    Call, DecideError, Decision, Engine,
    decide::{ATTEMPTS, Prepared, settle},
    hearing::Hearing,
    invoke_error::InvokeError,
    toolbox::Tool,
};
use crate::{
    access::{Caller, Ctx, Mode},
    approval::{self, ApprovalError, State},
    audit::{self, Event, Status},
    base::{
        Time,
        id::{ApprovalId, LoopId, TaskId},
        json::{Doc, View},
    },
    invoke::{self, CallError, Ended, Fault, Invocation, Metric, Provider, Start},
    policy::{Outcome, Verdict},
    store::{Access, Lane, StoreError, StoreExt, Tx},
    task::tasks,
    tool::{manifest::sample, redact},
};

/// The door that calls come through, as the log names it.
pub(super) const DOOR: &str = "invoke";

/// A call of a tool as a surface received it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// Its version; the highest approved one when absent.
    pub version: Option<&'a str>,
    /// The input.
    pub input: View<'a>,
    /// The mode that is asked for.
    pub mode: Mode,
    /// The task that it is part of.
    pub task: Option<TaskId>,
    /// The approval that it waited for.
    pub approval: Option<&'a str>,
    /// Why, in the agent's own words.
    pub reason: Option<&'a str>,
}

/// What came of a call that was not refused.
#[derive(Debug)]
pub struct Invoked {
    /// The call.
    pub call: Invocation,
    /// What was decided of it.
    pub decision: Decision,
    /// The output, made up when the call was simulated; `None` while a human is asked.
    pub output: Option<Box<RawValue>>,
    /// What can be spent from the wallet now, when there is one and the call touched it.
    pub remaining: Option<i64>,
}

/// A call on its way through the gates.
struct Passing {
    prepared: Prepared,
    start: Start,
    /// What an approval of exactly this call is bound to.
    binding: String,
    /// The approval that the caller named.
    approval: Option<String>,
    /// Whether the tool has no provider but pretence.
    pretends: bool,
}

/// What the recording transaction made of it.
enum Begun {
    Denied,
    Pending(Invocation),
    Simulated(Invocation),
    Running(Invocation),
}

impl Engine {
    /// Calls a tool through every gate, and executes it with `provider` when they let it. The answer is durable. A
    /// future that is dropped while the provider works leaves the call to the sweep: run it apart from the connection
    /// that asked for it.
    ///
    /// # Errors
    /// [`InvokeError`]; unless it is [`InvokeError::Provider`], nothing was executed.
    pub async fn invoke(
        &self,
        caller: &Caller,
        request: &Request<'_>,
        provider: &dyn Provider,
    ) -> Result<Invoked, InvokeError> {
        let outcome = self.pass(caller, request, provider).await;
        if let Err(error) = &outcome
            && let Some(gate) = error.gate()
        {
            self.note_refusal(caller, request, gate, error).await;
        }
        outcome
    }

    async fn pass(
        &self,
        caller: &Caller,
        request: &Request<'_>,
        provider: &dyn Provider,
    ) -> Result<Invoked, InvokeError> {
        let started = self.noticed();
        let mut hearing = Hearing::default();
        for _ in 0..ATTEMPTS {
            let Some(mut approach) = self.approach(caller, request).await? else { continue };
            if self.is_open(&hearing, &approach.verdict) {
                let (cx, opened) = approach.opened(self, request);
                Box::pin(self.hear(&mut hearing, cx, Vec::from_iter(opened))).await?;
                continue;
            }
            approach.harden(self, request, &hearing);
            let tool = Arc::clone(&approach.tool);
            let (passing, input, cx) = approach.prepare(self, request)?;
            match self.begin(cx, passing).await {
                Err(InvokeError::Moved | InvokeError::Decide(DecideError::Moved)) => {}
                Err(error) => return Err(error),
                Ok((begun, decision)) => {
                    self.witness_invoke(started, caller, request, &decision);
                    return self.go_on(caller, begun, decision, &tool, input, provider).await;
                }
            }
        }
        Err(InvokeError::Moved)
    }

    fn witness_invoke(&self, started: Option<Time>, caller: &Caller, request: &Request<'_>, decision: &Decision) {
        let nothing = Doc::empty_object();
        let call = Call { door: DOOR, ..Call::new(request.tool, nothing.root()) };
        self.witness(started, caller, &call, decision);
    }

    /// What the policy says of a call now, without a trace: for an answer that is about to be told again.
    ///
    /// # Errors
    /// As [`Engine::invoke`] up to the policy.
    pub async fn judge_invoke(&self, caller: &Caller, request: &Request<'_>) -> Result<Verdict, InvokeError> {
        for _ in 0..ATTEMPTS {
            if let Some(approach) = self.approach(caller, request).await? {
                return Ok(approach.verdict);
            }
        }
        Err(InvokeError::Moved)
    }

    /// Records the decision and, when it lets the call through, begins it: in one transaction, so that an approval is
    /// used, credits are reserved and the call is kept, or none of it.
    async fn begin(&self, cx: Ctx, passing: Passing) -> Result<(Begun, Decision), InvokeError> {
        let inner = Arc::clone(&self.inner);
        let publish = Arc::clone(&self.inner);
        let tenant = cx.tenant().clone();
        let tool_name = passing.start.tool_name.clone();
        let passing = Arc::new(Mutex::new(passing));
        let shared = Arc::clone(&passing);
        let work = move |tx: &mut dyn Tx| {
            let mut passing = shared.lock().unwrap_or_else(PoisonError::into_inner);
            drop(cx.take_notes());
            cx.caller.recheck(tx, cx.now)?;
            let epoch = tx.epoch(cx.tenant())?;
            if epoch != passing.prepared.epoch() {
                inner.policies.require(cx.tenant(), epoch);
                return Err(InvokeError::Moved);
            }
            let (begun, audit_id) = begin(tx, &cx, &mut passing)?;
            Ok((begun, audit_id, cx.take_notes()))
        };
        let begun = self
            .inner
            .store
            .run_job("invoke.begin", Access::Write, Lane::Decision, work, move |outcome: Result<_, InvokeError>| {
                let (begun, audit_id, notes) = outcome?;
                publish.board.tell(&notes, publish.host.now());
                Ok::<_, InvokeError>((begun, audit_id))
            })
            .await;
        let (begun, audit_id) = begun?;
        self.inner.tools.add(&tenant, &tool_name);
        let decision = passing.lock().unwrap_or_else(PoisonError::into_inner).prepared.decided(audit_id)?;
        Ok((begun, decision))
    }

    async fn go_on(
        &self,
        caller: &Caller,
        begun: Begun,
        decision: Decision,
        tool: &Tool,
        input: String,
        provider: &dyn Provider,
    ) -> Result<Invoked, InvokeError> {
        match begun {
            Begun::Denied => Err(InvokeError::Denied(Box::new(decision))),
            Begun::Pending(call) => Ok(Invoked { call, decision, output: None, remaining: None }),
            Begun::Simulated(call) => {
                let output = sample(&tool.manifest.content.output_schema);
                let output = serde_json::value::to_raw_value(&output).map_err(internal)?;
                Ok(Invoked { call, decision, output: Some(output), remaining: None })
            }
            Begun::Running(call) => {
                let answered = self.execute(caller, &call, tool, input, provider).await;
                match answered {
                    Ok((output, captured)) => {
                        let ended = self.succeed(caller, &call, output.get(), captured).await?;
                        let Some(Ended { call, remaining }) = ended else {
                            let fault = Fault::new("abandoned", "the call took too long to count");
                            return Err(InvokeError::Provider { call: Box::new(call), fault });
                        };
                        Ok(Invoked { call, decision, output: Some(output), remaining })
                    }
                    Err(fault) => {
                        let ended = self.fail(caller, &call, fault.reason, decision.verdict.risk).await?;
                        let call = ended.map_or(call, |ended| ended.call);
                        Err(InvokeError::Provider { call: Box::new(call), fault })
                    }
                }
            }
        }
    }

    /// Writes down which gate refused a call that has no entry as a decision. The call is refused whether or not this
    /// succeeds.
    async fn note_refusal(&self, caller: &Caller, request: &Request<'_>, gate: &'static str, error: &InvokeError) {
        // A refusal carries nothing out.
        let Ok(cx) = self.context(Caller { once: None, ..caller.clone() }) else { return };
        let body = json!({
            "gate": gate, "code": error.code().as_str(), "loop_id": caller.loop_id, "key": caller.name,
        })
        .to_string();
        let tool = redact::text(&request.tool.chars().take(256).collect::<String>()).masked;
        let noted = self.write(cx, "invoke.refuse", move |tx, cx| {
            let event = Event { tool_name: Some(&tool), ..Event::change("invoke.refuse", &body) };
            audit::append(tx, cx, &event)?;
            Ok::<_, CallError>(())
        });
        drop(noted.await);
    }
}

fn internal(error: serde_json::Error) -> InvokeError {
    StoreError::Internal(error.to_string()).into()
}

/// The gates that a transaction is needed for: approval, then credits.
fn begin(tx: &mut dyn Tx, cx: &Ctx, passing: &mut Passing) -> Result<(Begun, String), InvokeError> {
    let Passing { prepared, start, binding, approval, pretends } = passing;
    let outcome = prepared.outcome();
    if outcome != Outcome::Deny
        && let Some(id) = approval
    {
        named(tx, cx, id, binding)?;
    }
    if let Some(task) = start.task {
        tasks::get(tx, cx, &task.to_string()).map_err(CallError::from)?;
    }
    let audit_id = settle(tx, cx, prepared)?;
    let (status, approved) = prepared.settled().ok_or(InvokeError::Moved)?;
    let begun = match (outcome, status) {
        (Outcome::Simulate, Status::Allowed) => Begun::Simulated(invoke::simulate(tx, cx, start, None)?),
        (Outcome::Allow | Outcome::RequireApproval, Status::Allowed) if *pretends => {
            Begun::Simulated(invoke::simulate(tx, cx, start, approved)?)
        }
        (Outcome::Allow | Outcome::RequireApproval, Status::Allowed) => {
            Begun::Running(invoke::run(tx, cx, start, approved)?)
        }
        (Outcome::RequireApproval, Status::Pending) => match approved {
            Some(id) => Begun::Pending(invoke::pending(tx, cx, start, id)?),
            None => Begun::Denied,
        },
        _ => Begun::Denied,
    };
    match begun {
        Begun::Denied => count_denied(tx, cx, start.loop_id)?,
        _ => cx.caller.carry_out(tx, cx.now)?,
    }
    Ok((begun, audit_id))
}

fn count_denied(tx: &mut dyn Tx, cx: &Ctx, loop_id: LoopId) -> Result<(), InvokeError> {
    Ok(invoke::note(tx, cx, loop_id, Metric::Denied, 1)?)
}

/// Makes sure that the approval a caller names is this very call's, and still good for something.
fn named(tx: &mut dyn Tx, cx: &Ctx, id: &str, binding: &str) -> Result<ApprovalId, InvokeError> {
    let approval = match approval::get(tx, cx.tenant(), id) {
        Ok(approval) if approval.binding == binding => approval,
        Ok(_) | Err(ApprovalError::NotFound) => return Err(InvokeError::ApprovalMismatch),
        Err(error) => return Err(DecideError::from(error).into()),
    };
    match approval.state_at(cx.now) {
        State::Pending | State::Approved => Ok(approval.id),
        State::Used => Err(InvokeError::ApprovalUsed),
        State::Denied => Err(InvokeError::ApprovalDenied),
        State::Expired | State::Void => Err(InvokeError::ApprovalExpired),
    }
}
