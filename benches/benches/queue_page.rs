//! Pages of what is ready among 100,000 issues, full rows and scores.
//!
//! `cargo bench -p loop-benches --bench queue_page`

use loop_benches::{
    Outcome,
    issues::fill,
    report::{Watch, bounded, checking, median},
    workload::Loop,
};
use loop_core::{
    dispatch::queue::{self, Among},
    store::wait,
    work::IssueStatus,
};

const DEPTH: usize = 100_000;
/// The longest a page may take in the middle, in microseconds.
const BOUND: f64 = 1_000.0;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = Loop::open(folder.path())?;
    fill(&ours, if checking() { 1_000 } else { DEPTH }, Some(IssueStatus::Todo))?;
    for (name, offset) in [("first", 0), ("tenth", 450)] {
        let mut micros = Vec::new();
        for _ in 0..200 {
            let cx = ours.engine.context(ours.caller.clone())?;
            let watch = Watch::start();
            let page = ours
                .engine
                .read(cx, "dispatch.queue", move |tx, cx| queue::page(tx, cx.tenant(), Among::All, offset, 50, cx.now));
            let (rows, _) = wait(page)?;
            micros.push(watch.elapsed().as_secs_f64() * 1e6);
            if rows.len() != 50 {
                return Err("a page of the queue is short".into());
            }
        }
        bounded(&format!("queue, {name} page of 50"), median(&mut micros), "us", BOUND);
    }
    ours.close();
    Ok(())
}
