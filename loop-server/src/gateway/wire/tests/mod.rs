//! Turns rendered as providers send them, read by a small strict client on the other side.

mod adversary;
mod client;
mod fixtures;
mod fuzz;
mod limits;
mod turn;
mod whole_answers;

use bytes::Bytes;

use super::{Limits, Proposed, Step, Stream, Unreadable, Wire};

/// A verdict with a word in it that no stream of the tests has.
const META: &str = r#"{"status":"allowed","tool":null,"mark":"verdict"}"#;
const MESSAGE: &str = "Tool 'x' is blocked by governance policy.";

/// What a stream came to.
#[derive(Debug)]
struct Outcome {
    out: Vec<u8>,
    /// How many bytes had gone out before the decision.
    before: usize,
    calls: Vec<Proposed>,
}

/// Feeds pieces, and decides by `allowed`.
fn run(wire: Wire, pieces: &[&[u8]], allowed: bool) -> Result<Outcome, Unreadable> {
    let mut stream = Stream::new(wire, Limits::default());
    let mut outcome = Outcome { out: Vec::new(), before: 0, calls: Vec::new() };
    let mut decided = 0;
    let mut take = |stream: &mut Stream, step: Step, out: &mut Vec<Bytes>, outcome: &mut Outcome| {
        outcome.out.extend(out.drain(..).flatten());
        if let Step::Decide(calls) = step {
            decided += 1;
            assert_eq!(decided, 1, "decided twice");
            outcome.before = outcome.out.len();
            outcome.calls = calls;
            let last = if allowed { stream.released(META) } else { stream.replaced(MESSAGE, META) };
            outcome.out.extend(last.into_iter().flatten());
        }
    };
    let mut out = Vec::new();
    for piece in pieces {
        let step = stream.feed(Bytes::copy_from_slice(piece), &mut out)?;
        take(&mut stream, step, &mut out, &mut outcome);
    }
    let step = stream.end(&mut out)?;
    take(&mut stream, step, &mut out, &mut outcome);
    Ok(outcome)
}

/// As [`run`], in one piece and byte by byte: both must come to the same.
fn both(wire: Wire, stream: &str, allowed: bool) -> Result<Outcome, Unreadable> {
    let whole = run(wire, &[stream.as_bytes()], allowed);
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    let apart = run(wire, &bytes, allowed);
    match (&whole, &apart) {
        (Ok(whole), Ok(apart)) => {
            assert_eq!(String::from_utf8_lossy(&whole.out), String::from_utf8_lossy(&apart.out));
            assert_eq!(whole.calls, apart.calls);
        }
        (Err(whole), Err(apart)) => assert_eq!(whole, apart),
        _ => panic!("{whole:?} in one piece, {apart:?} byte by byte"),
    }
    whole
}

/// The verdict taken out again.
fn without_mark(out: &[u8]) -> String {
    String::from_utf8(out.to_vec()).unwrap().replace(&format!(",\"_trustloop\":{META}"), "")
}

fn call(name: &str, arguments: &str) -> Proposed {
    Proposed { name: name.to_owned(), arguments: Ok(arguments.to_owned()), choice: 0 }
}
