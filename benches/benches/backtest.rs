//! Calls of a log per second that a rule is tried on, from SQLite, against only reading them.
//!
//! `cargo bench -p loop-benches --bench backtest -- [rounds [seconds [case]]]`; `LOOP_BACKTEST_ROWS` sets how many
//! calls the log has, 1,000,000 unless told. The length of a round is that of the whole log.
//!
//! The log: 40 tools, 200 agents, bodies of about 600 bytes, an amount to the penny in every call that pays. The
//! floor: the same file, walked row by row by SQLite with what a decision is found by and its body, and nothing done
//! with them. Both on one thread.

use std::{path::Path, sync::Arc};

use loop_benches::{
    Outcome,
    report::{Case, Plan, Watch, checking},
    workload::Loop,
};
use loop_core::{
    access::{Caller, Ctx},
    audit::{self, Event, Status},
    base::{Risk, Seed, TenantId, Time, id::RuleId, json::Doc},
    engine::{
        DecideError,
        backtest::{Run, Scope},
    },
    policy::{Action, CompiledRule, PolicySettings, PolicySnapshot, Rule, RuleAction},
    store::{Lane, wait},
};
use rusqlite::{Connection, OpenFlags};

/// Rules that read the tool, an amount, recipients, the time, and the arguments themselves.
const RULES: &[(&str, &str)] = &[
    ("a tool in eight", "ask before deleting files"),
    ("an amount", "payments and transfers over £250 need approval"),
    ("recipients", "block emails to anyone outside acme.org"),
    ("times", "no deployments on weekends"),
    ("arguments", "payments need approval except payments to Umbrella"),
    ("nothing understood", "be nice to everyone"),
];

const VERBS: [&str; 8] =
    ["create_refund", "send_email", "wire_transfer", "deploy", "read_file", "pay", "delete_file", "search"];
const START: Time = Time::from_micros(1_763_800_000_000_000);
/// Calls written per transaction.
const CHUNK: u64 = 5_000;

fn main() -> Outcome<()> {
    let plan = Plan::read()?;
    let rows = std::env::var("LOOP_BACKTEST_ROWS").map_or(Ok(1_000_000), |text| text.parse::<u64>())?;
    let rows = if checking() { 2_000 } else { rows };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let log = Loop::open(folder.path())?;
    fill(&log, rows)?;
    for (name, text) in RULES {
        let case = Case { name: &format!("back-test, {name}"), unit: "/s", budget: None };
        plan.compare(case, |_| floor(folder.path()), |_| ours(&log, text, rows))?;
    }
    log.close();
    Ok(())
}

fn rule(text: &str) -> Arc<CompiledRule> {
    Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(START, &mut Seed::new([3; 32])), text, RuleAction::Approve)))
}

/// Writes the log as decisions do, but for the deciding.
fn fill(log: &Loop, rows: u64) -> Outcome<()> {
    let snapshot = Arc::new(PolicySnapshot::build(1, Vec::new(), Vec::new(), PolicySettings::default()));
    let own = TenantId::default_tenant();
    for first in (0..rows).step_by(CHUNK as usize) {
        let (snapshot, tenant) = (Arc::clone(&snapshot), own.clone());
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&first.to_be_bytes());
        let written = log.engine.write_as_system(&own, "fill", Lane::Normal, move |tx| {
            for n in first..rows.min(first + CHUNK) {
                let now = START.plus_seconds(i64::try_from(n).unwrap_or_default());
                let cx = Ctx::new(Caller::system(tenant.clone(), "fill"), now, Seed::new(seed));
                enter(tx, &cx, &snapshot, n)?;
            }
            Ok::<_, DecideError>(())
        });
        wait(written)?;
    }
    Ok(())
}

fn enter(tx: &mut dyn loop_core::store::Tx, cx: &Ctx, snapshot: &PolicySnapshot, n: u64) -> Result<(), DecideError> {
    let verb = VERBS.get(n as usize % VERBS.len()).copied().unwrap_or_default();
    let tool = format!("{verb}_{}", n / 8 % 5);
    let agent = format!("agent-{}", n * 7 % 200);
    let (amount, cents, person) = (n * 31 % 900, n * 17 % 100, n * 13 % 5_000);
    let purpose = "second delivery of office chairs, as agreed with facilities on the phone last week";
    let arguments = match n % 8 {
        0 | 2 | 5 => format!(
            r#"{{"amount":{amount}.{cents:02},"currency":"GBP","payee":"Vendor {person}","reference":"invoice {n}","purpose":"{purpose}"}}"#
        ),
        1 => format!(
            r#"{{"to":["p*****@acme.org","q****@{}"],"subject":"note {n}","body":"{purpose}"}}"#,
            if person % 50 == 0 { "other.net" } else { "acme.org" }
        ),
        3 => format!(r#"{{"service":"checkout","version":"1.{n}","environment":"production","note":"{purpose}"}}"#),
        _ => format!(r#"{{"path":"/srv/data/{person}.csv","note":"{purpose}"}}"#),
    };
    let facts = Doc::parse(arguments.as_bytes()).map(|doc| {
        let (tool, agent) = (tool.as_str(), Some(agent.as_str()));
        snapshot.facts(&Action { tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None })
    });
    let facts = facts.ok().and_then(|facts| serde_json::to_string(&facts).ok()).unwrap_or_default();
    let body = format!(
        r#"{{"facts":{facts},"arguments":{arguments},"message":"Allowed","reason":"asked for by the customer in the ticket of this morning","session_id":"s-{person}","door":"intercept","key":"env","policy_hash":"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"}}"#
    );
    let event = Event {
        stream: audit::DECISIONS,
        op: "decision",
        status: Some(Status::Allowed),
        tool_name: Some(&tool),
        agent_name: Some(&agent),
        risk: Some(Risk::Medium),
        body: &body,
    };
    audit::append(tx, cx, &event)?;
    Ok(())
}

/// Reads every call and does nothing with it.
fn floor(folder: &Path) -> Outcome<f64> {
    let file = Connection::open_with_flags(folder.join("loop.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select =
        file.prepare("SELECT seq, at, status, tool_name, agent_name, risk, body FROM audit ORDER BY key DESC")?;
    let start = Watch::start();
    let (mut count, mut bytes) = (0_u64, 0);
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        for at in 2..7 {
            bytes += row.get_ref(at)?.as_str_or_null()?.map_or(0, str::len);
        }
        count += 1;
    }
    let per_second = count as f64 / start.elapsed().as_secs_f64();
    if bytes == 0 { Err("the log is empty".into()) } else { Ok(per_second) }
}

/// Tries a rule on every call.
fn ours(log: &Loop, text: &str, rows: u64) -> Outcome<f64> {
    let start = Watch::start();
    let mut run = Some(Run::new(vec![rule(text)], Scope { since: None, calls: u64::MAX })?);
    let mut more = true;
    while more {
        let mut state = run.take();
        let cx = log.engine.context(log.caller.clone())?;
        let step = log.engine.read(cx, "rule.backtest", move |tx, cx| {
            let mut run = state.take().ok_or(DecideError::Moved)?;
            Ok::<_, DecideError>((run.step(tx, cx.tenant())?, run))
        });
        let (next, after) = wait(step)?;
        (more, run) = (next, Some(after));
    }
    let per_second = rows as f64 / start.elapsed().as_secs_f64();
    let found = run.ok_or("the run is lost")?.result();
    if found.scanned == rows { Ok(per_second) } else { Err("not every call was judged".into()) }
}
