//! One turn of a model: what it proposes is decided, and the client is told in the words it knows.

use std::sync::Arc;

use bytes::Bytes;
use loop_core::{
    access::Caller,
    audit::Status,
    base::{id::ApprovalId, json::Doc},
    engine::{self, DecideError, Keep, TurnCall, TurnInput},
    kept::{Kept, KeptKey},
    policy::Action,
};
use serde::Serialize;

use super::{
    aside::{Unfinished, aside, waiting_aside},
    headers::Said,
    wire::{Proposed, Unreadable, Wire},
};
use crate::{
    http::{self, Failure, request_id::RequestId},
    state::App,
};

/// The verdict on an answer in which nothing is proposed.
pub(super) const NOTHING: &str = r#"{"status":"allowed","tool":null,"decisions":[]}"#;

/// What is known of a turn before the model answers.
pub(super) struct Context {
    pub app: Arc<App>,
    pub caller: Caller,
    pub wire: Wire,
    /// What was called.
    pub row: &'static http::Row,
    pub request_id: RequestId,
    pub said: Said,
    /// The request's body.
    pub request: Bytes,
}

/// What becomes of a turn.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether it goes out as it came.
    pub allowed: bool,
    /// What stands in its place otherwise.
    pub message: String,
    /// The member `_trustloop`.
    pub meta: String,
}

/// What is done with the answer while its turn waits.
pub(super) enum Keeping {
    /// It comes from the model. `None` when it is too long to be kept.
    Fresh(Option<Vec<u8>>),
    /// It was kept.
    Kept(Kept),
}

impl Keeping {
    fn len(&self) -> usize {
        match self {
            Self::Fresh(completion) => completion.as_ref().map_or(0, Vec::len),
            Self::Kept(kept) => kept.completion().len(),
        }
    }
}

/// Why nothing was decided; the calls may not be handed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undecided {
    /// The engine could not.
    #[error(transparent)]
    Engine(#[from] DecideError),
    /// It did not come to that.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
}

impl From<Undecided> for Failure {
    fn from(error: Undecided) -> Self {
        match error {
            Undecided::Engine(error) => Self::of(error.code(), &error),
            Undecided::Unfinished(error) => error.into(),
        }
    }
}

impl Context {
    /// The door, as rules and the log know it.
    pub const fn door(&self) -> &'static str {
        self.row.operation
    }

    /// Decides all calls of a turn together. Only when this answers a verdict that allows, and only then and once, may
    /// they be handed on.
    ///
    /// # Errors
    /// Storage failures, a revoked key, too many open approvals, a kept answer that is gone.
    pub async fn decide(self: &Arc<Self>, proposed: Vec<Proposed>, keeping: Keeping) -> Result<Verdict, Undecided> {
        let arguments = |call: &Proposed| call.arguments.as_ref().map_or(0, String::len);
        let bytes = proposed.iter().map(arguments).sum::<usize>().saturating_add(keeping.len());
        let cx = Arc::clone(self);
        let decided = waiting_aside(bytes, async move { cx.decide_here(&proposed, &keeping).await });
        Ok(decided.await??)
    }

    async fn decide_here(&self, proposed: &[Proposed], keeping: &Keeping) -> Result<Verdict, DecideError> {
        let docs: Vec<Result<Doc<'_>, &'static str>> = proposed.iter().map(read).collect();
        let inputs: Vec<TurnInput<'_>> =
            proposed.iter().zip(&docs).map(|(call, doc)| self.input(&call.name, doc)).collect();
        let key = match keeping {
            // Without a key nothing is kept; the approval works by the identical call.
            Keeping::Fresh(Some(_)) => self.key().await.unwrap_or_default(),
            _ => None,
        };
        let keep = match (keeping, key) {
            (Keeping::Fresh(Some(completion)), Some(key)) => Keep::IfPending { key, completion },
            (Keeping::Fresh(_), _) => Keep::Nothing,
            (Keeping::Kept(kept), _) => Keep::Again(kept),
        };
        let turn = self.app.engine.intercept_turn(&self.caller, &inputs, keep).await?;
        if turn.status == Status::Pending {
            self.app.wake.ring();
        }
        verdict(proposed, &turn)
    }

    fn input<'d>(&'d self, tool: &'d str, doc: &'d Result<Doc<'d>, &'static str>) -> TurnInput<'d> {
        let (agent, session) = (self.said.agent.as_deref(), self.said.session.as_deref());
        match doc {
            Ok(doc) => {
                let action =
                    Action { tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
                TurnInput::Call(engine::Call { action, reason: None, session, door: self.door() })
            }
            Err(why) => TurnInput::Unreadable(engine::Unreadable { tool, agent, session, door: self.door(), why }),
        }
    }

    /// The key under which the answer to this request is kept.
    ///
    /// # Errors
    /// [`Unfinished`].
    pub async fn key(&self) -> Result<Option<KeptKey>, Unfinished> {
        let (engine, caller) = (self.app.engine.clone(), self.caller.clone());
        let (door, request) = (self.door(), self.request.clone());
        aside(request.len(), move || engine.key_of(&caller, door, &request)).await
    }
}

/// The arguments of a call, or what is wrong with it.
fn read(call: &Proposed) -> Result<Doc<'_>, &'static str> {
    const NO_OBJECT: &str = "its arguments are no sound JSON";
    match &call.arguments {
        Ok(text) => Doc::parse(text.as_bytes()).ok().filter(|doc| doc.root().is_object()).ok_or(NO_OBJECT),
        Err(Unreadable::Arguments) => Err(NO_OBJECT),
        Err(Unreadable::Name) => Err("it names no tool"),
        Err(Unreadable::Unfinished) => Err("it was not finished"),
        Err(Unreadable::Fragments) => Err("its fragments do not fit together"),
        Err(_) => Err("it cannot be read"),
    }
}

/// The seed's shape of a verdict, and every decision beside it.
#[derive(Serialize)]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    tool: &'a str,
    /// Clients of blocked turns look for it, also when no rule but a switch decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Option<&'a str>>,
    decisions: Vec<Row<'a>>,
}

/// One decision.
#[derive(Serialize)]
struct Row<'a> {
    tool: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
}

const fn spelling(status: Status) -> &'static str {
    match status {
        Status::Allowed => "allowed",
        Status::Pending => "pending_approval",
        Status::Blocked | Status::Error => "blocked",
    }
}

fn row<'a>(call: &'a Proposed, made: &'a TurnCall) -> Row<'a> {
    let status = made.decision.status;
    Row {
        tool: &call.name,
        status: spelling(status),
        approval_id: made.decision.approval.filter(|_| status == Status::Pending),
        rule: made.decision.rule.as_deref().filter(|_| status != Status::Allowed && !made.withheld),
        withheld: made.withheld,
    }
}

/// Puts a turn's decision into the client's words.
fn verdict(proposed: &[Proposed], turn: &engine::Turn) -> Result<Verdict, DecideError> {
    // The engine answers a decision for each call; whatever else it said would not be an answer to these.
    let decisive = proposed.get(turn.decisive).zip(turn.decisive());
    let (Some((call, made)), true) = (decisive, turn.calls.len() == proposed.len()) else {
        return Err(DecideError::Calls { max: engine::MAX_CALLS });
    };
    let tool = call.name.as_str();
    let allowed = turn.allowed() && turn.calls.iter().all(|call| call.decision.allowed());
    let pending = turn.status == Status::Pending;
    let meta = Meta {
        status: (allowed || pending).then(|| spelling(turn.status)),
        blocked: (!allowed && !pending).then_some(true),
        approval_id: made.decision.approval.filter(|_| pending),
        tool,
        rule: (!allowed && !pending).then_some(made.decision.rule.as_deref()),
        decisions: proposed.iter().zip(&turn.calls).map(|(call, made)| row(call, made)).collect(),
    };
    let message = if pending {
        format!("Tool '{tool}' requires human approval. Retry once approved.")
    } else {
        format!("Tool '{tool}' is blocked by governance policy.")
    };
    let meta = serde_json::to_string(&meta)
        .map_err(|error| loop_core::store::StoreError::Internal(format!("a verdict cannot be written: {error}")))?;
    Ok(Verdict { allowed, message, meta })
}
