//! Durable issues per second against a bare loop of inserts in group commits, and pages of a list of 100,000 against
//! reading as many rows by their keys.
//!
//! `cargo bench -p loop-benches --bench issues -- [rounds [seconds [case]]]`

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use loop_benches::{
    Outcome,
    group_commit::{GroupCommit, rate},
    issues::{fill, nth},
    report::{Case, Plan, Watch, bounded, checking, median},
    workload::Loop,
};
use loop_core::{
    store::wait,
    work::{
        IssueStatus, issue,
        list::{self, Filter},
    },
};

/// How many issues a list is read of.
const FULL: usize = 100_000;
/// The longest a page may take in the middle, in microseconds.
const BOUND: f64 = 1_000.0;

fn main() -> Outcome<()> {
    let plan = Plan::read()?;
    for producers in [1, 8, 32] {
        let name = format!("issue create durable, {producers} producers");
        plan.compare(
            Case { name: &name, unit: "/s", budget: None },
            |window| bare(producers, window),
            |window| create(producers, window),
        )?;
    }
    if plan.only.as_deref().is_none_or(|only| "issue list".contains(only)) {
        pages()?;
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

fn create(producers: usize, window: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = Arc::new(Loop::open(folder.path())?);
    let (shared, next) = (Arc::clone(&ours), AtomicUsize::new(0));
    let done = rate(producers, window, move || {
        let new = nth(next.fetch_add(1, Ordering::Relaxed), None);
        let cx = shared.engine.context(shared.caller.clone())?;
        wait(shared.engine.write(cx, "issue.create", move |tx, cx| issue::create(tx, cx, &new)))?;
        Ok(())
    })?;
    Arc::into_inner(ours).ok_or("a producer is left")?.close();
    Ok(done)
}

/// Pages of fifty, whatever is asked for.
fn pages() -> Outcome<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = Loop::open(folder.path())?;
    fill(&ours, if checking() { 1_000 } else { FULL }, None)?;
    let todo = Filter { statuses: vec![IssueStatus::Todo], ..Filter::default() };
    let cases = [
        ("all", Filter::default(), 0),
        ("all, from 50,000 on", Filter::default(), 50_000),
        ("in todo", todo, 0),
        ("of one priority", Filter { priority: Some(1), ..Filter::default() }, 0),
        ("with two words of one issue", Filter { search: Some("billing 4711".to_owned()), ..Filter::default() }, 0),
    ];
    for (name, filter, offset) in cases {
        let mut micros = Vec::new();
        for _ in 0..200 {
            let cx = ours.engine.context(ours.caller.clone())?;
            let filter = filter.clone();
            let watch = Watch::start();
            let page =
                ours.engine.read(cx, "issue.list", move |tx, cx| list::page(tx, cx.tenant(), &filter, 50, offset));
            wait(page)?;
            micros.push(watch.elapsed().as_secs_f64() * 1e6);
        }
        bounded(&format!("issue list of 50, {name}"), median(&mut micros), "us", BOUND);
    }
    ours.close();
    Ok(())
}
