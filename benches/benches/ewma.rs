//! Reviews of one version, each a transaction that moves its score: one by one, 256 at once, and the arithmetic
//! by itself.
//!
//! `cargo bench -p loop-benches --bench ewma`

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use loop_benches::report::wanted;
use loop_core::{
    access::{Caller, Ctx},
    base::{Seed, TenantId, Time},
    engine::CATALOG,
    prompt::{
        Health, PromptError, defaults,
        ewma::Marks,
        review::{self, NewReview},
    },
    store::{Lane, Store, StoreExt, memory::MemoryStore, wait},
    work::AuthorType,
};
use loop_store_sqlite::{Options, SqliteStore};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);

fn context(n: u64) -> Ctx {
    let mut seed = [0; 32];
    seed.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    let now = NOW.plus_micros(i64::try_from(n).unwrap_or(0));
    Ctx::new(Caller::system(TenantId::default_tenant(), "bench"), now, Seed::new(seed))
}

/// Takes in so many reviews, all submitted before the first is waited for.
fn reviews(store: &dyn Store, first: u64, many: u64) -> Result<(), PromptError> {
    let review = |n: u64| {
        let mark = u8::try_from(4 + n % 2).unwrap_or(4);
        let new = NewReview {
            version_id: "ver_default_task_execution_v1".to_owned(),
            issue_id: "i1".to_owned(),
            clarity: mark,
            completeness: 5,
            relevance: 4,
            feedback: None,
            author_type: AuthorType::Agent,
        };
        store.transact("review", Lane::Normal, move |tx| review::create(tx, &context(first + n), &new).map(|_| ()))
    };
    let under_way: Vec<_> = (0..many).map(review).collect();
    under_way.into_iter().try_for_each(wait)
}

fn planted(store: Arc<dyn Store>) -> Result<Arc<dyn Store>, PromptError> {
    wait(store.transact("plant", Lane::Normal, |tx| {
        defaults::plant(tx, &TenantId::default_tenant(), NOW).map_err(PromptError::from)
    }))?;
    Ok(store)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let folder = tempfile::tempdir()?;
    let file = SqliteStore::open(folder.path().join("loop.db"), Options::default())?;
    let stores: [(&str, Arc<dyn Store>); 2] =
        [("memory", planted(Arc::new(MemoryStore::new(CATALOG)))?), ("durable", planted(Arc::new(file))?)];
    let mut group = criterion.benchmark_group("ewma");
    group.bench_function("arithmetic", |bench| {
        let mut health = Health::default();
        bench.iter(|| {
            health.review(black_box(Marks { clarity: 4, completeness: 5, relevance: 4 }));
            black_box(health.condition())
        });
    });
    let mut next = 1_u64;
    for (name, store) in &stores {
        for many in [1_u64, 256].into_iter().filter(|many| wanted(usize::try_from(*many).unwrap_or(1))) {
            group.throughput(Throughput::Elements(many));
            group.bench_function(BenchmarkId::new(*name, many), |bench| {
                bench.iter(|| {
                    next += many;
                    reviews(store.as_ref(), next, many)
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
