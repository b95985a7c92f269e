//! Everything is bounded, and what ended is over.

use bytes::Bytes;

use super::{Limits, META, Step, Stream, Unreadable, Wire, both};

const CALL: &str = r#"data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":""}}]}}]}"#;

fn fed(limits: Limits, pieces: &[&str]) -> Result<Step, Unreadable> {
    let mut stream = Stream::new(Wire::Chat, limits);
    let mut out = Vec::new();
    pieces.iter().try_fold(Step::More, |_, piece| stream.feed(Bytes::copy_from_slice(piece.as_bytes()), &mut out))
}

#[test]
fn events_and_what_is_held_have_a_longest_length() {
    let limits = Limits { event: 200, held: 400 };
    let long = format!(": {}", "x".repeat(250));
    assert_eq!(fed(limits, &[&format!("{long}\n\n")]), Err(Unreadable::TooLarge));
    let (first, second) = long.split_at(150);
    assert_eq!(fed(limits, &[first, second]), Err(Unreadable::TooLarge));
    assert_eq!(fed(limits, &[&format!("{CALL}\n\n")]), Ok(Step::More));
    assert_eq!(fed(limits, &[&format!("{CALL}\n\n{}", ": keep-alive\n\n".repeat(20))]), Err(Unreadable::TooLarge));
    let over = "data: [DONE]\n\n: x\n\n".to_owned() + &": keep-alive\n\n".repeat(40);
    assert_eq!(fed(limits, &[&over]), Err(Unreadable::TooLarge));
}

#[test]
fn calls_are_counted() {
    let delta =
        |index: usize| CALL.replace("\"index\":0,\"function\"", &format!("\"index\":{index},\"function\"")) + "\n\n";
    let most: String = (0..128).map(delta).collect();
    let outcome = both(Wire::Chat, &(most.clone() + "data: [DONE]\n\n"), true).unwrap();
    assert_eq!(outcome.calls.len(), 128);
    assert_eq!(both(Wire::Chat, &(most + &delta(128)), true).unwrap_err(), Unreadable::TooLarge);
}

#[test]
fn a_stream_that_ended_early_is_broken_and_holds_nothing() {
    let mut stream = Stream::new(Wire::Chat, Limits::default());
    let mut out = Vec::new();
    stream.feed(Bytes::from(format!("{CALL}\n\n")), &mut out).unwrap();
    assert!(stream.holding());
    assert_eq!(stream.begun(), ["kill"]);
    assert_eq!(stream.end(&mut out), Err(Unreadable::Cut));
    assert_eq!((stream.released(META), stream.replaced("x", META)), (Vec::new(), Vec::new()));
    assert_eq!(stream.feed(Bytes::from_static(b"data: [DONE]\n\n"), &mut out), Err(Unreadable::Cut));
    assert_eq!(out, Vec::<Bytes>::new());
}

#[test]
fn nothing_is_fed_before_the_decision_and_nothing_is_decided_twice() {
    let mut stream = Stream::new(Wire::Chat, Limits::default());
    let mut out = Vec::new();
    assert_eq!((stream.released(META), stream.replaced("x", META)), (Vec::new(), Vec::new()));
    let step = stream.feed(Bytes::from(format!("{CALL}\n\ndata: [DONE]\n\n")), &mut out).unwrap();
    assert!(matches!(step, Step::Decide(_)));
    assert_eq!(stream.feed(Bytes::from_static(b"\n"), &mut out), Err(Unreadable::Undecided));
    assert_eq!(stream.end(&mut out), Err(Unreadable::Undecided));
    assert_eq!(out, Vec::<Bytes>::new());
    assert!(!stream.replaced("x", META).is_empty());
    assert_eq!(stream.released(META), Vec::<Bytes>::new());
    assert_eq!(stream.end(&mut out), Ok(Step::More));
}

#[test]
fn text_before_what_cannot_be_read_goes_out_whatever_the_pieces() {
    let text = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"hello"}}]}"#;
    let whole = format!("{text}\n\n{text}\n\ndata: nonsense\n\n");
    for size in [whole.len(), 100, 7, 1] {
        let mut stream = Stream::new(Wire::Chat, Limits::default());
        let mut out = Vec::new();
        let mut pieces =
            whole.as_bytes().chunks(size).map(|piece| stream.feed(Bytes::copy_from_slice(piece), &mut out));
        assert_eq!(pieces.find(Result::is_err), Some(Err(Unreadable::Json)));
        drop(pieces);
        assert_eq!(out.concat(), format!("{text}\n\n{text}\n\n").as_bytes());
    }
}

#[test]
fn text_goes_on_in_the_bytes_it_came_in() {
    let text = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"hello"}}]}"#;
    let piece = Bytes::from(format!("{text}\n\n{text}\r\n\r\n: x\n\n{text}"));
    let mut stream = Stream::new(Wire::Chat, Limits::default());
    let mut out = Vec::new();
    assert_eq!(stream.feed(piece.clone(), &mut out), Ok(Step::More));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0], piece[..piece.len() - text.len()]);
    assert_eq!(out[0].as_ptr(), piece.as_ptr());
}
