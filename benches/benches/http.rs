//! Answers per second over HTTP against hyper alone.
//!
//! `cargo bench -p loop-benches --bench http -- [rounds [seconds [case]]]`
//!
//! Each server is a process of its own with its default two workers; the clients are threads of this one and share
//! the cores with it. `loop-server` runs as it is shipped: keys checked, answers counted, every limit in force. The
//! floor reads the same body into a struct and answers bytes of the same length; for `intercept` it compares the
//! amount and answers after a row of 500 bytes is durable.

use std::path::Path;

use loop_benches::{
    Outcome, load,
    process::{Role, Server, request, serve_if_asked},
    report::{Case, Plan, bounded},
    workload::{EVALUATE, INTERCEPT, RULE},
};

const EVALUATE_PATH: &str = "/api/v1/policy/evaluate";
const INTERCEPT_PATH: &str = "/api/intercept";

fn main() -> Outcome<()> {
    if serve_if_asked()? {
        return Ok(());
    }
    let plan = Plan::read()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ours = start_ours(&plan, folder.path())?;
    for (path, body, file) in
        [(EVALUATE_PATH, EVALUATE, "evaluate.json"), (INTERCEPT_PATH, INTERCEPT, "intercept.json")]
    {
        let (status, answer) = ours.ask("POST", path, body)?;
        if status != 200 {
            return Err(answer.into());
        }
        std::fs::write(folder.path().join(file), answer)?;
    }
    let floor = Server::start(Role::Bare, folder.path())?;
    for (what, path, body, cases) in [
        ("evaluate", EVALUATE_PATH, EVALUATE, [(1, None), (16, Some(0.6)), (64, Some(0.6))]),
        ("intercept durable", INTERCEPT_PATH, INTERCEPT, [(16, None), (64, Some(0.5)), (256, Some(0.5))]),
    ] {
        for (connections, budget) in cases {
            let name = format!("http {what}, {connections} connections");
            let request = request("POST", path, body, "keep-alive");
            let mut last = None;
            plan.compare(
                Case { name: &name, unit: "/s", budget },
                |window| Ok(load::run(floor.address, &request, connections, window)?.rate),
                |window| {
                    let load = load::run(ours.address, &request, connections, window)?;
                    last = Some(load);
                    Ok(load.rate)
                },
            )?;
            if let Some(load) = last {
                println!("{:<44} p50 {:.0} µs, p99 {:.0} µs (last round)", "", load.p50, load.p99);
            }
        }
    }
    println!("memory after this load: {:.1} MiB", ours.resident()?);
    Ok(())
}

/// Starts `loop-server`, prints how fast it was ready and how much memory it takes, and gives it its rule.
fn start_ours(plan: &Plan, folder: &Path) -> Outcome<Server> {
    let mut ready = Vec::new();
    // The first start makes the file.
    drop(Server::start(Role::Loop, folder)?);
    for _ in 1..plan.rounds {
        ready.push(Server::start(Role::Loop, folder)?.ready.as_secs_f64() * 1e3);
    }
    let ours = Server::start(Role::Loop, folder)?;
    ready.push(ours.ready.as_secs_f64() * 1e3);
    bounded("ready to answer", loop_benches::report::median(&mut ready), "ms", 50.0);
    let (status, answer) = ours.ask("POST", "/api/approval-rules", &format!(r#"{{"rule_text":"{RULE}"}}"#))?;
    if status != 201 {
        return Err(answer.into());
    }
    bounded("memory idle", ours.resident()?, "MiB", 25.0);
    Ok(ours)
}
