//! `/v1/traces`, as exporters of OpenTelemetry call it.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use loop_core::{access::Scope, telemetry::content::Content};
use loop_server::{config::OtlpStatus, surface};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use proptest::{
    collection::vec,
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{
    Answer, Fixture,
    client::{Client, request},
};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Now, in nanoseconds since the Unix epoch.
fn now(fixture: &Fixture) -> u64 {
    fixture.server.app.engine.now().as_micros().unsigned_abs() * 1_000
}

/// A span that ended now.
fn span(fixture: &Fixture, trace: u8, id: u8) -> Value {
    json!({
        "traceId": format!("{trace:02x}").repeat(16), "spanId": format!("{id:02x}").repeat(8), "name": format!("span {id}"),
        "startTimeUnixNano": (now(fixture) - 1_000_000_000).to_string(), "endTimeUnixNano": now(fixture).to_string(),
        "attributes": [{ "key": "session.id", "value": { "stringValue": format!("s{trace}") } }],
    })
}

fn body(spans: &[Value]) -> String {
    json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": spans }] }] }).to_string()
}

fn protobuf(fixture: &Fixture, trace: u8, id: u8) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: format!("span {id}"),
        start_time_unix_nano: now(fixture) - 1_000_000_000,
        end_time_unix_nano: now(fixture),
        ..Span::default()
    }
}

fn as_protobuf(spans: Vec<Span>) -> Vec<u8> {
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("compressed")
}

async fn post(fixture: &Fixture, media: &str, coding: &str, body: &[u8]) -> Answer {
    let key = format!("Bearer {}", fixture.key);
    let headers = [("authorization", key.as_str()), ("content-type", media), ("content-encoding", coding)];
    fixture.send("POST", "/v1/traces", &headers, body).await
}

/// The names of what is stored of a session or trace.
async fn stored(fixture: &Fixture, id: &str) -> Vec<String> {
    let answer = fixture.call("GET", &format!("/v1/sessions/{id}"), &fixture.key, "").await;
    let json = answer.json();
    let records = json["records"].as_array().cloned().unwrap_or_default();
    records.iter().map(|record| record["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn spans_are_taken_in_however_they_are_sent() {
    let fixture = Fixture::start().await;
    let plain = body(&[span(&fixture, 1, 1)]);
    let answer = post(&fixture, "application/json; charset=utf-8", "identity", plain.as_bytes()).await;
    assert_eq!((answer.status, answer.text().as_str()), (202, "{}"));
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(post(&fixture, JSON, "gzip", &gzip(body(&[span(&fixture, 1, 2)]).as_bytes())).await.status, 202);
    let answer = post(&fixture, PROTOBUF, "identity", &as_protobuf(vec![protobuf(&fixture, 1, 3)])).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert_eq!(answer.header("content-type"), Some(PROTOBUF));
    assert_eq!(post(&fixture, PROTOBUF, "gzip", &gzip(&as_protobuf(vec![protobuf(&fixture, 1, 4)]))).await.status, 202);
    assert_eq!(stored(&fixture, "s1").await, ["span 1", "span 2", "span 3", "span 4"]);
    assert_eq!(stored(&fixture, &"01".repeat(16)).await.len(), 4);
}

#[tokio::test]
async fn a_body_in_chunks_needs_no_length() {
    let fixture = Fixture::start().await;
    let body = body(&[span(&fixture, 1, 1)]);
    let mut client = Client::connect(fixture.address).await;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n\r\n",
        fixture.key
    );
    client.send(head.as_bytes()).await;
    for piece in body.as_bytes().chunks(50) {
        client.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
        client.send(piece).await;
        client.send(b"\r\n").await;
    }
    client.send(b"0\r\n\r\n").await;
    assert_eq!(client.answer(false).await.map(|answer| answer.status), Some(202));
    assert_eq!(stored(&fixture, "s1").await, ["span 1"]);
}

#[tokio::test]
async fn what_cannot_be_stored_is_told_and_the_rest_is_stored() {
    let fixture = Fixture::start().await;
    let bad = [
        json!({ "traceId": "0102" }),
        json!({ "spanId": "" }),
        json!({ "name": "" }),
        json!({ "startTimeUnixNano": "1", "endTimeUnixNano": "2" }),
        json!({ "endTimeUnixNano": "4102444800000000000" }),
        json!({ "endTimeUnixNano": 5 }),
        json!({ "status": { "code": 9 } }),
    ];
    let mut spans: Vec<Value> = (2..)
        .zip(bad)
        .map(|(id, wrong)| {
            let mut span = span(&fixture, 1, id);
            span.as_object_mut().expect("an object").extend(wrong.as_object().cloned().expect("an object"));
            span
        })
        .collect();
    spans.push(span(&fixture, 1, 1));
    let answer = post(&fixture, JSON, "identity", body(&spans).as_bytes()).await;
    let partial = answer.json()["partialSuccess"].clone();
    assert_eq!((answer.status, partial["rejectedSpans"].as_str()), (202, Some("7")));
    assert!(partial["errorMessage"].as_str().is_some_and(|why| why.contains("trace id")), "{partial}");
    let wrong = Span { span_id: vec![1; 7], ..protobuf(&fixture, 1, 9) };
    let answer = post(&fixture, PROTOBUF, "identity", &as_protobuf(vec![wrong, protobuf(&fixture, 1, 8)])).await;
    let told = ExportTraceServiceResponse::decode(answer.body.as_slice()).expect("a response").partial_success;
    assert_eq!(told.map(|partial| partial.rejected_spans), Some(1));
    assert_eq!(stored(&fixture, "s1").await, ["span 1", "span 8"]);
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_its_own_encoding() {
    let fixture = Fixture::start().await;
    let whole = gzip(body(&[span(&fixture, 1, 1)]).as_bytes());
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    let garbage = [whole.as_slice(), b"more"].concat();
    for (media, coding, body, status) in [
        (JSON, "identity", &b"{}"[..], 400),
        (JSON, "identity", br#"{"resourceSpans":"x"}"#, 400),
        (JSON, "identity", b"\xff", 400),
        (JSON, "identity", b"", 400),
        (PROTOBUF, "identity", b"\x0a\x7f", 400),
        (JSON, "gzip", b"not gzip", 400),
        (JSON, "gzip", b"", 400),
        (JSON, "gzip", &whole[..whole.len() - 9], 400),
        (JSON, "gzip", &damaged, 400),
        (JSON, "gzip", &garbage, 400),
        (PROTOBUF, "gzip", b"not gzip", 400),
        (JSON, "br", b"{}", 415),
        (PROTOBUF, "deflate", b"", 415),
        ("text/plain", "identity", b"{}", 415),
        ("", "identity", b"{}", 415),
    ] {
        let answer = post(&fixture, media, coding, body).await;
        assert_eq!(answer.status, status, "{media} {coding} {body:?}: {}", answer.text());
        if media == PROTOBUF {
            assert_eq!(answer.header("content-type"), Some(PROTOBUF));
            // `google.rpc.Status`: its message is field 2.
            assert_eq!((answer.body[0], usize::from(answer.body[1])), (0x12, answer.body.len() - 2));
        } else {
            let told = answer.json();
            assert!(told["message"].as_str().is_some_and(|text| text.len() < 400), "{told}");
        }
    }
    assert_eq!(stored(&fixture, "s1").await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_read_for_a_key_that_may_not_write() {
    let fixture = Fixture::start().await;
    let lacking = fixture.key_without(Scope::TelemetryWrite).await;
    for (key, status) in [("", 401), ("lk_ingest_unknown", 401), (lacking.as_str(), 403)] {
        let key = format!("Bearer {key}");
        let mut client = Client::connect(fixture.address).await;
        // The body never comes; the answer does.
        let head = [("authorization", key.as_str()), ("content-type", PROTOBUF), ("expect", "100-continue")];
        let mut bytes = request("POST", "/v1/traces", &head, &[0; 100]);
        bytes.truncate(bytes.len() - 100);
        client.send(&bytes).await;
        let answer = client.answer(false).await.expect("an answer");
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(PROTOBUF)));
    }
}

#[tokio::test]
async fn a_bomb_is_met_while_it_is_inflated() {
    let fixture = Fixture::start().await;
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 1 << 20);
    let answer = post(&fixture, JSON, "gzip", &bomb).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let almost = gzip(&[&vec![b' '; (64 << 20) - 20][..], br#"{"resourceSpans":[]}"#].concat());
    assert_eq!(post(&fixture, JSON, "gzip", &almost).await.status, 202);
    let long = [&vec![b' '; 64 << 20][..], b"{}"].concat();
    assert_eq!(post(&fixture, JSON, "identity", &long).await.status, 413);
}

#[tokio::test]
async fn bodies_for_which_there_is_no_memory_are_to_come_again() {
    let fixture = Fixture::start().await;
    let mut all = fixture.server.app.room.held();
    all.grow(192 << 20).expect("nobody else holds any");
    let spans: Vec<Value> = (1..=200).map(|id| span(&fixture, 1, id)).collect();
    let large = body(&[spans.as_slice(), &spans, &spans].concat());
    assert!(large.len() > 100_000);
    let answer = post(&fixture, JSON, "identity", large.as_bytes()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let small = body(&[span(&fixture, 2, 1)]);
    assert_eq!(
        post(&fixture, JSON, "identity", small.as_bytes()).await.status,
        202,
        "decisions and small batches go on"
    );
    drop(all);
    assert_eq!(post(&fixture, JSON, "identity", large.as_bytes()).await.status, 202);
    assert_eq!(stored(&fixture, "s1").await.len(), 200);
}

#[tokio::test]
async fn hostile_spans_are_contained() {
    let fixture = Fixture::start().await;
    let mut long = protobuf(&fixture, 1, 1);
    let text = |text: String| AnyValue { value: Some(Any::StringValue(text)) };
    long.attributes =
        (0..8).map(|n| KeyValue { key: format!("k{n}"), value: Some(text("x".repeat(1 << 20))) }).collect();
    assert_eq!(post(&fixture, PROTOBUF, "identity", &as_protobuf(vec![long])).await.status, 202);
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(10_000), "]}}".repeat(10_000));
    let deep: String = body(&[span(&fixture, 1, 2)]).replace(r#"{"stringValue":"s1"}"#, &deep);
    assert_eq!(post(&fixture, JSON, "identity", deep.as_bytes()).await.status, 400);
    let answer = fixture.call("GET", &format!("/v1/sessions/{}", "01".repeat(16)), &fixture.key, "").await;
    assert!(answer.body.len() < 200_000, "{}", answer.body.len());
    assert_eq!(answer.json()["records"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_tenant_reads_its_own_spans_only() {
    let fixture = Fixture::start().await;
    assert_eq!(post(&fixture, JSON, "identity", body(&[span(&fixture, 1, 1)]).as_bytes()).await.status, 202);
    assert_eq!(fixture.call("GET", "/v1/sessions/s1", &fixture.other, "").await.status, 404);
    assert_eq!(fixture.call("GET", "/v1/sessions/s1", &fixture.key, "").await.status, 200);
}

#[tokio::test]
async fn the_operator_chooses_the_status_and_whether_content_is_kept() {
    let set = |config: &mut loop_server::config::Config| {
        config.otlp.status = OtlpStatus::Ok;
        config.otlp.content = Content::Dropped;
    };
    let fixture = Fixture::with(set, surface::rows()).await;
    let mut said = span(&fixture, 1, 1);
    let prompt = json!({ "key": "gen_ai.input.messages", "value": { "stringValue": "a prompt" } });
    said["attributes"].as_array_mut().expect("a list").push(prompt);
    assert_eq!(post(&fixture, JSON, "identity", body(&[said]).as_bytes()).await.status, 200);
    let answer = fixture.call("GET", "/v1/sessions/s1", &fixture.key, "").await;
    assert!(answer.text().contains("span 1") && !answer.text().contains("a prompt"), "{}", answer.text());
}

/// Whatever is sent, spans are stored exactly when the answer says so.
#[tokio::test]
async fn damaged_requests_are_stored_whole_or_not_at_all() {
    let fixture = Fixture::start().await;
    let mut runner = TestRunner::default();
    let damage = (vec(proptest::num::u8::ANY, 0..4), proptest::num::usize::ANY, proptest::bool::ANY);
    for trace in 1..=60 {
        let (bytes, at, cut) = damage.new_tree(&mut runner).expect("a case").current();
        let json = trace % 2 == 0;
        let mut sent = if json {
            body(&[span(&fixture, trace, 1), span(&fixture, trace, 2)]).into_bytes()
        } else {
            as_protobuf(vec![protobuf(&fixture, trace, 1), protobuf(&fixture, trace, 2)])
        };
        let at = at % sent.len();
        for (to, byte) in sent[at..].iter_mut().zip(bytes) {
            *to = byte;
        }
        if cut {
            sent.truncate(at);
        }
        let answer = post(&fixture, if json { JSON } else { PROTOBUF }, "identity", &sent).await;
        let count = stored(&fixture, &format!("{trace:02x}").repeat(16)).await.len();
        match answer.status {
            202 => assert!(count <= 2),
            status => assert_eq!((status, count), (400, 0), "{sent:?}"),
        }
    }
}
