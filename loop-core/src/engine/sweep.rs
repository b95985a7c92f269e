//! Calls that never came to an end, swept up.

use std::sync::Arc;

use super::Engine;
use crate::{
    access::AccessError,
    invoke::{self, CallError, Swept},
    store::{Access, Lane, StoreExt, Tx},
};

impl Engine {
    /// Ends calls of tools whose time is over, for all tenants, `limit` at most; answers how many timers were handled.
    /// The next decision of their loops counts with the trust that they lost.
    ///
    /// # Errors
    /// Storage failures; the timers then fire again.
    pub async fn sweep_invocations(&self, limit: u32) -> Result<u32, CallError> {
        let (now, seed) = (self.now(), self.seed().map_err(AccessError::from)?);
        let inner = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| invoke::sweep(tx, now, limit, &mut seed.clone());
        let swept = self.inner.store.run_job("invoke.sweep", Access::Write, Lane::Normal, work, move |outcome| {
            let Swept { handled, notes } = outcome?;
            inner.board.tell(&notes, inner.host.now());
            Ok::<_, CallError>(handled)
        });
        swept.await
    }
}
