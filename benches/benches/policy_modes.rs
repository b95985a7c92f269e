//! A loop's step: mode, risk, trust, plan and ceilings beside the rules, typed, from JSON bytes, and through the engine
//! with the trust looked up.
//!
//! The workload: every mode with every risk in turn, a sub-loop at the end of the longest line among 1,000 loops, a
//! published tool among 1,000, and rules of which ten name the tool. A last line prints how the cost grows with rules.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use loop_benches::{Outcome as Bench, report::wanted};
use loop_core::{
    access::{
        AccessError, Caller, MAX_LINE, Mode, Plan,
        loops::{self, LoopKind, NewLoop},
    },
    base::{
        Host, Risk, Seed, Time,
        host::NoEntropy,
        id::{LoopId, RuleId, ToolId},
        json::{Doc, Limits, View},
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Engine, bootstrap},
    policy::{
        Action, CompiledRule, Loops, Member, Outcome, PolicySettings, PolicySnapshot, Published, Rule, RuleAction,
        Stage, Terms, evaluate,
    },
    store::{memory::MemoryStore, wait},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);
/// Loops beside the line that acts, and tools beside the one that is used.
const OTHERS: usize = 1_000;

fn name(at: usize) -> String {
    format!("find_leads_{at}")
}

/// A policy of so many rules, and the last loop of the longest line.
fn policy(rules: usize) -> (PolicySnapshot, LoopId) {
    let mut seed = Seed::new([7; 32]);
    let tools = (rules / 10).max(1);
    let compiled = (0..rules).map(|at| {
        let rule = Rule::new(
            RuleId::draw(NOW, &mut seed),
            format!("calls to {} over £{} need approval", name(at % tools), 10_000 + at),
            RuleAction::Approve,
        );
        Arc::new(CompiledRule::compile(rule))
    });
    let built = PolicySnapshot::build(1, compiled.collect(), vec!["drop_everything".into()], PolicySettings::default());
    let mut loops = Loops::default();
    let mut put = |parent: Option<LoopId>| {
        let id = LoopId::draw(NOW, &mut seed);
        let tag = "acme_leads".into();
        let member =
            Member { tag, parent, plan: Plan::Pro, suspended: false, ceiling: Some(Risk::Critical), spend_limit: None };
        loops.put(id, member);
        id
    };
    for _ in 0..OTHERS {
        put(None);
    }
    let root = put(None);
    let last = (1..MAX_LINE).fold(root, |above, _| put(Some(above)));
    let terms = |at| Terms {
        id: ToolId::draw(NOW, &mut seed),
        name: name(at).into(),
        owner: root,
        version: semver::Version::new(1, 0, 0),
        category: "sales_revenue_ops".into(),
        risk: Risk::Low,
        asks: false,
        private: false,
        approved: true,
        cost: 1,
    };
    let mut published = Published::default();
    published.put((0..OTHERS).map(terms).collect());
    (built.with(1, loops, published), last)
}

/// One request for every cell of the matrix.
fn requests() -> Vec<String> {
    let each = |mode: &Mode| {
        let mode = mode.as_str();
        Risk::ALL.map(|risk| {
            format!(
                r#"{{"executionMode":"{mode}","domain":"sales_revenue_ops","step":{{"action":"{0}","tool":"{0}","riskLevel":"{1}","inputs":{{"city":"Atlanta","trade":"roofing","amount":500,"currency":"GBP","limit":25}},"estimatedCredits":1}}}}"#,
                name(0),
                risk.as_str()
            )
        })
    };
    Mode::ALL.iter().flat_map(each).collect()
}

fn action<'a>(doc: &'a Doc<'a>, acts: LoopId) -> Option<Action<'a>> {
    let root = doc.root();
    let step = root.get("step")?;
    let text = |view: View<'a>, name| view.get(name).and_then(View::as_str);
    let stage = Stage {
        mode: Mode::parse(text(root, "executionMode")?)?,
        loop_id: Some(acts),
        action: text(step, "action")?,
        domain: text(root, "domain"),
        tool: None,
        trust: 70,
        sandboxed: false,
        least_risk: Risk::Low,
        credits: step.get("estimatedCredits").and_then(View::as_number).and_then(|text| text.parse().ok()),
    };
    Some(Action {
        tool: text(step, "tool")?,
        agent: None,
        arguments: step.get("inputs")?,
        forward: None,
        claimed_risk: Some(Risk::parse(text(step, "riskLevel")?)?),
        stage: Some(stage),
    })
}

/// Reads and decides one request; answers the outcome and the document whose memory the next one uses.
fn from_json(policy: &PolicySnapshot, acts: LoopId, text: &str, old: Doc<'_>) -> Option<(Outcome, Doc<'static>)> {
    let doc = Doc::parse_reusing(text.as_bytes(), Limits::default(), old).ok()?;
    let outcome = evaluate(policy, &action(&doc, acts)?, NOW).outcome;
    Some((outcome, Doc::parse_reusing(b"0", Limits::default(), doc).ok()?))
}

/// A clock that stands still, so that scores stay fresh.
struct Still;

impl Host for Still {
    fn now(&self) -> Time {
        NOW
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        Ok(Seed::new([3; 32]))
    }
}

/// An engine with one line of loops, and the administrator.
fn engine() -> Bench<(Engine, Caller, LoopId)> {
    let engine = Engine::new(Arc::new(MemoryStore::new(CATALOG)), Arc::new(Still), MasterKey::new([9; 32]));
    wait(bootstrap(&engine, Some(Secret::new("tl_bench"))))?;
    let caller = wait(engine.authenticate("tl_bench"))?;
    let cx = engine.context(caller.clone())?;
    let made = wait(engine.write(cx, "bench", |tx, cx| {
        let mut parent = None;
        for at in 0..MAX_LINE {
            let new = NewLoop {
                tag: Some(format!("acme_{at}")),
                kind: if parent.is_some() { LoopKind::Sub } else { LoopKind::Developer },
                owner_id: None,
                parent,
                skills: Vec::new(),
                permissions: None,
                plan: Some(Plan::Pro),
                risk_ceiling: None,
                spend_limit: None,
            };
            parent = Some(loops::create(tx, cx, &new)?.id);
        }
        parent.ok_or(AccessError::NoLoop)
    }))?;
    Ok((engine, caller, made))
}

/// Nanoseconds per turn, the best of many short runs: on a shared machine the only number that repeats.
fn best(mut turn: impl FnMut()) -> f64 {
    const RUN: u32 = 256;
    let mut best = f64::MAX;
    for _ in 0..2_000 {
        let start = tokio::time::Instant::now();
        (0..RUN).for_each(|_| turn());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(RUN));
    }
    best
}

fn main() -> Bench<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let texts = requests();
    let docs: Vec<Doc<'_>> = texts.iter().filter_map(|text| Doc::parse(text.as_bytes()).ok()).collect();
    let mut lines = Vec::new();
    for rules in [10, 100_000].into_iter().filter(|rules| wanted(*rules)) {
        let (policy, acts) = policy(rules);
        let actions: Vec<Action<'_>> = docs.iter().filter_map(|doc| action(doc, acts)).collect();
        let allowed = actions.iter().filter(|action| evaluate(&policy, action, NOW).outcome == Outcome::Allow).count();
        assert!(actions.len() == texts.len() && allowed == 3, "guided low, autopilot low and medium are allowed");
        let mut group = criterion.benchmark_group("policy_modes");
        group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(3)).sample_size(60);
        group.bench_with_input(BenchmarkId::new("typed", rules), &actions, |bencher, actions| {
            let mut turn = actions.iter().cycle();
            bencher.iter(|| turn.next().map(|action| evaluate(&policy, black_box(action), NOW)));
        });
        group.bench_with_input(BenchmarkId::new("json", rules), &texts, |bencher, texts| {
            let mut turn = texts.iter().cycle();
            let mut kept = Doc::default();
            bencher.iter(|| {
                let (outcome, doc) = from_json(&policy, acts, black_box(turn.next()?), std::mem::take(&mut kept))?;
                kept = doc;
                Some(outcome)
            });
        });
        group.finish();
        let mut turn = actions.iter().cycle();
        let typed = best(|| drop(black_box(turn.next().map(|action| evaluate(&policy, black_box(action), NOW)))));
        let mut turn = texts.iter().cycle();
        let mut kept = Doc::default();
        let json = best(|| {
            if let Some((outcome, doc)) =
                turn.next().and_then(|text| from_json(&policy, acts, black_box(text), std::mem::take(&mut kept)))
            {
                kept = doc;
                black_box(outcome);
            }
        });
        lines.push((rules, typed, json));
    }
    let (engine, caller, acts) = engine()?;
    let actions: Vec<Action<'_>> = docs.iter().filter_map(|doc| action(doc, acts)).collect();
    for action in &actions {
        wait(engine.evaluate(&caller, action))?;
    }
    let mut group = criterion.benchmark_group("policy_modes");
    group.bench_function("at_hand", |bencher| {
        let mut turn = actions.iter().cycle();
        bencher.iter(|| turn.next().and_then(|action| engine.evaluate_at_hand(&caller, black_box(action))));
    });
    group.finish();
    criterion.final_summary();
    let mut turn = actions.iter().cycle();
    let at_hand =
        best(|| drop(black_box(turn.next().and_then(|action| engine.evaluate_at_hand(&caller, black_box(action))))));
    for (rules, typed, json) in lines {
        println!("policy_modes: {rules} rules: typed {typed:.0} ns, json {json:.0} ns");
    }
    println!("policy_modes: through the engine with the trust of {MAX_LINE} loops: {at_hand:.0} ns");
    Ok(())
}
