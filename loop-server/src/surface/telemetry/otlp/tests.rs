//! Both readers against each other and against what OpenTelemetry's own schema writes.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loop_core::telemetry::incoming::{Batch, Incoming, Value};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event},
};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

use super::{Undecodable, bounds::SPANS_MAX, decode, media::Media};

fn some_value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        ".{0,12}".prop_map(Any::StringValue),
        any::<bool>().prop_map(Any::BoolValue),
        any::<i64>().prop_map(Any::IntValue),
        (-1e300..1e300).prop_map(Any::DoubleValue),
        Just(Any::DoubleValue(f64::INFINITY)),
        any::<Vec<u8>>().prop_map(Any::BytesValue),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let value = prop::option::of(inner).prop_map(|value| AnyValue { value });
        prop_oneof![
            prop::collection::vec(value.clone(), 0..3).prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            prop::collection::vec((".{0,5}", value), 0..3)
                .prop_map(|pairs| Any::KvlistValue(KeyValueList { values: pairs.into_iter().map(pair).collect() })),
        ]
    })
}

fn pair((key, value): (String, AnyValue)) -> KeyValue {
    KeyValue { key, value: Some(value) }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let one = (".{0,9}", prop::option::of(some_value()).prop_map(|value| AnyValue { value })).prop_map(pair);
    prop::collection::vec(one, 0..5)
}

fn id(size: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => prop::collection::vec(any::<u8>(), size), 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

prop_compose! {
    fn span()(
        ids in (id(16), id(8), id(8)),
        name in ".{0,9}",
        times in any::<(u64, u64)>(),
        attributes in attributes(),
        events in prop::collection::vec((any::<u64>(), ".{0,9}", attributes()), 0..3),
        status in prop::option::of((".{0,9}", 0..4_i32)),
    ) -> Span {
        let event = |(time_unix_nano, name, attributes)| {
            Event { time_unix_nano, name, attributes, dropped_attributes_count: 1 }
        };
        Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: "a=b".to_owned(),
            name,
            kind: 3,
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes,
            events: events.into_iter().map(event).collect(),
            status: status.map(|(message, code)| Status { message, code }),
            flags: 257,
            ..Span::default()
        }
    }
}

prop_compose! {
    fn request()(
        all in prop::collection::vec((prop::option::of(attributes()), prop::collection::vec(span(), 0..3)), 0..3)
    ) -> ExportTraceServiceRequest {
        let scope = |spans| ScopeSpans {
            scope: Some(InstrumentationScope { name: "s".to_owned(), ..InstrumentationScope::default() }),
            spans,
            schema_url: "u".to_owned(),
        };
        let resource_spans = all.into_iter().map(|(attributes, spans)| ResourceSpans {
            resource: attributes.map(|attributes| Resource { attributes, ..Resource::default() }),
            scope_spans: vec![scope(spans)],
            schema_url: "u".to_owned(),
        });
        ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
    }
}

/// The same as an exporter of JSON writes it.
fn as_json(request: &ExportTraceServiceRequest) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let span = |span: &Span| {
        json!({
            "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id), "parentSpanId": hex(&span.parent_span_id),
            "name": span.name, "kind": span.kind, "future": [{ "x": null }],
            "startTimeUnixNano": span.start_time_unix_nano.to_string(), "endTimeUnixNano": span.end_time_unix_nano,
            "attributes": json_of(&span.attributes),
            "events": span.events.iter().map(|event| json!({
                "timeUnixNano": event.time_unix_nano, "name": event.name, "attributes": json_of(&event.attributes),
            })).collect::<Vec<_>>(),
            "status": span.status.as_ref().map(|status| json!({ "code": status.code, "message": status.message })),
        })
    };
    let resources = request.resource_spans.iter().map(|one| {
        json!({
            "scopeSpans": one.scope_spans.iter().map(|scope| json!({
                "scope": { "name": "s" }, "spans": scope.spans.iter().map(span).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "resource": one.resource.as_ref().map(|resource| json!({ "attributes": json_of(&resource.attributes) })),
        })
    });
    json!({ "other": 1, "resourceSpans": resources.collect::<Vec<_>>() }).to_string()
}

fn json_of(attributes: &[KeyValue]) -> serde_json::Value {
    attributes.iter().map(|one| json!({ "key": one.key, "value": one.value.as_ref().map(value_of) })).collect()
}

fn value_of(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({ "stringValue": text }),
        Some(Any::BoolValue(bool)) => json!({ "boolValue": bool }),
        Some(Any::IntValue(int)) if int % 2 == 0 => json!({ "intValue": int }),
        Some(Any::IntValue(int)) => json!({ "intValue": int.to_string() }),
        Some(Any::DoubleValue(double)) if double.is_infinite() => json!({ "doubleValue": "Infinity" }),
        Some(Any::DoubleValue(double)) => json!({ "doubleValue": double }),
        Some(Any::BytesValue(bytes)) => json!({ "bytesValue": STANDARD.encode(bytes) }),
        Some(Any::ArrayValue(list)) => {
            json!({ "arrayValue": { "values": list.values.iter().map(value_of).collect::<Vec<_>>() } })
        }
        Some(Any::KvlistValue(list)) => json!({ "kvlistValue": { "values": json_of(&list.values) } }),
    }
}

/// What has to be read of a span.
fn same(read: &Incoming<'_>, sent: &Span) {
    assert_eq!(read.trace_id.map(Vec::from), Some(sent.trace_id.clone()).filter(|id| id.len() == 16));
    assert_eq!(read.span_id.map(Vec::from), Some(sent.span_id.clone()).filter(|id| id.len() == 8));
    match sent.parent_span_id.len() {
        0 => assert_eq!(read.parent_id, Some([0; 8])),
        8 => assert_eq!(read.parent_id.map(Vec::from), Some(sent.parent_span_id.clone())),
        _ => assert_eq!(read.parent_id, None),
    }
    assert_eq!(
        (read.name.as_ref(), read.start, read.end),
        (sent.name.as_str(), Some(sent.start_time_unix_nano), Some(sent.end_time_unix_nano))
    );
    let status = sent.status.clone().unwrap_or_default();
    assert_eq!((read.message.as_ref(), read.status), (status.message.as_str(), u8::try_from(status.code).ok()));
    assert_eq!(read.attributes.len(), sent.attributes.len());
    assert_eq!(read.events.len(), sent.events.len());
}

proptest! {
    #[test]
    fn both_encodings_of_a_request_are_read_as_the_schema_wrote_it(request in request()) {
        let (bytes, json) = (request.encode_to_vec(), as_json(&request));
        let batch = decode(Media::Protobuf, &bytes).unwrap();
        prop_assert_eq!(&batch, &decode(Media::Json, json.as_bytes()).unwrap());
        let sent: Vec<_> = request.resource_spans.iter().enumerate().flat_map(|(at, one)| {
            one.scope_spans.iter().flat_map(|scope| &scope.spans).map(move |span| (at, span))
        }).collect();
        prop_assert_eq!(batch.spans.len(), sent.len());
        for (read, (resource, sent)) in batch.spans.iter().zip(sent) {
            same(read, sent);
            prop_assert_eq!(read.resource, resource);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = decode(Media::Protobuf, &bytes);
        let _ = decode(Media::Json, &bytes);
    }

    #[test]
    fn damaged_requests_are_read_or_refused(request in request(), at: prop::sample::Index, to: u8, cut: prop::sample::Index) {
        let (mut bytes, mut json) = (request.encode_to_vec(), as_json(&request).into_bytes());
        for (media, body) in [(Media::Protobuf, &mut bytes), (Media::Json, &mut json)] {
            if let Some(byte) = { let at = at.index(body.len().max(1)); body.get_mut(at) } {
                *byte = to;
            }
            let _ = decode(media, body);
            body.truncate(cut.index(body.len() + 1));
            let _ = decode(media, body);
        }
    }
}

fn json_span(members: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#)
}

fn one(json: &str) -> Incoming<'_> {
    decode(Media::Json, json.as_bytes()).unwrap().spans.remove(0)
}

#[test]
fn null_is_as_good_as_nothing() {
    let nothing = json_span("");
    let members = ["traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes"];
    let members: Vec<_> = members.iter().chain(&["events", "status"]).map(|name| format!(r#""{name}":null"#)).collect();
    assert_eq!(one(&json_span(&members.join(","))), one(&nothing));
    let nulls = json_span(r#""attributes":[{"key":"k","value":{"stringValue":null,"arrayValue":{"values":null}}}]"#);
    assert_eq!(one(&nulls).attributes, [(Cow::Borrowed("k"), Value::List(Vec::new()))]);
    assert_eq!(decode(Media::Json, br#"{"resourceSpans":[null]}"#).map(|batch| batch.resources.len()), Ok(1));
}

#[test]
fn what_a_span_says_wrongly_is_its_own_fault() {
    let json = json_span(
        r#""traceId":"xyz","spanId":"00","parentSpanId":"0g0g0g0g0g0g0g0g","startTimeUnixNano":"99999999999999999999999","endTimeUnixNano":-1,"status":{"code":-7}"#,
    );
    let span = one(&json);
    assert_eq!((span.trace_id, span.span_id, span.parent_id, span.start, span.end, span.status), Default::default());
}

#[test]
fn what_is_no_request_is_refused() {
    for body in [
        "",
        "{",
        "[]",
        "7",
        "null",
        r#""x""#,
        "{}",
        r#"{"resourceSpans":null}"#,
        r#"{"resourceSpans":{}}"#,
        r#"{"resourceSpans":[]}x"#,
    ] {
        assert!(decode(Media::Json, body.as_bytes()).is_err(), "{body}");
    }
    assert_eq!(decode(Media::Json, b"{}"), Err(Undecodable::Missing));
    for members in [
        r#""name":7"#,
        r#""traceId":7"#,
        r#""attributes":{}"#,
        r#""startTimeUnixNano":true"#,
        r#""startTimeUnixNano":"soon""#,
        r#""kind":"SPAN_KIND_NOPE""#,
        r#""attributes":[{"key":"k","value":{"intValue":"many"}}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":"much"}}]"#,
        r#""attributes":[{"key":"k","value":{"bytesValue":"!"}}]"#,
        r#""attributes":[{"key":"k","value":"bare"}]"#,
    ] {
        assert!(matches!(decode(Media::Json, json_span(members).as_bytes()), Err(Undecodable::Json(_))), "{members}");
    }
    assert_eq!(decode(Media::Protobuf, b""), Ok(Batch::default()), "nothing is an empty request");
    for body in [&b"\x0a\x05"[..], b"\x0b", b"\x08\x01", b"\x02\x00", &[0xff; 11], b"\x0a\x06\x12\x04\x12\x02\x2a\x05"]
    {
        assert!(matches!(decode(Media::Protobuf, body), Err(Undecodable::Protobuf(_))), "{body:?}");
    }
}

#[test]
fn numbers_are_read_in_every_spelling() {
    let json = json_span(
        r#""startTimeUnixNano":1.5e18,"endTimeUnixNano":"18446744073709551615","attributes":[{"key":"a","value":{"doubleValue":"NaN"}},{"key":"b","value":{"doubleValue":1}},{"key":"c","value":{"intValue":-9223372036854775808}}]"#,
    );
    let span = one(&json);
    assert_eq!((span.start, span.end), (Some(1_500_000_000_000_000_000), Some(u64::MAX)));
    assert!(matches!(span.attributes[0].1, Value::Double(double) if double.is_nan()));
    assert_eq!(span.attributes[1].1, Value::Double(1.0));
    assert_eq!(span.attributes[2].1, Value::Int(i64::MIN));
}

#[test]
fn texts_are_lent_unless_something_in_them_is_escaped() {
    let json = json_span(r#""name":"plain","status":{"message":"a\nb"}"#);
    let span = one(&json);
    assert!(matches!(span.name, Cow::Borrowed("plain")));
    assert_eq!(span.message, "a\nb");
}

#[test]
fn values_ten_thousand_deep_exhaust_nothing() {
    let mut bytes = vec![0x0a, 1, b'x'];
    for _ in 0..10_000 {
        let mut list = Vec::new();
        prost::encoding::bytes::encode(1, &bytes, &mut list);
        bytes.clear();
        prost::encoding::bytes::encode(5, &list, &mut bytes);
    }
    let mut whole = bytes;
    for number in [2_u32, 9, 2, 2, 1] {
        let mut outer = Vec::new();
        prost::encoding::bytes::encode(number, &whole, &mut outer);
        whole = outer;
    }
    let batch = decode(Media::Protobuf, &whole).unwrap();
    assert!(matches!(batch.spans[0].attributes[0].1, Value::List(_)));
    let deep = format!(
        r#""attributes":[{{"value":{}{}}}]"#,
        r#"{"arrayValue":{"values":["#.repeat(10_000),
        "]}}".repeat(10_000)
    );
    assert!(matches!(decode(Media::Json, json_span(&deep).as_bytes()), Err(Undecodable::Json(_))));
}

#[test]
fn more_than_memory_is_meant_for_is_refused() {
    let spans = vec!["{}"; SPANS_MAX + 1].join(",");
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
    assert_eq!(decode(Media::Json, json.as_bytes()), Err(Undecodable::TooMany));
    let scope = ScopeSpans { spans: vec![Span::default(); SPANS_MAX + 1], ..ScopeSpans::default() };
    let many = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let bytes = ExportTraceServiceRequest { resource_spans: vec![many] }.encode_to_vec();
    assert_eq!(decode(Media::Protobuf, &bytes), Err(Undecodable::TooMany));
    let value = r#"{},"#.repeat(super::bounds::VALUES_MAX);
    let json = json_span(&format!(r#""attributes":[{value}{{}}]"#));
    assert_eq!(decode(Media::Json, json.as_bytes()), Err(Undecodable::TooMany));
}

#[test]
fn a_partial_success_is_what_the_schema_reads() {
    use loop_core::telemetry::prepare::{Reject, Rejected};
    let rejected = Rejected { count: 300, first: Some(Reject::Name) };
    let reply = super::answer::accepted(Media::Protobuf, http::StatusCode::OK, &rejected).unwrap();
    let read = ExportTraceServiceResponse::decode(reply.into_bytes().unwrap()).unwrap();
    let partial = ExportTracePartialSuccess { rejected_spans: 300, error_message: rejected.to_string() };
    assert_eq!(read.partial_success, Some(partial));
}
