//! Where it happens: production, staging and so on.

use super::{
    tape::Tape,
    words::{Group, List, is},
};
use crate::policy::{condition::Condition, facts::Environment};

/// Takes names of environments.
pub fn environments(tape: &mut Tape) -> Option<Condition> {
    let mut found = Vec::new();
    for at in 0..tape.len() {
        if tape.is_taken(at) {
            continue;
        }
        let Some((environment, sure)) = environment(tape.word(at)) else { continue };
        let before = at.checked_sub(1).map(|at| tape.raw_word(at)).unwrap_or_default();
        let behind = tape.raw_word(at + 1);
        let placed = List::EnvironmentLead.has(before) || List::EnvironmentNoun.has(behind);
        let listed = !found.is_empty() && (matches!(before, "or" | "and" | "nor") || tape.is_mark(at.wrapping_sub(1)));
        if sure || placed || listed {
            // `non-production` is everything but.
            if before == "non" && environment != Environment::Production {
                tape.take(at);
                return Some(Condition::negated(Condition::Environment(vec![environment])));
            }
            if before == "non" || before == "pre" {
                found.extend([Environment::Staging, Environment::Development, Environment::Test, Environment::Preview]);
            } else {
                found.push(environment);
            }
            tape.take(at);
        }
    }
    (!found.is_empty()).then_some(Condition::Environment(found))
}

fn environment(word: &str) -> Option<(Environment, bool)> {
    let groups = [
        (Group::Production, Environment::Production, word != "live"),
        (Group::Staging, Environment::Staging, word != "stage"),
        (Group::Development, Environment::Development, word == "dev"),
        (Group::Testing, Environment::Test, matches!(word, "qa" | "sandbox")),
        (Group::Preview, Environment::Preview, false),
    ];
    groups.into_iter().find(|(group, ..)| is(*group, word)).map(|(_, environment, sure)| (environment, sure))
}
