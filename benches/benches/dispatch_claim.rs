//! Durable claims per second, prompt chosen, counted and filled in, at growing depths of the queue and with more and
//! more claimers.
//!
//! `cargo bench -p loop-benches --bench dispatch_claim -- [rounds [seconds [case]]]`; a case of `1000000` is only
//! measured when it is named.
//!
//! The floor: so many threads wait for a row of 500 bytes in a table without an index, on the same disk. The middle
//! time of one claimer at each depth is held against twice that at depth 1,000.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use loop_benches::{
    Outcome,
    group_commit::{GroupCommit, rate},
    issues::fill,
    report::{Case, Plan, Watch, bounded, checking, median, wanted},
    workload::Loop,
};
use loop_core::{
    base::secret::MasterKey,
    dispatch::{
        next::{self, Means},
        queue::Among,
    },
    store::wait,
    work::{IssueStatus, claim::Terms},
};

const DEPTHS: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// The most claims of one measurement: the depth stays about what it is.
const CLAIMS: usize = 5_000;

fn main() -> Outcome<()> {
    let plan = Plan::read()?;
    let mut shallow = None;
    for depth in DEPTHS {
        let named = plan.only.as_deref().is_some_and(|only| only.contains(&depth.to_string()));
        // The last takes minutes to fill.
        if !wanted(depth) || (depth > 100_000 && !named) {
            continue;
        }
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let ours = Arc::new(Loop::open(folder.path())?);
        fill(&ours, depth, Some(IssueStatus::Todo))?;
        let alone = p50(&ours, (depth / 10).min(1_000))?;
        bounded(&format!("claim p50, 1 claimer, depth {depth}"), alone, "us", 2.0 * *shallow.get_or_insert(alone));
        for claimers in [1, 8, 32] {
            plan.compare(
                Case { name: &format!("claim durable, {claimers} claimers, depth {depth}"), unit: "/s", budget: None },
                |window| bare(claimers, window),
                |_| claims(&ours, claimers, (depth / 20).min(CLAIMS)),
            )?;
        }
        Arc::into_inner(ours).ok_or("a claimer is left")?.close();
    }
    if !checking() && shallow.is_none() {
        println!("no depth is called that");
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

/// Claims the best issue and fills its prompt in.
fn claim(ours: &Loop) -> Outcome<()> {
    let cx = ours.engine.context(ours.caller.clone())?;
    let terms = Terms { lease_seconds: Some(3_600), ..Terms::default() };
    let master: MasterKey = ours.engine.master().clone();
    let claimed = ours.engine.write(cx, "dispatch.next", move |tx, cx| {
        next::next(tx, cx, Among::All, &terms, Means { master: &master, loop_url: "http://localhost" })
    });
    let claimed = wait(claimed)?.ok_or("nothing is ready")?;
    let (chosen, context) = claimed.prompt.ok_or("no template fits")?;
    ours.engine.renderer().render(&chosen.version, &context)?;
    Ok(())
}

fn p50(ours: &Loop, count: usize) -> Outcome<f64> {
    let mut micros = Vec::new();
    for _ in 0..count {
        let watch = Watch::start();
        claim(ours)?;
        micros.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&mut micros))
}

/// So many claims by so many at once; how many a second.
fn claims(ours: &Arc<Loop>, claimers: usize, count: usize) -> Outcome<f64> {
    let left = Arc::new(AtomicUsize::new(count));
    let watch = Watch::start();
    let claimers: Vec<_> = (0..claimers)
        .map(|_| {
            let (ours, left) = (Arc::clone(ours), Arc::clone(&left));
            thread::spawn(move || -> Outcome<()> {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    claim(&ours)?;
                }
                Ok(())
            })
        })
        .collect();
    for claimer in claimers {
        claimer.join().map_err(|_| "a claimer panicked")??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = count as f64;
    Ok(count / watch.elapsed().as_secs_f64())
}
