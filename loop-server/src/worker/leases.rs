//! Claims whose lease is over: their issues are dispatched again.

use std::time::Duration;

use loop_core::{
    access::AccessError,
    dispatch::{DispatchError, lease},
    engine::Engine,
    store::{Lane, StoreExt},
};

use super::{Step, Stop, every};

/// How often ended leases are looked for.
pub const PAUSE: Duration = Duration::from_millis(200);
/// How many are ended in one transaction.
const CHUNK: u32 = 100;

/// Ends overdue leases until the stop. A look that finds none writes nothing.
pub async fn run(engine: Engine, pause: Duration, stop: Stop) {
    every("leases", pause, stop, || async {
        let now = engine.now();
        let first = engine.store().read("lease.look", |tx| lease::next_end(tx)).await?;
        if first.is_none_or(|end| now < end) {
            return Ok::<_, DispatchError>(Step::Idle);
        }
        let seed = engine.seed().map_err(AccessError::from)?;
        let handled: u32 = engine
            .store()
            .transact("lease.sweep", Lane::Normal, move |tx| lease::sweep(tx, now, CHUNK, &mut seed.clone()))
            .await?;
        Ok(if handled >= CHUNK { Step::More } else { Step::Idle })
    })
    .await;
}
