//! A call of a tool through every gate, without a provider: simulated, and executed by a function that does nothing.
//! The store is in memory, so what is measured is the gates and what they write down.
//!
//! `cargo bench -p loop-benches --bench invoke`

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::Criterion;
use loop_benches::Outcome;
use loop_core::{
    access::{Caller, LoopKind, Mode, Plan, Scope, key, loops},
    base::{
        host::SystemHost,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Engine, Request, bootstrap},
    invoke::{CallError, Natives},
    store::{memory::MemoryStore, wait},
    tool::manifest::Content,
};

const MANIFEST: &str = r#"{"name":"find_leads","description":"Find leads by city.","category":"sales_revenue_ops","riskLevel":"low","requiresApprovalDefault":false,"expectedProofs":[],"inputSchema":{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}},"outputSchema":{"type":"object"},"providerType":"native","visibility":"private","version":"1.0.0"}"#;
const INPUT: &[u8] =
    br#"{"city":"Atlanta","service":"roofing","limit":25,"fields":["name","phone","site"],"open":true}"#;

fn world() -> Outcome<(Engine, Caller)> {
    let engine = Engine::new(Arc::new(MemoryStore::new(CATALOG)), Arc::new(SystemHost), MasterKey::new([9; 32]));
    wait(bootstrap(&engine, Some(Secret::new("tl_bench"))))?;
    let admin = wait(engine.authenticate("tl_bench"))?;
    let cx = engine.context(admin)?;
    let made = engine.write(cx, "bench.loop", |tx, cx| {
        let new = loops::NewLoop {
            tag: Some("bench".to_owned()),
            kind: LoopKind::Developer,
            owner_id: None,
            parent: None,
            skills: Vec::new(),
            permissions: None,
            plan: Some(Plan::Pro),
            risk_ceiling: None,
            spend_limit: None,
        };
        let made = loops::create(tx, cx, &new)?;
        let scopes = [Scope::ToolsInvoke, Scope::ToolsPublish].into_iter().collect();
        let new =
            key::NewKey { loop_id: Some(made.id), form: key::Form::Live, ..key::NewKey::operator("bench", scopes) };
        Ok::<_, CallError>(key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?.token)
    });
    let token = wait(made)?;
    let caller = wait(engine.authenticate(token.expose()))?;
    let content: Content = serde_json::from_str(MANIFEST)?;
    wait(engine.publish_tool(&caller, content))?;
    // Publishing moved the policy on: the caller as it is known now.
    let caller = wait(engine.authenticate(token.expose()))?;
    Ok((engine, caller))
}

fn main() -> Outcome<()> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let (engine, caller) = world()?;
    let nothing = Natives::default().with("find_leads", |_| Ok(serde_json::json!({})));
    let doc = Doc::parse(INPUT).map_err(|error| error.to_string())?;
    let mut group = criterion.benchmark_group("invoke");
    for (name, mode) in [("simulated", Mode::Sandbox), ("executed", Mode::Guided)] {
        let request = Request {
            tool: "find_leads",
            version: None,
            input: doc.root(),
            mode,
            task: None,
            approval: None,
            reason: None,
        };
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(wait(engine.invoke(&caller, &request, &nothing)).is_ok()));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
