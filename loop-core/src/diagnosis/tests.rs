//! Diagnosing spans, on the reference store.

use std::{borrow::Cow, cell::Cell};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{
    Findings, Scan, dashboard,
    packet::{self, About},
    report,
    settle::{Means, Settled, settle},
    state::Status,
};
use crate::{
    access::{Caller, Ctx},
    base::{Seed, TenantId, Time},
    engine::CATALOG,
    signal::{Signal, record},
    store::{Lane, StoreExt, Tx, memory::MemoryStore},
    telemetry::{
        content::Content,
        incoming::{Batch, Event, Incoming, Value},
        keep,
        prepare::{Rules, prepare},
        window::Window,
    },
    work::{IssueStatus, issue},
};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);
const PROJECT: &str = "p";

/// A span: trace, id, parent, seconds ago, name, attributes.
fn span(trace: u8, id: u8, parent: u8, ago: i64, name: &str, attributes: &[(&'static str, &str)]) -> Incoming<'static> {
    let id8 = |number: u8| if number == 0 { [0; 8] } else { [number; 8] };
    let nanos = |ago: i64| (NOW.as_micros() - ago * 1_000_000).unsigned_abs() * 1_000;
    Incoming {
        trace_id: Some([trace; 16]),
        span_id: Some(id8(id)),
        parent_id: Some(id8(parent)),
        name: name.to_owned().into(),
        start: Some(nanos(ago + 2)),
        end: Some(nanos(ago)),
        status: Some(0),
        message: "".into(),
        attributes: attributes.iter().map(|(key, value)| text(key, value)).collect(),
        events: Vec::new(),
        resource: 0,
    }
}

fn text(key: &'static str, value: &str) -> (Cow<'static, str>, Value<'static>) {
    (key.into(), Value::Text(value.to_owned().into()))
}

/// A call of a tool in a session.
fn tool(trace: u8, id: u8, parent: u8, ago: i64, name: &str, session: &str) -> Incoming<'static> {
    let attributes = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", name), ("session.id", session)];
    span(trace, id, parent, ago, "execute_tool", if session.is_empty() { &attributes[..2] } else { &attributes })
}

/// It failed, with a type of error and a message.
fn failed(mut span: Incoming<'static>, error: &str, message: &str) -> Incoming<'static> {
    span.status = Some(2);
    span.message = message.to_owned().into();
    if !error.is_empty() {
        span.attributes.push(text("error.type", error));
    }
    span
}

struct Project {
    store: MemoryStore,
    at: Cell<u64>,
}

impl Project {
    fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG), at: Cell::new(0) }
    }

    fn run<T: Send + 'static>(&self, mut work: impl FnMut(&mut dyn Tx) -> T + Send + 'static) -> T {
        let done = self.store.transact("test", Lane::Normal, move |tx| Ok::<_, crate::store::StoreError>(work(tx)));
        done.wait().unwrap()
    }

    fn put(&self, spans: Vec<Incoming<'static>>) {
        let rules = Rules { content: Content::Kept, now: NOW };
        let batch = prepare(&Batch { resources: vec![Vec::new()], spans }, rules);
        assert_eq!(batch.rejected.count, 0, "{}", batch.rejected);
        let batch = std::sync::Arc::new(batch);
        self.run(move |tx| keep::store(tx, &TenantId::default_tenant(), PROJECT, &batch).unwrap());
    }

    /// What happens so many seconds after [`NOW`], each time with other random bytes.
    fn cx(&self, seconds: i64) -> Ctx {
        self.at.set(self.at.get() + 1);
        let mut key = [7; 32];
        key[..8].copy_from_slice(&self.at.get().to_be_bytes());
        let caller = Caller::system(TenantId::default_tenant(), "test");
        Ctx::new(caller, NOW.plus_seconds(seconds), Seed::new(key))
    }

    fn scan(&self, from: i64, to: i64) -> Findings {
        let window = Window { from: NOW.plus_seconds(-from), to: NOW.plus_seconds(to) };
        self.run(move |tx| {
            let mut scan = Scan::new(window);
            while !scan.step(tx, &TenantId::default_tenant(), PROJECT).unwrap() {}
            scan.finish()
        })
    }

    /// The titles and counts of the last hour.
    fn found(&self) -> Vec<(String, u64)> {
        let findings = self.scan(3_600, 1);
        findings.told().map(|cluster| (cluster.cause.title(&packet::plain), cluster.count)).collect()
    }

    fn settle(&self, from: i64, to: i64, means: Means) -> (Settled, Json) {
        let findings = self.scan(from, to);
        let (at, key) = (to, self.cx(to).draw());
        self.run(move |tx| {
            let caller = Caller::system(TenantId::default_tenant(), "test");
            let cx = Ctx::new(caller, NOW.plus_seconds(at), Seed::new(key));
            let settled = settle(tx, &cx, PROJECT, &findings, means).unwrap();
            let tenant = TenantId::default_tenant();
            let about = About { tenant: &tenant, project: PROJECT, since_minutes: 60, now: cx.now };
            let packet = packet::write(about, [1; 16], &findings, &settled);
            (settled, serde_json::from_str(&packet).unwrap())
        })
    }

    fn signals(&self) -> Vec<Signal> {
        self.run(|tx| record::list(tx, &TenantId::default_tenant(), 100, 0).unwrap().0)
    }

    fn done(&self, id: String, seconds: i64) {
        let key = self.cx(0).draw();
        self.run(move |tx| {
            let caller = Caller::system(TenantId::default_tenant(), "test");
            let cx = Ctx::new(caller, NOW.plus_seconds(seconds), Seed::new(key));
            let change = issue::Patch { status: Some(IssueStatus::Done), ..issue::Patch::default() };
            issue::patch(tx, &cx, &id, &change).unwrap();
        });
    }

    fn report(&self) -> String {
        let findings = self.scan(3_600, 1);
        let tenant = TenantId::default_tenant();
        let about = About { tenant: &tenant, project: PROJECT, since_minutes: 60, now: NOW };
        let standing = super::settle::Standing { status: Status::New, issue_id: None };
        let settled = Settled { standings: vec![standing; findings.told().count()], ..Settled::default() };
        let board: Json = serde_json::from_str(&dashboard::write(about, &findings, &settled)).unwrap();
        assert_eq!(board["totals"]["failures"], json!(findings.failures));
        report::write(about, &findings, &settled)
    }
}

#[test]
fn a_failure_that_is_passed_on_counts_where_it_began() {
    let project = Project::new();
    let agent = |trace, id, parent, ago| span(trace, id, parent, ago, "invoke_agent bot", &[]);
    project.put(vec![
        // The same type, through a span that did not fail.
        failed(tool(1, 3, 2, 50, "deep", "s"), "app.DeepError", "boom"),
        span(1, 2, 1, 40, "step", &[]),
        failed(agent(1, 1, 0, 30), "DeepError", "escaped"),
        // No type and no message above.
        failed(tool(2, 2, 1, 50, "bare", "s"), "TimeoutError", "late"),
        failed(agent(2, 1, 0, 30), "", ""),
        // Another type above: that is a failure of its own.
        failed(tool(3, 2, 1, 50, "other", "s"), "KeyError", "k"),
        failed(agent(3, 1, 0, 30), "PlanError", ""),
        // Beside each other.
        failed(tool(4, 2, 1, 50, "twin", "s"), "TwinError", ""),
        failed(tool(4, 3, 1, 50, "twin", "s"), "TwinError", ""),
        // The same message but for a number, above one without a type.
        failed(tool(5, 2, 1, 50, "said", "s"), "", "lost 12"),
        failed(agent(5, 1, 0, 30), "", "lost 13"),
        // What is said above is another thing.
        failed(tool(6, 2, 1, 50, "apart", "s"), "", "lost"),
        failed(agent(6, 1, 0, 30), "", "gave up"),
    ]);
    let mut found = project.found();
    found.sort();
    let on = |title: &str, count| (title.to_owned(), count);
    assert_eq!(
        found,
        [
            on("span_error on invoke_agent bot: PlanError", 1),
            on("span_error on invoke_agent bot: gave up", 1),
            on("tool_call_failed on apart: lost", 1),
            on("tool_call_failed on bare: TimeoutError", 1),
            on("tool_call_failed on deep: DeepError", 1),
            on("tool_call_failed on other: KeyError", 1),
            on("tool_call_failed on said: lost #", 1),
            on("tool_call_failed on twin: TwinError", 2),
        ]
    );
}

#[test]
fn failures_that_are_parents_of_each_other_do_not_vanish() {
    let project = Project::new();
    project.put(vec![
        failed(tool(1, 1, 2, 10, "ring", "s"), "RingError", ""),
        failed(tool(1, 2, 1, 10, "ring", "s"), "RingError", ""),
        failed(tool(1, 3, 3, 10, "self", "s"), "SelfError", ""),
    ]);
    assert_eq!(project.scan(3_600, 1).failures, 3);
}

#[test]
fn clusters_are_told_by_type_or_by_message_without_numbers() {
    let project = Project::new();
    project.put(vec![
        failed(tool(1, 1, 0, 10, "a", "s"), "", "order 12345 not found"),
        failed(tool(2, 1, 0, 10, "a", "s"), "", "order 7f3a9c1e-1111-2222-3333-444455556666 not found"),
        failed(tool(3, 1, 0, 10, "b", "s"), "ConnError", "boom"),
        failed(tool(4, 1, 0, 10, "b", "s"), "net.ConnError", ""),
        failed(tool(5, 1, 0, 10, "b", "s"), "OtherError", "boom"),
        failed(span(6, 1, 0, 10, "chat m", &[("gen_ai.operation.name", "chat")]), "RateLimit", ""),
        tool(7, 1, 0, 10, "fine", "s"),
        failed(tool(8, 1, 0, 4_000, "b", "old"), "ConnError", ""),
    ]);
    let found = project.found();
    assert_eq!(found.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 2, 1, 1]);
    assert!(found.contains(&("tool_call_failed on a: order # not found".to_owned(), 2)), "{found:?}");
    assert!(found.contains(&("llm_call_failed on chat m: RateLimit".to_owned(), 1)), "{found:?}");
    let (wide, narrow) = (project.scan(7_200, 1), project.scan(3_600, 1));
    let id =
        |findings: &Findings| findings.told().map(|cluster| (cluster.cause.id(), cluster.count)).max_by_key(|c| c.1);
    assert_eq!(id(&wide).unwrap().1, 3);
    assert!(narrow.told().any(|cluster| cluster.cause.id() == id(&wide).unwrap().0));
}

#[test]
fn sessions_are_resolved_whatever_comes_first_and_make_the_severity() {
    let project = Project::new();
    // Twenty sessions, each named by its root alone, which comes in last.
    let child = |trace: u8| tool(trace, 2, 1, 20, "pay", "");
    let failing: Vec<_> = (1..=4).map(|trace| failed(child(trace), "ValueError", "")).collect();
    project.put(failing);
    project.put((5..=20).map(child).collect());
    project.put((1..=20).map(|trace| span(trace, 1, 0, 10, "root", &[("session.id", &format!("s{trace}"))])).collect());
    let findings = project.scan(3_600, 1);
    let cluster = findings.told().next().unwrap();
    assert_eq!((findings.session_count(), cluster.sessions, cluster.count), (20, 4, 4));
    assert_eq!(super::cluster::word(cluster.severity), "high");
    assert_eq!(findings.sessions.outcomes, [("success".into(), 20)]);
    // Half of them; then a bypass, however rare.
    use super::cluster::{severity, word};
    for (count, sessions, bypasses, said) in [
        (1, 10, false, "critical"),
        (10, 1, false, "high"),
        (9, 1, false, "medium"),
        (3, 3, false, "medium"),
        (2, 1, false, "low"),
        (1, 1, true, "critical"),
    ] {
        assert_eq!(word(severity(count, sessions, 20, bypasses)), said, "{count} {sessions}");
    }
    project.put(vec![failed(tool(30, 1, 0, 5, "wire", "x"), "ApprovalBypassError", "")]);
    let findings = project.scan(3_600, 1);
    let bypass = findings.told().find(|cluster| &*cluster.cause.name == "wire").unwrap();
    assert_eq!(word(bypass.severity), "critical");
}

#[test]
fn a_problem_makes_one_signal_is_verified_and_makes_one_more_when_it_comes_back() {
    let project = Project::new();
    project.put((1..=3).map(|trace| failed(tool(trace, 1, 0, 600, "pay", "s"), "TimeoutError", "")).collect());
    // Looking and remembering make nothing.
    for means in [Means::Look, Means::Remember] {
        let (settled, packet) = project.settle(3_600, 1, means);
        assert_eq!((settled.standings[0].status, settled.signals), (Status::New, 0));
        assert_eq!(
            (&packet["status"], &packet["issues"][0]["count"]),
            (&"ready_for_issue_diagnosis".into(), &3.into())
        );
    }
    assert!(project.signals().is_empty());
    let (first, packet) = project.settle(3_600, 2, Means::Signal);
    assert_eq!((first.standings[0].status, first.signals), (Status::New, 1));
    assert!(
        packet["issues"][0]["next_action"]
            .as_str()
            .unwrap()
            .contains(packet["issues"][0]["evidence_ids"][0].as_str().unwrap())
    );
    let (again, _) = project.settle(3_600, 3, Means::Signal);
    assert_eq!((again.standings[0].status, again.signals), (Status::InProgress, 0));
    assert_eq!(again.standings[0].issue_id, first.standings[0].issue_id);
    let signals = project.signals();
    assert_eq!(signals.len(), 1);
    let told = &signals[0];
    assert_eq!(
        (told.source.as_str(), told.kind.as_str(), told.payload["count"].as_u64()),
        ("telemetry", "tool_call_failed", Some(3))
    );

    // Done, but nothing ran since: nobody knows. A run from before proves nothing either.
    project.done(signals[0].issue_id.to_string(), 5);
    project.put(vec![tool(20, 1, 0, 400, "pay", "t"), tool(21, 1, 0, -8, "other", "t")]);
    let (settled, packet) = project.settle(500, 9, Means::Signal);
    assert_eq!((settled.verified.len(), packet["status"].as_str()), (0, Some("observe_more")));
    // It has run well since: verified, and so it stays while the old failures are in the window.
    project.put(vec![tool(22, 1, 0, -10, "pay", "t")]);
    let (settled, packet) = project.settle(500, 20, Means::Signal);
    assert_eq!(settled.verified[0].state.status, Status::Verified);
    assert_eq!((&packet["verified"][0]["status"], &packet["approval_required"]), (&"verified".into(), &false.into()));
    let (settled, _) = project.settle(3_600, 21, Means::Signal);
    assert_eq!((settled.standings[0].status, settled.signals), (Status::Verified, 0));

    // It fails again: one more signal, not two.
    project.put(vec![failed(tool(30, 1, 0, -30, "pay", "u"), "TimeoutError", "")]);
    let (settled, _) = project.settle(500, 42, Means::Remember);
    assert_eq!((settled.standings[0].status, settled.signals), (Status::Regression, 0));
    let (settled, _) = project.settle(500, 43, Means::Signal);
    assert_eq!((settled.standings[0].status, settled.signals), (Status::Regression, 1));
    let (settled, packet) = project.settle(500, 44, Means::Signal);
    assert_eq!((settled.signals, &packet["issues"][0]["status"]), (0, &"regression".into()));
    let signals = project.signals();
    assert_eq!(signals.len(), 2);
    assert_ne!(signals[0].issue_id, signals[1].issue_id);
    assert_eq!(signals[1].payload["earlier_issue_id"], json!(signals[0].issue_id.to_string()));
}

#[test]
fn nothing_is_verified_by_a_window_that_was_not_read_whole() {
    let project = Project::new();
    project.put(vec![failed(tool(1, 1, 0, 600, "pay", "s"), "TimeoutError", "")]);
    project.settle(3_600, 1, Means::Signal);
    project.done(project.signals()[0].issue_id.to_string(), 5);
    project.put(vec![tool(2, 1, 0, -10, "pay", "t")]);
    let mut findings = project.scan(500, 20);
    findings.truncated = true;
    let key = project.cx(0).draw();
    let settled = project.run(move |tx| {
        let cx = Ctx::new(Caller::system(TenantId::default_tenant(), "test"), NOW.plus_seconds(20), Seed::new(key));
        settle(tx, &cx, PROJECT, &findings, Means::Remember).unwrap()
    });
    assert!(settled.verified.is_empty());
    assert_eq!(project.settle(500, 20, Means::Remember).0.verified.len(), 1);
}

#[test]
fn what_spans_say_is_no_markup_in_the_report() {
    let project = Project::new();
    let evil = "x`\n# Heading\n[link](http://e.example) <script>";
    project.put(vec![
        failed(tool(1, 1, 0, 10, evil, "s"), "", "\n## Another\n"),
        failed(span(2, 1, 0, 10, "``` ```` `", &[]), "E\n---\nx", ""),
    ]);
    let report = project.report();
    let headings = report.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(headings, 3, "{report}");
    assert!(report.starts_with("# Telemetry report of `p`\n"), "{report}");
    assert!(!report.lines().any(|line| line.starts_with('[') || line.starts_with('<')), "{report}");
    assert!(
        report.contains("``x`  # Heading [link](http://e.example) <script>``") || report.contains("``x` # Heading"),
        "{report}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// However spans are cut into requests and in whichever order these come, the same is found, and evidence is the count.
    #[test]
    fn what_is_found_does_not_hang_on_the_order_of_arrival(
        spans in prop::collection::vec((1_u8..6, 1_u8..9, 0_u8..9, 1_i64..100, 0_u8..4, 0_u8..3), 1..40),
        cut in 1_usize..40,
        turned in 0_usize..40,
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let of = |(trace, id, parent, ago, error, session): (u8, u8, u8, i64, u8, u8)| {
            let span = tool(trace, id, parent, ago, ["a", "b"][usize::from(id % 2)], ["", "s", "t"][usize::from(session)]);
            match error {
                0 => span,
                1 => failed(span, "", ""),
                2 => failed(span, "OneError", "one"),
                _ => failed(span, "x.TwoError", "two 2"),
            }
        };
        let spans: Vec<_> = spans.into_iter().filter(|span| seen.insert((span.0, span.1))).collect();
        let of_order = |spans: Vec<(u8, u8, u8, i64, u8, u8)>, cut: usize| {
            let project = Project::new();
            for batch in spans.chunks(cut) {
                project.put(batch.iter().copied().map(of).collect());
            }
            let findings = project.scan(3_600, 1);
            for cluster in &findings.clusters {
                prop_assert_eq!(cluster.count, cluster.evidence.len() as u64);
            }
            let sum: u64 = findings.clusters.iter().map(|cluster| cluster.count).sum();
            prop_assert_eq!(sum, findings.failures);
            prop_assert!(findings.failures <= findings.tally.failing);
            prop_assert_eq!(findings.failures == 0, findings.tally.failing == 0);
            let sessions = findings.session_count();
            Ok((findings.clusters, sessions, findings.sessions.outcomes))
        };
        let whole = of_order(spans.clone(), 100)?;
        let mut other = spans;
        let by = turned % other.len();
        other.rotate_left(by);
        other.reverse();
        prop_assert_eq!(whole, of_order(other, cut)?);
    }
}

#[test]
fn an_exception_of_an_event_is_the_type_of_the_error() {
    let project = Project::new();
    let mut bare = failed(tool(1, 1, 0, 10, "pay", "s"), "", "");
    bare.events.push(Event {
        nanos: 1,
        name: "exception".into(),
        attributes: vec![text("exception.type", "builtins.TimeoutError")],
    });
    project.put(vec![bare]);
    assert_eq!(project.found(), [("tool_call_failed on pay: TimeoutError".to_owned(), 1)]);
}
