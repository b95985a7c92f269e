//! What is counted. Handles are made once per row, so that counting a request looks nothing up.

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use http::StatusCode;
use loop_store_sqlite::{Depths, Histogram as Seen, SqliteStore, Stats};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 11] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0];

const METADATA: Metadata<'static> = Metadata::new("loop", Level::INFO, None);

/// The registry of one server.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    connections: Gauge,
    store: Arc<OnceLock<Weak<SqliteStore>>>,
}

/// The meters of one operation.
pub struct Meters {
    classes: [Counter; 5],
    seconds: Histogram,
}

/// A connection that is counted while it lives.
pub struct Open(Gauge);

impl Metrics {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // The bounds are not empty, which is all that can be wrong with them.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = Arc::new(builder.build_recorder());
        let handle = recorder.handle();
        let connections = recorder.register_gauge(&Key::from_static_name("loop_http_connections"), &METADATA);
        recorder.describe_gauge("loop_http_connections".into(), None, "open connections".into());
        recorder.describe_counter(
            "loop_http_requests_total".into(),
            None,
            "requests by operation and status class".into(),
        );
        recorder.describe_histogram(
            "loop_http_request_seconds".into(),
            None,
            "time from the head to the answer".into(),
        );
        Self { recorder, handle, connections, store: Arc::default() }
    }

    /// Makes this the registry behind the macros of the `metrics` crate, which other parts of the process count
    /// with. Only the first registry of a process can be.
    pub fn install(&self) {
        if metrics::set_global_recorder(Arc::clone(&self.recorder)).is_err() {
            tracing::debug!(target: "loop::server", "another registry is installed already");
        }
    }

    /// The meters of an operation.
    #[must_use]
    pub fn meters(&self, operation: &'static str) -> Meters {
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| {
            let labels =
                vec![Label::from_static_parts("operation", operation), Label::from_static_parts("status", class)];
            self.recorder.register_counter(&Key::from_parts("loop_http_requests_total", labels), &METADATA)
        });
        let labels = vec![Label::from_static_parts("operation", operation)];
        let seconds =
            self.recorder.register_histogram(&Key::from_parts("loop_http_request_seconds", labels), &METADATA);
        Meters { classes, seconds }
    }

    /// Counts a connection until the answer is dropped.
    #[must_use]
    pub fn connection(&self) -> Open {
        self.connections.increment(1.0);
        Open(self.connections.clone())
    }

    /// Tells of this store too, as long as it is there. Only the first store of a registry can be.
    pub fn watch(&self, store: &Arc<SqliteStore>) {
        if self.store.set(Arc::downgrade(store)).is_err() {
            tracing::debug!(target: "loop::server", "another store is told of already");
        }
    }

    /// Everything counted so far in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        if let Some(store) = self.store.get().and_then(Weak::upgrade) {
            write_store(&store.stats(), &mut text);
        }
        text
    }

    /// Folds raw samples into buckets. Called every few seconds, it keeps memory bounded when nobody scrapes.
    pub fn fold(&self) {
        self.handle.run_upkeep();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Meters {
    /// Counts one request.
    pub fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.increment(1);
        }
        self.seconds.record(took.as_secs_f64());
    }
}

/// The store counts for itself; its figures only change their form here.
fn write_store(stats: &Stats, out: &mut String) {
    out.push_str("# HELP loop_store_waiting_jobs jobs that wait for the store\n# TYPE loop_store_waiting_jobs gauge\n");
    for (access, Depths { decision, normal, bulk }) in [("write", stats.writes), ("read", stats.reads)] {
        for (lane, depth) in [("decision", decision), ("normal", normal), ("bulk", bulk)] {
            let _ = writeln!(out, "loop_store_waiting_jobs{{access=\"{access}\",lane=\"{lane}\"}} {depth}");
        }
    }
    write_histogram("loop_store_batch_jobs", "jobs that ended in one transaction", &stats.batches, 1, out);
    write_histogram("loop_store_commit_seconds", "time of one transaction", &stats.commits, 1_000_000, out);
}

/// `per` is how many of the store's units make one of the metric's.
fn write_histogram(name: &str, help: &str, seen: &Seen, per: u32, out: &mut String) {
    let unit = |value: u64| value as f64 / f64::from(per);
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
    for (bound, count) in &seen.up_to {
        let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {count}", unit(*bound));
    }
    let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {}", seen.count);
    let _ = writeln!(out, "{name}_sum {}\n{name}_count {}", unit(seen.sum), seen.count);
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use loop_store_sqlite::{Depths, Histogram, Stats};

    use super::{Metrics, write_store};

    #[test]
    fn the_store_s_figures_are_written_as_prometheus_reads_them() {
        let stats = Stats {
            writes: Depths { decision: 1, normal: 2, bulk: 3 },
            reads: Depths::default(),
            batches: Histogram { up_to: vec![(1, 4), (2, 5)], count: 6, sum: 40 },
            commits: Histogram { up_to: vec![(250, 1), (1_000_000, 6)], count: 6, sum: 1_500_000 },
        };
        let mut text = String::new();
        write_store(&stats, &mut text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn requests_are_counted_by_operation_and_class() {
        let metrics = Metrics::new();
        let meters = metrics.meters("rule.create");
        meters.count(StatusCode::CREATED, Duration::from_micros(300));
        meters.count(StatusCode::CONFLICT, Duration::from_micros(300));
        let open = metrics.connection();
        let text = metrics.render();
        assert!(text.contains(r#"loop_http_requests_total{operation="rule.create",status="2xx"} 1"#), "{text}");
        assert!(text.contains(r#"loop_http_requests_total{operation="rule.create",status="4xx"} 1"#), "{text}");
        assert!(text.contains(r#"loop_http_request_seconds_bucket{operation="rule.create",le="0.0005"} 2"#), "{text}");
        assert!(text.contains("loop_http_connections 1"), "{text}");
        drop(open);
        assert!(metrics.render().contains("loop_http_connections 0"));
    }
}
