//! A model is asked about a call before it is decided: see [`crate::policy::judge`].

use std::sync::Arc;

use super::{Call, DecideError, Engine, decide::mask};
use crate::{
    access::Ctx,
    approval::{self, Proposal, Standing},
    base::id::LoopId,
    policy::{
        Action, CompiledRule, PolicySnapshot, Verdict,
        judge::{CallDigest, Findings, Judge, Question, Shown, open},
    },
    store::{Access, Lane, StoreExt, Tx},
    tool::redact,
};

/// The most questions that one decision asks, whatever the connection would take.
const QUESTIONS_MAX: usize = 16;

/// What a model said while one decision is made. It is asked once at most, however often the call is decided anew.
#[derive(Default)]
pub(super) struct Hearing {
    held: bool,
    findings: Findings,
}

/// A call on which a model may have a say.
pub(super) struct Opened {
    digest: CallDigest,
    proposal: Proposal,
    shown: String,
    rules: Vec<Arc<CompiledRule>>,
}

impl Opened {
    /// Looks for the approval under something narrower than the action.
    pub(super) fn bind(mut self, binding: String) -> Self {
        self.proposal.binding = binding;
        self
    }
}

impl Engine {
    /// Connects a model that judges calls for block rules with words that could not be placed. It can only tighten.
    /// Only the first connection counts; answers whether this was it.
    pub fn connect_judge(&self, judge: Arc<dyn Judge>) -> bool {
        self.inner.judge.set(judge).is_ok()
    }

    /// Whether a model has a say in a verdict and was not asked yet.
    pub(super) fn is_open(&self, hearing: &Hearing, verdict: &Verdict) -> bool {
        self.may_hear(hearing) && open(verdict).next().is_some()
    }

    /// Whether there is a model, and it was not asked yet.
    pub(super) fn may_hear(&self, hearing: &Hearing) -> bool {
        !hearing.held && self.inner.judge.get().is_some()
    }

    /// What is to be asked about a call.
    pub(super) fn opened(
        &self,
        cx: &Ctx,
        call: &Call<'_>,
        snapshot: &PolicySnapshot,
        verdict: &Verdict,
    ) -> Option<Opened> {
        let rules: Vec<Arc<CompiledRule>> = open(verdict).cloned().collect();
        if rules.is_empty() {
            return None;
        }
        let action = seen(snapshot, cx.caller.loop_id, &call.action);
        let masked = mask(self.master(), cx, &Call { action, ..*call }, snapshot, verdict);
        let body = action.forward.and_then(|forward| forward.body).map(|body| redact::json(body).masked);
        let shown = Shown {
            tool: action.tool,
            step: step(&action),
            agent: masked.details.agent_name.as_deref(),
            arguments: &masked.details.arguments,
            forward: masked.details.forward.as_deref(),
            body: body.as_deref(),
        };
        let shown = shown.to_json();
        Some(Opened { digest: self.digest(cx, &action), proposal: masked.proposal?, shown, rules })
    }

    /// Asks the model. A call that a human was asked about, or answered, is the human's: no question is asked about
    /// it. Time goes by: the caller decides anew afterwards.
    ///
    /// # Errors
    /// A revoked key, storage failures. The call may then not be made.
    pub(super) async fn hear(&self, hearing: &mut Hearing, cx: Ctx, opened: Vec<Opened>) -> Result<(), DecideError> {
        hearing.held = true;
        let Some(judge) = self.inner.judge.get().filter(|_| !opened.is_empty()) else { return Ok(()) };
        let tenant = cx.tenant().clone();
        let opened = Arc::new(opened);
        let looked_at = Arc::clone(&opened);
        let look = move |tx: &mut dyn Tx| {
            cx.caller.recheck(tx, cx.now)?;
            let mut unasked = Vec::with_capacity(looked_at.len());
            for one in looked_at.iter() {
                unasked.push(approval::look(tx, &cx, &one.proposal)? == Standing::Unasked);
            }
            Ok::<_, DecideError>(unasked)
        };
        let unasked =
            self.inner.store.run_job("judge.look", Access::Read, Lane::Decision, look, |looked| looked).await?;
        let mut questions: Vec<Question> = Vec::new();
        let most = judge.most().min(QUESTIONS_MAX);
        let about = opened.iter().zip(unasked).filter(|(_, unasked)| *unasked).map(|(one, _)| one);
        for (one, rule) in about.flat_map(|one| one.rules.iter().map(move |rule| (one, rule))) {
            let known = |asked: &Question| {
                (asked.call, asked.rule, asked.revision) == (one.digest, rule.rule.id, rule.rule.revision)
            };
            if questions.len() < most && !questions.iter().any(known) {
                questions.push(Question::of(self.master(), &tenant, one.digest, rule, &one.shown));
            }
        }
        if questions.is_empty() {
            return Ok(());
        }
        let model: Arc<str> = judge.model().into();
        let rulings = judge.judge(&questions).await;
        for (question, ruling) in questions.iter().zip(rulings) {
            hearing.findings.add(question, &model, ruling);
        }
        Ok(())
    }

    /// Tightens a verdict by what the model said.
    pub(super) fn harden(
        &self,
        hearing: &Hearing,
        cx: &Ctx,
        snapshot: &PolicySnapshot,
        action: &Action<'_>,
        verdict: &mut Verdict,
    ) {
        if hearing.findings.is_empty() || open(verdict).next().is_none() {
            return;
        }
        let action = seen(snapshot, cx.caller.loop_id, action);
        hearing.findings.harden(self.digest(cx, &action), verdict);
    }

    fn digest(&self, cx: &Ctx, action: &Action<'_>) -> CallDigest {
        let binding = approval::binding(self.master(), cx.tenant(), action);
        CallDigest::of(self.master(), cx.tenant(), &binding, step(action))
    }
}

/// The action with the agent that rules see: the loop that takes a step without naming one.
fn seen<'a>(snapshot: &'a PolicySnapshot, own: Option<LoopId>, action: &Action<'a>) -> Action<'a> {
    let acting = action.stage.and_then(|stage| stage.loop_id.or(own));
    let tag = || acting.and_then(|id| snapshot.loops().get(id)).map(|member| &*member.tag);
    Action { agent: action.agent.or_else(tag), ..*action }
}

/// The step's own name, where it has one.
fn step<'a>(action: &Action<'a>) -> Option<&'a str> {
    action.stage.map(|stage| stage.action).filter(|name| *name != action.tool)
}
