//! Durable decisions per second against a bare loop of inserts in group commits, on the same disk.
//!
//! `cargo bench -p loop-benches --bench intercept_durable -- [rounds [seconds [case]]]`
//!
//! Ours: so many threads read a call of 250 bytes, decide it by one rule and wait until the entry in the log is
//! durable (`synchronous=FULL`). The floor: so many threads wait for a row of 500 bytes in a table without an index.
//! Both write into the target folder.

use std::{sync::Arc, time::Duration};

use loop_benches::{
    Outcome,
    group_commit::{GroupCommit, rate},
    report::{Case, Plan},
    workload::Loop,
};

fn main() -> Outcome<()> {
    let plan = Plan::read()?;
    for producers in [1, 8, 64, 256] {
        let name = format!("intercept durable, {producers} producers");
        plan.compare(
            Case { name: &name, unit: "/s", budget: Some(0.5) },
            |window| bare(producers, window),
            |window| ours(producers, window),
        )?;
    }
    Ok(())
}

fn bare(producers: usize, window: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (commits, writer) = GroupCommit::open(folder.path())?;
    let done = rate(producers, window, move || commits.insert())?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(done)
}

fn ours(producers: usize, window: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = Arc::new(Loop::open(folder.path())?);
    let shared = Arc::clone(&ours);
    let done = rate(producers, window, move || shared.intercept().map(drop))?;
    Arc::into_inner(ours).ok_or("a producer is left")?.close();
    Ok(done)
}
