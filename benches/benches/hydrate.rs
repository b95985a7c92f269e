//! The default prompt of a task: what may be said of the issue read from the store, and rendered; beside the renderer of
//! the `handlebars` crate with the same text, partials and data.
//!
//! `cargo bench -p loop-benches --bench hydrate`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion};
use handlebars::Handlebars;
use loop_core::{
    access::{Caller, Ctx, Scopes, claim_key::PREVIEW},
    base::{Seed, TenantId, Time, secret::Secret},
    engine::CATALOG,
    prompt::{PromptError, Renderer, Surroundings, choose, context, defaults},
    store::{Lane, StoreExt, memory::MemoryStore, wait},
    work::{
        Issue, IssueType,
        issue::{self, NewIssue},
    },
};
use serde_json::{Map, Value, json};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);

/// The partials, as the core holds them.
const PARTIALS: [(&str, &str); 5] = [
    ("api_reference", include_str!("../../loop-core/src/prompt/texts/partials/api_reference.hbs")),
    ("review_instructions", include_str!("../../loop-core/src/prompt/texts/partials/review_instructions.hbs")),
    ("parent_context", include_str!("../../loop-core/src/prompt/texts/partials/parent_context.hbs")),
    ("sibling_context", include_str!("../../loop-core/src/prompt/texts/partials/sibling_context.hbs")),
    (
        "project_and_goal_context",
        include_str!("../../loop-core/src/prompt/texts/partials/project_and_goal_context.hbs"),
    ),
];

/// A store with an issue that has a parent, siblings, and a payload of so many bytes.
fn world(payload: usize) -> Result<(MemoryStore, Issue), PromptError> {
    let store = MemoryStore::new(CATALOG);
    let made = store.transact("world", Lane::Normal, move |tx| {
        let caller = Caller { scopes: Scopes::all(), ..Caller::system(TenantId::default_tenant(), "bench") };
        let cx = Ctx::new(caller, NOW, Seed::new([1; 32]));
        defaults::plant(tx, cx.tenant(), NOW)?;
        let whole = issue::create(tx, &cx, &NewIssue::titled("The whole", IssueType::Plan))?;
        let mut last = whole.clone();
        for n in 0..4 {
            let mut part = NewIssue::titled(format!("Part {n}"), IssueType::Task);
            part.parent_id = Some(whole.id.to_string());
            part.description = Some("Change the retry of the mail worker so that it backs off.".repeat(8));
            let text = Value::from("x".repeat(payload));
            part.signal_payload = Some(Map::from_iter([("log".to_owned(), text)]));
            last = issue::create(tx, &cx, &part)?;
        }
        Ok::<_, PromptError>(last)
    });
    let issue = wait(made)?;
    Ok((store, issue))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("hydrate");
    for payload in [0, 64 << 10] {
        let (store, issue) = world(payload)?;
        let around = Surroundings { loop_url: "http://localhost:4242".to_owned(), loop_token: Secret::new(PREVIEW) };
        let read = move |tx: &mut dyn loop_core::store::Tx| {
            let tenant = TenantId::default_tenant();
            let chosen = choose(tx, &tenant, &issue)?.ok_or(PromptError::NoTemplate)?;
            let data = context(tx, &tenant, &issue, &chosen, &around)?;
            Ok::<_, PromptError>((chosen, data))
        };
        let (chosen, data) = wait(store.read("read", read.clone()))?;
        group.bench_function(BenchmarkId::new("choose and read", payload), |bench| {
            bench.iter(|| black_box(wait(store.read("read", read.clone()))));
        });
        let renderer = Renderer::default();
        group.bench_function(BenchmarkId::new("render", payload), |bench| {
            bench.iter(|| black_box(renderer.render(&chosen.version, &data)));
        });
        group.bench_function(BenchmarkId::new("compile and render", payload), |bench| {
            bench.iter(|| black_box(Renderer::default().render(&chosen.version, &data)));
        });

        // What stands in for what the crate does not know.
        let mut crates = Handlebars::new();
        crates.register_escape_fn(handlebars::no_escape);
        crates.register_helper("priority_label", Box::new(label));
        for (name, text) in PARTIALS {
            crates.register_partial(name, text.replace("siblings.length", "siblings"))?;
        }
        let text = chosen.version.content.replace(".length", "");
        crates.register_template_string("task", text)?;
        let wrapped = handlebars::Context::from(data.clone());
        group.bench_function(BenchmarkId::new("render by the crate", payload), |bench| {
            bench.iter(|| black_box(crates.render_with_context("task", &wrapped)));
        });
        let (ours, theirs) = (renderer.render(&chosen.version, &data)?, crates.render_with_context("task", &wrapped)?);
        println!("{}", json!({ "payload": payload, "ours_bytes": ours.len(), "crate_bytes": theirs.len() }));
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn label(
    _: &handlebars::Helper<'_>,
    _: &Handlebars<'_>,
    _: &handlebars::Context,
    _: &mut handlebars::RenderContext<'_, '_>,
    out: &mut dyn handlebars::Output,
) -> handlebars::HelperResult {
    out.write("none")?;
    Ok(())
}
