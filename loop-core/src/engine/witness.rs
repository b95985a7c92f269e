//! Who is told of decisions as they are made, to trace them elsewhere.

use std::sync::Arc;

use super::{Call, Decision, Engine};
use crate::{
    access::Caller,
    base::{TenantId, Time},
    tool::redact,
};

/// The longest text that is told, in bytes.
const TEXT_MAX: usize = 256;

/// A decision as a witness is told of it. Nothing of the call's arguments is in it, and its texts are masked.
#[derive(Debug)]
pub struct Witnessed<'d> {
    /// The tenant.
    pub tenant: &'d TenantId,
    /// The tool that was to be called.
    pub tool: &'d str,
    /// The agent that proposed it.
    pub agent: Option<&'d str>,
    /// The conversation it belongs to.
    pub session: Option<&'d str>,
    /// The door it came through.
    pub door: &'static str,
    /// What was decided. It is durable.
    pub decision: &'d Decision,
    /// When the call came in.
    pub started: Time,
    /// When it was decided.
    pub ended: Time,
}

/// Is told of every recorded decision of a proposed call, on the path of that decision: it must neither wait nor fail.
pub trait Witness: Send + Sync {
    /// A decision was recorded.
    fn saw(&self, decision: &Witnessed<'_>);
}

impl Engine {
    /// Connects a witness. Only the first connection counts; answers whether this was it.
    pub fn connect_witness(&self, witness: Arc<dyn Witness>) -> bool {
        self.inner.witness.set(witness).is_ok()
    }

    /// When a call came in, if anybody wants to know.
    pub(super) fn noticed(&self) -> Option<Time> {
        self.inner.witness.get().map(|_| self.now())
    }

    /// Tells the witness, if there is one, of a call that came in at `started`.
    pub(super) fn witness(&self, started: Option<Time>, caller: &Caller, call: &Call<'_>, decision: &Decision) {
        let (Some(witness), Some(started)) = (self.inner.witness.get(), started) else { return };
        let masked = |text| redact::masked(text, TEXT_MAX);
        let (agent, session) = (call.action.agent.map(masked), call.session.map(masked));
        witness.saw(&Witnessed {
            tenant: &caller.tenant,
            tool: &masked(call.action.tool),
            agent: agent.as_deref(),
            session: session.as_deref(),
            door: call.door,
            decision,
            started,
            ended: self.now(),
        });
    }
}
