//! The gates up to the policy: tool, scope, input schema, estimate, policy.

use std::sync::Arc;

use serde_json::Value;

use super::{DOOR, Passing, Request};
use crate::{
    access::{AccessError, Caller, Ctx, Mode, Scope},
    approval,
    base::json::{self, View},
    engine::{
        Call, Engine,
        decide::prepare,
        hearing::{Hearing, Opened},
        invoke_error::InvokeError,
        toolbox::Tool,
    },
    invoke::{CallError, Start},
    policy::{Action, PolicySnapshot, Stage, Verdict, evaluate},
    tool::{Risk, manifest::ProviderType},
};

/// A call that the policy has seen.
pub(super) struct Approach {
    cx: Ctx,
    snapshot: Arc<PolicySnapshot>,
    pub(super) tool: Arc<Tool>,
    /// The loop's, under which rules see it.
    tag: Arc<str>,
    trust: u8,
    /// Digit for digit.
    input: String,
    start: Start,
    pub(super) verdict: Verdict,
}

impl Approach {
    /// The call as a door proposes it.
    fn proposed<'a>(&'a self, request: &Request<'a>) -> Call<'a> {
        let action = action(request, &self.tag, &self.start, self.trust, self.cx.caller.sandboxed);
        Call { action, reason: request.reason, session: None, door: DOOR }
    }

    /// What is to be asked of a model, with the context to ask in.
    pub(super) fn opened(self, engine: &Engine, request: &Request<'_>) -> (Ctx, Option<Opened>) {
        let (tenant, Start { loop_id, tool, .. }) = (self.cx.tenant(), &self.start);
        let binding = approval::invocation_binding(engine.master(), tenant, *loop_id, *tool, request.input);
        let opened = engine.opened(&self.cx, &self.proposed(request), &self.snapshot, &self.verdict);
        (self.cx, opened.map(|one| one.bind(binding)))
    }

    /// Tightens the verdict by what a model said.
    pub(super) fn harden(&mut self, engine: &Engine, request: &Request<'_>, hearing: &Hearing) {
        let Self { cx, snapshot, tag, trust, start, verdict, .. } = self;
        let action = action(request, tag, start, *trust, cx.caller.sandboxed);
        engine.harden(hearing, cx, snapshot, &action, verdict);
    }

    /// Masks the call for what is written down of it, and binds the approval that it may need.
    pub(super) fn prepare(self, engine: &Engine, request: &Request<'_>) -> Result<(Passing, String, Ctx), InvokeError> {
        let Self { cx, snapshot, tool, tag, trust, input, start, verdict } = self;
        let (master, tenant) = (engine.master(), cx.tenant());
        let binding = approval::invocation_binding(master, tenant, start.loop_id, start.tool, request.input);
        let action = action(request, &tag, &start, trust, cx.caller.sandboxed);
        let proposed = Call { action, reason: request.reason, session: None, door: DOOR };
        let mut prepared = prepare(master, &cx, &proposed, snapshot, verdict)?;
        prepared.bind(&binding);
        prepared.new_tool = !engine.inner.tools.has(cx.tenant(), request.tool);
        let passing = Passing {
            prepared,
            start,
            binding,
            approval: request.approval.map(str::to_owned),
            pretends: tool.manifest.content.provider_type == ProviderType::Sandbox,
        };
        Ok((passing, input, cx))
    }
}

/// The call as policies see it.
fn action<'a>(request: &Request<'a>, tag: &'a str, start: &Start, trust: u8, sandboxed: bool) -> Action<'a> {
    let stage = Stage {
        mode: request.mode,
        loop_id: Some(start.loop_id),
        action: request.tool,
        domain: None,
        tool: Some(start.tool),
        trust,
        sandboxed,
        least_risk: Risk::Low,
        credits: Some(start.cost),
    };
    Action {
        tool: request.tool,
        agent: Some(tag),
        arguments: request.input,
        forward: None,
        claimed_risk: None,
        stage: Some(stage),
    }
}

impl Engine {
    /// The gates up to the policy: tool, scope, input schema, estimate, policy. `None` when the policy moved meanwhile.
    pub(super) async fn approach(
        &self,
        caller: &Caller,
        request: &Request<'_>,
    ) -> Result<Option<Approach>, InvokeError> {
        let loop_id = caller.acting_loop()?;
        caller.require(Scope::ToolsInvoke)?;
        let snapshot = self.policy(&caller.tenant).await?;
        let found = self.tool(&caller.tenant, snapshot.epoch(), loop_id, request.tool, request.version).await;
        let tool = match found {
            Ok(found) => found.ok_or(CallError::NoTool)?,
            Err(InvokeError::Moved) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (input, value) = read(request.input)?;
        tool.input.fit(&value).map_err(InvokeError::Input)?;
        let line = snapshot.loops().lineage(loop_id).ok_or(AccessError::NoLoop)?;
        let tag = snapshot.loops().get(loop_id).map(|member| Arc::clone(&member.tag)).unwrap_or_default();
        let root = line.last().copied().unwrap_or(loop_id);
        let trust = self.trust(&caller.tenant, line).await?;
        let cost = cost(&tool, request.mode, caller.sandboxed);
        let cx = self.context(caller.clone())?;
        let start = Start {
            loop_id,
            root,
            tool: tool.manifest.id,
            tool_name: tool.manifest.content.name.clone(),
            version: tool.manifest.content.version.clone(),
            cost,
            mode: request.mode,
            task: request.task,
        };
        let action = action(request, &tag, &start, trust, caller.sandboxed);
        let verdict = evaluate(&snapshot, &action, cx.now);
        let start = Start { mode: verdict.mode.unwrap_or(request.mode), ..start };
        Ok(Some(Approach { cx, snapshot, tool, tag, trust, input, start, verdict }))
    }
}

/// What a call costs: nothing when it is bound to be simulated.
fn cost(tool: &Tool, mode: Mode, sandboxed: bool) -> u64 {
    let content = &tool.manifest.content;
    let simulated = sandboxed || mode == Mode::Sandbox || content.provider_type == ProviderType::Sandbox;
    if simulated { 0 } else { content.credit_cost }
}

/// The input as text, digit for digit, and as a value for its schema.
fn read(input: View<'_>) -> Result<(String, Value), InvokeError> {
    if !input.is_object() {
        return Err(InvokeError::NoObject);
    }
    let mut text = String::new();
    json::write(input, &mut text);
    let value = serde_json::from_str(&text).map_err(|_| InvokeError::NoObject)?;
    Ok((text, value))
}
