//! What the gateway's reader adds to a streamed answer: text that passes, event by event, and a turn with a call that
//! is held and released.
//!
//! `cargo bench -p loop-benches --bench gateway_wire`

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use loop_server::gateway::wire::{Limits, Step, Stream, Wire, annotated, proposed};

const TEXTS: u64 = 500;

fn start(wire: Wire) -> Vec<String> {
    let events: &[&str] = match wire {
        Wire::Chat => &[
            r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#,
        ],
        Wire::Responses => &[
            r#"{"type":"response.output_item.added","sequence_number":0,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
        ],
        Wire::Messages => &[
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":3}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ],
    };
    events.iter().map(|event| named(event)).collect()
}

/// An event, named by its type if it has one.
fn named(event: &str) -> String {
    let kind = event.strip_prefix("{\"type\":\"").and_then(|rest| rest.split_once('"'));
    let name = kind.map(|(kind, _)| format!("event: {kind}\n")).unwrap_or_default();
    format!("{name}data: {event}\n\n")
}

fn text(wire: Wire) -> String {
    match wire {
        Wire::Chat => "data: {\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion.chunk\",\"created\":1741570283,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fc9f1d7035\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" weather\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
        Wire::Responses => "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":8,\"item_id\":\"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654\",\"output_index\":0,\"content_index\":0,\"delta\":\" weather\",\"logprobs\":[],\"obfuscation\":\"k3l2j1\"}\n\n",
        Wire::Messages => "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" weather\"}}\n\n",
    }
    .to_owned()
}

/// A chat with a call of so many fragments.
fn call(fragments: usize) -> Vec<Bytes> {
    let chunk = |delta: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let mut events = vec![chunk(
        r#"{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"read_file","arguments":"{\"a\":\""}}]}"#,
    )];
    events.extend((0..fragments).map(|_| chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":" path"}}]}"#)));
    events.push(chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"\"}"}}]}"#));
    events.push("data: [DONE]\n\n".to_owned());
    events.into_iter().map(Bytes::from).collect()
}

fn feed(wire: Wire, events: &[Bytes], out: &mut Vec<Bytes>) -> usize {
    let mut stream = Stream::new(wire, Limits::default());
    let mut sent = 0;
    for event in events {
        if let Ok(Step::Decide(calls)) = stream.feed(event.clone(), out) {
            black_box(calls);
            sent += stream.released("{\"status\":\"allowed\"}").len();
        }
        sent += out.drain(..).map(|piece| piece.len()).sum::<usize>();
    }
    assert!(sent > 0, "nothing was let through");
    sent
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("gateway_wire");
    let mut out = Vec::new();
    for wire in [Wire::Chat, Wire::Responses, Wire::Messages] {
        let mut events: Vec<Bytes> = start(wire).into_iter().map(Bytes::from).collect();
        events.extend((0..TEXTS).map(|_| Bytes::from(text(wire))));
        group.throughput(Throughput::Elements(TEXTS));
        group.bench_function(BenchmarkId::new("text_events", format!("{wire:?}")), |bench| {
            bench.iter(|| feed(wire, black_box(&events), &mut out));
        });
    }
    let events = call(100);
    group.throughput(Throughput::Elements(100));
    group.bench_function(BenchmarkId::new("call_fragments", "Chat"), |bench| {
        bench.iter(|| feed(Wire::Chat, black_box(&events), &mut out));
    });
    let body = Bytes::from_static(br#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"/etc/hosts\"}"}}],"refusal":null},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#);
    group.throughput(Throughput::Elements(1));
    group.bench_function("whole_answer", |bench| {
        bench.iter(|| {
            black_box(proposed(Wire::Chat, black_box(&body))).is_ok_and(|calls| !calls.is_empty())
                && !annotated(&body, "{\"status\":\"allowed\",\"tool\":\"read_file\"}").is_empty()
        });
    });
    group.finish();
    criterion.final_summary();
}
