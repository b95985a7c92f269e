//! Answers that propose calls and reach nobody: the client went away, or the server ends. The log tells so.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{note, turn::Context, wire::Proposed};

/// Watches over an answer until it was handed on, replaced, or its withholding was written down. Dropped before, it
/// tells the log.
pub(super) struct Watch(Option<(Arc<Context>, String)>);

impl Watch {
    /// Begins once it is known that calls are proposed.
    pub fn over(cx: &Arc<Context>, calls: &[Proposed]) -> Self {
        let first = calls.first().map(|call| call.name.clone());
        Self(Some((Arc::clone(cx), first.unwrap_or_default())))
    }

    /// Somebody has the answer, or the log tells of it.
    pub fn over_now(&mut self) {
        self.0 = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((cx, tool)) = self.0.take() {
            gone(cx, tool);
        }
    }
}

/// Tells the log that nobody waits any more for the answer that called this tool.
pub(super) fn gone(cx: Arc<Context>, tool: String) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move { note::withheld(&cx, Some(&tool), &"the client went away").await });
    }
}
