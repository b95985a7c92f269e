//! To whom it goes: domains, addresses, channels.

use super::{tape::Tape, token::Kind, words::List};
use crate::policy::condition::{Condition, Whom};

/// Takes domains and addresses. `excepting` in an exception, where `other than` is no second one.
pub fn recipients(tape: &mut Tape, excepting: bool) -> Option<Condition> {
    let (mut within, mut outside, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = false;
    let addressed = tape.any_raw(|word| List::Addressed.has(word));
    for at in 0..tape.len() {
        if is_beyond(tape, at) {
            out = !excepting || tape.raw_word(at) != "other";
        }
        let mail = matches!(tape.word(at), "gmail" | "hotmail" | "yahoo" | "icloud" | "aol")
            && List::PublicMail.has(tape.raw_word(at + 1));
        match tape.kind(at) {
            Some(Kind::Word) if mail => {
                // `personal Gmail accounts`
                let domain = format!("{}.com", tape.take(at));
                tape.take(at + 1);
                within.push(domain);
            }
            // `at *.gov`, where recipients are spoken of
            Some(Kind::Glob) if addressed && is_domain(tape.raw(at)) => {
                let domain = tape.take(at).trim_start_matches("*.").to_lowercase();
                if out { outside.push(domain) } else { within.push(domain) }
            }
            Some(Kind::Domain) => {
                let domain = tape.take(at);
                if out { outside.push(domain) } else { within.push(domain) }
            }
            Some(Kind::Email) => addresses.push(tape.take(at)),
            _ => {}
        }
    }
    let mut any = Vec::new();
    let mut offer = |list: Vec<String>, whom: fn(Vec<String>) -> Whom| {
        if !list.is_empty() {
            any.push(Condition::Recipient(whom(list)));
        }
    };
    offer(within, Whom::In);
    offer(outside, Whom::Outside);
    offer(addresses, Whom::Address);
    (!any.is_empty()).then(|| Condition::any(any))
}

/// `*.gov.uk`
fn is_domain(glob: &str) -> bool {
    glob.strip_prefix("*.").is_some_and(|rest| {
        !rest.contains('*') && rest.split('.').next_back().is_some_and(|end| List::TopLevel.has(&end.to_lowercase()))
    })
}

/// Whether what follows is where it does not go: `outside`, `not at`, `leaving`.
fn is_beyond(tape: &Tape, at: usize) -> bool {
    let next = tape.raw_word(at + 1);
    match tape.raw_word(at) {
        "outside" | "external" | "externals" | "leaving" | "leave" | "leaves" | "beyond" => true,
        "other" => next == "than",
        "not" => List::DomainLead.has(next),
        "without" => matches!(next, "a" | "an"),
        _ => false,
    }
}

/// Takes channels.
pub fn channels(tape: &mut Tape) -> Option<Condition> {
    let mut places = Vec::new();
    for at in 0..tape.len() {
        if tape.kind(at) == Some(&Kind::Channel) {
            places.push(tape.take(at));
        }
    }
    (!places.is_empty()).then_some(Condition::Place(places))
}
