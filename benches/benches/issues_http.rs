//! Issues over HTTP: durable creates and claims with their prompt, first pages and the dashboard's counts, at growing
//! depths of the queue.
//!
//! `cargo bench -p loop-benches --bench issues_http -- [rounds [seconds [case]]]`; a case of `1000000` is only measured
//! when it is named.
//!
//! `loop-server` is a process of its own, as it is shipped; the clients share the cores with it. Creates and claims are
//! held against group commits of a bare row by as many producers: 5,200 creates (five times what the peer makes) and
//! 3,000 claims a second are promised where 25,000 such rows a second are durable. The middle time of one claimer at
//! each depth is held against twice that at the first.

use std::time::Duration;

use loop_benches::{
    Outcome,
    group_commit::{GroupCommit, rate},
    load,
    process::{Role, Server, request, serve_if_asked},
    report::{Case, Plan, bounded, checking, wanted},
};

const DEPTHS: [usize; 3] = [1_000, 100_000, 1_000_000];
const CLIENTS: usize = 8;
const ISSUE: &str = r#"{"title":"Checkout fails for guests","type":"task","status":"todo","priority":2,"description":"The cart is empty after the second step."}"#;
/// The least shares of the floor.
const CREATES: f64 = 5_200.0 / 25_000.0;
const CLAIMS: f64 = 3_000.0 / 25_000.0;
/// A queue that runs dry would end the measurement of claims with an error.
const STOCK: usize = 30_000;
/// Microseconds that a page of 50 and the dashboard's counts may take.
const PAGE: f64 = 1_000.0;
const STATS: f64 = 5_000.0;

fn main() -> Outcome<()> {
    if serve_if_asked()? {
        return Ok(());
    }
    let plan = Plan::read()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = Server::start(Role::Loop, folder.path())?;
    let mut shallow = None;
    for depth in DEPTHS {
        let named = plan.only.as_deref().is_some_and(|only| only.contains(&depth.to_string()));
        // The last takes minutes to fill.
        if !wanted(depth) || (depth > 100_000 && !named) {
            continue;
        }
        fill(&ours, depth, plan.window)?;
        for (what, path, bound) in [
            ("queue page of 50", "/api/dispatch/queue?limit=50", PAGE),
            ("issue page of 50", "/api/issues?limit=50", PAGE),
            ("todo issues of 50", "/api/issues?limit=50&status=todo", PAGE),
            ("dashboard stats", "/api/dashboard/stats", STATS),
        ] {
            let load = load::run(ours.address, &request("GET", path, "", "keep-alive"), 1, plan.window)?;
            bounded(&format!("{what}, depth {depth}, p50"), load.p50, "us", bound);
        }
        let claim = request("POST", "/api/dispatch/next", "{}", "keep-alive");
        let alone = load::run(ours.address, &claim, 1, plan.window / 10)?;
        bounded(
            &format!("claim p50, 1 client, depth {depth}"),
            alone.p50,
            "us",
            2.0 * *shallow.get_or_insert(alone.p50),
        );
        let create = request("POST", "/api/issues", ISSUE, "keep-alive");
        let many = |request: &str, window| Ok(load::run(ours.address, request, CLIENTS, window)?.rate);
        let stock = depth.max(if checking() { 0 } else { STOCK });
        fill(&ours, stock, plan.window)?;
        plan.compare(
            Case {
                name: &format!("issue create, {CLIENTS} clients, depth {stock}"),
                unit: "/s",
                budget: Some(CREATES),
            },
            bare,
            |window| many(&create, window),
        )?;
        plan.compare(
            Case {
                name: &format!("claim with prompt, {CLIENTS} clients, depth {stock}"),
                unit: "/s",
                budget: Some(CLAIMS),
            },
            bare,
            |window| {
                fill(&ours, stock, window)?;
                many(&claim, window)
            },
        )?;
    }
    println!("memory after this load: {:.1} MiB", ours.resident()?);
    Ok(())
}

/// Rows that as many producers make durable in a second.
fn bare(window: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (commits, writer) = GroupCommit::open(folder.path())?;
    let done = rate(CLIENTS, window, move || commits.insert())?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(done)
}

/// Creates issues that are ready until so many are.
fn fill(ours: &Server, depth: usize, window: Duration) -> Outcome<()> {
    // A shallow queue stays shallow.
    let window = window.min(Duration::from_micros(50 * depth as u64));
    let create = request("POST", "/api/issues", ISSUE, "keep-alive");
    while ready(ours)? < depth {
        load::run(ours.address, &create, CLIENTS, window)?;
    }
    Ok(())
}

fn ready(ours: &Server) -> Outcome<usize> {
    let (_, answer) = ours.ask("GET", "/api/dispatch/queue?limit=1", "")?;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    let total = answer.get("total").and_then(serde_json::Value::as_u64).ok_or("a queue without a total")?;
    Ok(usize::try_from(total)?)
}
