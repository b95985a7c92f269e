//! A proposed call: decided, settled with its approval, and recorded, in one transaction.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    DecideError, Engine,
    hearing::Hearing,
    written::{Details, Written},
};
use crate::{
    access::{Caller, Ctx},
    approval::{self, Asking, Proposal},
    audit::{self, Status},
    base::{Time, id::ApprovalId, json, secret::MasterKey},
    policy::{Action, Explained, Outcome, PolicySnapshot, Verdict, evaluate, explain, kill_switch::MAX_TOOL_NAME},
    store::{Access, Lane, StoreError, StoreExt, Tx},
    tool::{Risk, redact},
};

/// How often a call is decided again because the policy moved while its record was written.
pub(super) const ATTEMPTS: usize = 16;
/// The longest agent name or session id, in bytes.
const MAX_NAME: usize = 256;
/// The longest reason, in bytes.
const MAX_REASON: usize = 8_192;

/// A proposed call as a surface received it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What the agent wants to do.
    pub action: Action<'a>,
    /// Why, in its own words.
    pub reason: Option<&'a str>,
    /// The conversation it belongs to.
    pub session: Option<&'a str>,
    /// The door it came through, such as `intercept`.
    pub door: &'static str,
}

impl<'a> Call<'a> {
    /// A call by a program that embeds the engine. `arguments` is an object of a [`json::Doc`].
    #[must_use]
    pub const fn new(tool: &'a str, arguments: json::View<'a>) -> Self {
        let action = Action { tool, agent: None, arguments, forward: None, claimed_risk: None, stage: None };
        Self { action, reason: None, session: None, door: "embedded" }
    }

    /// The same call by a named agent.
    #[must_use]
    pub const fn by(mut self, agent: &'a str) -> Self {
        self.action.agent = Some(agent);
        self
    }
}

/// What was decided. It is durable.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What the caller is told.
    pub status: Status,
    /// For people.
    pub message: Cow<'static, str>,
    /// The sentence of the rule that decided, if one did.
    pub rule: Option<String>,
    /// What the policy said.
    pub verdict: Verdict,
    /// Why its rules matched.
    pub explained: Explained,
    /// The approval that is waited for, was used up, or denied the call.
    pub approval: Option<ApprovalId>,
    /// When a pending approval ends by itself.
    pub expires_at: Option<Time>,
    /// The content hash of the policy that decided.
    pub policy_hash: Arc<str>,
    /// The entry in the log.
    pub audit_id: String,
}

impl Decision {
    /// Whether the call may be made, now and once.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.status == Status::Allowed
    }
}

/// Everything that the recording transaction needs, owned and masked.
///
/// The caller keeps a hold on it while the transaction runs: it makes its answer of it and gives its memory back, so
/// that the store's one writing thread need not.
pub(super) struct Prepared {
    snapshot: Arc<PolicySnapshot>,
    verdict: Verdict,
    tool_name: String,
    /// Whether the store is not known to have the tool's name.
    pub(super) new_tool: bool,
    counted: Counted,
    record: Record,
}

/// What is written down.
enum Record {
    /// It is known, whatever the transaction finds.
    Known(Box<Written>),
    /// It depends on what humans answered.
    Asked(Box<Asked>),
}

struct Asked {
    details: Details,
    proposal: Proposal,
    /// As the last run of the transaction found it.
    answered: Option<Written>,
}

impl Engine {
    /// Decides a call and records the decision. When this answers [`Status::Allowed`], the record is durable and
    /// the call may be made once; every error means that it may not.
    ///
    /// # Errors
    /// Texts out of bounds, a revoked key, too many open approvals, storage failures.
    pub async fn intercept(&self, caller: &Caller, call: &Call<'_>) -> Result<Decision, DecideError> {
        check(call)?;
        let started = self.noticed();
        let mut hearing = Hearing::default();
        for _ in 0..ATTEMPTS {
            let snapshot = self.policy(&caller.tenant).await?;
            let cx = self.context(caller.clone())?;
            let mut verdict = evaluate(&snapshot, &call.action, cx.now);
            if self.is_open(&hearing, &verdict) {
                let opened = self.opened(&cx, call, &snapshot, &verdict);
                Box::pin(self.hear(&mut hearing, cx, Vec::from_iter(opened))).await?;
                continue;
            }
            self.harden(&hearing, &cx, &snapshot, &call.action, &mut verdict);
            let new_tool = !self.inner.tools.has(cx.tenant(), call.action.tool);
            let prepared = Prepared { new_tool, ..prepare(self.master(), &cx, call, snapshot, verdict)? };
            match self.record(cx, prepared).await {
                Err(DecideError::Moved) => {}
                settled => {
                    if new_tool && settled.is_ok() {
                        self.inner.tools.add(&caller.tenant, call.action.tool);
                    }
                    if let Ok(decision) = &settled {
                        self.witness(started, caller, call, decision);
                    }
                    return settled;
                }
            }
        }
        Err(DecideError::Moved)
    }

    async fn record(&self, cx: Ctx, prepared: Prepared) -> Result<Decision, DecideError> {
        let inner = Arc::clone(&self.inner);
        let prepared = Arc::new(Mutex::new(prepared));
        let shared = Arc::clone(&prepared);
        let work = move |tx: &mut dyn Tx| {
            let mut prepared = lock(&shared);
            cx.caller.recheck(tx, cx.now)?;
            let epoch = tx.epoch(cx.tenant())?;
            if epoch != prepared.snapshot.epoch() {
                inner.policies.require(cx.tenant(), epoch);
                return Err(DecideError::Moved);
            }
            settle(tx, &cx, &mut prepared)
        };
        let store = &self.inner.store;
        let recorded = store.run_job("decision.record", Access::Write, Lane::Decision, work, |outcome| outcome);
        let audit_id = recorded.await?;
        lock(&prepared).decided(audit_id)
    }
}

impl Prepared {
    /// The epoch of the policy that decided.
    pub(super) fn epoch(&self) -> u64 {
        self.snapshot.epoch()
    }

    /// What the policy said.
    pub(super) const fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }

    /// Binds the approval that is asked for to something narrower than the action.
    pub(super) fn bind(&mut self, binding: &str) {
        if let Record::Asked(asked) = &mut self.record {
            binding.clone_into(&mut asked.proposal.binding);
        }
    }

    /// What was written down, once it was settled: the status, and the approval that is waited for, was used or denied.
    pub(super) fn settled(&self) -> Option<(Status, Option<ApprovalId>)> {
        let written = match &self.record {
            Record::Known(written) => Some(&**written),
            Record::Asked(asked) => asked.answered.as_ref(),
        };
        written.map(|written| (written.status, written.approval))
    }

    /// The decision, once it is durable under `audit_id`.
    pub(super) fn decided(&mut self, audit_id: String) -> Result<Decision, DecideError> {
        let written = match &mut self.record {
            Record::Known(written) => Some(&mut **written),
            Record::Asked(asked) => asked.answered.as_mut(),
        };
        let written = written.ok_or_else(|| StoreError::Internal("a decision was recorded unwritten".to_owned()))?;
        Ok(decision(written, self.verdict.clone(), &self.snapshot, audit_id))
    }
}

/// What the caller is told of a decision that is durable under `audit_id`.
pub(super) fn decision(
    written: &mut Written,
    verdict: Verdict,
    snapshot: &PolicySnapshot,
    audit_id: String,
) -> Decision {
    Decision {
        status: written.status,
        message: std::mem::take(&mut written.message),
        rule: written.rule.take(),
        verdict,
        explained: written.explained.clone(),
        approval: written.approval,
        expires_at: written.expires_at,
        policy_hash: snapshot.shared_hash(),
        audit_id,
    }
}

/// Refuses calls whose texts are out of bounds.
pub(super) fn check(call: &Call<'_>) -> Result<(), DecideError> {
    let within = |field, text: Option<&str>, max| match text {
        Some(text) if text.len() > max => Err(DecideError::Length { field, max }),
        _ => Ok(()),
    };
    if call.action.tool.is_empty() {
        return Err(DecideError::Length { field: "tool_name", max: MAX_TOOL_NAME });
    }
    within("tool_name", Some(call.action.tool), MAX_TOOL_NAME)?;
    within("agent_name", call.action.agent, MAX_NAME)?;
    within("session_id", call.session, MAX_NAME)?;
    within("reason", call.reason, MAX_REASON)
}

/// A call put into words for storage, masked, with what humans would be asked.
pub(super) struct Masked {
    pub(super) tool_name: String,
    pub(super) details: Details,
    pub(super) proposal: Option<Proposal>,
    pub(super) counted: Counted,
}

/// What the log's counters and tags take from a call.
pub(super) struct Counted {
    personal: u32,
    secrets: u32,
    tags: Vec<String>,
}

/// Masks a call and binds what would be asked about it.
pub(super) fn mask(
    master: &MasterKey,
    cx: &Ctx,
    call: &Call<'_>,
    snapshot: &PolicySnapshot,
    verdict: &Verdict,
) -> Masked {
    let action = &call.action;
    let masked = redact::json(action.arguments);
    // What stands beside the arguments may hold a person's data as well.
    let [reason, agent, session] = [call.reason, action.agent, call.session].map(|text| text.map(redact::text));
    let beside = || [&reason, &agent, &session].into_iter().flatten();
    let explained = explain(snapshot, action, verdict, cx.now);
    let subjects = beside().flat_map(|text| &text.subjects).chain(&masked.subjects);
    let subjects: Vec<String> = subjects.chain(explained.subjects()).cloned().collect();
    let tags = audit::subject_tags(master, cx.tenant(), &subjects);
    let personal = beside().fold(masked.personal, |sum, text| sum.saturating_add(text.personal));
    let secrets = beside().fold(masked.secrets, |sum, text| sum.saturating_add(text.secrets));
    let [reason, agent, session] = [reason, agent, session].map(|text| text.map(|text| text.masked));
    let forward = action.forward.map(|forward| format!("{} {}", forward.method, redact::url(forward.url)));
    let proposal = (verdict.outcome == Outcome::RequireApproval).then(|| Proposal {
        binding: approval::binding(master, cx.tenant(), action),
        tool_name: action.tool.to_owned(),
        agent_name: agent.clone(),
        arguments: masked.masked.clone(),
        reason: reason.clone(),
        forward: forward.clone(),
        risk: verdict.risk,
        asking: asking(verdict, &explained),
        policy_hash: snapshot.hash().to_owned(),
    });
    let details = Details {
        arguments: masked.masked,
        facts: snapshot.facts(action),
        explained,
        agent_name: agent,
        reason,
        session,
        forward,
        door: call.door,
    };
    let counted = Counted { personal, secrets, tags };
    Masked { tool_name: action.tool.to_owned(), details, proposal, counted }
}

pub(super) fn prepare(
    master: &MasterKey,
    cx: &Ctx,
    call: &Call<'_>,
    snapshot: Arc<PolicySnapshot>,
    verdict: Verdict,
) -> Result<Prepared, DecideError> {
    let Masked { tool_name, details, proposal, counted } = mask(master, cx, call, &snapshot, &verdict);
    let record = match proposal {
        Some(proposal) => Record::Asked(Box::new(Asked { details, proposal, answered: None })),
        None => Record::Known(Box::new(Written::new(cx, &snapshot, &verdict, &tool_name, &details, None)?)),
    };
    Ok(Prepared { snapshot, verdict, tool_name, new_tool: true, counted, record })
}

fn asking(verdict: &Verdict, explained: &Explained) -> Vec<Asking> {
    let asked = verdict.reasons.iter().filter(|reason| reason.outcome == Outcome::RequireApproval);
    asked
        .map(|reason| match &reason.rule {
            Some(compiled) => Asking {
                rule_id: Some(compiled.rule.id),
                revision: compiled.rule.revision,
                rule_text: compiled.rule.rule_text.clone(),
                approver_email: compiled.rule.approver_email.clone(),
                grounds: explained.of(compiled.rule.id).to_vec(),
            },
            None => Asking {
                rule_id: None,
                revision: 0,
                rule_text: reason.code.as_str().to_owned(),
                approver_email: None,
                grounds: Vec::new(),
            },
        })
        .collect()
}

fn lock(prepared: &Mutex<Prepared>) -> MutexGuard<'_, Prepared> {
    prepared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records what was decided and answers the entry's id.
pub(super) fn settle(tx: &mut dyn Tx, cx: &Ctx, prepared: &mut Prepared) -> Result<String, DecideError> {
    let Prepared { snapshot, verdict, tool_name, new_tool, counted, record } = prepared;
    let written = match record {
        Record::Known(written) => written,
        Record::Asked(asked) => {
            let Asked { details, proposal, answered } = &mut **asked;
            let settled = approval::settle(tx, cx, proposal)?;
            answered.insert(Written::new(cx, snapshot, verdict, tool_name, details, Some(settled))?)
        }
    };
    enter(tx, cx, written, verdict.risk, counted, new_tool.then_some(tool_name.as_str()))
}

/// Writes an entry into the log, tagged and counted, and answers its id.
pub(super) fn enter(
    tx: &mut dyn Tx,
    cx: &Ctx,
    written: &mut Written,
    risk: Risk,
    counted: &Counted,
    new_tool: Option<&str>,
) -> Result<String, DecideError> {
    let Counted { personal, secrets, tags } = counted;
    let audit_id = audit::append_sealed(tx, cx, &mut written.sealed, &written.body)?;
    audit::tag_subjects(tx, cx.tenant(), cx.now, &audit_id, tags)?;
    if let Some(id) = written.approval.filter(|_| written.status == Status::Pending && !tags.is_empty()) {
        audit::tag_subjects(tx, cx.tenant(), cx.now, &id.to_string(), tags)?;
    }
    audit::record_stats(tx, cx.tenant(), cx.now, written.status, risk, *personal, *secrets)?;
    if let Some(tool) = new_tool {
        audit::record_tool(tx, cx.tenant(), tool)?;
    }
    Ok(audit_id)
}
