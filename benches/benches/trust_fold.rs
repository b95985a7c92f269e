//! The score of a loop with a million trust events, beside one with a single event: both are one look at the head of a
//! journal.
//!
//! `cargo bench -p loop-benches --bench trust_fold`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion};
use loop_benches::report::wanted;
use loop_core::{
    access::{Caller, Ctx},
    base::{Seed, TenantId, Time, id::LoopId},
    engine::CATALOG,
    store::{Lane, StoreExt, memory::MemoryStore, wait},
    trust::{self, EventKind, NewEvent, TrustError},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);
/// How many events one transaction records while the journal is filled.
const CHUNK: usize = 10_000;

fn filled(events: usize) -> Result<(MemoryStore, LoopId), TrustError> {
    let store = MemoryStore::new(CATALOG);
    let id = LoopId::draw(NOW, &mut Seed::new([7; 32]));
    let mut left = events;
    while left > 0 {
        let many = left.min(CHUNK);
        let recorded = store.transact("trust.fill", Lane::Bulk, move |tx| {
            let cx = Ctx::new(Caller::system(TenantId::default_tenant(), "bench"), NOW, Seed::new([8; 32]));
            for n in 0..many {
                let delta = if n.is_multiple_of(2) { 2 } else { -2 };
                let kind = if n.is_multiple_of(2) { EventKind::ProofVerified } else { EventKind::ExecutionFailed };
                let new = NewEvent { loop_id: id, kind, delta, proof: None, reference: "inv", reason: "bench" };
                trust::record(tx, &cx, &new)?;
            }
            Ok::<_, TrustError>(())
        });
        wait(recorded)?;
        left -= many;
    }
    Ok((store, id))
}

fn main() -> Result<(), TrustError> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("trust_fold");
    for events in [1, 1_000, 1_000_000].into_iter().filter(|events| wanted(*events)) {
        let (store, id) = filled(events)?;
        group.bench_function(BenchmarkId::from_parameter(events), |bench| {
            bench.iter(|| {
                let read = store.read("trust.score", move |tx| trust::score(tx, &TenantId::default_tenant(), id));
                black_box(wait(read))
            });
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
