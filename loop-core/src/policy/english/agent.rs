//! Who asks: agents that are named.

use super::{
    tape::Tape,
    token::Kind,
    words::{Group, is_known},
};
use crate::policy::condition::Condition;

/// Takes agents that are named: `the billing agent`, `intern-bot`, `by "nightly"`.
pub fn agents(tape: &mut Tape) -> Option<Condition> {
    let mut names = Vec::new();
    for at in 0..tape.len() {
        let word = tape.word(at).to_owned();
        let quoted = tape.kind(at) == Some(&Kind::Quoted)
            && matches!(tape.before(at, 1), "by" | "from" | "agent" | "bot" | "assistant" | "named" | "called");
        let hyphened = tape.kind(at) == Some(&Kind::Word) && word.contains('-');
        if hyphened || quoted {
            let name = tape.take(at);
            let kind = tape.word(at + 1).trim_end_matches('s').to_owned();
            if is_agent(&kind) {
                tape.take(at + 1);
                names.push(format!("{name}-{kind}"));
            } else {
                names.push(name);
            }
        } else if is_agent(&word)
            && let Some(before) = at.checked_sub(1)
        {
            let name = tape.word(before).to_owned();
            let names_one = tape.kind(before) == Some(&Kind::Word)
                && !name.is_empty()
                && !tape.raw_is(before, Group::Small)
                && !tape.raw_is(before, Group::Except)
                && !matches!(name.as_str(), "ai" | "llm" | "other" | "autonomous");
            // `agents` are many, but `the night agents` may still be some of them.
            if names_one && (!word.ends_with('s') || !is_known(&name)) {
                tape.take(before);
                tape.take(at);
                names.push(format!("{name}-{}", word.trim_end_matches('s')));
            }
        }
    }
    (!names.is_empty()).then_some(Condition::Agent(names))
}

fn is_agent(word: &str) -> bool {
    matches!(word, "agent" | "bot" | "assistant" | "agents" | "bots" | "assistants")
}
