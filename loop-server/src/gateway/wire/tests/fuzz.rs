//! Random turns, cut anywhere: an allowed stream is not changed by a byte, a blocked one lets no byte of a call
//! through and is still a sound stream.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::{
    MESSAGE, META, Wire, client, run,
    turn::{self, Turn},
    without_mark,
};
use crate::gateway::coding::Gunzip;

/// How a stream is written down.
#[derive(Debug, Clone)]
struct Manner {
    line_end: &'static str,
    comments: bool,
    /// Whether data is spread over lines.
    lines: bool,
    space: bool,
    mark: bool,
    /// Whether the last event has its blank line.
    ended: bool,
}

fn manner() -> impl Strategy<Value = Manner> {
    (prop::sample::select(vec!["\n", "\r\n", "\r"]), any::<[bool; 5]>()).prop_map(
        |(line_end, [comments, lines, space, mark, ended])| Manner { line_end, comments, lines, space, mark, ended },
    )
}

fn written(turn: &Turn, wire: Wire, order: &[prop::sample::Index], manner: &Manner) -> Vec<u8> {
    let mut out = String::new();
    if manner.mark {
        out.push('\u{feff}');
    }
    let end = manner.line_end;
    let events = turn.events(wire, order);
    for (at, (name, data)) in events.iter().enumerate() {
        if manner.comments && at % 2 == 0 {
            out.push_str(&format!(": keep-alive caf\u{e9}{end}{end}"));
        }
        if manner.comments && at % 3 == 0 {
            out.push_str(&format!("id: {at}{end}retry: 10{end}"));
        }
        if let Some(name) = name {
            out.push_str(&format!("event: {name}{end}"));
        }
        let data = if manner.lines && data.starts_with('{') {
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(data).unwrap()).unwrap()
        } else {
            data.clone()
        };
        let space = if manner.space { " " } else { "" };
        for line in data.split('\n') {
            out.push_str(&format!("data:{space}{line}{end}"));
        }
        if manner.ended || at + 1 < events.len() {
            out.push_str(end);
        }
    }
    out.into_bytes()
}

fn pieces<'a>(stream: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// The stream compressed, and opened again as it arrives.
fn through_gzip(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(stream).unwrap();
    let zipped = encoder.finish().unwrap();
    let mut gunzip = Gunzip::new(u64::MAX);
    let mut out: Vec<Vec<u8>> =
        pieces(&zipped, cuts).iter().map(|piece| gunzip.feed(piece).unwrap().to_vec()).collect();
    out.push(gunzip.end().unwrap().to_vec());
    out
}

fn check(turn: &Turn, wire: Wire, stream: &[u8], pieces: &[&[u8]]) {
    let allowed = run(wire, pieces, true).unwrap();
    let sorted = |mut calls: Vec<super::Proposed>| {
        calls.sort_by_key(|call| format!("{call:?}"));
        calls
    };
    assert_eq!(sorted(allowed.calls), sorted(turn.proposed(wire)));
    assert_eq!(without_mark(&allowed.out), String::from_utf8_lossy(stream));
    let sent = client::read(wire, &allowed.out);
    assert_eq!(sent.mark, Some(serde_json::from_str(META).unwrap()));
    assert_eq!(sent.calls.len(), turn.proposed(wire).len());
    if sent.calls.is_empty() {
        return;
    }
    let blocked = run(wire, pieces, false).unwrap();
    let out = String::from_utf8(blocked.out.clone()).unwrap();
    assert!(!out.contains(['Ψ', 'Ω']), "{out}");
    assert!(
        !out.contains("\"tool_calls\":[") && !out.contains("tool_use\",") && !out.contains("function_call"),
        "{out}"
    );
    let seen = client::read(wire, &blocked.out);
    assert_eq!(seen.calls, []);
    assert_eq!(seen.mark, Some(serde_json::from_str(META).unwrap()));
    assert_eq!(seen.usage, sent.usage);
    for (at, (text, whole)) in seen.text.iter().zip(turn.text()).enumerate() {
        let finish = seen.finish[at].as_deref();
        if let Some(before) = text.strip_suffix(MESSAGE) {
            let before = if before.is_empty() { before } else { before.strip_suffix("\n\n").expect("a gap") };
            assert!(whole.starts_with(before), "{before}");
            assert!(matches!(finish, Some("stop" | "end_turn" | "completed")), "{finish:?}");
        } else {
            assert_eq!((text, finish), (&whole, Some("stop")), "an end that was sent before");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn allowed_streams_stay_and_blocked_ones_let_nothing_through(
        turn in turn::turns(3),
        wire in prop::sample::select(vec![Wire::Chat, Wire::Responses, Wire::Messages]),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        manner in manner(),
        gzip in any::<bool>(),
    ) {
        let mut turn = turn;
        if wire != Wire::Chat {
            turn.choices.truncate(1);
        }
        let stream = written(&turn, wire, &order, &manner);
        if gzip {
            let opened = through_gzip(&stream, &cuts);
            let pieces: Vec<&[u8]> = opened.iter().map(Vec::as_slice).collect();
            check(&turn, wire, &stream, &pieces);
        } else {
            check(&turn, wire, &stream, &pieces(&stream, &cuts));
        }
    }

    #[test]
    fn a_stream_that_is_cut_short_gives_nothing_of_its_calls(
        turn in turn::turns(2),
        wire in prop::sample::select(vec![Wire::Chat, Wire::Responses, Wire::Messages]),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        manner in manner(),
        end in any::<prop::sample::Index>(),
    ) {
        let mut turn = turn;
        if wire != Wire::Chat {
            turn.choices.truncate(1);
        }
        let stream = written(&turn, wire, &order, &manner);
        let mut streamed = super::Stream::new(wire, super::Limits::default());
        let mut out = Vec::new();
        let cut = &stream[..end.index(stream.len())];
        let step = streamed.feed(bytes::Bytes::copy_from_slice(cut), &mut out);
        let sent: Vec<u8> = out.iter().flatten().copied().collect();
        prop_assert!(!String::from_utf8_lossy(&sent).contains(['Ψ', 'Ω']));
        prop_assert!(stream.starts_with(&sent));
        if step == Ok(super::Step::More) {
            let ended = streamed.end(&mut out);
            prop_assert!(matches!(ended, Err(_) | Ok(super::Step::Decide(_))), "{:?}", ended);
        }
    }
}
