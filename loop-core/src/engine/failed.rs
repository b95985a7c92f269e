//! Calls that were let through and came to nothing.

use super::{DecideError, Engine};
use crate::{
    access::Caller,
    audit::{self, Event, Status},
    store::{Lane, Tx},
    tool::Risk,
};

/// What the log is told of such a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was being done, as the log names it.
    pub op: &'static str,
    /// The tool, as far as it is known.
    pub tool_name: Option<String>,
    /// The agent, masked.
    pub agent_name: Option<String>,
    /// The risk that the call was decided with.
    pub risk: Risk,
    /// The payload as JSON, masked.
    pub body: String,
}

impl Engine {
    /// Writes down, as an error, that a call which was let through came to nothing. It is written in the caller's name
    /// even if its key was revoked meanwhile: the log must tell how what it began has ended.
    ///
    /// # Errors
    /// No randomness, storage failures.
    pub async fn note_failed(&self, caller: &Caller, name: &'static str, failed: Failed) -> Result<(), DecideError> {
        let cx = self.context(caller.clone())?;
        let work = move |tx: &mut dyn Tx| {
            let Failed { op, tool_name, agent_name, risk, body } = &failed;
            let event = Event {
                stream: audit::DECISIONS,
                op,
                status: Some(Status::Error),
                tool_name: tool_name.as_deref(),
                agent_name: agent_name.as_deref(),
                risk: Some(*risk),
                body,
            };
            audit::append(tx, &cx, &event)?;
            audit::record_stats(tx, cx.tenant(), cx.now, Status::Error, *risk, 0, 0)?;
            Ok::<_, DecideError>(())
        };
        self.write_as_system(&caller.tenant, name, Lane::Normal, work).await
    }
}
