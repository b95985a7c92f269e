//! Storing and reading spans, on the reference store.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{
    content::Content,
    incoming::{Attributes, Batch, Event, Incoming, Value},
    keep,
    listing::Listing,
    prepare::{Prepared, Reject, Rules, prepare},
    recent::Recent,
    record::{record_id, span_of},
    row::SpanKey,
    session, window,
    window::Window,
};
use crate::{
    base::{TenantId, Time},
    engine::CATALOG,
    store::{Lane, StoreExt, Tx, memory::MemoryStore},
};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

fn nanos(seconds_ago: i64) -> u64 {
    (NOW.as_micros() - seconds_ago * 1_000_000).unsigned_abs() * 1_000
}

fn text(key: &'static str, value: &str) -> (Cow<'static, str>, Value<'static>) {
    (key.into(), Value::Text(value.to_owned().into()))
}

/// A span of trace `trace` that ended so many seconds ago, with attributes.
fn span(trace: u8, id: u8, parent: u8, ended: i64, attributes: &[(&'static str, &str)]) -> Incoming<'static> {
    let id8 = |number: u8| if number == 0 { [0; 8] } else { [number; 8] };
    Incoming {
        trace_id: Some([trace; 16]),
        span_id: Some(id8(id)),
        parent_id: Some(id8(parent)),
        name: format!("span {id}").into(),
        start: Some(nanos(ended + 1)),
        end: Some(nanos(ended)),
        status: Some(0),
        message: "".into(),
        attributes: attributes.iter().map(|(key, value)| text(key, value)).collect(),
        events: Vec::new(),
        resource: 0,
    }
}

fn batch(spans: Vec<Incoming<'static>>) -> Prepared {
    of_resource(vec![text("service.name", "svc")], spans)
}

fn of_resource(resource: Attributes<'static>, spans: Vec<Incoming<'static>>) -> Prepared {
    let rules = Rules { content: Content::Kept, now: NOW };
    prepare(&Batch { resources: vec![resource], spans }, rules)
}

struct Project {
    store: MemoryStore,
}

impl Project {
    fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG) }
    }

    fn run<T: Send + 'static>(&self, mut work: impl FnMut(&mut dyn Tx) -> T + Send + 'static) -> T {
        let done = self.store.transact("test", Lane::Normal, move |tx| Ok::<_, crate::store::StoreError>(work(tx)));
        done.wait().unwrap()
    }

    /// Stores spans; how many were new.
    fn put(&self, spans: Vec<Incoming<'static>>) -> u64 {
        self.store_batch(batch(spans))
    }

    fn store_batch(&self, batch: Prepared) -> u64 {
        let batch = std::sync::Arc::new(batch);
        self.run(move |tx| keep::store(tx, &tenant(), "p", &batch).unwrap())
    }

    /// The names of a session's spans.
    fn session(&self, id: &str) -> Vec<String> {
        self.read(id).map(|session| names(&session.records)).unwrap_or_default()
    }

    fn read(&self, id: &str) -> Option<session::Session> {
        let id = id.to_owned();
        self.run(move |tx| session::read(tx, &tenant(), "p", &id, since(3_600)).ok())
    }

    fn list(&self, environment: Option<&str>, limit: usize) -> Vec<String> {
        let mut listing = Listing::new(since(3_600), environment.map(str::to_owned), limit);
        self.run(move |tx| {
            while !listing.step(tx, &tenant(), "p").unwrap() {}
            let ids = listing.ids();
            let summaries = listing.summaries(tx, &tenant(), "p", &ids).unwrap();
            assert_eq!(summaries.iter().map(|summary| summary.id.clone()).collect::<Vec<_>>(), ids);
            ids
        })
    }

    fn recent(&self, limit: usize) -> Vec<String> {
        let records = self.run(move |tx| {
            let mut recent = Recent::new(since(3_600), limit);
            while !recent.step(tx, &tenant(), "p").unwrap() {}
            recent.records(tx, &tenant(), "p").unwrap()
        });
        names(&records)
    }

    fn rows(&self) -> usize {
        self.run(|tx| {
            let mut count = 0;
            window::rows(tx, &tenant(), "p", since(i64::from(u32::MAX)), &mut |_| count += 1).unwrap();
            count
        })
    }
}

const fn since(seconds: i64) -> Window {
    Window { from: NOW.plus_seconds(-seconds), to: NOW.plus_seconds(3_600) }
}

fn names(records: &str) -> Vec<String> {
    let records: Vec<serde_json::Value> = serde_json::from_str(records).unwrap();
    records.iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(16)
}

#[test]
fn a_span_that_comes_again_takes_the_place_of_the_earlier_one() {
    let project = Project::new();
    assert_eq!(project.put(vec![span(1, 1, 0, 9, &[]), span(1, 2, 1, 9, &[])]), 2);
    assert_eq!(project.put(vec![span(1, 1, 0, 9, &[]), span(1, 1, 0, 9, &[]), span(1, 3, 1, 9, &[])]), 1);
    let later = Incoming { name: "later".into(), ..span(1, 1, 0, 5, &[("session.id", "s")]) };
    assert_eq!(project.put(vec![later]), 0);
    assert_eq!(project.session(&hex(1)), ["span 2", "span 3", "later"]);
    assert_eq!(project.session("s"), ["span 2", "span 3", "later"]);
    assert_eq!(project.rows(), 3);
}

#[test]
fn a_whole_batch_that_comes_again_leaves_one_block() {
    let project = Project::new();
    let spans = || (1..=200).map(|id| span(id % 9 + 1, id, 0, 60, &[("session.id", "s")])).collect::<Vec<_>>();
    assert_eq!(project.put(spans()), 200);
    assert_eq!(project.put(spans()), 0);
    assert_eq!(project.rows(), 200);
    assert_eq!(project.session("s").len(), 200);
}

#[test]
fn a_session_is_inherited_whatever_came_first() {
    let root = || span(1, 1, 0, 5, &[("session.id", "s"), ("gen_ai.agent.name", "bot")]);
    let child = || span(1, 2, 1, 6, &[]);
    for order in [vec![root(), child()], vec![child(), root()]] {
        let project = Project::new();
        for span in order {
            project.put(vec![span]);
        }
        assert_eq!(project.session("s"), ["span 2", "span 1"]);
        assert_eq!(project.list(None, 9), ["s"]);
    }
}

#[test]
fn a_span_keeps_the_session_that_it_names() {
    let project = Project::new();
    project.put(vec![span(1, 1, 0, 5, &[("session.id", "a")]), span(1, 2, 1, 4, &[("gen_ai.conversation.id", "b")])]);
    project.put(vec![span(1, 3, 2, 3, &[])]);
    assert_eq!(project.session("a"), ["span 1", "span 3"]);
    assert_eq!(project.session("b"), ["span 2"]);
    assert_eq!(project.session(&hex(1)), ["span 1", "span 2", "span 3"], "a trace is all of it");
    assert_eq!(project.list(None, 9), ["a", "b"]);
}

#[test]
fn sessions_are_listed_by_their_latest_span_and_limited_as_sessions() {
    let project = Project::new();
    for (trace, session, ended) in [(1, "a", 50), (2, "b", 40), (3, "c", 30), (4, "a", 20), (5, "d", 4_000)] {
        project.put(vec![span(trace, 1, 0, ended, &[("session.id", session)])]);
    }
    project.put(vec![span(6, 1, 0, 10, &[])]);
    assert_eq!(project.list(None, 9), [&hex(6), "a", "c", "b"]);
    assert_eq!(project.list(None, 2), [&hex(6), "a"]);
    assert_eq!(project.session("d"), [""; 0], "it is outside the window");
}

#[test]
fn an_environment_narrows_a_list() {
    let project = Project::new();
    for (trace, environment) in [(1, "staging"), (2, "production")] {
        let resource = vec![text("deployment.environment", environment)];
        project.store_batch(of_resource(resource, vec![span(trace, 1, 0, 9, &[])]));
    }
    assert_eq!(project.list(Some("staging"), 9), [hex(1)]);
    assert_eq!(project.list(Some("elsewhere"), 9), [""; 0]);
}

#[test]
fn the_latest_records_come_first_and_lead_back() {
    let project = Project::new();
    for id in 1..=9 {
        project.put(vec![span(id, id, 0, i64::from(id) * 10, &[])]);
    }
    assert_eq!(project.recent(3), ["span 1", "span 2", "span 3"]);
    assert_eq!(project.recent(99).len(), 9);
    let key = SpanKey { trace: [4; 16], span: [4; 8] };
    let id = record_id(&tenant(), "p", key);
    assert_eq!(span_of(&tenant(), "p", &id), Some(key));
    assert_eq!(span_of(&tenant(), "q", &id), None, "another project's");
    assert_eq!(span_of(&tenant(), "p", &id.to_uppercase()), None);
}

#[test]
fn a_summary_says_what_happened() {
    let project = Project::new();
    let tool = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "pay"), ("session.id", "s")];
    let chat = [("gen_ai.operation.name", "chat"), ("session.id", "s")];
    let failed = |span| Incoming { status: Some(2), message: "boom".into(), ..span };
    let tokens = |count| vec![("gen_ai.usage.input_tokens".into(), Value::Int(count))];
    let mut model = span(1, 3, 1, 20, &chat);
    model.attributes.extend(tokens(7));
    let mut root = span(1, 1, 0, 10, &[("session.id", "s"), ("gen_ai.agent.name", "bot")]);
    root.attributes.extend(tokens(7));
    project.put(vec![root, failed(span(1, 2, 1, 15, &tool)), model, failed(span(2, 1, 0, 5, &[("session.id", "s")]))]);
    let summary = project.read("s").unwrap().summary;
    assert_eq!(
        (summary.turns, summary.records, summary.tool_calls, summary.llm_calls, summary.errors),
        (2, 4, 1, 1, 2)
    );
    assert_eq!(summary.outcome.as_str(), "failure", "the latest root failed");
    assert_eq!(summary.agent.as_deref(), Some("svc"), "the latest root's");
    assert_eq!(summary.input_tokens, 7, "a parent repeats what its model read");
}

#[test]
fn what_cannot_be_stored_is_counted_and_the_rest_is_stored() {
    let project = Project::new();
    let good = || span(1, 1, 0, 5, &[]);
    let bad: Vec<(Incoming<'static>, Reject)> = vec![
        (Incoming { trace_id: None, ..good() }, Reject::TraceId),
        (Incoming { trace_id: Some([0; 16]), ..good() }, Reject::TraceId),
        (Incoming { span_id: Some([0; 8]), ..good() }, Reject::SpanId),
        (Incoming { parent_id: None, ..good() }, Reject::ParentId),
        (Incoming { name: "".into(), ..good() }, Reject::Name),
        (Incoming { start: None, ..good() }, Reject::Times),
        (Incoming { start: Some(0), ..good() }, Reject::Times),
        (Incoming { end: Some(nanos(7)), ..good() }, Reject::Order),
        (span(1, 2, 0, 43_200 * 60 + 1, &[]), Reject::Old),
        (span(1, 2, 0, -3_601, &[]), Reject::Ahead),
        (Incoming { status: Some(3), ..good() }, Reject::Status),
        (Incoming { status: None, ..good() }, Reject::Status),
    ];
    for (bad, why) in bad {
        let prepared = batch(vec![bad.clone(), span(9, 9, 0, 5, &[])]);
        assert_eq!((prepared.spans, prepared.rejected.count, prepared.rejected.first), (1, 1, Some(why)), "{bad:?}");
        project.store_batch(prepared);
    }
    assert_eq!(project.recent(9), ["span 9"]);
}

#[test]
fn secrets_are_not_kept_and_content_may_be_left_out() {
    let project = Project::new();
    let key = concat!("sk-", "proj-abcdefghijklmnopqrstuvwxyz012345");
    let event = Event { nanos: nanos(5), name: "exception".into(), attributes: vec![text("exception.message", key)] };
    let spoken =
        [("authorization", "Basic Zm9vOmJhcg"), ("note", key), ("gen_ai.input.messages", "hello"), ("plain", "kept")];
    let said = || Incoming { events: vec![event.clone()], ..span(1, 1, 0, 5, &spoken) };
    project.put(vec![said()]);
    let kept = project.read(&hex(1)).unwrap().records;
    assert!(!kept.contains(key) && !kept.contains("Zm9vOmJhcg"), "{kept}");
    assert!(kept.contains("\"plain\":\"kept\"") && kept.contains("\"gen_ai.input.messages\":\"hello\""), "{kept}");
    let rules = Rules { content: Content::Dropped, now: NOW };
    project.store_batch(prepare(&Batch { resources: vec![Vec::new()], spans: vec![said()] }, rules));
    let kept = project.read(&hex(1)).unwrap().records;
    assert!(kept.contains("\"plain\":\"kept\"") && !kept.contains("hello"), "{kept}");
}

#[test]
fn long_and_deep_values_are_bounded() {
    let project = Project::new();
    let mut deep = Value::Text("bottom".into());
    for _ in 0..10_000 {
        deep = Value::List(vec![deep]);
    }
    let mut long = span(1, 1, 0, 5, &[]);
    long.attributes.push(("deep".into(), deep));
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
        long.attributes.push((key.into(), Value::Text("x".repeat(1 << 20).into())));
    }
    project.put(vec![long]);
    let records = project.read(&hex(1)).unwrap().records;
    assert!(records.len() < 100_000 && !records.contains("bottom"), "{}", records.len());
    let _: serde_json::Value = serde_json::from_str(&records).unwrap();
}

#[test]
fn old_blocks_are_removed_with_all_that_leads_to_them() {
    let project = Project::new();
    for id in 1..=6 {
        project.put(vec![span(id, 1, 0, i64::from(id) * 100, &[("session.id", "s")])]);
    }
    let purge = |limit| project.run(move |tx| keep::purge(tx, &tenant(), "p", NOW.plus_seconds(-250), limit).unwrap());
    assert_eq!((purge(3), purge(9), purge(9)), (3, 1, 0));
    assert_eq!(project.session("s").len(), 2);
    assert_eq!(project.session(&hex(5)), [""; 0]);
    assert_eq!(project.rows(), 2);
}

/// A few spans over few traces, ids, times and sessions, so that they meet often.
fn some_span() -> impl Strategy<Value = Incoming<'static>> {
    let session = prop::sample::select(&[None, Some("a"), Some("b")][..]);
    (1..4_u8, 1..5_u8, 0..3_u8, 1..60_i64, session, 0..3_u8).prop_map(|(trace, id, parent, ended, session, status)| {
        let attributes: Vec<_> = session.into_iter().map(|session| ("session.id", session)).collect();
        Incoming { status: Some(status), ..span(trace, id, parent, ended, &attributes) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However spans are cut into requests, what is stored is the last version of each.
    #[test]
    fn any_arrival_ends_in_the_same_records(spans in prop::collection::vec(some_span(), 1..40), cuts in prop::collection::vec(1..6_usize, 1..40)) {
        let (one, many) = (Project::new(), Project::new());
        one.put(spans.clone());
        let mut rest = spans.as_slice();
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            many.put(now.to_vec());
            rest = later;
        }
        many.put(rest.to_vec());
        for id in [&hex(1), &hex(2), &hex(3), "a", "b"] {
            let records = |project: &Project| project.read(id).map(|session| (session.summary, session.records));
            prop_assert_eq!(records(&one), records(&many));
        }
        prop_assert_eq!(one.list(None, 9), many.list(None, 9));
        prop_assert_eq!(one.recent(9), many.recent(9));
    }

    /// Bytes that are no head or part are refused, not believed.
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let with_version: Vec<u8> = std::iter::once(1).chain(bytes).collect();
        if let Some(head) = super::head::Head::read(&with_version) {
            for trace in head.traces() {
                let _ = head.rows(trace).take(10_000).take_while(Option::is_some).count();
            }
        }
        let _ = super::part::decode(&with_version);
    }
}
